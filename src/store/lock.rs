//! One server per database file: an exclusive lock on a file beside it.
//!
//! SQLite itself would let two servers in, and each would sell the seats that it believes are free.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The lock, held until released or until the process ends, however it ends.
#[derive(Clone, Debug)]
pub struct ServerLock(Arc<File>);

impl ServerLock {
    /// Takes the lock for a database file; `None` when another process holds it.
    pub(super) fn take(database: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path(database))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(Arc::new(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Lets the next server in.
    pub(super) fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the database's lock file stays locked until the process ends");
        }
    }
}

/// The lock file of a database file.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
