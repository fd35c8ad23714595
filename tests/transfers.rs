//! Handing an RSVP on: whoever gets it stands where whoever gave it stood.

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Person, Server, contact, host, with};

/// What a guest is answered who hands their RSVP on to the guest of this name.
async fn hand_on(server: &Server, giver: &Guest, name: &str) -> Answer {
    let transfer = server.post(&format!("{}/transfer", giver.path())).by_guest(giver);
    transfer.json(&contact(name)).send().await
}

async fn counts(server: &Server, path: &str) -> Vec<Value> {
    let activity = server.get(path).send().await.expect(200);
    let members = [
        "confirmed_spots",
        "offered_spots",
        "available_spots",
        "waitlisted_parties",
        "waitlisted_spots",
    ];
    members.map(|member| activity[member].clone()).into()
}

#[tokio::test]
async fn a_seat_goes_over_with_all_who_come_along_and_without_what_was_personal() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let ada = json!({"guest_count": 2, "special_requirements": "Vegan"});
    let entered = server.knock(&path, "Ada", ada).await.expect(201);
    let ada = Guest::told_by(&entered);
    server
        .post(&format!("{}/check-in", ada.path()))
        .by(&host())
        .send()
        .await
        .expect(200);
    let before = counts(&server, &path).await;
    server.clock.advance_s(60);
    let given = hand_on(&server, &ada, "Bo").await;
    assert_eq!(
        given.headers["etag"], "\"3\"",
        "that of the one that was given away"
    );
    let given = given.expect(200);
    let bo = Guest::given_by(&given);
    let gone = json!({
        "status": "cancelled", "cancel_reason": "transferred", "checked_in_at": "2026-05-01T12:00:00.000Z", "version": 3,
        "updated_at": "2026-05-01T12:01:00.000Z",
    });
    assert_eq!(given["rsvp"], with(entered["rsvp"].clone(), gone));
    let taken = json!({
        "id": bo.id, "name": "Bo", "email": "bo@example.com", "special_requirements": null,
        "created_at": "2026-05-01T12:01:00.000Z", "updated_at": "2026-05-01T12:01:00.000Z",
    });
    assert_eq!(given["recipient"], with(entered["rsvp"].clone(), taken));
    assert_ne!(bo.id, ada.id);
    assert_eq!((&given["seq"], &given["replayed"]), (&json!(4), &json!(false)));
    assert_eq!(counts(&server, &path).await, before);
    // Each sees their own, by their own token.
    assert_eq!(server.seen_by(&bo).await, given["recipient"]);
    assert_eq!(server.seen_by(&ada).await, given["rsvp"]);
    server
        .get(&bo.path())
        .by_guest(&ada)
        .send()
        .await
        .expect_problem(403, "forbidden");
    server
        .get(&ada.path())
        .by_guest(&bo)
        .send()
        .await
        .expect_problem(403, "forbidden");
    let change = server
        .patch(&bo.path())
        .by_guest(&bo)
        .json(&json!({"guest_count": 0, "name": "Bo Peep"}));
    change.send().await.expect(200);
    hand_on(&server, &ada, "Cy")
        .await
        .expect_problem(409, "already_cancelled");

    let log = server.events(&path).await;
    let told: Vec<_> = log[2..4]
        .iter()
        .map(|event| {
            [
                "kind",
                "rsvp_id",
                "previous_status",
                "status",
                "reason",
                "spots",
                "ticket",
                "actor",
            ]
            .map(|member| event[member].clone())
        })
        .collect();
    let actor = json!(format!("guest:{}", ada.id));
    let [reason, spots, ticket] = [json!("transferred"), json!(3), json!(1)];
    let both = |kind: &str, rsvp: &Guest, previous: Value, status: &str| {
        [
            json!(kind),
            json!(rsvp.id),
            previous,
            json!(status),
            reason.clone(),
            spots.clone(),
            ticket.clone(),
            actor.clone(),
        ]
    };
    assert_eq!(
        told,
        [
            both("transferred", &ada, json!("confirmed"), "cancelled"),
            both("confirmed", &bo, Value::Null, "confirmed"),
        ]
    );
    let server = server.restart().await;
    assert_eq!(server.status_of(&bo).await, "confirmed");
    assert_eq!(server.seen_by(&ada).await["cancel_reason"], "transferred");
    server.stop().await;
}

#[tokio::test]
async fn a_place_in_the_line_goes_over_with_its_ticket() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let seated = server.guest(&path, "Seated").await;
    let (ada, behind) = (
        server.guest(&path, "Ada").await,
        server.guest(&path, "Behind").await,
    );
    let given = hand_on(&server, &ada, "Bo").await.expect(200);
    let bo = Guest::given_by(&given);
    assert_eq!(
        (
            &given["recipient"]["status"],
            &given["recipient"]["position"],
            &given["rsvp"]["position"]
        ),
        (&json!("waitlisted"), &json!(1), &Value::Null)
    );
    let server = server.restart().await;
    assert_eq!(server.seen_by(&bo).await["position"], 1);
    assert_eq!(server.seen_by(&behind).await["position"], 2);
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(&bo).await, "confirmed");
    assert_eq!(server.events(&path).await.last().unwrap()["ticket"], 2);
    server.stop().await;
}

