//! Why a command was refused: an ordinary answer with a stable code, never an error on its way to a 500.

use super::event::Answered;
use super::ids::RsvpId;
use super::settings::FieldError;

/// A command was judged and refused; nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// The principal may not do this.
    Forbidden,
    /// The manage token is of an earlier time of its RSVP.
    TokenRevoked,
    /// The key was used for something else before.
    KeyReused,
    /// The activity is over for good.
    ActivityCancelled,
    /// There is no such thing, or the principal may not know of it.
    NotFound,
    /// The version that the caller acted on is not the current one.
    VersionConflict(Box<Current>),
    /// The settings would break rules.
    Invalid(Vec<FieldError>),
    /// Entering has not begun.
    NotOpenYet {
        /// Milliseconds until it does, rounded up.
        opens_in_ms: u64,
    },
    /// Entering has ended.
    Closed,
    /// The time for giving spots back has ended.
    TooLate,
    /// The person has a live RSVP already.
    AlreadyReserved,
    /// The RSVP is cancelled already.
    AlreadyCancelled,
    /// The party is larger than what is ever allowed.
    PartyTooLarge {
        /// The limit that it exceeds: guests where `max_guests` is exceeded, spots where the capacity is.
        limit: u32,
    },
    /// The RSVP does not wait.
    NotWaitlisted,
    /// The RSVP has no offer, or its time is over.
    NotOffered,
    /// The RSVP is not confirmed.
    NotConfirmed,
    /// The code is of an earlier time of its RSVP, or of no RSVP here.
    InvalidCode,
    /// A party that grows or is promoted by hand needs spots that are not free.
    NoFreeSpots,
    /// All spots are taken and there is no waitlist.
    ActivityFull,
    /// All spots are taken and the waitlist is full.
    WaitlistFull,
    /// Of several that the command is about, this one is why.
    About(Box<(Which, Self)>),
}

/// One of several that a command is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// The one at this place in the list of those who want in, from 0.
    Member(u32),
    /// This RSVP.
    Rsvp(RsvpId),
}

/// What is there instead of the version that the caller expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Current {
    /// The RSVP as it is.
    Rsvp(Answered),
    /// The activity's version.
    Activity {
        /// The version now.
        version: u32,
    },
}

impl Rejection {
    /// The same, told of one of several.
    #[must_use]
    pub fn about(self, which: Which) -> Self {
        Self::About(Box::new((which, self)))
    }

    /// The code that clients are written against.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::TokenRevoked => "token_revoked",
            Self::KeyReused => "key_reused",
            Self::ActivityCancelled => "activity_cancelled",
            Self::NotFound => "not_found",
            Self::VersionConflict(_) => "version_conflict",
            Self::Invalid(_) => "validation_failed",
            Self::NotOpenYet { .. } => "not_open_yet",
            Self::Closed => "closed",
            Self::TooLate => "too_late",
            Self::AlreadyReserved => "already_reserved",
            Self::AlreadyCancelled => "already_cancelled",
            Self::PartyTooLarge { .. } => "party_too_large",
            Self::NotWaitlisted => "not_waitlisted",
            Self::NotOffered => "not_offered",
            Self::NotConfirmed => "not_confirmed",
            Self::InvalidCode => "invalid_code",
            Self::NoFreeSpots => "no_free_spots",
            Self::ActivityFull => "activity_full",
            Self::WaitlistFull => "waitlist_full",
            Self::About(about) => about.1.code(),
        }
    }
}
