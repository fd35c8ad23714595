//! How offers end: in time, by themselves, with promotion or with the activity, and not by a restart.

use serde_json::{Value, json};

use super::{DEADLINE, PAUSE, answer, offered, offering, until_status};
use crate::support::{Server, host, id_of};

#[tokio::test]
async fn an_offer_ends_by_itself_and_goes_to_the_next() {
    let server = Server::start().await;
    let path = offering(&server, 1).await;
    let ada = offered(&server, &path).await;
    let next = server.guest(&path, "Next").await;
    let seq = server.events(&path).await.len() + 1;
    server.clock.advance_ms(59_999);
    assert_eq!(server.seen_by(&ada).await["offer_in_ms"], 1);
    // Some time later, and nobody gives a command.
    server.clock.advance_ms(501);
    let over = until_status(&server, &ada, "cancelled").await;
    assert_eq!(
        (&over["cancel_reason"], &over["offer_in_ms"]),
        (&json!("offer_expired"), &Value::Null)
    );
    let rsvp = server.seen_by(&next).await;
    assert_eq!(
        (&rsvp["status"], &rsvp["offer_expires_at"]),
        (&json!("offered"), &json!("2026-05-01T12:02:00.500Z"))
    );
    let log = server.events(&path).await;
    let told: Vec<_> = log[seq - 1..]
        .iter()
        .map(|event| ["kind", "rsvp_id", "actor", "reason", "at"].map(|member| event[member].clone()))
        .collect();
    let at = json!("2026-05-01T12:01:00.500Z");
    assert_eq!(
        told,
        [
            [
                json!("expired"),
                json!(ada.id),
                json!("system"),
                json!("offer_expired"),
                at.clone()
            ],
            [json!("offered"), json!(next.id), json!("system"), json!(null), at],
        ]
    );
    answer(&server, &ada, "accept")
        .await
        .expect_problem(409, "already_cancelled");
    // Whoever comes back stands at the end.
    let back = server.knock(&path, "Waiting", json!({})).await.expect(201);
    assert_eq!(
        (&back["rsvp"]["id"], &back["rsvp"]["position"]),
        (&json!(ada.id), &json!(1))
    );
    server.stop().await;
}

#[tokio::test]
async fn who_accepts_in_time_has_the_spot_and_a_moment_later_it_is_gone() {
    let server = Server::start().await;
    for (late_ms, outcome) in [
        (-1, None),
        (0, Some("already_cancelled")),
        (1, Some("already_cancelled")),
    ] {
        let path = offering(&server, 1).await;
        let ada = offered(&server, &path).await;
        server.clock.advance_ms(60_000 + late_ms);
        let answered = answer(&server, &ada, "accept").await;
        match outcome {
            None => assert_eq!(answered.expect(200)["rsvp"]["status"], "confirmed"),
            Some(code) => answered.expect_problem(409, code),
        }
        server.clock.advance_s(600);
        let rsvp = until_status(
            &server,
            &ada,
            if outcome.is_none() {
                "confirmed"
            } else {
                "cancelled"
            },
        )
        .await;
        let reason = outcome.map(|_| "offer_expired");
        assert_eq!(rsvp["cancel_reason"].as_str(), reason);
    }
    server.stop().await;
}

