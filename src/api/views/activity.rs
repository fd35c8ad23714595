//! An activity as clients see it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use turnout_actors::domain::{
    ActivityId, AttendeesVisible, Counts, GuestPolicy, History, OrganizationId, Overview, Promotion, Seq,
    Settings, Ticket, Timestamp, UserId, Visibility,
};

use crate::api::time::Time;

/// An activity. `null` stands for what the host left open.
#[derive(Serialize)]
pub(crate) struct ActivityView<'a> {
    id: ActivityId,
    title: &'a str,
    description: Option<&'a str>,
    venue: Option<&'a str>,
    time_zone: &'a str,
    starts_at: Time,
    ends_at: Time,
    capacity: u32,
    max_guests: u16,
    opens_at: Option<Time>,
    /// Milliseconds until it opens; 0 once it is open.
    opens_in_ms: Option<u64>,
    closes_at: Option<Time>,
    cancel_until: Option<Time>,
    promote_until: Option<Time>,
    waitlist_capacity: Option<u32>,
    waitlist_paused: bool,
    patience: u32,
    promotion: Promotion,
    guests: GuestPolicy,
    visibility: Visibility,
    attendees_visible: AttendeesVisible,
    host_id: UserId,
    organization_id: Option<OrganizationId>,
    status: &'static str,
    confirmed_spots: u32,
    offered_spots: u32,
    available_spots: u32,
    waitlisted_parties: u64,
    waitlisted_spots: u64,
    checked_in_spots: u32,
    seq: Seq,
    epoch: History,
    version: u32,
    created_at: Time,
    updated_at: Time,
}

impl<'a> ActivityView<'a> {
    /// The activity at time `now`, in this history.
    pub(crate) fn new(overview: &'a Overview, history: History, now: Timestamp) -> Self {
        let Overview { settings, counts, .. } = overview;
        let Settings {
            title,
            description,
            venue,
            time_zone,
            ..
        } = &**settings;
        let time = |at: Option<Timestamp>| at.map(Time);
        Self {
            id: overview.id,
            title,
            description: description.as_deref(),
            venue: venue.as_deref(),
            time_zone,
            starts_at: Time(settings.starts_at),
            ends_at: Time(settings.ends_at),
            capacity: settings.capacity,
            max_guests: settings.max_guests,
            opens_at: time(settings.opens_at),
            opens_in_ms: settings.opens_at.map(|opens_at| opens_at.millis_after(now)),
            closes_at: time(settings.closes_at),
            cancel_until: time(settings.cancel_until),
            promote_until: time(settings.promote_until),
            waitlist_capacity: settings.waitlist_capacity,
            waitlist_paused: settings.waitlist_paused,
            patience: settings.patience,
            promotion: settings.promotion,
            guests: settings.guests,
            visibility: settings.visibility,
            attendees_visible: settings.attendees_visible,
            host_id: settings.host_id,
            organization_id: settings.organization_id,
            status: if overview.cancelled_at.is_some() {
                "cancelled"
            } else {
                "scheduled"
            },
            confirmed_spots: counts.confirmed_spots,
            offered_spots: counts.offered_spots,
            available_spots: counts.available_spots,
            waitlisted_parties: counts.waitlisted_parties,
            waitlisted_spots: counts.waitlisted_spots,
            checked_in_spots: overview.checked_in_spots,
            seq: counts.seq,
            epoch: history,
            version: overview.version,
            created_at: Time(overview.created_at),
            updated_at: Time(overview.updated_at),
        }
    }
}

/// Applies a macro to the fields that do not pass by themselves: all but the numbers of the event and the history,
/// and the time that is left.
macro_rules! lasting_fields {
    ($apply:ident!($($argument:expr),*)) => {
        $apply!($($argument),*; id title description venue time_zone starts_at ends_at capacity max_guests opens_at
            closes_at cancel_until promote_until waitlist_capacity waitlist_paused patience promotion guests visibility
            attendees_visible host_id organization_id status confirmed_spots offered_spots available_spots
            waitlisted_parties waitlisted_spots checked_in_spots version created_at updated_at)
    };
}

