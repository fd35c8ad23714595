//! The rows of the booking core, as plain SQL reads them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use crate::support::Outside;

/// Everything, by activity.
pub(super) struct Rows {
    pub(super) activities: Vec<ActivityRow>,
    /// In the order of `seq`.
    pub(super) events: BTreeMap<Uuid, Vec<EventRow>>,
    /// In the order of their identifiers.
    pub(super) rsvps: BTreeMap<Uuid, Vec<RsvpRow>>,
    /// Keys of creations: what they made, and when.
    pub(super) creations: Vec<(Uuid, i64)>,
}

#[derive(FromRow)]
pub(super) struct ActivityRow {
    pub(super) id: Uuid,
    title: String,
    description: Option<String>,
    venue: Option<String>,
    time_zone: String,
    starts_at: i64,
    pub(super) ends_at: i64,
    pub(super) capacity: i64,
    max_guests: i64,
    opens_at: Option<i64>,
    closes_at: Option<i64>,
    cancel_until: Option<i64>,
    promote_until: Option<i64>,
    waitlist_capacity: Option<i64>,
    pub(super) waitlist_paused: bool,
    patience: i64,
    promotion: String,
    guests: String,
    visibility: String,
    attendees_visible: String,
    host_id: Uuid,
    organization_id: Option<Uuid>,
    pub(super) version: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) cancelled_at: Option<i64>,
    pub(super) confirmed_spots: i64,
    pub(super) offered_spots: i64,
    pub(super) checked_in_spots: i64,
    pub(super) waitlisted_parties: i64,
    pub(super) waitlisted_spots: i64,
    pub(super) capacity_limit: i64,
    pub(super) last_ticket: i64,
    pub(super) seq: i64,
    pub(super) stamped_at: i64,
    pub(super) owner_epoch: i64,
    pub(super) last_batch: Option<Uuid>,
}

#[derive(FromRow)]
pub(super) struct RsvpRow {
    pub(super) id: Uuid,
    activity_id: Uuid,
    pub(super) user_id: Option<Uuid>,
    pub(super) email: Option<String>,
    pub(super) status: String,
    pub(super) cancel_reason: Option<String>,
    pub(super) total_spots: i64,
    pub(super) ticket: i64,
    pub(super) group_id: Option<Uuid>,
    pub(super) booked_by: Option<Uuid>,
    pub(super) checked_in_at: Option<i64>,
    pub(super) offer_expires_at: Option<i64>,
    pub(super) version: i64,
    pub(super) generation: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(FromRow, Hash)]
pub(super) struct EventRow {
    activity_id: Uuid,
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) kind: String,
    pub(super) actor: Uuid,
    pub(super) actor_kind: Option<String>,
    pub(super) rsvp_id: Option<Uuid>,
    pub(super) previous_status: Option<String>,
    pub(super) status: Option<String>,
    pub(super) spots: Option<i64>,
    pub(super) ticket: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) key_digest: Option<Vec<u8>>,
    pub(super) fingerprint: Option<i64>,
    data: Option<String>,
}

impl Rows {
    pub(super) async fn read(outside: &mut Outside) -> Self {
        // All columns: whoever adds one decides here whether it is checked.
        let activities = outside.all("SELECT * FROM activities ORDER BY id").await;
        let mut events: BTreeMap<_, Vec<EventRow>> = BTreeMap::new();
        let log = "SELECT * FROM activity_events ORDER BY activity_id, seq";
        for event in outside.all::<EventRow>(log).await {
            events.entry(event.activity_id).or_default().push(event);
        }
        let mut rsvps: BTreeMap<_, Vec<RsvpRow>> = BTreeMap::new();
        for rsvp in outside.all::<RsvpRow>("SELECT * FROM rsvps ORDER BY id").await {
            rsvps.entry(rsvp.activity_id).or_default().push(rsvp);
        }
        let creations = outside
            .all("SELECT result_id, created_at FROM idempotency_keys ORDER BY created_at")
            .await;
        Self {
            activities,
            events,
            rsvps,
            creations,
        }
    }

    pub(super) fn events_of(&self, activity: Uuid) -> &[EventRow] {
        self.events.get(&activity).map_or(&[], Vec::as_slice)
    }

    pub(super) fn rsvps_of(&self, activity: Uuid) -> &[RsvpRow] {
        self.rsvps.get(&activity).map_or(&[], Vec::as_slice)
    }
}

impl ActivityRow {
    /// The settings as an event tells them.
    pub(super) fn settings(&self) -> Value {
        json!({
            "title": self.title, "description": self.description, "venue": self.venue, "time_zone": self.time_zone,
            "starts_at": self.starts_at, "ends_at": self.ends_at, "capacity": self.capacity,
            "max_guests": self.max_guests, "opens_at": self.opens_at, "closes_at": self.closes_at,
            "cancel_until": self.cancel_until, "promote_until": self.promote_until,
            "waitlist_capacity": self.waitlist_capacity, "waitlist_paused": self.waitlist_paused,
            "patience": self.patience,
            "promotion": serde_json::from_str::<Value>(&self.promotion).unwrap_or_default(),
            "guests": self.guests, "visibility": self.visibility, "attendees_visible": self.attendees_visible,
            "host_id": self.host_id, "organization_id": self.organization_id,
        })
    }
}

impl RsvpRow {
    /// Whether its person has no account.
    pub(super) fn is_guest(&self) -> bool {
        self.email.is_some()
    }
}

impl EventRow {
    /// Whether a person comes in by it, comes back, or takes over somebody's place.
    pub(super) fn is_arrival(&self) -> bool {
        match self.kind.as_str() {
            "confirmed" | "waitlisted" => true,
            "offered" => self.is_takeover(),
            _ => false,
        }
    }

    /// Whether a person takes over somebody's place by it.
    pub(super) fn is_takeover(&self) -> bool {
        self.reason.as_deref() == Some("transferred") && self.kind != "transferred"
    }

    /// Whether somebody who waited gets spots by it, or an offer of them.
    pub(super) fn is_promotion(&self) -> bool {
        self.kind == "promoted" || self.kind == "offered" && !self.is_takeover()
    }

    /// What it keeps beside its columns.
    pub(super) fn data(&self) -> Value {
        self.data
            .as_deref()
            .map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_default())
    }
}
