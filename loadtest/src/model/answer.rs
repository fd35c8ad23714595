//! What an activity answers: an RSVP as it then is, the events, or a rejection with its stable code.

use std::fmt;

use super::rsvp::Status;

/// The answer to a command that was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The number of the command's last event; for a command without effect, that of the activity's last one.
    pub seq: u64,
    /// The RSVP right after the command; none where the command is about the activity.
    pub rsvp: Option<RsvpView>,
    /// Whether this is the first answer again.
    pub replayed: bool,
    /// What the command did; empty for a command without effect and for a replay.
    pub events: Vec<Event>,
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
    /// The ticket of its present life.
    pub ticket: u64,
    /// The place in the line, from 1; only while waiting.
    pub position: Option<u64>,
    /// Parties before it in the line; only while waiting.
    pub parties_ahead: Option<u64>,
    /// Spots of the parties before it in the line; only while waiting.
    pub spots_ahead: Option<u64>,
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
    /// Spots held.
    pub confirmed_spots: u64,
    /// Spots free; 0 where more are held than there are.
    pub available_spots: u64,
    /// Parties in the line.
    pub waitlisted_parties: u64,
    /// Spots that the line waits for.
    pub waitlisted_spots: u64,
    /// The number of the last event.
    pub seq: u64,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its number in the activity, from 1 without gaps.
    pub seq: u64,
    /// What happened.
    pub kind: EventKind,
    /// To whom; none for events of the activity as a whole.
    pub person: Option<String>,
    /// The ticket of the RSVP.
    pub ticket: Option<u64>,
    /// The spots of the RSVP after the event; for `cancelled` those that were given back.
    pub spots: Option<u64>,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A newcomer got spots at once.
    Confirmed,
    /// A newcomer joined the line.
    Waitlisted,
    /// A party left the line with spots.
    Promoted,
    /// The RSVP's guests or texts changed.
    Updated,
    /// The RSVP was given back or taken.
    Cancelled,
    /// A setting other than the capacity or the pause changed.
    ActivityUpdated,
    /// The capacity changed.
    CapacityChanged,
    /// The host paused promotion.
    WaitlistPaused,
    /// The host resumed promotion.
    WaitlistResumed,
    /// The activity ended for good.
    ActivityCancelled,
}

impl EventKind {
    /// The word for it in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Promoted => "promoted",
            Self::Updated => "updated",
            Self::Cancelled => "cancelled",
            Self::ActivityUpdated => "activity_updated",
            Self::CapacityChanged => "capacity_changed",
            Self::WaitlistPaused => "waitlist_paused",
            Self::WaitlistResumed => "waitlist_resumed",
            Self::ActivityCancelled => "activity_cancelled",
        }
    }
}

/// Why a command was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// Somebody else's, or the host's alone.
    Forbidden,
    /// The key was used for something else.
    KeyReused,
    /// The activity is over for good.
    ActivityCancelled,
    /// The person never reserved, or may not know of the activity.
    NotFound,
    /// The RSVP or the activity has another version than the one asked for.
    VersionConflict,
    /// The settings would not be valid.
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
    PartyTooLarge,
    /// A confirmed party cannot grow: too little is free, or somebody waits for it.
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
            Self::PartyTooLarge => "party_too_large",
            Self::NoFreeSpots => "no_free_spots",
            Self::ActivityFull => "activity_full",
            Self::WaitlistFull => "waitlist_full",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Rejection {}
