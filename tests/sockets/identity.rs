//! Who is at the other end, and for how long.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use crate::support::{Person, Server, claims, forge, forge_with, with};

fn token(server: &Server, more: Value) -> String {
    forge(&with(claims(server.clock.now_s()), more))
}

#[tokio::test]
async fn a_bad_token_is_told_and_ends_the_socket() {
    let server = Server::start().await;
    let header = Header::new(Algorithm::HS256);
    let forged = forge_with(&header, &claims(server.clock.now_s()), &"x".repeat(40));
    for (token, code, goodbye) in [
        ("nonsense".to_owned(), "unauthenticated", 4001),
        (forged, "unauthenticated", 4001),
        (token(&server, json!({"exp": 1_000})), "token_expired", 4200),
        (
            token(&server, json!({"aud": "turnout-manage"})),
            "unauthenticated",
            4001,
        ),
    ] {
        let mut socket = server.dial("/ws").open().await;
        socket.say(json!({"type": "hello", "token": token})).await;
        let error = socket.hear("error").await;
        assert_eq!((&error["code"], &error["retry"]), (&json!(code), &json!("never")));
        assert_eq!(socket.goodbye().await, goodbye, "{code}");
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_does_not_say_hello_first_is_sent_away() {
    let server = Server::start().await;
    let mut socket = server.dial("/ws").open().await;
    socket
        .say(json!({"type": "visibility", "id": "v", "hidden": true}))
        .await;
    assert_eq!(socket.hear("error").await["code"], "unauthenticated");
    assert_eq!(socket.goodbye().await, 4001);
    let mut silent = server.dial("/ws").open().await;
    assert_eq!(silent.goodbye().await, 4001, "after some seconds");
    server.stop().await;
}

#[tokio::test]
async fn a_log_out_ends_the_sockets_of_its_session() {
    let server = Server::start().await;
    let ada = server.register("Ada").await;
    let session = |body: &Value| body["token"].as_str().unwrap().to_owned();
    let mut socket = server.dial("/ws").open().await;
    socket.say(json!({"type": "hello", "token": session(&ada)})).await;
    socket.hear("welcome").await;
    let bob = server.register("Bob").await;
    let mut other = server.dial("/ws").open().await;
    other.say(json!({"type": "hello", "token": session(&bob)})).await;
    other.hear("welcome").await;

    server
        .post("/auth/logout")
        .token(&session(&ada))
        .send()
        .await
        .expect(204);
    assert_eq!(socket.goodbye().await, 4004);
    assert!(other.hears_nothing().await, "others stay");
    let mut late = server.dial("/ws").open().await;
    late.say(json!({"type": "hello", "token": session(&ada)})).await;
    assert_eq!(late.hear("error").await["code"], "token_revoked");
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_refreshed_in_place_and_only_by_the_same_person() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let (ada, bob) = (Person::member(2), Person::member(3));
    let mut socket = server.socket(None).await;
    socket.subscribe(&path).await;
    let ok = socket
        .ask(json!({"type": "auth", "id": "a", "token": ada.token}))
        .await;
    assert!(ok["token_expires_in_ms"].is_u64(), "{ok}");
    let me = socket.hear("me").await;
    assert_eq!((&me["rsvp"], &me["seq"]), (&Value::Null, &json!(0)));
    let other = socket
        .ask(json!({"type": "auth", "id": "b", "token": bob.token}))
        .await;
    assert_eq!(other["code"], "forbidden");
    let again = socket
        .ask(json!({"type": "auth", "id": "c", "token": ada.token}))
        .await;
    assert_eq!(again["type"], "ok");
    let bad = socket
        .ask(json!({"type": "auth", "id": "d", "token": "nonsense"}))
        .await;
    assert_eq!(bad["code"], "unauthenticated");
    // The identity that it had stays.
    assert_eq!(socket.command(&path, "reserve", json!({})).await["seq"], 1);
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_ends_is_announced_and_then_ends_the_socket() {
    let server = Server::start().await;
    let now_s = server.clock.now_s();
    let mut socket = server.dial("/ws").open().await;
    let token = token(&server, json!({"exp": now_s + 2}));
    socket.say(json!({"type": "hello", "token": token})).await;
    socket.hear("welcome").await;
    let expiring = socket.hear("expiring").await;
    assert!(expiring["in_ms"].as_u64().unwrap() <= 2_000, "{expiring}");
    assert_eq!(socket.goodbye().await, 4200);
    server.stop().await;
}
