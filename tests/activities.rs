//! Making, showing, changing and cancelling activities.

use reqwest::Method;
use serde_json::{Value, json};
use turnout::config::CreateActivities;

use crate::support::{Person, Server, host, path_of, usual_activity, with};

/// What the contract says of everything that a host leaves open.
fn defaults() -> Value {
    json!({
        "description": null, "venue": null, "time_zone": "UTC", "max_guests": 10, "opens_at": null,
        "opens_in_ms": null, "closes_at": null, "cancel_until": null, "promote_until": null,
        "waitlist_capacity": null, "waitlist_paused": false, "patience": 3, "promotion": {"mode": "auto"},
        "guests": "open", "visibility": "public", "attendees_visible": "public", "organization_id": null,
        "status": "scheduled", "confirmed_spots": 0, "offered_spots": 0, "waitlisted_parties": 0,
        "waitlisted_spots": 0, "checked_in_spots": 0, "seq": 0, "epoch": 1, "version": 1,
        "created_at": "2026-05-01T12:00:00.000Z", "updated_at": "2026-05-01T12:00:00.000Z",
    })
}

#[tokio::test]
async fn a_new_activity_has_what_was_sent_and_a_default_for_everything_else() {
    let server = Server::start().await;
    let create = server.post("/activities").by(&host()).json(&usual_activity());
    let created = create.send().await;
    assert_eq!(created.headers["etag"], "\"1\"");
    assert!(!created.headers.contains_key("idempotency-replayed"));
    let activity = created.expect(201);
    let expected = json!({
        "id": activity["id"], "title": "Concert", "starts_at": "2026-05-08T18:00:00.000Z",
        "ends_at": "2026-05-08T22:00:00.000Z", "capacity": 2, "available_spots": 2, "host_id": host().id,
    });
    assert_eq!(activity, with(defaults(), expected));
    let shown = server.get(&path_of(&activity)).send().await;
    assert_eq!(shown.headers["etag"], "\"1\"");
    assert_eq!(shown.expect(200), activity);
    server.stop().await;
}

#[tokio::test]
async fn everything_that_a_host_sets_is_shown_as_it_was_set() {
    let server = Server::start().await;
    let sent = json!({
        "title": "ü".repeat(200), "description": "First line\nsecond 👩‍🔬 نام‌ها", "venue": "Hall 1", "max_guests": 100,
        "time_zone": "Europe/Berlin", "capacity": 10_000_000, "patience": 1_000_000, "waitlist_capacity": 7,
        "waitlist_paused": true, "promotion": {"mode": "auto"}, "guests": "off", "visibility": "unlisted",
        "attendees_visible": "attendees",
    });
    let times = json!({
        "starts_at": "2026-05-08T20:00:00+02:00", "ends_at": "2026-05-09", "opens_at": "2026-05-01T12:00:01.5Z",
        "closes_at": "2026-05-08T19:00:00+02:00", "cancel_until": "2026-05-07", "promote_until": "2026-05-06",
    });
    let activity = server.create(&host(), with(sent.clone(), times)).await;
    for (field, value) in sent.as_object().unwrap() {
        assert_eq!(activity[field], *value, "{field}");
    }
    for (field, time) in [
        ("starts_at", "2026-05-08T18:00:00.000Z"),
        ("ends_at", "2026-05-09T00:00:00.000Z"),
        ("opens_at", "2026-05-01T12:00:01.500Z"),
        ("closes_at", "2026-05-08T17:00:00.000Z"),
        ("cancel_until", "2026-05-07T00:00:00.000Z"),
        ("promote_until", "2026-05-06T00:00:00.000Z"),
    ] {
        assert_eq!(activity[field], time, "{field}");
    }
    assert_eq!(activity["opens_in_ms"], 1_500);
    server.clock.advance_s(2);
    let opened = server.get(&path_of(&activity)).send().await.expect(200);
    assert_eq!(opened["opens_in_ms"], 0);

    // None of it is lost when the server starts anew.
    let server = server.restart().await;
    assert_eq!(server.get(&path_of(&activity)).send().await.expect(200), opened);
    server.stop().await;
}

#[tokio::test]
async fn times_are_kept_to_the_millisecond_from_the_first_year_to_the_last() {
    let server = Server::start().await;
    let times = json!({"starts_at": "0000-01-01T00:00:00.0009Z", "ends_at": "9999-12-31T23:59:59.9999Z"});
    let path = path_of(&server.create(&host(), times).await);
    let shown = server.get(&path).send().await.expect(200);
    assert_eq!(shown["starts_at"], "0000-01-01T00:00:00.000Z");
    assert_eq!(shown["ends_at"], "9999-12-31T23:59:59.999Z");
    let same = json!({"starts_at": shown["starts_at"], "ends_at": shown["ends_at"]});
    let answer = server.patch(&path).by(&host()).json(&same).send().await;
    assert_eq!(answer.expect(200)["version"], 1, "what was shown is what is kept");
    let late = server.reserve(&path, &Person::member(2), json!({})).await;
    late.expect_problem(409, "closed");
    server.stop().await;
}

