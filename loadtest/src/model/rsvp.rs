//! One row: what a person holds or held in the activity. It must not know the line or the rules.

use super::RsvpView;

/// Whether a person has no account: then the person is an e-mail address, otherwise a user id.
pub fn is_guest(person: &str) -> bool {
    person.contains('@')
}

/// Where an RSVP stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Has its spots.
    Confirmed,
    /// Waits with its ticket.
    Waitlisted,
    /// Holds spots that may be accepted.
    Offered,
    /// Holds nothing any more.
    Cancelled(CancelReason),
}

impl Status {
    /// The word for it in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Offered => "offered",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Why it was cancelled, in the word of the interface; none while it lives.
    pub fn cancel_reason(self) -> Option<&'static str> {
        match self {
            Self::Cancelled(reason) => Some(reason.as_str()),
            Self::Confirmed | Self::Waitlisted | Self::Offered => None,
        }
    }

    /// Whether the RSVP holds spots or waits for them.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Cancelled(_))
    }
}

/// Why an RSVP was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CancelReason {
    /// The person, or whoever booked it, gave it back.
    ByAttendee,
    /// The host took it.
    ByHost,
    /// Somebody else has it now.
    Transferred,
    /// The offer was declined.
    OfferDeclined,
    /// The offer was not answered in time.
    OfferExpired,
    /// The whole activity was cancelled.
    ActivityCancelled,
}

impl CancelReason {
    /// The word for it in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByAttendee => "by_attendee",
            Self::ByHost => "by_host",
            Self::Transferred => "transferred",
            Self::OfferDeclined => "offer_declined",
            Self::OfferExpired => "offer_expired",
            Self::ActivityCancelled => "activity_cancelled",
        }
    }
}

/// A person's one row in the activity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rsvp {
    /// Where it stands.
    pub status: Status,
    /// Guests beside the person.
    pub guest_count: u32,
    /// What the person asked for.
    pub special_requirements: Option<String>,
    /// The name that an update has set in its present life; the one that the person came with is not kept here.
    pub name: Option<String>,
    /// The ticket of its present life, also while confirmed.
    pub ticket: u64,
    /// The group with which it came in its present life.
    pub group: Option<u32>,
    /// Who booked its present life, if somebody else did.
    pub booked_by: Option<String>,
    /// Until when it may be accepted; only while offered.
    pub offer_expires_at_us: Option<i64>,
    /// When the person was at the door in its present life.
    pub checked_in_at_us: Option<i64>,
    /// Rises with every event of this RSVP; the first event makes it 1.
    pub version: u64,
    /// Rises when the person comes back after a cancel; the first life is 1.
    pub generation: u64,
}

impl Rsvp {
    /// The row as `person` is shown it, with the parties and spots ahead of it if it waits.
    pub(super) fn view(&self, person: &str, ahead: Option<(u64, u64)>) -> RsvpView {
        RsvpView {
            person: person.to_owned(),
            status: self.status,
            guest_count: self.guest_count,
            special_requirements: self.special_requirements.clone(),
            name: self.name.clone(),
            ticket: self.ticket,
            position: ahead.map(|(parties, _)| parties + 1),
            parties_ahead: ahead.map(|(parties, _)| parties),
            spots_ahead: ahead.map(|(_, spots)| spots),
            group: self.group,
            booked_by: self.booked_by.clone(),
            offer_expires_at_us: self.offer_expires_at_us,
            checked_in_at_us: self.checked_in_at_us,
            version: self.version,
            generation: self.generation,
        }
    }

    /// Spots that the person and the guests take.
    pub fn spots(&self) -> u64 {
        1 + u64::from(self.guest_count)
    }
}
