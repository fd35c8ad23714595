//! Storage: SQL and nothing else. Decides nothing, and no other part of the server sees a query.

pub mod accounts;
pub mod activities;
mod db;
pub mod events;
mod failure;
mod journal;
mod lock;
pub mod meta;
mod postgres;
pub mod rsvps;
mod sqlite;

use self::failure::Failure;

pub use db::{Db, OpenError};
pub(crate) use db::{in_transaction, on_db};
pub use journal::SqliteJournal;
pub use lock::ServerLock;
pub use postgres::Node;

/// What a query can fail with, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is too busy; nothing was changed, later it may work.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else: a broken statement, schema or disk.
    #[error("a database query failed")]
    Failed(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        sqlite::exit_if_sync_failed(&error);
        match failure::failure(&error) {
            Failure::Unavailable | Failure::Lost => Self::Unavailable(error),
            Failure::Refused | Failure::Other => Self::Failed(error),
        }
    }
}

/// The `LIKE` pattern of whatever contains `text`; `\\` escapes. Its case is the database's to lower, as that of
/// what it is compared with: not every database knows the case of letters outside of ASCII.
fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
