//! The engine's only source of identifiers.

use uuid::Uuid;

/// Makes identifiers. Those of one process should rise with time (UUID version 7), so that rows are appended
/// to their indexes instead of scattered over them.
pub trait IdSource: Send + Sync + 'static {
    /// A new identifier that nobody else has.
    fn next(&self) -> Uuid;
}
