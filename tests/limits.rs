//! What a reservation or a change is refused for: the size of a party, what is full, and the time of day.

use reqwest::Method;
use serde_json::json;

use crate::support::{Person, Server, host};

#[tokio::test]
async fn a_party_may_not_be_larger_than_allowed_nor_than_the_whole_activity() {
    let server = Server::start().await;
    let small = server.open(json!({"capacity": 2, "max_guests": 5})).await;
    let strict = server.open(json!({"capacity": 100, "max_guests": 1})).await;
    let ada = Person::member(2);
    for (path, guests, limit) in [
        (&small, 2, 2),
        (&small, 6, 5),
        (&strict, 2, 1),
        (&strict, 65_535, 1),
    ] {
        let refused = server.reserve(path, &ada, json!({"guest_count": guests})).await;
        refused.expect_problem(422, "party_too_large");
        assert_eq!(refused.body["limit"], limit, "{guests} guests");
    }
    for path in [&small, &strict] {
        server
            .reserve(path, &ada, json!({"guest_count": 1}))
            .await
            .expect(201);
        let grow = server
            .patch(&format!("{path}/rsvp"))
            .by(&ada)
            .json(&json!({"guest_count": 2}));
        grow.send().await.expect_problem(422, "party_too_large");
    }
    server.stop().await;
}

#[tokio::test]
async fn growing_takes_free_spots_only_and_none_while_somebody_waits_for_them() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let (ada, bo, cy) = (Person::member(2), Person::member(3), Person::member(4));
    server
        .reserve(&path, &ada, json!({"guest_count": 1}))
        .await
        .expect(201);
    let own = format!("{path}/rsvp");
    let change = |guests: u32| {
        server
            .patch(&own)
            .by(&ada)
            .json(&json!({"guest_count": guests}))
            .send()
    };
    server.reserve(&path, &bo, json!({})).await.expect(201);
    change(3).await.expect_problem(409, "no_free_spots");
    let waiting = server
        .reserve(&path, &cy, json!({"guest_count": 1}))
        .await
        .expect(201);
    assert_eq!(waiting["rsvp"]["status"], "waitlisted");
    change(2).await.expect_problem(409, "no_free_spots");
    server.delete(&own).by(&cy).send().await.expect(200);
    assert_eq!(change(2).await.expect(200)["counts"]["available_spots"], 0);
    server.stop().await;
}

#[tokio::test]
async fn who_finds_neither_a_seat_nor_a_place_to_wait_is_refused() {
    let server = Server::start().await;
    let none = server.open(json!({"capacity": 1, "waitlist_capacity": 0})).await;
    let short = server.open(json!({"capacity": 1, "waitlist_capacity": 1})).await;
    for (path, admitted, code) in [(&none, 1, "activity_full"), (&short, 2, "waitlist_full")] {
        for number in 0..admitted {
            server
                .reserve(path, &Person::member(2 + number), json!({}))
                .await
                .expect(201);
        }
        let before = server.get(path).send().await.expect(200);
        for person in [Person::member(8), host()] {
            server
                .reserve(path, &person, json!({}))
                .await
                .expect_problem(409, code);
        }
        assert_eq!(server.get(path).send().await.expect(200), before);
        // Whoever cannot come leaves the seat to the next who asks.
        server
            .delete(&format!("{path}/rsvp"))
            .by(&Person::member(2))
            .send()
            .await
            .expect(200);
        server
            .reserve(path, &Person::member(8), json!({}))
            .await
            .expect(201);
    }
    server.stop().await;
}

#[tokio::test]
async fn reserving_starts_exactly_at_its_time() {
    let server = Server::start().await;
    // The clock stands at 12:00:00.
    let path = server.open(json!({"opens_at": "2026-05-01T12:00:02.500Z"})).await;
    let ada = Person::member(2);
    for (passed_ms, opens_in_ms, retry_after) in [(0, 2_500, "3"), (1_500, 1_000, "1"), (999, 1, "1")] {
        server.clock.advance_ms(passed_ms);
        let early = server.reserve(&path, &ada, json!({})).await;
        early.expect_problem(409, "not_open_yet");
        assert_eq!(early.body["opens_in_ms"], opens_in_ms);
        assert_eq!(early.headers["retry-after"], retry_after);
        let shown = server.get(&path).send().await.expect(200);
        assert_eq!(shown["opens_in_ms"], opens_in_ms);
    }
    // The host need not wait, but has no way around the capacity.
    server.reserve(&path, &host(), json!({})).await.expect(201);
    server.clock.advance_ms(1);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    assert_eq!(server.get(&path).send().await.expect(200)["opens_in_ms"], 0);
    server.stop().await;
}

