//! Idempotency keys: whatever is sent again under its key happens once and is answered as before.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Person, Server, host, usual_activity, with};

/// The same command with the same key.
async fn keyed(server: &Server, method: Method, path: &str, key: &str, body: Value) -> Answer {
    let request = server.request(method, path).by(&Person::member(2));
    request.header("idempotency-key", key).json(&body).send().await
}

#[tokio::test]
async fn a_command_with_the_same_key_is_answered_again_also_after_a_restart() {
    let mut server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let own = format!("{path}/rsvp");
    let commands = [
        (Method::POST, "k-1", json!({"guest_count": 1})),
        (Method::PATCH, "k-2", json!({"guest_count": 2})),
        (Method::DELETE, "k-3", json!({})),
        (Method::POST, "k 4 ~", json!({"guest_count": 0})),
    ];
    let mut first = Vec::new();
    for (method, key, body) in &commands {
        let answer = keyed(&server, method.clone(), &own, key, body.clone()).await;
        assert_eq!(answer.body["replayed"], false);
        first.push(answer);
    }
    server
        .reserve(&path, &Person::member(3), json!({}))
        .await
        .expect(201);
    let counts = server.get(&path).send().await.expect(200);
    let events = server.events(&path).await;
    for restart in [false, true] {
        if restart {
            server = server.restart().await;
        }
        for ((method, key, body), first) in commands.iter().zip(&first) {
            // A precondition that no longer holds does not matter: the command was carried out.
            let request = server.request(method.clone(), &own).by(&Person::member(2));
            let request = request.header("idempotency-key", key);
            let request = if *method == Method::POST {
                request
            } else {
                request.header("if-match", "\"9\"")
            };
            let again = request.json(body).send().await;
            assert_eq!(again.status, first.status);
            assert_eq!(again.headers["etag"], first.headers["etag"]);
            for member in ["rsvp", "seq"] {
                assert_eq!(again.body[member], first.body[member], "{key}: {member}");
            }
            assert_eq!(again.body["replayed"], true);
            assert_eq!(again.body["counts"]["seq"], counts["seq"], "counts are current");
        }
        let other = keyed(&server, Method::POST, &own, "k-1", json!({"guest_count": 2})).await;
        other.expect_problem(422, "key_reused");
        let other = keyed(&server, Method::DELETE, &own, "k-1", json!({})).await;
        other.expect_problem(422, "key_reused");
    }
    assert_eq!(server.events(&path).await, events);
    server.stop().await;
}

#[tokio::test]
async fn a_key_is_scoped_to_person_and_activity_and_a_refusal_is_judged_anew() {
    let server = Server::start().await;
    let (path, elsewhere) = (
        server.open(json!({"capacity": 1})).await,
        server.open(json!({})).await,
    );
    let (ada, key) = (Person::member(2), ("idempotency-key", "same"));
    let reserve = |path: &str, person: &Person| {
        let request = server.post(&format!("{path}/rsvp")).by(person);
        request
            .header(key.0, key.1)
            .json(&json!({"guest_count": 1}))
            .send()
    };
    reserve(&path, &ada).await.expect_problem(422, "party_too_large");
    reserve(&elsewhere, &ada).await.expect(201);
    server
        .patch(&path)
        .by(&host())
        .json(&json!({"capacity": 2}))
        .send()
        .await
        .expect(200);
    for person in [&ada, &Person::member(3)] {
        assert_eq!(reserve(&path, person).await.expect(201)["replayed"], false);
    }
    server.stop().await;
}

#[tokio::test]
async fn creating_twice_with_one_key_makes_one_activity() {
    let server = Server::start().await;
    let create = |server: &Server, person: &Person, body: Value| {
        let request = server.post("/activities").by(person);
        request.header("idempotency-key", "same").json(&body).send()
    };
    let first = create(&server, &host(), usual_activity()).await;
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let first = first.expect(201);
    // In other words the same: defaults that are spelt out, another offset.
    let same = json!({"max_guests": 10, "description": null, "starts_at": "2026-05-08T20:00:00+02:00"});
    let again = create(&server, &host(), with(usual_activity(), same)).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(201), first);

    let server = server.restart().await;
    let again = create(&server, &host(), usual_activity()).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(201), first);
    let other = create(&server, &host(), with(usual_activity(), json!({"capacity": 3}))).await;
    other.expect_problem(422, "key_reused");
    // A key is its person's own.
    let foreign = create(&server, &Person::member(2), usual_activity())
        .await
        .expect(201);
    assert_ne!(foreign["id"], first["id"]);
    server.stop().await;
}

#[tokio::test]
async fn a_change_with_a_key_happens_once() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let change = |title: &str| {
        let request = server.patch(&path).by(&host()).header("idempotency-key", "k");
        request.json(&json!({"title": title})).send()
    };
    let first = change("Recital").await.expect(200);
    let again = change("Recital").await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.expect(200), first);
    change("Opera").await.expect_problem(422, "key_reused");
    server.stop().await;
}
