//! Stopping and starting again while sockets are open.

use std::time::Duration;

use serde_json::json;

use crate::support::{Burst, Crowd, Killable, Outside, Person, Server, audit, command, database_of, number};

#[tokio::test]
async fn a_server_that_stops_tells_everybody_when_to_come_back() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let mut sockets = Vec::new();
    for n in 0..20 {
        let mut socket = server.socket(Some(&Person::member(2 + n))).await;
        socket.subscribe(&path).await;
        sockets.push(socket);
    }
    for socket in &mut sockets {
        socket.say(command(&path, "last", "reserve", json!({}))).await;
    }
    let stopping = tokio::spawn(server.stop());
    let mut pauses = std::collections::HashSet::new();
    for socket in &mut sockets {
        let mut drained = false;
        let goodbye = loop {
            match socket.next().await {
                Ok(message) if message["id"] == "last" => {
                    // What comes too late to be read is for the next socket, with its key.
                    if message["type"] == "error" {
                        assert_eq!(
                            (&message["code"], &message["retry"]),
                            (&json!("draining"), &json!("same_key"))
                        );
                    }
                }
                Ok(message) if message["type"] == "draining" => {
                    drained = true;
                    pauses.insert(message["reconnect_in_ms"].as_u64().unwrap());
                }
                Ok(_) => {}
                Err(code) => break code,
            }
        };
        assert_eq!((goodbye, drained), (4101, true));
    }
    assert!(pauses.len() > 10, "they do not all come back at once: {pauses:?}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn commands_are_refused_while_the_server_stops() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let mut socket = server.socket(Some(&Person::member(2))).await;
    // The first command cannot be committed before somebody else has let go, so the socket stays until then.
    let mut outside = Outside::connect(&database_of(server.folder())).await;
    outside
        .run(match outside {
            Outside::Sqlite(_) => "BEGIN IMMEDIATE",
            Outside::Postgres(_) => "BEGIN; LOCK TABLE activities",
        })
        .await;
    socket.say(command(&path, "before", "reserve", json!({}))).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stopping = tokio::spawn(server.stop());
    socket.hear("draining").await;
    let refused = socket.command(&path, "cancel", json!({})).await;
    assert_eq!(
        (&refused["code"], &refused["retry"]),
        (&json!("draining"), &json!("same_key")),
        "{refused}"
    );
    outside.run("ROLLBACK").await;
    outside.close().await;
    assert_eq!(socket.next().await.unwrap()["id"], "before");
    assert_eq!(socket.goodbye().await, 4101);
    stopping.await.unwrap();
}

/// `TURNOUT_RESTART_ROUNDS` sets how many bursts, `TURNOUT_RESTART_SOCKETS` how many sockets each.
#[tokio::test]
async fn restarts_lose_no_acknowledged_command_and_leave_none_without_an_answer() {
    let rounds = number("TURNOUT_RESTART_ROUNDS", 1);
    let connections = number("TURNOUT_RESTART_SOCKETS", 300);
    for round in 1..=rounds {
        let mut server = Killable::start().await;
        let crowd = Crowd {
            people: 10_000,
            seats: 1_000,
            connections,
            seed: round,
            via: "ws",
        };
        let mut burst = Burst::start(&server, &crowd).await;
        let mut stopped_at = Vec::new();
        for restart in 1..=2 {
            burst.until_committed(&server, restart * 3_000).await;
            assert!(
                !burst.is_over(),
                "round {round}: the burst was over before restart {restart}"
            );
            stopped_at.push(burst.seq(&server).await);
            let began = tokio::time::Instant::now();
            assert!(server.stop_gently().success());
            println!("round {round}: stopped within {:?}", began.elapsed());
            server.start_again().await;
        }
        let said = burst.finish().await;
        audit(server.database()).await;
        let told = format!("round {round}, stopped at {stopped_at:?}:\n{}", said.text);
        assert!(
            said.status.success() && said.text.contains("VERDICT: clean"),
            "{told}"
        );
        assert_eq!(said.number("/answered/unanswered"), 0, "{told}");
        println!(
            "round {round}: {connections} sockets, stopped at events {stopped_at:?}; {} acknowledged, {} told again, all \
             of them there",
            said.number("/answered/committed"),
            said.number("/answered/replayed"),
        );
    }
}
