//! Domain types as columns, on every database: what the journals bind.

use serde::Serialize;
use turnout_actors::domain::{
    Actor, CancelReason, Event, Fact, GroupId, Person, Rsvp, RsvpId, Settings, Status, Ticket, Timestamp,
    UserId, Why,
};
use turnout_actors::ports::Batch;
use uuid::Uuid;

use super::{EventData, GUEST, SYSTEM};

/// The part of an activity's row that changes with every batch.
pub(super) struct HeadColumns {
    pub(super) id: Uuid,
    /// The state that the batch goes onto.
    pub(super) prev: i64,
    pub(super) owner_epoch: i64,
    pub(super) seq: i64,
    pub(super) last_batch: Uuid,
    pub(super) stamped_at: i64,
    pub(super) confirmed_spots: i64,
    pub(super) offered_spots: i64,
    pub(super) checked_in_spots: i64,
    pub(super) waitlisted_parties: i64,
    pub(super) waitlisted_spots: i64,
    pub(super) capacity_limit: i64,
    pub(super) last_ticket: i64,
}

impl HeadColumns {
    pub(super) fn of(batch: &Batch) -> Self {
        let head = &batch.head;
        Self {
            id: batch.activity.uuid(),
            prev: batch.prev.0 as i64,
            owner_epoch: batch.epoch.0 as i64,
            seq: head.seq.0 as i64,
            last_batch: batch.id.uuid(),
            stamped_at: head.stamped_at.micros(),
            confirmed_spots: head.confirmed_spots.into(),
            offered_spots: head.offered_spots.into(),
            checked_in_spots: head.checked_in_spots.into(),
            waitlisted_parties: batch.waitlisted_parties as i64,
            waitlisted_spots: batch.waitlisted_spots as i64,
            capacity_limit: head.capacity_limit.into(),
            last_ticket: head.last_ticket.0 as i64,
        }
    }
}

/// The part of an activity's row that changes only with what its host does.
#[derive(Serialize)]
pub(super) struct SettingsColumns<'a> {
    pub(super) title: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) venue: Option<&'a str>,
    pub(super) time_zone: &'a str,
    pub(super) starts_at: i64,
    pub(super) ends_at: i64,
    pub(super) capacity: i64,
    pub(super) max_guests: i64,
    pub(super) opens_at: Option<i64>,
    pub(super) closes_at: Option<i64>,
    pub(super) cancel_until: Option<i64>,
    pub(super) promote_until: Option<i64>,
    pub(super) waitlist_capacity: Option<i64>,
    pub(super) waitlist_paused: bool,
    pub(super) patience: i64,
    pub(super) promotion: String,
    pub(super) guests: &'static str,
    pub(super) visibility: &'static str,
    pub(super) attendees_visible: &'static str,
}

impl<'a> SettingsColumns<'a> {
    pub(super) fn of(settings: &'a Settings) -> Self {
        let micros = |time: Option<Timestamp>| time.map(Timestamp::micros);
        Self {
            title: &settings.title,
            description: settings.description.as_deref(),
            venue: settings.venue.as_deref(),
            time_zone: &settings.time_zone,
            starts_at: settings.starts_at.micros(),
            ends_at: settings.ends_at.micros(),
            capacity: settings.capacity.into(),
            max_guests: settings.max_guests.into(),
            opens_at: micros(settings.opens_at),
            closes_at: micros(settings.closes_at),
            cancel_until: micros(settings.cancel_until),
            promote_until: micros(settings.promote_until),
            waitlist_capacity: settings.waitlist_capacity.map(i64::from),
            waitlist_paused: settings.waitlist_paused,
            patience: settings.patience.into(),
            promotion: serde_json::to_string(&settings.promotion).expect("a policy is always JSON"),
            guests: settings.guests.name(),
            visibility: settings.visibility.name(),
            attendees_visible: settings.attendees_visible.name(),
        }
    }
}

/// Whether a batch changes more of its activity's row than counts.
pub(super) fn changes_settings(batch: &Batch) -> bool {
    batch
        .events
        .iter()
        .any(|event| event.fact.is_about_the_activity())
}

/// An RSVP's row.
pub(super) struct RsvpColumns<'a> {
    pub(super) id: Uuid,
    pub(super) activity_id: Uuid,
    pub(super) user_id: Option<Uuid>,
    pub(super) name: &'a str,
    pub(super) email: Option<String>,
    pub(super) status: &'static str,
    pub(super) cancel_reason: Option<&'static str>,
    pub(super) guest_count: i64,
    pub(super) ticket: i64,
    pub(super) group_id: Option<Uuid>,
    pub(super) booked_by: Option<Uuid>,
    pub(super) special_requirements: Option<&'a str>,
    pub(super) checked_in_at: Option<i64>,
    pub(super) offer_expires_at: Option<i64>,
    pub(super) version: i64,
    pub(super) generation: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

