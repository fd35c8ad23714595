//! Guests: people without an account, who come in by name and e-mail address, and do everything else by the token that
//! they get for it.

mod tokens;

use reqwest::Method;
use serde_json::json;

use crate::support::{Guest, Person, Server, address_of, contact, host, path_of, with};

#[tokio::test]
async fn a_guest_comes_in_by_name_and_address_and_gets_a_token() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let body = json!({
        "name": " Ada Lovelace ", "email": " Ada@Example.COM", "guest_count": 2, "special_requirements": "Vegan",
    });
    let answer = server.post(&format!("{path}/rsvp")).json(&body).send().await;
    assert_eq!(answer.headers["etag"], "\"1\"");
    let answer = answer.expect(201);
    let ada = Guest::told_by(&answer);
    let rsvp = json!({
        "id": ada.id, "activity_id": path.rsplit_once('/').unwrap().1, "user_id": null, "name": "Ada Lovelace",
        "email": "ada@example.com", "booked_by": null, "status": "confirmed", "guest_count": 2, "total_spots": 3,
        "position": null, "parties_ahead": null, "spots_ahead": null, "offer_expires_at": null, "offer_in_ms": null,
        "group_id": null, "special_requirements": "Vegan", "checked_in_at": null, "cancel_reason": null, "version": 1,
        "created_at": "2026-05-01T12:00:00.000Z", "updated_at": "2026-05-01T12:00:00.000Z",
    });
    let counts = json!({
        "capacity": 5, "confirmed_spots": 3, "offered_spots": 0, "available_spots": 2, "waitlisted_parties": 0,
        "waitlisted_spots": 0, "seq": 1,
    });
    assert_eq!(
        answer,
        json!({"rsvp": rsvp, "seq": 1, "replayed": false, "counts": counts, "manage_token": ada.token})
    );
    for at in [
        "/rsvps/verify-token".to_owned(),
        ada.path(),
        format!("{path}/rsvp"),
    ] {
        let shown = server.get(&at).by_guest(&ada).send().await;
        assert_eq!(shown.headers["etag"], "\"1\"", "{at}");
        assert_eq!(shown.expect(200), rsvp, "{at}");
    }
    let event = json!({
        "seq": 1, "at": "2026-05-01T12:00:00.000Z", "kind": "confirmed", "rsvp_id": ada.id,
        "actor": format!("guest:{}", ada.id), "previous_status": null, "status": "confirmed", "spots": 3, "ticket": 1,
        "reason": null,
    });
    assert_eq!(server.events(&path).await, [event]);
    server.stop().await;
}

#[tokio::test]
async fn a_guest_who_finds_no_seat_waits_like_everybody_else() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1, "waitlist_capacity": 1})).await;
    let (ada, bo) = (server.guest(&path, "Ada").await, server.guest(&path, "Bo").await);
    let full = server.knock(&path, "Cy", json!({})).await;
    full.expect_problem(409, "waitlist_full");
    let position = format!("{}/position", bo.path());
    let place = server.get(&position).by_guest(&bo).send().await.expect(200);
    let first =
        json!({"status": "waitlisted", "position": 1, "parties_ahead": 0, "spots_ahead": 0, "seq": 2});
    assert_eq!(place, first);
    let waitlist = server.get(&format!("{path}/waitlist")).by_guest(&bo).send().await;
    assert_eq!(
        waitlist.expect(200),
        json!({"parties": 1, "spots": 1, "paused": false, "me": first})
    );
    let left = server
        .delete("/rsvps/cancel-by-token")
        .by_guest(&ada)
        .send()
        .await;
    assert_eq!(left.expect(200)["rsvp"]["cancel_reason"], "by_attendee");
    assert_eq!(server.status_of(&bo).await, "confirmed");
    let log = server.events(&path).await;
    let actors: Vec<&str> = log.iter().map(|event| event["actor"].as_str().unwrap()).collect();
    let [ada, bo] = [ada, bo].map(|guest| format!("guest:{}", guest.id));
    assert_eq!(actors, [&*ada, &bo, &ada, &ada], "whose command it was");
    server.stop().await;
}

