//! At the door: the code that somebody shows, and the host who lets them in.

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Person, Server, forged_code, host, scan};

/// What the host is answered who lets somebody in by their RSVP.
async fn let_in(server: &Server, guest: &Guest) -> Answer {
    server
        .post(&format!("{}/check-in", guest.path()))
        .by(&host())
        .send()
        .await
}

/// What the host is answered who takes that back.
async fn take_back(server: &Server, guest: &Guest) -> Answer {
    server
        .delete(&format!("{}/check-in", guest.path()))
        .by(&host())
        .send()
        .await
}

/// What the host is answered who scans a code.
async fn show(server: &Server, path: &str, code: &str) -> Answer {
    let scan = server.post(&format!("{path}/check-in")).by(&host());
    scan.json(&json!({ "code": code })).send().await
}

async fn checked_in_spots(server: &Server, path: &str) -> u64 {
    let activity = server.get(path).send().await.expect(200);
    activity["checked_in_spots"].as_u64().unwrap()
}

#[tokio::test]
async fn the_code_of_an_rsvp_is_an_image_for_its_person_its_booker_and_the_host() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let (booker, ada) = (Person::member(2), Person::member(3));
    let party = server.party(&path, &booker, &[("Bo", 0), ("Cy", 0)]).await;
    let image = format!("{}/qr.svg", party[0].path());
    let tokens = [
        &party[0].token,
        &booker.token,
        &host().token,
        &Person::admin(9).token,
    ];
    for token in tokens {
        let (headers, svg) = server.get(&image).token(token).text().await;
        assert_eq!(headers["content-type"], "image/svg+xml");
        assert_eq!(headers["cache-control"], "private, no-store");
        assert!(svg.starts_with("<svg "), "{svg}");
        assert_eq!(
            scan(&svg),
            forged_code(&path, &party[0].id, 1),
            "the same for all of them"
        );
    }
    for (token, code) in [(&party[1].token, "forbidden"), (&ada.token, "forbidden")] {
        server
            .get(&image)
            .token(token)
            .send()
            .await
            .expect_problem(403, code);
    }
    server
        .get(&image)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    // An account has one for its own RSVP, also while it waits.
    for person in [&ada, &Person::member(4)] {
        let own = server.reserve(&path, person, json!({})).await.expect(201);
        let id = own["rsvp"]["id"].as_str().unwrap();
        let (_, svg) = server.get(&format!("/rsvps/{id}/qr.svg")).by(person).text().await;
        assert_eq!(scan(&svg), forged_code(&path, id, 1));
    }
    server
        .delete(&party[0].path())
        .by_guest(&party[0])
        .send()
        .await
        .expect(200);
    let gone = server.get(&image).by_guest(&party[0]).send().await;
    gone.expect_problem(409, "already_cancelled");
    server.stop().await;
}

#[tokio::test]
async fn whoever_shows_their_code_is_let_in_once_and_told_so_again() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let ada = server
        .knock(&path, "Ada", json!({"guest_count": 1}))
        .await
        .expect(201);
    let ada = Guest::told_by(&ada);
    let code = server.code_of(&ada).await;
    server.clock.advance_s(60);
    let first = show(&server, &path, &code).await;
    assert_eq!(first.headers["etag"], "\"2\"");
    let first = first.expect(200);
    let rsvp = &first["rsvp"];
    assert_eq!(
        (
            &first["already"],
            &first["seq"],
            &rsvp["status"],
            &rsvp["version"]
        ),
        (&json!(false), &json!(2), &json!("confirmed"), &json!(2))
    );
    assert_eq!(rsvp["checked_in_at"], "2026-05-01T12:01:00.000Z");
    assert_eq!(server.seen_by(&ada).await, *rsvp);
    assert_eq!(checked_in_spots(&server, &path).await, 2);

    server.clock.advance_s(60);
    for again in [show(&server, &path, &code).await, let_in(&server, &ada).await] {
        let again = again.expect(200);
        assert_eq!((&again["already"], &again["seq"]), (&json!(true), &json!(2)));
        assert_eq!(again["rsvp"], *rsvp, "with the first time");
    }
    let server = server.restart().await;
    let again = show(&server, &path, &code).await.expect(200);
    assert_eq!((&again["already"], &again["rsvp"]), (&json!(true), rsvp));
    let events = server.events(&path).await;
    let told =
        ["kind", "previous_status", "status", "spots", "ticket", "reason"].map(|member| &events[1][member]);
    let stays = json!("confirmed");
    assert_eq!(
        told,
        [
            &json!("checked_in"),
            &stays,
            &stays,
            &json!(2),
            &json!(1),
            &Value::Null
        ]
    );
    assert_eq!(events.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn letting_in_under_a_key_is_answered_again_as_it_was() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    let keyed = |key: &'static str| {
        let door = server.post(&format!("{}/check-in", ada.path())).by(&host());
        door.header("idempotency-key", key).send()
    };
    let first = keyed("k").await.expect(200);
    let again = keyed("k").await.expect(200);
    for member in ["rsvp", "seq", "already"] {
        assert_eq!(again[member], first[member], "{member}");
    }
    assert_eq!(
        (&again["replayed"], &again["already"]),
        (&json!(true), &json!(false))
    );
    // With another key it is another scan.
    assert_eq!(keyed("l").await.expect(200)["already"], true);
    let undo = server.delete(&format!("{}/check-in", ada.path())).by(&host());
    undo.header("idempotency-key", "k")
        .send()
        .await
        .expect_problem(422, "key_reused");
    server.stop().await;
}

