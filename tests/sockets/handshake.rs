//! How a socket is opened, and what is not let in.

use serde_json::json;

use crate::support::{Person, Server, host, id_of, until};

#[tokio::test]
async fn hello_is_answered_by_what_the_client_needs_to_know() {
    let server = Server::start().await;
    let mut socket = server.dial("/ws").open().await;
    let welcome = socket.hello(None).await;
    assert!(
        welcome["session"].is_string() && welcome["now"].is_string(),
        "{welcome}"
    );
    assert_eq!(welcome["ping_every_ms"], 25_000);
    assert_eq!(
        welcome["limits"],
        json!({"message_bytes": 16_384, "subscriptions": 32, "commands_in_flight": 64})
    );
    assert_eq!(
        welcome["reconnect"],
        json!({"first_jitter_ms": 1_000, "cap_ms": 30_000})
    );
    assert!(welcome.get("token_expires_in_ms").is_none());
    let mut socket = server.dial("/ws").open().await;
    let welcome = socket.hello(Some(&Person::member(2))).await;
    assert!(
        welcome["token_expires_in_ms"].as_u64().unwrap() > 1_000,
        "{welcome}"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_form_of_messages_is_agreed_on_in_the_handshake() {
    let server = Server::start().await;
    for (offered, is_open) in [
        (&[][..], true),
        (&["turnout.v1.json"], true),
        (&["other, turnout.v1.json"], true),
        (&["other"], false),
    ] {
        let mut dial = server.dial("/ws");
        for protocol in offered {
            dial = dial.header("sec-websocket-protocol", protocol);
        }
        let opened = dial.try_open().await;
        assert_eq!(opened.is_ok(), is_open, "{offered:?}");
        if let Err((status, problem)) = opened {
            assert_eq!((status, &problem["code"]), (400, &json!("malformed_request")));
        }
    }
    let mut packed = server.dial("/ws").packed().open().await;
    assert_eq!(packed.hello(None).await["ping_every_ms"], 25_000);
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_that_is_none_is_refused() {
    let server = Server::start().await;
    let handshake = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for missing in 1..handshake.len() {
        let mut request = server.get("/ws");
        for (name, value) in handshake
            .iter()
            .enumerate()
            .filter(|(n, _)| *n != missing)
            .map(|(_, header)| header)
        {
            request = request.header(name, value);
        }
        request.send().await.expect_problem(400, "malformed_request");
    }
    server
        .get("/ws")
        .send()
        .await
        .expect_problem(400, "malformed_request");
    server.stop().await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let server =
        Server::start_with(|config| config.allowed_origins = vec!["https://rsvp.example".into()]).await;
    let own = format!("http://{}", server.address());
    for (origin, is_allowed) in [
        ("https://rsvp.example", true),
        (own.as_str(), true),
        ("https://other.example", false),
        ("http://rsvp.example", false),
        ("null", false),
    ] {
        let opened = server.dial("/ws").header("origin", origin).try_open().await;
        assert_eq!(opened.is_ok(), is_allowed, "{origin}");
        if let Err((status, problem)) = opened {
            assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bad_token_in_the_handshake_is_refused_there() {
    let server = Server::start().await;
    let bad = server.dial("/ws").header("authorization", "Bearer nonsense");
    let (status, problem) = bad.try_open().await.err().unwrap();
    assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")));
    let mut socket = server.dial("/ws").by(&Person::member(2)).open().await;
    assert!(socket.hello(None).await["token_expires_in_ms"].is_u64());
    server.stop().await;
}

#[tokio::test]
async fn capacity_is_told_once_or_live() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let once = server.get(&format!("{path}/capacity")).send().await;
    let etag = once.headers["etag"].to_str().unwrap().to_owned();
    let counts = once.expect(200);
    assert_eq!((&counts["capacity"], &counts["seq"]), (&json!(2), &json!(0)));
    for (known, status) in [
        (etag.clone(), 304),
        (format!("\"x\", W/{etag}"), 304),
        ("*".to_owned(), 304),
        ("\"x\"".to_owned(), 200),
    ] {
        let again = server.get(&format!("{path}/capacity"));
        let again = again.header("if-none-match", &known).send().await;
        assert_eq!(again.status, status, "{known}");
    }

    let mut socket = server.dial(&format!("{path}/capacity")).open().await;
    socket.hear("welcome").await;
    let subscribed = socket.hear("subscribed").await;
    assert_eq!(subscribed["snapshot"]["available_spots"], 2);
    assert!(subscribed.get("me").is_none(), "nobody knows who is there");
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    let difference = socket.hear("diff").await;
    assert_eq!(difference["available_spots"], 1);

    // Somebody may still say who they are, and is told of their own from then on.
    socket.hello(Some(&Person::member(2))).await;
    assert_eq!(socket.hear("me").await["rsvp"]["status"], "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn a_socket_for_one_thing_ends_with_it() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let mut socket = server.dial(&format!("{path}/capacity")).open().await;
    socket.hear("welcome").await;
    socket.hear("subscribed").await;
    let hide = server
        .patch(&path)
        .by(&host())
        .json(&json!({"visibility": "private"}));
    hide.send().await.expect(200);
    assert_eq!(socket.hear("error").await["code"], "not_found");
    assert_eq!(socket.goodbye().await, 4003);
    server.stop().await;
}

#[tokio::test]
async fn an_rsvp_is_told_once_or_live_to_whoever_may_see_it() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let (ada, bob) = (Person::member(2), Person::member(3));
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let waiting = server.reserve(&path, &bob, json!({})).await.expect(201);
    let status = format!("/rsvps/{}/status", waiting["rsvp"]["id"].as_str().unwrap());
    let once = server.get(&status).by(&bob).send().await.expect(200);
    assert_eq!(once["status"], "waitlisted");
    server
        .get(&status)
        .send()
        .await
        .expect_problem(401, "unauthenticated");

    for person in [&bob, &host()] {
        let mut socket = server.dial(&status).open().await;
        socket.hello(Some(person)).await;
        let subscribed = socket.hear("subscribed").await;
        assert_eq!(subscribed["activity"], id_of(&path));
        assert_eq!(subscribed["me"]["rsvp"]["id"], once["id"]);
        assert_eq!(subscribed["me"]["parties_ahead"], 0);
    }
    let mut watching = server.dial(&status).open().await;
    watching.hello(Some(&host())).await;
    watching.hear("subscribed").await;
    server
        .delete(&format!("{path}/rsvp"))
        .by(&ada)
        .send()
        .await
        .expect(200);
    assert_eq!(watching.hear("me").await["rsvp"]["status"], "confirmed");
    watching.hear("diff").await;

    let mut nobody = server.dial(&status).open().await;
    nobody.say(json!({"type": "hello"})).await;
    assert_eq!(nobody.hear("error").await["code"], "unauthenticated");
    assert_eq!(nobody.goodbye().await, 4001);
    let mut other = server.dial(&status).open().await;
    other.hello(Some(&ada)).await;
    assert_eq!(other.hear("error").await["code"], "not_found");
    assert_eq!(other.goodbye().await, 4003);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so_first() {
    let server = Server::start().await;
    let mut sockets = [server.socket(None).await, server.packed_socket(None).await];
    let heard = async {
        for socket in &mut sockets {
            assert!(socket.hear("draining").await["reconnect_in_ms"].is_u64());
            assert_eq!(socket.goodbye().await, 4101);
        }
    };
    tokio::join!(server.stop(), heard);
}

#[tokio::test]
async fn there_are_as_many_sockets_as_allowed() {
    let limit = |config: &mut turnout::config::Config| {
        config.socket_limits.per_address = 3;
        config.socket_limits.per_person = 1;
    };
    let server = Server::start_with(limit).await;
    let ada = Person::member(2);
    let mut first = server.socket(Some(&ada)).await;
    let mut second = server.dial("/ws").open().await;
    second.say(json!({"type": "hello", "token": ada.token})).await;
    assert_eq!(second.goodbye().await, 4109);
    let mut more = Vec::new();
    while more.len() < 2 {
        more.push(server.socket(None).await);
    }
    let mut one_too_many = server.dial("/ws").open().await;
    assert_eq!(one_too_many.goodbye().await, 4109);
    assert!(first.hears_nothing().await, "those before do not notice");
    // Places are given back, all of them.
    drop((first, more));
    until("all have gone", || server.sockets_open() == 0).await;
    let mut again = server.socket(Some(&ada)).await;
    let others = [server.socket(None).await, server.socket(None).await];
    assert!(again.hears_nothing().await);
    drop(others);
    server.stop().await;
}
