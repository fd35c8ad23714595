//! What can become of a command other than an answer.

use crate::domain::Rejection;

/// Why a command was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EngineError {
    /// It was judged and refused.
    #[error("refused: {}", .0.code())]
    Rejected(Rejection),
    /// More commands are under way than the engine takes on. Nothing was done.
    #[error("too many commands are under way")]
    Overloaded,
    /// The activity cannot be served now. Whether the command had an effect may be unknown; asking again with
    /// the same key is safe.
    #[error("the activity cannot be served now")]
    Unavailable,
    /// It could not be found out in time whether the command had an effect. Asking again with the same key
    /// tells.
    #[error("the outcome of the command is unknown")]
    UnknownOutcome,
    /// The engine is about to stop and takes no new commands.
    #[error("the engine is about to stop")]
    Draining,
    /// The journal refuses what the command leads to. Nothing was done.
    #[error("the journal refuses what the command leads to")]
    Internal,
}

impl EngineError {
    /// The code that clients are written against.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Draining => "draining",
            Self::Internal => "internal",
        }
    }
}

impl From<Rejection> for EngineError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