#[tokio::test]
async fn no_command_is_judged_while_an_offer_stands_that_is_over() {
    let server = Server::start().await;
    let path = offering(&server, 2).await;
    let ada = server.guest(&path, "Ada").await;
    let seated = server.guest(&path, "Seated").await;
    let bo = server.guest(&path, "Bo").await;
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(&bo).await, "offered");
    server.clock.advance_s(60);
    // Whoever comes first now finds the spot free, and the offer over.
    let late = server.knock(&path, "Late", json!({})).await.expect(201);
    assert_eq!(late["rsvp"]["status"], "confirmed");
    assert_eq!(server.seen_by(&bo).await["cancel_reason"], "offer_expired");
    server.delete(&ada.path()).by_guest(&ada).send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn offers_end_when_promotion_does_but_for_those_that_the_host_makes_later() {
    let server = Server::start().await;
    let fields = json!({
        "capacity": 2, "promote_until": "2026-05-01T12:00:30Z", "promotion": {"mode": "offer", "ttl_s": 60},
    });
    let path = server.open(fields).await;
    let seated = server.party(&path, &host(), &[("One", 0), ("Two", 0)]).await;
    let (ada, bo) = (server.guest(&path, "Ada").await, server.guest(&path, "Bo").await);
    server
        .delete(&seated[0].path())
        .by_guest(&seated[0])
        .send()
        .await
        .expect(200);
    let rsvp = server.seen_by(&ada).await;
    assert_eq!(
        rsvp["offer_expires_at"], "2026-05-01T12:00:30.000Z",
        "not a minute"
    );
    server.clock.advance_s(31);
    until_status(&server, &ada, "cancelled").await;
    // Nobody is promoted any more, but by hand.
    assert_eq!(server.status_of(&bo).await, "waitlisted");
    let promote = server.post(&format!("{path}/waitlist/promote")).by(&host());
    let promoted = promote
        .json(&json!({"rsvp_ids": [bo.id]}))
        .send()
        .await
        .expect(200);
    let rsvp = &promoted["rsvps"][0];
    assert_eq!(
        (&rsvp["status"], &rsvp["offer_expires_at"]),
        (&json!("offered"), &json!("2026-05-01T12:01:31.000Z"))
    );
    server.clock.advance_s(59);
    let accepted = answer(&server, &bo, "accept").await.expect(200);
    assert_eq!(accepted["rsvp"]["status"], "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn offers_survive_a_restart_and_end_no_earlier_and_although_nobody_asks() {
    let server = Server::start().await;
    let (asked, unasked) = (offering(&server, 1).await, offering(&server, 1).await);
    let (ada, bo) = (offered(&server, &asked).await, offered(&server, &unasked).await);
    let before = server.seen_by(&ada).await;
    server.clock.advance_s(59);
    let server = server.restart().await;
    let after = server.seen_by(&ada).await;
    assert_eq!(
        (&after["status"], &after["offer_in_ms"]),
        (&before["status"], &json!(1_000))
    );
    assert_eq!(after["offer_expires_at"], before["offer_expires_at"]);
    server.clock.advance_ms(1_500);
    until_status(&server, &ada, "cancelled").await;
    // The other one is asked for by nobody: a list comes from the database, where its end appears as well.
    server.clock.advance_s(5);
    let gone = async {
        loop {
            let list = server.get("/activities").send().await.expect(200);
            let row = list["data"]
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["id"] == id_of(&unasked));
            if row.unwrap()["offered_spots"] == 0 {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone)
        .await
        .expect("an offer ends although nobody asks for it");
    let over = server.seen_by(&bo).await;
    assert_eq!(
        (&over["status"], &over["cancel_reason"]),
        (&json!("cancelled"), &json!("offer_expired"))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_offer_of_an_activity_that_ends_is_cancelled_with_it_and_never_expires() {
    let server = Server::start().await;
    let path = offering(&server, 1).await;
    let ada = offered(&server, &path).await;
    server.delete(&path).by(&host()).send().await.expect(200);
    let rsvp = server.seen_by(&ada).await;
    assert_eq!(
        (
            &rsvp["status"],
            &rsvp["cancel_reason"],
            &rsvp["offer_expires_at"],
            &rsvp["offer_in_ms"]
        ),
        (
            &json!("cancelled"),
            &json!("activity_cancelled"),
            &Value::Null,
            &Value::Null
        )
    );
    for word in ["accept", "decline"] {
        answer(&server, &ada, word)
            .await
            .expect_problem(410, "activity_cancelled");
    }
    let seq = server.events(&path).await.len();
    server.clock.advance_s(120);
    let server = server.restart().await;
    assert_eq!(server.seen_by(&ada).await["cancel_reason"], "activity_cancelled");
    assert_eq!(server.events(&path).await.len(), seq);
    server.stop().await;
}

#[tokio::test]
async fn declining_ends_with_the_time_for_cancelling_and_accepting_with_the_offer() {
    let server = Server::start().await;
    let fields = json!({
        "capacity": 2, "cancel_until": "2026-05-01T12:00:10Z", "promotion": {"mode": "offer", "ttl_s": 60},
    });
    let path = server.open(fields).await;
    let seated = server.party(&path, &host(), &[("One", 0), ("Two", 0)]).await;
    let (ada, bo) = (server.guest(&path, "Ada").await, server.guest(&path, "Bo").await);
    for guest in &seated {
        server
            .delete(&guest.path())
            .by_guest(guest)
            .send()
            .await
            .expect(200);
    }
    server.clock.advance_s(10);
    answer(&server, &ada, "decline")
        .await
        .expect_problem(409, "too_late");
    server
        .delete(&ada.path())
        .by_guest(&ada)
        .send()
        .await
        .expect_problem(409, "too_late");
    answer(&server, &ada, "accept").await.expect(200);
    server.delete(&bo.path()).by(&host()).send().await.expect(200);
    server.stop().await;
}
