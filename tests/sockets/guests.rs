//! Guests at the other end: sockets that belong to the manage token of an RSVP.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};

use super::entering::{assert_has, ending, guest, guest_with, manage_claims};
use crate::support::{Person, Server, claims, command, forge, forge_with, host, id_of, with};

/// Somebody without an account who was in, left, and has come back: as the holder of the token that they had before,
/// and of the one that they have now.
async fn back_again(server: &Server, path: &str) -> (Person, Person) {
    let before = guest(server, path, "Grace").await;
    let cancel = server.delete(&format!("{path}/rsvp")).by(&before);
    cancel.send().await.expect(200);
    let now = guest(server, path, "Grace").await;
    assert_eq!(before.id, now.id, "it is the same RSVP");
    (before, now)
}

#[tokio::test]
async fn a_guest_sees_and_commands_the_rsvp_of_the_token() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let grace = guest_with(&server, &path, "Grace", json!({"guest_count": 1})).await;
    let mut socket = server.dial("/ws").open().await;
    let welcome = socket.hello(Some(&grace)).await;
    // A week after the activity has ended.
    let week_ms = (7 * 24 * 60 * 60 + (7 * 24 + 10) * 60 * 60) * 1_000;
    assert_eq!(welcome["token_expires_in_ms"], week_ms);
    let me = socket.subscribe(&path).await["me"].clone();
    assert_has(
        &me["rsvp"],
        json!({"id": grace.id, "user_id": null, "name": "Grace", "email": "grace@example.com"}),
    );
    let args = json!({"name": "Grace Hopper", "guest_count": 0});
    let ok = socket.command(&path, "update", args).await;
    assert_has(
        &ok["rsvp"],
        json!({"name": "Grace Hopper", "guest_count": 0, "version": 2}),
    );
    assert_eq!(socket.hear("me").await["rsvp"], ok["rsvp"]);
    assert_eq!(socket.hear("diff").await["confirmed_spots"], 1);
    let stale = with(command(&path, "c", "cancel", json!({})), json!({"if_version": 1}));
    assert_eq!(socket.ask(stale).await["code"], "version_conflict");
    let ok = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(ok["rsvp"]["cancel_reason"], "by_attendee");
    assert_eq!(socket.hear("me").await["rsvp"]["status"], "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn only_guests_change_their_names() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = Person::member(2);
    let grace = guest(&server, &path, "Grace").await;
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let mut adas = server.socket(Some(&ada)).await;
    let mut graces = server.packed_socket(Some(&grace)).await;
    for (of_guest, name) in [(false, "Ada"), (true, "<b>"), (true, " "), (true, "")] {
        let socket = if of_guest { &mut graces } else { &mut adas };
        let refused = socket.command(&path, "update", json!({"name": name})).await;
        assert_eq!(refused["errors"][0]["field"], "name", "{refused}");
    }
    let ok = graces.command(&path, "update", json!({"name": "G."})).await;
    assert_eq!(ok["rsvp"]["name"], "G.");
    server.stop().await;
}

#[tokio::test]
async fn a_guest_comes_in_by_rest_and_not_over_the_socket() {
    let server = Server::start().await;
    let (path, other) = (server.open(json!({})).await, server.open(json!({})).await);
    let grace = guest(&server, &path, "Grace").await;
    let mut socket = server.socket(Some(&grace)).await;
    for path in [&path, &other] {
        let refused = socket.command(path, "reserve", json!({})).await;
        assert_has(&refused, json!({"code": "forbidden", "retry": "never"}));
    }
    for (op, args) in [
        ("set_capacity", json!({"capacity": 9})),
        ("check_in", json!({"rsvp": grace.id})),
        ("remove", json!({"rsvps": [grace.id]})),
    ] {
        assert_eq!(socket.command(&path, op, args).await["code"], "forbidden", "{op}");
    }
    server.stop().await;
}

