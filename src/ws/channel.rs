//! Everybody who watches one activity, and the pass that takes each change to all of them.
//!
//! A difference is encoded once for each form that somebody wants, as a finished frame, and handed straight to every
//! socket that has nothing else to say first, without waking a task for each. Whoever cannot take it is left to their
//! own task. The first change goes out at once; then there is one pass per tick, which grows with the time that a pass
//! takes, so that the fan-out never takes more than half of the time.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use slab::Slab;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use turnout_actors::domain::{ActivityId, Difference, History, Seq, Timestamp, Visibility};
use turnout_actors::feed::{Feed, Latest, Missed};
use turnout_actors::ports::{Clock, Touched};

use super::encoding::Encoding;
use super::limits::{SOCKETS_PER_TURN, TICK};
use super::outbound::{Socket, Step};
use super::outgoing::Changed;
use super::subscription::{Focus, Subscription};
use crate::api::views::SnapshotView;

/// Everybody who watches one activity.
pub(super) struct Channel {
    activity: ActivityId,
    feed: Arc<Feed>,
    clock: Arc<dyn Clock>,
    /// Held by the activity's actor too, so never for long.
    watchers: Mutex<Watchers>,
    /// The latest snapshot in each form.
    snapshots: Mutex<[Option<Snapshot>; 2]>,
    /// How many snapshots were encoded.
    snapshots_encoded: AtomicU64,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Watchers {
    /// Nobody moves while they watch, so a pass that pauses misses nobody.
    slots: Slab<Watcher>,
    by_focus: HashMap<Focus, Vec<usize>>,
}

#[derive(Clone)]
struct Watcher {
    socket: Arc<Socket>,
    subscription: Arc<Subscription>,
}

/// An encoded snapshot without what passes by itself, and what it shows.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) of: Latest,
    pub(super) bytes: Arc<[u8]>,
}

impl Snapshot {
    /// The last event that it includes.
    pub(super) fn at(&self) -> (History, Seq) {
        (self.of.history, self.of.seq())
    }
}

/// Where a watcher stands in the channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

impl Channel {
    /// A channel, with the task that serves it for as long as somebody holds it.
    pub(super) fn open(activity: ActivityId, feed: Arc<Feed>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let channel = Arc::new(Self {
            activity,
            feed,
            clock,
            watchers: Mutex::default(),
            snapshots: Mutex::default(),
            snapshots_encoded: AtomicU64::new(0),
            changed: Arc::new(Notify::new()),
        });
        let latest = channel.feed.latest();
        tokio::spawn(serve(Arc::downgrade(&channel), channel.changed.clone(), latest));
        channel
    }

    pub(super) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// How many snapshots were encoded for all who watched.
    pub(super) fn snapshots_encoded(&self) -> u64 {
        self.snapshots_encoded.load(Ordering::Relaxed)
    }

    pub(super) fn join(&self, socket: Arc<Socket>, subscription: Arc<Subscription>) -> Place {
        let mut watchers = self.watchers();
        let focus = subscription.eyes.as_ref().map(|eyes| eyes.focus.clone());
        let place = watchers.slots.insert(Watcher { socket, subscription });
        if let Some(focus) = focus {
            watchers.by_focus.entry(focus).or_default().push(place);
        }
        Place(place)
    }

    /// Leaves, and returns whether nobody watches any more.
    pub(super) fn leave(&self, Place(place): Place) -> bool {
        let mut watchers = self.watchers();
        let Watcher { subscription, .. } = watchers.slots.remove(place);
        if let Some(eyes) = &subscription.eyes
            && let Some(places) = watchers.by_focus.get_mut(&eyes.focus)
        {
            places.retain(|other| *other != place);
            if places.is_empty() {
                watchers.by_focus.remove(&eyes.focus);
            }
        }
        watchers.slots.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.watchers().slots.is_empty()
    }

