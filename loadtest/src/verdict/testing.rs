//! Evidence of a server that does everything right, for tests to forge.

use uuid::Uuid;

use super::order::request;
use crate::history::{Asker, History, Outcome, Record, Tick};
use crate::model::{
    Answer, Command, Event, GroupMode, Model, Rejection, Request, RsvpView, Settings, Status, Told, is_guest,
};
use crate::seen::{
    LastState, Problem, SeenActivity, SeenAnswer, SeenCounts, SeenEntry, SeenEvent, SeenHead, SeenResult,
    SeenRsvp, SeenStatus, SeenTold, SeenWaitlist,
};
use crate::utc::{micros, text};

/// The activity of all evidence.
const ACTIVITY: Uuid = Uuid::from_u128(4);

/// A field, and how to forge it.
pub(super) type Forgery<T> = (&'static str, fn(&mut T));

/// The user id of a short name.
pub(super) fn user(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Uuid::from_bytes(bytes)
}

/// The RSVP id of a person.
fn rsvp_id(person: &str) -> Uuid {
    let person = if is_guest(person) {
        user(person)
    } else {
        Uuid::parse_str(person).unwrap()
    };
    Uuid::from_u128(person.as_u128() + 1)
}

pub(super) fn reserve(name: &str, guest_count: u32) -> Command {
    Command::Reserve {
        person: user(name).to_string(),
        guest_count,
        special_requirements: None,
    }
}

/// What a server said, and what it showed in the end.
#[derive(Clone)]
pub(super) struct Evidence {
    pub(super) history: History,
    pub(super) last: LastState,
}

impl Evidence {
    pub(super) fn of(capacity: u32, script: impl FnOnce(&mut Run)) -> Self {
        Self::with(|settings| settings.capacity = capacity, script)
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings), script: impl FnOnce(&mut Run)) -> Self {
        let mut settings = Settings::new(1, i64::MAX, i64::MAX);
        change(&mut settings);
        let mut run = Run {
            model: Model::new(settings.clone()),
            records: Vec::new(),
            log: Vec::new(),
            now_s: 78,
        };
        script(&mut run);
        Self {
            last: run.last_state(),
            history: History {
                activity: ACTIVITY,
                settings,
                records: run.records,
                unasked: 0,
            },
        }
    }

    pub(super) fn answer_mut(&mut self, index: usize) -> &mut SeenAnswer {
        match &mut self.history.records[index].outcome {
            Outcome::Acknowledged { answer, .. } => answer,
            other => panic!("{other:?} is no acknowledgement"),
        }
    }

    /// The one RSVP that an answer tells.
    pub(super) fn rsvp_mut(&mut self, index: usize) -> &mut SeenRsvp {
        one(self.answer_mut(index))
    }

    /// When a command was sent for the first and for the last time.
    pub(super) fn sent(&mut self, index: usize, first: Tick, last: Tick) {
        let record = &mut self.history.records[index];
        (record.sent, record.last_sent) = (first, last);
    }

    /// The first answer was lost: the command was sent again then, and the same was answered again.
    pub(super) fn asked_again(&mut self, index: usize, then: Tick) {
        let record = &mut self.history.records[index];
        record.last_sent = then;
        match &mut record.outcome {
            Outcome::Acknowledged { at, answer } => {
                *at = Tick(then.0 + 1);
                answer.replayed = true;
            }
            other => panic!("{other:?} is no acknowledgement"),
        }
    }

    /// Everything was asked before anything was answered.
    pub(super) fn all_at_once(&mut self) {
        for record in &mut self.history.records {
            (record.sent, record.last_sent) = (Tick(0), Tick(0));
            if let Outcome::Acknowledged { at, .. } | Outcome::Rejected { at, .. } = &mut record.outcome {
                *at = Tick(1);
            }
        }
    }
}

/// The one RSVP that an answer tells.
pub(super) fn one(answer: &mut SeenAnswer) -> &mut SeenRsvp {
    match &mut answer.told {
        SeenTold::One(rsvp) => rsvp,
        other => panic!("{other:?} is not one"),
    }
}

