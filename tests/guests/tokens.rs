//! What a guest does with the token that they were given, and to whom it is told.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Guest, Person, Server, contact, host, with};

/// 22 characters, which nobody guesses.
const KEY: &str = "7Yx0Qm2Vb9Tn4Kc8Ld1Zs6";

async fn enter_with_key(server: &Server, path: &str, body: &Value, key: &str) -> Answer {
    let enter = server
        .post(&format!("{path}/rsvp"))
        .header("idempotency-key", key);
    enter.json(body).send().await
}

#[tokio::test]
async fn the_token_is_told_to_whoever_brings_a_guest_in_and_to_nobody_else() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let ada = server.guest(&path, "Ada").await;
    for spelling in ["ada@example.com", "ADA@example.com ", "Ada@Example.Com"] {
        for key in [None, Some(KEY), Some("short")] {
            let enter = server.post(&format!("{path}/rsvp"));
            let enter = key
                .into_iter()
                .fold(enter, |enter, key| enter.header("idempotency-key", key));
            let again = enter
                .json(&json!({"name": "Eve", "email": spelling}))
                .send()
                .await;
            again.expect_problem(409, "already_reserved");
            assert!(!again.body.to_string().contains(&ada.token), "{spelling}");
        }
    }
    let own = format!("{path}/rsvp");
    let changed = server.patch(&own).by_guest(&ada).json(&json!({"guest_count": 1}));
    let changed = changed.send().await.expect(200);
    assert!(changed.get("manage_token").is_none());
    for route in ["rsvps", "participants", "events", "waitlist", "attendees"] {
        let (_, text) = server.get(&format!("{path}/{route}")).by(&host()).text().await;
        assert!(!text.contains("token"), "{route}: {text}");
        assert_eq!(
            text.contains("ada@example.com"),
            ["rsvps", "participants"].contains(&route),
            "an address is for the host, where people are listed: {route}"
        );
    }
    let (_, table) = server
        .get(&format!("{path}/participants.csv"))
        .by(&host())
        .text()
        .await;
    assert!(
        table.contains("ada@example.com") && !table.contains("token"),
        "{table}"
    );
    let (_, seen) = server.get(&ada.path()).by(&host()).text().await;
    assert!(!seen.contains("token"), "{seen}");
    server.stop().await;
}

#[tokio::test]
async fn a_guest_who_asks_again_with_a_key_that_nobody_guesses_gets_the_same_token() {
    let mut server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let body = with(contact("Ada"), json!({"guest_count": 1}));
    let first = enter_with_key(&server, &path, &body, KEY).await;
    assert_eq!(first.headers["etag"], "\"1\"");
    let first = first.expect(201);
    let ada = Guest::told_by(&first);
    for restart in [false, true] {
        if restart {
            server = server.restart().await;
        }
        let again = enter_with_key(&server, &path, &body, KEY).await.expect(201);
        assert_eq!(again, with(first.clone(), json!({"replayed": true})));
        // The same in other letters, and with what goes without saying.
        let same = with(
            body.clone(),
            json!({"email": "ADA@EXAMPLE.com", "special_requirements": null}),
        );
        let again = enter_with_key(&server, &path, &same, KEY).await.expect(201);
        assert_eq!(again["manage_token"], ada.token);
        for other in [
            json!({"guest_count": 0}),
            json!({"name": "Eve"}),
            json!({"special_requirements": "x"}),
        ] {
            let other = enter_with_key(&server, &path, &with(body.clone(), other), KEY).await;
            other.expect_problem(422, "key_reused");
        }
    }
    // A key is its person's own, and the token is that of the life that it was made for.
    let bo = enter_with_key(&server, &path, &contact("Bo"), KEY)
        .await
        .expect(201);
    assert_eq!(
        (&bo["replayed"], &bo["rsvp"]["status"]),
        (&json!(false), &json!("waitlisted"))
    );
    server.delete(&ada.path()).by_guest(&ada).send().await.expect(200);
    let late = enter_with_key(&server, &path, &body, KEY).await.expect(201);
    assert_eq!(
        (&late["rsvp"], &late["seq"]),
        (&first["rsvp"], &first["seq"]),
        "as first decided"
    );
    assert_eq!(server.status_of(&ada).await, "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn a_short_key_of_a_guest_is_not_recorded() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    for (name, key) in [("Ada", "1"), ("Bo", &KEY[..21])] {
        let first = enter_with_key(&server, &path, &contact(name), key)
            .await
            .expect(201);
        assert!(first["manage_token"].is_string());
        let again = enter_with_key(&server, &path, &contact(name), key).await;
        again.expect_problem(409, "already_reserved");
    }
    // Of somebody who has proved who they are, a short one is enough.
    let ada = server.guest(&path, "Cy").await;
    let change = || {
        let change = server
            .patch(&ada.path())
            .by_guest(&ada)
            .header("idempotency-key", "1");
        change.json(&json!({"guest_count": 1})).send()
    };
    assert_eq!(change().await.expect(200)["replayed"], false);
    assert_eq!(change().await.expect(200)["replayed"], true);
    server.stop().await;
}

