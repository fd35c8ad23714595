//! One server per file: an exclusive lock on another one beside it.
//!
//! SQLite itself would let two servers into a database, and each would sell the seats that it believes are free. Two
//! that find out from one file which node they are would take everything from each other.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The lock, held until released or until the process ends, however it ends.
#[derive(Clone, Debug)]
pub struct ServerLock(Arc<File>);

impl ServerLock {
    /// Takes the lock for a file, which need not be there; `None` when another process holds it.
    pub fn take(of: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(Self::path(of))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(Arc::new(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock file of a file.
    pub fn path(of: &Path) -> PathBuf {
        let mut name = of.as_os_str().to_owned();
        name.push(".lock");
        name.into()
    }

    /// Lets the next server in.
    pub(super) fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the database's lock file stays locked until the process ends");
        }
    }
}
