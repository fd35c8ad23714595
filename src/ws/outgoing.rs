//! What the server says.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use turnout_actors::Reply;
use turnout_actors::domain::{ActivityId, Difference, History, Moves, Seq, Ticket, Timestamp, Told};
use uuid::Uuid;

use super::limits;
use super::subscription::{Sight, Subscription};
use crate::api::time::Time;
use crate::api::views::{ActivityChanges, CountsView, LineView, MeView, RsvpView};
use crate::api::{Code, Problem};

/// The answer to hello.
#[derive(Serialize)]
pub(super) struct Welcome {
    #[serde(rename = "type")]
    kind: &'static str,
    session: Uuid,
    now: Time,
    ping_every_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_in_ms: Option<u64>,
    limits: Limits,
    reconnect: Reconnect,
}

#[derive(Serialize)]
struct Limits {
    message_bytes: usize,
    subscriptions: usize,
    commands_in_flight: usize,
}

#[derive(Serialize)]
struct Reconnect {
    first_jitter_ms: u64,
    cap_ms: u64,
}

impl Welcome {
    pub(super) fn new(session: Uuid, now: Timestamp, token_expires_in_ms: Option<u64>) -> Self {
        Self {
            kind: "welcome",
            session,
            now: Time(now),
            ping_every_ms: limits::PING_EVERY.as_millis() as u64,
            token_expires_in_ms,
            limits: Limits {
                message_bytes: limits::MESSAGE_BYTES_MAX,
                subscriptions: limits::SUBSCRIPTIONS_MAX,
                commands_in_flight: limits::COMMANDS_MAX,
            },
            reconnect: Reconnect {
                first_jitter_ms: limits::FIRST_JITTER.as_millis() as u64,
                cap_ms: limits::RECONNECT_CAP.as_millis() as u64,
            },
        }
    }
}

/// From where an activity is followed. Its snapshot, where there is one, is added encoded.
#[derive(Serialize)]
pub(super) struct Subscribed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    activity: ActivityId,
    epoch: History,
    seq: Seq,
    mode: Mode,
    /// With an identity always there, and null where it has no RSVP.
    #[serde(skip_serializing_if = "Option::is_none")]
    me: Option<Option<MeView<'a>>>,
}

/// What leads from where the client says it was to the latest state.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// Nothing: it is there.
    Live,
    /// A difference, which follows.
    Replay,
    /// A snapshot, which is part of the message.
    Snapshot,
}

impl<'a> Subscribed<'a> {
    pub(super) fn new(
        id: Option<&'a str>,
        subscription: &Subscription,
        mode: Mode,
        at: (History, Seq),
        sight: &'a Sight,
        now: Timestamp,
    ) -> Self {
        let activity = subscription.activity;
        let me = || sight.own.is_some().then(|| sight.me(activity, now));
        Self {
            kind: "subscribed",
            id,
            activity,
            epoch: at.0,
            seq: at.1,
            mode,
            me: subscription.eyes.is_some().then(me),
        }
    }
}

/// Something was done.
#[derive(Serialize)]
pub(super) struct Done<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<ActivityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_in_ms: Option<u64>,
}

impl<'a> Done<'a> {
    pub(super) fn new(id: &'a str) -> Self {
        Self {
            kind: "ok",
            id,
            activity: None,
            token_expires_in_ms: None,
        }
    }

    pub(super) fn about(self, activity: ActivityId) -> Self {
        Self {
            activity: Some(activity),
            ..self
        }
    }

    pub(super) fn expiring_in_ms(self, ms: u64) -> Self {
        Self {
            token_expires_in_ms: Some(ms),
            ..self
        }
    }
}

/// A command was accepted and is durable.
#[derive(Serialize)]
pub(super) struct Accepted<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    activity: ActivityId,
    seq: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    rsvp: Option<RsvpView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rsvps: Option<Vec<RsvpView<'a>>>,
    /// Whether there was nothing left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    already: Option<bool>,
    counts: CountsView,
    replayed: bool,
}

impl<'a> Accepted<'a> {
    pub(super) fn new(
        id: &'a str,
        key: Option<&'a str>,
        activity: ActivityId,
        reply: &'a Reply,
        now: Timestamp,
    ) -> Self {
        let view = |answered| RsvpView::new(activity, answered, now);
        let several = match &reply.answer.told {
            Told::Nothing | Told::One(_) => None,
            several => Some(several.iter().map(view).collect()),
        };
        Self {
            kind: "ok",
            id,
            key,
            activity,
            seq: reply.answer.seq,
            rsvp: reply.answer.rsvp().map(view),
            rsvps: several,
            already: None,
            counts: reply.counts.into(),
            replayed: reply.answer.replayed,
        }
    }

