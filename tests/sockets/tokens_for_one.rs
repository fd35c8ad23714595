//! Tokens that come with a subscription: who is there for one activity alone, beside whoever the socket belongs to.

use serde_json::{Value, json};

use super::entering::{assert_has, ending, guest, manage_claims};
use crate::support::{Person, Server, Socket, claims, command, forge, forge_with, host, id_of, with};

fn subscribe(path: &str, token: &str) -> Value {
    json!({"type": "subscribe", "id": "t", "activity": id_of(path), "token": token})
}

async fn follow(socket: &mut Socket, path: &str, person: &Person) -> Value {
    socket.ask(subscribe(path, &person.token)).await
}

/// An activity with somebody who has an account, and with somebody who has none.
async fn with_both(server: &Server) -> (String, Person, Person) {
    let path = server.open(json!({"capacity": 9})).await;
    let ada = Person::named(2, "Ada");
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let grace = guest(server, &path, "Grace").await;
    (path, ada, grace)
}

/// Whose RSVP a command without arguments is about: this one changes it a little.
async fn whose(socket: &mut Socket, path: &str) -> Value {
    let args = json!({"special_requirements": "a chair"});
    socket.command(path, "update", args).await["rsvp"]["name"].clone()
}

#[tokio::test]
async fn its_holder_sees_and_commands_the_activity_until_it_is_unsubscribed() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let other = server.open(json!({})).await;
    server.reserve(&other, &ada, json!({})).await.expect(201);
    let mut socket = server.socket(Some(&ada)).await;
    assert_eq!(socket.subscribe(&path).await["me"]["rsvp"]["name"], "Ada");
    let subscribed = follow(&mut socket, &path, &grace).await;
    assert_eq!(subscribed["me"]["rsvp"]["name"], "Grace", "it begins anew");
    assert_eq!(socket.subscribe(&other).await["me"]["rsvp"]["name"], "Ada");
    assert_eq!(whose(&mut socket, &path).await, "Grace");
    let me = socket.hear("me").await;
    assert_has(
        &me["rsvp"],
        json!({"name": "Grace", "special_requirements": "a chair"}),
    );
    assert_eq!(whose(&mut socket, &other).await, "Ada");
    assert_eq!(
        socket.command(&path, "reserve", json!({})).await["code"],
        "forbidden"
    );

    socket.unsubscribe(&path).await;
    assert_eq!(whose(&mut socket, &path).await, "Ada");
    assert_eq!(socket.subscribe(&path).await["me"]["rsvp"]["name"], "Ada");
    server.stop().await;
}

#[tokio::test]
async fn to_subscribe_again_without_one_ends_it() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let mut socket = server.packed_socket(Some(&ada)).await;
    follow(&mut socket, &path, &grace).await;
    assert_eq!(socket.subscribe(&path).await["me"]["rsvp"]["name"], "Ada");
    assert_eq!(whose(&mut socket, &path).await, "Ada");
    server.stop().await;
}

#[tokio::test]
async fn hello_may_bring_it_and_the_socket_may_belong_to_nobody() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let other = server.open(json!({})).await;
    let mut socket = server.dial("/ws").open().await;
    let wanted = json!([{"activity": id_of(&path), "token": grace.token}, {"activity": id_of(&other)}]);
    socket.say(json!({"type": "hello", "subscribe": wanted})).await;
    assert!(socket.hear("welcome").await.get("token_expires_in_ms").is_none());
    assert_eq!(socket.hear("subscribed").await["me"]["rsvp"]["name"], "Grace");
    assert!(
        socket.hear("subscribed").await.get("me").is_none(),
        "there is nobody in particular here"
    );
    assert_eq!(whose(&mut socket, &path).await, "Grace");
    let refused = socket.command(&other, "reserve", json!({})).await;
    assert_eq!(refused["code"], "unauthenticated");

    // Whoever the socket belongs to from now on, this activity is followed for somebody else.
    let auth = json!({"type": "auth", "id": "a", "token": ada.token});
    assert_eq!(socket.ask(auth).await["type"], "ok");
    assert_eq!(whose(&mut socket, &path).await, "Grace");
    let me = socket.wait_for("me").await;
    assert_eq!(
        (&me["activity"], &me["rsvp"]["name"]),
        (&json!(id_of(&path)), &json!("Grace"))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_access_token_is_as_good() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let mut socket = server.socket(Some(&grace)).await;
    assert_eq!(
        follow(&mut socket, &path, &ada).await["me"]["rsvp"]["name"],
        "Ada"
    );
    assert_eq!(whose(&mut socket, &path).await, "Ada");
    let other = server.open(json!({})).await;
    assert_eq!(
        follow(&mut socket, &other, &host()).await.get("me"),
        Some(&Value::Null)
    );
    let ok = socket
        .command(&other, "set_capacity", json!({"capacity": 7}))
        .await;
    assert_eq!(ok["counts"]["capacity"], 7);
    server.stop().await;
}