#[tokio::test]
async fn where_guests_are_not_welcome_only_the_host_brings_them() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let early = server.guest(&path, "Early").await;
    let close = server.patch(&path).by(&host()).json(&json!({"guests": "off"}));
    close.send().await.expect(200);
    server
        .knock(&path, "Ada", json!({}))
        .await
        .expect_problem(403, "forbidden");
    let two = [("Ada", 0), ("Bo", 0)];
    for mode in ["all", "each"] {
        let booked = server.book(&path, &Person::member(2), mode, &two).await;
        booked.expect_problem(403, "forbidden");
    }
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    // Who is in stays in, and may do what they could.
    let change = server
        .patch(&early.path())
        .by_guest(&early)
        .json(&json!({"guest_count": 1}));
    change.send().await.expect(200);
    server.book(&path, &host(), "all", &two).await.expect(201);
    let three = [("Cy", 0), ("Di", 0)];
    server
        .book(&path, &Person::admin(9), "each", &three)
        .await
        .expect(200);
    server
        .delete(&early.path())
        .by_guest(&early)
        .send()
        .await
        .expect(200);
    server
        .knock(&path, "Early", json!({}))
        .await
        .expect_problem(403, "forbidden");
    server.stop().await;
}

#[tokio::test]
async fn a_private_activity_is_there_for_guests_who_have_an_rsvp_and_for_no_others() {
    let server = Server::start().await;
    let path = server.open(json!({"visibility": "private", "capacity": 9})).await;
    server
        .knock(&path, "Eve", json!({}))
        .await
        .expect_problem(404, "not_found");
    let two = [("Ada", 0), ("Bo", 0)];
    let stranger = server.book(&path, &Person::member(2), "each", &two).await;
    stranger.expect_problem(404, "not_found");
    let guests = server.party(&path, &host(), &two).await;
    let (ada, bo) = (&guests[0], &guests[1]);
    // Who knows of it brings nobody else in.
    let member = Person::member(2);
    let make = async |visibility: &str| {
        let change = json!({"visibility": visibility});
        let make = server.patch(&path).by(&host()).json(&change);
        make.send().await.expect(200);
    };
    make("public").await;
    server.reserve(&path, &member, json!({})).await.expect(201);
    make("private").await;
    let friend = server.book(&path, &member, "all", &[("Cy", 0), ("Di", 0)]).await;
    friend.expect_problem(403, "forbidden");
    for route in ["", "/waitlist", "/attendees"] {
        let at = format!("{path}{route}");
        server.get(&at).by_guest(ada).send().await.expect(200);
        server.get(&at).send().await.expect_problem(404, "not_found");
    }
    // One who has cancelled knows of it still, one whom the host has put out does not.
    server
        .delete("/rsvps/cancel-by-token")
        .by_guest(ada)
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(ada).await, "cancelled");
    // That the host has booked them makes no difference.
    let put_out = server.delete(&bo.path()).by(&host()).send().await.expect(200);
    assert_eq!(put_out["rsvp"]["cancel_reason"], "by_host");
    for at in [
        path.clone(),
        format!("{path}/rsvp"),
        format!("{path}/waitlist"),
        bo.path(),
        "/rsvps/verify-token".to_owned(),
        format!("{}/qr.svg", bo.path()),
    ] {
        let gone = server.get(&at).by_guest(bo).send().await;
        assert_eq!((gone.status, gone.code()), (404, "not_found"), "{at}");
    }
    server.get(&path).by_guest(ada).send().await.expect(200);
    let cancel = server.delete("/rsvps/cancel-by-token").by_guest(bo).send().await;
    cancel.expect_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_guest_comes_in_only_while_the_doors_are_open() {
    let server = Server::start().await;
    let path = server.open(json!({"opens_at": "2026-05-01T12:01:00Z"})).await;
    let early = server.knock(&path, "Ada", json!({})).await;
    early.expect_problem(409, "not_open_yet");
    assert_eq!(
        (&early.body["opens_in_ms"], &early.headers["retry-after"]),
        (&json!(60_000), &"60".parse().unwrap())
    );
    server.clock.advance_s(60);
    let ada = server.guest(&path, "Ada").await;
    server.clock.advance_s(7 * 24 * 3_600 + 6 * 3_600);
    server
        .knock(&path, "Bo", json!({}))
        .await
        .expect_problem(409, "closed");
    let grow = server
        .patch(&ada.path())
        .by_guest(&ada)
        .json(&json!({"guest_count": 1}));
    grow.send().await.expect_problem(409, "closed");
    server.delete(&ada.path()).by_guest(&ada).send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_guest_is_named() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(" \t")),
        ("name", json!("x".repeat(101))),
        ("name", json!("<script>alert(1)</script>")),
        ("name", json!("a\nb")),
        ("name", json!("a\u{202e}b")),
        ("name", json!("\u{200b}")),
        ("name", json!(null)),
        ("name", json!(["Ada"])),
        ("email", json!("")),
        ("email", json!("ada")),
        ("email", json!("ada@localhost")),
        ("email", json!("ada@exam ple.com")),
        ("email", json!("Ada <ada@example.com>")),
        ("email", json!("ada@example.com\r\nBcc: x@y.z")),
        ("email", json!("a\u{200d}da@example.com")),
        ("email", json!(format!("{}@example.com", "x".repeat(65)))),
        ("email", json!(null)),
        ("email", json!(7)),
        ("guest_count", json!(-1)),
        ("guest_count", json!(1.5)),
        ("guest_count", json!("1")),
        ("guest_count", json!(null)),
        ("guest_count", json!(65_536)),
        ("special_requirements", json!("x".repeat(1_001))),
        ("special_requirements", json!("a\u{0}b")),
        ("special_requirements", json!(1)),
        ("user_id", json!(host().id)),
        ("manage_token", json!("x")),
        ("role", json!("admin")),
        ("Email", json!("ada@example.com")),
    ] {
        // Whatever is refused does not count against the others who come from here for long.
        server.clock.advance_s(1);
        let body = with(contact("Ada"), json!({ field: value }));
        let answer = server.post(&format!("{path}/rsvp")).json(&body).send().await;
        let message = answer.expect_wrong(field);
        assert!(
            !message.contains("struct") && !message.contains("u16"),
            "{message}"
        );
    }
    for (field, body) in [
        ("name", json!({"email": address_of("Ada")})),
        ("email", json!({"name": "Ada"})),
        ("name", json!({})),
    ] {
        let answer = server.post(&format!("{path}/rsvp")).json(&body).send().await;
        assert_eq!(answer.expect_wrong(field), "is required");
    }
    let all = json!({"name": "", "email": "x", "special_requirements": "x".repeat(1_001)});
    let answer = server.post(&format!("{path}/rsvp")).json(&all).send().await;
    let errors = answer.body["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        ["email", "name", "special_requirements"],
        "all are named at once"
    );
    server
        .knock(&path, "Ada", json!({"guest_count": 11}))
        .await
        .expect_problem(422, "party_too_large");
    assert_eq!(server.events(&path).await.len(), 0);
    server.stop().await;
}

