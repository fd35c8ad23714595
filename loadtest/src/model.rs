//! The booking rules as one slow, naive state machine: the measure by which servers and engines are judged.
//!
//! It owns the rules of one activity and nothing else. It must stay obvious: rows in plain collections,
//! linear scans, `passed` counted by adding one. It must not share code with an engine, ask a clock, or be
//! made faster by a thought that an engine might have had too.

mod activity;
mod answer;
mod cancel;
mod command;
mod invariants;
mod keys;
mod permission;
mod reserve;
mod rsvp;
mod settings;
#[cfg(test)]
mod testing;
mod update;
mod waitlist;
mod windows;

use std::collections::BTreeMap;

pub use answer::{Answer, Counts, Event, EventKind, Rejection, RsvpView};
pub use command::{Command, IdempotencyKey, Request};
use keys::KeyRecord;
pub use rsvp::{CancelReason, Rsvp, Status};
pub use settings::{Settings, SettingsChange};
pub use waitlist::WaitingParty;

/// One activity, its RSVPs and its waitlist.
#[derive(Clone, Debug)]
pub struct Model {
    settings: Settings,
    waitlist_paused: bool,
    cancelled: bool,
    /// The activity's own: rises with every event about the activity as a whole, from 1.
    version: u64,
    /// The latest stamp seen: no later command is judged by an earlier one.
    now_us: i64,
    next_ticket: u64,
    /// One row per person who ever reserved; coming back reuses the row.
    rsvps: BTreeMap<String, Rsvp>,
    /// Who waits, in the order of tickets.
    waiting: Vec<WaitingParty>,
    confirmed_spots: u64,
    /// How many spots may be held: the capacity, or what was held when the capacity was cut below it, less
    /// what was given back since. Only the audit reads it.
    spots_limit: u64,
    /// Every event so far; the event at index `i` has the seq `i + 1`.
    events: Vec<Event>,
    keys: Vec<KeyRecord>,
    /// What went against a rule at the moment it happened, and cannot be seen from the state afterwards.
    breaches: Vec<String>,
}

impl Model {
    /// A scheduled activity without RSVPs. The settings are taken as valid.
    pub fn new(settings: Settings) -> Self {
        Self {
            spots_limit: u64::from(settings.capacity),
            settings,
            waitlist_paused: false,
            cancelled: false,
            version: 1,
            now_us: i64::MIN,
            next_ticket: 1,
            rsvps: BTreeMap::new(),
            waiting: Vec::new(),
            confirmed_spots: 0,
            events: Vec::new(),
            keys: Vec::new(),
            breaches: Vec::new(),
        }
    }

    /// Judges one command and, unless it is rejected, carries it out. A rejection changes nothing but the
    /// clock.
    pub fn submit(&mut self, request: &Request) -> Result<Answer, Rejection> {
        self.permit(request)?;
        if let Some(first_answer) = self.replay(request)? {
            return Ok(first_answer);
        }
        let judgement = self.judge(request);
        self.now_us = self.stamp_us(request);
        judgement?;

        let events_before = self.events.len();
        self.carry_out(&request.command);
        self.spots_limit = self
            .spots_limit
            .min(self.confirmed_spots)
            .max(u64::from(self.settings.capacity));
        let answer = Answer {
            seq: self.seq(),
            rsvp: request.command.person().and_then(|person| self.rsvp(person)),
            replayed: false,
            events: self.events[events_before..].to_vec(),
        };
        self.remember(request, &answer);
        Ok(answer)
    }

    /// Says whether a command would be accepted now, and does nothing. Keys are not looked at.
    pub fn judge(&self, request: &Request) -> Result<(), Rejection> {
        self.permit(request)?;
        let now_us = self.stamp_us(request);
        if self.cancelled {
            return Err(Rejection::ActivityCancelled);
        }
        match &request.command {
            Command::Reserve {
                person, guest_count, ..
            } => self.judge_reserve(now_us, request.by_host, person, *guest_count),
            Command::Update {
                person,
                guest_count,
                if_version,
                ..
            } => self.judge_update(now_us, request.by_host, person, *guest_count, *if_version),
            Command::Cancel {
                person,
                by_host,
                if_version,
            } => self.judge_cancel(now_us, request.by_host || *by_host, person, *if_version),
            Command::ChangeSettings(change) => self.judge_change(change, request.if_version),
            Command::CancelActivity => self.judge_version(request.if_version),
        }
    }