#[tokio::test]
async fn the_host_takes_back_that_somebody_came() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    let untouched = server.seen_by(&ada).await;
    let nothing = take_back(&server, &ada).await.expect(200);
    assert_eq!(
        (&nothing["rsvp"], &nothing["seq"]),
        (&untouched, &json!(1)),
        "there was nothing to take back"
    );
    let_in(&server, &ada).await.expect(200);
    let stale = server
        .delete(&format!("{}/check-in", ada.path()))
        .by(&host())
        .header("if-match", "\"1\"");
    stale.send().await.expect_problem(412, "version_conflict");
    let undone = take_back(&server, &ada).await.expect(200);
    assert_eq!(
        (
            &undone["rsvp"]["checked_in_at"],
            &undone["rsvp"]["version"],
            &undone["seq"]
        ),
        (&Value::Null, &json!(3), &json!(3))
    );
    assert_eq!(checked_in_spots(&server, &path).await, 0);
    server.clock.advance_s(60);
    let anew = let_in(&server, &ada).await.expect(200);
    assert_eq!(
        (&anew["already"], &anew["rsvp"]["checked_in_at"]),
        (&json!(false), &json!("2026-05-01T12:01:00.000Z"))
    );
    let kinds: Vec<Value> = server
        .events(&path)
        .await
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(
        kinds,
        ["confirmed", "checked_in", "check_in_undone", "checked_in"]
    );
    server.stop().await;
}

