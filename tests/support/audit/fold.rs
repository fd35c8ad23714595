//! The events of one activity folded into what its rows must say, with what is wrong with the events themselves.

mod answers;
mod due;
mod together;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::line::Line;
use super::rows::{ActivityRow, EventRow, RsvpRow};
use answers::Command;
use due::{Due, Passed};
use together::Together;

/// An RSVP as its events leave it.
#[derive(Clone)]
pub(super) struct Rsvp {
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) spots: i64,
    pub(super) ticket: i64,
    pub(super) group: Option<Uuid>,
    pub(super) booked_by: Option<Uuid>,
    pub(super) checked_in_at: Option<i64>,
    pub(super) offered_until: Option<i64>,
    pub(super) version: i64,
    pub(super) generation: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

impl Rsvp {
    pub(super) fn is_live(&self) -> bool {
        self.status != "cancelled"
    }

    fn holds(&self) -> i64 {
        match self.status.as_str() {
            "confirmed" | "offered" => self.spots,
            _ => 0,
        }
    }
}

/// What the events lead to. No event tells what an activity began with, so some of it is known only later.
pub(super) struct Fold {
    pub(super) rsvps: HashMap<Uuid, Rsvp>,
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
    pub(super) last_ticket: i64,
    line: Line,
    /// Offers that stand, by their ends.
    offers: BTreeSet<(i64, Uuid)>,
    /// An RSVP whose place was given away, while whoever gets it is still to be told.
    given: Option<(Uuid, Rsvp)>,
    together: Together,
    /// RSVPs of people without an account.
    guests: HashSet<Uuid>,
    /// By digest, when it was recorded.
    keys: HashMap<Vec<u8>, i64>,
    command: Option<Command>,
    ends_at: i64,
}

impl Fold {
    pub(super) fn of(activity: &ActivityRow, events: &[EventRow], rsvps: &[RsvpRow]) -> Self {
        let capacity = first_capacity(activity, events);
        let mut fold = Self {
            rsvps: HashMap::new(),
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
            offers: BTreeSet::new(),
            given: None,
            together: Together::default(),
            guests: rsvps
                .iter()
                .filter(|rsvp| rsvp.is_guest())
                .map(|rsvp| rsvp.id)
                .collect(),
            keys: HashMap::new(),
            command: None,
            ends_at: activity.ends_at,
        };
        for (event, due) in events.iter().zip(1..) {
            fold.step(event, due);
        }
        fold.end();
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
        self.check_offers(event);
        self.begin_command(event);
        match event.kind.as_str() {
            "confirmed" | "waitlisted" | "promoted" | "offered" | "accepted" | "declined" | "expired"
            | "updated" | "cancelled" | "transferred" | "checked_in" | "check_in_undone" => {
                self.change_rsvp(event);
            }
            _ => self.change_activity(event),
        }
        self.check_actor(event);
        self.end_command(event);
        for finding in &mut self.findings[before..] {
            *finding = format!("event {} ({}): {finding}", event.seq, event.kind);
        }
    }

    fn end(&mut self) {
        if let Some(command) = self.command.take() {
            self.find(format!(
                "an answer names event {}, which does not exist",
                command.last
            ));
        }
        if let Some((id, _)) = self.given.take() {
            self.find(format!("RSVP {id}: nobody took over its place"));
        }
        let split = self.together.split();
        self.findings.extend(split);
        // Those that end at one moment end together.
        if let Some((until, id)) = self.offers.first().filter(|(until, _)| *until <= self.stamped_at) {
            let over = format!("the offer of RSVP {id} was over at {until}, and stands");
            self.find(over);
        }
    }

    fn find(&mut self, what: String) {
        self.findings.push(what);
    }

    /// Nothing else is decided while an offer stands whose time is over.
    fn check_offers(&mut self, event: &EventRow) {
        let over = self.offers.first().filter(|(until, _)| *until <= event.at);
        if let Some((until, id)) = over.filter(|_| event.kind != "expired") {
            let over = format!("the offer of RSVP {id} was over at {until}, and stood");
            self.find(over);
        }
    }