macro_rules! count {
    (; $($field:ident)*) => { [$(stringify!($field)),*].len() };
}

macro_rules! count_changes {
    ($before:expr, $after:expr; $($field:ident)*) => { 0 $(+ usize::from($before.$field != $after.$field))* };
}

macro_rules! entries {
    ($map:expr, $view:expr; $($field:ident)*) => {
        $($map.serialize_entry(stringify!($field), &$view.$field)?;)*
    };
}

macro_rules! changed_entries {
    ($map:expr, $before:expr, $after:expr; $($field:ident)*) => {
        $(if $before.$field != $after.$field {
            $map.serialize_entry(stringify!($field), &$after.$field)?;
        })*
    };
}

/// An activity in a snapshot: without what belongs to the message around it, with the line of those who wait. What is
/// left until it opens is not in it either, because that changes by itself.
pub(crate) struct SnapshotView<'a> {
    activity: ActivityView<'a>,
    waitlist: LineView,
}

/// How long the line is, and where it begins.
#[derive(PartialEq, Eq, Serialize)]
pub(crate) struct LineView {
    parties: u64,
    spots: u64,
    first_ticket: Option<Ticket>,
}

impl From<&Overview> for LineView {
    fn from(overview: &Overview) -> Self {
        Self {
            parties: overview.counts.waitlisted_parties,
            spots: overview.counts.waitlisted_spots,
            first_ticket: overview.first_ticket,
        }
    }
}

impl<'a> SnapshotView<'a> {
    pub(crate) fn new(overview: &'a Overview, history: History) -> Self {
        Self {
            // The time is for what is left out.
            activity: ActivityView::new(overview, history, Timestamp::from_millis(0)),
            waitlist: overview.into(),
        }
    }
}

impl Serialize for SnapshotView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(lasting_fields!(count!()) + 1))?;
        lasting_fields!(entries!(map, self.activity));
        map.serialize_entry("waitlist", &self.waitlist)?;
        map.end()
    }
}

/// What is different between two states of an activity.
pub(crate) struct ActivityChanges<'a> {
    before: ActivityView<'a>,
    after: ActivityView<'a>,
}

impl<'a> ActivityChanges<'a> {
    pub(crate) fn new(before: &'a Overview, after: &'a Overview, now: Timestamp) -> Self {
        // Both are of one history, and it is not told.
        let view = |overview| ActivityView::new(overview, History::default(), now);
        Self {
            before: view(before),
            after: view(after),
        }
    }

    /// How many fields have changed.
    pub(crate) fn count(&self) -> usize {
        let (before, after) = (&self.before, &self.after);
        lasting_fields!(count_changes!(before, after)) + usize::from(self.opens_at_changed())
    }

    /// The fields that have changed, with their new values.
    pub(crate) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (before, after) = (&self.before, &self.after);
        lasting_fields!(changed_entries!(map, before, after));
        if self.opens_at_changed() {
            map.serialize_entry("opens_in_ms", &after.opens_in_ms)?;
        }
        Ok(())
    }

    fn opens_at_changed(&self) -> bool {
        self.before.opens_at != self.after.opens_at
    }
}

/// How full an activity is.
#[derive(Serialize)]
pub(crate) struct CountsView {
    capacity: u32,
    confirmed_spots: u32,
    offered_spots: u32,
    available_spots: u32,
    waitlisted_parties: u64,
    waitlisted_spots: u64,
    seq: Seq,
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        Self {
            capacity: counts.capacity,
            confirmed_spots: counts.confirmed_spots,
            offered_spots: counts.offered_spots,
            available_spots: counts.available_spots,
            waitlisted_parties: counts.waitlisted_parties,
            waitlisted_spots: counts.waitlisted_spots,
            seq: counts.seq,
        }
    }
}