/// A script under way: one command after the other.
pub(super) struct Run {
    model: Model,
    records: Vec<Record>,
    log: Vec<SeenEvent>,
    /// The time of the server, in seconds after five in the morning.
    now_s: u32,
}

/// What a person is called.
fn name(person: &str) -> String {
    format!("Person {person}")
}

impl Run {
    pub(super) fn reserve(&mut self, name: &str, guest_count: u32) {
        self.submit(Asker::Own, reserve(name, guest_count));
    }

    pub(super) fn cancel(&mut self, name: &str) {
        let command = Command::Cancel {
            person: user(name).to_string(),
            by_host: false,
            if_version: None,
        };
        self.submit(Asker::Own, command);
    }

    /// So many seconds go by.
    pub(super) fn wait(&mut self, seconds: u32) {
        self.now_s += seconds;
    }

    fn now(&self) -> String {
        format!("2026-11-21T05:{:02}:{:02}.377Z", self.now_s / 60, self.now_s % 60)
    }

    /// The offer of this person ends so many microseconds later, which no log tells.
    pub(super) fn postpone_offer(&mut self, person: &str, us: i64) {
        self.model.postpone_offer(person, us);
    }

    /// The server lets offers expire; no client hears of it.
    pub(super) fn expire(&mut self) {
        let before = self.model.clone();
        let at_us = micros(&self.now()).unwrap();
        let request = Request::new(at_us, Command::Expire).by_system();
        let answer = self.model.submit(&request).unwrap();
        self.log(&before, "system", &answer.events);
    }

    pub(super) fn submit(&mut self, asker: Asker, command: Command) {
        let sent = Tick(10 * self.records.len() as u64);
        let at = Tick(sent.0 + 9);
        let before = self.model.clone();
        let at_us = micros(&self.now()).unwrap();
        let outcome = match self.model.submit(&request(&command, Some(&asker), at_us)) {
            Ok(answer) => {
                self.log(&before, &actor(&asker, &command), &answer.events);
                Outcome::Acknowledged {
                    at,
                    answer: Box::new(seen_answer(&self.model, &asker, &command, &answer)),
                }
            }
            Err(refusal) => Outcome::Rejected {
                at,
                code: refusal.code().to_owned(),
            },
        };
        self.records.push(Record {
            name: name(command.person().unwrap_or_default()),
            command,
            asker,
            sent,
            last_sent: sent,
            outcome,
        });
    }

    /// Writes the log as a server does that knows where everybody stood before the command. In no script two events
    /// of one command are about the same person, and nobody is promoted past somebody who is promoted as well.
    fn log(&mut self, before: &Model, actor: &str, events: &[Event]) {
        for event in events {
            let Some(person) = event.person.as_deref() else {
                self.log.push(SeenEvent {
                    seq: event.seq,
                    at: self.now(),
                    kind: event.kind.as_str().into(),
                    rsvp_id: None,
                    actor: actor.into(),
                    previous_status: None,
                    status: None,
                    spots: None,
                    ticket: None,
                    reason: None,
                });
                continue;
            };
            let previous = before.rsvps().get(person).map(|row| row.status);
            let status = self.model.rsvps()[person].status;
            self.log.push(SeenEvent {
                seq: event.seq,
                at: self.now(),
                kind: event.kind.as_str().into(),
                rsvp_id: Some(rsvp_id(person)),
                actor: actor.into(),
                previous_status: previous.map(|status| status.as_str().into()),
                status: Some(status.as_str().into()),
                spots: event.spots,
                ticket: event.ticket,
                reason: event.reason.clone(),
            });
        }
    }

    fn last_state(&self) -> LastState {
        let model = &self.model;
        let counts = seen_counts(model);
        LastState {
            activity: SeenActivity {
                id: ACTIVITY,
                status: "scheduled".into(),
                checked_in_spots: Some(model.checked_in_spots()),
                counts,
            },
            rsvps: model.all_rsvps().values().map(seen_rsvp).collect(),
            waitlist: SeenWaitlist {
                parties: counts.waitlisted_parties,
                spots: counts.waitlisted_spots,
                paused: false,
                entries: model
                    .waiting()
                    .iter()
                    .flat_map(|party| {
                        party.members.iter().map(|person| SeenEntry {
                            rsvp: seen_rsvp(&model.rsvp(person).unwrap()),
                            ticket: party.ticket,
                        })
                    })
                    .collect(),
            },
            events: self.log.clone(),
        }
    }
}