#[tokio::test]
async fn it_lets_its_holder_know_of_a_private_activity() {
    let server = Server::start().await;
    let (path, _, grace) = with_both(&server).await;
    let patch = server.patch(&path).by(&host());
    patch
        .json(&json!({"visibility": "private"}))
        .send()
        .await
        .expect(200);
    let mut socket = server.socket(Some(&Person::member(7))).await;
    assert_eq!(socket.subscribe(&path).await["code"], "not_found");
    assert_eq!(
        follow(&mut socket, &path, &grace).await["me"]["rsvp"]["name"],
        "Grace"
    );
    let stranger = guest(&server, &server.open(json!({})).await, "Mallory").await;
    let refused = follow(&mut socket, &path, &stranger).await;
    assert_eq!(refused["code"], "not_found", "not even that there is one");
    server.stop().await;
}

#[tokio::test]
async fn one_that_does_not_hold_is_told_and_the_socket_stays() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let good = manage_claims(&server, &grace.id);
    let header = jsonwebtoken::Header::default();
    let registered = server.register("Bob").await;
    let revoked = registered["token"].as_str().unwrap().to_owned();
    server
        .post("/auth/logout")
        .token(&revoked)
        .send()
        .await
        .expect(204);
    let stranger = guest(&server, &server.open(json!({})).await, "Mallory").await;
    let expired = forge(&with(claims(server.clock.now_s()), json!({"exp": 1_000})));
    let mut socket = server.socket(Some(&ada)).await;
    for (why, token, code, command_code) in [
        (
            "nothing of ours",
            "nonsense".to_owned(),
            "unauthenticated",
            "unauthenticated",
        ),
        ("empty", String::new(), "unauthenticated", "unauthenticated"),
        (
            "another secret",
            forge_with(&header, &good, &"x".repeat(40)),
            "unauthenticated",
            "unauthenticated",
        ),
        (
            "for something else",
            forge(&with(good.clone(), json!({"aud": "turnout-qr"}))),
            "unauthenticated",
            "unauthenticated",
        ),
        (
            "a guest's that is over",
            ending(&server, &grace.id, 0),
            "manage_token_expired",
            "manage_token_expired",
        ),
        ("one that is over", expired, "token_expired", "token_expired"),
        (
            "of a session that has ended",
            revoked,
            "token_revoked",
            "token_revoked",
        ),
        (
            "of an earlier time",
            forge(&with(good.clone(), json!({"gen": 0}))),
            "token_revoked",
            "token_revoked",
        ),
        (
            "of a later time",
            forge(&with(good.clone(), json!({"gen": 2}))),
            "token_revoked",
            "token_revoked",
        ),
        ("for another activity", stranger.token, "forbidden", "not_found"),
    ] {
        assert_eq!(socket.subscribe(&path).await["type"], "subscribed", "{why}");
        let refused = socket.ask(subscribe(&path, &token)).await;
        let error = json!({"type": "error", "code": code, "activity": id_of(&path), "retry": "never"});
        assert_has(&refused, error);
        // What was meant to be said by its holder is not taken as said by somebody else.
        let refused = socket.command(&path, "cancel", json!({})).await;
        assert_eq!(refused["code"], command_code, "{why}");
        server
            .reserve(&path, &Person::member(50), json!({}))
            .await
            .expect(201);
        assert!(
            socket.hears_nothing().await,
            "{why}: the activity is not followed any more"
        );
        let leave = server.delete(&format!("{path}/rsvp")).by(&Person::member(50));
        leave.send().await.expect(200);
        socket.unsubscribe(&path).await;
        assert_eq!(whose(&mut socket, &path).await, "Ada", "{why}");
    }
    server.stop().await;
}

#[tokio::test]
async fn commands_need_not_wait_for_the_subscription() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    // So that the subscription has to wait.
    let server = server.restart().await;
    let mut socket = server.socket(Some(&ada)).await;
    let update = |id: &str| command(&path, id, "update", json!({"guest_count": 1}));
    let unsubscribe = json!({"type": "unsubscribe", "id": "u", "activity": id_of(&path)});
    let all = [
        update("before"),
        subscribe(&path, &grace.token),
        update("for"),
        unsubscribe,
        update("after"),
    ];
    socket.say_together(&all).await;
    for (id, name) in [("before", "Ada"), ("for", "Grace"), ("after", "Ada")] {
        let ok = loop {
            let message = socket.next().await.unwrap();
            if message["id"] == id {
                break message;
            }
        };
        assert_eq!(ok["rsvp"]["name"], name, "{ok}");
    }
    server.stop().await;
}

