//! Activities that are in the way of those with whom they share a transaction: they are kept apart for a while.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use turnout_actors::EngineError;
use turnout_actors::domain::ActivityId;

use super::support::{House, sent};

/// Longer than an activity is kept apart.
const LONG: Duration = Duration::from_secs(11);

/// Whether somebody gets a seat of one activity while a commit of another one does not end. There is one transaction
/// at a time that everybody shares.
async fn is_served_beside(house: &House, served: ActivityId, stuck: ActivityId, people: [u128; 2]) -> bool {
    let gate = house.journal.faults().hold_next_commit();
    let mut waiting = pin!(house.reserve(stuck, people[0]));
    sent(waiting.as_mut()).await;
    house.journal.until_held().await;
    let mut asking = pin!(house.reserve(served, people[1]));
    let answer = timeout(Duration::from_secs(1), asking.as_mut()).await;
    gate.add_permits(1);
    waiting.await.unwrap();
    match answer {
        Ok(answer) => answer.map(|_| true).unwrap(),
        Err(_) => asking.await.map(|_| false).unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_activity_whose_batch_was_refused_shares_no_transaction_with_others_for_a_while() {
    let house = House::new().await;
    let (good, bad) = (house.seats(9).await, house.seats(9).await);
    assert!(
        !is_served_beside(&house, good, bad, [1, 1]).await,
        "they share one"
    );

    house.journal.faults().poison("Mallory");
    let poisoned = house
        .engine
        .command(bad, house.reserve_order(2, "Mallory", 0, None));
    assert_eq!(poisoned.await, Err(EngineError::Internal));
    assert!(is_served_beside(&house, good, bad, [3, 3]).await);
    assert!(
        is_served_beside(&house, bad, good, [4, 4]).await,
        "nor does it wait for theirs"
    );

    sleep(LONG).await;
    assert!(
        !is_served_beside(&house, good, bad, [5, 5]).await,
        "they share one again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_activity_whose_rows_somebody_holds_is_unavailable_and_nobody_else() {
    let house = House::new().await;
    let (free, held) = (house.seats(9).await, house.seats(9).await);
    house.journal.faults().block(Some(held));
    // Both are in one transaction, which waits behind this one.
    let gate = house.journal.faults().hold_next_commit();
    let mut first = pin!(house.reserve(house.seats(9).await, 1));
    sent(first.as_mut()).await;
    house.journal.until_held().await;
    let (mut one, mut other) = (pin!(house.reserve(free, 1)), pin!(house.reserve(held, 1)));
    sent(one.as_mut()).await;
    sent(other.as_mut()).await;
    gate.add_permits(1);
    first.await.unwrap();
    one.await.unwrap();
    assert_eq!(other.await, Err(EngineError::Unavailable));
    assert_eq!(house.journal.events(held).len(), 0);

    assert!(is_served_beside_a_held_one(&house, free, held).await);
    house.journal.faults().block(None);
    house.reserve(held, 1).await.unwrap();
    assert_eq!(house.confirmed(held).await, 1);
}

/// Whether somebody is served while a batch of an activity waits for rows that somebody holds.
async fn is_served_beside_a_held_one(house: &House, served: ActivityId, held: ActivityId) -> bool {
    let gate = house.journal.faults().hold_next_commit();
    let mut waiting = pin!(house.reserve(held, 2));
    sent(waiting.as_mut()).await;
    house.journal.until_held().await;
    let answer = timeout(Duration::from_secs(1), house.reserve(served, 2)).await;
    gate.add_permits(1);
    assert_eq!(waiting.await, Err(EngineError::Unavailable));
    answer.is_ok_and(|answer| answer.is_ok())
}
