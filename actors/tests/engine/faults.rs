//! Commits that fail or whose outcome is unknown, and actors that die.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use turnout_actors::domain::{ActivityId, Difference, Seq, Settings, Status};
use turnout_actors::ports::{FeedSink, Touched};
use turnout_actors::testing::{Drive, Fault, settings};
use turnout_actors::{EngineError, Options};

use super::support::{House, key, sent, status, until_idle};

#[tokio::test]
async fn a_database_that_is_away_is_told_at_once_and_nothing_is_decided() {
    let house = House::new().await;
    let id = house.seats(1).await;
    house.journal.faults().next_commit(Fault::Unavailable);
    assert_eq!(house.reserve(id, 1).await, Err(EngineError::Unavailable));
    assert_eq!(house.confirmed(id).await, 0);
    assert_eq!(status(&house.reserve(id, 2).await.unwrap()), Status::Confirmed);
    assert_eq!(house.journal.events(id).len(), 1);
}

#[tokio::test]
async fn a_poisoned_command_fails_alone_and_the_rest_of_its_batch_is_judged_again() {
    let house = House::new().await;
    let id = house
        .activity(Settings {
            waitlist_capacity: Some(0),
            ..settings(2)
        })
        .await;
    house.journal.faults().poison("Mallory");
    let gate = house.journal.faults().hold_next_commit();
    let mut before = pin!(house.reserve(id, 1));
    sent(before.as_mut()).await;
    house.journal.until_held().await;
    // While that commit is held the next batch gathers, and in it the poisoned command takes the last seat.
    let mut poisoned = pin!(
        house
            .engine
            .command(id, house.reserve_order(2, "Mallory", 0, None))
    );
    sent(poisoned.as_mut()).await;
    let mut rest = pin!(house.reserve(id, 3));
    sent(rest.as_mut()).await;
    gate.add_permits(1);
    assert!(before.await.is_ok());
    assert_eq!(poisoned.await, Err(EngineError::Internal));
    assert_eq!(
        rest.await.map(|reply| status(&reply)),
        Ok(Status::Confirmed),
        "the seat was never taken"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_commit_holds_up_nobody_but_its_own_activity() {
    let options = Options {
        statements_max: 2,
        ..Options::default()
    };
    let house = House::with(options, Arc::new(())).await;
    let (slow, other) = (house.seats(2).await, house.seats(2).await);
    let began = Instant::now();
    let time = Duration::from_secs(3);
    house.journal.faults().next_commit(Fault::Slow(time));
    let mut waiting = pin!(house.reserve(slow, 1));
    sent(waiting.as_mut()).await;
    until_idle().await;
    assert!(house.reserve(other, 1).await.is_ok());
    assert_eq!(
        (house.confirmed(slow).await, house.confirmed(other).await),
        (0, 1)
    );
    assert!(began.elapsed() < time);
    assert!(waiting.await.is_ok());
    assert!(began.elapsed() >= time);
    assert_eq!(house.confirmed(slow).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_transaction_fails_only_for_the_activity_it_was_refused_for() {
    let house = House::new().await;
    let (bad, good, other) = (house.seats(1).await, house.seats(1).await, house.seats(1).await);
    house.journal.faults().poison("Mallory");
    let gate = house.journal.faults().hold_next_commit();
    let mut held = pin!(house.reserve(other, 1));
    sent(held.as_mut()).await;
    until_idle().await;
    // While the one transaction that may be under way is held, the batches of two activities gather for the next.
    let mut poisoned = pin!(
        house
            .engine
            .command(bad, house.reserve_order(1, "Mallory", 0, None))
    );
    sent(poisoned.as_mut()).await;
    let mut beside = pin!(house.reserve(good, 1));
    sent(beside.as_mut()).await;
    until_idle().await;
    let before = house.journal.commits();
    gate.add_permits(1);
    assert!(held.await.is_ok());
    assert_eq!(poisoned.await, Err(EngineError::Internal));
    assert_eq!(status(&beside.await.unwrap()), Status::Confirmed);
    assert_eq!(
        house.journal.commits() - before,
        3,
        "together, and then each alone"
    );
}

#[tokio::test]
async fn commands_of_a_refused_batch_are_decided_again_one_by_one() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.journal.faults().poison("Mallory");
    let gate = house.journal.faults().hold_next_commit();
    let mut first = pin!(house.reserve(id, 1));
    sent(first.as_mut()).await;
    house.journal.until_held().await;
    let mut good = pin!(house.reserve(id, 2));
    sent(good.as_mut()).await;
    let mut bad = pin!(
        house
            .engine
            .command(id, house.reserve_order(3, "Mallory", 0, None))
    );
    sent(bad.as_mut()).await;
    let mut last = pin!(house.reserve(id, 4));
    sent(last.as_mut()).await;
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().answer.seq, Seq(1));
    assert_eq!(good.await.unwrap().answer.seq, Seq(2));
    assert_eq!(bad.await, Err(EngineError::Internal));
    let last = last.await.unwrap();
    assert_eq!((last.answer.seq, status(&last)), (Seq(3), Status::Waitlisted));
}

#[tokio::test]
async fn a_commit_of_unknown_outcome_is_settled_and_answered_once() {
    for fault in [Fault::UnknownWritten, Fault::UnknownNotWritten] {
        let house = House::new().await;
        let id = house.seats(2).await;
        house.journal.faults().next_commit(fault.clone());
        house.journal.faults().fail_settling(2);
        let reply = house.reserve(id, 1).await.unwrap();
        assert_eq!(
            (reply.answer.seq, reply.answer.replayed),
            (Seq(1), false),
            "{fault:?}"
        );
        assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(2));
        assert_eq!(house.journal.events(id).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_told_although_the_answer_to_its_settling_was_lost() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.journal.faults().next_commit(Fault::UnknownWritten);
    house.journal.faults().lose_answers_of_settling(1);
    let reply = house.reserve(id, 1).await.unwrap();
    assert_eq!((reply.answer.seq, reply.answer.replayed), (Seq(1), false));
    // Whoever goes on is somebody who has loaded it afresh.
    assert_eq!(house.confirmed(id).await, 1);
    assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(2));
    assert_eq!(house.journal.events(id).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_behind_an_outcome_that_stays_unknown_is_sent_away() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.journal.faults().next_commit(Fault::UnknownWritten);
    house.journal.faults().fail_settling(usize::MAX);
    let mut unknown = pin!(house.reserve(id, 1));
    sent(unknown.as_mut()).await;
    until_idle().await;
    let mut behind = pin!(house.reserve(id, 2));
    sent(behind.as_mut()).await;
    assert_eq!(unknown.await, Err(EngineError::UnknownOutcome));
    assert_eq!(behind.await, Err(EngineError::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_told_and_the_key_tells_more_later() {
    for (fault, replayed) in [(Fault::UnknownWritten, true), (Fault::UnknownNotWritten, true)] {
        let house = House::new().await;
        let id = house.seats(2).await;
        house.reserve(id, 9).await.unwrap();
        house.journal.faults().next_commit(fault.clone());
        house.journal.faults().fail_settling(usize::MAX);
        let order = || house.reserve_order(1, "Ada", 0, key("the key of Ada"));
        assert_eq!(
            house.engine.command(id, order()).await,
            Err(EngineError::UnknownOutcome)
        );
        // While it is unknown nothing new is promised, and reads show the last state that is known.
        assert_eq!(house.reserve(id, 2).await, Err(EngineError::Unavailable));
        assert_eq!(house.confirmed(id).await, 1);
        house.journal.faults().fail_settling(0);
        let again = loop {
            match house.engine.command(id, order()).await {
                Err(EngineError::Unavailable) => tokio::time::sleep(Duration::from_millis(50)).await,
                answered => break answered.unwrap(),
            }
        };
        assert_eq!(
            (again.answer.replayed, again.answer.seq),
            (replayed, Seq(2)),
            "{fault:?}"
        );
        assert_eq!(house.confirmed(id).await, 2);
    }
}

#[tokio::test]
async fn a_deposed_owner_answers_nothing_and_loads_what_the_other_decided() {
    let house = House::new().await;
    let id = house.seats(3).await;
    house.reserve(id, 1).await.unwrap();
    let mut usurper = Drive::load(&house.journal, id).await;
    usurper.reserve(2, 0).unwrap();
    usurper.commit(&house.journal).await;
    assert_eq!(house.reserve(id, 3).await, Err(EngineError::Unavailable));
    let reply = house.reserve(id, 3).await.unwrap();
    assert_eq!(reply.answer.seq, Seq(3));
    assert_eq!(house.confirmed(id).await, 3);
}

#[tokio::test]
async fn a_deposed_owner_is_not_read_any_more() {
    let house = House::new().await;
    let id = house.seats(3).await;
    let mut usurper = Drive::load(&house.journal, id).await;
    usurper.reserve(1, 0).unwrap();
    usurper.commit(&house.journal).await;
    // Whoever reads right after the answer must not be faster than the end of the actor.
    let reader = tokio::spawn({
        let (engine, order) = (house.engine.clone(), house.reserve_order(2, "Somebody", 0, None));
        async move {
            let told = engine.command(id, order).await;
            (told, engine.read(id, |activity| activity.counts().seq).await)
        }
    });
    let (told, seen) = reader.await.unwrap();
    assert_eq!(told, Err(EngineError::Unavailable));
    assert_eq!(seen, Ok(Seq(1)), "as the other decided");
}

/// Panics in the actor, once, when it is armed.
struct Bomb {
    armed: AtomicBool,
}

impl FeedSink for Bomb {
    fn announce(&self, _: ActivityId, _: &Difference, _: &Touched) {
        assert!(!self.armed.swap(false, Ordering::SeqCst), "the bomb goes off");
    }

    fn publish(&self, _: ActivityId) {}

    fn lost(&self, _: ActivityId) {}
}

#[tokio::test]
async fn an_actor_that_panics_is_started_again_and_only_undecided_callers_are_sent_away() {
    let bomb = Arc::new(Bomb {
        armed: AtomicBool::new(false),
    });
    let house = House::with(Options::default(), bomb.clone()).await;
    let (id, other) = (house.seats(100).await, house.seats(100).await);
    house.reserve(id, 1).await.unwrap();
    house.reserve(other, 1).await.unwrap();
    let gate = house.journal.faults().hold_next_commit();
    let mut decided = pin!(house.reserve(id, 2));
    sent(decided.as_mut()).await;
    house.journal.until_held().await;
    let mut undecided = pin!(house.reserve(id, 3));
    sent(undecided.as_mut()).await;
    let mut elsewhere = pin!(house.reserve(other, 2));
    sent(elsewhere.as_mut()).await;
    bomb.armed.store(true, Ordering::SeqCst);
    gate.add_permits(1);
    assert_eq!(
        decided.await.unwrap().answer.seq,
        Seq(2),
        "its batch was durable, so it is told"
    );
    assert_eq!(undecided.await, Err(EngineError::Unavailable));
    assert!(elsewhere.await.is_ok(), "another activity does not notice");
    assert_eq!(house.confirmed(id).await, 2, "nothing acknowledged is lost");
    assert_eq!(house.reserve(id, 3).await.unwrap().answer.seq, Seq(3));
}
