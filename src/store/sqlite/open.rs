//! Opening a database file: making what is missing, keeping a second server out, and connecting.

use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::Writer;
use crate::config::SqliteFile;
use crate::kept::make_folder;
use crate::store::db::{ACQUIRE_TIMEOUT, LOOKUP_CONNECTIONS};
use crate::store::lock::ServerLock;
use crate::store::{Db, OpenError};

/// How long SQLite waits for a lock that another process holds, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the file, which is there.
pub(in crate::store) async fn open(
    file: &SqliteFile,
    readers: u32,
    lock: Option<ServerLock>,
) -> Result<Db, OpenError> {
    let failed = |error| OpenError::Open(file.path().display().to_string(), error);
    let options = || {
        let options = SqliteConnectOptions::new()
            .filename(file.path())
            .busy_timeout(BUSY_TIMEOUT);
        // The library would log statements that are slow, with what is bound to them left out, at its own
        // levels; what is slow is for metrics to say.
        sqlx::ConnectOptions::disable_statement_logging(options)
    };
    let writing = options()
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged must survive a loss of power, not only of the process.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    let write = pool(1).connect_with(writing).await.map_err(failed)?;
    let reading = || options().read_only(true);
    let read = pool(readers).connect_with(reading()).await.map_err(failed)?;
    let lookup = pool(LOOKUP_CONNECTIONS)
        .connect_with(reading())
        .await
        .map_err(failed)?;
    Ok(Db::Sqlite {
        write: Writer::new(write),
        read,
        lookup,
        lock,
    })
}

/// Connections to a file do not go bad by themselves, so none is tested, replaced or closed for its age.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Makes what is missing of the folder and the file, and takes the lock.
pub(in crate::store) fn prepare(file: &SqliteFile) -> Result<Option<ServerLock>, OpenError> {
    make_folder(file.folder()).map_err(|error| OpenError::Files(file.folder().to_owned(), error))?;
    make_file(file.path()).map_err(|error| OpenError::Files(file.path().to_owned(), error))?;
    ServerLock::take(file.path()).map_err(|error| OpenError::Files(ServerLock::path(file.path()), error))
}

/// The folder may have been there, open to others; the file is not. SQLite takes an empty file for an empty
/// database, and gives the files that it puts beside it the same permissions.
fn make_file(path: &Path) -> io::Result<()> {
    let mut options = std::fs::File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
