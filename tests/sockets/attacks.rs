//! What somebody may try who means no good.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Killable, Person, Server, command, frame, memory_bytes, until};

#[tokio::test]
async fn what_is_too_large_ends_the_socket() {
    let server = Server::start().await;
    let mut socket = server.socket(None).await;
    let large = json!({"type": "visibility", "id": "x".repeat(17_000), "hidden": true});
    socket.say_wrong(large).await;
    assert_eq!(socket.goodbye().await, 1009);

    // Announced, and never sent: nothing is set aside for it.
    let mut socket = server.socket(None).await;
    socket
        .say_bytes(&[0x81, 0xff, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
        .await;
    assert_eq!(socket.goodbye().await, 1009);

    // In fragments that are small each.
    let mut socket = server.socket(None).await;
    socket.say_bytes(&frame(0x01, &[b' '; 9_000])).await;
    socket.say_bytes(&frame(0x00, &[b' '; 9_000])).await;
    assert_eq!(socket.goodbye().await, 1009);
    server.stop().await;
}

#[tokio::test]
async fn a_message_may_come_in_fragments() {
    let server = Server::start().await;
    let mut socket = server.socket(None).await;
    socket.say_bytes(&frame(0x01, br#"{"type":"visibility","#)).await;
    socket.say_bytes(&frame(0x89, b"ping in between")).await;
    socket
        .say_bytes(&frame(0x80, br#""id":"v","hidden":false}"#))
        .await;
    assert_eq!(socket.hear("ok").await["id"], "v");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_message_at_all_ends_the_socket() {
    let server = Server::start().await;
    let nested = [b"[".repeat(5_000), b"]".repeat(5_000)].concat();
    for bytes in [
        frame(0x81, b"{"),
        frame(0x81, b"\xff\xfe"),
        frame(0x81, &nested),
        frame(0x82, b"{}"),
        frame(0x83, b"{}"),
        frame(0xc1, b"{}"),
        vec![0x81, 2, b'{', b'}'],
    ] {
        let mut socket = server.socket(None).await;
        socket.say_bytes(&bytes).await;
        assert_eq!(socket.goodbye().await, 4000, "{:?}", &bytes[..2]);
    }
    for bytes in [
        vec![0xc1],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
        vec![0xdd, 0xff, 0xff, 0xff, 0xff, 1],
        vec![0xdb, 0xff, 0xff, 0xff, 0xff],
        vec![0x91; 10_000],
    ] {
        let mut socket = server.packed_socket(None).await;
        let first = bytes[0];
        socket.say_raw(Message::Binary(bytes.into())).await;
        assert_eq!(socket.goodbye().await, 4000, "{first:x}");
    }
    server.stop().await;
}

#[tokio::test]
async fn both_forms_take_several_messages_in_a_frame() {
    let server = Server::start().await;
    let both = [
        json!({"type": "visibility", "id": "1", "hidden": true}),
        json!({"type": "visibility", "id": "2", "hidden": false}),
    ];
    let mut json = server.socket(None).await;
    let mut packed = server.packed_socket(None).await;
    for socket in [&mut json, &mut packed] {
        socket.say_together(&both).await;
        assert_eq!(socket.hear("ok").await["id"], "1");
        assert_eq!(socket.hear("ok").await["id"], "2");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_messages_is_read_later_and_loses_nothing() {
    let server = Server::start().await;
    let mut socket = server.socket(None).await;
    let began = tokio::time::Instant::now();
    for n in 0..300 {
        socket
            .say(json!({"type": "visibility", "id": n.to_string(), "hidden": false}))
            .await;
    }
    for n in 0..300 {
        assert_eq!(socket.hear("ok").await["id"], n.to_string());
    }
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn messages_count_also_when_many_come_in_a_frame() {
    let server = Server::start().await;
    let mut socket = server.socket(None).await;
    let began = tokio::time::Instant::now();
    let said = |n: usize| json!({"type": "visibility", "id": n.to_string(), "hidden": false});
    for frame in 0..6 {
        let messages: Vec<_> = (0..50).map(|n| said(50 * frame + n)).collect();
        socket.say_together(&messages).await;
    }
    for n in 0..300 {
        assert_eq!(socket.hear("ok").await["id"], n.to_string());
    }
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn answers_to_frames_full_of_nonsense_take_no_room() {
    const MORE_BYTES: u64 = 16 * 1_024 * 1_024;
    let server = Killable::start().await;
    let mut good = server.socket(None).await;
    let nonsense = "{}".repeat(8_000);
    let mut bad = server.socket(None).await;
    let before_bytes = memory_bytes(server.id());
    // Each of these is answered 8,000 times, and nobody reads that.
    for _ in 0..60 {
        bad.say_raw(Message::text(nonsense.clone())).await;
    }
    assert_eq!(bad.goodbye().await, 4108);
    let grown_bytes = memory_bytes(server.id()) - before_bytes;
    assert!(grown_bytes < MORE_BYTES, "{grown_bytes} bytes more");
    let ok = good
        .ask(json!({"type": "visibility", "id": "v", "hidden": false}))
        .await;
    assert_eq!(ok["type"], "ok");
}

#[tokio::test]
async fn nobody_commands_for_somebody_else() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let (ada, eve) = (Person::member(2), Person::member(3));
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let mut socket = server.socket(Some(&eve)).await;
    for op in ["cancel", "update"] {
        assert_eq!(socket.command(&path, op, json!({})).await["code"], "not_found");
    }
    let private = server.open(json!({"visibility": "private"})).await;
    assert_eq!(socket.subscribe(&private).await["code"], "not_found");
    assert_eq!(
        socket.command(&private, "reserve", json!({})).await["code"],
        "not_found"
    );
    assert_eq!(server.events(&path).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn whoever_reads_nothing_is_closed_and_harms_nobody() {
    let server = Server::start_with(|config| config.rate_limits = false).await;
    let path = server.open(json!({"capacity": 1_000})).await;
    let mut reader = server.socket(Some(&Person::member(2))).await;
    reader.subscribe(&path).await;
    // Answers that nobody reads pile up: first in the operating system, then here, then no more.
    let mut deaf = server.dial("/ws").narrow().open().await;
    deaf.hello(Some(&Person::member(3))).await;
    for _ in 0..5_000 {
        deaf.say(command(&path, "c", "cancel", json!({}))).await;
    }
    // Earlier than it would be for not answering a ping.
    let closed = until("it is closed", || server.sockets_open() == 1);
    tokio::time::timeout(Duration::from_secs(20), closed)
        .await
        .expect("it reads too slowly");
    let ok = reader.command(&path, "reserve", json!({})).await;
    assert_eq!(ok["seq"], 1);
    server.stop().await;
}
