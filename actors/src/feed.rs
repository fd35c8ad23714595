//! The latest differences of one activity, so that whoever missed some can catch up without a snapshot.
//!
//! The feed belongs to the activity, not to its actor: when an actor fails, the feed and whoever watches stay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{ActivityId, Difference, History, Seq};
use crate::ports::FeedSink;

/// The most differences that are kept.
pub const RING_DIFFERENCES_MAX: usize = 256;
/// About the most memory that they may take.
pub const RING_BYTES_MAX: usize = 64 * 1_024;

/// The differences of one activity.
pub struct Feed {
    activity: ActivityId,
    sink: Arc<dyn FeedSink>,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    /// How far it goes: the last event that anybody may have seen, and of which history.
    reached: (History, Seq),
    differences: VecDeque<Arc<Difference>>,
    bytes: usize,
}

/// What somebody missed who has seen everything up to some event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missed {
    /// Nothing.
    Nothing,
    /// This.
    Difference(Box<Difference>),
    /// More than is kept: only a snapshot helps.
    TooMuch,
}

impl Feed {
    /// A feed that has nothing to tell yet.
    pub fn new(activity: ActivityId, sink: Arc<dyn FeedSink>) -> Self {
        Self {
            activity,
            sink,
            ring: Mutex::default(),
        }
    }

    /// The last event that anybody may have seen of the activity, and of which history it is.
    pub(crate) fn reached(&self) -> (History, Seq) {
        self.ring().reached
    }

    /// Whether nobody can have seen anything of the activity.
    pub(crate) fn has_told_nothing(&self) -> bool {
        self.reached() == Default::default()
    }

    /// Goes on from here, or begins anew if that is not where it had got to.
    pub(crate) fn goes_on_from(&self, history: History, seq: Seq) {
        let mut ring = self.ring();
        if ring.reached.0 != history {
            *ring = Ring::default();
        }
        ring.reached = (history, seq);
    }

    /// Keeps a committed difference and hands it to those who watch.
    pub fn publish(&self, difference: Difference) {
        let difference = Arc::new(difference);
        self.ring().push(difference.clone());
        self.sink.publish(self.activity, &difference);
    }

    /// What somebody missed who has seen everything up to `seen`, where `now` is the last committed event.
    pub fn since(&self, seen: Seq, now: Seq) -> Missed {
        if seen == now {
            return Missed::Nothing;
        }
        self.ring().since(seen, now)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, difference: Arc<Difference>) {
        // A gap means that events were committed which nobody announced, as when an actor died in between.
        if self
            .differences
            .back()
            .is_some_and(|last| last.seq() != difference.prev())
        {
            *self = Self {
                reached: self.reached,
                ..Self::default()
            };
        }
        self.reached.1 = difference.seq();
        self.bytes += difference.weight_bytes();
        self.differences.push_back(difference);
        while self.differences.len() > RING_DIFFERENCES_MAX || self.bytes > RING_BYTES_MAX {
            let Some(oldest) = self.differences.pop_front() else {
                break;
            };
            self.bytes -= oldest.weight_bytes();
        }
    }

    fn since(&self, seen: Seq, now: Seq) -> Missed {
        let Some(start) = self
            .differences
            .iter()
            .position(|difference| difference.prev() == seen)
        else {
            return Missed::TooMuch;
        };
        let mut missed = self.differences.range(start..);
        let first = missed.next().expect("a position is that of a difference");
        let merged = missed.fold(Difference::clone(first), |merged, next| merged.then(next));
        if merged.seq() == now {
            Missed::Difference(Box::new(merged))
        } else {
            Missed::TooMuch
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::domain::Draft;
    use crate::testing::{Drive, MemoryJournal, settings};

    /// What `steps` commits of one reservation each lead to, as differences.
    async fn history(steps: u64) -> (ActivityId, Vec<Difference>) {
        let journal = MemoryJournal::new();
        let mut drive = Drive::create(&journal, 1, settings(3)).await;
        let mut differences = Vec::new();
        for step in 1..=steps {
            let before = drive.activity.overview();
            drive.reserve(u128::from(step), 0).expect("there is a waitlist");
            let (after, moves) = (drive.draft.overview(), drive.draft.moves().clone());
            drive.absorb();
            drive.draft = Draft::on(&drive.activity);
            differences.push(Difference { before, after, moves });
        }
        (drive.activity.id(), differences)
    }

    async fn fed(steps: u64) -> (Feed, Vec<Difference>) {
        let (id, differences) = history(steps).await;
        let feed = Feed::new(id, Arc::new(()));
        differences
            .iter()
            .for_each(|difference| feed.publish(difference.clone()));
        (feed, differences)
    }

    #[tokio::test]
    async fn whoever_missed_something_gets_one_difference_that_leads_to_now() {
        let (feed, differences) = fed(10).await;
        assert_eq!(feed.since(Seq(10), Seq(10)), Missed::Nothing);
        for seen in 0..10 {
            let Missed::Difference(missed) = feed.since(Seq(seen), Seq(10)) else {
                panic!("{seen} is in the ring")
            };
            assert_eq!((missed.prev(), missed.seq()), (Seq(seen), Seq(10)));
            assert_eq!(missed.before, differences[seen as usize].before);
            assert_eq!(missed.after, differences[9].after);
            let joined: Vec<u64> = missed.moves.joined.iter().map(|(_, _, seq)| seq.0).collect();
            assert_eq!(
                joined,
                (seen.max(3) + 1..=10).collect::<Vec<_>>(),
                "the first three were confirmed at once"
            );
        }
    }

    #[tokio::test]
    async fn differences_merge_in_any_grouping_to_the_same() {
        let (_, differences) = history(6).await;
        let all = differences[1..]
            .iter()
            .fold(differences[0].clone(), |merged, next| merged.then(next));
        for split in 1..6 {
            let fold = |part: &[Difference]| {
                part[1..]
                    .iter()
                    .fold(part[0].clone(), |merged, next| merged.then(next))
            };
            assert_eq!(
                fold(&differences[..split]).then(&fold(&differences[split..])),
                all
            );
        }
    }

    #[tokio::test]
    async fn a_position_that_was_never_told_or_is_too_old_needs_a_snapshot() {
        let (feed, _) = fed(RING_DIFFERENCES_MAX as u64 + 50).await;
        let now = Seq(RING_DIFFERENCES_MAX as u64 + 50);
        assert_eq!(feed.since(Seq(0), now), Missed::TooMuch, "it has left the ring");
        assert_eq!(feed.since(Seq(now.0 + 1), now), Missed::TooMuch, "it lies ahead");
        assert!(matches!(feed.since(Seq(now.0 - 1), now), Missed::Difference(_)));
        let ring = feed.ring.lock().expect("nobody panicked");
        assert!(ring.differences.len() <= RING_DIFFERENCES_MAX && ring.bytes <= RING_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_gap_empties_the_ring() {
        let (id, differences) = history(5).await;
        let feed = Feed::new(id, Arc::new(()));
        feed.publish(differences[0].clone());
        feed.publish(differences[3].clone());
        assert_eq!(feed.since(Seq(0), Seq(4)), Missed::TooMuch);
        assert!(matches!(feed.since(Seq(3), Seq(4)), Missed::Difference(_)));
    }
}
