//! One person's RSVP: reserving, changing, cancelling and coming back.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Person, Server, host, with};

#[tokio::test]
async fn a_reservation_is_answered_with_the_rsvp_and_the_counts() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let body = json!({"guest_count": 2, "special_requirements": " Step-free,\r\n\tplease "});
    let answer = server
        .reserve(&path, &Person::named(2, "Ada Lovelace"), body)
        .await;
    assert_eq!(answer.headers["etag"], "\"1\"");
    let answer = answer.expect(201);
    let id = answer["rsvp"]["id"].as_str().unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 7);
    let rsvp = json!({
        "id": id, "activity_id": path.rsplit_once('/').unwrap().1, "user_id": Person::member(2).id,
        "name": "Ada Lovelace", "email": null, "booked_by": null, "status": "confirmed", "guest_count": 2,
        "total_spots": 3, "position": null, "parties_ahead": null, "spots_ahead": null, "offer_expires_at": null,
        "offer_in_ms": null, "group_id": null, "special_requirements": "Step-free,\n\tplease",
        "checked_in_at": null, "cancel_reason": null, "version": 1, "created_at": "2026-05-01T12:00:00.000Z",
        "updated_at": "2026-05-01T12:00:00.000Z",
    });
    let counts = json!({
        "capacity": 5, "confirmed_spots": 3, "offered_spots": 0, "available_spots": 2, "waitlisted_parties": 0,
        "waitlisted_spots": 0, "seq": 1,
    });
    assert_eq!(
        answer,
        json!({"rsvp": rsvp, "seq": 1, "replayed": false, "counts": counts})
    );
    for path in [format!("{path}/rsvp"), format!("/rsvps/{id}")] {
        let shown = server.get(&path).by(&Person::member(2)).send().await;
        assert_eq!(shown.headers["etag"], "\"1\"");
        assert_eq!(shown.expect(200), rsvp);
    }

    // Without a body it is a party of one, without wishes.
    let plain = server
        .post(&format!("{path}/rsvp"))
        .by(&Person::member(3))
        .send()
        .await
        .expect(201);
    let plain = &plain["rsvp"];
    assert_eq!(
        (&plain["total_spots"], &plain["special_requirements"]),
        (&json!(1), &Value::Null)
    );
    server.stop().await;
}

