//! What was decided, and what was answered.

use std::sync::Arc;

use super::command::KeyUse;
use super::ids::{GroupId, RsvpId, Seq, Ticket, UserId};
use super::person::Person;
use super::rejection::Rejection;
use super::rsvp::{CancelReason, Rsvp, Status};
use super::settings::SharedSettings;
use super::time::Timestamp;
use super::waitlist::Ahead;

/// One decided fact. The events of an activity, in order, are its whole history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its number within the activity.
    pub seq: Seq,
    /// The stamp of the command that caused it.
    pub at: Timestamp,
    /// Whose command caused it.
    pub actor: Actor,
    /// What happened.
    pub fact: Fact,
    /// On the first event of a command that carried a key: what is needed to answer the key again.
    pub keyed: Option<Box<Keyed>>,
}

/// Whose command caused something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    /// That of somebody with an account.
    User(UserId),
    /// That of somebody without one, known by their RSVP.
    Guest(RsvpId),
    /// Nobody's: time has passed.
    System,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// A person came in, came back, or took over somebody's place.
    Entered(Box<Entered>),
    /// A waiting RSVP got its spots, or an offer of them.
    Promoted(Promoted),
    /// An RSVP whose party was offered spots is confirmed.
    Accepted {
        /// Which one.
        rsvp: RsvpId,
        /// Its ticket.
        ticket: Ticket,
        /// Its spots.
        spots: u32,
    },
    /// An RSVP changed.
    Updated(Box<Updated>),
    /// An RSVP ended.
    Cancelled {
        /// Which one.
        rsvp: RsvpId,
        /// Where it stood.
        previous: Status,
        /// Why.
        reason: CancelReason,
        /// The ticket that it had.
        ticket: Ticket,
        /// The spots that it gave back or waited for.
        spots: u32,
    },
    /// The person of an RSVP came in at the door.
    CheckedIn {
        /// Which one.
        rsvp: RsvpId,
        /// Its ticket.
        ticket: Ticket,
        /// Its spots.
        spots: u32,
    },
    /// The person of an RSVP had not come in after all.
    CheckInUndone {
        /// Which one.
        rsvp: RsvpId,
        /// Its ticket.
        ticket: Ticket,
        /// Its spots.
        spots: u32,
    },
    /// The host changed settings other than the capacity and the pause.
    ActivityUpdated {
        /// All settings as they are now; capacity and pause as they were.
        settings: SharedSettings,
    },
    /// The host changed the capacity.
    CapacityChanged {
        /// The new capacity, in spots.
        capacity: u32,
    },
    /// The host holds promotion back.
    WaitlistPaused,
    /// The host lets promotion go on.
    WaitlistResumed,
    /// The host ended the activity, and with it every live RSVP.
    ActivityCancelled,
}

/// A person came in, came back, or took over somebody's place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entered {
    /// The RSVP: a new one, or the person's earlier one.
    pub rsvp: RsvpId,
    /// Who.
    pub person: Person,
    /// By which name.
    pub name: Arc<str>,
    /// Confirmed or waitlisted; offered only in the place of somebody else.
    pub status: Status,
    /// Where it stood before, if the person comes back.
    pub previous: Option<Status>,
    /// The people who come along.
    pub guest_count: u16,
    /// Wishes, in the person's own words.
    pub special_requirements: Option<Arc<str>>,
    /// The ticket that was taken, by the whole party if there is one.
    pub ticket: Ticket,
    /// The party that it belongs to, if there are others in it.
    pub group: Option<GroupId>,
    /// Who booked it for its person, if somebody else did.
    pub booked_by: Option<UserId>,
    /// Whose place was taken over, if it was: with it came the ticket and what it held.
    pub place_of: Option<PlaceOf>,
}

/// The place that somebody took over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlaceOf {
    /// The RSVP that had it.
    pub rsvp: RsvpId,
    /// Until when the offer can be accepted that came with it.
    pub offer_expires_at: Option<Timestamp>,
}