#[tokio::test]
async fn an_offer_goes_over_with_its_end() {
    let server = Server::start().await;
    let promotion = json!({"mode": "offer", "ttl_s": 60});
    let path = server.open(json!({"capacity": 1, "promotion": promotion})).await;
    let seated = server.guest(&path, "Seated").await;
    let ada = server.guest(&path, "Ada").await;
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    server.clock.advance_s(20);
    let given = hand_on(&server, &ada, "Bo").await.expect(200);
    let (bo, rsvp) = (Guest::given_by(&given), &given["recipient"]);
    assert_eq!(
        (&rsvp["status"], &rsvp["offer_expires_at"], &rsvp["offer_in_ms"]),
        (
            &json!("offered"),
            &json!("2026-05-01T12:01:00.000Z"),
            &json!(40_000)
        )
    );
    assert_eq!(given["rsvp"]["offer_expires_at"], Value::Null);
    let accept = |guest: &Guest| {
        server
            .post(&format!("{}/accept", guest.path()))
            .by_guest(guest)
            .send()
    };
    accept(&ada).await.expect_problem(409, "already_cancelled");
    let server = server.restart().await;
    let accept = server.post(&format!("{}/accept", bo.path())).by_guest(&bo);
    assert_eq!(accept.send().await.expect(200)["rsvp"]["status"], "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn a_member_of_a_party_is_replaced_in_it() {
    let server = Server::start().await;
    let booker = Person::member(2);
    let path = server.open(json!({"capacity": 2})).await;
    let seated = server.party(&path, &booker, &[("One", 0), ("Two", 0)]).await;
    let party = server.party(&path, &booker, &[("Ada", 0), ("Bo", 0)]).await;
    let group = server.seen_by(&party[0]).await["group_id"].clone();
    let given = hand_on(&server, &party[0], "Zoe").await.expect(200);
    let zoe = Guest::given_by(&given);
    let rsvp = &given["recipient"];
    assert_eq!(
        (&rsvp["group_id"], &rsvp["booked_by"]),
        (&group, &json!(booker.id))
    );
    assert_eq!(
        counts(&server, &path).await,
        [2, 0, 0, 1, 2],
        "it is one party of two"
    );
    server.get(&zoe.path()).by(&booker).send().await.expect(200);
    for guest in &seated {
        assert_eq!(server.status_of(&zoe).await, "waitlisted");
        server
            .delete(&guest.path())
            .by_guest(guest)
            .send()
            .await
            .expect(200);
    }
    for guest in [&zoe, &party[1]] {
        assert_eq!(server.status_of(guest).await, "confirmed");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_was_there_before_comes_back_by_what_they_get() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let bo = server
        .knock(&path, "Bo", json!({"special_requirements": "Vegan"}))
        .await
        .expect(201);
    let bo = Guest::told_by(&bo);
    server.delete(&bo.path()).by_guest(&bo).send().await.expect(200);
    let ada = server.guest(&path, "Ada").await;
    let given = hand_on(&server, &ada, "Bo").await.expect(200);
    let again = Guest::given_by(&given);
    let rsvp = &given["recipient"];
    assert_eq!(
        (
            &rsvp["id"],
            &rsvp["version"],
            &rsvp["special_requirements"],
            &rsvp["cancel_reason"]
        ),
        (&json!(bo.id), &json!(3), &Value::Null, &Value::Null)
    );
    let old = server.get("/rsvps/verify-token").by_guest(&bo).send().await;
    old.expect_problem(401, "token_revoked");
    assert_eq!(server.status_of(&again).await, "confirmed");
    // And whoever gave it may come again, by a new token.
    let ada_again = server.guest(&path, "Ada").await;
    assert_eq!(ada_again.id, ada.id);
    server
        .get(&ada.path())
        .by_guest(&ada)
        .send()
        .await
        .expect_problem(401, "token_revoked");
    server.stop().await;
}

#[tokio::test]
async fn an_account_hands_its_rsvp_on_too() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let ada = Person::member(2);
    let own = server
        .reserve(&path, &ada, json!({"guest_count": 1}))
        .await
        .expect(201);
    let transfer = server.post(&format!(
        "/rsvps/{}/transfer",
        own["rsvp"]["id"].as_str().unwrap()
    ));
    let given = transfer.by(&ada).json(&contact("Bo")).send().await.expect(200);
    let (bo, rsvp) = (Guest::given_by(&given), &given["recipient"]);
    assert_eq!(
        (&rsvp["user_id"], &rsvp["booked_by"], &rsvp["total_spots"]),
        (&Value::Null, &Value::Null, &json!(2))
    );
    assert_eq!(server.rsvp(&path, &ada).await["cancel_reason"], "transferred");
    assert_eq!(server.status_of(&bo).await, "confirmed");
    let waits = server.reserve(&path, &ada, json!({})).await.expect(201);
    assert_eq!(waits["rsvp"]["status"], "waitlisted");
    server.stop().await;
}

#[tokio::test]
async fn why_somebody_may_not_get_it_is_never_told() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let (ada, there) = (
        server.guest(&path, "Ada").await,
        server.guest(&path, "There").await,
    );
    let mut refusals = vec![
        hand_on(&server, &ada, "There").await,
        hand_on(&server, &ada, "Ada").await,
    ];
    let closed = server.open(json!({"capacity": 9})).await;
    let (bo, host_rsvp) = (
        server.guest(&closed, "Bo").await,
        server.reserve(&closed, &host(), json!({})).await,
    );
    server
        .patch(&closed)
        .by(&host())
        .json(&json!({"guests": "off"}))
        .send()
        .await
        .expect(200);
    refusals.push(hand_on(&server, &bo, "Cy").await);
    let hidden = server.open(json!({"capacity": 9, "visibility": "private"})).await;
    let party = server.party(&hidden, &host(), &[("In", 0), ("Out", 0)]).await;
    server.put_out(&hidden, &party[1]).await;
    refusals.push(hand_on(&server, &party[0], "Out").await);
    for refused in &refusals {
        refused.expect_problem(403, "forbidden");
        let mut body = refused.body.clone();
        body["request_id"] = refusals[0].body["request_id"].clone();
        assert_eq!(body, refusals[0].body, "all of them say the same");
    }
    assert_eq!(server.status_of(&ada).await, "confirmed");
    // The host may, where guests are not welcome.
    let own = host_rsvp.expect(201)["rsvp"]["id"].as_str().unwrap().to_owned();
    let transfer = server.post(&format!("/rsvps/{own}/transfer")).by(&host());
    transfer.json(&contact("Cy")).send().await.expect(200);
    // Whoever has left may get it.
    server
        .delete(&there.path())
        .by_guest(&there)
        .send()
        .await
        .expect(200);
    hand_on(&server, &ada, "There").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn only_its_person_hands_an_rsvp_on() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let booker = Person::member(2);
    let party = server.party(&path, &booker, &[("Ada", 0), ("Bo", 0)]).await;
    let at = format!("{}/transfer", party[0].path());
    for token in [
        &booker.token,
        &host().token,
        &Person::admin(9).token,
        &party[1].token,
    ] {
        let refused = server.post(&at).token(token).json(&contact("Eve")).send().await;
        refused.expect_problem(403, "forbidden");
    }
    server
        .post(&at)
        .json(&contact("Eve"))
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_handed_on_once_it_is_too_late_to_cancel() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 9, "cancel_until": "2026-05-01T12:01:00Z"}))
        .await;
    let ada = server.guest(&path, "Ada").await;
    server.guest(&path, "There").await;
    let own = server.reserve(&path, &host(), json!({})).await.expect(201)["rsvp"]["id"].clone();
    server.clock.advance_s(60);
    for name in ["Bo", "There"] {
        hand_on(&server, &ada, name).await.expect_problem(409, "too_late");
    }
    // No window binds the host, not for the own RSVP either.
    let transfer = server
        .post(&format!("/rsvps/{}/transfer", own.as_str().unwrap()))
        .by(&host());
    transfer.json(&contact("Bo")).send().await.expect(200);
    server.delete(&path).by(&host()).send().await.expect(200);
    hand_on(&server, &ada, "Cy")
        .await
        .expect_problem(410, "activity_cancelled");
    server.stop().await;
}

