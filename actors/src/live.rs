//! A live activity as everybody sees it: its committed state, and the way to its actor.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use ractor::ActorRef;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::activity_actor::ActivityMsg;
use crate::domain::{Activity, Draft, History, Timestamp};
use crate::feed::Feed;
use crate::ports::Journal;

/// The committed state of a live activity. Readers need no message: they share it with the actor, which alone
/// changes it, once per batch and only by what is durable.
pub(crate) struct Live {
    activity: RwLock<Activity>,
    feed: Arc<Feed>,
    journal: Arc<dyn Journal>,
    /// The journal's tenure under which the state was loaded.
    tenure: u64,
    /// The history that the state belongs to, and the present one as far as it is known on this node.
    history: History,
    present: Arc<AtomicU64>,
    /// Set once the state may lag behind what somebody was told, or behind another owner.
    retired: AtomicBool,
    /// Set while the directory finds out whether it can be put to rest.
    doubtful: AtomicBool,
    /// Sweeps of the directory since somebody last asked for the activity.
    idle_sweeps: AtomicU32,
}

/// What a state rests on that was loaded: as long as none of it has changed, nobody else has changed the state.
pub(crate) struct Standing {
    pub(crate) tenure: u64,
    pub(crate) history: History,
    pub(crate) present: Arc<AtomicU64>,
}

impl Live {
    pub(crate) fn new(
        activity: Activity,
        feed: Arc<Feed>,
        journal: Arc<dyn Journal>,
        standing: Standing,
    ) -> Self {
        let Standing {
            tenure,
            history,
            present,
        } = standing;
        Self {
            activity: RwLock::new(activity),
            feed,
            journal,
            tenure,
            history,
            present,
            retired: AtomicBool::new(false),
            doubtful: AtomicBool::new(false),
            idle_sweeps: AtomicU32::new(0),
        }
    }

    /// The committed state, unless it must not be read any more.
    pub(crate) fn read(&self) -> Option<RwLockReadGuard<'_, Activity>> {
        // A poisoned lock means that a panic cut a change short: that state is as good as gone.
        let activity = self.activity.read().ok()?;
        (!self.is_retired()).then_some(activity)
    }

    /// When the next offer ends, if there is one.
    pub(crate) fn next_offer_end(&self) -> Option<Timestamp> {
        self.read()?.next_offer_end()
    }

    /// Makes durable changes visible.
    pub(crate) fn absorb(&self, draft: Draft) {
        self.activity
            .write()
            .expect("only the actor writes, and it ends with its first panic")
            .absorb(draft);
    }

    /// Whether nobody else can have changed the activity since it was loaded, and no new history has begun. Whoever
    /// has read something asks this afterwards, before telling it.
    pub(crate) fn is_ours(&self) -> bool {
        self.journal.tenure() == Some(self.tenure) && self.present.load(Ordering::SeqCst) == self.history.0
    }

    /// The journal's tenure under which the state was loaded.
    pub(crate) fn tenure(&self) -> u64 {
        self.tenure
    }

    /// The history that the state belongs to.
    pub(crate) fn history(&self) -> History {
        self.history
    }

    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }

    /// Whether it may be used without asking the directory.
    pub(crate) fn is_certain(&self) -> bool {
        !self.is_retired() && !self.doubtful.load(Ordering::SeqCst)
    }

    pub(crate) fn used(&self) {
        self.idle_sweeps.store(0, Ordering::Relaxed);
    }

    /// Counts one more sweep without use and returns how many there were.
    pub(crate) fn swept(&self) -> u32 {
        self.idle_sweeps.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("retired", &self.retired)
            .finish_non_exhaustive()
    }
}

/// The way to a live activity. Whoever holds all its permits knows that no command of it is under way.
#[derive(Clone, Debug)]
pub(crate) struct ActivityHandle {
    pub(crate) actor: ActorRef<ActivityMsg>,
    pub(crate) live: Arc<Live>,
    pub(crate) permits: Arc<Semaphore>,
}

impl ActivityHandle {
    /// Nobody gets to the actor or its state by this handle any more.
    pub(crate) fn close(&self) {
        self.live.retire();
        self.permits.close();
    }

    /// Closes it if nothing of it is under way, and returns whether that was so. Whoever comes meanwhile and finds
    /// no permit is not refused for that, but asks the directory.
    pub(crate) fn close_if_idle(&self, all: u32) -> bool {
        self.live.doubtful.store(true, Ordering::SeqCst);
        let idle = self
            .permits
            .try_acquire_many(all)
            .map(SemaphorePermit::forget)
            .is_ok();
        if idle {
            self.close();
        } else {
            self.live.doubtful.store(false, Ordering::SeqCst);
        }
        idle
    }
}
