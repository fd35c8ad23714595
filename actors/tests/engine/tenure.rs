//! What is said while it is not sure that nobody else owns the activity.

use std::pin::pin;

use turnout_actors::EngineError;
use turnout_actors::domain::Rejection;
use turnout_actors::testing::{Drive, settings};

use super::support::{House, sent};

#[tokio::test]
async fn nothing_is_said_while_the_lease_is_in_doubt_and_everything_is_loaded_afresh_after_it() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.reserve(id, 1).await.unwrap();

    house.journal.faults().lose_tenure();
    assert_eq!(house.engine.read(id, |_| ()).await, Err(EngineError::Unavailable));
    assert_eq!(house.reserve(id, 2).await, Err(EngineError::Unavailable));

    // Meanwhile somebody else decides.
    let mut other = Drive::load(&house.journal, id).await;
    other.reserve(3, 0).expect("there is room");
    other.commit(&house.journal).await;

    house.journal.faults().regain_tenure();
    assert_eq!(house.confirmed(id).await, 2, "what the other has decided is seen");
}

#[tokio::test]
async fn a_gap_that_nobody_noticed_is_found_before_anything_is_read() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.reserve(id, 1).await.unwrap();
    let mut other = Drive::load(&house.journal, id).await;
    other.reserve(3, 0).expect("there is room");
    other.commit(&house.journal).await;
    house.journal.faults().lose_tenure();
    house.journal.faults().regain_tenure();
    assert_eq!(house.confirmed(id).await, 2);
}

#[tokio::test]
async fn a_rejection_is_not_told_from_a_state_that_may_be_somebody_elses() {
    let house = House::new().await;
    let mut full = settings(1);
    full.waitlist_capacity = Some(0);
    let id = house.activity(full).await;
    house.reserve(id, 1).await.unwrap();
    let full = Err(EngineError::Rejected(Rejection::ActivityFull));
    assert_eq!(house.reserve(id, 2).await, full);

    // The lease ends while a command is on its way to the actor.
    let mut asked = pin!(house.reserve(id, 2));
    let mut other = Drive::load(&house.journal, id).await;
    other.cancel(1).expect("it is live");
    other.commit(&house.journal).await;
    house.journal.faults().lose_tenure();
    sent(asked.as_mut()).await;
    assert_eq!(asked.await, Err(EngineError::Unavailable));
}
