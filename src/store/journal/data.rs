//! What an event keeps beside its columns, as JSON: details of its kind, and the answer that goes with a key.
//!
//! Field names are short and absent fields are left out, since a burst writes one of these per command. They
//! are part of the stored format: they may be added to, never renamed.

use serde::{Deserialize, Serialize};
use turnout_actors::domain::{
    Ahead, Fact, GroupId, Keyed, Outcome, Passed, Rejection, RsvpId, Seq, Settings, Snapshot, Status, Ticket,
    Timestamp, Told, Why,
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
    /// The ticket that a promotion went past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) past: Option<Ticket>,
    /// The spots that the party with that ticket needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) needs: Option<u32>,
    /// The spots that were free then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) free: Option<u32>,
    /// Until when the offer can be accepted that was made, or taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) until: Option<Timestamp>,
    /// The RSVP whose place was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) place_of: Option<RsvpId>,
    /// The party that somebody came in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) group: Option<GroupId>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rsvps: Option<Vec<StoredSnapshot>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    each: Option<Vec<StoredResult>>,
}

/// What became of one of those who came in each for themselves.
#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
enum StoredResult {
    In(StoredSnapshot),
    Refused {
        c: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    },
}

/// An answer that no version of the server has kept.
#[derive(Debug, thiserror::Error)]
#[error("an answer holds a refusal that does not belong there")]
pub(in crate::store) struct UnknownRefusal;

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
    /// When the person came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<Timestamp>,
    /// Until when there was an offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    o: Option<Timestamp>,
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
            Fact::Promoted(promoted) => {
                data.until = promoted.offer_expires_at;
                if let Why::Past(Passed { ticket, needs, free }) = promoted.why {
                    (data.past, data.needs, data.free) = (Some(ticket), Some(needs), Some(free));
                }
            }
            Fact::Entered(entered) => {
                data.group = entered.group;
                data.place_of = entered.place_of.map(|place| place.rsvp);
                data.until = entered.place_of.and_then(|place| place.offer_expires_at);
            }
            _ => {}
        }
        (!data.is_empty()).then_some(data)
    }

    fn is_empty(&self) -> bool {
        let Self {
            settings,
            capacity,
            past,
            needs: _,
            free: _,
            until,
            place_of,
            group,
            answer,
        } = self;
        settings.is_none()
            && capacity.is_none()
            && past.is_none()
            && until.is_none()
            && place_of.is_none()
            && group.is_none()
            && answer.is_none()
    }

    /// As the column holds it.
    pub(in crate::store) fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts are always JSON")
    }
}

impl From<&Outcome> for StoredOutcome {
    fn from(outcome: &Outcome) -> Self {
        let mut stored = Self {
            seq: outcome.seq,
            rsvp: None,
            rsvps: None,
            each: None,
        };
        match &outcome.told {
            Told::Nothing => {}
            Told::One(rsvp) => stored.rsvp = Some(rsvp.into()),
            Told::Several(rsvps) => stored.rsvps = Some(rsvps.iter().map(Into::into).collect()),
            Told::Each(each) => stored.each = Some(each.iter().map(StoredResult::of).collect()),
        }
        stored
    }
}

impl TryFrom<StoredOutcome> for Outcome {
    type Error = UnknownRefusal;

    fn try_from(stored: StoredOutcome) -> Result<Self, UnknownRefusal> {
        let StoredOutcome {
            seq,
            rsvp,
            rsvps,
            each,
        } = stored;
        let told = if let Some(rsvp) = rsvp {
            Told::One(rsvp.into())
        } else if let Some(rsvps) = rsvps {
            Told::Several(rsvps.into_iter().map(Into::into).collect())
        } else if let Some(each) = each {
            Told::Each(
                each.into_iter()
                    .map(StoredResult::result)
                    .collect::<Result<_, _>>()?,
            )
        } else {
            Told::Nothing
        };
        Ok(Self { seq, told })
    }
}

impl StoredResult {
    fn of(result: &Result<Snapshot, Rejection>) -> Self {
        match result {
            Ok(snapshot) => Self::In(snapshot.into()),
            Err(rejection) => Self::Refused {
                c: rejection.code().to_owned(),
                limit: match rejection {
                    Rejection::PartyTooLarge { limit } => Some(*limit),
                    _ => None,
                },
            },
        }
    }

    fn result(self) -> Result<Result<Snapshot, Rejection>, UnknownRefusal> {
        let (code, limit) = match self {
            Self::In(snapshot) => return Ok(Ok(snapshot.into())),
            Self::Refused { c, limit } => (c, limit),
        };
        let refusal = match limit {
            Some(limit) => Rejection::PartyTooLarge { limit },
            None => [
                Rejection::AlreadyReserved,
                Rejection::ActivityFull,
                Rejection::WaitlistFull,
            ]
            .into_iter()
            .find(|refusal| refusal.code() == code)
            .ok_or(UnknownRefusal)?,
        };
        Ok(Err(refusal))
    }
}

impl From<&Snapshot> for StoredSnapshot {
    fn from(rsvp: &Snapshot) -> Self {
        Self {
            id: rsvp.id.uuid(),
            s: rsvp.status,
            g: rsvp.guest_count,
            t: rsvp.ticket,
            a: rsvp.ahead.map(|ahead| (ahead.parties, ahead.spots)),
            v: rsvp.version,
            n: rsvp.generation,
            at: rsvp.updated_at,
            c: rsvp.checked_in_at,
            o: rsvp.offer_expires_at,
        }
    }
}

impl From<StoredSnapshot> for Snapshot {
    fn from(rsvp: StoredSnapshot) -> Self {
        Self {
            id: RsvpId::from(rsvp.id),
            status: rsvp.s,
            guest_count: rsvp.g,
            ticket: rsvp.t,
            ahead: rsvp.a.map(|(parties, spots)| Ahead { parties, spots }),
            version: rsvp.v,
            generation: rsvp.n,
            updated_at: rsvp.at,
            checked_in_at: rsvp.c,
            offer_expires_at: rsvp.o,
        }
    }
}
