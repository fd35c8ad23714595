//! State that the connections of a run share. It owns the decision what a lock does after a panic elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tally::Tally;

/// The counts of a run, shared by its connections.
pub type SharedTally = Arc<Mutex<Tally>>;

/// Locks, also after a panic elsewhere: what is shared here is whole at every moment.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
