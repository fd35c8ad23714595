//! One RSVP and its states.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{GroupId, RsvpId, Ticket, UserId};
use super::person::{Person, Principal};
use super::time::Timestamp;

/// Where an RSVP stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has its spots.
    Confirmed,
    /// Its party waits for spots.
    Waitlisted,
    /// Spots are held for its party, which has to accept them in time.
    Offered,
    /// It has given its spots back, or never got any.
    Cancelled(CancelReason),
}

impl Status {
    /// The stable name that clients and tables see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Offered => "offered",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Whether the RSVP still stands.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Cancelled(_))
    }

    /// Whether it holds spots.
    pub const fn holds_spots(self) -> bool {
        matches!(self, Self::Confirmed | Self::Offered)
    }

    /// Why it was cancelled, if it was.
    pub const fn cancel_reason(self) -> Option<CancelReason> {
        match self {
            Self::Cancelled(reason) => Some(reason),
            Self::Confirmed | Self::Waitlisted | Self::Offered => None,
        }
    }

    /// The status with this [`name`](Self::name) and reason.
    pub fn from_names(name: &str, reason: Option<&str>) -> Option<Self> {
        match (name, reason) {
            ("confirmed", None) => Some(Self::Confirmed),
            ("waitlisted", None) => Some(Self::Waitlisted),
            ("offered", None) => Some(Self::Offered),
            ("cancelled", Some(reason)) => CancelReason::from_name(reason).map(Self::Cancelled),
            _ => None,
        }
    }
}

/// Why an RSVP was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Its own person did it.
    ByAttendee,
    /// The host did it.
    ByHost,
    /// Its place went over to somebody else.
    Transferred,
    /// Its party did not want what it was offered.
    OfferDeclined,
    /// Its party did not accept in time.
    OfferExpired,
    /// The whole activity was cancelled.
    ActivityCancelled,
}

impl CancelReason {
    const ALL: [Self; 6] = [
        Self::ByAttendee,
        Self::ByHost,
        Self::Transferred,
        Self::OfferDeclined,
        Self::OfferExpired,
        Self::ActivityCancelled,
    ];

    /// The stable name that clients and tables see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByAttendee => "by_attendee",
            Self::ByHost => "by_host",
            Self::Transferred => "transferred",
            Self::OfferDeclined => "offer_declined",
            Self::OfferExpired => "offer_expired",
            Self::ActivityCancelled => "activity_cancelled",
        }
    }

    /// The reason with this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// One person's RSVP for one activity. Small on purpose: a million of them live in one activity's memory, and
/// what few have is boxed together in [`Extras`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rsvp {
    /// Stays the same when the person cancels and comes back.
    pub id: RsvpId,
    /// Whose it is.
    pub person: Person,
    /// The name that goes with it.
    pub name: Arc<str>,
    /// What few RSVPs have.
    pub extras: Option<Box<Extras>>,
    /// The ticket of its party, the latest if it took several.
    pub ticket: Ticket,
    /// When it was first made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Rises by one with every change, from 1.
    pub version: u32,
    /// Rises by one whenever the person comes back after a cancel, from 1.
    pub generation: u32,
    /// People it brings along beside its own person.
    pub guest_count: u16,
    /// Where it stands.
    pub status: Status,
}

/// What few RSVPs have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Extras {
    /// The attendee's wishes, in their own words.
    pub special_requirements: Option<Arc<str>>,
    /// The party that it was booked with.
    pub group: Option<GroupId>,
    /// Who booked it for its person.
    pub booked_by: Option<UserId>,
    /// When its person came in.
    pub checked_in_at: Option<Timestamp>,
    /// Until when the offer can be accepted that its party has.
    pub offer_expires_at: Option<Timestamp>,
}

impl Rsvp {
    /// The spots that it takes: its person and the guests.
    pub fn spots(&self) -> u32 {
        1 + u32::from(self.guest_count)
    }

    /// The attendee's wishes.
    pub fn special_requirements(&self) -> Option<&Arc<str>> {
        self.extras.as_ref()?.special_requirements.as_ref()
    }

    /// Who booked it for its person, if somebody else did.
    pub fn booked_by(&self) -> Option<UserId> {
        self.extras.as_ref()?.booked_by
    }

    /// Whether `by` booked it for its person.
    pub fn is_booked_by(&self, by: &Principal) -> bool {
        by.account().is_some() && self.booked_by() == by.account()
    }

    /// The party that it was booked with, if any.
    pub fn group(&self) -> Option<GroupId> {
        self.extras.as_ref()?.group
    }

    /// When its person came in.
    pub fn checked_in_at(&self) -> Option<Timestamp> {
        self.extras.as_ref()?.checked_in_at
    }

    /// Until when the offer can be accepted that its party has.
    pub fn offer_expires_at(&self) -> Option<Timestamp> {
        self.extras.as_ref()?.offer_expires_at
    }

    /// Sets what few RSVPs have.
    pub fn set_extras(&mut self, extras: Extras) {
        self.extras = (extras != Extras::default()).then(|| Box::new(extras));
    }

    /// Changes what few RSVPs have.
    pub fn change_extras(&mut self, change: impl FnOnce(&mut Extras)) {
        let mut extras = self.extras.take().map_or_else(Extras::default, |extras| *extras);
        change(&mut extras);
        self.set_extras(extras);
    }

    /// Its spots, if they count as those of somebody who has come.
    pub(super) fn checked_in_spots(&self) -> u32 {
        if self.status == Status::Confirmed && self.checked_in_at().is_some() {
            self.spots()
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rsvp_stays_small() {
        assert!(size_of::<Rsvp>() <= 104, "{} bytes", size_of::<Rsvp>());
    }

    #[test]
    fn every_status_is_found_again_by_its_names() {
        for status in [Status::Confirmed, Status::Waitlisted, Status::Offered]
            .into_iter()
            .chain(CancelReason::ALL.map(Status::Cancelled))
        {
            let reason = status.cancel_reason().map(CancelReason::name);
            assert_eq!(Status::from_names(status.name(), reason), Some(status));
        }
        assert_eq!(Status::from_names("cancelled", None), None);
    }
}
