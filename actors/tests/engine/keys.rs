//! The same key again gives the first answer again, whatever happened in between.

use std::pin::pin;

use turnout_actors::domain::{Activity, Command, Rejection, Seq, Status, Target, Timestamp, Update};
use turnout_actors::testing::settings;
use turnout_actors::{EngineError, Made, Reply};

use super::support::{House, host, key, sent, status};

#[tokio::test]
async fn a_retry_gets_the_first_answer_also_after_a_restart() {
    let mut house = House::new().await;
    let id = house.seats(1).await;
    house.reserve(id, 9).await.unwrap();
    let first = house
        .engine
        .command(id, house.reserve_order(1, "Ada", 0, key("k")))
        .await
        .unwrap();
    assert_eq!(status(&first), Status::Waitlisted);
    house.cancel(id, 9).await.unwrap();
    for _ in 0..2 {
        let again = house
            .engine
            .command(id, house.reserve_order(1, "Ada", 0, key("k")))
            .await
            .unwrap();
        assert!(again.answer.replayed);
        assert_eq!(again.answer.seq, first.answer.seq);
        assert_eq!(
            again.answer.rsvp(),
            first.answer.rsvp(),
            "as first decided, though it is confirmed by now"
        );
        assert_eq!(again.counts.seq, Seq(4), "the counts are those of now");
        house = house.restarted().await;
    }
    assert_eq!(house.journal.events(id).len(), 4);
}

#[tokio::test]
async fn one_key_for_two_things_is_refused() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house
        .engine
        .command(id, house.reserve_order(1, "Ada", 0, key("k")))
        .await
        .unwrap();
    let reused = house
        .engine
        .command(id, house.reserve_order(1, "Ada", 1, key("k")))
        .await;
    assert_eq!(reused, Err(EngineError::Rejected(Rejection::KeyReused)));
    let cancel = house
        .engine
        .command(id, house.order(1, Command::Cancel(Target::Own), key("k")))
        .await;
    assert_eq!(cancel, Err(EngineError::Rejected(Rejection::KeyReused)));
    house
        .engine
        .command(id, house.reserve_order(2, "Bob", 0, key("k")))
        .await
        .expect("another person's key");
}

