//! Offers end in time: by the alarm, before anything later is decided, after restarts, and where nobody asks.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use turnout_actors::domain::{
    ActivityId, Actor, CancelReason, Command, Promotion, Rejection, Settings, SettingsChange, Status, Target,
    Timestamp,
};
use turnout_actors::testing::{Fault, settings};
use turnout_actors::{EngineError, Options, Order};

use super::support::{House, host, pass, sent, status, until_idle, user};

const TTL_S: u32 = 60;
/// When the activity is full, and the first offer is made.
const OFFERED_AT: Timestamp = Timestamp::from_millis(10_000);
const ENDS_AT: Timestamp = Timestamp::from_millis(10_000 + TTL_S as i64 * 1_000);

fn offering(capacity: u32) -> Settings {
    Settings {
        promotion: Promotion::Offer { ttl_s: TTL_S },
        ..settings(capacity)
    }
}

fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.micros() - 1)
}

/// One seat, which was given back: the second has an offer, the third waits.
async fn offered(house: &House) -> ActivityId {
    let id = house.activity(offering(1)).await;
    for person in 1..=3 {
        house.reserve(id, person).await.unwrap();
    }
    house.cancel(id, 1).await.unwrap();
    assert_eq!(of(house, id, 2).await, (Status::Offered, Some(ENDS_AT)));
    id
}

fn resting_early() -> Options {
    Options {
        sweep_every: Duration::from_secs(1),
        sweeps_until_idle: 2,
        ..Options::default()
    }
}

/// The second has an offer that ends then, which is long after; nobody has used the activity for long.
async fn offered_and_at_rest() -> (House, ActivityId, Timestamp) {
    let house = House::with(resting_early(), Arc::new(())).await;
    let id = house
        .activity(Settings {
            promotion: Promotion::Offer { ttl_s: 3_600 },
            ..settings(1)
        })
        .await;
    for person in 1..=3 {
        house.reserve(id, person).await.unwrap();
    }
    house.cancel(id, 1).await.unwrap();
    let (offered, end) = of(&house, id, 2).await;
    assert_eq!(offered, Status::Offered);
    pass(Duration::from_secs(10)).await;
    assert_eq!(house.engine.live_activities(), 0);
    (house, id, end.unwrap())
}

async fn of(house: &House, id: ActivityId, person: u128) -> (Status, Option<Timestamp>) {
    let person = turnout_actors::domain::Person::User(user(person));
    let read = house.engine.read(id, |activity| {
        let rsvp = activity.rsvp_of(&person).unwrap().rsvp;
        (rsvp.status, rsvp.offer_expires_at())
    });
    read.await.unwrap()
}

async fn accept(house: &House, id: ActivityId, person: u128) -> Result<Status, EngineError> {
    let order = house.order(person, Command::Accept(Target::Own), None);
    let reply = house.engine.command(id, order).await;
    reply.map(|reply| status(&reply))
}

const EXPIRED: Status = Status::Cancelled(CancelReason::OfferExpired);

#[tokio::test(start_paused = true)]
async fn an_offer_ends_although_nobody_asks_and_the_next_gets_one() {
    let house = House::new().await;
    let id = offered(&house).await;
    house.clock.set(ENDS_AT);
    pass(Duration::from_secs(2)).await;
    assert_eq!(
        of(&house, id, 2).await,
        (Status::Offered, Some(ENDS_AT)),
        "the grace is not over"
    );
    house.clock.set(ENDS_AT.plus_millis(50));
    pass(Duration::from_secs(2)).await;
    assert_eq!(of(&house, id, 2).await, (EXPIRED, None));
    let next_end = ENDS_AT.plus_millis(50 + i64::from(TTL_S) * 1_000);
    assert_eq!(of(&house, id, 3).await, (Status::Offered, Some(next_end)));
    let events = house.journal.events(id);
    let actors: Vec<Actor> = events.iter().rev().take(2).map(|event| event.actor).collect();
    assert_eq!(actors, [Actor::System; 2], "the end, and the offer that followed");
}

