//! One RSVP and its states.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{GroupId, RsvpId, Ticket, UserId};
use super::person::Person;
use super::time::Timestamp;

/// Where an RSVP stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has its spots.
    Confirmed,
    /// Its party waits for spots.
    Waitlisted,
    /// It has given its spots back, or never got any.
    Cancelled(CancelReason),
}

impl Status {
    /// The stable name that clients and tables see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Whether the RSVP still stands.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Cancelled(_))
    }

    /// Why it was cancelled, if it was.
    pub const fn cancel_reason(self) -> Option<CancelReason> {
        match self {
            Self::Cancelled(reason) => Some(reason),
            Self::Confirmed | Self::Waitlisted => None,
        }
    }

    /// The status with this [`name`](Self::name) and reason.
    pub fn from_names(name: &str, reason: Option<&str>) -> Option<Self> {
        match (name, reason) {
            ("confirmed", None) => Some(Self::Confirmed),
            ("waitlisted", None) => Some(Self::Waitlisted),
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
    /// The whole activity was cancelled.
    ActivityCancelled,
}

impl CancelReason {
    /// The stable name that clients and tables see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByAttendee => "by_attendee",
            Self::ByHost => "by_host",
            Self::ActivityCancelled => "activity_cancelled",
        }
    }

    /// The reason with this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ByAttendee, Self::ByHost, Self::ActivityCancelled]
            .into_iter()
            .find(|reason| reason.name() == name)
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

    /// The party that it was booked with, if any.
    pub fn group(&self) -> Option<GroupId> {
        self.extras.as_ref()?.group
    }

    /// When its person came in.
    pub fn checked_in_at(&self) -> Option<Timestamp> {
        self.extras.as_ref()?.checked_in_at
    }

    /// Replaces the attendee's wishes.
    pub fn set_special_requirements(&mut self, text: Option<Arc<str>>) {
        if text.is_some() || self.extras.is_some() {
            self.extras.get_or_insert_default().special_requirements = text;
            self.drop_empty_extras();
        }
    }

    fn drop_empty_extras(&mut self) {
        self.extras.take_if(|extras| **extras == Extras::default());
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
        use CancelReason::*;
        for status in [Status::Confirmed, Status::Waitlisted]
            .into_iter()
            .chain([ByAttendee, ByHost, ActivityCancelled].map(Status::Cancelled))
        {
            let reason = status.cancel_reason().map(CancelReason::name);
            assert_eq!(Status::from_names(status.name(), reason), Some(status));
        }
        assert_eq!(Status::from_names("cancelled", None), None);
    }
}