/// A waiting RSVP got its spots, or an offer of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promoted {
    /// Which one.
    pub rsvp: RsvpId,
    /// The ticket of its party.
    pub ticket: Ticket,
    /// Its own spots.
    pub spots: u32,
    /// Until when its party can accept, if the spots are only offered.
    pub offer_expires_at: Option<Timestamp>,
    /// How it came about.
    pub why: Why,
}

impl Promoted {
    /// Where the RSVP stands now.
    pub const fn status(&self) -> Status {
        match self.offer_expires_at {
            None => Status::Confirmed,
            Some(_) => Status::Offered,
        }
    }
}

/// How a promotion came about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It was the party's turn.
    Turn,
    /// An earlier party, which still waits, needed more than was free.
    Past(Passed),
    /// The host did it by hand, which counts as passing nobody.
    Host,
}

/// A party that was passed, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passed {
    /// Its ticket: of several the first.
    pub ticket: Ticket,
    /// The spots that it needs.
    pub needs: u32,
    /// The spots that were free.
    pub free: u32,
}

/// An RSVP changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Updated {
    /// Which one.
    pub rsvp: RsvpId,
    /// Where it stands, as before.
    pub status: Status,
    /// Its ticket: a new one where its waiting party grew.
    pub ticket: Ticket,
    /// The people it brings, now.
    pub guest_count: u16,
    /// Its person's wishes, now.
    pub special_requirements: Option<Arc<str>>,
    /// Its person's name, now.
    pub name: Arc<str>,
}

impl Fact {
    /// The stable name of the kind that clients and tables see.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Entered(entered) => entered.status.name(),
            Self::Promoted(promoted) => match promoted.offer_expires_at {
                None => "promoted",
                Some(_) => "offered",
            },
            Self::Accepted { .. } => "accepted",
            Self::Updated(_) => "updated",
            Self::Cancelled { reason, .. } => match reason {
                CancelReason::Transferred => "transferred",
                CancelReason::OfferDeclined => "declined",
                CancelReason::OfferExpired => "expired",
                CancelReason::ByAttendee | CancelReason::ByHost | CancelReason::ActivityCancelled => {
                    "cancelled"
                }
            },
            Self::CheckedIn { .. } => "checked_in",
            Self::CheckInUndone { .. } => "check_in_undone",
            Self::ActivityUpdated { .. } => "activity_updated",
            Self::CapacityChanged { .. } => "capacity_changed",
            Self::WaitlistPaused => "waitlist_paused",
            Self::WaitlistResumed => "waitlist_resumed",
            Self::ActivityCancelled => "activity_cancelled",
        }
    }

    /// Whether it is about the activity as a whole.
    pub fn is_about_the_activity(&self) -> bool {
        self.rsvp().is_none()
    }

    /// The RSVP that it is about, if it is about one.
    pub fn rsvp(&self) -> Option<RsvpId> {
        match self {
            Self::Entered(entered) => Some(entered.rsvp),
            Self::Promoted(promoted) => Some(promoted.rsvp),
            Self::Updated(updated) => Some(updated.rsvp),
            Self::Accepted { rsvp, .. }
            | Self::Cancelled { rsvp, .. }
            | Self::CheckedIn { rsvp, .. }
            | Self::CheckInUndone { rsvp, .. } => Some(*rsvp),
            Self::ActivityUpdated { .. }
            | Self::CapacityChanged { .. }
            | Self::WaitlistPaused
            | Self::WaitlistResumed
            | Self::ActivityCancelled => None,
        }
    }
}

/// A key, and the answer that goes with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keyed {
    /// The key and its fingerprint.
    pub key: KeyUse,
    /// What was answered.
    pub outcome: Outcome,
}

/// What a command that had an effect was answered, without the texts of the RSVPs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The command's own last event.
    pub seq: Seq,
    /// The RSVPs as they were right after the command.
    pub told: Told<Snapshot>,
}

/// Which RSVPs a command is answered with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told<T> {
    /// None: it was about the activity as a whole.
    Nothing,
    /// The one that it was about.
    One(T),
    /// Those that it was about, in its order.
    Several(Vec<T>),
    /// What became of each of those who wanted in, in its order.
    Each(Vec<Result<T, Rejection>>),
}

