//! The database: opening it, migrating it, and running one text of SQL on whichever kind it is.
//!
//! Queries are written once, in the subset of SQL that SQLite and Postgres share, with `$1` placeholders, and
//! run by [`on_db!`] or [`in_transaction!`]. Those macros are the only places that know the variants of [`Db`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use turnout_actors::ports::{Clock, Journal};

use super::journal::SqliteJournal;
use super::lock::{self, ServerLock};
use super::sqlite::Writer;
use crate::config::SqliteFile;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long SQLite waits for a lock that another process holds, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a query waits for a free connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections for looking up what commands depend on. Such queries are short, but for loading an activity.
const LOOKUP_CONNECTIONS: u32 = 4;

/// A database that is open and has the current schema. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// A file, used by this process alone.
    Sqlite {
        /// The way to the one connection that writes.
        write: Writer,
        /// Connections that can only read, and always see the last committed state.
        read: SqlitePool,
        /// A few more of those that commands depend on, so that no list, however slow, keeps them from it.
        lookup: SqlitePool,
        /// Keeps a second server out.
        lock: Option<DbLock>,
    },
}

/// Proof that no other server uses the same file.
#[derive(Clone, Debug)]
pub struct DbLock(ServerLock);

/// Why a database cannot be opened, in one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server is using it.
    #[error("another server is using {database} (it holds {lock})", database = .0.display(), lock = lock::path(.0).display())]
    InUse(PathBuf),
    /// The folder or the lock file cannot be made.
    #[error("cannot make {path}", path = .0.display())]
    Files(PathBuf, #[source] io::Error),
    /// It is not a database, or cannot be read or written.
    #[error("cannot open {path}", path = .0.display())]
    Open(PathBuf, #[source] sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("cannot migrate {path}", path = .0.display())]
    Migrate(PathBuf, #[source] MigrateError),
}

/// Runs a query on a connection pool: `on_db!(db.read, |pool| …)`, or `on_db!(db.lookup, …)` for what a command
/// depends on.
///
/// The expression is compiled once for each kind of database, with `pool` being that kind's, so a query's row
/// and argument types must fit them all.
///
/// ```text
/// let query = "SELECT name FROM users WHERE id = $1";
/// let name: Option<String> =
///     on_db!(db.read, |pool| sqlx::query_scalar(query).bind(id).fetch_optional(pool).await)?;
/// ```
macro_rules! on_db {
    ($db:ident . $purpose:ident, |$pool:ident| $run:expr) => {
        match &$db {
            $crate::store::Db::Sqlite { $purpose: $pool, .. } => $run,
        }
    };
}

/// Runs an expression in a transaction that writes, and commits: `in_transaction!(db, |tx| { … })`, where `tx`
/// is a connection to pass on as `&mut *tx`.
///
/// `?` inside leaves the surrounding function, and thereby rolls back. Nobody else writes meanwhile, so what
/// was read in it still holds when it writes.
macro_rules! in_transaction {
    ($db:ident, |$tx:ident| $run:expr) => {
        match &$db {
            $crate::store::Db::Sqlite { write, .. } => {
                let mut writing = write.begin().await?;
                let $tx = writing.connection();
                let outcome = $run;
                writing.commit().await?;
                outcome
            }
        }
    };
}

pub(crate) use {in_transaction, on_db};

impl Db {
    /// Opens the database for a server: makes it if it is missing, keeps other servers out, and brings the
    /// schema up to date.
    pub async fn open(file: &SqliteFile, readers: u32) -> Result<Self, OpenError> {
        let path = file.path();
        let lock = prepare(file)?.ok_or_else(|| OpenError::InUse(path.to_owned()))?;
        let db = Self::connect(path, readers, Some(lock)).await?;
        db.migrate(path).await?;
        Ok(db)
    }

    /// Opens the database for a command, which may run beside a server. The schema is brought up to date
    /// unless a server is there, which has done so.
    pub async fn open_beside_a_server(file: &SqliteFile) -> Result<Self, OpenError> {
        let path = file.path();
        let lock = prepare(file)?;
        let alone = lock.is_some();
        let db = Self::connect(path, 1, lock).await?;
        if alone {
            db.migrate(path).await?;
        }
        Ok(db)
    }

    /// The journal that the engine writes to this database. The clock tells which keys are still kept.
    pub fn journal(&self, clock: Arc<dyn Clock>) -> Arc<dyn Journal> {
        match self {
            Self::Sqlite { write, lookup, .. } => {
                Arc::new(SqliteJournal::new(write.clone(), lookup.clone(), clock))
            }
        }
    }

    /// Waits for queries in flight, closes all connections and lets the next server in.
    pub async fn close(&self) {
        match self {
            Self::Sqlite {
                write,
                read,
                lookup,
                lock,
            } => {
                // The writer goes last: its end folds the write-ahead log into the file.
                read.close().await;
                lookup.close().await;
                write.pool().close().await;
                if let Some(DbLock(lock)) = lock {
                    lock.release();
                }
            }
        }
    }

    async fn connect(path: &Path, readers: u32, lock: Option<ServerLock>) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Open(path.to_owned(), error);
        let options = || {
            let options = SqliteConnectOptions::new()
                .filename(path)
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
        Ok(Self::Sqlite {
            write: Writer::new(write),
            read,
            lookup,
            lock: lock.map(DbLock),
        })
    }

    async fn migrate(&self, path: &Path) -> Result<(), OpenError> {
        match self {
            Self::Sqlite { write, .. } => SQLITE_MIGRATIONS
                .run(write.pool())
                .await
                .map_err(|error| OpenError::Migrate(path.to_owned(), error)),
        }
    }
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
fn prepare(file: &SqliteFile) -> Result<Option<ServerLock>, OpenError> {
    make_folder(file.folder()).map_err(|error| OpenError::Files(file.folder().to_owned(), error))?;
    make_file(file.path()).map_err(|error| OpenError::Files(file.path().to_owned(), error))?;
    ServerLock::take(file.path()).map_err(|error| OpenError::Files(lock::path(file.path()), error))
}

/// The folder will hold password hashes, personal data and a signing secret: for its owner alone.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut maker = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.recursive(true).create(folder)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};
    use crate::store::StoreError;

    fn file(folder: &Path) -> SqliteFile {
        let url = format!("sqlite://{}", folder.join("new/turnout.db").display());
        let environment = vec![("TURNOUT_DATABASE_URL".into(), url.into())];
        Config::load(Sources {
            environment,
            ..Sources::default()
        })
        .unwrap()
        .database
    }

    #[tokio::test]
    async fn a_second_server_is_kept_out_until_the_first_has_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let first = Db::open(&file, 1).await.unwrap();

        let refusal = Db::open(&file, 1).await.unwrap_err();
        assert!(matches!(refusal, OpenError::InUse(_)));
        assert!(
            refusal.to_string().starts_with("another server is using "),
            "{refusal}"
        );

        first.close().await;
        Db::open(&file, 1).await.unwrap().close().await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_database_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        std::fs::create_dir(file.folder()).unwrap();
        let db = Db::open(&file, 1).await.unwrap();
        for ending in ["", "-wal", "-shm"] {
            let name = format!("{}{ending}", file.path().display());
            let mode = std::fs::metadata(&name).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        db.close().await;
    }

    #[tokio::test]
    async fn a_command_may_run_beside_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let server = Db::open(&file, 1).await.unwrap();
        let command = Db::open_beside_a_server(&file).await.unwrap();
        command.close().await;
        assert!(
            matches!(Db::open(&file, 1).await, Err(OpenError::InUse(_))),
            "the server's lock still holds"
        );
        server.close().await;
    }

    #[tokio::test]
    async fn an_acknowledged_write_is_on_disk_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&file(folder.path()), 1).await.unwrap();

        let Db::Sqlite {
            write, read, lookup, ..
        } = &db;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(write.pool())
            .await
            .unwrap();
        assert_eq!(synchronous, 2, "FULL");

        let delete = "DELETE FROM users";
        assert!(sqlx::query(delete).execute(write.pool()).await.is_ok());
        assert!(sqlx::query(delete).execute(read).await.is_err());
        assert!(sqlx::query(delete).execute(lookup).await.is_err());
        db.close().await;
    }

    #[tokio::test]
    async fn a_transaction_that_fails_leaves_nothing_behind() {
        async fn try_to_add(db: &Db, fail: bool) -> Result<(), StoreError> {
            let db = db.clone();
            let insert = "INSERT INTO revoked_sessions (sid, revoked_at, forget_at) VALUES ($1, $2, $3)";
            in_transaction!(db, |tx| {
                sqlx::query(insert)
                    .bind(&b"1"[..])
                    .bind(1_i64)
                    .bind(2_i64)
                    .execute(&mut *tx)
                    .await?;
                if fail {
                    sqlx::query("SELECT nonsense").execute(&mut *tx).await?;
                }
            });
            Ok(())
        }
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&file(folder.path()), 1).await.unwrap();

        assert!(matches!(try_to_add(&db, true).await, Err(StoreError::Failed(_))));
        assert!(
            try_to_add(&db, false).await.is_ok(),
            "the first attempt was rolled back"
        );
        assert!(matches!(try_to_add(&db, false).await, Err(StoreError::Failed(_))));
        db.close().await;
    }
}