#[tokio::test]
async fn reserving_and_growing_end_when_it_closes_and_giving_back_when_that_is_too_late() {
    let server = Server::start().await;
    let times =
        json!({"closes_at": "2026-05-01T12:00:10Z", "cancel_until": "2026-05-01T12:00:20Z", "capacity": 9});
    let path = server.open(times).await;
    let (ada, bo) = (Person::member(2), Person::member(3));
    let by_id = server
        .reserve(&path, &ada, json!({"guest_count": 2}))
        .await
        .expect(201)["rsvp"]["id"]
        .clone();
    let (by_id, own) = (
        format!("/rsvps/{}", by_id.as_str().unwrap()),
        format!("{path}/rsvp"),
    );
    let change = |by: &Person, path: &str, guests: u32| {
        let request = server.patch(path).by(by).json(&json!({"guest_count": guests}));
        request.send()
    };
    server.clock.advance_ms(9_999);
    change(&ada, &own, 3).await.expect(200);
    server.clock.advance_ms(1);
    server
        .reserve(&path, &bo, json!({}))
        .await
        .expect_problem(409, "closed");
    change(&ada, &own, 4).await.expect_problem(409, "closed");
    change(&ada, &own, 2).await.expect(200);
    server.clock.advance_s(10);
    change(&ada, &own, 1).await.expect_problem(409, "too_late");
    server
        .delete(&own)
        .by(&ada)
        .send()
        .await
        .expect_problem(409, "too_late");
    // Closed comes before what else there is to say.
    server
        .reserve(&path, &ada, json!({"guest_count": 200}))
        .await
        .expect_problem(409, "closed");

    server.reserve(&path, &host(), json!({})).await.expect(201);
    change(&host(), &by_id, 5).await.expect(200);
    change(&host(), &by_id, 0).await.expect(200);
    server.delete(&by_id).by(&host()).send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn without_times_of_its_own_it_closes_at_its_start_and_seats_return_until_its_end() {
    let server = Server::start().await;
    let times = json!({"starts_at": "2026-05-01T12:00:10Z", "ends_at": "2026-05-01T12:00:20Z"});
    let path = server.open(times).await;
    let (ada, bo, own) = (Person::member(2), Person::member(3), format!("{path}/rsvp"));
    server.reserve(&path, &ada, json!({})).await.expect(201);
    server.reserve(&path, &bo, json!({})).await.expect(201);
    server.clock.advance_s(10);
    server
        .reserve(&path, &Person::member(4), json!({}))
        .await
        .expect_problem(409, "closed");
    server.clock.advance_ms(9_999);
    server.delete(&own).by(&ada).send().await.expect(200);
    server.clock.advance_ms(1);
    server
        .delete(&own)
        .by(&bo)
        .send()
        .await
        .expect_problem(409, "too_late");
    server.stop().await;
}

#[tokio::test]
async fn the_first_reason_is_told_where_there_are_several() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 1, "opens_at": "2026-05-02", "waitlist_capacity": 0}))
        .await;
    let (ada, own) = (Person::member(2), format!("{path}/rsvp"));
    // Before it opens: the time before the size of the party.
    server
        .reserve(&path, &ada, json!({"guest_count": 99}))
        .await
        .expect_problem(409, "not_open_yet");
    server.clock.advance_s(24 * 60 * 60);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    // Already reserved before the size, the size before what is full, the version before all of them.
    server
        .reserve(&path, &ada, json!({"guest_count": 99}))
        .await
        .expect_problem(409, "already_reserved");
    server
        .reserve(&path, &Person::member(3), json!({"guest_count": 99}))
        .await
        .expect_problem(422, "party_too_large");
    let stale = server
        .patch(&own)
        .by(&ada)
        .header("if-match", "\"7\"")
        .json(&json!({"guest_count": 99}));
    stale.send().await.expect_problem(412, "version_conflict");
    server.clock.advance_s(30 * 24 * 60 * 60);
    let stale = server
        .request(Method::DELETE, &own)
        .by(&ada)
        .header("if-match", "\"7\"");
    stale.send().await.expect_problem(412, "version_conflict");
    // The activity's end comes before anything about the RSVP.
    server.delete(&path).by(&host()).send().await.expect(200);
    let stale = server
        .request(Method::DELETE, &own)
        .by(&ada)
        .header("if-match", "\"7\"");
    stale.send().await.expect_problem(410, "activity_cancelled");
    server.stop().await;
}