impl<T> Told<T> {
    /// The same about something else.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Told<U> {
        match self {
            Self::Nothing => Told::Nothing,
            Self::One(one) => Told::One(change(one)),
            Self::Several(several) => Told::Several(several.into_iter().map(change).collect()),
            Self::Each(each) => Told::Each(each.into_iter().map(|result| result.map(&mut change)).collect()),
        }
    }

    /// The same by reference.
    pub fn as_ref(&self) -> Told<&T> {
        match self {
            Self::Nothing => Told::Nothing,
            Self::One(one) => Told::One(one),
            Self::Several(several) => Told::Several(several.iter().collect()),
            Self::Each(each) => Told::Each(
                each.iter()
                    .map(|result| result.as_ref().map_err(Rejection::clone))
                    .collect(),
            ),
        }
    }

    /// All RSVPs that are told, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (one, several, each) = match self {
            Self::Nothing => (None, None, None),
            Self::One(one) => (Some(one), None, None),
            Self::Several(several) => (None, Some(several.iter()), None),
            Self::Each(each) => (
                None,
                None,
                Some(each.iter().filter_map(|result| result.as_ref().ok())),
            ),
        };
        one.into_iter()
            .chain(several.into_iter().flatten())
            .chain(each.into_iter().flatten())
    }
}

/// An RSVP at one moment, without texts and what never changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Which one.
    pub id: RsvpId,
    /// Where it stood.
    pub status: Status,
    /// The people it brought.
    pub guest_count: u16,
    /// Its ticket.
    pub ticket: Ticket,
    /// Who was ahead, if it waited.
    pub ahead: Option<Ahead>,
    /// Its version.
    pub version: u32,
    /// Its generation.
    pub generation: u32,
    /// When it had last changed.
    pub updated_at: Timestamp,
    /// When its person had come in.
    pub checked_in_at: Option<Timestamp>,
    /// Until when its party could accept an offer.
    pub offer_expires_at: Option<Timestamp>,
}

impl Snapshot {
    /// What it was at that moment.
    pub fn of(answered: &Answered) -> Self {
        let Rsvp {
            id,
            status,
            guest_count,
            ticket,
            version,
            generation,
            updated_at,
            ..
        } = answered.rsvp;
        let (checked_in_at, offer_expires_at) =
            (answered.rsvp.checked_in_at(), answered.rsvp.offer_expires_at());
        Self {
            id,
            status,
            guest_count,
            ticket,
            ahead: answered.ahead,
            version,
            generation,
            updated_at,
            checked_in_at,
            offer_expires_at,
        }
    }

    /// The RSVP as it was at that moment, with the texts that it has now.
    pub fn restore(self, mut rsvp: Rsvp) -> Answered {
        rsvp.status = self.status;
        rsvp.guest_count = self.guest_count;
        rsvp.ticket = self.ticket;
        rsvp.version = self.version;
        rsvp.generation = self.generation;
        rsvp.updated_at = self.updated_at;
        rsvp.change_extras(|extras| {
            extras.checked_in_at = self.checked_in_at;
            extras.offer_expires_at = self.offer_expires_at;
        });
        Answered {
            rsvp,
            ahead: self.ahead,
        }
    }
}

/// An RSVP as told to somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// The RSVP itself.
    pub rsvp: Rsvp,
    /// Who is ahead of it, if it waits.
    pub ahead: Option<Ahead>,
}

/// The answer to a command that was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The command's own last event; of a command without effect, the last event before it.
    pub seq: Seq,
    /// Whether this repeats an earlier answer to the same key.
    pub replayed: bool,
    /// Whether the command had an effect, now or when it was first answered.
    pub changed: bool,
    /// The RSVPs that the command was about.
    pub told: Told<Answered>,
}

impl Answer {
    /// The RSVP, if the command was about one.
    pub fn rsvp(&self) -> Option<&Answered> {
        match &self.told {
            Told::One(answered) => Some(answered),
            Told::Nothing | Told::Several(_) | Told::Each(_) => None,
        }
    }

    /// The same, taken out of the answer.
    pub fn into_rsvp(self) -> Option<Answered> {
        match self.told {
            Told::One(answered) => Some(answered),
            Told::Nothing | Told::Several(_) | Told::Each(_) => None,
        }
    }
}
