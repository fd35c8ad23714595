//! The latest differences of one activity, so that whoever missed some can catch up without a snapshot.
//!
//! The feed belongs to the activity, not to its actor: when an actor fails, the feed and whoever watches stay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{ActivityId, Difference, Seq};
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

    /// Keeps a committed difference and hands it to those who watch.
    pub fn publish(&self, difference: Difference) {
        let difference = Arc::new(difference);
        self.ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(difference.clone());
        self.sink.publish(self.activity, &difference);
    }

    /// What somebody missed who has seen everything up to `seen`, where `now` is the last committed event.
    pub fn since(&self, seen: Seq, now: Seq) -> Missed {
        if seen == now {
            return Missed::Nothing;
        }
        self.ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .since(seen, now)
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
            *self = Self::default();
        }
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
