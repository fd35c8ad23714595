//! Evidence of a server that does everything right, for tests to forge.

use uuid::Uuid;

use crate::history::{History, Outcome, Record, Tick};
use crate::model::{Command, Event, EventKind, Model, Request, RsvpView, Settings, Status};
use crate::seen::{
    LastState, SeenActivity, SeenAnswer, SeenCounts, SeenEntry, SeenEvent, SeenHead, SeenRsvp, SeenStatus,
    SeenWaitlist,
};

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
    Uuid::from_u128(Uuid::parse_str(person).unwrap().as_u128() + 1)
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

/// A script under way: one command after the other.
pub(super) struct Run {
    model: Model,
    records: Vec<Record>,
    log: Vec<SeenEvent>,
}

/// What a person is called.
fn name(person: &str) -> String {
    format!("Person {person}")
}

impl Run {
    pub(super) fn reserve(&mut self, name: &str, guest_count: u32) {
        self.submit(reserve(name, guest_count));
    }

    pub(super) fn cancel(&mut self, name: &str) {
        self.submit(Command::Cancel {
            person: user(name).to_string(),
            by_host: false,
            if_version: None,
        });
    }

    fn submit(&mut self, command: Command) {
        let sent = Tick(10 * self.records.len() as u64);
        let at = Tick(sent.0 + 9);
        let person = command.person().unwrap().to_owned();
        let before = self.model.clone();
        let outcome = match self.model.submit(&Request::new(0, command.clone())) {
            Ok(answer) => {
                self.log(&before, &person, &answer.events);
                let rsvp = seen_rsvp(answer.rsvp().unwrap());
                Outcome::Acknowledged {
                    at,
                    answer: Box::new(SeenAnswer {
                        head: Some(SeenHead {
                            status: if matches!(command, Command::Reserve { .. }) {
                                201
                            } else {
                                200
                            },
                            etag: Some(format!("\"{}\"", rsvp.version)),
                        }),
                        rsvp,
                        seq: answer.seq,
                        replayed: answer.replayed,
                        counts: seen_counts(&self.model),
                    }),
                }
            }
            Err(rejection) => Outcome::Rejected {
                at,
                code: rejection.code().to_owned(),
            },
        };
        self.records.push(Record {
            command,
            name: name(&person),
            sent,
            last_sent: sent,
            outcome,
        });
    }

    /// Writes the log as a server does that knows where everybody stood before the command. No script promotes
    /// anybody twice in one command, or anybody past somebody who is promoted as well.
    fn log(&mut self, before: &Model, actor: &str, events: &[Event]) {
        for event in events {
            let person = event.person.as_deref().unwrap();
            let previous = before.rsvps().get(person).map(|row| row.status);
            let status = self.model.rsvps()[person].status;
            let first_waiting = self.model.waiting().first().map(|party| party.ticket);
            let passed = first_waiting
                .filter(|first| event.kind == EventKind::Promoted && Some(*first) < event.ticket)
                .map(|first| format!("promoted past ticket {first}, which needs more spots than are free"));
            self.log.push(SeenEvent {
                seq: event.seq,
                at: "2026-11-21T05:01:18.377Z".into(),
                kind: event.kind.as_str().into(),
                rsvp_id: Some(rsvp_id(person)),
                actor: format!("user:{actor}"),
                previous_status: previous.map(|status| status.as_str().into()),
                status: Some(status.as_str().into()),
                spots: event.spots,
                ticket: event.ticket,
                reason: status.cancel_reason().map(Into::into).or(passed),
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
                    .map(|party| SeenEntry {
                        rsvp: seen_rsvp(&model.rsvp(&party.members[0]).unwrap()),
                        ticket: party.ticket,
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
    SeenRsvp {
        id: rsvp_id(&view.person),
        activity_id: ACTIVITY,
        user_id: Some(Uuid::parse_str(&view.person).unwrap()),
        name: name(&view.person),
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
        special_requirements: view.special_requirements.clone(),
        cancel_reason: view.status.cancel_reason().map(Into::into),
        version: view.version,
    }
}
