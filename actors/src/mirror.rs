//! Carries the newest counts to the mirror, and finds out where the mirror is wrong.
//!
//! Nobody waits for it: actors leave their counts in [`Outgoing`], where the last one wins, and one task takes them
//! from there. However slow the mirror is, at most one number per activity waits for it.

mod outgoing;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use metrics::counter;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub(crate) use self::outgoing::Outgoing;
use crate::directory::LiveMap;
use crate::domain::ActivityId;
use crate::metrics::{MIRROR_DRIFT, MIRROR_ERRORS, MIRROR_WRITES};
use crate::ports::{CountMirror, MirrorCounts, MirrorError};

/// The most activities in one exchange with the mirror.
const EXCHANGE_MAX: usize = 500;
/// Pause after an exchange: what changes several times in it is written once.
const EXCHANGE_PAUSE: Duration = Duration::from_millis(10);
/// How often the mirror is asked whether it still remembers, and while it is away, whether it is back.
const PULSE_EVERY: Duration = Duration::from_millis(500);
/// How long a stop waits for what has not been carried yet.
const LAST_EXCHANGES_LIMIT: Duration = Duration::from_secs(1);

/// What it takes to keep a mirror.
pub(crate) struct Mirroring {
    pub(crate) outgoing: Arc<Outgoing>,
    pub(crate) mirror: Arc<dyn CountMirror>,
    pub(crate) live: LiveMap,
    /// How often everything in the mirror is compared with memory.
    pub(crate) check_every: Duration,
    pub(crate) finishing: Notify,
}

/// Whether the mirror answered when it was last asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contact {
    NotYet,
    There,
    Lost,
}

/// How what the mirror has of an activity differs from the truth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Drift {
    Missing,
    Behind,
    Ahead,
    Different,
}

impl Mirroring {
    /// Keeps the mirror until it is told to finish, also if it panics.
    pub(crate) async fn keep(self: Arc<Self>) {
        while AssertUnwindSafe(self.run()).catch_unwind().await.is_err() {
            tracing::error!("carrying counts to the mirror failed, and begins anew");
            sleep(PULSE_EVERY).await;
        }
    }

    /// Ends the task that [keeps](Self::keep) the mirror, and carries what is left, if that is possible in a short
    /// time.
    pub(crate) async fn finish(&self, mut keeping: JoinHandle<()>) {
        self.finishing.notify_one();
        let carried = timeout(LAST_EXCHANGES_LIMIT, async {
            let _ = (&mut keeping).await;
            while !self.outgoing.is_empty() && self.exchange().await.is_ok() {}
        });
        if carried.await.is_err() || !self.outgoing.is_empty() {
            tracing::warn!(
                "the last counts were not carried to the mirror; they are when their activities are next used"
            );
        }
        keeping.abort();
    }

    async fn run(&self) {
        let mut pulse = interval(PULSE_EVERY);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check = interval(self.check_every);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut contact = Contact::NotYet;
        loop {
            let there = contact == Contact::There;
            let outcome = tokio::select! {
                () = self.finishing.notified() => return,
                () = self.outgoing.changed(), if there => self.exchange().await,
                _ = check.tick(), if there => self.repair().await,
                _ = pulse.tick() => self.feel_pulse(there).await,
            };
            contact = contact.after(&outcome);
        }
    }

    /// Looks whether the mirror is there, and if it was not just before, or has forgotten what it had, what is wrong
    /// in it.
    async fn feel_pulse(&self, was_there: bool) -> Result<(), MirrorError> {
        if !self.mirror.remembers().await? || !was_there {
            self.repair().await?;
            self.exchange().await?;
        }
        Ok(())
    }

    /// Writes some of what waits.
    async fn exchange(&self) -> Result<(), MirrorError> {
        let counts = self.outgoing.take(EXCHANGE_MAX);
        if counts.is_empty() {
            return Ok(());
        }
        let written = self.mirror.advance(&counts).await;
        match written {
            Ok(()) => counter!(MIRROR_WRITES).increment(counts.len() as u64),
            Err(_) => self.outgoing.put_back(counts),
        }
        sleep(EXCHANGE_PAUSE).await;
        written
    }

    /// Compares everything live with the mirror, and writes what is wrong there.
    async fn repair(&self) -> Result<(), MirrorError> {
        let ids: Vec<ActivityId> = self.live.iter().map(|entry| *entry.key()).collect();
        for ids in ids.chunks(EXCHANGE_MAX) {
            let held = self.mirror.read(ids).await?;
            let mut wrong = Vec::new();
            for (id, held) in ids.iter().zip(held) {
                // Read after the mirror, so the mirror cannot rightly be ahead; and whatever is newer here than there
                // was left in `Outgoing` before it could be read.
                let Some(truth) = self.truth(*id) else { continue };
                if self.outgoing.has(*id) {
                    continue;
                }
                if let Some(drift) = Drift::between(held, truth) {
                    counter!(MIRROR_DRIFT, "kind" => drift.name()).increment(1);
                    tracing::debug!(activity.id = %id, ?drift, ?held, ?truth, "the mirror is wrong");
                    wrong.push((*id, truth));
                }
            }
            if !wrong.is_empty() {
                self.mirror.replace(&wrong).await?;
                tracing::warn!(activities = wrong.len(), "the mirror was wrong and is repaired");
            }
        }
        Ok(())
    }

    /// The counts of a live activity, if nobody else can have changed them.
    fn truth(&self, id: ActivityId) -> Option<MirrorCounts> {
        let handle = self.live.get(&id)?.clone();
        let counts = handle.live.read()?.counts();
        let counts = MirrorCounts::new(counts, handle.live.history());
        handle.live.is_ours().then_some(counts)
    }
}

impl Contact {
    /// Tells the operator when it was lost or found.
    fn after(self, outcome: &Result<(), MirrorError>) -> Self {
        match outcome {
            Ok(()) => {
                if self == Self::Lost {
                    tracing::info!("the mirror is back");
                }
                Self::There
            }
            Err(error) => {
                counter!(MIRROR_ERRORS).increment(1);
                if self != Self::Lost {
                    let error: &dyn std::error::Error = error;
                    tracing::warn!(
                        error,
                        "the mirror is away: counts are carried to it when it is back"
                    );
                }
                Self::Lost
            }
        }
    }
}

impl Drift {
    fn between(held: Option<MirrorCounts>, truth: MirrorCounts) -> Option<Self> {
        match held {
            None => Some(Self::Missing),
            Some(held) if held == truth => None,
            Some(held) if held.age() < truth.age() => Some(Self::Behind),
            Some(held) if held.age() > truth.age() => Some(Self::Ahead),
            Some(_) => Some(Self::Different),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Different => "different",
        }
    }
}
