//! An entry of the decision log, as the host sees it.

use serde::Serialize;
use turnout_actors::domain::{Actor, RsvpId, Seq, Ticket};

use crate::api::time::Time;
use crate::store::events::LogEntry;

/// One entry of the decision log.
#[derive(Serialize)]
pub(super) struct LogEntryView {
    seq: Seq,
    at: Time,
    kind: String,
    rsvp_id: Option<RsvpId>,
    actor: String,
    previous_status: Option<String>,
    status: Option<String>,
    spots: Option<i64>,
    ticket: Option<Ticket>,
    reason: Option<String>,
}

impl From<LogEntry> for LogEntryView {
    fn from(entry: LogEntry) -> Self {
        let passed = entry.past.map(|ticket| match entry.needs_of_free {
            Some((needs, free)) => {
                format!("promoted past ticket {ticket}, which needs {needs} of {free} free")
            }
            None => format!("promoted past ticket {ticket}, which needs more spots than are free"),
        });
        Self {
            seq: entry.seq,
            at: Time(entry.at),
            kind: entry.kind,
            rsvp_id: entry.rsvp,
            actor: match entry.actor {
                Actor::User(user) => format!("user:{user}"),
                Actor::Guest(rsvp) => format!("guest:{rsvp}"),
                Actor::System => "system".to_owned(),
            },
            previous_status: entry.previous_status,
            status: entry.status,
            spots: entry.spots,
            ticket: entry.ticket,
            reason: entry.reason.or(passed),
        }
    }
}
