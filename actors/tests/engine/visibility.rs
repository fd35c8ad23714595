//! Nothing is answered or seen before it is durable.

use std::pin::pin;

use turnout_actors::EngineError;
use turnout_actors::domain::{Person, Rejection, Seq, Settings, Status, Timestamp};
use turnout_actors::testing::settings;

use super::support::{House, host, sent, status, until_idle, user};

#[tokio::test(start_paused = true)]
async fn while_a_commit_is_held_every_read_shows_the_state_before_it() {
    let house = House::new().await;
    let id = house.seats(1).await;
    let first = house
        .reserve(id, 1)
        .await
        .unwrap()
        .answer
        .into_rsvp()
        .unwrap()
        .rsvp;
    house.reserve(id, 2).await.unwrap();
    let gate = house.journal.faults().hold_next_commit();
    let mut cancel = pin!(house.cancel(id, 1));
    sent(cancel.as_mut()).await;
    let mut newcomer = pin!(house.reserve(id, 3));
    sent(newcomer.as_mut()).await;
    house.journal.until_held().await;
    until_idle().await;

    let seen = house.engine.read(id, |activity| {
        let of = |n| activity.rsvp_of(&Person::User(user(n)));
        (
            activity.overview(),
            activity.rsvp(first.id),
            of(1),
            of(2),
            of(3),
            activity.waiting().collect::<Vec<_>>(),
        )
    });
    let (overview, by_id, one, two, three, waiting) = seen.await.unwrap();
    assert_eq!(overview.counts.seq, Seq(2));
    assert_eq!(
        (
            overview.counts.confirmed_spots,
            overview.counts.waitlisted_parties
        ),
        (1, 1)
    );
    assert_eq!(by_id.unwrap().rsvp, first);
    assert_eq!(one.unwrap().rsvp.status, Status::Confirmed);
    let two = two.unwrap();
    assert_eq!(
        (two.rsvp.status, two.ahead.unwrap().parties),
        (Status::Waitlisted, 0)
    );
    assert_eq!(three, None);
    assert_eq!(waiting.len(), 1);
    sent(cancel.as_mut()).await;
    sent(newcomer.as_mut()).await;

    gate.add_permits(1);
    assert_eq!(
        cancel.await.unwrap().answer.seq,
        Seq(4),
        "cancelled, and the second promoted"
    );
    assert_eq!(status(&newcomer.await.unwrap()), Status::Waitlisted);
    let promoted = house
        .engine
        .read(id, |activity| activity.rsvp_of(&Person::User(user(2))))
        .await
        .unwrap();
    assert_eq!(promoted.unwrap().rsvp.status, Status::Confirmed);
}

#[tokio::test]
async fn commands_that_gather_behind_a_commit_are_decided_together_in_order() {
    let house = House::new().await;
    let id = house.seats(3).await;
    let gate = house.journal.faults().hold_next_commit();
    let mut all: Vec<_> = (1..=5).map(|n| Box::pin(house.reserve(id, n))).collect();
    sent(all[0].as_mut()).await;
    for command in &mut all[1..] {
        sent(command.as_mut()).await;
    }
    gate.add_permits(1);
    let mut answers = Vec::new();
    for command in all {
        answers.push(command.await.unwrap());
    }
    let seqs: Vec<u64> = answers.iter().map(|reply| reply.answer.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    assert_eq!(
        answers
            .iter()
            .filter(|reply| status(reply) == Status::Confirmed)
            .count(),
        3
    );
    // The counts of an answer are those of its whole batch.
    assert!(answers[1..].iter().all(|reply| reply.counts.seq == Seq(5)));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_that_rests_on_uncommitted_decisions_waits_for_them() {
    let house = House::new().await;
    let id = house
        .activity(Settings {
            waitlist_capacity: Some(0),
            ..settings(2)
        })
        .await;
    let first_gate = house.journal.faults().hold_next_commit();
    let second_gate = house.journal.faults().hold_next_commit();
    // Nothing is uncommitted yet, so this rejection is told at once.
    assert_eq!(
        house.cancel(id, 9).await,
        Err(EngineError::Rejected(Rejection::NotFound))
    );
    let mut first = pin!(house.reserve(id, 1));
    sent(first.as_mut()).await;
    until_idle().await;
    // These two gather behind the first and are decided together: the second finds no seat because of a
    // decision that is not durable yet.
    let mut seat = pin!(house.reserve(id, 2));
    sent(seat.as_mut()).await;
    let mut late = pin!(house.reserve(id, 3));
    sent(late.as_mut()).await;
    first_gate.add_permits(1);
    assert!(first.await.is_ok());
    house.journal.until_held().await;
    until_idle().await;
    sent(seat.as_mut()).await;
    sent(late.as_mut()).await;
    second_gate.add_permits(1);
    assert_eq!(status(&seat.await.unwrap()), Status::Confirmed);
    assert_eq!(late.await, Err(EngineError::Rejected(Rejection::ActivityFull)));
}

#[tokio::test(start_paused = true)]
async fn commands_that_gather_are_decided_by_their_stamps_whatever_order_they_arrive_in() {
    let house = House::new().await;
    let id = house
        .engine
        .create(&host(), settings(2), None)
        .await
        .unwrap()
        .id();
    // Stamped before the others, this one still waits for the activity to come to life.
    let mut early = pin!(house.reserve(id, 1));
    sent(early.as_mut()).await;
    house.engine.read(id, |_| ()).await.unwrap();
    let gate = house.journal.faults().hold_next_commit();
    let mut first = pin!(house.reserve(id, 9));
    sent(first.as_mut()).await;
    until_idle().await;
    house.clock.set(Timestamp::from_millis(20_000));
    let mut late = pin!(house.reserve(id, 2));
    sent(late.as_mut()).await;
    sent(early.as_mut()).await;
    until_idle().await;
    gate.add_permits(1);
    assert!(first.await.is_ok());
    let (early, late) = (early.await.unwrap(), late.await.unwrap());
    assert_eq!((early.answer.seq, status(&early)), (Seq(2), Status::Confirmed));
    assert_eq!((late.answer.seq, status(&late)), (Seq(3), Status::Waitlisted));
}

#[tokio::test]
async fn batches_of_many_activities_share_one_transaction() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = house.seats(3).await;
        house.reserve(id, 1).await.unwrap();
        ids.push(id);
    }
    let before = house.journal.commits();
    let gate = house.journal.faults().hold_next_commit();
    let mut all: Vec<_> = ids.iter().map(|id| Box::pin(house.reserve(*id, 2))).collect();
    for command in &mut all {
        sent(command.as_mut()).await;
    }
    house.journal.until_held().await;
    gate.add_permits(1);
    for command in all {
        command.await.unwrap();
    }
    assert_eq!(
        house.journal.commits() - before,
        2,
        "the first alone, the other four together"
    );
}
