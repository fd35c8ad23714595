//! The small part of an activity's state: everything but its RSVPs, its waitlist and its keys.

use super::event::{Event, Fact};
use super::ids::{Seq, Ticket};
use super::rsvp::Status;
use super::settings::SharedSettings;
use super::time::Timestamp;

/// Settings, sums and counters of one activity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// What the host set.
    pub settings: SharedSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings or status last changed.
    pub updated_at: Timestamp,
    /// Rises with every change of the settings or the status, from 1.
    pub version: u32,
    /// When it was cancelled, if it was. Every RSVP that was live then reads as cancelled since.
    pub cancelled_at: Option<Timestamp>,
    /// Spots of confirmed RSVPs.
    pub confirmed_spots: u32,
    /// Spots held by offers.
    pub offered_spots: u32,
    /// Spots of those who came in.
    pub checked_in_spots: u32,
    /// What the spots taken may never exceed: the capacity, or what was taken when it was cut below that.
    pub capacity_limit: u32,
    /// The last event.
    pub seq: Seq,
    /// The last ticket taken.
    pub last_ticket: Ticket,
    /// The stamp of the last event. No later command is judged by an earlier time.
    pub stamped_at: Timestamp,
}

impl Head {
    /// A new activity without RSVPs.
    pub fn new(settings: SharedSettings, created_at: Timestamp) -> Self {
        Self {
            capacity_limit: settings.capacity,
            settings,
            created_at,
            updated_at: created_at,
            version: 1,
            cancelled_at: None,
            confirmed_spots: 0,
            offered_spots: 0,
            checked_in_spots: 0,
            seq: Seq(0),
            last_ticket: Ticket(0),
            stamped_at: created_at,
        }
    }

    /// Spots that are taken or held.
    pub fn held_spots(&self) -> u32 {
        self.confirmed_spots + self.offered_spots
    }

    /// Spots that are free; none after the capacity was cut below what is taken.
    pub fn free_spots(&self) -> u32 {
        self.settings.capacity.saturating_sub(self.held_spots())
    }

    /// Whether those who wait are promoted at this time.
    pub fn promotes_at(&self, now: Timestamp) -> bool {
        self.cancelled_at.is_none() && !self.settings.waitlist_paused && now < self.settings.promote_until()
    }

    pub(super) fn number(&mut self, event: &Event) {
        assert!(
            event.seq == self.seq.next(),
            "events are applied in order, without gaps"
        );
        self.seq = event.seq;
        self.stamped_at = event.at;
    }

    /// Somebody who stands so takes more spots.
    pub(super) fn take(&mut self, status: Status, spots: u32) {
        *self.spots_of(status) += spots;
        assert!(
            self.held_spots() <= self.settings.capacity,
            "a transition that takes spots stays within the capacity"
        );
    }

    /// Somebody who stood so gives spots back.
    pub(super) fn give_back(&mut self, status: Status, spots: u32) {
        *self.spots_of(status) -= spots;
        self.capacity_limit = self
            .settings
            .capacity
            .max(self.capacity_limit.min(self.held_spots()));
    }

    /// What was offered is confirmed.
    pub(super) fn confirm(&mut self, spots: u32) {
        self.offered_spots -= spots;
        self.confirmed_spots += spots;
    }

    fn spots_of(&mut self, status: Status) -> &mut u32 {
        match status {
            Status::Confirmed => &mut self.confirmed_spots,
            Status::Offered => &mut self.offered_spots,
            Status::Waitlisted | Status::Cancelled(_) => unreachable!("{status:?} holds no spots"),
        }
    }

    /// Applies a fact about the activity as a whole.
    pub(super) fn change(&mut self, at: Timestamp, fact: &Fact) {
        self.version += 1;
        self.updated_at = at;
        match fact {
            Fact::ActivityUpdated { settings } => self.settings = settings.clone(),
            Fact::CapacityChanged { capacity } => {
                std::sync::Arc::make_mut(&mut self.settings).capacity = *capacity;
                self.capacity_limit = (*capacity).max(self.held_spots());
            }
            Fact::WaitlistPaused => std::sync::Arc::make_mut(&mut self.settings).waitlist_paused = true,
            Fact::WaitlistResumed => std::sync::Arc::make_mut(&mut self.settings).waitlist_paused = false,
            Fact::ActivityCancelled => {
                self.cancelled_at = Some(at);
                self.confirmed_spots = 0;
                self.offered_spots = 0;
                self.checked_in_spots = 0;
                self.capacity_limit = self.settings.capacity;
            }
            Fact::Entered(_)
            | Fact::Promoted(_)
            | Fact::Accepted { .. }
            | Fact::Updated(_)
            | Fact::Cancelled { .. }
            | Fact::CheckedIn { .. }
            | Fact::CheckInUndone { .. } => {
                unreachable!("facts about one RSVP do not change the settings")
            }
        }
    }
}