    /// Whose command it was.
    fn check_actor(&mut self, event: &EventRow) {
        let is_times = event.kind == "expired";
        let (known, time) = match event.actor_kind.as_deref() {
            None => (true, false),
            Some("guest") => (self.rsvps.contains_key(&event.actor), false),
            Some("system") => (event.actor.is_nil() && (is_times || event.is_promotion()), true),
            Some(_) => (false, false),
        };
        if !known || is_times && !time {
            self.find(format!("it cannot be by {:?} {}", event.actor_kind, event.actor));
        }
    }

    fn change_rsvp(&mut self, event: &EventRow) {
        let (Some(id), Some(status), Some(spots), Some(ticket)) =
            (event.rsvp_id, &event.status, event.spots, event.ticket)
        else {
            return self.find("it says too little of its RSVP".to_owned());
        };
        let before = self.rsvps.get(&id).cloned();
        let was = before.as_ref().map(|rsvp| rsvp.status.clone());
        if event.previous_status != was {
            let said = &event.previous_status;
            self.find(format!("its RSVP {id} stood at {was:?} before, not at {said:?}"));
        }
        let given = self.given.take();
        if let Some((giver, _)) = given.as_ref().filter(|_| !event.is_takeover()) {
            self.find(format!("nobody took over the place of RSVP {giver}"));
        }
        self.go_on_together(event, id, before.as_ref());
        let due = Due::of(
            event,
            before.as_ref(),
            given.as_ref(),
            self.ticket_due(event, before.as_ref()),
        );
        if !due.statuses.contains(&(was.as_deref(), status.as_str())) {
            self.find(format!("nothing leads from {was:?} to {status}"));
        }
        if spots != due.spots || spots < 1 {
            self.find(format!("{spots} spots, where there were {}", due.spots));
        }
        if ticket != due.ticket {
            self.find(format!("ticket {ticket}, where {} was due", due.ticket));
        }
        if !due.reasons.contains(&event.reason.as_deref()) {
            self.find(format!("the reason {:?} for {status}", event.reason));
        }
        self.check_place(event, given.as_ref());
        self.check_passed(event, ticket);
        self.check_offered(event, before.as_ref(), given.as_ref());
        self.check_checked_in(event, before.as_ref());
        let after = Rsvp {
            status: status.clone(),
            reason: event.reason.clone().filter(|_| status == "cancelled"),
            spots,
            ticket,
            version: before.as_ref().map_or(0, |rsvp| rsvp.version) + 1,
            generation: before.as_ref().map_or(0, |rsvp| rsvp.generation) + i64::from(event.is_arrival()),
            created_at: before.as_ref().map_or(event.at, |rsvp| rsvp.created_at),
            updated_at: event.at,
            ..self.extras(event, id, before.as_ref(), given.as_ref())
        };
        self.place(event, id, before.as_ref(), &after);
        if event.kind == "transferred" {
            self.given = before.map(|before| (id, before));
        }
        self.rsvps.insert(id, after);
    }

    /// What an event leaves of an RSVP beside what it tells in columns.
    fn extras(
        &self,
        event: &EventRow,
        id: Uuid,
        before: Option<&Rsvp>,
        given: Option<&(Uuid, Rsvp)>,
    ) -> Rsvp {
        let data = event.data();
        let blank = Rsvp {
            status: String::new(),
            reason: None,
            spots: 0,
            ticket: 0,
            group: None,
            booked_by: None,
            checked_in_at: None,
            offered_until: None,
            version: 0,
            generation: 0,
            created_at: 0,
            updated_at: 0,
        };
        let mut extras = before.cloned().unwrap_or_else(|| blank.clone());
        match event.kind.as_str() {
            _ if event.is_arrival() => {
                let booker = Some(event.actor).filter(|_| event.actor_kind.is_none());
                let booker = booker.filter(|_| self.guests.contains(&id));
                extras = Rsvp {
                    group: data["group"].as_str().and_then(|group| group.parse().ok()),
                    booked_by: given.map_or(booker, |(_, giver)| giver.booked_by),
                    offered_until: data["until"].as_i64(),
                    ..blank
                };
            }
            "offered" => extras.offered_until = data["until"].as_i64(),
            "accepted" | "declined" | "expired" | "cancelled" | "transferred" => extras.offered_until = None,
            "checked_in" => extras.checked_in_at = Some(event.at),
            "check_in_undone" => extras.checked_in_at = None,
            _ => {}
        }
        extras
    }

