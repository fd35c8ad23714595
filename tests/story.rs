//! One evening from the opening to its end, over REST and WebSockets together: everything that the rules know happens
//! once, and after every step everybody agrees.

mod stage;

use serde_json::{Value, json};

use self::stage::Stage;
use crate::support::{Answer, Guest, Person, command, contact, host};

/// Until the doors open, in seconds.
const DOORS_S: i64 = 60;
/// How long an offer lasts, in seconds.
const TTL_S: i64 = 300;
/// The thirty who come with an account; the first of them is number 2.
const PEOPLE: std::ops::RangeInclusive<u128> = 2..=31;
/// Whoever comes, and books for a group, too.
const BOOKER: u128 = 8;
/// Whoever waits for three seats.
const THREE: u128 = 9;

impl Stage {
    /// Somebody gives a command over a socket of their own.
    async fn say(&self, person: u128, op: &str, args: Value) -> Value {
        let mut socket = self.server.socket(Some(&Person::member(person))).await;
        socket.ask(command(&self.path, "c", op, args)).await
    }

    async fn comes(&self, person: u128, guests: u64) -> Value {
        let told = self
            .say(person, "reserve", json!({ "guest_count": guests }))
            .await;
        assert_eq!(told["type"], "ok", "{told}");
        told["rsvp"].clone()
    }

    async fn leaves(&self, person: u128) {
        let told = self.say(person, "cancel", json!({})).await;
        assert_eq!(told["rsvp"]["status"], "cancelled", "{told}");
    }

    async fn change(&self, change: Value) {
        let patch = self.server.patch(&self.path).by(&host());
        patch.json(&change).send().await.expect(200);
    }

    async fn host_posts(&self, path: &str, body: Value) -> Answer {
        let post = self.server.post(&format!("{}{path}", self.path)).by(&host());
        post.json(&body).send().await
    }

