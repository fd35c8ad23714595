//! A journal that is behind what clients were told, as after restoring a backup: a new history begins, once.

use turnout_actors::EngineError;
use turnout_actors::domain::{ActivityId, History, Seq};

use super::support::House;

async fn seq(house: &House, id: ActivityId) -> Seq {
    house
        .engine
        .read(id, |activity| activity.counts().seq)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_journal_that_goes_backwards_begins_one_new_history_for_all_activities() {
    let house = House::new().await;
    let first = house.engine.history();
    let (one, other) = (house.seats(9).await, house.seats(9).await);
    for id in [one, other] {
        house.reserve(id, 1).await.unwrap();
    }
    let backup = house.journal.backup();
    for id in [one, other] {
        house.reserve(id, 2).await.unwrap();
    }
    house.journal.restore(backup);

    // Whoever writes finds out, and is told to come again.
    for id in [one, other] {
        assert_eq!(house.reserve(id, 3).await, Err(EngineError::Unavailable));
        assert_eq!(seq(&house, id).await, Seq(1));
        assert_eq!(
            house.engine.history(),
            History(first.0 + 1),
            "however many go backwards"
        );
    }
    house.reserve(one, 3).await.unwrap();
    assert_eq!(seq(&house, one).await, Seq(2));
}

#[tokio::test]
async fn the_history_goes_on_over_restarts_of_activities() {
    let house = House::new().await;
    let id = house.seats(9).await;
    house.reserve(id, 1).await.unwrap();
    let first = house.engine.history();
    // Somebody else takes the activity over and lets go again.
    let other = house.restarted().await;
    assert_eq!(
        other.reserve(id, 2).await.map(|reply| reply.answer.seq),
        Ok(Seq(2))
    );
    assert_eq!(other.engine.history(), first);
}

#[tokio::test]
async fn what_was_told_is_remembered_while_an_activity_cannot_be_loaded() {
    let house = House::new().await;
    let first = house.engine.history();
    let id = house.seats(9).await;
    house.reserve(id, 1).await.unwrap();
    let backup = house.journal.backup();
    house.reserve(id, 2).await.unwrap();

    // As in a fail-over: first nobody is sure to own anything, then another database is there.
    house.journal.faults().lose_tenure();
    let read = house.engine.read(id, |activity| activity.counts().seq).await;
    assert_eq!(read, Err(EngineError::Unavailable));
    house.journal.restore(backup);
    house.journal.faults().regain_tenure();
    assert_eq!(seq(&house, id).await, Seq(1));
    assert_eq!(house.engine.history(), History(first.0 + 1));
}

#[tokio::test]
async fn nothing_of_an_older_history_is_told_as_the_new_one() {
    let house = House::new().await;
    let (one, other) = (house.seats(9).await, house.seats(9).await);
    let backup = house.journal.backup();
    for id in [one, other] {
        house.reserve(id, 1).await.unwrap();
    }
    house.journal.restore(backup);
    assert_eq!(house.reserve(one, 2).await, Err(EngineError::Unavailable));
    let present = house.engine.look(one, |activity| activity.counts().seq);
    let history = present.await.unwrap().history;
    // Nobody has written the other one since, so nothing but the number tells that it went back, too.
    let seen = house.engine.look(other, |activity| activity.counts().seq);
    let seen = seen.await.unwrap();
    assert_eq!((seen.value, seen.history), (Seq(0), history));
}
