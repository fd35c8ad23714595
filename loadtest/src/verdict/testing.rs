//! Evidence of a server that does everything right, for tests to forge.

use uuid::Uuid;

use crate::history::{History, Outcome, Record, Tick};
use crate::model::{Command, Model, Request, RsvpView, Settings, Status};
use crate::seen::{LastState, SeenActivity, SeenAnswer, SeenEntry, SeenEvent, SeenRsvp, SeenStatus};

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
        };
        script(&mut run);
        Self {
            history: History {
                settings,
                records: run.records,
            },
            last: last_state(&run.model),
        }
    }

    pub(super) fn answer_mut(&mut self, index: usize) -> &mut SeenAnswer {
        match &mut self.history.records[index].outcome {
            Outcome::Acknowledged { answer, .. } => answer,
            other => panic!("{other:?} is no acknowledgement"),
        }
    }
}

/// A script under way: one command after the other.
pub(super) struct Run {
    model: Model,
    records: Vec<Record>,
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
        let sent = Tick(2 * self.records.len() as u64);
        let at = Tick(sent.0 + 1);
        let outcome = match self.model.submit(&Request::new(0, command.clone())) {
            Ok(answer) => Outcome::Acknowledged {
                at,
                answer: SeenAnswer {
                    rsvp: seen_rsvp(&answer.rsvp.unwrap()),
                    seq: answer.seq,
                    replayed: answer.replayed,
                },
            },
            Err(rejection) => Outcome::Rejected {
                at,
                code: rejection.code().to_owned(),
            },
        };
        self.records.push(Record {
            command,
            sent,
            outcome,
        });
    }
}

fn seen_rsvp(view: &RsvpView) -> SeenRsvp {
    SeenRsvp {
        id: rsvp_id(&view.person),
        user_id: Some(Uuid::parse_str(&view.person).unwrap()),
        status: match view.status {
            Status::Confirmed => SeenStatus::Confirmed,
            Status::Waitlisted => SeenStatus::Waitlisted,
            Status::Cancelled(_) => SeenStatus::Cancelled,
        },
        guest_count: view.guest_count,
        position: view.position,
        parties_ahead: view.parties_ahead,
        spots_ahead: view.spots_ahead,
        cancel_reason: view.status.cancel_reason().map(Into::into),
        version: view.version,
    }
}

fn last_state(model: &Model) -> LastState {
    let counts = model.counts();
    LastState {
        activity: SeenActivity {
            id: Uuid::nil(),
            status: "scheduled".into(),
            capacity: counts.capacity,
            confirmed_spots: counts.confirmed_spots,
            offered_spots: 0,
            available_spots: counts.available_spots,
            waitlisted_parties: counts.waitlisted_parties,
            waitlisted_spots: counts.waitlisted_spots,
            seq: counts.seq,
        },
        rsvps: model
            .rsvps()
            .keys()
            .map(|person| seen_rsvp(&model.rsvp(person).unwrap()))
            .collect(),
        waitlist: (1..)
            .zip(model.waiting())
            .map(|(position, party)| SeenEntry {
                id: rsvp_id(&party.members[0]),
                ticket: party.ticket,
                position: Some(position),
            })
            .collect(),
        events: model
            .events()
            .iter()
            .map(|event| SeenEvent {
                seq: event.seq,
                kind: event.kind.as_str().into(),
                rsvp_id: event.person.as_deref().map(rsvp_id),
                spots: event.spots,
                ticket: event.ticket,
            })
            .collect(),
    }
}
