//! Why a command is refused, with a stable code, and about whom where several were named.

use std::fmt;

/// A rejection, and about whom it is where a command names several people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why.
    pub rejection: Rejection,
    /// About whom; none where there is no choice.
    pub about: Option<About>,
}

/// One of several people whom a command names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    /// The member of a group at this index of its list, from 0.
    Member(usize),
    /// This person.
    Person(String),
}

impl Refusal {
    /// The stable code of the interface.
    pub fn code(&self) -> &'static str {
        self.rejection.code()
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self {
            rejection,
            about: None,
        }
    }
}

/// Whomever it is about.
impl PartialEq<Rejection> for Refusal {
    fn eq(&self, rejection: &Rejection) -> bool {
        self.rejection == *rejection
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.about {
            None => write!(f, "{}", self.rejection),
            Some(About::Member(index)) => write!(f, "{} (member {index})", self.rejection),
            Some(About::Person(person)) => write!(f, "{} ({person})", self.rejection),
        }
    }
}

impl std::error::Error for Refusal {}

/// Why a command was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// Somebody else's, or the host's alone.
    Forbidden,
    /// The manage token is for another generation of the RSVP.
    TokenRevoked,
    /// The key was used for something else.
    KeyReused,
    /// The activity is over for good.
    ActivityCancelled,
    /// The person never reserved, or may not know of the activity.
    NotFound,
    /// The RSVP or the activity has another version than the one asked for.
    VersionConflict,
    /// The settings would not be valid, or the name is not for changing.
    Invalid,
    /// Before `opens_at`.
    NotOpenYet,
    /// At or after `closes_at`.
    Closed,
    /// At or after `cancel_until`.
    TooLate,
    /// The person has a live RSVP.
    AlreadyReserved,
    /// The RSVP is cancelled.
    AlreadyCancelled,
    /// More guests than allowed, or more spots than there are.
    PartyTooLarge {
        /// How many guests are allowed, or how many spots there are.
        limit: u32,
    },
    /// The RSVP does not wait.
    NotWaitlisted,
    /// The RSVP is no offer, or no longer one.
    NotOffered,
    /// The RSVP has no spots for certain.
    NotConfirmed,
    /// The code at the door is for another generation of the RSVP.
    InvalidCode,
    /// Too little is free, or somebody waits for it.
    NoFreeSpots,
    /// No spots free and there is no waitlist.
    ActivityFull,
    /// No spots free and the waitlist is full.
    WaitlistFull,
}

impl Rejection {
    /// The stable code of the interface.
    pub fn code(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::TokenRevoked => "token_revoked",
            Self::KeyReused => "key_reused",
            Self::ActivityCancelled => "activity_cancelled",
            Self::NotFound => "not_found",
            Self::VersionConflict => "version_conflict",
            Self::Invalid => "validation_failed",
            Self::NotOpenYet => "not_open_yet",
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
        }
    }

    /// The same rejection, about the member of a group at this index of its list.
    pub(super) fn of_member(self, index: usize) -> Refusal {
        Refusal {
            rejection: self,
            about: Some(About::Member(index)),
        }
    }

    /// The same rejection, about this one of several people.
    pub(super) fn of_person(self, person: &str) -> Refusal {
        Refusal {
            rejection: self,
            about: Some(About::Person(person.to_owned())),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Rejection {}
