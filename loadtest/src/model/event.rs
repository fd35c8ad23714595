//! What happens in an activity, event by event.

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
    /// The spots of the RSVP after the event; where it ended those that were given back.
    pub spots: Option<u64>,
    /// Why: the reason of a cancel, `by_host` for what was promoted by hand, `transferred` for the recipient.
    pub reason: Option<String>,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A newcomer, or the recipient of a seat, has spots at once.
    Confirmed,
    /// A newcomer, or the recipient of a place, is in the line.
    Waitlisted,
    /// A party left the line with spots.
    Promoted,
    /// A party left the line with spots that it may accept, or the recipient of such an RSVP has it.
    Offered,
    /// What was offered was taken.
    Accepted,
    /// What was offered was given back.
    Declined,
    /// What was offered was not answered in time.
    Expired,
    /// The RSVP's guests, texts or ticket changed.
    Updated,
    /// The RSVP was given back or taken.
    Cancelled,
    /// The RSVP was given to somebody else.
    Transferred,
    /// The person is at the door.
    CheckedIn,
    /// The person was not at the door after all.
    CheckInUndone,
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
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Updated => "updated",
            Self::Cancelled => "cancelled",
            Self::Transferred => "transferred",
            Self::CheckedIn => "checked_in",
            Self::CheckInUndone => "check_in_undone",
            Self::ActivityUpdated => "activity_updated",
            Self::CapacityChanged => "capacity_changed",
            Self::WaitlistPaused => "waitlist_paused",
            Self::WaitlistResumed => "waitlist_resumed",
            Self::ActivityCancelled => "activity_cancelled",
        }
    }
}