fn seen_counts(model: &Model) -> SeenCounts {
    let counts = model.counts();
    SeenCounts {
        capacity: counts.capacity,
        confirmed_spots: counts.confirmed_spots,
        offered_spots: counts.offered_spots,
        available_spots: counts.available_spots,
        waitlisted_parties: counts.waitlisted_parties,
        waitlisted_spots: counts.waitlisted_spots,
        seq: counts.seq,
    }
}

fn seen_rsvp(view: &RsvpView) -> SeenRsvp {
    let has_account = !is_guest(&view.person);
    SeenRsvp {
        id: rsvp_id(&view.person),
        activity_id: ACTIVITY,
        user_id: has_account.then(|| Uuid::parse_str(&view.person).unwrap()),
        email: (!has_account).then(|| view.person.clone()),
        name: view.name.clone().unwrap_or_else(|| name(&view.person)),
        booked_by: view.booked_by.as_deref().map(|id| Uuid::parse_str(id).unwrap()),
        status: match view.status {
            Status::Confirmed => SeenStatus::Confirmed,
            Status::Waitlisted => SeenStatus::Waitlisted,
            Status::Offered => SeenStatus::Offered,
            Status::Cancelled(_) => SeenStatus::Cancelled,
        },
        guest_count: view.guest_count,
        total_spots: 1 + u64::from(view.guest_count),
        position: view.position,
        parties_ahead: view.parties_ahead,
        spots_ahead: view.spots_ahead,
        offer_expires_at: view.offer_expires_at_us.map(text),
        group_id: view.group.map(|group| Uuid::from_u128(u128::from(group))),
        special_requirements: view.special_requirements.clone(),
        checked_in_at: view.checked_in_at_us.map(text),
        cancel_reason: view.status.cancel_reason().map(Into::into),
        version: view.version,
        manage_token: None,
    }
}

/// Who did it, in the words of the log.
fn actor(asker: &Asker, command: &Command) -> String {
    match asker {
        Asker::Own => {
            let person = command.person().unwrap();
            if is_guest(person) {
                format!("guest:{}", rsvp_id(person))
            } else {
                format!("user:{person}")
            }
        }
        Asker::Account(account) => format!("user:{account}"),
        Asker::Host => format!("user:{}", user("hal")),
    }
}

fn seen_answer(model: &Model, asker: &Asker, command: &Command, answer: &Answer) -> SeenAnswer {
    let told = match &answer.told {
        // Whoever booked it for somebody else.
        Told::One(rsvp) if matches!(asker, Asker::Account(_)) => SeenTold::One(Box::new(SeenRsvp {
            email: None,
            special_requirements: None,
            ..seen_rsvp(rsvp)
        })),
        Told::One(rsvp) => SeenTold::One(Box::new(seen_rsvp(rsvp))),
        Told::Several(rsvps) => SeenTold::Several(rsvps.iter().map(seen_rsvp).collect()),
        Told::Each(results) => SeenTold::Each(results.iter().map(seen_result).collect()),
        Told::Nothing => panic!("no script changes the activity but the host's own"),
    };
    let is_new = matches!(
        command,
        Command::Reserve { .. }
            | Command::ReserveGroup {
                mode: GroupMode::All,
                ..
            }
    );
    SeenAnswer {
        head: Some(SeenHead {
            status: if is_new { 201 } else { 200 },
            etag: answer.rsvp().map(|rsvp| format!("\"{}\"", rsvp.version)),
        }),
        told,
        seq: answer.seq,
        replayed: answer.replayed,
        already: matches!(command, Command::CheckIn { .. }) && !answer.changed,
        counts: seen_counts(model),
    }
}

fn seen_result(result: &Result<RsvpView, Rejection>) -> SeenResult {
    match result {
        Ok(rsvp) => SeenResult::Done {
            rsvp: Box::new(seen_rsvp(rsvp)),
        },
        Err(rejection) => SeenResult::Refused {
            error: Problem {
                code: rejection.code().to_owned(),
            },
        },
    }
}
