//! What a database's errors mean to the engine.

use turnout_actors::ports::{Cause, JournalError};

use crate::store::failure::{Failure, failure};
use crate::store::sqlite::exit_if_sync_failed;

/// An error before anything could have been committed: nothing was written.
pub(super) fn before_commit(error: sqlx::Error) -> JournalError {
    exit_if_sync_failed(&error);
    match (&error, failure(&error)) {
        (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }, _) => corrupt(error),
        (_, Failure::Refused) => JournalError::Aborted(error.into()),
        (_, Failure::Unavailable | Failure::Lost | Failure::Other) => JournalError::Unavailable(error.into()),
    }
}

/// An error that may have hit the commit itself: what the database did not answer is not known.
pub(super) fn in_doubt(error: sqlx::Error) -> JournalError {
    match failure(&error) {
        Failure::Lost => JournalError::Unknown(error.into()),
        Failure::Refused | Failure::Unavailable | Failure::Other => before_commit(error),
    }
}

/// What is stored contradicts itself.
pub(super) fn corrupt(error: impl Into<Cause>) -> JournalError {
    JournalError::Corrupt(error.into())
}