    async fn status_of(&self, person: u128) -> String {
        let own = self.server.rsvp(&self.path, &Person::member(person)).await;
        own["status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_story_of_one_evening_in_which_everybody_agrees_after_every_step() {
    let mut stage = Stage::open(json!({
        "capacity": 11, "patience": 1, "opens_at": "2026-05-01T12:01:00Z",
    }))
    .await;
    stage.watch(None, false).await;
    stage.watch(Some(Person::member(31)), true).await;
    stage.watch(Some(host()), false).await;
    stage.agrees("nobody has come", &[]).await;

    // Before the doors open everybody is told how long to wait.
    stage.server.clock.advance_s(DOORS_S - 1);
    let early = stage.say(2, "reserve", json!({})).await;
    assert_eq!(early["code"], "not_open_yet");
    assert_eq!(
        (&early["opens_in_ms"], &early["after_ms"]),
        (&json!(1_000), &json!(1_000))
    );
    assert_eq!(early["retry"], "after");
    stage.agrees("somebody was early", &[]).await;
    stage.server.clock.advance_s(1);

    // Seven people, a group of four whom the last of them has booked, a guest, a party of three, and everybody else.
    for person in 2..=BOOKER {
        assert_eq!(stage.comes(person, 0).await["status"], "confirmed");
    }
    let booker = Person::member(BOOKER);
    let four = [("Ann", 0), ("Ben", 0), ("Cyd", 0), ("Dee", 0)];
    let group = stage.server.party(&stage.path, &booker, &four).await;
    let gina = stage.server.guest(&stage.path, "Gina").await;
    assert_eq!(stage.server.seen_by(&gina).await["position"], 1);
    stage.comes(THREE, 2).await;
    for person in THREE + 1..=*PEOPLE.end() {
        assert_eq!(stage.comes(person, 0).await["status"], "waitlisted");
    }
    let rush = [&["confirmed"; 11][..], &["waitlisted"; 24][..]].concat();
    stage.agrees("everybody has come", &rush).await;
    assert_eq!(stage.watchers[1].rsvp()["position"], 24);

    // Two cancels: the first seat goes to the guest, the second past the party of three, which then guards.
    stage.leaves(2).await;
    stage.agrees("one leaves", &["cancelled", "promoted"]).await;
    stage.leaves(3).await;
    stage.agrees("another leaves", &["cancelled", "promoted"]).await;
    assert_eq!(stage.status_of(THREE + 1).await, "confirmed");
    let log = stage.server.events(&stage.path).await;
    let reason = log.last().unwrap()["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "promoted past ticket 10, which needs 3 of 1 free");
    stage.leaves(4).await;
    stage
        .agrees("a seat is kept for the party that guards", &["cancelled"])
        .await;

    // Offers from now on. Two of the group leave, so the party of three is offered its seats, and lets the time pass.
    stage
        .change(json!({"promotion": {"mode": "offer", "ttl_s": TTL_S}}))
        .await;
    stage
        .agrees("promotions are offers now", &["activity_updated"])
        .await;
    for member in &group[..2] {
        let leaves = stage.server.delete(&member.path()).by(&booker);
        assert_eq!(
            leaves.send().await.expect(200)["rsvp"]["cancel_reason"],
            "by_attendee"
        );
    }
    stage
        .agrees(
            "the party that guarded has an offer",
            &["cancelled", "cancelled", "offered"],
        )
        .await;
    assert_eq!(stage.status_of(THREE).await, "offered");
    let events = stage.server.events(&stage.path).await.len();
    stage.server.clock.advance_ms(TTL_S * 1_000 + 50);
    stage.until_events(events + 4).await;
    stage
        .agrees(
            "the offer has expired and three others have one",
            &["expired", "offered", "offered", "offered"],
        )
        .await;
    assert_eq!(stage.status_of(THREE).await, "cancelled");

    // One accepts in the last millisecond, one declines, one is too late.
    stage.server.clock.advance_ms(TTL_S * 1_000 - 1);
    let accepted = stage.say(THREE + 2, "accept", json!({})).await;
    assert_eq!(accepted["rsvp"]["status"], "confirmed", "{accepted}");
    stage
        .agrees("one accepts at the last moment", &["accepted"])
        .await;
    let declined = stage.say(THREE + 3, "decline", json!({})).await;
    assert_eq!(declined["rsvp"]["cancel_reason"], "offer_declined", "{declined}");
    stage.agrees("one declines", &["declined", "offered"]).await;
    stage.server.clock.advance_ms(1);
    let late = stage.say(THREE + 4, "accept", json!({})).await;
    assert_eq!(late["code"], "already_cancelled", "{late}");
    stage.agrees("one is too late", &["expired", "offered"]).await;

    // The guest hands the seat on.
    let transfer = stage
        .server
        .post(&format!("{}/transfer", gina.path()))
        .by_guest(&gina);
    let transferred = transfer.json(&contact("Zoe")).send().await.expect(200);
    assert_eq!(transferred["rsvp"]["cancel_reason"], "transferred");
    assert_eq!(transferred["recipient"]["status"], "confirmed");
    stage
        .agrees("a seat is handed on", &["transferred", "confirmed"])
        .await;

    // At the door: the recipient shows the code, twice.
    let code = stage.server.code_of(&Guest::given_by(&transferred)).await;
    let first = stage
        .host_posts("/check-in", json!({ "code": code }))
        .await
        .expect(200);
    assert_eq!(first["already"], false);
    stage.agrees("somebody is let in", &["checked_in"]).await;
    stage.server.clock.advance_s(5);
    let second = stage
        .host_posts("/check-in", json!({ "code": code }))
        .await
        .expect(200);
    assert_eq!(second["already"], true);
    assert_eq!(second["rsvp"]["checked_in_at"], first["rsvp"]["checked_in_at"]);
    stage.agrees("a second scan changes nothing", &[]).await;

    // The room is smaller than it was thought, and nobody is put out for that.
    stage
        .change(json!({"capacity": 9, "promotion": {"mode": "auto"}, "waitlist_paused": true}))
        .await;
    stage
        .agrees(
            "fewer seats",
            &["activity_updated", "capacity_changed", "waitlist_paused"],
        )
        .await;
    let shown = stage.server.get(&stage.path).send().await.expect(200);
    assert_eq!(shown["available_spots"], 0);
    let held = shown["confirmed_spots"].as_u64().unwrap() + shown["offered_spots"].as_u64().unwrap();
    assert_eq!(held, 11, "nobody was put out");
    assert_eq!(
        stage.rows().await.len(),
        30 + 4 + 2,
        "with the guest, and whoever has the guest's seat"
    );

    // By hand: the last in the line is let in past everybody, once there is room.
    let last = stage.server.rsvp(&stage.path, &Person::member(31)).await["id"].clone();
    let full = stage
        .host_posts("/waitlist/promote", json!({"rsvp_ids": [last]}))
        .await;
    full.expect_problem(409, "no_free_spots");
    let gone = stage.server.rsvp(&stage.path, &Person::member(5)).await["id"].clone();
    let remove = json!([group[2].id, group[3].id, gone]);
    let swap = stage.host_posts("/waitlist/bulk", json!({"remove": remove, "promote": [last]}));
    let swapped = swap.await.expect(200);
    assert_eq!(swapped["rsvps"].as_array().unwrap().len(), 4);
    stage
        .agrees(
            "three are removed for one",
            &["cancelled", "cancelled", "cancelled", "promoted"],
        )
        .await;
    assert_eq!(
        stage.watchers[1].rsvp()["status"],
        "confirmed",
        "the one who watches"
    );
    assert_eq!(stage.status_of(THREE + 6).await, "offered");

    // It is all over.
    let over = stage
        .server
        .delete(&stage.path)
        .by(&host())
        .send()
        .await
        .expect(200);
    assert_eq!(over["status"], "cancelled");
    stage
        .agrees("the activity is cancelled", &["activity_cancelled"])
        .await;
    assert_eq!(stage.watchers[1].rsvp()["cancel_reason"], "activity_cancelled");
    let after = stage.say(30, "cancel", json!({})).await;
    assert_eq!(after["code"], "activity_cancelled", "{after}");
    stage.server.stop().await;
}
