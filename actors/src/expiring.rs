//! Offers end in time also where nobody asks for their activity: those that are over and whose activity is not live
//! are looked for in the journal, and their activities started, which ends them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use ractor::ActorRef;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::directory::{DirectoryMsg, LiveMap};
use crate::domain::ActivityId;
use crate::ports::{Clock, Journal};

/// An activity that is live ends its offers itself, here or on another node, and has had so much time for it.
const OVERDUE_MS: i64 = 1_000;
/// The most activities that are started in one round, how many of them at a time, and how long one is waited for.
const ACTIVITIES_MAX: usize = 100;
const AT_ONCE: usize = 4;
const START_LIMIT: Duration = Duration::from_secs(5);
/// One that was started or is live is left alone for so long: if its offers are still not ended then, something is the
/// matter with it which another start would not mend sooner.
const PAUSE: Duration = Duration::from_secs(10);

/// What it takes to look for offers that are over.
pub(crate) struct Expiring {
    pub(crate) live: LiveMap,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: ActorRef<DirectoryMsg>,
    pub(crate) every: Duration,
}

/// Until when activities are left alone.
type Paused = HashMap<ActivityId, Instant>;

impl Expiring {
    /// Looks for ever.
    pub(crate) async fn run(self) {
        let mut rounds = interval_at(Instant::now(), self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut paused = Paused::new();
        loop {
            rounds.tick().await;
            self.round(&mut paused).await;
        }
    }

    async fn round(&self, paused: &mut Paused) {
        let now = Instant::now();
        paused.retain(|_, until| *until > now);
        let before = self.clock.now().plus_millis(-OVERDUE_MS);
        // Those that are left alone hide none of the others.
        let most = (ACTIVITIES_MAX + paused.len()) as u32;
        let overdue = match self.journal.overdue(before, most).await {
            Ok(overdue) => overdue,
            // What is the matter is told by whoever needs the journal for more.
            Err(error) => {
                return tracing::debug!(cause = error.cause(), %error, "offers that are over could not be looked for");
            }
        };
        let mut at_rest = Vec::new();
        for id in overdue {
            if paused.insert(id, now + PAUSE).is_none() && !self.live.contains_key(&id) {
                at_rest.push(id);
            }
        }
        let starts = stream::iter(at_rest).for_each_concurrent(AT_ONCE, |id| self.start(id));
        starts.await;
    }

    async fn start(&self, id: ActivityId) {
        let (reply, started) = oneshot::channel();
        if self.directory.cast(DirectoryMsg::Start(id, reply)).is_ok() {
            // What has become of it is told by the directory.
            let _ = timeout(START_LIMIT, started).await;
        }
    }
}