#[tokio::test(start_paused = true)]
async fn who_accepts_in_time_wins_over_a_late_timer() {
    let house = House::new().await;
    let id = offered(&house).await;
    let gate = house.journal.faults().hold_next_commit();
    let mut other = pin!(house.reserve(id, 4));
    sent(other.as_mut()).await;
    house.clock.set(just_before(ENDS_AT));
    let mut accepting = pin!(accept(&house, id, 2));
    sent(accepting.as_mut()).await;
    // The alarm rings long after, and while a commit keeps everybody waiting.
    house.clock.set(ENDS_AT.plus_millis(5_000));
    pass(Duration::from_secs(2)).await;
    gate.add_permits(1);
    other.await.unwrap();
    assert_eq!(accepting.await, Ok(Status::Confirmed));
    pass(Duration::from_secs(2)).await;
    assert_eq!(of(&house, id, 2).await.0, Status::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn who_accepts_in_time_wins_although_the_activity_is_loaded_long_after() {
    let (house, id, end) = offered_and_at_rest().await;
    let gate = house.journal.faults().hold_loads();
    house.clock.set(just_before(end));
    let mut accepting = pin!(accept(&house, id, 2));
    sent(accepting.as_mut()).await;
    house.clock.set(end.plus_millis(5_000));
    pass(Duration::from_secs(2)).await;
    gate.add_permits(1);
    assert_eq!(accepting.await, Ok(Status::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn who_accepts_too_late_is_refused_before_any_timer_has_rung() {
    let house = House::new().await;
    let id = offered(&house).await;
    house.clock.set(ENDS_AT);
    assert_eq!(
        accept(&house, id, 2).await,
        Err(EngineError::Rejected(Rejection::AlreadyCancelled))
    );
    assert_eq!(of(&house, id, 3).await.0, Status::Offered);
    let at: Vec<Timestamp> = house.journal.events(id).iter().map(|event| event.at).collect();
    assert_eq!(at[5..], [ENDS_AT, ENDS_AT], "both by the stamp of the command");
}

#[tokio::test(start_paused = true)]
async fn offers_end_before_whatever_is_decided_later_in_the_same_burst() {
    let house = House::new().await;
    let id = offered(&house).await;
    let gate = house.journal.faults().hold_next_commit();
    let mut first = pin!(house.reserve(id, 4));
    sent(first.as_mut()).await;
    // Two wait for one commit: one before the end, one at it.
    house.clock.set(just_before(ENDS_AT));
    let mut before = pin!(house.cancel(id, 3));
    sent(before.as_mut()).await;
    house.clock.set(ENDS_AT);
    let mut after = pin!(house.reserve(id, 5));
    sent(after.as_mut()).await;
    gate.add_permits(1);
    first.await.unwrap();
    before.await.unwrap();
    assert_eq!(status(&after.await.unwrap()), Status::Waitlisted);
    let kinds: Vec<&str> = house
        .journal
        .events(id)
        .iter()
        .map(|event| event.fact.kind())
        .collect();
    assert_eq!(
        kinds[5..],
        ["waitlisted", "cancelled", "expired", "offered", "waitlisted"]
    );
    assert_eq!(of(&house, id, 4).await.0, Status::Offered);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_an_offer_ends_in_time_and_not_before() {
    let house = House::new().await;
    let id = offered(&house).await;
    let house = house.restarted().await;
    house.clock.set(just_before(ENDS_AT));
    assert_eq!(of(&house, id, 2).await, (Status::Offered, Some(ENDS_AT)));
    pass(Duration::from_secs(5)).await;
    assert_eq!(of(&house, id, 2).await.0, Status::Offered);
    house.clock.set(ENDS_AT.plus_millis(50));
    pass(Duration::from_secs(2)).await;
    assert_eq!(of(&house, id, 2).await.0, EXPIRED);
}

#[tokio::test(start_paused = true)]
async fn offers_end_although_nobody_has_asked_for_their_activity_since_the_restart() {
    let house = House::new().await;
    let id = offered(&house).await;
    let house = house.restarted().await;
    let ended = |house: &House| {
        house
            .journal
            .events(id)
            .iter()
            .any(|event| event.fact.kind() == "expired")
    };
    house.clock.set(ENDS_AT);
    pass(Duration::from_secs(10)).await;
    assert!(
        !ended(&house) && house.engine.live_activities() == 0,
        "nobody is in a hurry"
    );
    house.clock.set(ENDS_AT.plus_millis(2_000));
    pass(Duration::from_secs(10)).await;
    assert!(ended(&house));
}

#[tokio::test(start_paused = true)]
async fn an_activity_with_an_offer_that_ends_soon_is_not_put_to_rest() {
    let house = House::with(resting_early(), Arc::new(())).await;
    let id = offered(&house).await;
    let other = house.seats(1).await;
    pass(Duration::from_secs(10)).await;
    assert_eq!(
        house.engine.live_activities(),
        1,
        "only the one without an offer rests"
    );
    let person = turnout_actors::domain::Person::User(user(2));
    let glanced = house
        .engine
        .glance(id, |activity| activity.rsvp_of(&person).is_some());
    assert!(glanced.is_some_and(|seen| seen.value));
    assert_ne!(id, other);
}

#[tokio::test(start_paused = true)]
async fn an_activity_rests_while_its_offers_have_long_to_go_and_wakes_up_to_end_them() {
    let (house, id, end) = offered_and_at_rest().await;
    house.clock.set(end.plus_millis(2_000));
    pass(Duration::from_secs(5)).await;
    let last = house.journal.events(id).pop().unwrap().fact.kind();
    assert_eq!(last, "offered", "to the next, although nobody has asked");
    assert_eq!(of(&house, id, 2).await.0, EXPIRED);
    assert_eq!(of(&house, id, 3).await.0, Status::Offered);
}

#[tokio::test(start_paused = true)]
async fn very_many_offers_end_in_pieces_and_all_before_what_is_decided_later() {
    let house = House::new().await;
    let id = house.activity(offering(1)).await;
    for person in 1..=1_501 {
        house.reserve(id, person).await.unwrap();
    }
    let capacity = SettingsChange {
        capacity: Some(1_501),
        ..SettingsChange::default()
    };
    let change = Order {
        by: host(),
        ..house.order(0, Command::Change(Box::new(capacity)), None)
    };
    house.engine.command(id, change).await.unwrap();
    let before = (house.journal.commits(), house.journal.events(id).len());
    house.clock.set(of(&house, id, 2).await.1.unwrap());
    let newcomer = house.reserve(id, 2_000).await.unwrap();
    assert_eq!(status(&newcomer), Status::Confirmed);
    let events = house.journal.events(id).split_off(before.1);
    let kinds: Vec<&str> = events.iter().map(|event| event.fact.kind()).collect();
    assert_eq!(kinds[..1_500], ["expired"; 1_500]);
    assert_eq!(kinds[1_500..], ["confirmed"]);
    assert_eq!(
        house.journal.commits() - before.0,
        3,
        "1,000, then 500, then the newcomer"
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_end_of_offers_is_refused_it_is_not_tried_again_with_every_commit() {
    let house = House::new().await;
    let id = offered(&house).await;
    house.journal.faults().next_commit(Fault::Unavailable);
    house.clock.set(ENDS_AT.plus_millis(100));
    pass(Duration::from_secs(1)).await;
    for person in 4..=8 {
        house.reserve(id, person).await.unwrap();
        until_idle().await;
        assert_eq!(of(&house, id, 2).await.0, Status::Offered);
    }
    house.clock.set(ENDS_AT.plus_millis(1_200));
    pass(Duration::from_secs(2)).await;
    assert_eq!(of(&house, id, 2).await.0, EXPIRED);
    // And the alarm rings again for what comes after it.
    let (_, end) = of(&house, id, 3).await;
    house.clock.set(end.unwrap().plus_millis(50));
    pass(Duration::from_secs(2)).await;
    assert_eq!(of(&house, id, 3).await.0, EXPIRED);
}

#[tokio::test(start_paused = true)]
async fn offers_whose_end_the_journal_does_not_take_keep_nobody_from_being_answered() {
    for fault in [Fault::Abort, Fault::Unavailable] {
        let house = House::new().await;
        let id = offered(&house).await;
        house.clock.set(ENDS_AT);
        house.journal.faults().next_commit(fault);
        let waits = house.reserve(id, 4).await.unwrap();
        assert_eq!(status(&waits), Status::Waitlisted);
        assert_eq!(of(&house, id, 2).await.0, Status::Offered, "not written yet");
        assert_eq!(
            accept(&house, id, 2).await,
            Err(EngineError::Rejected(Rejection::NotOffered)),
            "but over"
        );
        house.clock.set(ENDS_AT.plus_millis(2_000));
        pass(Duration::from_secs(3)).await;
        assert_eq!(of(&house, id, 2).await.0, EXPIRED);
        assert_eq!(of(&house, id, 3).await.0, Status::Offered);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_an_offer_sets_the_alarm_for_the_next_one() {
    let house = House::new().await;
    let id = house.activity(offering(2)).await;
    for person in 1..=4 {
        house.reserve(id, person).await.unwrap();
    }
    house.cancel(id, 1).await.unwrap();
    house.clock.set(OFFERED_AT.plus_millis(30_000));
    house.cancel(id, 2).await.unwrap();
    assert_eq!(accept(&house, id, 3).await, Ok(Status::Confirmed));
    house.clock.set(ENDS_AT.plus_millis(1_000));
    pass(Duration::from_secs(3)).await;
    assert_eq!(
        of(&house, id, 4).await.0,
        Status::Offered,
        "its own time is not over"
    );
    house.clock.set(ENDS_AT.plus_millis(30_050));
    pass(Duration::from_secs(3)).await;
    until_idle().await;
    assert_eq!(of(&house, id, 4).await.0, EXPIRED);
}
