//! The booking rules as one slow, naive state machine: the measure by which servers and engines are judged.
//!
//! It owns the rules of one activity and nothing else. It must stay obvious: rows in plain collections,
//! linear scans, `passed` counted by adding one. It must not share code with an engine, ask a clock, or be
//! made faster by a thought that an engine might have had too.

mod activity;
mod answer;
mod by_hand;
mod cancel;
mod check_in;
mod command;
mod event;
mod fold;
mod group;
#[cfg(test)]
mod histories;
mod invariants;
mod keys;
mod offers;
mod party;
mod permission;
mod reads;
mod rejection;
mod request;
mod reserve;
mod rsvp;
mod settings;
#[cfg(test)]
mod testing;
mod transfer;
mod update;
mod waitlist;
mod windows;
mod witness;

use std::collections::BTreeMap;

pub use answer::{Answer, Counts, RsvpView, Told};
pub use command::{Command, GroupMode, Member, Which};
pub use event::{Event, EventKind};
use keys::KeyRecord;
pub use rejection::{About, Refusal, Rejection};
pub use request::{IdempotencyKey, Request};
use reserve::Newcomer;
pub use rsvp::{CancelReason, Rsvp, Status, is_guest};
pub use settings::{Promotion, Settings, SettingsChange};
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
    next_group: u32,
    /// One row per person who ever reserved; coming back reuses the row.
    rsvps: BTreeMap<String, Rsvp>,
    /// Who waits, in the order of tickets.
    waiting: Vec<WaitingParty>,
    confirmed_spots: u64,
    offered_spots: u64,
    /// How many spots may be held: the capacity, or what was held when the capacity was cut below it, less
    /// what was given back since. Only the audit reads it.
    spots_limit: u64,
    /// Every event so far; the event at index `i` has the seq `i + 1`.
    events: Vec<Event>,
    keys: Vec<KeyRecord>,
    /// What went against a rule at the moment it happened, and cannot be seen from the state afterwards.
    breaches: Vec<String>,
}

