//! The engine's only source of time.

use crate::domain::Timestamp;

/// Tells the time. Commands are stamped with it on arrival and judged by the stamp.
pub trait Clock: Send + Sync + 'static {
    /// The time of day. It should not go backwards within a process; where it does, the engine holds each
    /// activity's stamps back from following it.
    fn now(&self) -> Timestamp;
}
