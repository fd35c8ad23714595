//! Storage: SQL and nothing else. Decides nothing, and no other part of the server sees a query.

pub mod accounts;
pub mod activities;
mod db;
pub mod events;
mod journal;
mod lock;
pub mod meta;
pub mod rsvps;

pub use db::{Db, OpenError};
pub(crate) use db::{in_transaction, on_db};
pub use journal::SqliteJournal;

/// What a query can fail with, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row with this unique value exists already.
    #[error("the value is taken")]
    Taken(#[source] sqlx::Error),
    /// The database cannot be reached or is too busy; nothing was changed, later it may work.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else: a broken statement, schema or disk.
    #[error("a database query failed")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(reason) if reason.is_unique_violation() => Self::Taken(error),
            sqlx::Error::Database(reason) if is_busy(reason.code().as_deref()) => Self::Unavailable(error),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error)
            }
            _ => Self::Failed(error),
        }
    }
}

/// SQLite's result codes for a lock that somebody else holds carry 5 or 6 in their low byte.
fn is_busy(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The `LIKE` pattern of whatever contains `text`, in lower case; `\\` escapes.
fn containing(text: &str) -> String {
    let escaped = text
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}