#[tokio::test]
async fn elsewhere_a_guest_looks_on_without_an_rsvp() {
    let server = Server::start().await;
    let (path, other) = (server.open(json!({})).await, server.open(json!({})).await);
    let grace = guest(&server, &path, "Grace").await;
    let mut socket = server.socket(Some(&grace)).await;
    let subscribed = socket.subscribe(&other).await;
    assert_eq!(subscribed.get("me"), Some(&Value::Null), "{subscribed}");
    server
        .reserve(&other, &Person::member(2), json!({}))
        .await
        .expect(201);
    assert_eq!(socket.hear("diff").await["confirmed_spots"], 1);
    for (op, args) in [("update", json!({"guest_count": 1})), ("cancel", json!({}))] {
        assert_eq!(
            socket.command(&other, op, args).await["code"],
            "not_found",
            "{op}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_manage_token_that_does_not_hold_is_told_and_ends_the_socket() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let grace = guest(&server, &path, "Grace").await;
    let good = manage_claims(&server, &grace.id);
    let header = Header::new(Algorithm::HS256);
    let foreign_key = Header {
        kid: Some("x".into()),
        ..header.clone()
    };
    let registered = server.register("Ada").await;
    let refresh = registered["refresh_token"].as_str().unwrap().to_owned();
    for (why, token, code, goodbye) in [
        (
            "not ours",
            forge_with(&header, &good, &"x".repeat(40)),
            "unauthenticated",
            4001,
        ),
        (
            "another key",
            forge_with(&foreign_key, &good, crate::support::SECRET),
            "unauthenticated",
            4001,
        ),
        (
            "no generation",
            forge(&with(good.clone(), json!({"gen": null}))),
            "unauthenticated",
            4001,
        ),
        (
            "no RSVP",
            forge(&with(good.clone(), json!({"sub": "grace"}))),
            "unauthenticated",
            4001,
        ),
        (
            "for access",
            forge(&with(good.clone(), json!({"aud": "turnout"}))),
            "unauthenticated",
            4001,
        ),
        (
            "for something else",
            forge(&with(good.clone(), json!({"aud": "turnout-qr"}))),
            "unauthenticated",
            4001,
        ),
        (
            "cut off",
            grace.token[..grace.token.len() - 9].to_owned(),
            "unauthenticated",
            4001,
        ),
        ("for refreshing", refresh, "unauthenticated", 4001),
        (
            "over",
            ending(&server, &grace.id, 0),
            "manage_token_expired",
            4001,
        ),
        (
            "long over",
            ending(&server, &grace.id, -1_000_000),
            "manage_token_expired",
            4001,
        ),
    ] {
        let mut socket = server.dial("/ws").open().await;
        socket.say(json!({"type": "hello", "token": token})).await;
        let error = socket.hear("error").await;
        assert_eq!(
            (&error["code"], &error["retry"]),
            (&json!(code), &json!("never")),
            "{why}"
        );
        assert_eq!(socket.goodbye().await, goodbye, "{why}");

        let bearer = format!("Bearer {token}");
        let dial = server.dial("/ws").header("authorization", &bearer);
        let (status, problem) = dial.try_open().await.err().unwrap();
        let expected = if code == "manage_token_expired" { 410 } else { 401 };
        assert_eq!((status, &problem["code"]), (expected, &json!(code)), "{why}");

        let mut nobody = server.socket(None).await;
        let refused = nobody
            .ask(json!({"type": "auth", "id": "a", "token": token}))
            .await;
        assert_eq!(refused["code"], code, "{why}");
        assert_eq!(
            nobody.subscribe(&path).await["type"],
            "subscribed",
            "the socket goes on"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_handshake_may_bring_a_manage_token() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let grace = guest(&server, &path, "Grace").await;
    let mut socket = server.dial("/ws").by(&grace).open().await;
    assert!(socket.hello(None).await["token_expires_in_ms"].is_u64());
    assert_eq!(
        socket.subscribe(&path).await["me"]["rsvp"]["id"],
        grace.id.as_str()
    );

    let mut live = server.dial(&format!("{path}/capacity")).by(&grace).open().await;
    live.hear("welcome").await;
    assert_eq!(
        live.hear("subscribed").await["me"]["rsvp"]["id"],
        grace.id.as_str()
    );
    server.stop().await;
}

#[tokio::test]
async fn a_guest_follows_the_own_rsvp_by_its_address_and_no_other() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let grace = guest(&server, &path, "Grace").await;
    let heidi = guest(&server, &path, "Heidi").await;
    let status = format!("/rsvps/{}/status", grace.id);
    let mut socket = server.dial(&status).open().await;
    socket.hello(Some(&grace)).await;
    assert_eq!(socket.hear("subscribed").await["me"]["rsvp"]["name"], "Grace");
    socket.command(&path, "update", json!({"guest_count": 2})).await;
    assert_eq!(socket.hear("me").await["rsvp"]["guest_count"], 2);

    let mut other = server.dial(&status).open().await;
    other.hello(Some(&heidi)).await;
    assert_has(&other.hear("error").await, json!({"code": "not_found"}));
    assert_eq!(other.goodbye().await, 4003);

    let (before, _) = back_again(&server, &server.open(json!({})).await).await;
    let mut late = server.dial(&format!("/rsvps/{}/status", before.id)).open().await;
    late.hello(Some(&before)).await;
    assert_has(&late.hear("error").await, json!({"code": "token_revoked"}));
    assert_eq!(late.goodbye().await, 4003);
    server.stop().await;
}

#[tokio::test]
async fn a_guest_says_once_who_an_anonymous_socket_belongs_to() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let grace = guest(&server, &path, "Grace").await;
    let heidi = guest(&server, &path, "Heidi").await;
    let auth = |person: &Person| json!({"type": "auth", "id": "a", "token": person.token});
    let mut socket = server.socket(None).await;
    socket.subscribe(&path).await;
    assert!(socket.ask(auth(&grace)).await["token_expires_in_ms"].is_u64());
    assert_eq!(socket.hear("me").await["rsvp"]["name"], "Grace");
    for other in [&heidi, &Person::member(2)] {
        assert_eq!(socket.ask(auth(other)).await["code"], "forbidden");
    }
    assert_eq!(socket.ask(auth(&grace)).await["type"], "ok", "the same once more");
    let mut adas = server.socket(Some(&Person::member(2))).await;
    assert_eq!(adas.ask(auth(&grace)).await["code"], "forbidden");
    assert_eq!(
        socket.command(&path, "cancel", json!({})).await["rsvp"]["name"],
        "Grace"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_token_of_an_earlier_time_is_revoked_wherever_it_would_matter() {
    let server = Server::start().await;
    let (path, other) = (server.open(json!({})).await, server.open(json!({})).await);
    let (before, now) = back_again(&server, &path).await;
    let mut socket = server.socket(Some(&before)).await;
    let revoked = json!({"code": "token_revoked", "activity": id_of(&path), "retry": "never"});
    assert_has(&socket.subscribe(&path).await, revoked.clone());
    for (op, args) in [
        ("update", json!({"guest_count": 1})),
        ("cancel", json!({})),
        ("accept", json!({})),
        ("decline", json!({})),
    ] {
        assert_has(&socket.command(&path, op, args).await, revoked.clone());
    }
    assert_eq!(
        socket.subscribe(&other).await["type"],
        "subscribed",
        "the socket stays"
    );
    let auth = json!({"type": "auth", "id": "a", "token": now.token});
    assert_eq!(socket.ask(auth).await["type"], "ok", "it is the same person");
    assert_eq!(socket.subscribe(&path).await["me"]["rsvp"]["status"], "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn whoever_comes_back_elsewhere_is_not_followed_by_the_token_of_before() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let grace = guest(&server, &path, "Grace").await;
    let mut socket = server.socket(Some(&grace)).await;
    socket.subscribe(&path).await;
    let ok = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(ok["type"], "ok");
    assert_eq!(socket.hear("me").await["rsvp"]["status"], "cancelled");
    socket.hear("diff").await;
    guest(&server, &path, "Grace").await;
    let error = socket.hear("error").await;
    assert_has(&error, json!({"code": "token_revoked", "activity": id_of(&path)}));
    assert!(error.get("id").is_none(), "{error}");
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    assert!(socket.hears_nothing().await);
    server.stop().await;
}

#[tokio::test]
async fn the_end_of_a_manage_token_is_announced_and_then_ends_the_socket() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let grace = guest(&server, &path, "Grace").await;
    let mut socket = server.dial("/ws").open().await;
    let token = ending(&server, &grace.id, 2);
    socket.say(json!({"type": "hello", "token": token})).await;
    assert!(
        socket.hear("welcome").await["token_expires_in_ms"]
            .as_u64()
            .unwrap()
            <= 2_000
    );
    assert!(socket.hear("expiring").await["in_ms"].as_u64().unwrap() <= 2_000);
    assert_has(
        &socket.hear("error").await,
        json!({"code": "manage_token_expired", "retry": "never"}),
    );
    assert_eq!(
        socket.goodbye().await,
        4001,
        "there is no other one to come back with"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_guest_has_so_many_sockets() {
    let server = Server::start_with(|config| config.socket_limits.per_person = 2).await;
    let path = server.open(json!({"capacity": 9})).await;
    let grace = guest(&server, &path, "Grace").await;
    let heidi = guest(&server, &path, "Heidi").await;
    let _open = [
        server.socket(Some(&grace)).await,
        server.socket(Some(&grace)).await,
    ];
    let mut third = server.dial("/ws").open().await;
    third.say(json!({"type": "hello", "token": grace.token})).await;
    assert_eq!(third.goodbye().await, 4109);
    server.socket(Some(&heidi)).await;
    server.stop().await;
}

#[tokio::test]
async fn a_private_activity_is_seen_by_its_guests_until_the_host_takes_them_out() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let grace = guest(&server, &path, "Grace").await;
    let stranger = guest(&server, &server.open(json!({})).await, "Mallory").await;
    let patch = server.patch(&path).by(&host());
    patch
        .json(&json!({"visibility": "private"}))
        .send()
        .await
        .expect(200);
    let mut outside = server.socket(Some(&stranger)).await;
    assert_eq!(outside.subscribe(&path).await["code"], "not_found");
    let mut socket = server.socket(Some(&grace)).await;
    assert_eq!(socket.subscribe(&path).await["me"]["rsvp"]["name"], "Grace");
    let remove = server.delete(&format!("/rsvps/{}", grace.id)).by(&host());
    remove.send().await.expect(200);
    assert_has(
        &socket.hear("error").await,
        json!({"code": "not_found", "activity": id_of(&path)}),
    );
    assert_eq!(
        socket.command(&path, "cancel", json!({})).await["code"],
        "not_found"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_key_of_a_guest_means_the_same_over_both() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let grace = guest(&server, &path, "Grace").await;
    let update = server
        .patch(&format!("{path}/rsvp"))
        .by(&grace)
        .header("idempotency-key", "k");
    let first = update.json(&json!({"guest_count": 2})).send().await.expect(200);
    let mut socket = server.socket(Some(&grace)).await;
    let keyed = |op: &str, args: Value| with(command(&path, "k", op, args), json!({"key": "k"}));
    let again = socket.ask(keyed("update", json!({"guest_count": 2}))).await;
    assert_has(
        &again,
        json!({"replayed": true, "seq": first["seq"], "rsvp": first["rsvp"]}),
    );
    let other = socket.ask(keyed("cancel", json!({}))).await;
    assert_eq!(other["code"], "key_reused");
    server.stop().await;
}

#[tokio::test]
async fn an_access_token_that_names_an_rsvp_is_no_manage_token() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let grace = guest(&server, &path, "Grace").await;
    let token = forge(&with(
        claims(server.clock.now_s()),
        json!({"sub": grace.id, "gen": 1}),
    ));
    let mut socket = server.dial("/ws").open().await;
    socket.say(json!({"type": "hello", "token": token})).await;
    socket.hear("welcome").await;
    assert_eq!(socket.subscribe(&path).await.get("me"), Some(&Value::Null));
    assert_eq!(
        socket.command(&path, "cancel", json!({})).await["code"],
        "not_found"
    );
    server.stop().await;
}