#[tokio::test]
async fn a_guest_changes_guests_wishes_and_name_each_alone() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let ada = server.guest(&path, "Ada").await;
    let mut expected = server.seen_by(&ada).await;
    let own = format!("{path}/rsvp");
    for (version, (method, at, change, changed)) in (2..).zip([
        (
            Method::PATCH,
            &own,
            json!({"guest_count": 2}),
            json!({"guest_count": 2, "total_spots": 3}),
        ),
        (
            Method::PUT,
            &own,
            json!({"name": " Ada King "}),
            json!({"name": "Ada King"}),
        ),
        (
            Method::PUT,
            &ada.path(),
            json!({"special_requirements": "Aisle"}),
            json!({"special_requirements": "Aisle"}),
        ),
        (
            Method::PATCH,
            &ada.path(),
            json!({"name": "Countess", "guest_count": 0, "special_requirements": null}),
            json!({"name": "Countess", "guest_count": 0, "total_spots": 1, "special_requirements": null}),
        ),
    ]) {
        let request = server.request(method, at).by_guest(&ada).json(&change);
        let answer = request
            .header("if-match", &format!("\"{}\"", version - 1))
            .send()
            .await;
        assert_eq!(answer.headers["etag"], format!("\"{version}\""));
        expected = with(with(expected, changed), json!({"version": version}));
        assert_eq!(answer.expect(200)["rsvp"], expected, "{change}");
    }
    let stale = server.patch(&own).by_guest(&ada).header("if-match", "\"1\"");
    let stale = stale.json(&json!({"name": "Eve"})).send().await;
    stale.expect_problem(412, "version_conflict");
    assert_eq!(stale.body["current"], expected);
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("  ")),
        ("name", json!(null)),
        ("name", json!("<b>Ada</b>")),
        ("name", json!("x".repeat(101))),
        ("name", json!(7)),
        ("email", json!("eve@example.com")),
        ("guest_count", json!(null)),
        ("special_requirements", json!("x".repeat(1_001))),
        ("status", json!("confirmed")),
    ] {
        for at in [&own, &ada.path()] {
            let wrong = server.patch(at).by_guest(&ada).json(&json!({ field: value }));
            wrong.send().await.expect_wrong(field);
        }
    }
    // The host may mend a guest's name too; that of an account is the account's.
    let mended = server
        .patch(&ada.path())
        .by(&host())
        .json(&json!({"name": "A. Lovelace"}));
    assert_eq!(mended.send().await.expect(200)["rsvp"]["name"], "A. Lovelace");
    let bo = server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    let bo = format!("/rsvps/{}", bo["rsvp"]["id"].as_str().unwrap());
    let rename = server.patch(&bo).by(&host()).json(&json!({"name": "Eve"}));
    rename.send().await.expect_wrong("name");
    server.stop().await;
}

