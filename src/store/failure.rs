//! What kind of failure a database's error is, on every kind of database.

use super::{postgres, sqlite};

/// What whoever asked can make of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// What the statement contains is refused, and would be again; nothing was written.
    Refused,
    /// There is no room, no access, or somebody else's lock. Nothing was written; later it may work.
    Unavailable,
    /// The connection is lost. Whatever was under way may have been written or not.
    Lost,
    /// Something else that the database said; nothing was written.
    Other,
}

/// Tells failures apart.
pub(super) fn failure(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(reason) => match reason.code() {
            // The standard's codes have five characters, SQLite's at most four.
            Some(code) if code.len() == 5 => postgres::failure(&code),
            code => sqlite::failure(code.as_deref()),
        },
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Failure::Unavailable,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            Failure::Lost
        }
        _ => Failure::Other,
    }
}

/// Whether the connection is gone.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    failure(error) == Failure::Lost
}
