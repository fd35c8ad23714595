//! What was decided, and what was answered.

use std::sync::Arc;

use super::command::KeyUse;
use super::ids::{RsvpId, Seq, Ticket, UserId};
use super::person::Person;
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
    pub actor: UserId,
    /// What happened.
    pub fact: Fact,
    /// On the first event of a command that carried a key: what is needed to answer the key again.
    pub keyed: Option<Box<Keyed>>,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// A person came in, or came back, and was confirmed or waits.
    Entered(Box<Entered>),
    /// The scan gave a waiting RSVP its spots.
    Promoted {
        /// Which one.
        rsvp: RsvpId,
        /// Its ticket.
        ticket: Ticket,
        /// The spots that it got.
        spots: u32,
        /// The earlier party that still waits and was passed, if any.
        past: Option<Ticket>,
    },
    /// An RSVP changed.
    Updated {
        /// Which one.
        rsvp: RsvpId,
        /// Where it stands, as before.
        status: Status,
        /// Its ticket: a new one where a waiting party grew.
        ticket: Ticket,
        /// The people it brings, now.
        guest_count: u16,
        /// Its person's wishes, now.
        special_requirements: Option<Arc<str>>,
    },
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

/// A person came in, or came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entered {
    /// The RSVP: a new one, or the person's earlier one.
    pub rsvp: RsvpId,
    /// Who.
    pub person: Person,
    /// By which name.
    pub name: Arc<str>,
    /// Confirmed or waitlisted.
    pub status: Status,
    /// Where it stood before, if the person comes back.
    pub previous: Option<Status>,
    /// The people who come along.
    pub guest_count: u16,
    /// Wishes, in the person's own words.
    pub special_requirements: Option<Arc<str>>,
    /// The ticket that was taken.
    pub ticket: Ticket,
}

impl Fact {
    /// The stable name of the kind that clients and tables see.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Entered(entered) => match entered.status {
                Status::Waitlisted => "waitlisted",
                Status::Confirmed | Status::Cancelled(_) => "confirmed",
            },
            Self::Promoted { .. } => "promoted",
            Self::Updated { .. } => "updated",
            Self::Cancelled { .. } => "cancelled",
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
            Self::Promoted { rsvp, .. } | Self::Updated { rsvp, .. } | Self::Cancelled { rsvp, .. } => {
                Some(*rsvp)
            }
            _ => None,
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

/// What a command that had an effect was answered, without the texts of the RSVP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The command's own last event.
    pub seq: Seq,
    /// The RSVP as it was right after the command, if the command was about one.
    pub rsvp: Option<Snapshot>,
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
        Self {
            id,
            status,
            guest_count,
            ticket,
            ahead: answered.ahead,
            version,
            generation,
            updated_at,
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
    /// The RSVP, if the command was about one.
    pub rsvp: Option<Answered>,
}
