//! One command of one person over one line: when it is sent, what it is counted as, and the record that it leaves.

use tokio::time::Instant;

use crate::clock;
use crate::history::{Asker, Outcome, Record, Ticks};
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

/// Does it, however many tries it takes. The latency counts from `since`: the moment of asking, or in an open
/// loop the moment when it should have been asked.
pub async fn drive<L: Line>(line: &mut L, stage: &Stage, put: &Put<'_>, since: Instant) -> Driven {
    let mut sendings = None;
    let said = line
        .put(put, || {
            let now = (stage.ticks.tick(), clock::machine_us());
            sendings = Some((sendings.map_or(now, |(first, _)| first), now));
        })
        .await;
    let answered_us = clock::machine_us();
    let at = stage.ticks.tick();
    let mut opens_in_ms = None;

    let latency = clock::now() - since;
    let mut tally = lock(&stage.tally);
    let outcome = match said {
        Some(Said::Done(answer)) => {
            // Where none is told, the verdict says so.
            if let Some(rsvp) = answer.told.rsvps().first() {
                tally.count_acknowledged(put.deed, rsvp.status, answer.replayed, clock::unix_ms());
            }
            tally.acknowledged_latency.record(latency);
            Outcome::Acknowledged { at, answer }
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
            Outcome::Rejected { at, code }
        }
        None => Outcome::Unanswered,
    };
    let never = (at, answered_us);
    let ((sent, sent_us), (last_sent, last_sent_us)) = sendings.unwrap_or((never, never));
    Driven {
        record: Record {
            command: put.deed.command(put.person),
            asker: Asker::Own,
            name: put.person.name.clone(),
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