#[tokio::test]
async fn a_guest_cancels_by_the_token_alone_and_still_sees_what_was() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    let cancel = || server.delete("/rsvps/cancel-by-token").by_guest(&ada);
    cancel()
        .header("if-match", "\"7\"")
        .send()
        .await
        .expect_problem(412, "version_conflict");
    let keyed = || cancel().header("idempotency-key", "k").send();
    let cancelled = keyed().await.expect(200);
    let rsvp = &cancelled["rsvp"];
    assert_eq!(
        (&rsvp["status"], &rsvp["cancel_reason"]),
        (&json!("cancelled"), &json!("by_attendee"))
    );
    assert_eq!(keyed().await.expect(200)["replayed"], true);
    cancel().send().await.expect_problem(409, "already_cancelled");
    let shown = server.get("/rsvps/verify-token").by_guest(&ada).send().await;
    assert_eq!(shown.expect(200), *rsvp);
    for (method, at) in [
        (Method::PATCH, ada.path()),
        (Method::DELETE, ada.path()),
        (Method::DELETE, format!("{path}/rsvp")),
    ] {
        let again = server.request(method, &at).by_guest(&ada).json(&json!({}));
        again.send().await.expect_problem(409, "already_cancelled");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_comes_back_gets_a_new_token_and_the_old_one_is_over() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let body = with(
        contact("Ada"),
        json!({"guest_count": 1, "special_requirements": "Vegan"}),
    );
    let first = server
        .post(&format!("{path}/rsvp"))
        .json(&body)
        .send()
        .await
        .expect(201);
    let old = Guest::told_by(&first);
    server.delete(&old.path()).by_guest(&old).send().await.expect(200);
    server.clock.advance_s(60);
    let back = with(contact("Ada"), json!({"name": "Ada King"}));
    let back = server
        .post(&format!("{path}/rsvp"))
        .json(&back)
        .send()
        .await
        .expect(201);
    let new = Guest::told_by(&back);
    assert_eq!(new.id, old.id);
    assert_ne!(new.token, old.token);
    let changed = json!({
        "name": "Ada King", "guest_count": 0, "total_spots": 1, "special_requirements": null, "version": 3,
        "updated_at": "2026-05-01T12:01:00.000Z",
    });
    assert_eq!(back["rsvp"], with(first["rsvp"].clone(), changed));
    assert_eq!(server.seen_by(&new).await, back["rsvp"]);
    let again = server
        .patch(&old.path())
        .by_guest(&old)
        .json(&json!({"guest_count": 1}))
        .send()
        .await;
    again.expect_problem(401, "token_revoked");
    let server = server.restart().await;
    let verify = |guest: &Guest| server.get("/rsvps/verify-token").by_guest(guest).send();
    verify(&old).await.expect_problem(401, "token_revoked");
    assert_eq!(verify(&new).await.expect(200), back["rsvp"]);
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_over_when_the_grace_after_the_end_is() {
    let server = Server::start_with(|config| config.manage_grace = Duration::from_secs(3_600)).await;
    let path = server.open(json!({})).await;
    let ada = server.guest(&path, "Ada").await;
    // The activity ends a week and ten hours after the start of the clock.
    let ends_s = (7 * 24 + 10) * 3_600;
    server.clock.advance_s(ends_s + 3_600 - 1);
    let verify = server.get("/rsvps/verify-token").by_guest(&ada);
    assert_eq!(verify.send().await.expect(200)["id"], ada.id);
    let late = server
        .delete("/rsvps/cancel-by-token")
        .by_guest(&ada)
        .send()
        .await;
    late.expect_problem(409, "too_late");
    server.clock.advance_s(1);
    for (method, at) in [
        (Method::GET, "/rsvps/verify-token".to_owned()),
        (Method::DELETE, "/rsvps/cancel-by-token".to_owned()),
        (Method::GET, ada.path()),
        (Method::PATCH, ada.path()),
        (Method::GET, format!("{path}/rsvp")),
        (Method::GET, format!("{}/qr.svg", ada.path())),
        (Method::POST, format!("{}/accept", ada.path())),
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/waitlist")),
    ] {
        let over = server.request(method, &at).by_guest(&ada).json(&json!({}));
        over.send().await.expect_problem(410, "manage_token_expired");
    }
    server.stop().await;
}

#[tokio::test]
async fn of_many_at_once_with_one_key_one_comes_in_and_all_get_the_same_token() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let body = contact("Ada");
    let answers = join_all((0..15).map(|_| enter_with_key(&server, &path, &body, KEY))).await;
    let mut first = 0;
    let mut tokens = Vec::new();
    for answer in answers {
        let answer = answer.expect(201);
        first += u32::from(answer["replayed"] == false);
        tokens.push(Guest::told_by(&answer).token);
    }
    tokens.dedup();
    assert_eq!((first, tokens.len()), (1, 1));
    assert_eq!(server.events(&path).await.len(), 1);
    server.stop().await;
}