impl<'a> RsvpColumns<'a> {
    pub(super) fn of(batch: &Batch, rsvp: &'a Rsvp) -> Self {
        let (user_id, email) = match &rsvp.person {
            Person::User(user) => (Some(user.uuid()), None),
            Person::Guest(email) => (None, Some(email.to_string())),
        };
        Self {
            id: rsvp.id.uuid(),
            activity_id: batch.activity.uuid(),
            user_id,
            name: &rsvp.name,
            email,
            status: rsvp.status.name(),
            cancel_reason: rsvp.status.cancel_reason().map(CancelReason::name),
            guest_count: rsvp.guest_count.into(),
            ticket: rsvp.ticket.0 as i64,
            group_id: rsvp.group().map(GroupId::uuid),
            booked_by: rsvp.booked_by().map(UserId::uuid),
            special_requirements: rsvp.special_requirements().map(|text| &**text),
            checked_in_at: rsvp.checked_in_at().map(Timestamp::micros),
            offer_expires_at: rsvp.offer_expires_at().map(Timestamp::micros),
            version: rsvp.version.into(),
            generation: rsvp.generation.into(),
            created_at: rsvp.created_at.micros(),
            updated_at: rsvp.updated_at.micros(),
        }
    }
}

/// A row of the decision log.
pub(super) struct EventColumns {
    pub(super) activity_id: Uuid,
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) kind: &'static str,
    pub(super) actor: Uuid,
    pub(super) actor_kind: Option<&'static str>,
    pub(super) rsvp_id: Option<Uuid>,
    pub(super) previous_status: Option<&'static str>,
    pub(super) status: Option<&'static str>,
    pub(super) spots: Option<i64>,
    pub(super) ticket: Option<i64>,
    pub(super) reason: Option<&'static str>,
    pub(super) key_digest: Option<Vec<u8>>,
    pub(super) fingerprint: Option<i64>,
    pub(super) data: Option<String>,
}

impl EventColumns {
    pub(super) fn of(batch: &Batch, event: &Event) -> Self {
        let about = About::of(&event.fact);
        let keyed = event.keyed.as_deref();
        let (actor, actor_kind) = actor(event.actor);
        Self {
            activity_id: batch.activity.uuid(),
            seq: event.seq.0 as i64,
            at: event.at.micros(),
            kind: event.fact.kind(),
            actor,
            actor_kind,
            rsvp_id: event.fact.rsvp().map(RsvpId::uuid),
            previous_status: about.previous.map(Status::name),
            status: about.status.map(Status::name),
            spots: about.spots.map(i64::from),
            ticket: about.ticket.map(|ticket| ticket as i64),
            reason: about.reason.map(CancelReason::name),
            key_digest: keyed.map(|keyed| keyed.key.digest.0.to_vec()),
            fingerprint: keyed.map(|keyed| keyed.key.fingerprint as i64),
            data: EventData::of(&event.fact, keyed).map(|data| data.text()),
        }
    }
}

/// Whose command it was: an identifier, and whose that is.
fn actor(actor: Actor) -> (Uuid, Option<&'static str>) {
    match actor {
        Actor::User(user) => (user.uuid(), None),
        Actor::Guest(rsvp) => (rsvp.uuid(), Some(GUEST)),
        Actor::System => (Uuid::nil(), Some(SYSTEM)),
    }
}

/// What an event says about its RSVP.
#[derive(Default)]
struct About {
    previous: Option<Status>,
    status: Option<Status>,
    spots: Option<u32>,
    ticket: Option<u64>,
    /// Why it was cancelled; of a promotion or an arrival, that it was none of the scan's.
    reason: Option<CancelReason>,
}

impl About {
    fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Entered(entered) => Self {
                previous: entered.previous,
                status: Some(entered.status),
                spots: Some(1 + u32::from(entered.guest_count)),
                ticket: Some(entered.ticket.0),
                reason: entered.place_of.map(|_| CancelReason::Transferred),
            },
            Fact::Promoted(promoted) => Self {
                previous: Some(Status::Waitlisted),
                status: Some(promoted.status()),
                spots: Some(promoted.spots),
                ticket: Some(promoted.ticket.0),
                reason: (promoted.why == Why::Host).then_some(CancelReason::ByHost),
            },
            Fact::Accepted { ticket, spots, .. } => Self {
                previous: Some(Status::Offered),
                ..Self::stays(Status::Confirmed, *spots, *ticket)
            },
            Fact::Updated(updated) => {
                Self::stays(updated.status, 1 + u32::from(updated.guest_count), updated.ticket)
            }
            Fact::CheckedIn { ticket, spots, .. } | Fact::CheckInUndone { ticket, spots, .. } => {
                Self::stays(Status::Confirmed, *spots, *ticket)
            }
            Fact::Cancelled {
                previous,
                reason,
                ticket,
                spots,
                ..
            } => Self {
                previous: Some(*previous),
                status: Some(Status::Cancelled(*reason)),
                spots: Some(*spots),
                ticket: Some(ticket.0),
                reason: Some(*reason),
            },
            Fact::ActivityUpdated { .. }
            | Fact::CapacityChanged { .. }
            | Fact::WaitlistPaused
            | Fact::WaitlistResumed
            | Fact::ActivityCancelled => Self::default(),
        }
    }

    /// It stands where it stood.
    fn stays(status: Status, spots: u32, ticket: Ticket) -> Self {
        Self {
            previous: Some(status),
            status: Some(status),
            spots: Some(spots),
            ticket: Some(ticket.0),
            reason: None,
        }
    }
}
