//! An activity as clients see it.

use serde::Serialize;
use turnout_actors::domain::{
    ActivityId, AttendeesVisible, Counts, GuestPolicy, History, OrganizationId, Overview, Promotion, Seq,
    Settings, Timestamp, UserId, Visibility,
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