#[tokio::test]
async fn of_two_in_flight_with_one_key_the_second_gets_the_answer_of_the_first() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.reserve(id, 8).await.unwrap();
    // Once behind a commit in flight, once both in the same batch.
    for (person, hold_other) in [(1, false), (2, true)] {
        let gate = house.journal.faults().hold_next_commit();
        let mut other = pin!(house.reserve(id, 9 + person));
        if hold_other {
            sent(other.as_mut()).await;
        }
        let order = || house.reserve_order(person, "Ada", 0, key("k"));
        let mut first = pin!(house.engine.command(id, order()));
        sent(first.as_mut()).await;
        let mut second = pin!(house.engine.command(id, order()));
        sent(second.as_mut()).await;
        gate.add_permits(1);
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert!(!first.answer.replayed && second.answer.replayed);
        assert_eq!(first.answer.seq, second.answer.seq);
        assert_eq!(first.answer.rsvp(), second.answer.rsvp());
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_now_is_never_taken_for_a_new_one() {
    let house = House::new().await;
    let id = house.seats(2).await;
    let order = || house.reserve_order(1, "Ada", 0, key("k"));
    let first = house.engine.command(id, order()).await.unwrap();
    house.cancel(id, 1).await.unwrap();
    house.journal.faults().fail_recalling(1);
    assert_eq!(
        house.engine.command(id, order()).await,
        Err(EngineError::Unavailable)
    );
    assert_eq!(house.confirmed(id).await, 0, "she is not in again");
    let again = house.engine.command(id, order()).await.unwrap();
    assert_eq!(
        (again.answer.replayed, again.answer.seq),
        (true, first.answer.seq)
    );
}

#[tokio::test]
async fn rejections_and_commands_without_effect_leave_no_key() {
    let house = House::new().await;
    let id = house.seats(2).await;
    let cancel = || house.order(1, Command::Cancel(Target::Own), key("k"));
    assert_eq!(
        house.engine.command(id, cancel()).await,
        Err(EngineError::Rejected(Rejection::NotFound))
    );
    house.reserve(id, 1).await.unwrap();
    let reply = house.engine.command(id, cancel()).await.unwrap();
    assert!(!reply.answer.replayed, "the rejection was judged anew");

    house.reserve(id, 2).await.unwrap();
    // The first two ask for the guests that are there already: without effect, and without a key of theirs.
    for guest_count in [0, 0, 1] {
        let update = Command::Update(Update {
            target: Target::Own,
            guest_count: Some(guest_count),
            special_requirements: None,
            name: None,
        });
        let reply = house.engine.command(id, house.order(2, update, key("u"))).await;
        let answer = reply.unwrap().answer;
        assert_eq!(
            (answer.seq, answer.replayed),
            (Seq(3 + u64::from(guest_count)), false)
        );
    }
}

#[tokio::test]
async fn a_replay_is_answered_also_after_the_activity_was_cancelled() {
    let house = House::new().await;
    let id = house.seats(1).await;
    house
        .engine
        .command(id, house.reserve_order(1, "Ada", 0, key("k")))
        .await
        .unwrap();
    house.cancel_activity(id).await;
    let again = house
        .engine
        .command(id, house.reserve_order(1, "Ada", 0, key("k")))
        .await
        .unwrap();
    assert_eq!((again.answer.replayed, status(&again)), (true, Status::Confirmed));
    assert_eq!(
        house.reserve(id, 2).await,
        Err(EngineError::Rejected(Rejection::ActivityCancelled))
    );
}

#[tokio::test]
async fn an_activity_is_made_once_per_key() {
    let house = House::new().await;
    let first = house.engine.create(&host(), settings(1), key("k").as_ref()).await;
    let Ok(Made::New(first)) = first else {
        panic!("{first:?}");
    };
    let shown = house.engine.read(first.id, Activity::overview).await.unwrap();
    assert_eq!(*first, shown, "a new activity is told as it is read");
    assert_eq!(
        house.engine.create(&host(), settings(1), key("k").as_ref()).await,
        Ok(Made::Before(first.id))
    );
    let other = house.engine.create(&host(), settings(2), key("k").as_ref()).await;
    assert_eq!(other, Err(EngineError::Rejected(Rejection::KeyReused)));
}

#[tokio::test]
async fn a_rejection_leaves_no_key_within_its_batch_either() {
    let house = House::new().await;
    let id = house.seats(2).await;
    let gate = house.journal.faults().hold_next_commit();
    let mut first = pin!(house.reserve(id, 9));
    sent(first.as_mut()).await;
    house.journal.until_held().await;
    let cancel = || house.order(1, Command::Cancel(Target::Own), key("k"));
    let mut too_early = pin!(house.engine.command(id, cancel()));
    sent(too_early.as_mut()).await;
    let mut reserve = pin!(house.reserve(id, 1));
    sent(reserve.as_mut()).await;
    let mut anew = pin!(house.engine.command(id, cancel()));
    sent(anew.as_mut()).await;
    gate.add_permits(1);
    assert!(first.await.is_ok());
    assert_eq!(too_early.await, Err(EngineError::Rejected(Rejection::NotFound)));
    assert!(reserve.await.is_ok());
    let answer = anew.await.unwrap().answer;
    assert_eq!((answer.seq, answer.replayed), (Seq(3), false));
}

#[tokio::test]
async fn a_replay_tells_the_time_of_the_first_answer() {
    let house = House::new().await;
    let id = house.seats(2).await;
    let reserve = || house.reserve_order(1, "Ada", 0, key("k"));
    let updated_at = |reply: Reply| reply.answer.into_rsvp().unwrap().rsvp.updated_at;
    let first = house.engine.command(id, reserve()).await.unwrap();
    let times = [10_000, 20_000].map(Timestamp::from_millis);
    house.clock.set(times[1]);
    let cancelled = house.cancel(id, 1).await.unwrap();
    assert_eq!([updated_at(first), updated_at(cancelled)], times);
    let again = house.engine.command(id, reserve()).await.unwrap();
    assert_eq!(updated_at(again), times[0]);
}
