//! The newest counts that the mirror does not have yet: one per activity, the newest wins.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::ActivityId;
use crate::ports::MirrorCounts;

/// The most activities whose counts wait. While the mirror is away for so long that more have changed, theirs are
/// carried when everything is compared after its return.
const OUTGOING_MAX: usize = 100_000;

/// Counts on their way to the mirror.
#[derive(Default)]
pub(crate) struct Outgoing {
    newest: Mutex<HashMap<ActivityId, MirrorCounts>>,
    changed: Notify,
}

impl Outgoing {
    /// Leaves the counts of an activity, unless newer ones wait already.
    pub(crate) fn put(&self, id: ActivityId, counts: MirrorCounts) {
        self.newest().keep_newest(id, counts);
        self.changed.notify_one();
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, counts: Vec<(ActivityId, MirrorCounts)>) {
        let mut newest = self.newest();
        for (id, counts) in counts {
            newest.keep_newest(id, counts);
        }
        drop(newest);
        self.changed.notify_one();
    }

    /// Takes some of what waits, which then is the caller's to write.
    pub(super) fn take(&self, most: usize) -> Vec<(ActivityId, MirrorCounts)> {
        let mut newest = self.newest();
        if newest.len() <= most {
            return newest.drain().collect();
        }
        let ids: Vec<ActivityId> = newest.keys().take(most).copied().collect();
        let taken = ids
            .into_iter()
            .filter_map(|id| newest.remove_entry(&id))
            .collect();
        // Somebody has to come for the others.
        self.changed.notify_one();
        taken
    }

    pub(super) fn has(&self, id: ActivityId) -> bool {
        self.newest().contains_key(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.newest().is_empty()
    }

    /// Returns once something may wait.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn newest(&self) -> MutexGuard<'_, HashMap<ActivityId, MirrorCounts>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

trait KeepNewest {
    fn keep_newest(&mut self, id: ActivityId, counts: MirrorCounts);
}

impl KeepNewest for HashMap<ActivityId, MirrorCounts> {
    fn keep_newest(&mut self, id: ActivityId, counts: MirrorCounts) {
        let is_full = self.len() >= OUTGOING_MAX;
        match self.get_mut(&id) {
            Some(waiting) if waiting.age() < counts.age() => *waiting = counts,
            Some(_) => {}
            None if is_full => {}
            None => {
                self.insert(id, counts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{History, Seq};

    fn id(number: u128) -> ActivityId {
        ActivityId::from(Uuid::from_u128(number))
    }

    fn counts(seq: u64) -> MirrorCounts {
        MirrorCounts {
            capacity: 9,
            confirmed: 1,
            offered: 0,
            waitlisted: 0,
            available: 8,
            history: History(1),
            seq: Seq(seq),
        }
    }

    #[test]
    fn the_newest_counts_wait_whatever_comes_last() {
        let outgoing = Outgoing::default();
        outgoing.put(id(1), counts(2));
        outgoing.put(id(1), counts(1));
        assert_eq!(outgoing.take(10), [(id(1), counts(2))]);

        let failed = vec![(id(1), counts(2))];
        outgoing.put(id(1), counts(3));
        outgoing.put_back(failed);
        assert_eq!(outgoing.take(10), [(id(1), counts(3))]);
        assert!(outgoing.is_empty());
    }

    #[test]
    fn what_waits_is_bounded_and_those_that_wait_go_on() {
        let outgoing = Outgoing::default();
        let most = OUTGOING_MAX as u128;
        for number in 0..most + 5 {
            outgoing.put(id(number), counts(1));
        }
        outgoing.put(id(0), counts(2));
        assert!(outgoing.has(id(0)) && !outgoing.has(id(most)));
        let mut taken = 0;
        while !outgoing.is_empty() {
            let some = outgoing.take(30_000);
            assert!(some.len() <= 30_000);
            taken += some.len();
        }
        assert_eq!(taken, OUTGOING_MAX);
    }
}
