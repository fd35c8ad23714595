//! The workload of everybody who reserves over REST: an opening with seats for all. Each request is somebody who has not
//! been there; each connection has one request in flight; everybody writes the same hot row.
//!
//! While the clock runs, answers are only kept. They are read, and judged, after it has stopped: the client costs the same
//! whoever is asked, and however much an answer says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::CompareError;
use crate::attempt::{Attempts, Final};
use crate::client::{Method, Request};
use crate::clock;
use crate::drive::Deed;
use crate::history::{Tick, Ticks};
use crate::pace::Pace;
use crate::run::{RunError, rsvp_path};
use crate::tally::Latencies;
use crate::tokens::Person;

/// What is kept of a request until the clock has stopped.
#[derive(Debug)]
pub(super) struct Kept {
    /// The index of the person.
    pub(super) person: usize,
    /// What was asked for.
    pub(super) deed: Deed,
    /// Just before it was first sent.
    pub(super) sent: Tick,
    /// Just before it was last sent.
    pub(super) last_sent: Tick,
    /// Just after the answer.
    pub(super) at: Tick,
    /// From when it was due.
    pub(super) latency: Duration,
    /// None if nothing final came.
    pub(super) answer: Option<Final>,
    /// The body of that.
    pub(super) body: Box<[u8]>,
}

impl Kept {
    /// Whether it was carried out.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.answer, Some(Final::Done(_)))
    }
}

/// Who is let in where, and how fast.
pub(super) struct Opening {
    pub(super) people: Arc<[Person]>,
    pub(super) activity: Uuid,
    /// Tells the keys of this run from others.
    pub(super) run_id: Uuid,
    pub(super) duration: Duration,
    /// Requests per second in an open loop; `None` is a closed loop, as fast as answers come.
    pub(super) rate: Option<f64>,
}

/// What came of it.
pub(super) struct Opened {
    pub(super) kept: Vec<Kept>,
    pub(super) elapsed: Duration,
}

impl Opened {
    /// How many were carried out.
    pub(super) fn count(&self) -> u64 {
        self.kept.iter().filter(|kept| kept.is_done()).count() as u64
    }

    /// How long those waited.
    pub(super) fn latencies(&self) -> Latencies {
        let mut latencies = Latencies::default();
        for kept in self.kept.iter().filter(|kept| kept.is_done()) {
            latencies.record(kept.latency);
        }
        latencies
    }
}

struct Shared {
    opening: Opening,
    path: String,
    next: AtomicUsize,
    ticks: Ticks,
    until: Instant,
    pace: Option<Pace>,
}

impl Opening {
    /// From the first request to the last answer. `lines` are open.
    pub(super) async fn run(self, lines: Vec<Attempts>) -> Result<Opened, CompareError> {
        let began = clock::now();
        let shared = Arc::new(Shared {
            path: rsvp_path(self.activity),
            next: AtomicUsize::new(0),
            ticks: Ticks::default(),
            until: began + self.duration,
            pace: self.rate.map(Pace::starting_now),
            opening: self,
        });
        let mut tasks = JoinSet::new();
        for line in lines {
            tasks.spawn(work(line, Arc::clone(&shared)));
        }
        let mut kept = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            kept.append(&mut ended.map_err(RunError::from)?);
        }
        Ok(Opened {
            kept,
            elapsed: clock::now() - began,
        })
    }
}

/// One line takes person after person, until time is up.
async fn work(mut line: Attempts, shared: Arc<Shared>) -> Vec<Kept> {
    let mut kept = Vec::new();
    let opening = &shared.opening;
    while clock::now() < shared.until {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(person) = opening.people.get(number) else {
            break;
        };
        let due = match shared.pace {
            None => clock::now(),
            Some(pace) => {
                let due = pace.due(number as u64);
                if due.at >= shared.until {
                    break;
                }
                due.wait().await;
                due.at
            }
        };
        let deed = Deed::Reserve { guest_count: 0 };
        let asking = Asking {
            path: &shared.path,
            person,
            key: &format!("{}-r{number}", opening.run_id.simple()),
            deed,
        };
        kept.push(ask(&mut line, &shared.ticks, number, &asking, due).await);
    }
    kept
}

/// A request of one person.
pub(super) struct Asking<'a> {
    pub(super) path: &'a str,
    pub(super) person: &'a Person,
    pub(super) key: &'a str,
    pub(super) deed: Deed,
}

/// Asks, however many tries it takes, and keeps the answer.
pub(super) async fn ask(
    line: &mut Attempts,
    ticks: &Ticks,
    person: usize,
    asking: &Asking<'_>,
    due: Instant,
) -> Kept {
    let (method, body) = match asking.deed {
        Deed::Reserve { .. } => (Method::Post, "{\"guest_count\":0}"),
        Deed::Cancel => (Method::Delete, ""),
    };
    let request = Request {
        method,
        path: asking.path,
        token: Some(&asking.person.token),
        key: Some(asking.key),
        body,
    };
    let mut sent: Option<[Tick; 2]> = None;
    let answer = line
        .until_final_noting(&request, || {
            let now = ticks.tick();
            sent = Some([sent.map_or(now, |[first, _]| first), now]);
        })
        .await;
    let latency = clock::now() - due;
    let at = ticks.tick();
    let [sent, last_sent] = sent.unwrap_or([at; 2]);
    Kept {
        person,
        deed: asking.deed,
        sent,
        last_sent,
        at,
        latency,
        body: answer.as_ref().map_or_else(Box::default, |_| line.body().into()),
        answer,
    }
}