/// Fields that are wrong in a new activity as well as in a change, each with a value.
fn wrong_fields() -> Vec<(&'static str, Value)> {
    vec![
        ("title", json!("")),
        ("title", json!("  ")),
        ("title", json!("x".repeat(201))),
        ("title", json!("a\nb")),
        ("title", json!("a\u{0}b")),
        ("title", json!("a\u{202e}b")),
        ("title", json!("\u{200b}")),
        ("title", json!("\u{200d}\u{fe0f}")),
        ("title", json!(null)),
        ("title", json!(7)),
        ("description", json!("x".repeat(10_001))),
        ("description", json!("a\u{0}b")),
        ("description", json!(["x"])),
        ("venue", json!("x".repeat(301))),
        ("venue", json!("\u{1b}[31m")),
        ("venue", json!("Hall\u{2028}\u{202e}1")),
        ("time_zone", json!("Mars/Olympus")),
        ("time_zone", json!("")),
        ("time_zone", json!(null)),
        ("starts_at", json!("soon")),
        ("starts_at", json!("2026-05-08T18:00:00")),
        ("starts_at", json!("2026-05-8  ")),
        ("starts_at", json!("0000-01-01T00:00:00+12:00")),
        ("starts_at", json!(1_777_636_800)),
        ("starts_at", json!(null)),
        ("ends_at", json!("2026-05-08T18:00:00Z")),
        ("ends_at", json!("2026-02-30")),
        ("ends_at", json!("9999-12-31T23:59:59-12:00")),
        ("capacity", json!(0)),
        ("capacity", json!(10_000_001)),
        ("capacity", json!(-1)),
        ("capacity", json!(1.5)),
        ("capacity", json!("2")),
        ("capacity", json!(u64::MAX)),
        ("capacity", json!(null)),
        ("max_guests", json!(101)),
        ("max_guests", json!(null)),
        ("patience", json!(1_000_001)),
        ("opens_at", json!("2026-05-08T18:00:00Z")),
        ("opens_at", json!(false)),
        ("closes_at", json!("tomorrow")),
        ("waitlist_capacity", json!(-1)),
        ("waitlist_paused", json!("yes")),
        ("waitlist_paused", json!(null)),
        ("promotion", json!("auto")),
        ("promotion", json!(["auto"])),
        ("promotion", json!(null)),
        ("promotion.mode", json!({"promotion": {}})),
        (
            "promotion.mode",
            json!({"promotion": {"mode": "perhaps", "ttl_s": 60}}),
        ),
        ("promotion.ttl_s", json!({"promotion": {"mode": "offer"}})),
        (
            "promotion.ttl_s",
            json!({"promotion": {"mode": "offer", "ttl_s": 0}}),
        ),
        (
            "promotion.ttl_s",
            json!({"promotion": {"mode": "auto", "ttl_s": 60}}),
        ),
        ("guests", json!("maybe")),
        ("guests", json!({"off": null})),
        ("visibility", json!("secret")),
        ("visibility", json!({"private": null})),
        ("attendees_visible", json!(0)),
        ("host_id", json!("00000000-0000-0000-0000-000000000007")),
        ("status", json!("cancelled")),
        ("Title", json!("Concert")),
    ]
}

#[tokio::test]
async fn wrong_fields_are_named_when_creating_and_when_changing() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let before = server.get(&path).send().await.expect(200);
    for (field, value) in wrong_fields() {
        // What is nested comes with everything around it.
        let fields = if field.contains('.') {
            value
        } else {
            json!({ field: value })
        };
        let body = with(usual_activity(), fields.clone());
        let create = server.post("/activities").by(&host()).json(&body).send().await;
        let message = create.expect_wrong(field).to_owned();
        assert!(
            !message.is_empty() && !message.contains("enum"),
            "{fields}: {message}"
        );
        let change = server.patch(&path).by(&host()).json(&fields).send().await;
        change.expect_wrong(field);
    }
    for field in ["title", "starts_at", "ends_at", "capacity"] {
        let mut body = usual_activity();
        body.as_object_mut().unwrap().remove(field);
        let create = server.post("/activities").by(&host()).json(&body).send().await;
        assert_eq!(create.expect_wrong(field), "is required");
    }
    assert_eq!(server.get(&path).send().await.expect(200), before);
    let list = server.get("/activities").send().await.expect(200);
    assert_eq!(list["total"], 1, "none of them was made");
    server.stop().await;
}

