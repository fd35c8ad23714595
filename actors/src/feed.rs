//! The latest differences of one activity, so that whoever missed some can catch up without a snapshot.
//!
//! The feed belongs to the activity, not to its actor: when an actor fails, the feed and whoever watches stay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{ActivityId, Difference, History, Overview, Seq};
use crate::ports::{FeedSink, Touched};

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

/// The differences lead from the first one's start to the latest state without a gap.
#[derive(Default)]
struct Ring {
    /// The last state that anybody may have seen, and of which history it is. None before the first load.
    latest: Option<Latest>,
    differences: VecDeque<Arc<Difference>>,
    bytes: usize,
}

/// The activity as it was told last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Latest {
    /// The history that it belongs to.
    pub history: History,
    /// The activity.
    pub overview: Arc<Overview>,
}

impl Latest {
    /// The last event that it includes.
    pub fn seq(&self) -> Seq {
        self.overview.counts.seq
    }
}

/// What somebody missed who has seen everything up to some event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Missed {
    /// Nothing.
    Nothing,
    /// This, which leads to the latest state.
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
    pub fn reached(&self) -> (History, Seq) {
        self.latest()
            .map_or_else(Default::default, |latest| (latest.history, latest.seq()))
    }

    /// Whether nobody can have seen anything of the activity.
    pub(crate) fn has_told_nothing(&self) -> bool {
        self.ring().latest.is_none()
    }

    /// Goes on from here, or begins anew if that is not where it had got to.
    pub(crate) fn goes_on_from(&self, history: History, overview: Overview) {
        let here = (history, overview.counts.seq);
        let before = self.reached();
        if before == here {
            return;
        }
        let latest = Some(Latest {
            history,
            overview: Arc::new(overview),
        });
        *self.ring() = Ring {
            latest,
            ..Ring::default()
        };
        if before != Default::default() {
            self.sink.publish(self.activity);
        }
    }

    /// Keeps a committed difference and hands it to those who watch.
    pub fn publish(&self, difference: Difference, touched: &Touched) {
        self.sink.announce(self.activity, &difference, touched);
        self.ring().push(Arc::new(difference));
        self.sink.publish(self.activity);
    }

    /// Says to those who watch that somebody else may change the activity.
    pub(crate) fn lose(&self) {
        self.sink.lost(self.activity);
    }

    /// The activity as it was told last; none before it was loaded for the first time.
    pub fn latest(&self) -> Option<Latest> {
        self.ring().latest.clone()
    }

    /// What somebody missed who has seen everything of this history up to `seen`.
    pub fn since(&self, history: History, seen: Seq) -> Missed {
        // Merged without the lock, for which the activity's actor must not wait.
        let missed = match self.ring().since(history, seen) {
            Ok(missed) => missed,
            Err(TooMuch) => return Missed::TooMuch,
        };
        let mut missed = missed.into_iter();
        match missed.next() {
            None => Missed::Nothing,
            Some(first) => Missed::Difference(Box::new(
                missed.fold(Difference::clone(&first), |merged, next| merged.then(&next)),
            )),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, difference: Arc<Difference>) {
        let history = self
            .latest
            .as_ref()
            .map_or_else(History::default, |latest| latest.history);
        // A gap means that events were committed which nobody announced.
        if self
            .latest
            .as_ref()
            .is_none_or(|latest| latest.seq() != difference.prev())
        {
            *self = Self::default();
        }
        self.latest = Some(Latest {
            history,
            overview: Arc::new(difference.after.clone()),
        });
        self.bytes += difference.weight_bytes();
        self.differences.push_back(difference);
        while self.differences.len() > RING_DIFFERENCES_MAX || self.bytes > RING_BYTES_MAX {
            let Some(oldest) = self.differences.pop_front() else {
                break;
            };
            self.bytes -= oldest.weight_bytes();
        }
    }

    /// The differences after `seen`.
    fn since(&self, history: History, seen: Seq) -> Result<Vec<Arc<Difference>>, TooMuch> {
        let latest = self.latest.as_ref().filter(|latest| latest.history == history);
        if latest.ok_or(TooMuch)?.seq() == seen {
            return Ok(Vec::new());
        }
        // They are in order, so those after `seen` are found by halving.
        let start = self
            .differences
            .partition_point(|difference| difference.prev() < seen);
        let missed: Vec<_> = self.differences.range(start..).cloned().collect();
        let leads_on = missed.first().is_some_and(|first| first.prev() == seen);
        leads_on.then_some(missed).ok_or(TooMuch)
    }
}

/// More was missed than is kept.
struct TooMuch;

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

    /// That of a feed which was told of no other.
    const HISTORY: History = History(0);

    async fn fed(steps: u64) -> (Feed, Vec<Difference>) {
        let (id, differences) = history(steps).await;
        let feed = Feed::new(id, Arc::new(()));
        differences
            .iter()
            .for_each(|difference| feed.publish(difference.clone(), &Touched::All));
        (feed, differences)
    }

    #[tokio::test]
    async fn whoever_missed_something_gets_one_difference_that_leads_to_now() {
        let (feed, differences) = fed(10).await;
        assert_eq!(feed.since(HISTORY, Seq(10)), Missed::Nothing);
        for seen in 0..10 {
            let Missed::Difference(missed) = feed.since(HISTORY, Seq(seen)) else {
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
        assert_eq!(
            feed.since(HISTORY, Seq(0)),
            Missed::TooMuch,
            "it has left the ring"
        );
        assert_eq!(
            feed.since(HISTORY, Seq(now.0 + 1)),
            Missed::TooMuch,
            "it lies ahead"
        );
        assert!(matches!(
            feed.since(HISTORY, Seq(now.0 - 1)),
            Missed::Difference(_)
        ));
        let ring = feed.ring.lock().expect("nobody panicked");
        assert!(ring.differences.len() <= RING_DIFFERENCES_MAX && ring.bytes <= RING_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_gap_empties_the_ring() {
        let (id, differences) = history(5).await;
        let feed = Feed::new(id, Arc::new(()));
        feed.publish(differences[0].clone(), &Touched::All);
        feed.publish(differences[3].clone(), &Touched::All);
        assert_eq!(feed.since(HISTORY, Seq(0)), Missed::TooMuch);
        assert!(matches!(feed.since(HISTORY, Seq(3)), Missed::Difference(_)));
    }

    #[tokio::test]
    async fn what_was_told_of_another_history_leads_nowhere() {
        let (feed, differences) = fed(3).await;
        assert_eq!(feed.since(History(1), Seq(2)), Missed::TooMuch);
        // Another history begins where an event has the same number.
        feed.goes_on_from(History(1), differences[1].after.clone());
        assert_eq!(feed.since(HISTORY, Seq(2)), Missed::TooMuch);
        assert_eq!(feed.since(History(1), Seq(2)), Missed::Nothing);
        feed.publish(differences[2].clone(), &Touched::All);
        assert!(matches!(feed.since(History(1), Seq(2)), Missed::Difference(_)));
        assert_eq!(feed.since(History(1), Seq(0)), Missed::TooMuch);
    }
}
