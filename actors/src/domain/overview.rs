//! What can be told of an activity as a whole, without its RSVPs.

use super::head::Head;
use super::ids::{ActivityId, Seq, Ticket};
use super::settings::SharedSettings;
use super::time::Timestamp;
use super::waitlist::Waitlist;

/// How full an activity is, as of event `seq`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Spots in all.
    pub capacity: u32,
    /// Spots of confirmed RSVPs.
    pub confirmed_spots: u32,
    /// Spots held by offers.
    pub offered_spots: u32,
    /// Spots that are free: never negative, also after the capacity was cut.
    pub available_spots: u32,
    /// Parties that wait.
    pub waitlisted_parties: u64,
    /// The spots that they need together.
    pub waitlisted_spots: u64,
    /// The last event that these counts include.
    pub seq: Seq,
}

/// An activity without its RSVPs: what anybody who may see it can be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overview {
    /// Which activity.
    pub id: ActivityId,
    /// What the host set.
    pub settings: SharedSettings,
    /// How full it is.
    pub counts: Counts,
    /// Spots of those who came in.
    pub checked_in_spots: u32,
    /// The ticket of the first party that waits.
    pub first_ticket: Option<Ticket>,
    /// When it was cancelled, if it was.
    pub cancelled_at: Option<Timestamp>,
    /// Rises with every change of the settings or the status, from 1.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings or status last changed.
    pub updated_at: Timestamp,
}

impl Overview {
    /// An activity that was just made.
    pub fn of_new(id: ActivityId, settings: SharedSettings, at: Timestamp) -> Self {
        super::activity::overview(id, &Head::new(settings, at), &Waitlist::default())
    }
}
