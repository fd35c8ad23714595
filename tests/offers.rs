//! Offers: spots that are held for whoever waited, until they accept, decline, or their time is over.

mod ends;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Person, Server, host};

const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// An activity that offers spots for a minute.
async fn offering(server: &Server, capacity: u32) -> String {
    let promotion = json!({"mode": "offer", "ttl_s": 60});
    server
        .open(json!({"capacity": capacity, "promotion": promotion}))
        .await
}

/// Somebody in the only seat, somebody who waits, and an offer for them once the seat is free.
async fn offered(server: &Server, path: &str) -> Guest {
    let seated = server.guest(path, "Seated").await;
    let waiting = server.guest(path, "Waiting").await;
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(&waiting).await, "offered");
    waiting
}

async fn answer(server: &Server, guest: &Guest, word: &str) -> Answer {
    server
        .post(&format!("{}/{word}", guest.path()))
        .by_guest(guest)
        .send()
        .await
}

/// Waits until a guest's RSVP stands so, without giving any command.
async fn until_status(server: &Server, guest: &Guest, status: &str) -> Value {
    let seen = async {
        loop {
            let rsvp = server.seen_by(guest).await;
            if rsvp["status"] == status {
                return rsvp;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let seen = tokio::time::timeout(DEADLINE, seen).await;
    seen.unwrap_or_else(|_| panic!("never {status}"))
}

/// What of each event the log tells from a number on: kind, RSVP, reason.
async fn log_from(server: &Server, path: &str, seq: usize) -> Vec<(String, String, Option<String>)> {
    let log = server.events(path).await;
    let told = log[seq - 1..].iter().map(|event| {
        let text = |member: &str| event[member].as_str().map(str::to_owned);
        (text("kind").unwrap(), text("rsvp_id").unwrap(), text("reason"))
    });
    told.collect()
}

#[tokio::test]
async fn an_activity_offers_spots_for_as_long_as_its_host_says() {
    let server = Server::start().await;
    let offer = json!({"mode": "offer", "ttl_s": 60});
    for ttl_s in [1, 60, 2_592_000] {
        let promotion = json!({"mode": "offer", "ttl_s": ttl_s});
        let made = server.create(&host(), json!({"promotion": promotion})).await;
        assert_eq!(made["promotion"], promotion);
    }
    let path = server.open(json!({})).await;
    let change = |promotion: &Value| {
        let change = server.patch(&path).by(&host());
        change.json(&json!({ "promotion": promotion })).send()
    };
    assert_eq!(change(&offer).await.expect(200)["promotion"], offer);
    for (field, promotion) in [
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": 0})),
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": 2_592_001})),
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": -1})),
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": 1.5})),
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": "60"})),
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": null})),
        ("promotion.ttl_s", json!({"mode": "offer", "ttl_s": 1_u64 << 32})),
        ("promotion.ttl_s", json!({"mode": "offer"})),
        ("promotion.ttl_s", json!({"mode": "auto", "ttl_s": 60})),
        ("promotion.ttl", json!({"mode": "offer", "ttl_s": 60, "ttl": 60})),
        ("promotion.mode", json!({"ttl_s": 60})),
        ("promotion.mode", json!({"mode": "Offer", "ttl_s": 60})),
        ("promotion", json!("offer")),
    ] {
        change(&promotion).await.expect_wrong(field);
    }
    assert_eq!(
        change(&json!({"mode": "auto"})).await.expect(200)["promotion"],
        json!({"mode": "auto"})
    );
    server.stop().await;
}

#[tokio::test]
async fn a_freed_spot_is_offered_to_the_first_and_held_until_they_answer() {
    let server = Server::start().await;
    let path = offering(&server, 1).await;
    let seated = server.knock(&path, "Seated", json!({})).await.expect(201);
    assert_eq!(
        seated["rsvp"]["status"], "confirmed",
        "there is nothing to offer to who fits at once"
    );
    let seated = Guest::told_by(&seated);
    let (ada, bo) = (server.guest(&path, "Ada").await, server.guest(&path, "Bo").await);
    let left = server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    let held = [
        "confirmed_spots",
        "offered_spots",
        "available_spots",
        "waitlisted_parties",
    ];
    let counts = |of: &Value| held.map(|member| of[member].as_u64().unwrap());
    assert_eq!(counts(&left["counts"]), [0, 1, 0, 1]);
    let rsvp = server.seen_by(&ada).await;
    for (member, value) in [
        ("status", json!("offered")),
        ("offer_expires_at", json!("2026-05-01T12:01:00.000Z")),
        ("offer_in_ms", json!(60_000)),
        ("position", json!(null)),
        ("version", json!(2)),
    ] {
        assert_eq!(rsvp[member], value, "{member}");
    }
    server.clock.advance_ms(12_345);
    assert_eq!(server.seen_by(&ada).await["offer_in_ms"], 47_655);
    let list = server
        .get(&format!("{path}/rsvps?status=offered"))
        .by(&host())
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&list["total"], &list["data"][0]["id"]),
        (&json!(1), &json!(ada.id))
    );

    // Nobody else gets it meanwhile.
    let late = server.knock(&path, "Late", json!({})).await.expect(201);
    assert_eq!(late["rsvp"]["position"], 2);
    let accepted = answer(&server, &ada, "accept").await;
    assert_eq!(accepted.headers["etag"], "\"3\"");
    let accepted = accepted.expect(200);
    let rsvp = &accepted["rsvp"];
    assert_eq!(
        (&rsvp["status"], &rsvp["offer_expires_at"], &rsvp["offer_in_ms"]),
        (&json!("confirmed"), &Value::Null, &Value::Null)
    );
    assert_eq!(counts(&accepted["counts"]), [1, 0, 0, 2]);
    let told = log_from(&server, &path, 4).await;
    let expected = [
        ("cancelled", &seated),
        ("offered", &ada),
        ("waitlisted", &Guest::told_by(&late)),
        ("accepted", &ada),
    ];
    for ((kind, rsvp, _), (due, guest)) in told.iter().zip(expected) {
        assert_eq!((kind.as_str(), rsvp), (due, &guest.id));
    }
    let again = answer(&server, &ada, "accept").await;
    again.expect_problem(409, "not_offered");
    answer(&server, &bo, "accept")
        .await
        .expect_problem(409, "not_offered");
    answer(&server, &bo, "decline")
        .await
        .expect_problem(409, "not_offered");
    answer(&server, &seated, "accept")
        .await
        .expect_problem(409, "already_cancelled");
    server.stop().await;
}

#[tokio::test]
async fn whoever_declines_makes_room_for_the_next() {
    let server = Server::start().await;
    let path = offering(&server, 1).await;
    let ada = offered(&server, &path).await;
    let next = server.guest(&path, "Next").await;
    let seq = server.events(&path).await.len() + 1;
    let decline = || {
        let decline = server.post(&format!("{}/decline", ada.path())).by_guest(&ada);
        decline.header("idempotency-key", "k").send()
    };
    let declined = decline().await.expect(200);
    let rsvp = &declined["rsvp"];
    assert_eq!(
        (&rsvp["status"], &rsvp["cancel_reason"], &rsvp["offer_expires_at"]),
        (&json!("cancelled"), &json!("offer_declined"), &Value::Null)
    );
    assert_eq!(server.status_of(&next).await, "offered");
    let reason = Some("offer_declined".to_owned());
    assert_eq!(
        log_from(&server, &path, seq).await,
        [
            ("declined".to_owned(), ada.id.clone(), reason),
            ("offered".to_owned(), next.id.clone(), None)
        ]
    );
    assert_eq!(decline().await.expect(200)["replayed"], true);
    answer(&server, &ada, "decline")
        .await
        .expect_problem(409, "already_cancelled");
    answer(&server, &ada, "accept")
        .await
        .expect_problem(409, "already_cancelled");
    server.stop().await;
}

#[tokio::test]
async fn a_change_of_mode_leaves_offers_as_they_were_made() {
    let server = Server::start().await;
    let path = offering(&server, 2).await;
    let seated = server.party(&path, &host(), &[("One", 0), ("Two", 0)]).await;
    let (ada, bo) = (server.guest(&path, "Ada").await, server.guest(&path, "Bo").await);
    let leave = |guest: &Guest| server.delete(&guest.path()).by_guest(guest).send();
    leave(&seated[0]).await.expect(200);
    for promotion in [json!({"mode": "offer", "ttl_s": 3_600}), json!({"mode": "auto"})] {
        let change = server
            .patch(&path)
            .by(&host())
            .json(&json!({ "promotion": promotion }));
        change.send().await.expect(200);
        let rsvp = server.seen_by(&ada).await;
        assert_eq!(
            (&rsvp["status"], &rsvp["offer_in_ms"]),
            (&json!("offered"), &json!(60_000))
        );
    }
    leave(&seated[1]).await.expect(200);
    assert_eq!(
        server.status_of(&bo).await,
        "confirmed",
        "now a promotion is none"
    );
    server.clock.advance_s(61);
    until_status(&server, &ada, "cancelled").await;
    server.stop().await;
}

#[tokio::test]
async fn whoever_has_an_offer_may_change_it_as_if_it_were_a_seat() {
    let server = Server::start().await;
    let path = offering(&server, 3).await;
    let seated = server.party(&path, &host(), &[("One", 1), ("Two", 0)]).await;
    let ada = server
        .knock(&path, "Ada", json!({"guest_count": 1}))
        .await
        .expect(201);
    let ada = Guest::told_by(&ada);
    server
        .delete(&seated[0].path())
        .by_guest(&seated[0])
        .send()
        .await
        .expect(200);
    let change = |guests: u32| {
        let change = server.patch(&ada.path()).by_guest(&ada);
        change.json(&json!({"guest_count": guests})).send()
    };
    change(2).await.expect_problem(409, "no_free_spots");
    let smaller = change(0).await.expect(200);
    assert_eq!(
        (
            &smaller["rsvp"]["status"],
            &smaller["counts"]["offered_spots"],
            &smaller["rsvp"]["offer_in_ms"]
        ),
        (&json!("offered"), &json!(1), &json!(60_000))
    );
    change(1).await.expect(200);
    let left = server.delete(&ada.path()).by_guest(&ada).send().await.expect(200);
    let rsvp = &left["rsvp"];
    assert_eq!(
        (
            &rsvp["cancel_reason"],
            &rsvp["offer_expires_at"],
            &left["counts"]["offered_spots"]
        ),
        (&json!("by_attendee"), &Value::Null, &json!(0))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_offer_is_answered_by_its_person_or_the_booker_and_not_by_the_host() {
    let server = Server::start().await;
    let path = offering(&server, 1).await;
    let (one, ada, eve) = (Person::member(2), Person::member(3), Person::member(4));
    server.reserve_all(&path, &[&one, &ada]).await;
    server
        .delete(&format!("{path}/rsvp"))
        .by(&one)
        .send()
        .await
        .expect(200);
    let rsvp = server.rsvp(&path, &ada).await;
    assert_eq!(rsvp["status"], "offered");
    let at = |word: &str| format!("/rsvps/{}/{word}", rsvp["id"].as_str().unwrap());
    for word in ["accept", "decline"] {
        for person in [&host(), &eve, &Person::admin(9)] {
            let refused = server.post(&at(word)).by(person).send().await;
            refused.expect_problem(403, "forbidden");
        }
        server
            .post(&at(word))
            .send()
            .await
            .expect_problem(401, "unauthenticated");
    }
    // But the host may take it away, as any RSVP.
    server.post(&at("accept")).by(&ada).send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn an_offer_to_a_party_is_answered_for_all_by_any_of_them_or_by_the_booker() {
    let booker = Person::named(2, "Booker");
    let server = Server::start().await;
    for (word, kind) in [("accept", "accepted"), ("decline", "declined")] {
        for by_booker in [false, true] {
            let path = offering(&server, 2).await;
            let seated = server.party(&path, &host(), &[("One", 0), ("Two", 0)]).await;
            let party = server.party(&path, &booker, &[("Bo", 0), ("Ada", 0)]).await;
            for guest in &seated {
                server
                    .delete(&guest.path())
                    .by_guest(guest)
                    .send()
                    .await
                    .expect(200);
            }
            let seq = server.events(&path).await.len() + 1;
            let give = server.post(&format!("{}/{word}", party[0].path()));
            let give = if by_booker {
                give.by(&booker)
            } else {
                give.by_guest(&party[0])
            };
            let answered = give.header("idempotency-key", "k").send().await.expect(200);
            assert_eq!(answered["rsvp"]["id"], party[0].id);
            assert_eq!(answered["seq"], seq + 1, "one event for each of them");
            let told: Vec<(String, String)> = log_from(&server, &path, seq)
                .await
                .into_iter()
                .map(|(kind, rsvp, _)| (kind, rsvp))
                .collect();
            let due = [&party[1], &party[0]].map(|guest| (kind.to_owned(), guest.id.clone()));
            assert_eq!(told, due, "in the order of their addresses");
            let status = if word == "accept" {
                "confirmed"
            } else {
                "cancelled"
            };
            for guest in &party {
                assert_eq!(server.status_of(guest).await, status);
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn of_a_party_with_an_offer_one_may_leave_and_it_ends_for_all_the_others_at_once() {
    let server = Server::start().await;
    let path = offering(&server, 3).await;
    let seated = server
        .knock(&path, "Seated", json!({"guest_count": 2}))
        .await
        .expect(201);
    let seated = Guest::told_by(&seated);
    let party = server
        .party(&path, &host(), &[("Ada", 0), ("Bo", 0), ("Cy", 0)])
        .await;
    let next = server.guest(&path, "Next").await;
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    let group = server.seen_by(&party[0]).await["group_id"].clone();
    for guest in &party {
        let rsvp = server.seen_by(guest).await;
        assert_eq!((&rsvp["status"], &rsvp["group_id"]), (&json!("offered"), &group));
    }
    let left = server
        .delete(&party[1].path())
        .by_guest(&party[1])
        .send()
        .await
        .expect(200);
    assert_eq!(left["rsvp"]["cancel_reason"], "by_attendee");
    assert_eq!(server.status_of(&next).await, "offered", "its spot is free");
    assert_eq!(server.status_of(&party[0]).await, "offered");
    let seq = server.events(&path).await.len() + 1;
    server.clock.advance_s(61);
    until_status(&server, &party[2], "cancelled").await;
    let told = log_from(&server, &path, seq).await;
    let due = [&party[0], &party[2], &next];
    for ((kind, rsvp, reason), guest) in told.iter().zip(due) {
        assert_eq!(
            (kind.as_str(), rsvp, reason.as_deref()),
            ("expired", &guest.id, Some("offer_expired"))
        );
    }
    assert_eq!(told.len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_to_an_offer_says_nothing_more() {
    let server = Server::start().await;
    let path = offering(&server, 1).await;
    let ada = offered(&server, &path).await;
    for word in ["accept", "decline"] {
        let at = format!("{}/{word}", ada.path());
        let more = server.post(&at).by_guest(&ada).json(&json!({"guest_count": 1}));
        more.send().await.expect_wrong("guest_count");
        let versioned = server.post(&at).by_guest(&ada).header("if-match", "\"2\"");
        versioned.send().await.expect_problem(400, "malformed_request");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let other = server.request(method, &at).by_guest(&ada).send().await;
            other.expect_problem(405, "method_not_allowed");
        }
    }
    let empty = server
        .post(&format!("{}/accept", ada.path()))
        .by_guest(&ada)
        .json(&json!({}));
    empty.send().await.expect(200);
    server.stop().await;
}