    fn carry_out(&mut self, command: &Command) {
        match command {
            Command::Reserve {
                person,
                guest_count,
                special_requirements,
            } => {
                self.reserve(person, *guest_count, special_requirements.clone());
            }
            Command::Update {
                person,
                guest_count,
                special_requirements,
                ..
            } => {
                self.update(person, *guest_count, special_requirements.as_ref());
            }
            Command::Cancel { person, by_host, .. } => self.cancel(person, *by_host),
            Command::ChangeSettings(change) => self.change_settings(change),
            Command::CancelActivity => self.cancel_activity(),
        }
    }

    /// What a command is judged by: its stamp, or the latest one before it.
    fn stamp_us(&self, request: &Request) -> i64 {
        self.now_us.max(request.at_us)
    }

    /// The number of the last event; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.events.len() as u64
    }

    /// Every event so far, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The settings as they are now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the host has paused promotion.
    pub fn is_waitlist_paused(&self) -> bool {
        self.waitlist_paused
    }

    /// Whether the activity was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// The activity's own version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Everybody who ever reserved, by person.
    pub fn rsvps(&self) -> &BTreeMap<String, Rsvp> {
        &self.rsvps
    }

    /// Who waits, in the order of tickets: the party at index `i` has the position `i + 1`.
    pub fn waiting(&self) -> &[WaitingParty] {
        &self.waiting
    }

    /// One person's RSVP with its place in the line.
    pub fn rsvp(&self, person: &str) -> Option<RsvpView> {
        let row = self.rsvps.get(person)?;
        let mut place = None;
        if row.status == Status::Waitlisted {
            let mut spots_ahead = 0;
            for (parties_ahead, party) in (0..).zip(&self.waiting) {
                if party.ticket == row.ticket {
                    place = Some((parties_ahead, spots_ahead));
                    break;
                }
                spots_ahead += party.spots;
            }
        }
        Some(row.view(person, place))
    }

    /// Everybody's RSVP as [`rsvp`](Self::rsvp) has it; the line is walked only once for all of them.
    pub fn all_rsvps(&self) -> BTreeMap<&str, RsvpView> {
        let mut places = BTreeMap::new();
        let mut spots_ahead = 0;
        for (parties_ahead, party) in (0..).zip(&self.waiting) {
            places.insert(party.ticket, (parties_ahead, spots_ahead));
            spots_ahead += party.spots;
        }
        let view = |(person, row): (&'_ String, &'_ Rsvp)| {
            let waits = row.status == Status::Waitlisted;
            row.view(person, places.get(&row.ticket).copied().filter(|_| waits))
        };
        self.rsvps
            .iter()
            .map(|entry| (entry.0.as_str(), view(entry)))
            .collect()
    }

    /// The spots that are held.
    pub fn confirmed_spots(&self) -> u64 {
        self.confirmed_spots
    }

    /// The counts that everybody may see.
    pub fn counts(&self) -> Counts {
        Counts {
            capacity: u64::from(self.settings.capacity),
            confirmed_spots: self.confirmed_spots,
            available_spots: self.available_spots(),
            waitlisted_parties: self.waiting.len() as u64,
            waitlisted_spots: self.waiting.iter().map(|party| party.spots).sum(),
            seq: self.seq(),
        }
    }

    fn available_spots(&self) -> u64 {
        u64::from(self.settings.capacity).saturating_sub(self.confirmed_spots)
    }

    /// Records what happened to one person's RSVP. Every such event is a change of that RSVP, so its version
    /// rises.
    fn emit(&mut self, kind: EventKind, person: &str) {
        let seq = self.seq() + 1;
        let row = self.row_mut(person);
        row.version += 1;
        let (ticket, spots) = (row.ticket, row.spots());
        self.events.push(Event {
            seq,
            kind,
            person: Some(person.to_owned()),
            ticket: Some(ticket),
            spots: Some(spots),
        });
    }

    /// Records what happened to the activity as a whole. Every such event is a change of the activity, so its
    /// version rises.
    fn emit_for_activity(&mut self, kind: EventKind) {
        self.version += 1;
        let seq = self.seq() + 1;
        self.events.push(Event {
            seq,
            kind,
            person: None,
            ticket: None,
            spots: None,
        });
    }

    fn row_mut(&mut self, person: &str) -> &mut Rsvp {
        self.rsvps
            .get_mut(person)
            .expect("a person in a command that was accepted has a row")
    }

    fn take_ticket(&mut self) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        ticket
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    #[test]
    fn events_are_numbered_from_one_without_gaps() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        cancel(&mut model, "ada").unwrap();
        let seqs: Vec<u64> = model.events().iter().map(|event| event.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
    }

    #[test]
    fn the_answer_tells_the_seq_of_the_last_event_of_the_command() {
        let mut model = capacity(1);
        assert_eq!(reserve(&mut model, "ada", 0).unwrap().seq, 1);
        assert_eq!(reserve(&mut model, "bob", 0).unwrap().seq, 2);
        assert_eq!(
            cancel(&mut model, "ada").unwrap().seq,
            4,
            "cancelled and promoted are both its own"
        );
    }

    #[test]
    fn tickets_start_at_one_and_go_to_confirmed_and_waiting_alike() {
        let mut model = capacity(1);
        assert_eq!(reserve(&mut model, "ada", 0).unwrap().rsvp.unwrap().ticket, 1);
        assert_eq!(reserve(&mut model, "bob", 0).unwrap().rsvp.unwrap().ticket, 2);
    }

    #[test]
    fn a_version_starts_at_one_and_rises_with_every_event_of_the_rsvp() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        assert_eq!(reserve(&mut model, "bob", 0).unwrap().rsvp.unwrap().version, 1);
        assert_eq!(cancel(&mut model, "ada").unwrap().rsvp.unwrap().version, 2);
        assert_eq!(model.rsvp("bob").unwrap().version, 2, "promoted");
        assert_eq!(
            update(&mut model, "bob", None, Some(Some("aisle")))
                .unwrap()
                .rsvp
                .unwrap()
                .version,
            3
        );
    }

    #[test]
    fn counts_are_what_everybody_may_see() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 2).unwrap();
        assert_eq!(
            model.counts(),
            Counts {
                capacity: 3,
                confirmed_spots: 2,
                available_spots: 1,
                waitlisted_parties: 1,
                waitlisted_spots: 3,
                seq: 2
            }
        );
    }

    #[test]
    fn everybody_together_is_everybody_alone() {
        let mut model = capacity(2);
        for (person, guest_count) in [("ada", 0), ("bob", 1), ("cyd", 1), ("dan", 1)] {
            reserve(&mut model, person, guest_count).unwrap();
        }
        cancel(&mut model, "cyd").unwrap();
        for (person, together) in model.all_rsvps() {
            assert_eq!(Some(together), model.rsvp(person));
        }
        assert_eq!(model.all_rsvps()["dan"].spots_ahead, Some(2));
    }

    #[test]
    fn a_rejection_changes_nothing() {
        let mut model = with(|settings| {
            settings.capacity = 1;
            settings.waitlist_capacity = Some(0);
        });
        reserve(&mut model, "ada", 0).unwrap();
        let before = model.clone();
        assert_eq!(
            reserve(&mut model, "bob", 0).unwrap_err(),
            Rejection::ActivityFull
        );
        assert_eq!(cancel(&mut model, "bob").unwrap_err(), Rejection::NotFound);
        assert_eq!(model.counts(), before.counts());
        assert_eq!(model.next_ticket, before.next_ticket);
        assert_eq!(model.rsvps(), before.rsvps());
    }
}