    /// Whoever takes over a place says whose, and is in the same party.
    fn check_place(&mut self, event: &EventRow, given: Option<&(Uuid, Rsvp)>) {
        let data = event.data();
        let of = |member: &str| data[member].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let due = given.filter(|_| event.is_takeover());
        if of("place_of") != due.map(|(giver, _)| *giver) {
            self.find(format!("the place of {} was not given away", data["place_of"]));
        }
        if let Some((_, giver)) = due
            && of("group") != giver.group
        {
            self.find(format!(
                "it is in the party {}, not in that of the giver",
                data["group"]
            ));
        }
    }

    /// A promotion says whom it went past, and why. The members of a party say all what the first does.
    fn check_passed(&mut self, event: &EventRow, ticket: i64) {
        let said = Passed::said(&event.data());
        if !event.is_promotion() {
            if said != Passed::default() {
                self.find(format!("it says {said:?}, and promotes nobody"));
            }
            return;
        }
        let first = self.line.first().filter(|(first, _)| *first < ticket);
        let first = first.filter(|_| event.reason.is_none());
        if said.ticket != first.map(|(first, _)| first) {
            let past = first.map(|(first, _)| first);
            return self.find(format!("it went past {past:?}, and does not say so"));
        }
        let follows = self.together.said();
        let free = self.capacity.map(|capacity| capacity - self.held);
        let due = match (first, follows) {
            (_, Some(said)) => said,
            (Some((first, needs)), None) => Passed {
                ticket: Some(first),
                needs: Some(needs),
                // Not known is never wrong.
                free: free.or(said.free),
            },
            (None, None) => Passed::default(),
        };
        if said != due {
            self.find(format!("it says {said:?}, not {due:?}"));
        }
        self.together.note(said);
    }

    /// An offer has an end, which goes over to whoever takes over a place; it is answered in time, and ends no earlier.
    fn check_offered(&mut self, event: &EventRow, before: Option<&Rsvp>, given: Option<&(Uuid, Rsvp)>) {
        const LONGEST_US: i64 = 30 * 24 * 60 * 60 * 1_000_000;
        let until = event.data()["until"].as_i64();
        let stood = before.and_then(|rsvp| rsvp.offered_until);
        let holds = match event.kind.as_str() {
            "offered" if event.is_promotion() => {
                until.is_some_and(|until| (event.at + 1..=event.at + LONGEST_US).contains(&until))
            }
            _ if event.is_takeover() => until == given.and_then(|(_, giver)| giver.offered_until),
            "accepted" => until.is_none() && stood.is_some_and(|stood| event.at < stood),
            "expired" => until.is_none() && stood.is_some_and(|stood| event.at >= stood),
            _ => until.is_none(),
        };
        if !holds {
            self.find(format!(
                "at {}, with {until:?}, the offer stood until {stood:?}",
                event.at
            ));
        }
    }

    fn check_checked_in(&mut self, event: &EventRow, before: Option<&Rsvp>) {
        let is_in = before.is_some_and(|rsvp| rsvp.checked_in_at.is_some());
        if event.kind == "checked_in" && is_in || event.kind == "check_in_undone" && !is_in {
            self.find("its person was, or was not, in before".to_owned());
        }
    }

    /// Takes over the spots and the place in the line that a change gives and takes. While a place is handed on, nobody
    /// leaves it.
    fn place(&mut self, event: &EventRow, id: Uuid, before: Option<&Rsvp>, after: &Rsvp) {
        let before = before.filter(|rsvp| rsvp.is_live());
        if let Some(until) = before.and_then(|rsvp| rsvp.offered_until) {
            self.offers.remove(&(until, id));
        }
        self.offers.extend(after.offered_until.map(|until| (until, id)));
        if event.kind == "transferred" || event.is_takeover() {
            return;
        }
        if let Some(waited) = before.filter(|rsvp| rsvp.status == "waitlisted") {
            self.line.leave(waited.ticket, waited.spots);
        }
        if after.status == "waitlisted" {
            self.line.enter(after.ticket, after.spots);
        }
        self.last_ticket = self.last_ticket.max(after.ticket);
        let held = self.held;
        self.held += after.holds() - before.map_or(0, Rsvp::holds);
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
                self.offers.clear();
            }
            _ => self.find("the audit does not know this kind".to_owned()),
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
