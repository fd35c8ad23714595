//! Faults that a test orders from the memory journal.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::ActivityId;

/// What goes wrong with one commit.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The database refuses the transaction; nothing is written.
    Abort,
    /// The database is away; nothing is written.
    Unavailable,
    /// The batches are written, but nobody learns of it.
    UnknownWritten,
    /// The batches are not written, and nobody learns of it.
    UnknownNotWritten,
    /// The commit takes this long, by tokio's clock, and then goes on.
    Slow(Duration),
    /// The commit waits until the test releases it, and then goes on.
    Held(Arc<Semaphore>),
}

/// Orders for the commits to come, first come first served; commits without an order succeed.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    orders: Arc<Mutex<Orders>>,
}

#[derive(Debug, Default)]
struct Orders {
    commits: VecDeque<Fault>,
    loads_held: Option<Arc<Semaphore>>,
    settles_failing: usize,
    settles_unheard: usize,
    recalls_failing: usize,
    recounts_wrong: usize,
    poison: Option<String>,
    blocked: Option<ActivityId>,
    tenure: u64,
    tenure_is_lost: bool,
}

impl Faults {
    /// The next commit without an order yet goes wrong like this.
    pub fn next_commit(&self, fault: Fault) {
        self.with(|orders| orders.commits.push_back(fault));
    }

    /// The next commit waits; the returned semaphore releases it with one permit.
    pub fn hold_next_commit(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.next_commit(Fault::Held(gate.clone()));
        gate
    }

    /// From now on whoever loads waits; the returned semaphore releases one for each permit.
    pub fn hold_loads(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.with(|orders| orders.loads_held = Some(gate.clone()));
        gate
    }

    pub(super) fn loads_held(&self) -> Option<Arc<Semaphore>> {
        self.with(|orders| orders.loads_held.clone())
    }

    /// The next `times` attempts to settle an unknown outcome fail.
    pub fn fail_settling(&self, times: usize) {
        self.with(|orders| orders.settles_failing = times);
    }

    /// The next `times` attempts to settle an unknown outcome do so, but nobody learns of it.
    pub fn lose_answers_of_settling(&self, times: usize) {
        self.with(|orders| orders.settles_unheard = times);
    }

    /// The next `times` attempts to look a key up fail.
    pub fn fail_recalling(&self, times: usize) {
        self.with(|orders| orders.recalls_failing = times);
    }

    /// The next time that rows are added up, one spot too many is found.
    pub fn miscount_once(&self) {
        self.with(|orders| orders.recounts_wrong = 1);
    }

    /// Every transaction with an RSVP of this name in it is refused.
    pub fn poison(&self, name: &str) {
        self.with(|orders| orders.poison = Some(name.into()));
    }

    /// From now on somebody outside holds rows of this activity, or of none.
    pub fn block(&self, id: Option<ActivityId>) {
        self.with(|orders| orders.blocked = id);
    }

    /// From now on the journal is not sure to own anything.
    pub fn lose_tenure(&self) {
        self.with(|orders| orders.tenure_is_lost = true);
    }

    /// From now on it is again, after a gap.
    pub fn regain_tenure(&self) {
        self.with(|orders| {
            orders.tenure += 1;
            orders.tenure_is_lost = false;
        });
    }

    pub(super) fn tenure(&self) -> Option<u64> {
        self.with(|orders| (!orders.tenure_is_lost).then_some(orders.tenure))
    }

    pub(super) fn take_commit(&self) -> Option<Fault> {
        self.with(|orders| orders.commits.pop_front())
    }

    pub(super) fn take_settle_failure(&self) -> bool {
        self.with(|orders| take_one(&mut orders.settles_failing))
    }

    pub(super) fn take_settle_unheard(&self) -> bool {
        self.with(|orders| take_one(&mut orders.settles_unheard))
    }

    pub(super) fn take_recall_failure(&self) -> bool {
        self.with(|orders| take_one(&mut orders.recalls_failing))
    }

    pub(super) fn take_miscount(&self) -> bool {
        self.with(|orders| take_one(&mut orders.recounts_wrong))
    }

    pub(super) fn is_poison(&self, name: &str) -> bool {
        self.with(|orders| orders.poison.as_deref() == Some(name))
    }

    pub(super) fn is_blocked(&self, id: ActivityId) -> bool {
        self.with(|orders| orders.blocked == Some(id))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Orders) -> T) -> T {
        change(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether there was one left.
fn take_one(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}