#[tokio::test]
async fn a_person_has_one_live_rsvp() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let again = server.reserve(&path, &ada, json!({"guest_count": 1})).await;
    again.expect_problem(409, "already_reserved");
    let elsewhere = server.open(json!({})).await;
    server.reserve(&elsewhere, &ada, json!({})).await.expect(201);
    assert_eq!(server.events(&path).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_cancelled_rsvp_is_still_shown_and_revived_when_its_person_comes_back() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let (ada, own) = (Person::member(2), format!("{path}/rsvp"));
    server
        .get(&own)
        .by(&ada)
        .send()
        .await
        .expect_problem(404, "not_found");
    server
        .delete(&own)
        .by(&ada)
        .send()
        .await
        .expect_problem(404, "not_found");
    let first = server
        .reserve(
            &path,
            &ada,
            json!({"guest_count": 2, "special_requirements": "Vegan"}),
        )
        .await;
    let first = first.expect(201)["rsvp"].clone();

    server.clock.advance_s(60);
    let cancelled = server.delete(&own).by(&ada).send().await;
    assert_eq!(cancelled.headers["etag"], "\"2\"");
    let cancelled = cancelled.expect(200);
    let expected = json!({
        "status": "cancelled", "cancel_reason": "by_attendee", "version": 2,
        "updated_at": "2026-05-01T12:01:00.000Z",
    });
    assert_eq!(cancelled["rsvp"], with(first.clone(), expected));
    assert_eq!(
        (&cancelled["seq"], &cancelled["counts"]["available_spots"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(server.rsvp(&path, &ada).await, cancelled["rsvp"]);
    for method in [Method::DELETE, Method::PATCH] {
        let again = server
            .request(method, &own)
            .by(&ada)
            .json(&json!({}))
            .send()
            .await;
        again.expect_problem(409, "already_cancelled");
    }

    let renamed = Person::named(2, "Ada King");
    let back = server.reserve(&path, &renamed, json!({})).await;
    assert_eq!(back.headers["etag"], "\"3\"");
    let expected = json!({
        "name": "Ada King", "guest_count": 0, "total_spots": 1, "special_requirements": null, "version": 3,
        "updated_at": "2026-05-01T12:01:00.000Z",
    });
    assert_eq!(back.expect(201)["rsvp"], with(first, expected));
    server.stop().await;
}

#[tokio::test]
async fn guests_and_wishes_change_each_alone_and_null_clears_wishes() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let (ada, own) = (Person::member(2), format!("{path}/rsvp"));
    let first = server
        .reserve(&path, &ada, json!({"special_requirements": "Vegan"}))
        .await;
    let rsvp = first.expect(201)["rsvp"].clone();
    let by_id = format!("/rsvps/{}", rsvp["id"].as_str().unwrap());
    let long = "x".repeat(1_000);
    let mut expected = rsvp;
    for (number, (method, at, body, changed)) in (2..).zip([
        (
            Method::PATCH,
            &own,
            json!({"guest_count": 2}),
            json!({"guest_count": 2, "total_spots": 3}),
        ),
        (
            Method::PUT,
            &by_id,
            json!({"guest_count": 1}),
            json!({"guest_count": 1, "total_spots": 2}),
        ),
        (
            Method::PUT,
            &own,
            json!({"special_requirements": long}),
            json!({"special_requirements": long}),
        ),
        (
            Method::PATCH,
            &by_id,
            json!({"special_requirements": null}),
            json!({"special_requirements": null}),
        ),
        (
            Method::PATCH,
            &own,
            json!({"special_requirements": "Aisle"}),
            json!({"special_requirements": "Aisle"}),
        ),
        (
            Method::PATCH,
            &own,
            json!({"special_requirements": " \n"}),
            json!({"special_requirements": null}),
        ),
    ]) {
        let answer = server.request(method, at).by(&ada).json(&body).send().await;
        assert_eq!(answer.headers["etag"], format!("\"{number}\""));
        let answer = answer.expect(200);
        expected = with(with(expected, changed), json!({"version": number}));
        assert_eq!(
            (&answer["rsvp"], &answer["seq"]),
            (&expected, &json!(number)),
            "{body}"
        );
    }
    // What changes nothing is no event.
    for body in [json!({}), json!({"guest_count": 1, "special_requirements": null})] {
        let same = server.patch(&own).by(&ada).json(&body).send().await.expect(200);
        assert_eq!((&same["rsvp"], &same["seq"]), (&expected, &json!(7)));
    }
    for (field, value) in [
        ("guest_count", json!(null)),
        ("guest_count", json!(-1)),
        ("guest_count", json!(70_000)),
        ("special_requirements", json!("x".repeat(1_001))),
        ("special_requirements", json!("a\u{0}b")),
        ("special_requirements", json!("a\rb")),
        ("special_requirements", json!(5)),
        ("name", json!("Eve")),
    ] {
        for method in [Method::POST, Method::PATCH, Method::PUT] {
            let wrong = server
                .request(method, &own)
                .by(&ada)
                .json(&json!({ field: value }));
            wrong.send().await.expect_wrong(field);
        }
    }
    assert_eq!(server.rsvp(&path, &ada).await, expected);
    server.stop().await;
}

#[tokio::test]
async fn a_command_for_another_version_is_refused_with_the_current_rsvp() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let (ada, own) = (Person::member(2), format!("{path}/rsvp"));
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let change = |tag: &'static str, guests: u32| {
        let request = server.patch(&own).by(&ada).header("if-match", tag);
        request.json(&json!({"guest_count": guests})).send()
    };
    let current = change("\"1\"", 1).await.expect(200)["rsvp"].clone();
    let by_id = format!("/rsvps/{}", current["id"].as_str().unwrap());
    for (method, path) in [
        (Method::PUT, &own),
        (Method::DELETE, &own),
        (Method::PATCH, &by_id),
        (Method::DELETE, &by_id),
    ] {
        let stale = server.request(method, path).by(&ada).header("if-match", "\"1\"");
        let conflict = stale.json(&json!({"guest_count": 0})).send().await;
        conflict.expect_problem(412, "version_conflict");
        assert_eq!(conflict.body["current"], current);
    }
    change("*", 0).await.expect(200);
    let cancel = server
        .delete(&own)
        .by(&ada)
        .header("if-match", "\"3\"")
        .send()
        .await;
    assert_eq!(cancel.expect(200)["rsvp"]["status"], "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn an_rsvp_is_for_its_person_the_host_and_administrators() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let (ada, eve) = (Person::member(2), Person::member(3));
    let rsvp = server.reserve(&path, &ada, json!({})).await.expect(201)["rsvp"].clone();
    server.reserve(&path, &eve, json!({})).await.expect(201);
    let by_id = format!("/rsvps/{}", rsvp["id"].as_str().unwrap());
    let position = format!("{by_id}/position");
    for person in [&ada, &host(), &Person::admin(9)] {
        assert_eq!(server.get(&by_id).by(person).send().await.expect(200), rsvp);
        let shown = server.get(&position).by(person).send().await.expect(200);
        let confirmed = json!({
            "status": "confirmed", "position": null, "parties_ahead": null, "spots_ahead": null, "seq": 2,
        });
        assert_eq!(shown, confirmed);
    }
    let unknown = format!("/rsvps/{}", Uuid::from_u128(5));
    for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
        let request = |path: &str| {
            server
                .request(method.clone(), path)
                .json(&json!({"guest_count": 1}))
        };
        request(&by_id)
            .by(&eve)
            .send()
            .await
            .expect_problem(403, "forbidden");
        request(&by_id)
            .send()
            .await
            .expect_problem(401, "unauthenticated");
        request(&unknown)
            .by(&eve)
            .send()
            .await
            .expect_problem(404, "not_found");
    }
    server
        .get(&position)
        .by(&eve)
        .send()
        .await
        .expect_problem(403, "forbidden");

    let moved = server
        .patch(&by_id)
        .by(&host())
        .json(&json!({"special_requirements": "Row 1"}))
        .send()
        .await;
    assert_eq!(moved.expect(200)["rsvp"]["special_requirements"], "Row 1");
    let cancelled = server
        .delete(&by_id)
        .by(&Person::admin(9))
        .send()
        .await
        .expect(200);
    assert_eq!(cancelled["rsvp"]["cancel_reason"], "by_host");
    server.stop().await;
}

#[tokio::test]
async fn of_a_name_in_a_token_only_what_belongs_into_a_name_is_used() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 100})).await;
    for (number, (name, used)) in (2..).zip([
        ("  Ada\n\u{0}Lovelace ", "AdaLovelace"),
        ("<script>alert(1)</script>", "scriptalert(1)/script"),
        ("evil\u{202e}gnp.exe", "evilgnp.exe"),
        ("", "Somebody"),
        ("\u{1b}\t ", "Somebody"),
        (&"é".repeat(1_000), &"é".repeat(100)),
    ]) {
        let answer = server
            .reserve(&path, &Person::named(number, name), json!({}))
            .await;
        assert_eq!(answer.expect(201)["rsvp"]["name"], used, "{name:?}");
    }
    server.stop().await;
}
