//! One command of one person over one line: when it is sent, what it is counted as, and the record that it leaves.

use tokio::time::Instant;

use crate::clock;
use crate::history::{Asker, Outcome, Record, Tick, Ticks};
use crate::line::{Line, Put, Said};
use crate::model::Command;
use crate::shared::{SharedTally, lock};
use crate::tokens::Person;

/// What a person does in a load test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Ask for spots.
    Reserve {
        /// For how many beside oneself.
        guest_count: u32,
    },
    /// Give them back.
    Cancel,
}

impl Deed {
    /// The command as the model knows it.
    pub fn command(self, person: &Person) -> Command {
        let person = person.id.clone();
        match self {
            Self::Reserve { guest_count } => Command::Reserve {
                person,
                guest_count,
                special_requirements: None,
            },
            Self::Cancel => Command::Cancel {
                person,
                by_host: false,
                if_version: None,
            },
        }
    }
}

/// What all commands of a run share.
#[derive(Debug)]
pub struct Stage {
    /// The order of sending and receiving.
    pub ticks: Ticks,
    /// The counts.
    pub tally: SharedTally,
}

/// A command that was put, and when, on the clock that all processes of the machine share.
#[derive(Clone, Debug)]
pub struct Driven {
    /// What it leaves behind.
    pub record: Record,
    /// Just before it was first sent.
    pub sent_us: u64,
    /// Just before it was last sent.
    pub last_sent_us: u64,
    /// Just after the answer.
    pub answered_us: u64,
    /// Where it was refused because the doors are closed: in how many milliseconds they open, as the server says.
    pub opens_in_ms: Option<u64>,
}

/// A command, by whom it is given, and under which name.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) command: Command,
    pub(crate) asker: Asker,
    pub(crate) name: String,
}

/// Does it, however many tries it takes. The latency counts from `since`: the moment of asking, or in an open
/// loop the moment when it should have been asked.
pub async fn drive<L: Line>(line: &mut L, stage: &Stage, put: &Put<'_>, since: Instant) -> Driven {
    let mut sendings = Sendings::of(stage);
    let said = line.put(put, || sendings.note()).await;
    let given = Given {
        command: put.deed.command(put.person),
        asker: Asker::Own,
        name: put.person.name.clone(),
    };
    sendings.settle(said, given, since)
}

/// When a command was sent, for the first and for the last time.
#[derive(Debug)]
pub(crate) struct Sendings<'a> {
    stage: &'a Stage,
    first_and_last: Sent,
}

/// When a command was sent for the first and for the last time, if it was.
pub(crate) type Sent = Option<[(Tick, u64); 2]>;

impl<'a> Sendings<'a> {
    /// None so far.
    pub(crate) fn of(stage: &'a Stage) -> Self {
        Self {
            stage,
            first_and_last: None,
        }
    }

    /// Those of a command that was tried before.
    pub(crate) fn going_on(stage: &'a Stage, first_and_last: Sent) -> Self {
        Self {
            stage,
            first_and_last,
        }
    }

    /// To be gone on with.
    pub(crate) fn so_far(&self) -> Sent {
        self.first_and_last
    }

    /// It is sent now.
    pub(crate) fn note(&mut self) {
        let now = (self.stage.ticks.tick(), clock::machine_us());
        let first = self.first_and_last.map_or(now, |[first, _]| first);
        self.first_and_last = Some([first, now]);
    }

    /// Counts what was said in the end, now, and makes a record of it.
    pub(crate) fn settle(self, said: Option<Said>, given: Given, since: Instant) -> Driven {
        let answered_us = clock::machine_us();
        let at = self.stage.ticks.tick();
        let mut opens_in_ms = None;

        let latency = clock::now() - since;
        let unix_ms = clock::unix_ms();
        let mut tally = lock(&self.stage.tally);
        let asks_for_seats = matches!(
            given.command,
            Command::Reserve { .. } | Command::ReserveGroup { .. }
        );
        let outcome = match said {
            Some(Said::Done(answer)) => {
                let first = answer.told.rsvps().first().map(|rsvp| rsvp.status.as_str());
                let became = match given.command {
                    Command::ChangeSettings(_) => "the activity",
                    _ => first.unwrap_or("nobody"),
                };
                tally.count_acknowledged(became, asks_for_seats, answer.replayed, unix_ms);
                tally.acknowledged_latency.record(latency);
                tally.course.acknowledged(unix_ms, latency, Some(&answer.counts));
                Outcome::Acknowledged { at, answer }
            }
            Some(Said::Changed(version)) => {
                tally.count_acknowledged("the activity", false, false, unix_ms);
                tally.acknowledged_latency.record(latency);
                tally.course.acknowledged(unix_ms, latency, None);
                Outcome::Changed { at, version }
            }
            Some(Said::Unreadable(answer)) => {
                // It is counted to be seen.
                tally.count_fault(&answer);
                Outcome::Unanswered
            }
            Some(Said::Rejected(refused)) => {
                let code = refused.code;
                opens_in_ms = refused.opens_in_ms;
                tally.count_rejected(&code);
                tally.rejected_latency.record(latency);
                tally.course.rejected(unix_ms);
                Outcome::Rejected { at, code }
            }
            None => Outcome::Unanswered,
        };
        let never = [(at, answered_us); 2];
        let [(sent, sent_us), (last_sent, last_sent_us)] = self.first_and_last.unwrap_or(never);
        Driven {
            record: Record {
                command: given.command,
                asker: given.asker,
                name: given.name,
                sent,
                last_sent,
                outcome,
            },
            sent_us,
            last_sent_us,
            answered_us,
            opens_in_ms,
        }
    }
}
