//! What an event keeps beside its columns, as JSON: details of its kind, and the answer that goes with a key.
//!
//! Field names are short and absent fields are left out, since a burst writes one of these per command. They
//! are part of the stored format: they may be added to, never renamed.

use serde::{Deserialize, Serialize};
use turnout_actors::domain::{
    Ahead, Fact, Keyed, Outcome, RsvpId, Seq, Settings, Snapshot, Status, Ticket, Timestamp,
};
use uuid::Uuid;

/// The column `data` of an event.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(in crate::store) struct EventData {
    /// The settings after an `activity_updated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) settings: Option<Box<Settings>>,
    /// The capacity after a `capacity_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) capacity: Option<u32>,
    /// The ticket that a `promoted` went past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) past: Option<Ticket>,
    /// What the command was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) answer: Option<StoredOutcome>,
}

/// What a command with a key was answered.
#[derive(Serialize, Deserialize, Debug)]
pub(in crate::store) struct StoredOutcome {
    seq: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rsvp: Option<StoredSnapshot>,
}

#[derive(Serialize, Deserialize, Debug)]
struct StoredSnapshot {
    id: Uuid,
    s: Status,
    g: u16,
    t: Ticket,
    /// Parties and spots ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<(u64, u64)>,
    v: u32,
    n: u32,
    at: Timestamp,
}

impl EventData {
    /// What there is to keep of an event; `None` where its columns say everything.
    pub(in crate::store) fn of(fact: &Fact, keyed: Option<&Keyed>) -> Option<Self> {
        let mut data = Self {
            answer: keyed.map(|keyed| (&keyed.outcome).into()),
            ..Self::default()
        };
        match fact {
            Fact::ActivityUpdated { settings } => data.settings = Some(Box::new((**settings).clone())),
            Fact::CapacityChanged { capacity } => data.capacity = Some(*capacity),
            Fact::Promoted { past: Some(past), .. } => data.past = Some(*past),
            _ if data.answer.is_none() => return None,
            _ => {}
        }
        Some(data)
    }

    /// As the column holds it.
    pub(in crate::store) fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are always JSON")
    }
}

impl From<&Outcome> for StoredOutcome {
    fn from(outcome: &Outcome) -> Self {
        let rsvp = outcome.rsvp.map(|rsvp| StoredSnapshot {
            id: rsvp.id.uuid(),
            s: rsvp.status,
            g: rsvp.guest_count,
            t: rsvp.ticket,
            a: rsvp.ahead.map(|ahead| (ahead.parties, ahead.spots)),
            v: rsvp.version,
            n: rsvp.generation,
            at: rsvp.updated_at,
        });
        Self {
            seq: outcome.seq,
            rsvp,
        }
    }
}

impl From<StoredOutcome> for Outcome {
    fn from(stored: StoredOutcome) -> Self {
        let rsvp = stored.rsvp.map(|rsvp| Snapshot {
            id: RsvpId::from(rsvp.id),
            status: rsvp.s,
            guest_count: rsvp.g,
            ticket: rsvp.t,
            ahead: rsvp.a.map(|(parties, spots)| Ahead { parties, spots }),
            version: rsvp.v,
            generation: rsvp.n,
            updated_at: rsvp.at,
        });
        Self {
            seq: stored.seq,
            rsvp,
        }
    }
}