#[tokio::test]
async fn only_who_is_confirmed_is_let_in() {
    let server = Server::start().await;
    let promotion = json!({"mode": "offer", "ttl_s": 60});
    let path = server.open(json!({"capacity": 2, "promotion": promotion})).await;
    let seated = server.party(&path, &host(), &[("One", 0), ("Two", 0)]).await;
    let (offered, waiting) = (server.guest(&path, "Ada").await, server.guest(&path, "Bo").await);
    let cancelled = &seated[0];
    server
        .delete(&cancelled.path())
        .by_guest(cancelled)
        .send()
        .await
        .expect(200);
    for (guest, code) in [
        (&offered, "not_confirmed"),
        (&waiting, "not_confirmed"),
        (cancelled, "already_cancelled"),
    ] {
        let code_shown = forged_code(&path, &guest.id, 1);
        show(&server, &path, &code_shown).await.expect_problem(409, code);
        let_in(&server, guest).await.expect_problem(409, code);
        take_back(&server, guest).await.expect_problem(409, code);
    }
    let accept = server
        .post(&format!("{}/accept", offered.path()))
        .by_guest(&offered);
    accept.send().await.expect(200);
    let code = server.code_of(&offered).await;
    show(&server, &path, &code).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn the_spots_of_those_who_came_follow_what_becomes_of_them() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let mut guests = Vec::new();
    for (name, count) in [("Ada", 1), ("Bo", 2), ("Cy", 0)] {
        let guest = server
            .knock(&path, name, json!({"guest_count": count}))
            .await
            .expect(201);
        let guest = Guest::told_by(&guest);
        let_in(&server, &guest).await.expect(200);
        guests.push(guest);
    }
    assert_eq!(checked_in_spots(&server, &path).await, 6);
    let change = |guest: &Guest, guests: u32| {
        let change = server.patch(&guest.path()).by_guest(guest);
        change.json(&json!({"guest_count": guests})).send()
    };
    let grown = change(&guests[0], 2).await.expect(200);
    assert!(grown["rsvp"]["checked_in_at"].is_string());
    assert_eq!(checked_in_spots(&server, &path).await, 7);
    change(&guests[0], 0).await.expect(200);
    assert_eq!(checked_in_spots(&server, &path).await, 5);
    let left = server
        .delete(&guests[1].path())
        .by_guest(&guests[1])
        .send()
        .await
        .expect(200);
    assert!(
        left["rsvp"]["checked_in_at"].is_string(),
        "that they came stays known"
    );
    assert_eq!(checked_in_spots(&server, &path).await, 2);
    let transfer = server
        .post(&format!("{}/transfer", guests[2].path()))
        .by_guest(&guests[2]);
    let given = transfer
        .json(&json!({"name": "Di", "email": "di@example.com"}))
        .send()
        .await
        .expect(200);
    assert_eq!(given["recipient"]["checked_in_at"], Value::Null);
    assert_eq!(checked_in_spots(&server, &path).await, 1);
    let back = server.knock(&path, "Bo", json!({})).await.expect(201);
    assert_eq!(back["rsvp"]["checked_in_at"], Value::Null);
    let server = server.restart().await;
    assert_eq!(checked_in_spots(&server, &path).await, 1);
    server.delete(&path).by(&host()).send().await.expect(200);
    assert_eq!(checked_in_spots(&server, &path).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn the_code_of_an_earlier_life_opens_nothing() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    let old = server.code_of(&ada).await;
    server.delete(&ada.path()).by_guest(&ada).send().await.expect(200);
    show(&server, &path, &old)
        .await
        .expect_problem(409, "already_cancelled");
    let ada = server.guest(&path, "Ada").await;
    let new = server.code_of(&ada).await;
    assert_ne!(new, old);
    show(&server, &path, &old)
        .await
        .expect_problem(422, "invalid_code");
    assert_eq!(show(&server, &path, &new).await.expect(200)["rsvp"]["id"], ada.id);
    // Not even to be told that they are in.
    show(&server, &path, &old)
        .await
        .expect_problem(422, "invalid_code");
    server.stop().await;
}

#[tokio::test]
async fn the_door_is_kept_by_the_host_and_administrators_at_all_times() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let (ada, booker) = (Person::member(2), Person::member(3));
    let own = server.reserve(&path, &ada, json!({})).await.expect(201);
    let own = format!("/rsvps/{}/check-in", own["rsvp"]["id"].as_str().unwrap());
    let party = server.party(&path, &booker, &[("Bo", 0), ("Cy", 0)]).await;
    let booked = format!("{}/check-in", party[0].path());
    // Neither the own RSVP, nor that of a stranger, nor one that they have booked themselves.
    for (door, person) in [(&own, &ada), (&own, &booker), (&booked, &booker)] {
        server
            .post(door)
            .by(person)
            .send()
            .await
            .expect_problem(403, "forbidden");
        server
            .delete(door)
            .by(person)
            .send()
            .await
            .expect_problem(403, "forbidden");
    }
    let code = json!({"code": server.code_of(&party[0]).await});
    let scan = server.post(&format!("{path}/check-in")).by(&booker);
    scan.json(&code).send().await.expect_problem(403, "forbidden");
    // The door is for people with an account.
    server
        .post(&booked)
        .by_guest(&party[0])
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(checked_in_spots(&server, &path).await, 0);
    server
        .post(&own)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    let unknown = "/rsvps/00000000-0000-7000-8000-000000000005/check-in";
    server
        .post(unknown)
        .by(&host())
        .send()
        .await
        .expect_problem(404, "not_found");
    let tagged = server
        .post(&own)
        .by(&host())
        .header("if-match", "\"1\"")
        .send()
        .await;
    tagged.expect_problem(400, "malformed_request");
    let more = server
        .post(&own)
        .by(&host())
        .json(&json!({"at": "now"}))
        .send()
        .await;
    more.expect_wrong("at");
    // A week and a day later it is long over.
    server.clock.advance_s(8 * 24 * 3_600);
    server.post(&own).by(&Person::admin(9)).send().await.expect(200);
    server.delete(&own).by(&host()).send().await.expect(200);
    server.delete(&path).by(&host()).send().await.expect(200);
    server
        .post(&own)
        .by(&host())
        .send()
        .await
        .expect_problem(410, "activity_cancelled");

    let hidden = server.open(json!({"visibility": "private"})).await;
    let at_the_door = server.post(&format!("{hidden}/check-in")).by(&ada);
    at_the_door
        .json(&json!({"code": "x"}))
        .send()
        .await
        .expect_problem(404, "not_found");
    server.stop().await;
}