#[tokio::test]
async fn all_wrong_fields_of_a_new_activity_are_named_at_once() {
    let server = Server::start().await;
    let wrong = json!({"title": " ", "time_zone": "Nowhere", "capacity": 0, "ends_at": "2026-05-01"});
    let body = with(usual_activity(), wrong);
    let answer = server.post("/activities").by(&host()).json(&body).send().await;
    answer.expect_wrong("time_zone");
    let errors = answer.body["errors"].as_array().unwrap();
    let fields: Vec<&Value> = errors.iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["time_zone", "title", "ends_at", "capacity"]);
    server.stop().await;
}

#[tokio::test]
async fn creating_is_for_accounts_and_by_configuration_for_administrators_alone() {
    let server = Server::start().await;
    let create = server.post("/activities").json(&usual_activity());
    create.send().await.expect_problem(401, "unauthenticated");
    server.stop().await;

    let restrict = |config: &mut turnout::config::Config| config.create_activities = CreateActivities::Admins;
    let server = Server::start_with(restrict).await;
    let create = server.post("/activities").by(&host()).json(&usual_activity());
    create.send().await.expect_problem(403, "forbidden");
    let admin = Person::admin(9);
    assert_eq!(server.create(&admin, json!({})).await["host_id"], admin.id);
    server.stop().await;
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_null_clears() {
    let server = Server::start().await;
    let open =
        json!({"description": "Long", "venue": "Hall", "opens_at": "2026-05-02", "waitlist_capacity": 5});
    let before = server.create(&host(), open).await;
    let path = path_of(&before);
    server.clock.advance_s(60);
    let change =
        json!({"title": "Recital", "description": null, "opens_at": null, "waitlist_capacity": null});
    let changed = server
        .patch(&path)
        .by(&host())
        .header("if-match", "\"1\"")
        .json(&change)
        .send()
        .await;
    assert_eq!(changed.headers["etag"], "\"2\"");
    let after = changed.expect(200);
    let expected = json!({
        "title": "Recital", "description": null, "opens_at": null, "opens_in_ms": null, "waitlist_capacity": null,
        "seq": 1, "version": 2, "updated_at": "2026-05-01T12:01:00.000Z",
    });
    assert_eq!(after, with(before, expected));

    // A change that changes nothing is none, and PUT takes any subset of the fields too.
    let same = server
        .put(&path)
        .by(&host())
        .json(&json!({"title": "Recital"}))
        .send()
        .await;
    assert_eq!(same.expect(200), after);
    let nothing = server.put(&path).by(&host()).json(&json!({})).send().await;
    assert_eq!(nothing.expect(200), after);
    let times = json!({"closes_at": "2026-05-03"});
    let put = server
        .put(&path)
        .by(&host())
        .json(&times)
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&put["closes_at"], &put["seq"]),
        (&json!("2026-05-03T00:00:00.000Z"), &json!(2))
    );
    // What stays must go with what changes.
    let late = server
        .patch(&path)
        .by(&host())
        .json(&json!({"opens_at": "2026-05-04"}))
        .send()
        .await;
    late.expect_wrong("opens_at");
    server.stop().await;
}

#[tokio::test]
async fn a_change_of_another_version_is_refused_with_the_current_one() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let title = |title: &str| server.patch(&path).by(&host()).json(&json!({"title": title}));
    let current = title("Recital").send().await.expect(200);
    for (method, stale) in [
        (Method::PATCH, "\"1\""),
        (Method::PUT, "\"3\""),
        (Method::DELETE, "\"1\""),
    ] {
        let request = server
            .request(method, &path)
            .by(&host())
            .header("if-match", stale);
        let conflict = request.json(&json!({"title": "Opera"})).send().await;
        conflict.expect_problem(412, "version_conflict");
        assert_eq!(conflict.body["current"], current);
    }
    title("Opera").header("if-match", "*").send().await.expect(200);
    title("Ballet")
        .header("if-match", "\"3\"")
        .send()
        .await
        .expect(200);
    server.stop().await;
}

#[tokio::test]
async fn changing_and_cancelling_is_for_the_host_and_administrators() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let request = |method: &Method| {
            server
                .request(method.clone(), &path)
                .json(&json!({"title": "Mine"}))
        };
        let stranger = request(&method).by(&Person::member(2)).send().await;
        stranger.expect_problem(403, "forbidden");
        request(&method)
            .send()
            .await
            .expect_problem(401, "unauthenticated");
    }
    let change = server
        .patch(&path)
        .by(&Person::admin(9))
        .json(&json!({"title": "Ours"}));
    assert_eq!(change.send().await.expect(200)["title"], "Ours");
    let cancel = server.delete(&path).by(&Person::admin(9));
    assert_eq!(cancel.send().await.expect(200)["status"], "cancelled");
    server.stop().await;
}