#[tokio::test]
async fn handing_on_under_a_key_is_answered_again_with_the_token() {
    let mut server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    let keyed = |server: &Server, name: &str| {
        let transfer = server.post(&format!("{}/transfer", ada.path())).by_guest(&ada);
        transfer
            .header("idempotency-key", "k")
            .json(&contact(name))
            .send()
    };
    let first = keyed(&server, "Bo").await.expect(200);
    for restart in [false, true] {
        if restart {
            server = server.restart().await;
        }
        let again = keyed(&server, "Bo").await.expect(200);
        assert_eq!(again, with(first.clone(), json!({"replayed": true})));
    }
    keyed(&server, "Cy").await.expect_problem(422, "key_reused");
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_transfer_is_named() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    let transfer = |body: &Value| {
        let transfer = server.post(&format!("{}/transfer", ada.path())).by_guest(&ada);
        transfer.json(body).send()
    };
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("<b>Bo</b>")),
        ("name", json!("x".repeat(101))),
        ("name", json!(null)),
        ("email", json!("bo")),
        ("email", json!("bo@example.com\nBcc: x@y.z")),
        ("email", json!(7)),
        ("guest_count", json!(1)),
        ("user_id", json!(host().id)),
        ("rsvp_id", json!(ada.id)),
    ] {
        transfer(&with(contact("Bo"), json!({ field: value })))
            .await
            .expect_wrong(field);
    }
    for (field, body) in [
        ("email", json!({"name": "Bo"})),
        ("name", json!({"email": "bo@example.com"})),
    ] {
        assert_eq!(transfer(&body).await.expect_wrong(field), "is required");
    }
    let both = transfer(&json!({"name": "", "email": ""})).await;
    assert_eq!(both.body["errors"].as_array().unwrap().len(), 2);
    assert_eq!(server.events(&path).await.len(), 1);
    server.stop().await;
}
