//! Commands over sockets: the same as over REST.

use serde_json::{Value, json};

use crate::support::{Person, Server, command, host, id_of, with};

#[tokio::test]
async fn a_command_is_answered_like_its_request() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let ada = Person::member(2);
    let mut socket = server.socket(Some(&ada)).await;
    let ok = socket.command(&path, "reserve", json!({"guest_count": 1})).await;
    assert_eq!(
        (&ok["type"], &ok["seq"], &ok["replayed"]),
        (&json!("ok"), &json!(1), &json!(false))
    );
    assert_eq!(ok["rsvp"], server.rsvp(&path, &ada).await);
    assert_eq!(ok["counts"]["available_spots"], 0);

    let args = json!({"guest_count": 0, "special_requirements": "a chair"});
    let ok = socket.command(&path, "update", args).await;
    assert_eq!(ok["rsvp"]["special_requirements"], "a chair");
    let stale = with(command(&path, "c", "cancel", json!({})), json!({"if_version": 1}));
    let conflict = socket.ask(stale).await;
    assert_eq!(
        (&conflict["code"], &conflict["retry"]),
        (&json!("version_conflict"), &json!("never"))
    );
    assert_eq!(conflict["current"]["version"], 2);
    let ok = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(ok["rsvp"]["status"], "cancelled");
    let again = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(again["code"], "already_cancelled");
    server.stop().await;
}

#[tokio::test]
async fn a_key_means_the_same_over_both() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let ada = Person::member(2);
    let reserve = server
        .post(&format!("{path}/rsvp"))
        .by(&ada)
        .header("idempotency-key", "k");
    let first = reserve.json(&json!({})).send().await.expect(201);
    let mut socket = server.socket(Some(&ada)).await;
    let keyed = |op: &str, args: Value| with(command(&path, "again", op, args), json!({"key": "k"}));
    let again = socket.ask(keyed("reserve", json!({}))).await;
    assert_eq!((&again["replayed"], &again["key"]), (&json!(true), &json!("k")));
    assert_eq!((&again["seq"], &again["rsvp"]), (&first["seq"], &first["rsvp"]));
    let other = socket.ask(keyed("cancel", json!({}))).await;
    assert_eq!(
        (&other["code"], &other["key"]),
        (&json!("key_reused"), &json!("k"))
    );
    server.stop().await;
}

#[tokio::test]
async fn commands_of_one_socket_are_decided_in_the_order_in_which_they_were_sent() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    // So that the first of them finds the activity at rest.
    let server = server.restart().await;
    let mut socket = server.socket(Some(&Person::member(2))).await;
    let ops = ["reserve", "cancel"];
    for n in 0..60 {
        socket
            .say(command(&path, &n.to_string(), ops[n % 2], json!({})))
            .await;
    }
    for n in 0..60_u64 {
        let ok = socket.hear("ok").await;
        assert_eq!((&ok["id"], &ok["seq"]), (&json!(n.to_string()), &json!(n + 1)));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_socket_has_so_many_commands_under_way() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let server = server.restart().await;
    let mut socket = server.socket(Some(&Person::member(2))).await;
    // One frame, so that they are all there before the first is answered.
    let commands: Vec<Value> = (0..70)
        .map(|n| command(&path, &n.to_string(), ["reserve", "cancel"][n % 2], json!({})))
        .collect();
    socket.say_together(&commands).await;
    let (mut done, mut refused) = (0, 0);
    for _ in 0..70 {
        let answer = socket.next().await.unwrap();
        match answer["code"].as_str() {
            None => done += 1,
            Some("overloaded") => {
                assert_eq!(
                    (&answer["retry"], &answer["after_ms"]),
                    (&json!("same_key"), &json!(1_000))
                );
                refused += 1;
            }
            Some(_) => panic!("{answer}"),
        }
    }
    assert_eq!((done, refused), (64, 6));
    server.stop().await;
}

#[tokio::test]
async fn hosts_set_the_capacity_and_pause_the_line() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let mut socket = server.socket(Some(&host())).await;
    let ok = socket
        .command(&path, "set_capacity", json!({"capacity": 7}))
        .await;
    assert_eq!((&ok["seq"], &ok["counts"]["capacity"]), (&json!(1), &json!(7)));
    assert!(ok.get("rsvp").is_none(), "{ok}");
    let ok = socket
        .command(&path, "pause_waitlist", json!({"paused": true}))
        .await;
    assert_eq!(ok["seq"], 2);
    let shown = server.get(&path).send().await.expect(200);
    assert_eq!(
        (&shown["capacity"], &shown["waitlist_paused"]),
        (&json!(7), &json!(true))
    );
    let mut other = server.socket(Some(&Person::member(2))).await;
    let refused = other.command(&path, "set_capacity", json!({"capacity": 9})).await;
    assert_eq!(refused["code"], "forbidden");
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_says_what_would_have_fitted() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4, "max_guests": 6})).await;
    let mut socket = server.packed_socket(Some(&Person::member(2))).await;
    for (guests, limit) in [(7, 6), (5, 4)] {
        let refused = socket
            .command(&path, "reserve", json!({"guest_count": guests}))
            .await;
        assert_eq!(
            (&refused["code"], &refused["limit"]),
            (&json!("party_too_large"), &json!(limit))
        );
    }
    let mut hosts = server.socket(Some(&host())).await;
    let stale = command(&path, "s", "set_capacity", json!({"capacity": 9}));
    let refused = hosts.ask(with(stale, json!({"if_version": 7}))).await;
    assert_eq!(
        (&refused["code"], &refused["current"]),
        (&json!("version_conflict"), &json!({"version": 1}))
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 1, "opens_at": "2026-05-02T00:00:00Z"}))
        .await;
    let mut socket = server.socket(Some(&Person::member(2))).await;
    let bad = |more: Value| with(command(&path, "bad", "reserve", json!({})), more);
    for (message, field) in [
        (bad(json!({"op": "dance"})), "op"),
        (bad(json!({"op": "reserve", "args": {"guests": 1}})), "guests"),
        (bad(json!({"args": {"guest_count": -1}})), "guest_count"),
        (bad(json!({"args": [1]})), ""),
        (bad(json!({"key": "schlüssel"})), "key"),
        (bad(json!({"if_version": 1})), "if_version"),
        (bad(json!({"op": "cancel", "args": {"x": 1}})), "x"),
        (bad(json!({"colour": 1})), "colour"),
        (bad(json!({"activity": "7"})), "activity"),
        (json!({"type": "dance", "id": "bad"}), "type"),
    ] {
        let error = socket.ask_wrong(message.clone()).await;
        assert_eq!(
            (&error["code"], &error["retry"]),
            (&json!("validation_failed"), &json!("never")),
            "{message}"
        );
        assert_eq!(error["errors"][0]["field"], field, "{error}");
    }
    let early = socket.command(&path, "reserve", json!({})).await;
    assert_eq!(
        (&early["code"], &early["retry"]),
        (&json!("not_open_yet"), &json!("after"))
    );
    assert_eq!(early["after_ms"], early["opens_in_ms"]);
    let nowhere = json!({
        "type": "command", "id": "n", "op": "reserve", "activity": "00000000-0000-4000-8000-00000000dead",
    });
    assert_eq!(socket.ask(nowhere).await["code"], "not_found");
    let mut nobody = server.socket(None).await;
    assert_eq!(
        nobody.command(&path, "reserve", json!({})).await["code"],
        "unauthenticated"
    );
    assert_eq!(server.events(&path).await.len(), 0);
    assert_eq!(server.get(&path).send().await.expect(200)["id"], id_of(&path));
    server.stop().await;
}
