//! Commands with keys: what was recorded of them, and that they were answered with what there was.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Fold, Rsvp};
use crate::support::audit::rows::EventRow;

/// How long a key counts after its command, and after the end of the activity.
const KEYS_KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

/// A command with a key whose last event is still to come, or has just been.
pub(super) struct Command {
    at: i64,
    actor: Uuid,
    answer: Value,
    pub(super) last: i64,
}

impl Fold {
    pub(super) fn begin_command(&mut self, event: &EventRow) {
        let Some(digest) = &event.key_digest else {
            if event.fingerprint.is_some() || !event.data()["answer"].is_null() {
                self.find("it has an answer to a key, and no key".to_owned());
            }
            return;
        };
        if self.command.is_some() {
            self.find("it has a key in the middle of a command that had one".to_owned());
        }
        let answer = event.data()["answer"].take();
        let Some(last) = answer["seq"].as_i64().filter(|last| *last >= event.seq) else {
            return self.find("it has a key, and no answer that could be its".to_owned());
        };
        if event.fingerprint.is_none() || digest.len() != 16 {
            self.find("its key has no fingerprint, or no digest of 16 bytes".to_owned());
        }
        let earlier = self.keys.insert(digest.clone(), event.at);
        if earlier.is_some_and(|at| event.at <= at.max(self.ends_at) + KEYS_KEPT_US) {
            self.find("its key was recorded before".to_owned());
        }
        self.command = Some(Command {
            at: event.at,
            actor: event.actor,
            answer,
            last,
        });
    }

    pub(super) fn end_command(&mut self, event: &EventRow) {
        let Some(command) = self.command.take() else {
            return;
        };
        if (command.at, command.actor) != (event.at, event.actor) {
            self.find("it belongs to the command before it, by another's name or time".to_owned());
        }
        if event.seq < command.last {
            self.command = Some(command);
            return;
        }
        let told = all_told(&command.answer);
        if told.is_empty() && event.rsvp_id.is_some() && !event.is_promotion() {
            self.find(format!("an answer told nothing of the RSVP: {}", command.answer));
        }
        for told in told {
            self.check_told(told);
        }
    }

    /// An answer told of an RSVP what it was then.
    fn check_told(&mut self, told: &Value) {
        // Of those who come in each for themselves, somebody may be refused.
        if told["id"].is_null() && told["c"].is_string() {
            return;
        }
        let id = told["id"].as_str().and_then(|id| id.parse().ok());
        let is = id.and_then(|id| Some(self.snapshot(id, self.rsvps.get(&id)?)));
        if is.as_ref() != Some(told) {
            self.find(format!(
                "an answer told {told}, where there was {}",
                is.unwrap_or_default()
            ));
        }
    }

    /// An RSVP as an answer tells it.
    fn snapshot(&self, id: Uuid, rsvp: &Rsvp) -> Value {
        let status = match &rsvp.reason {
            Some(reason) => json!({"cancelled": reason}),
            None => json!(rsvp.status),
        };
        let mut told = json!({
            "id": id, "s": status, "g": rsvp.spots - 1, "t": rsvp.ticket, "v": rsvp.version,
            "n": rsvp.generation, "at": rsvp.updated_at,
        });
        if rsvp.status == "waitlisted" {
            told["a"] = json!(self.line.ahead(rsvp.ticket));
        }
        for (member, time) in [("c", rsvp.checked_in_at), ("o", rsvp.offered_until)] {
            if let Some(time) = time {
                told[member] = json!(time);
            }
        }
        told
    }
}

/// What an answer told: of one RSVP, or of several.
fn all_told(answer: &Value) -> Vec<&Value> {
    let one = Some(&answer["rsvp"]).filter(|rsvp| !rsvp.is_null());
    let several = ["rsvps", "each"].map(|member| answer[member].as_array());
    one.into_iter()
        .chain(several.into_iter().flatten().flatten())
        .collect()
}
