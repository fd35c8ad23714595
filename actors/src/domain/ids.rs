//! Identifiers and order numbers.
//!
//! Each is a type of its own, so that a ticket cannot be passed where a sequence number is meant. None of
//! them is made here: identifiers are arguments (see [`crate::ports::IdSource`]).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier as a plain UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

id!(
    /// One activity: a thing with seats that people reserve.
    ActivityId
);
id!(
    /// One RSVP. It stays the same when a person cancels and comes back.
    RsvpId
);
id!(
    /// One account, as named by the `sub` of an access token. There need not be a row for it.
    UserId
);
id!(
    /// A party that was booked together and is confirmed or waits together.
    GroupId
);
id!(
    /// One organization that owns activities.
    OrganizationId
);
id!(
    /// One batch of decisions on its way to the journal; unique, so that a commit of unknown outcome can be
    /// recognised afterwards.
    BatchId
);

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number that follows.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Number of an event within its activity: 1 for the first, without gaps, below 2^53. As the state of an
    /// activity it is the number of the last event applied, 0 for none.
    Seq
);
number!(
    /// Place in the order of arrival of one activity: increasing, never reused, below 2^53. The first is 1.
    Ticket
);
number!(
    /// The number of the history that clients have seen: it rises only when that may have gone backwards, as after
    /// restoring a backup. Clients see it as `epoch`.
    History
);
number!(
    /// Fences the owner of an activity: raised whenever ownership may have changed. Known to the journal and
    /// the engine alone, never shown to clients.
    OwnerEpoch
);
