//! Offers end in time also where nobody asks for their activity: those that are over and whose activity is not live
//! are looked for in the journal, and their activities started, which ends them.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::directory::{DirectoryMsg, LiveMap};
use crate::ports::{Clock, Journal};

/// An activity that is live ends its offers itself, here or on another node, and has had so much time for it.
const OVERDUE_MS: i64 = 1_000;
/// The most activities that are started in one round.
const ACTIVITIES_MAX: u32 = 100;

/// What it takes to look for offers that are over.
pub(crate) struct Expiring {
    pub(crate) live: LiveMap,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: ActorRef<DirectoryMsg>,
    pub(crate) every: Duration,
}

impl Expiring {
    /// Looks for ever.
    pub(crate) async fn run(self) {
        let mut rounds = interval_at(Instant::now(), self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.round().await;
        }
    }

    async fn round(&self) {
        let before = self.clock.now().plus_millis(-OVERDUE_MS);
        let overdue = match self.journal.overdue(before, ACTIVITIES_MAX).await {
            Ok(overdue) => overdue,
            // What is the matter is told by whoever needs the journal for more.
            Err(error) => {
                return tracing::debug!(cause = error.cause(), %error, "offers that are over could not be looked for");
            }
        };
        for id in overdue {
            if !self.live.contains_key(&id) {
                let (reply, started) = oneshot::channel();
                if self.directory.cast(DirectoryMsg::Start(id, reply)).is_ok() {
                    let _ = started.await;
                }
            }
        }
    }
}