    /// With whether there was nothing left to do.
    pub(super) fn already(self, already: bool) -> Self {
        Self {
            already: Some(already),
            ..self
        }
    }
}

/// Something was not done, or has ended.
pub(super) struct Refused<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) activity: Option<ActivityId>,
    pub(super) problem: &'a Problem,
}

/// What a client that was refused should do.
fn retry(problem: &Problem) -> &'static str {
    match problem.code() {
        Code::NotOpenYet | Code::RateLimited => "after",
        _ if problem.code().status() == 503 => "same_key",
        _ => "never",
    }
}

impl Serialize for Refused<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            id,
            key,
            activity,
            problem,
        } = self;
        let after_ms = problem.retry_in_ms();
        let optional = [
            id.is_some(),
            key.is_some(),
            activity.is_some(),
            after_ms.is_some(),
        ];
        let there = optional.into_iter().filter(|there| *there).count();
        let mut map = serializer.serialize_map(Some(4 + there + problem.extras().len()))?;
        map.serialize_entry("type", "error")?;
        if let Some(id) = id {
            map.serialize_entry("id", id)?;
        }
        if let Some(key) = key {
            map.serialize_entry("key", key)?;
        }
        if let Some(activity) = activity {
            map.serialize_entry("activity", activity)?;
        }
        map.serialize_entry("code", problem.code().as_str())?;
        map.serialize_entry("detail", problem.sentence())?;
        map.serialize_entry("retry", retry(problem))?;
        if let Some(after_ms) = after_ms {
            map.serialize_entry("after_ms", &after_ms)?;
        }
        for (name, value) in problem.extras() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What has changed of an activity.
pub(super) struct Changed<'a> {
    activity: ActivityId,
    difference: &'a Difference,
    changes: ActivityChanges<'a>,
}

impl<'a> Changed<'a> {
    pub(super) fn new(activity: ActivityId, difference: &'a Difference, now: Timestamp) -> Self {
        Self {
            activity,
            difference,
            changes: ActivityChanges::new(&difference.before, &difference.after, now),
        }
    }
}

impl Serialize for Changed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let difference = self.difference;
        let moved = moved(difference);
        let members = 4 + self.changes.count() + usize::from(moved.is_some());
        let mut map = serializer.serialize_map(Some(members))?;
        map.serialize_entry("type", "diff")?;
        map.serialize_entry("activity", &self.activity)?;
        map.serialize_entry("prev", &difference.prev())?;
        map.serialize_entry("seq", &difference.seq())?;
        self.changes.serialize_entries(&mut map)?;
        if let Some(moved) = moved {
            map.serialize_entry("waitlist", &moved)?;
        }
        map.end()
    }
}

/// How the line moved, for those who follow their place, and how it is now.
#[derive(Serialize)]
struct Moved<'a> {
    parties: u64,
    spots: u64,
    first_ticket: Option<Ticket>,
    left: &'a [(Ticket, u32, Seq)],
    resized: &'a [(Ticket, i64, Seq)],
    joined: &'a [(Ticket, u32, Seq)],
}

fn moved(difference: &Difference) -> Option<Moved<'_>> {
    let Difference { before, after, moves } = difference;
    let Moves {
        left,
        resized,
        joined,
    } = moves;
    let line = |overview| LineView::from(overview);
    let has_moved = !(left.is_empty() && resized.is_empty() && joined.is_empty());
    (has_moved || line(before) != line(after)).then(|| Moved {
        parties: after.counts.waitlisted_parties,
        spots: after.counts.waitlisted_spots,
        first_ticket: after.first_ticket,
        left,
        resized,
        joined,
    })
}

/// The token ends soon.
#[derive(Serialize)]
pub(super) struct Expiring {
    #[serde(rename = "type")]
    kind: &'static str,
    in_ms: u64,
}

impl Expiring {
    pub(super) fn new(in_ms: u64) -> Self {
        Self {
            kind: "expiring",
            in_ms,
        }
    }
}

/// The server is about to stop.
#[derive(Serialize)]
pub(super) struct Draining {
    #[serde(rename = "type")]
    kind: &'static str,
    reconnect_in_ms: u64,
}

impl Draining {
    pub(super) fn new(reconnect_in_ms: u64) -> Self {
        Self {
            kind: "draining",
            reconnect_in_ms,
        }
    }
}
