//! Commits whose outcome is unknown: what becomes of the second try, and of those who wait for an actor that has
//! died meanwhile.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use turnout_actors::domain::{ActivityId, Seq, Status};
use turnout_actors::testing::{Drive, Fault};
use turnout_actors::{EngineError, Order, Reply};

use super::support::{House, key, pass, sent, status, until_idle};

impl House {
    /// These go wrong one after the other.
    fn next_commits<const N: usize>(&self, faults: [Fault; N]) {
        faults
            .into_iter()
            .for_each(|fault| self.journal.faults().next_commit(fault));
    }

    /// Somebody else takes the activity over and gives person `by` a seat.
    async fn usurped(&self, id: ActivityId, by: u128) {
        let mut usurper = Drive::load(&self.journal, id).await;
        usurper.reserve(by, 0).unwrap();
        usurper.commit(&self.journal).await;
    }

    fn spawned(&self, id: ActivityId, order: Order) -> JoinHandle<Result<Reply, EngineError>> {
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.command(id, order).await })
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_two_tries_have_not_written_is_told_as_unavailable_and_never_lands() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.next_commits([Fault::UnknownNotWritten, Fault::UnknownNotWritten]);
    assert_eq!(house.reserve(id, 1).await, Err(EngineError::Unavailable));
    assert_eq!(house.journal.commits(), 2, "there is no third try");
    assert_eq!(house.confirmed(id).await, 0);
    assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(1));
    assert_eq!(house.journal.events(id).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_try_of_unknown_outcome_that_was_written_is_answered() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.next_commits([Fault::UnknownNotWritten, Fault::UnknownWritten]);
    assert_eq!(house.reserve(id, 1).await.unwrap().answer.seq, Seq(1));
    assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(2));
    assert_eq!(house.journal.events(id).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_try_that_finds_the_database_away_is_told_as_unavailable() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.next_commits([Fault::UnknownNotWritten, Fault::Unavailable]);
    assert_eq!(house.reserve(id, 1).await, Err(EngineError::Unavailable));
    assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(1));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_only_the_second_try_shows_to_be_refused_fails_for_good() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.next_commits([Fault::UnknownNotWritten, Fault::Abort]);
    assert_eq!(house.reserve(id, 1).await, Err(EngineError::Internal));
    assert_eq!(house.journal.commits(), 2);
    assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_only_the_second_try_shows_to_be_refused_is_decided_again_one_by_one() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.journal.faults().poison("Mallory");
    let gate = house.journal.faults().hold_next_commit();
    house.next_commits([Fault::UnknownNotWritten]);
    let mut first = pin!(house.reserve(id, 1));
    sent(first.as_mut()).await;
    house.journal.until_held().await;
    let mut poisoned = pin!(
        house
            .engine
            .command(id, house.reserve_order(2, "Mallory", 0, None))
    );
    sent(poisoned.as_mut()).await;
    let mut rest = pin!(house.reserve(id, 3));
    sent(rest.as_mut()).await;
    gate.add_permits(1);
    assert!(first.await.is_ok());
    assert_eq!(poisoned.await, Err(EngineError::Internal));
    let rest = rest.await.unwrap();
    assert_eq!((rest.answer.seq, status(&rest)), (Seq(2), Status::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn who_is_deposed_before_the_second_try_answers_nothing_and_loads_what_the_other_decided() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.next_commits([Fault::UnknownNotWritten]);
    let gate = house.journal.faults().hold_next_commit();
    let mut deposed = pin!(house.reserve(id, 1));
    sent(deposed.as_mut()).await;
    until_idle().await;
    assert_eq!(house.journal.commits(), 2, "the second try is under way");
    house.usurped(id, 2).await;
    gate.add_permits(1);
    assert_eq!(deposed.await, Err(EngineError::Unavailable));
    assert_eq!(house.confirmed(id).await, 1);
    assert_eq!(house.reserve(id, 3).await.unwrap().answer.seq, Seq(2));
    assert_eq!(house.journal.events(id).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_deposed_before_the_settling_answers_nothing_and_loads_what_the_other_decided() {
    for fault in [Fault::UnknownWritten, Fault::UnknownNotWritten] {
        let house = House::new().await;
        let id = house.seats(3).await;
        let found = if matches!(fault, Fault::UnknownWritten) {
            2
        } else {
            1
        };
        house.next_commits([fault.clone()]);
        house.journal.faults().fail_settling(usize::MAX);
        let mut deposed = pin!(house.reserve(id, 1));
        sent(deposed.as_mut()).await;
        until_idle().await;
        house.usurped(id, 2).await;
        house.journal.faults().fail_settling(0);
        assert_eq!(deposed.await, Err(EngineError::Unavailable), "{fault:?}");
        assert_eq!(house.confirmed(id).await, found, "{fault:?}");
        assert_eq!(
            house.reserve(id, 3).await.unwrap().answer.seq,
            Seq(u64::from(found) + 1),
            "{fault:?}"
        );
    }
}

/// Panics in whoever wakes it, once.
struct Trap {
    set: AtomicBool,
}

impl Wake for Trap {
    fn wake(self: Arc<Self>) {
        assert!(!self.set.swap(false, Ordering::SeqCst), "the trap snaps");
    }
}

impl Trap {
    fn set() -> Arc<Self> {
        Arc::new(Self {
            set: AtomicBool::new(true),
        })
    }

    fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Whoever answers this command steps into the trap.
    fn waits_for<F: Future>(self: &Arc<Self>, command: Pin<&mut F>) {
        let waker = Waker::from(self.clone());
        let polled = command.poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending(), "the answer came at once");
    }
}

/// The actor of an activity with one seat taken dies while a batch is in flight whose outcome stays unknown until
/// settling works again. Who waits for that batch is person 2, with the key `two`.
async fn dead_over_an_unknown_batch(
    house: &House,
    fault: Fault,
) -> (ActivityId, JoinHandle<Result<Reply, EngineError>>) {
    let id = house.seats(9).await;
    let known = || house.reserve_order(1, "Somebody", 0, key("one"));
    house.engine.command(id, known()).await.unwrap();

    // While the cancel is held, the next batch gathers: a command whose key has to be looked up, and one that is
    // committed. The first of them is sent away, because looking up fails. That kills the actor, when the second
    // is in flight.
    let gate = house.journal.faults().hold_next_commit();
    house.next_commits([fault]);
    house.journal.faults().fail_recalling(1);
    house.journal.faults().fail_settling(usize::MAX);
    let mut held = pin!(house.reserve(id, 9));
    sent(held.as_mut()).await;
    house.journal.until_held().await;
    let trap = Trap::set();
    let mut trapped = pin!(house.engine.command(id, known()));
    trap.waits_for(trapped.as_mut());
    let in_flight = house.spawned(id, house.reserve_order(2, "Somebody", 0, key("two")));
    until_idle().await;
    gate.add_permits(1);
    assert!(held.await.is_ok());
    until_idle().await;
    assert!(!trap.is_set(), "the actor has died");
    assert_eq!(trapped.await, Err(EngineError::Unavailable));
    assert!(!in_flight.is_finished(), "nobody knows yet");
    (id, in_flight)
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_batch_of_unknown_outcome_gets_its_answer_although_the_actor_died() {
    for fault in [Fault::UnknownWritten, Fault::UnknownNotWritten] {
        let house = House::new().await;
        let (id, in_flight) = dead_over_an_unknown_batch(&house, fault.clone()).await;
        house.journal.faults().fail_settling(0);
        let told = in_flight.await.unwrap().unwrap().answer;
        assert_eq!((told.seq, told.replayed), (Seq(3), false), "{fault:?}");
        assert_eq!(house.confirmed(id).await, 3, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_batch_that_is_not_written_after_all_is_sent_away_although_the_actor_died() {
    let house = House::new().await;
    let (id, in_flight) = dead_over_an_unknown_batch(&house, Fault::UnknownNotWritten).await;
    house.next_commits([Fault::UnknownNotWritten]);
    house.journal.faults().fail_settling(0);
    assert_eq!(in_flight.await.unwrap(), Err(EngineError::Unavailable));
    assert_eq!(house.confirmed(id).await, 2);
    assert_eq!(house.reserve(id, 3).await.unwrap().answer.seq, Seq(3));
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_the_activity_of_a_dead_actor_before_its_last_batch_is_settled() {
    let house = House::new().await;
    let (id, _) = dead_over_an_unknown_batch(&house, Fault::UnknownWritten).await;
    let mut read = pin!(house.confirmed(id));
    assert!(timeout(Duration::from_secs(5), read.as_mut()).await.is_err());
    house.journal.faults().fail_settling(0);
    assert_eq!(read.await, 3);
}

#[tokio::test(start_paused = true)]
async fn the_key_tells_more_later_where_the_actor_died_over_an_outcome_that_stays_unknown() {
    for fault in [Fault::UnknownWritten, Fault::UnknownNotWritten] {
        let house = House::new().await;
        let (id, in_flight) = dead_over_an_unknown_batch(&house, fault.clone()).await;
        assert_eq!(in_flight.await.unwrap(), Err(EngineError::UnknownOutcome));
        let again = house.spawned(id, house.reserve_order(2, "Somebody", 0, key("two")));
        pass(Duration::from_secs(5)).await;
        house.journal.faults().fail_settling(0);
        let told = again.await.unwrap().unwrap().answer;
        assert_eq!((told.seq, told.replayed), (Seq(3), true), "{fault:?}");
    }
}
