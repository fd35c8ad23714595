//! How activities come to life, rest and end, and how much the engine takes on.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use turnout_actors::domain::{ActivityId, Command, Person, Rejection, Settings, Status, Timestamp};
use turnout_actors::ports::Journal;
use turnout_actors::testing::{Drive, Fault, HOST, settings};
use turnout_actors::{EngineError, Options};
use uuid::Uuid;

use super::support::{House, host, pass, sent, until, until_idle, user};

#[tokio::test]
async fn an_activity_is_loaded_once_however_many_ask_at_once() {
    let house = House::new().await;
    let id = house
        .engine
        .create(&host(), settings(50), None)
        .await
        .unwrap()
        .id();
    let answers = join_all((1..=100).map(|n| house.reserve(id, n))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(house.confirmed(id).await, 50);
    assert_eq!(
        Drive::load(&house.journal, id).await.epoch.0,
        2,
        "one load before this one"
    );
}

#[tokio::test]
async fn an_unknown_activity_is_not_found() {
    let house = House::new().await;
    let unknown = ActivityId::from(Uuid::from_u128(404));
    let not_found = EngineError::Rejected(Rejection::NotFound);
    assert_eq!(house.reserve(unknown, 1).await, Err(not_found.clone()));
    assert_eq!(house.engine.read(unknown, |_| ()).await, Err(not_found));
}

#[tokio::test]
async fn more_commands_than_there_are_permits_are_refused_as_overload() {
    for options in [
        Options {
            commands_per_activity_max: 2,
            ..Options::default()
        },
        Options {
            commands_max: 2,
            ..Options::default()
        },
    ] {
        let house = House::with(options, Arc::new(())).await;
        let id = house.seats(50).await;
        house.reserve(id, 9).await.unwrap();
        let gate = house.journal.faults().hold_next_commit();
        let (mut first, mut second) = (pin!(house.reserve(id, 1)), pin!(house.reserve(id, 2)));
        sent(first.as_mut()).await;
        sent(second.as_mut()).await;
        assert_eq!(house.reserve(id, 3).await, Err(EngineError::Overloaded));
        gate.add_permits(1);
        assert!(first.await.is_ok() && second.await.is_ok());
        assert!(
            house.reserve(id, 3).await.is_ok(),
            "permits come back with the answers"
        );
    }
}

#[tokio::test]
async fn permits_come_back_with_every_answer_also_with_a_refusal() {
    for options in [
        Options {
            commands_per_activity_max: 1,
            ..Options::default()
        },
        Options {
            commands_max: 1,
            ..Options::default()
        },
    ] {
        let house = House::with(options, Arc::new(())).await;
        let id = house.seats(1).await;
        house.reserve(id, 1).await.unwrap();
        assert_eq!(
            house.cancel(id, 2).await,
            Err(EngineError::Rejected(Rejection::NotFound))
        );
        for (fault, told) in [
            (Fault::Unavailable, EngineError::Unavailable),
            (Fault::Abort, EngineError::Internal),
        ] {
            house.journal.faults().next_commit(fault);
            assert_eq!(house.cancel(id, 1).await, Err(told));
        }
        assert!(house.cancel(id, 1).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn an_activity_with_commands_under_way_is_not_put_to_rest() {
    let options = Options {
        sweep_every: Duration::from_secs(1),
        sweeps_until_idle: 2,
        call_limit: Duration::from_secs(3_600),
        ..Options::default()
    };
    let house = House::with(options, Arc::new(())).await;
    let id = house.seats(3).await;
    let gate = house.journal.faults().hold_next_commit();
    let mut decided = pin!(house.reserve(id, 1));
    sent(decided.as_mut()).await;
    let mut gathered = pin!(house.reserve(id, 2));
    sent(gathered.as_mut()).await;
    pass(Duration::from_secs(60)).await;
    gate.add_permits(1);
    assert!(decided.await.is_ok() && gathered.await.is_ok());
    assert_eq!(
        Drive::load(&house.journal, id).await.epoch.0,
        2,
        "one load before this one"
    );
}

#[tokio::test]
async fn an_idle_activity_is_put_to_rest_and_comes_back_when_it_is_needed() {
    let options = Options {
        sweep_every: Duration::from_millis(2),
        sweeps_until_idle: 2,
        ..Options::default()
    };
    let house = House::with(options, Arc::new(())).await;
    let id = house.seats(3).await;
    for n in 1..=5 {
        house.reserve(id, n).await.unwrap();
        until(|| house.engine.live_activities() == 0).await;
    }
    assert_eq!(house.confirmed(id).await, 3);
    assert!(Drive::load(&house.journal, id).await.epoch.0 >= 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_because_an_activity_is_put_to_rest() {
    let options = Options {
        sweep_every: Duration::from_millis(1),
        sweeps_until_idle: 1,
        ..Options::default()
    };
    let house = House::with(options, Arc::new(())).await;
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(house.seats(1).await);
    }
    for round in 1..=20 {
        // Not more than may be under way, so whoever is refused is refused for another reason.
        let answers = join_all(ids.iter().map(|id| house.reserve(*id, round))).await;
        let refused = answers.into_iter().find_map(Result::err);
        assert_eq!(refused, None, "in round {round}");
    }
}

#[tokio::test]
async fn draining_answers_what_is_under_way_and_takes_nothing_new() {
    let house = House::new().await;
    let id = house.seats(3).await;
    house.reserve(id, 1).await.unwrap();
    let gate = house.journal.faults().hold_next_commit();
    let mut under_way = pin!(house.reserve(id, 2));
    sent(under_way.as_mut()).await;
    let mut drain = pin!(house.engine.drain(Duration::from_secs(10)));
    sent(drain.as_mut()).await;
    assert_eq!(house.reserve(id, 3).await, Err(EngineError::Draining));
    gate.add_permits(1);
    let (answer, drained) = tokio::join!(under_way, drain);
    assert!(answer.is_ok() && drained);
    house.engine.ended().await;
}

#[tokio::test]
async fn while_draining_no_activity_is_made() {
    let house = House::new().await;
    assert!(house.engine.drain(Duration::from_secs(10)).await);
    let made = house.engine.create(&host(), settings(1), None).await;
    assert_eq!(made, Err(EngineError::Draining));
}

#[tokio::test]
async fn the_stamp_never_goes_backwards_also_not_across_restarts() {
    let mut house = House::new().await;
    let id = house.seats(9).await;
    for (person, millis) in [(1, 20_000), (2, 15_000), (3, 21_000), (4, 5_000)] {
        house.clock.set(Timestamp::from_millis(millis));
        house.reserve(id, person).await.unwrap();
        house = house.restarted().await;
    }
    let stamps: Vec<i64> = house
        .journal
        .events(id)
        .iter()
        .map(|event| event.at.micros() / 1_000)
        .collect();
    assert_eq!(stamps, [20_000, 20_000, 21_000, 21_000]);
}

#[tokio::test]
async fn the_stamp_of_a_rejection_holds_back_later_ones_too() {
    let house = House::new().await;
    let opens_at = Some(Timestamp::from_millis(30_000));
    let closes_at = Some(Timestamp::from_millis(40_000));
    let id = house
        .activity(Settings {
            opens_at,
            closes_at,
            ..settings(9)
        })
        .await;
    house.clock.set(Timestamp::from_millis(40_000));
    assert_eq!(
        house.reserve(id, 1).await,
        Err(EngineError::Rejected(Rejection::Closed))
    );
    house.clock.set(Timestamp::from_millis(39_999));
    assert_eq!(
        house.reserve(id, 2).await,
        Err(EngineError::Rejected(Rejection::Closed))
    );
}

#[tokio::test]
async fn everybody_reads_as_cancelled_once_the_activity_is() {
    let house = House::new().await;
    let id = house.seats(1).await;
    for n in 1..=3 {
        house.reserve(id, n).await.unwrap();
    }
    house.cancel_activity(id).await;
    let read = house.engine.read(id, |activity| {
        let statuses: Vec<Status> = (1..=3)
            .filter_map(|n| Some(activity.rsvp_of(&Person::User(user(n)))?.rsvp.status))
            .collect();
        (statuses, activity.counts(), activity.waiting().count())
    });
    let (statuses, counts, waiting) = read.await.unwrap();
    assert!(statuses.len() == 3 && statuses.iter().all(|status| !status.is_live()));
    assert_eq!(
        (counts.confirmed_spots, counts.waitlisted_parties, waiting),
        (0, 0, 0)
    );
    assert_eq!(house.journal.events(id).len(), 4, "one event ended them all");
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_cancelled_activity_follow_also_where_the_process_ended_before_they_had() {
    let house = House::new().await;
    let here = house.seats(2).await;
    house.reserve(here, 1).await.unwrap();
    house.cancel_activity(here).await;

    let mut drive = Drive::create(&house.journal, 404, settings(2)).await;
    drive.reserve(1, 0).unwrap();
    drive.order(HOST, Command::CancelActivity, None).unwrap();
    drive.commit(&house.journal).await;
    let ended = drive.activity.id();
    house.engine.read(ended, |_| ()).await.unwrap();

    until_idle().await;
    for id in [here, ended] {
        let left = house.journal.follow_cancellation(id, None, 10).await.unwrap();
        assert_eq!(left, None, "rows have not followed");
    }
}
