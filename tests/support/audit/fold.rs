//! The events of one activity folded into what its rows must say, with what is wrong with the events themselves.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::line::Line;
use super::rows::{ActivityRow, EventRow};

/// How long a key counts after its command, and after the end of the activity.
const KEYS_KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

/// An RSVP as its events leave it.
#[derive(Clone)]
pub(super) struct Party {
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) spots: i64,
    pub(super) ticket: i64,
    pub(super) version: i64,
    pub(super) generation: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// What the events lead to. No event tells what an activity began with, so some of it is known only later.
pub(super) struct Fold {
    pub(super) parties: HashMap<Uuid, Party>,
    pub(super) version: i64,
    pub(super) updated_at: i64,
    pub(super) cancelled_at: Option<i64>,
    pub(super) stamped_at: i64,
    pub(super) capacity: Option<i64>,
    pub(super) limit: Option<i64>,
    pub(super) paused: Option<bool>,
    pub(super) settings: Option<Value>,
    pub(super) findings: Vec<String>,
    held: i64,
    last_ticket: i64,
    line: Line,
    /// By digest, when it was recorded.
    keys: HashMap<Vec<u8>, i64>,
    command: Option<Command>,
    ends_at: i64,
}

/// A command with a key whose last event is still to come, or has just been.
struct Command {
    at: i64,
    actor: Uuid,
    answer: Value,
    last: i64,
}

impl Fold {
    pub(super) fn of(activity: &ActivityRow, events: &[EventRow]) -> Self {
        let capacity = first_capacity(activity, events);
        let mut fold = Self {
            parties: HashMap::new(),
            version: 1,
            updated_at: activity.created_at,
            cancelled_at: None,
            stamped_at: activity.created_at,
            capacity,
            limit: capacity,
            paused: None,
            settings: None,
            findings: Vec::new(),
            held: 0,
            last_ticket: 0,
            // Each event takes one ticket at most.
            line: Line::up_to(events.len()),
            keys: HashMap::new(),
            command: None,
            ends_at: activity.ends_at,
        };
        for (event, due) in events.iter().zip(1..) {
            fold.step(event, due);
        }
        if let Some(command) = fold.command.take() {
            fold.findings.push(format!(
                "an answer names event {}, which does not exist",
                command.last
            ));
        }
        fold
    }

    fn step(&mut self, event: &EventRow, due: i64) {
        let before = self.findings.len();
        if event.seq != due {
            self.find(format!("it comes where event {due} was due"));
        }
        if event.at < self.stamped_at {
            self.find(format!("its time {} is before {}", event.at, self.stamped_at));
        }
        self.stamped_at = event.at;
        if self.cancelled_at.is_some() {
            self.find("the activity was cancelled before".to_owned());
        }
        self.begin_command(event);
        match event.kind.as_str() {
            "confirmed" | "waitlisted" | "promoted" | "updated" | "cancelled" => self.change_rsvp(event),
            _ => self.change_activity(event),
        }
        self.end_command(event);
        for finding in &mut self.findings[before..] {
            *finding = format!("event {} ({}): {finding}", event.seq, event.kind);
        }
    }

    fn find(&mut self, what: String) {
        self.findings.push(what);
    }

