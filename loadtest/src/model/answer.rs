//! What an activity answers: RSVPs as they then are, the events, the counts.

use super::event::Event;
use super::rejection::Rejection;
use super::rsvp::Status;

/// The answer to a command that was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The number of the command's last event; for a command without effect, that of the activity's last one.
    pub seq: u64,
    /// The RSVPs that the command was about, right after it.
    pub told: Told,
    /// Whether this is the first answer again.
    pub replayed: bool,
    /// Whether the command had an effect, now or, for a replay, then.
    pub changed: bool,
    /// What the command did; empty for a command without effect and for a replay.
    pub events: Vec<Event>,
}

impl Answer {
    /// The RSVP that the command was about, where it was about one.
    pub fn rsvp(&self) -> Option<&RsvpView> {
        match &self.told {
            Told::One(rsvp) => Some(rsvp),
            Told::Nothing | Told::Several(_) | Told::Each(_) => None,
        }
    }
}

/// What an answer tells of RSVPs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// The command was about the activity.
    Nothing,
    /// It was about one RSVP.
    One(RsvpView),
    /// It was about several: those of a group in the order of its list, giver and recipient of a transfer, or
    /// whoever was removed and promoted, in the order of the events.
    Several(Vec<RsvpView>),
    /// It was about several, each for itself, in the order of the list.
    Each(Vec<Result<RsvpView, Rejection>>),
}

/// An RSVP with its place in the line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RsvpView {
    /// Whose it is.
    pub person: String,
    /// Where it stands.
    pub status: Status,
    /// Guests beside the person.
    pub guest_count: u32,
    /// What the person asked for.
    pub special_requirements: Option<String>,
    /// The name that an update has set; none where it is still the one that the person came with.
    pub name: Option<String>,
    /// The ticket of its present life.
    pub ticket: u64,
    /// The place in the line, from 1; only while waiting.
    pub position: Option<u64>,
    /// Parties before it in the line; only while waiting.
    pub parties_ahead: Option<u64>,
    /// Spots of the parties before it in the line; only while waiting.
    pub spots_ahead: Option<u64>,
    /// The group with which it came.
    pub group: Option<u32>,
    /// Who booked it, if somebody else did.
    pub booked_by: Option<String>,
    /// Until when it may be accepted; only while offered.
    pub offer_expires_at_us: Option<i64>,
    /// When the person was at the door.
    pub checked_in_at_us: Option<i64>,
    /// Rises with every event of this RSVP.
    pub version: u64,
    /// Rises with every return after a cancel.
    pub generation: u64,
}

/// The counts that everybody may see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Spots in all.
    pub capacity: u64,
    /// Spots taken.
    pub confirmed_spots: u64,
    /// Spots held by offers.
    pub offered_spots: u64,
    /// Spots free; 0 where more are held than there are.
    pub available_spots: u64,
    /// Parties in the line.
    pub waitlisted_parties: u64,
    /// Spots that the line waits for.
    pub waitlisted_spots: u64,
    /// The number of the last event.
    pub seq: u64,
}