#[tokio::test]
async fn its_end_ends_the_subscription_and_not_the_socket() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let now_s = server.clock.now_s();
    let access = forge(&with(claims(now_s), json!({"exp": now_s + 2})));
    for (token, code) in [
        (ending(&server, &grace.id, 2), "manage_token_expired"),
        (access, "token_expired"),
    ] {
        let mut socket = server.socket(Some(&ada)).await;
        assert_eq!(socket.ask(subscribe(&path, &token)).await["type"], "subscribed");
        let error = socket.hear("error").await;
        assert_has(
            &error,
            json!({"code": code, "activity": id_of(&path), "retry": "never"}),
        );
        assert!(error.get("id").is_none(), "{error}");
        let refused = socket.command(&path, "cancel", json!({})).await;
        assert_eq!(refused["code"], code);
        socket.unsubscribe(&path).await;
        assert_eq!(whose(&mut socket, &path).await, "Ada");
    }
    server.stop().await;
}

#[tokio::test]
async fn its_end_is_seen_by_the_calendar_too() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let mut socket = server.socket(Some(&ada)).await;
    let token = ending(&server, &grace.id, 60);
    assert_eq!(socket.ask(subscribe(&path, &token)).await["type"], "subscribed");
    server.clock.advance_s(60);
    let refused = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(refused["code"], "manage_token_expired");
    // News are for its holder alone, who is not there any more.
    let change = server.patch(&format!("/rsvps/{}", grace.id)).by(&host());
    change.json(&json!({"guest_count": 1})).send().await.expect(200);
    assert_has(
        &socket.hear("error").await,
        json!({"code": "manage_token_expired"}),
    );
    assert!(socket.hears_nothing().await);
    server.stop().await;
}

#[tokio::test]
async fn a_log_out_ends_what_is_followed_with_its_session() {
    let server = Server::start().await;
    let (path, ada, _) = with_both(&server).await;
    let bob = server.register("Bob").await;
    let token = bob["token"].as_str().unwrap().to_owned();
    let mut socket = server.socket(Some(&ada)).await;
    assert_eq!(socket.ask(subscribe(&path, &token)).await["type"], "subscribed");
    server.post("/auth/logout").token(&token).send().await.expect(204);
    let error = socket.hear("error").await;
    assert_has(&error, json!({"code": "token_revoked", "activity": id_of(&path)}));
    let refused = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(refused["code"], "token_revoked");
    socket.unsubscribe(&path).await;
    assert_eq!(whose(&mut socket, &path).await, "Ada");
    server.stop().await;
}

#[tokio::test]
async fn whoever_comes_back_needs_the_new_one() {
    let server = Server::start().await;
    let (path, ada, grace) = with_both(&server).await;
    let mut socket = server.socket(Some(&ada)).await;
    follow(&mut socket, &path, &grace).await;
    socket.command(&path, "cancel", json!({})).await;
    assert_eq!(socket.hear("me").await["rsvp"]["status"], "cancelled");
    socket.hear("diff").await;
    let again = guest(&server, &path, "Grace").await;
    assert_has(
        &socket.hear("error").await,
        json!({"code": "token_revoked", "activity": id_of(&path)}),
    );
    assert_eq!(
        socket.command(&path, "cancel", json!({})).await["code"],
        "token_revoked"
    );
    assert_eq!(
        follow(&mut socket, &path, &again).await["me"]["rsvp"]["status"],
        "confirmed"
    );
    assert_eq!(whose(&mut socket, &path).await, "Grace");
    server.stop().await;
}

#[tokio::test]
async fn a_socket_holds_so_many() {
    let server = Server::start().await;
    let mut socket = server.socket(None).await;
    let nowhere = |n: u128| format!("/activities/00000000-0000-4000-8000-{n:012}");
    for n in 0..32 {
        let refused = socket.ask(subscribe(&nowhere(n), "nonsense")).await;
        assert_eq!(refused["code"], "unauthenticated");
    }
    let refused = socket.ask(subscribe(&nowhere(32), "nonsense")).await;
    assert_has(&refused, json!({"code": "too_many_subscriptions", "limit": 32}));
    let again = socket.ask(subscribe(&nowhere(0), "nonsense")).await;
    assert_eq!(again["code"], "unauthenticated", "in place of the one before");
    socket.unsubscribe(&nowhere(0)).await;
    let refused = socket.ask(subscribe(&nowhere(32), "nonsense")).await;
    assert_eq!(refused["code"], "unauthenticated");
    server.stop().await;
}