    fn begin_command(&mut self, event: &EventRow) {
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

    fn end_command(&mut self, event: &EventRow) {
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
        let told = &command.answer["rsvp"];
        let is = told["id"].as_str().and_then(|id| id.parse().ok());
        let Some(id) = is else {
            if !told.is_null() || event.rsvp_id.is_some() && event.kind != "promoted" {
                self.find(format!("an answer told nothing of the RSVP: {told}"));
            }
            return;
        };
        let is = self.parties.get(&id).map(|party| self.snapshot(id, party));
        if is.as_ref() != Some(told) {
            self.find(format!(
                "an answer told {told}, where there was {}",
                is.unwrap_or_default()
            ));
        }
    }

    /// An RSVP as an answer tells it.
    fn snapshot(&self, id: Uuid, party: &Party) -> Value {
        let status = match &party.reason {
            Some(reason) => json!({"cancelled": reason}),
            None => json!(party.status),
        };
        let mut told = json!({
            "id": id, "s": status, "g": party.spots - 1, "t": party.ticket, "v": party.version,
            "n": party.generation, "at": party.updated_at,
        });
        if party.status == "waitlisted" {
            told["a"] = json!(self.line.ahead(party.ticket));
        }
        told
    }

    fn change_rsvp(&mut self, event: &EventRow) {
        let (Some(id), Some(status), Some(spots), Some(ticket)) =
            (event.rsvp_id, &event.status, event.spots, event.ticket)
        else {
            return self.find("it says too little of its RSVP".to_owned());
        };
        let before = self.parties.get(&id).cloned();
        let was = before.as_ref().map(|party| party.status.clone());
        if event.previous_status != was {
            let said = &event.previous_status;
            self.find(format!("its RSVP {id} stood at {was:?} before, not at {said:?}"));
        }
        let (statuses, spots_due, ticket_due) = due(event, before.as_ref(), self.last_ticket + 1);
        if !statuses.contains(&(was.as_deref(), status.as_str())) {
            self.find(format!("nothing leads from {was:?} to {status}"));
        }
        if spots != spots_due || spots < 1 {
            self.find(format!("{spots} spots, where there were {spots_due}"));
        }
        if ticket != ticket_due {
            self.find(format!("ticket {ticket}, where {ticket_due} was due"));
        }
        if event.reason.is_some() != (status == "cancelled") {
            self.find(format!("the reason {:?} for {status}", event.reason));
        }
        if event.kind == "promoted" {
            let past = self.line.first().filter(|first| *first < ticket);
            if event.data()["past"].as_i64() != past {
                self.find(format!("it went past {past:?}, and does not say so"));
            }
        }
        let party = Party {
            status: status.clone(),
            reason: event.reason.clone(),
            spots,
            ticket,
            version: before.as_ref().map_or(0, |party| party.version) + 1,
            generation: before.as_ref().map_or(0, |party| party.generation)
                + i64::from(matches!(event.kind.as_str(), "confirmed" | "waitlisted")),
            created_at: before.as_ref().map_or(event.at, |party| party.created_at),
            updated_at: event.at,
        };
        self.place(before.as_ref(), &party);
        self.parties.insert(id, party);
    }

    /// Takes over the spots and the place in the line that a change gives and takes.
    fn place(&mut self, before: Option<&Party>, after: &Party) {
        if let Some(waited) = before.filter(|party| party.status == "waitlisted") {
            self.line.leave(waited.ticket);
        }
        if after.status == "waitlisted" {
            self.line.enter(after.ticket, after.spots);
        }
        self.last_ticket = self.last_ticket.max(after.ticket);
        let confirmed = |party: &Party| {
            if party.status == "confirmed" {
                party.spots
            } else {
                0
            }
        };
        let held = self.held;
        self.held += confirmed(after) - before.map_or(0, confirmed);
        let Some(capacity) = self.capacity else { return };
        if self.held > held.max(capacity) {
            self.find(format!("{} spots are taken of {capacity}", self.held));
        }
        self.limit = self.limit.map(|limit| capacity.max(limit.min(self.held)));
    }

    fn change_activity(&mut self, event: &EventRow) {
        let told = (event.rsvp_id, &event.status, event.spots, event.ticket);
        if told != (None, &None, None, None) || event.previous_status.is_some() || event.reason.is_some() {
            self.find("it says something of an RSVP".to_owned());
        }
        self.version += 1;
        self.updated_at = event.at;
        let mut data = event.data();
        match event.kind.as_str() {
            "activity_updated" => {
                let settings = data["settings"].take();
                for (member, is) in [
                    ("capacity", self.capacity.map(Value::from)),
                    ("waitlist_paused", self.paused.map(Value::from)),
                ] {
                    if is.is_some_and(|is| settings[member] != is) {
                        self.find(format!("it changes {member}, which has an event of its own"));
                    }
                }
                self.paused = settings["waitlist_paused"].as_bool();
                self.settings = Some(settings);
            }
            "capacity_changed" => {
                self.capacity = data["capacity"].as_i64();
                self.limit = self.capacity.map(|capacity| capacity.max(self.held));
                if self.capacity.is_none() {
                    self.find("it does not say to what".to_owned());
                }
            }
            "waitlist_paused" => self.paused = Some(true),
            "waitlist_resumed" => self.paused = Some(false),
            "activity_cancelled" => {
                self.cancelled_at = Some(event.at);
                self.held = 0;
                self.limit = self.capacity;
            }
            _ => self.find("the audit does not know this kind".to_owned()),
        }
    }
}

/// Which changes of status an event of this kind may tell, the spots and the ticket.
fn due<'a>(
    event: &'a EventRow,
    before: Option<&Party>,
    next_ticket: i64,
) -> (Vec<(Option<&'a str>, &'a str)>, i64, i64) {
    let (spots, ticket) = before.map_or((0, 0), |party| (party.spots, party.ticket));
    let said = event.spots.unwrap_or_default();
    let waits = before.is_some_and(|party| party.status == "waitlisted");
    match event.kind.as_str() {
        kind @ ("confirmed" | "waitlisted") => {
            let statuses = vec![(None, kind), (Some("cancelled"), kind)];
            (statuses, said, next_ticket)
        }
        "promoted" => (vec![(Some("waitlisted"), "confirmed")], spots, ticket),
        "updated" => {
            let statuses = ["confirmed", "waitlisted"].map(|status| (Some(status), status));
            // Who waits and brings more people goes to the end of the line.
            let grows = waits && said > spots;
            (statuses.into(), said, if grows { next_ticket } else { ticket })
        }
        _ => {
            let statuses = ["confirmed", "waitlisted"].map(|status| (Some(status), "cancelled"));
            (statuses.into(), spots, ticket)
        }
    }
}

/// The capacity at the beginning, where something tells.
fn first_capacity(activity: &ActivityRow, events: &[EventRow]) -> Option<i64> {
    for event in events {
        match event.kind.as_str() {
            "activity_updated" => return event.data()["settings"]["capacity"].as_i64(),
            "capacity_changed" => return None,
            _ => {}
        }
    }
    Some(activity.capacity)
}
