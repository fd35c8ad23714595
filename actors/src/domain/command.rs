//! What can be ordered of an activity.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::ids::{GroupId, RsvpId};
use super::keys::KeyDigest;
use super::person::{Email, Person, Principal};
use super::settings::SettingsChange;
use super::time::Timestamp;

/// A command on its way to be judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Who gives it.
    pub by: Principal,
    /// When it arrived. The owner of the activity stamps it, never the caller.
    pub at: Timestamp,
    /// What is ordered.
    pub command: Command,
    /// The version that the caller acts on, if it named one.
    pub if_version: Option<u32>,
    /// The caller's idempotency key, if it sent one.
    pub key: Option<KeyUse>,
}

/// An idempotency key and what it was sent with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyUse {
    /// The key, scoped to its principal.
    pub digest: KeyDigest,
    /// Stands for the operation and its arguments; the same key with another fingerprint is an error.
    pub fingerprint: u64,
}

/// What is ordered. What is serialized is exactly what a fingerprint covers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A person wants in.
    Reserve(Reserve),
    /// Somebody wants in with others, or for others.
    ReserveGroup(ReserveGroup),
    /// An RSVP is to change.
    Update(Update),
    /// An RSVP is to end.
    Cancel(Target),
    /// The party of an RSVP takes the spots that it was offered.
    Accept(Target),
    /// The party of an RSVP does not want the spots that it was offered.
    Decline(Target),
    /// An RSVP goes over to somebody else, with what it holds.
    Transfer(Transfer),
    /// The host lets somebody in at the door.
    CheckIn(CheckIn),
    /// The host takes that back.
    UndoCheckIn(RsvpId),
    /// The host takes RSVPs away and promotes others by hand.
    Reassign(Reassign),
    /// The host sets something, the capacity and the waitlist's pause included.
    Change(Box<SettingsChange>),
    /// The host ends the activity.
    CancelActivity,
    /// Offers whose time is over end. The activity's owner gives this, nobody else.
    ExpireOffers,
}

/// A person wants in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reserve {
    /// The identifier for the RSVP if the person has none here yet.
    pub fresh: RsvpId,
    /// Who wants in.
    pub person: Person,
    /// The name of the person.
    pub name: Arc<str>,
    /// People who come along.
    pub guest_count: u16,
    /// Wishes, in the person's own words.
    pub special_requirements: Option<Arc<str>>,
}

/// The name of an account comes from its token, so it is no argument; that of a guest is.
impl Serialize for Reserve {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Arguments<'a> {
            person: &'a Person,
            guest_count: u16,
            special_requirements: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
        }
        Arguments {
            person: &self.person,
            guest_count: self.guest_count,
            special_requirements: self.special_requirements.as_deref(),
            name: match self.person {
                Person::User(_) => None,
                Person::Guest(_) => Some(&self.name),
            },
        }
        .serialize(serializer)
    }
}

/// Several people want in; whoever orders it is their booker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReserveGroup {
    /// Together, or each alone.
    pub mode: GroupMode,
    /// Who wants in, in the order in which they are judged and answered.
    pub members: Vec<Reserve>,
    /// The identifier of the party that they make, if they make one.
    #[serde(skip)]
    pub group: GroupId,
}

/// How several people come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// As one party: all of them or nobody, with one ticket, never split.
    All,
    /// Each for themselves.
    Each,
}

/// An RSVP is to change; what is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Update {
    /// Which RSVP.
    pub target: Target,
    /// How many people come along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_count: Option<u16>,
    /// New wishes, or none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub special_requirements: Option<Option<Arc<str>>>,
    /// A new name, of somebody without an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
}

/// An RSVP goes over to somebody known by an e-mail address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Transfer {
    /// Which RSVP.
    pub target: Target,
    /// Who gets it.
    pub to: Email,
    /// By which name.
    pub name: Arc<str>,
    /// The identifier for the RSVP of whoever gets it, if they have none here yet.
    #[serde(skip)]
    pub fresh: RsvpId,
}

/// The host lets somebody in at the door.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CheckIn {
    /// Whom.
    pub rsvp: RsvpId,
    /// The generation that the code at the door was made for, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// The host takes RSVPs away and promotes others by hand, all of it or nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reassign {
    /// Which RSVPs end; first, so that their spots can be given.
    pub remove: Vec<RsvpId>,
    /// Whose parties are promoted.
    pub promote: Promote,
}

/// Who is promoted by hand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promote {
    /// The parties of these RSVPs.
    These(Vec<RsvpId>),
    /// The next so many parties, or as many as wait.
    Next(u32),
}

/// Which RSVP is meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The one of the principal.
    Own,
    /// The one with this identifier.
    Rsvp(RsvpId),
}
