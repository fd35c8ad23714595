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

/// Does it, however many tries it takes. The latency counts from `since`: the moment of asking, or in an open
/// loop the moment when it should have been asked.
pub async fn drive<L: Line>(line: &mut L, stage: &Stage, put: &Put<'_>, since: Instant) -> Record {
    let mut sendings = None;
    let said = line
        .put(put, || {
            let now = stage.ticks.tick();
            sendings = Some((sendings.map_or(now, |(first, _)| first), now));
        })
        .await;
    let at = stage.ticks.tick();

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
        Some(Said::Rejected(code)) => {
            tally.count_rejected(&code);
            tally.rejected_latency.record(latency);
            Outcome::Rejected { at, code }
        }
        None => Outcome::Unanswered,
    };
    let (sent, last_sent) = sendings.unwrap_or((at, at));
    Record {
        command: put.deed.command(put.person),
        asker: Asker::Own,
        name: put.person.name.clone(),
        sent,
        last_sent,
        outcome,
    }
}