/// Whose RSVPs an answer tells.
enum Touched {
    Nobody,
    One(String),
    Several(Vec<String>),
    Each(Vec<Result<String, Rejection>>),
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
            next_group: 1,
            rsvps: BTreeMap::new(),
            waiting: Vec::new(),
            confirmed_spots: 0,
            offered_spots: 0,
            events: Vec::new(),
            keys: Vec::new(),
            breaches: Vec::new(),
        }
    }

    /// Judges one command and, unless it is rejected, carries it out. A rejection changes nothing but the
    /// clock. The scan ends every command that had an effect, on the state after the command's own events.
    pub fn submit(&mut self, request: &Request) -> Result<Answer, Refusal> {
        self.permit(request)?;
        if let Some(first_answer) = self.replay(request)? {
            return Ok(first_answer);
        }
        let judgement = self.judge(request);
        self.now_us = self.stamp_us(request);
        judgement?;

        let events_before = self.events.len();
        let touched = self.carry_out(request);
        let changed = self.events.len() > events_before;
        if changed {
            self.scan_and_tell();
        }
        self.spots_limit = self
            .spots_limit
            .min(self.held_spots())
            .max(u64::from(self.settings.capacity));
        self.witness(request, events_before);
        let answer = Answer {
            seq: self.seq(),
            told: self.told(touched),
            replayed: false,
            changed,
            events: self.events[events_before..].to_vec(),
        };
        self.remember(request, &answer);
        Ok(answer)
    }

    /// Says whether a command would be accepted now, and does nothing. Keys are not looked at.
    pub fn judge(&self, request: &Request) -> Result<(), Refusal> {
        self.permit(request)?;
        let now_us = self.stamp_us(request);
        let by_host = request.by_host;
        if self.cancelled {
            return Err(Rejection::ActivityCancelled.into());
        }
        match &request.command {
            Command::Reserve {
                person, guest_count, ..
            } => self.judge_reserve(now_us, by_host, person, *guest_count)?,
            Command::ReserveGroup { members, mode } => self.judge_group(now_us, by_host, members, *mode)?,
            Command::Update { .. } => self.judge_update(now_us, by_host, &request.command)?,
            Command::Cancel {
                person,
                by_host: host_takes_it,
                if_version,
            } => self.judge_cancel(now_us, by_host || *host_takes_it, person, *if_version)?,
            Command::Accept { person, if_version } => self.judge_accept(now_us, person, *if_version)?,
            Command::Decline { person, if_version } => {
                self.judge_decline(now_us, by_host, person, *if_version)?;
            }
            Command::Transfer {
                person,
                to,
                if_version,
            } => self.judge_transfer(now_us, by_host, person, to, *if_version)?,
            Command::CheckIn {
                person,
                generation,
                if_version,
            } => self.judge_check_in(person, *generation, *if_version)?,
            Command::UndoCheckIn { person, if_version } => self.judge_check_in(person, None, *if_version)?,
            Command::Promote(which) => self.judge_promotion(which)?,
            Command::Bulk { promote, remove } => self.judge_bulk(promote, remove)?,
            Command::Expire => {}
            Command::ChangeSettings(change) => self.judge_change(change, request.if_version)?,
            Command::CancelActivity => self.judge_version(request.if_version)?,
        }
        Ok(())
    }

    fn carry_out(&mut self, request: &Request) -> Touched {
        match &request.command {
            Command::Reserve {
                person,
                guest_count,
                special_requirements,
            } => self.reserve(person, *guest_count, special_requirements.clone()),
            Command::ReserveGroup { members, mode } => {
                return self.reserve_group(request.by.as_deref(), members, *mode);
            }
            Command::Update {
                person,
                guest_count,
                special_requirements,
                name,
                ..
            } => self.update(
                person,
                *guest_count,
                special_requirements.as_ref(),
                name.as_deref(),
            ),
            Command::Cancel { person, by_host, .. } => self.cancel(person, *by_host),
            Command::Accept { person, .. } => self.accept(person),
            Command::Decline { person, .. } => self.decline(person),
            Command::Transfer { person, to, .. } => {
                self.transfer(person, to);
                return Touched::Several(vec![person.clone(), to.clone()]);
            }
            Command::CheckIn { person, .. } => self.check_in(person),
            Command::UndoCheckIn { person, .. } => self.undo_check_in(person),
            Command::Promote(which) => return Touched::Several(self.promote_by_hand(which)),
            Command::Bulk { promote, remove } => return Touched::Several(self.bulk(promote, remove)),
            Command::Expire => self.expire(),
            Command::ChangeSettings(change) => self.change_settings(change),
            Command::CancelActivity => self.cancel_activity(),
        }
        match request.command.person() {
            Some(person) => Touched::One(person.to_owned()),
            None => Touched::Nobody,
        }
    }

    /// The RSVPs as they are now.
    fn told(&self, touched: Touched) -> Told {
        let view = |person: String| {
            let rsvp = self.rsvp(&person);
            rsvp.expect("whoever a command was carried out for has a row")
        };
        match touched {
            Touched::Nobody => Told::Nothing,
            Touched::One(person) => Told::One(view(person)),
            Touched::Several(people) => Told::Several(people.into_iter().map(view).collect()),
            Touched::Each(results) => {
                let told = results.into_iter().map(|result| result.map(view));
                Told::Each(told.collect())
            }
        }
    }

    /// What a command is judged by: its stamp, or the latest one before it.
    fn stamp_us(&self, request: &Request) -> i64 {
        self.now_us.max(request.at_us)
    }

    fn available_spots(&self) -> u64 {
        u64::from(self.settings.capacity).saturating_sub(self.held_spots())
    }

    /// Records what happened to one person's RSVP. Every such event is a change of that RSVP, so its version
    /// rises.
    fn emit(&mut self, kind: EventKind, person: &str, reason: Option<&str>) {
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
            reason: reason.map(str::to_owned),
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
            reason: None,
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
        assert_eq!(reserve(&mut model, "ada", 0).unwrap().rsvp().unwrap().ticket, 1);
        assert_eq!(reserve(&mut model, "bob", 0).unwrap().rsvp().unwrap().ticket, 2);
    }

    #[test]
    fn a_version_starts_at_one_and_rises_with_every_event_of_the_rsvp() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        assert_eq!(reserve(&mut model, "bob", 0).unwrap().rsvp().unwrap().version, 1);
        assert_eq!(cancel(&mut model, "ada").unwrap().rsvp().unwrap().version, 2);
        assert_eq!(model.rsvp("bob").unwrap().version, 2, "promoted");
        assert_eq!(
            update(&mut model, "bob", None, Some(Some("aisle")))
                .unwrap()
                .rsvp()
                .unwrap()
                .version,
            3
        );
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
