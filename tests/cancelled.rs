//! A cancelled activity: at once everything of it reads cancelled, nothing can be done any more, and what was
//! done is still answered to whoever asks again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, Server, host, path_of};

/// Checks that all that there is to read shows the end, and changes nothing.
async fn expect_everything_cancelled(server: &Server, path: &str, people: &[Person]) {
    let activity = server.get(path).send().await.expect(200);
    assert_eq!(
        (&activity["status"], &activity["version"]),
        (&json!("cancelled"), &json!(2))
    );
    for (member, value) in [
        ("confirmed_spots", 0),
        ("waitlisted_parties", 0),
        ("waitlisted_spots", 0),
        ("available_spots", 2),
        ("seq", 6),
    ] {
        assert_eq!(activity[member], value, "{member}");
    }
    let listed = server.get("/activities").send().await.expect(200);
    assert_eq!(listed["data"], json!([activity]));
    let available = server
        .get("/activities?available_only=true")
        .send()
        .await
        .expect(200);
    assert_eq!(available["data"], json!([]));

    for (person, reason) in people.iter().zip([
        "activity_cancelled",
        "activity_cancelled",
        "activity_cancelled",
        "by_attendee",
    ]) {
        let rsvp = server.rsvp(path, person).await;
        assert_eq!(
            (&rsvp["status"], &rsvp["cancel_reason"]),
            (&json!("cancelled"), &json!(reason))
        );
        assert_eq!(rsvp["version"], 2, "it was made and cancelled");
        for member in ["position", "parties_ahead", "spots_ahead"] {
            assert_eq!(rsvp[member], Value::Null);
        }
        let position = format!("/rsvps/{}/position", rsvp["id"].as_str().unwrap());
        let position = server.get(&position).by(person).send().await.expect(200);
        assert_eq!(
            (&position["status"], &position["position"]),
            (&json!("cancelled"), &Value::Null)
        );
    }

    let waitlist = server
        .get(&format!("{path}/waitlist"))
        .by(&host())
        .send()
        .await
        .expect(200);
    assert_eq!(
        waitlist,
        json!({"parties": 0, "spots": 0, "paused": false, "me": null, "entries": []})
    );
    for (query, found) in [
        ("", 4),
        ("?status=cancelled", 4),
        ("?status=confirmed", 0),
        ("?status=waitlisted", 0),
    ] {
        let list = server
            .get(&format!("{path}/rsvps{query}"))
            .by(&host())
            .send()
            .await
            .expect(200);
        assert_eq!(list["total"], found, "{query}");
        let data = list["data"].as_array().unwrap();
        assert_eq!(data.len(), found);
        assert!(data.iter().all(|rsvp| rsvp["status"] == "cancelled"), "{list}");
    }
    let last = server.events(path).await.pop().unwrap();
    assert_eq!(
        (&last["kind"], &last["actor"]),
        (
            &json!("activity_cancelled"),
            &json!(format!("user:{}", host().id))
        )
    );
}

#[tokio::test]
async fn everything_reads_cancelled_at_once_and_after_a_restart() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let people: Vec<Person> = (2..6).map(Person::member).collect();
    for (person, guests) in people.iter().zip([1, 0, 0, 0]) {
        server
            .reserve(&path, person, json!({"guest_count": guests}))
            .await
            .expect(201);
    }
    server
        .delete(&format!("{path}/rsvp"))
        .by(&people[3])
        .send()
        .await
        .expect(200);
    let cancelled = server.delete(&path).by(&host()).send().await;
    assert_eq!(cancelled.headers["etag"], "\"2\"");
    assert_eq!(cancelled.expect(200), server.get(&path).send().await.expect(200));
    expect_everything_cancelled(&server, &path, &people).await;
    let server = server.restart().await;
    expect_everything_cancelled(&server, &path, &people).await;
    server.stop().await;
}

#[tokio::test]
async fn every_further_command_is_gone_and_one_with_its_key_is_answered_as_before() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let (ada, own) = (Person::member(2), format!("{path}/rsvp"));
    let reserve = || server.post(&own).by(&ada).header("idempotency-key", "r").send();
    let end = || {
        server
            .delete(&path)
            .by(&host())
            .header("idempotency-key", "e")
            .send()
    };
    let first = reserve().await.expect(201);
    let ended = end().await.expect(200);
    let by_id = format!("/rsvps/{}", first["rsvp"]["id"].as_str().unwrap());
    for (method, path, person) in [
        (Method::DELETE, &path, host()),
        (Method::PATCH, &path, host()),
        (Method::PUT, &path, Person::admin(9)),
        (Method::POST, &own, Person::member(3)),
        (Method::POST, &own, host()),
        (Method::PATCH, &own, Person::member(2)),
        (Method::DELETE, &own, Person::member(2)),
        (Method::DELETE, &own, Person::member(3)),
        (Method::PUT, &by_id, host()),
        (Method::DELETE, &by_id, host()),
    ] {
        let gone = server.request(method.clone(), path).by(&person).send().await;
        assert_eq!(
            (gone.status, gone.code()),
            (410, "activity_cancelled"),
            "{method} {path}"
        );
    }
    // Who may not do it at all is told that, here too.
    for path in [&path, &by_id] {
        let foreign = server.delete(path).by(&Person::member(3)).send().await;
        foreign.expect_problem(403, "forbidden");
    }
    let again = reserve().await.expect(201);
    assert_eq!((&again["rsvp"], &again["seq"]), (&first["rsvp"], &first["seq"]));
    assert_eq!(again["replayed"], true);
    let again = end().await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(200), ended);
    assert_eq!(server.events(&path).await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn one_activity_ends_and_the_others_go_on() {
    let server = Server::start().await;
    let ended = server.create(&host(), json!({"title": "Ended"})).await;
    let other = server.create(&host(), json!({"title": "Other"})).await;
    let ada = Person::member(2);
    server
        .reserve(&path_of(&other), &ada, json!({}))
        .await
        .expect(201);
    server
        .delete(&path_of(&ended))
        .by(&host())
        .send()
        .await
        .expect(200);
    assert_eq!(server.rsvp(&path_of(&other), &ada).await["status"], "confirmed");
    server
        .delete(&format!("{}/rsvp", path_of(&other)))
        .by(&ada)
        .send()
        .await
        .expect(200);
    server.stop().await;
}
