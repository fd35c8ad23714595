//! What the engine and the accounts answer instead of success, as problems: the one place that turns one into the other.

use serde_json::json;
use turnout_actors::EngineError;
use turnout_actors::domain::{ActivityId, Current, Rejection, Timestamp, Which};

use super::views::RsvpView;
use super::{Code, FieldError, Problem};
use crate::accounts::{AccountError, TokenError};
use crate::codes::InvalidCode;
use crate::store::StoreError;

/// An engine's error as the answer to a command or a question about this activity.
pub(crate) fn problem(error: EngineError, activity: ActivityId, now: Timestamp) -> Problem {
    match error {
        EngineError::Rejected(rejection) => rejected(rejection, activity, now),
        EngineError::Overloaded => Problem::new(Code::Overloaded),
        EngineError::Unavailable => Problem::new(Code::Unavailable),
        EngineError::UnknownOutcome => Problem::new(Code::UnknownOutcome),
        EngineError::Draining => Problem::new(Code::Draining),
        EngineError::Internal => Problem::internal(&EngineError::Internal),
    }
}

/// A command that was judged and refused, as it is told at this time.
pub(crate) fn rejected(rejection: Rejection, activity: ActivityId, now: Timestamp) -> Problem {
    match rejection {
        Rejection::Forbidden => Problem::new(Code::Forbidden),
        Rejection::TokenRevoked => Problem::new(Code::TokenRevoked),
        Rejection::KeyReused => Problem::new(Code::KeyReused),
        Rejection::ActivityCancelled => Problem::new(Code::ActivityCancelled),
        Rejection::NotFound => Problem::new(Code::NotFound),
        Rejection::VersionConflict(current) => {
            let current = match *current {
                // Only whoever may touch an RSVP gets as far as its version.
                Current::Rsvp(answered) => json!(RsvpView::new(activity, &answered, now)),
                Current::Activity { version } => json!({ "version": version }),
            };
            Problem::new(Code::VersionConflict).with("current", current)
        }
        Rejection::Invalid(errors) => Problem::validation(
            errors
                .into_iter()
                .map(|error| FieldError::new(error.field, error.message))
                .collect(),
        ),
        Rejection::NotOpenYet { opens_in_ms } => Problem::new(Code::NotOpenYet)
            .with("opens_in_ms", opens_in_ms)
            .retry_after_ms(opens_in_ms),
        Rejection::Closed => Problem::new(Code::Closed),
        Rejection::TooLate => Problem::new(Code::TooLate),
        Rejection::AlreadyReserved => Problem::new(Code::AlreadyReserved),
        Rejection::AlreadyCancelled => Problem::new(Code::AlreadyCancelled),
        Rejection::PartyTooLarge { limit } => Problem::new(Code::PartyTooLarge).with("limit", limit),
        Rejection::NotWaitlisted => Problem::new(Code::NotWaitlisted),
        Rejection::NotOffered => Problem::new(Code::NotOffered),
        Rejection::NotConfirmed => Problem::new(Code::NotConfirmed),
        Rejection::InvalidCode => Problem::new(Code::InvalidCode),
        Rejection::NoFreeSpots => Problem::new(Code::NoFreeSpots),
        Rejection::ActivityFull => Problem::new(Code::ActivityFull),
        Rejection::WaitlistFull => Problem::new(Code::WaitlistFull),
        Rejection::About(about) => {
            let (which, why) = *about;
            let problem = rejected(why, activity, now);
            match which {
                Which::Member(index) => problem.with("index", index),
                Which::Rsvp(rsvp) => problem.with("rsvp_id", json!(rsvp)),
            }
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        Self::new(match error {
            TokenError::Invalid => Code::Unauthenticated,
            TokenError::Expired => Code::TokenExpired,
            TokenError::ManageExpired => Code::ManageTokenExpired,
            TokenError::Revoked => Code::TokenRevoked,
        })
    }
}

impl From<InvalidCode> for Problem {
    fn from(_: InvalidCode) -> Self {
        Self::new(Code::InvalidCode)
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::AlreadyExists => {
                Self::new(Code::AlreadyExists).detail("There is an account with this e-mail address.")
            }
            AccountError::BadCredentials => Self::new(Code::BadCredentials),
            AccountError::Token(error) => error.into(),
            AccountError::Busy(_) => Self::new(Code::Overloaded),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::new(Code::Unavailable).caused_by(error),
            StoreError::Failed(_) => Self::internal(error),
        }
    }
}
