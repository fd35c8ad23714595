//! One command of one person over one connection: the request that it is, and the record that it leaves.

use tokio::time::Instant;

use crate::attempt::{Attempts, Final};
use crate::client::{Method, Request};
use crate::clock;
use crate::history::{Outcome, Record, Ticks};
use crate::model::Command;
use crate::seen::SeenAnswer;
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
pub async fn drive(
    attempts: &mut Attempts,
    stage: &Stage,
    rsvp_path: &str,
    person: &Person,
    deed: Deed,
    key: &str,
    since: Instant,
) -> Record {
    let body;
    let (method, body) = match deed {
        Deed::Reserve { guest_count } => {
            body = format!("{{\"guest_count\":{guest_count}}}");
            (Method::Post, body.as_str())
        }
        Deed::Cancel => (Method::Delete, ""),
    };
    let request = Request {
        method,
        path: rsvp_path,
        token: Some(&person.token),
        key: Some(key),
        body,
    };
    let mut sendings = None;
    let answer = attempts
        .until_final_noting(&request, || {
            let now = stage.ticks.tick();
            sendings = Some((sendings.map_or(now, |(first, _)| first), now));
        })
        .await;
    let at = stage.ticks.tick();

    let latency = clock::now() - since;
    let mut tally = lock(&stage.tally);
    let outcome = match answer {
        Some(Final::Done(head)) => match serde_json::from_slice::<SeenAnswer>(attempts.body()) {
            Ok(answer) => {
                tally.count_acknowledged(deed, answer.rsvp.status, answer.replayed, clock::unix_ms());
                tally.acknowledged_latency.record(latency);
                let answer = Box::new(SeenAnswer {
                    http_status: head.status,
                    etag: head.etag,
                    ..answer
                });
                Outcome::Acknowledged { at, answer }
            }
            Err(error) => {
                // Success in words that nobody understands leaves the fate open, and is counted to be seen.
                tally.count_fault(head.status, &format!("unreadable: {error}"));
                Outcome::Unanswered
            }
        },
        Some(Final::Rejected { code, .. }) => {
            tally.count_rejected(&code);
            tally.rejected_latency.record(latency);
            Outcome::Rejected { at, code }
        }
        None => Outcome::Unanswered,
    };
    let (sent, last_sent) = sendings.unwrap_or((at, at));
    Record {
        command: deed.command(person),
        name: person.name.clone(),
        sent,
        last_sent,
        outcome,
    }
}