    /// Marks those who are to be told something of their own before the difference.
    pub(super) fn announce(&self, difference: &Difference, touched: &Touched) {
        let (before, after) = (&difference.before.settings, &difference.after.settings);
        let became_private = after.visibility == Visibility::Private && before.visibility != after.visibility;
        let watchers = self.watchers();
        if became_private {
            for (_, watcher) in &watchers.slots {
                watcher.subscription.set_news();
            }
            return;
        }
        match touched {
            Touched::All => {
                for place in watchers.by_focus.values().flatten() {
                    watchers.slots[*place].subscription.set_news();
                }
            }
            Touched::Rsvps(rsvps) if !watchers.by_focus.is_empty() => {
                for (rsvp, person) in rsvps {
                    for focus in [Focus::Rsvp(*rsvp), Focus::Person(person.clone())] {
                        for place in watchers.by_focus.get(&focus).into_iter().flatten() {
                            watchers.slots[*place].subscription.set_news();
                        }
                    }
                }
            }
            Touched::Rsvps(_) => {}
        }
    }

    /// There is something new in the feed.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// Nobody can follow the activity here any more.
    pub(super) fn lose(&self) {
        for (_, watcher) in &self.watchers().slots {
            watcher.subscription.lose();
            watcher.socket.wake();
        }
    }

    /// The latest snapshot, encoded at most once however many want it; none before the activity was loaded.
    pub(super) fn snapshot(&self, encoding: Encoding) -> Option<Snapshot> {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = self.feed.latest()?;
        let kept = &mut snapshots[encoding as usize];
        if let Some(kept) = kept.as_ref().filter(|kept| kept.of == latest) {
            return Some(kept.clone());
        }
        self.snapshots_encoded.fetch_add(1, Ordering::Relaxed);
        let bytes = encoding.message(&SnapshotView::new(&latest.overview, latest.history));
        Some(
            kept.insert(Snapshot {
                of: latest,
                bytes: bytes.into(),
            })
            .clone(),
        )
    }

    /// A difference as a finished frame.
    pub(super) fn frame(&self, encoding: Encoding, difference: &Difference) -> Vec<u8> {
        encoding.frame(&Changed::new(self.activity, difference, self.now()))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn watchers(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The watchers in the slots from `first`, a turn's worth of them; none once there are no more.
    fn turn(&self, first: usize) -> Option<Vec<Watcher>> {
        let watchers = self.watchers();
        let end = first + SOCKETS_PER_TURN;
        // A slab has no look at a range of its slots, but it knows each by its number.
        (first < watchers.slots.capacity()).then(|| {
            (first..end)
                .filter_map(|place| watchers.slots.get(place))
                .cloned()
                .collect()
        })
    }

    /// Takes what is new since `told` to all who watch, and returns up to where they were told.
    async fn pass(&self, told: Option<Latest>) -> Option<Latest> {
        let latest = self.feed.latest()?;
        let Some(told) = told else { return Some(latest) };
        let from = (told.history, told.seq());
        let difference = match self.feed.since(from.0, from.1) {
            Missed::Nothing => None,
            Missed::Difference(difference) => Some(difference),
            // Each finds out for themselves what helps.
            Missed::TooMuch => {
                self.wake_everybody().await;
                return Some(latest);
            }
        };
        let Some(difference) = difference else {
            return Some(told);
        };
        let to = (from.0, difference.seq());
        let frames: [OnceCell<Vec<u8>>; 2] = Default::default();
        let mut first = 0;
        while let Some(watchers) = self.turn(first) {
            let told_at = Instant::now();
            for Watcher { socket, subscription } in watchers {
                let encoding = socket.encoding;
                let frame = frames[encoding as usize].get_or_init(|| self.frame(encoding, &difference));
                let step = Step { from, to, frame };
                socket.offer(&subscription, &step, told_at);
            }
            first += SOCKETS_PER_TURN;
            yield_now().await;
        }
        Some(Latest {
            history: to.0,
            overview: Arc::new(difference.after),
        })
    }

    async fn wake_everybody(&self) {
        let mut first = 0;
        while let Some(watchers) = self.turn(first) {
            for watcher in watchers {
                watcher.socket.wake();
            }
            first += SOCKETS_PER_TURN;
            yield_now().await;
        }
    }
}

impl Drop for Channel {
    /// Lets the task end that serves it.
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

async fn serve(channel: Weak<Channel>, changed: Arc<Notify>, mut told: Option<Latest>) {
    loop {
        changed.notified().await;
        let Some(channel) = channel.upgrade() else { return };
        let started = Instant::now();
        told = channel.pass(told).await;
        let took = started.elapsed();
        drop(channel);
        sleep_until(started + TICK.max(2 * took)).await;
    }
}