#[tokio::test]
async fn whoever_has_an_account_comes_by_it_and_by_no_other_name() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    for (field, value) in [("name", "Ada"), ("email", "ada@example.com")] {
        let reserve = server
            .reserve(&path, &Person::member(2), json!({ field: value }))
            .await;
        assert_eq!(reserve.expect_wrong(field), "is not a known field");
    }
    // An address that an account has is nobody's proof: a guest of this address is somebody else.
    let eve = server.register("Eve").await;
    let own = server
        .post(&format!("{path}/rsvp"))
        .token(eve["token"].as_str().unwrap());
    let own = own.send().await.expect(201);
    let guest = server.guest(&path, "Eve").await;
    assert_ne!(own["rsvp"]["id"], guest.id);
    assert!(own.get("manage_token").is_none());
    // Nor does a manage token bring anybody in.
    let again = server
        .post(&format!("{path}/rsvp"))
        .by_guest(&guest)
        .json(&contact("Fay"));
    again.send().await.expect_problem(403, "forbidden");
    server.stop().await;
}

#[tokio::test]
async fn a_manage_token_is_no_account() {
    let server = Server::start().await;
    let activity = server.create(&host(), json!({"capacity": 9})).await;
    let path = path_of(&activity);
    let ada = server.guest(&path, "Ada").await;
    for (method, at) in [
        (Method::POST, "/activities".to_owned()),
        (Method::PATCH, path.clone()),
        (Method::PUT, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::GET, format!("{path}/rsvps")),
        (Method::GET, format!("{path}/participants")),
        (Method::GET, format!("{path}/participants.csv")),
        (Method::GET, format!("{path}/events")),
        (Method::POST, format!("{path}/rsvps/bulk")),
        (Method::POST, format!("{path}/waitlist/promote")),
        (Method::POST, format!("{path}/waitlist/bulk")),
        (Method::POST, format!("{path}/check-in")),
        (Method::POST, format!("{}/check-in", ada.path())),
        (Method::DELETE, format!("{}/check-in", ada.path())),
        (Method::GET, "/auth/verify".to_owned()),
        (Method::POST, "/auth/logout".to_owned()),
    ] {
        let answer = server
            .request(method.clone(), &at)
            .by_guest(&ada)
            .json(&json!({}))
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (401, "unauthenticated"),
            "{method} {at}"
        );
    }
    let refresh = server
        .post("/auth/refresh")
        .json(&json!({"refresh_token": ada.token}));
    refresh.send().await.expect_problem(401, "unauthenticated");
    assert_eq!(server.events(&path).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn guests_of_one_address_come_no_faster_than_it_may_and_accounts_behind_it_as_they_like() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 100})).await;
    let mut guests = Vec::new();
    for number in 0..20 {
        guests.push(server.guest(&path, &format!("Guest{number}")).await);
    }
    let refused = server.knock(&path, "Late", json!({})).await;
    refused.expect_problem(429, "rate_limited");
    for (name, value) in [
        ("retry-after", "1"),
        ("ratelimit", "\"burst\";r=0;t=1"),
        (
            "ratelimit-policy",
            "\"burst\";q=20;w=10, \"sustained\";q=100;w=60",
        ),
    ] {
        assert_eq!(refused.headers[name], value);
    }
    // Whoever is known already, by an account or by a token, is not counted by address.
    for number in 2..42 {
        server
            .reserve(&path, &Person::member(number), json!({}))
            .await
            .expect(201);
    }
    for guest in &guests {
        let change = server
            .patch(&guest.path())
            .by_guest(guest)
            .json(&json!({"guest_count": 1}));
        change.send().await.expect(200);
    }
    server
        .knock(&path, "Late", json!({}))
        .await
        .expect_problem(429, "rate_limited");
    server.clock.advance_ms(500);
    server.knock(&path, "Late", json!({})).await.expect(201);
    server
        .knock(&path, "Later", json!({}))
        .await
        .expect_problem(429, "rate_limited");
    server.stop().await;

    let server = Server::start_with(|config| config.rate_limits = false).await;
    let path = server.open(json!({"capacity": 100})).await;
    for number in 0..40 {
        server.guest(&path, &format!("Guest{number}")).await;
    }
    server.stop().await;
}
