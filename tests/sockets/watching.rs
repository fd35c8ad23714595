//! Live counts, live places in the line, and never a gap.

use serde_json::{Value, json};

use crate::support::{Person, Server, host, id_of};

/// Everything of the REST activity that a snapshot has.
async fn shown(server: &Server, path: &str) -> Value {
    let mut activity = server.get(path).by(&host()).send().await.expect(200);
    let members = activity.as_object_mut().unwrap();
    members.remove("seq");
    members.remove("epoch");
    activity
}

#[tokio::test]
async fn a_snapshot_is_the_activity_with_its_line() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 1, "opens_at": "2026-04-30T00:00:00Z"}))
        .await;
    server
        .reserve_all(&path, &[&Person::member(2), &Person::member(3)])
        .await;
    let shown = shown(&server, &path).await;
    let mut json = server.socket(None).await;
    let mut packed = server.packed_socket(None).await;
    for socket in [&mut json, &mut packed] {
        let subscribed = socket.subscribe(&path).await;
        assert_eq!(
            (&subscribed["mode"], &subscribed["seq"]),
            (&json!("snapshot"), &json!(2))
        );
        assert!(subscribed.get("me").is_none());
        let mut snapshot = subscribed["snapshot"].clone();
        let line = snapshot.as_object_mut().unwrap().remove("waitlist").unwrap();
        assert_eq!(line, json!({"parties": 1, "spots": 1, "first_ticket": 2}));
        assert_eq!(snapshot, shown);
    }
    server.stop().await;
}

#[tokio::test]
async fn differences_tell_what_has_changed_and_nothing_else() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let mut socket = server.socket(None).await;
    socket.subscribe(&path).await;
    server
        .reserve(&path, &Person::member(2), json!({"guest_count": 3}))
        .await
        .expect(201);
    assert_eq!(
        socket.hear("diff").await,
        json!({
            "type": "diff", "activity": id_of(&path), "prev": 0, "seq": 1,
            "confirmed_spots": 4, "available_spots": 0,
        })
    );
    server
        .reserve(&path, &Person::member(3), json!({"guest_count": 2}))
        .await
        .expect(201);
    assert_eq!(
        socket.hear("diff").await,
        json!({
            "type": "diff", "activity": id_of(&path), "prev": 1, "seq": 2,
            "waitlisted_parties": 1, "waitlisted_spots": 3,
            "waitlist": {
                "parties": 1, "spots": 3, "first_ticket": 2,
                "left": [], "resized": [], "joined": [[2, 3, 2]],
            },
        })
    );
    let change = server.patch(&path).by(&host());
    change
        .json(&json!({"venue": "Hall", "capacity": 9}))
        .send()
        .await
        .expect(200);
    let difference = socket.hear("diff").await;
    assert_eq!(
        (&difference["venue"], &difference["capacity"]),
        (&json!("Hall"), &json!(9))
    );
    assert_eq!(difference["waitlist"]["left"], json!([[2, 3, difference["seq"]]]));
    assert_eq!(difference["waitlist"]["first_ticket"], Value::Null);
    server
        .patch(&path)
        .by(&host())
        .json(&json!({"venue": null}))
        .send()
        .await
        .expect(200);
    let difference = socket.hear("diff").await;
    assert_eq!(difference.get("venue"), Some(&Value::Null), "{difference}");
    server.stop().await;
}

#[tokio::test]
async fn whoever_comes_back_gets_what_they_missed_or_a_snapshot() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let mut socket = server.socket(None).await;
    let first = socket.subscribe(&path).await;
    server
        .reserve_all(&path, &[&Person::member(2), &Person::member(3)])
        .await;
    let resume = |seq: u64, epoch: &Value| json!({"type": "subscribe", "id": "r", "activity": id_of(&path), "epoch": epoch, "seq": seq});
    let mut back = server.socket(None).await;
    let replay = back.ask(resume(0, &first["epoch"])).await;
    assert_eq!((&replay["mode"], &replay["seq"]), (&json!("replay"), &json!(2)));
    assert!(replay.get("snapshot").is_none());
    let difference = back.hear("diff").await;
    assert_eq!((&difference["prev"], &difference["seq"]), (&json!(0), &json!(2)));
    let live = back.ask(resume(2, &first["epoch"])).await;
    assert_eq!((&live["mode"], &live["seq"]), (&json!("live"), &json!(2)));
    for (seq, epoch) in [(7, &first["epoch"]), (2, &json!(99)), (0, &json!(99))] {
        assert_eq!(
            back.ask(resume(seq, epoch)).await["mode"],
            "snapshot",
            "{seq} of {epoch}"
        );
    }
    // What was told is committed, so a restart loses nothing of it; what led there is forgotten.
    drop((socket, back));
    let server = server.restart().await;
    let mut back = server.socket(None).await;
    assert_eq!(back.ask(resume(2, &first["epoch"])).await["mode"], "live");
    assert_eq!(back.ask(resume(1, &first["epoch"])).await["mode"], "snapshot");
    server.stop().await;
}

#[tokio::test]
async fn the_own_rsvp_is_told_to_all_sockets_of_its_person_before_the_difference() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let (ada, bob) = (Person::member(2), Person::member(3));
    server.reserve_all(&path, &[&ada, &bob]).await;
    let mut bobs = [
        server.socket(Some(&bob)).await,
        server.packed_socket(Some(&bob)).await,
    ];
    for socket in &mut bobs {
        let subscribed = socket.subscribe(&path).await;
        let me = &subscribed["me"];
        assert_eq!(
            (&me["rsvp"]["status"], &me["ticket"]),
            (&json!("waitlisted"), &json!(2))
        );
        assert_eq!((&me["parties_ahead"], &me["seq"]), (&json!(0), &json!(2)));
    }
    let mut stranger = server.socket(Some(&Person::member(9))).await;
    assert_eq!(stranger.subscribe(&path).await.get("me"), Some(&Value::Null));

    server
        .delete(&format!("{path}/rsvp"))
        .by(&ada)
        .send()
        .await
        .expect(200);
    for socket in &mut bobs {
        let me = socket.hear("me").await;
        assert_eq!(
            (&me["rsvp"]["status"], &me["ticket"]),
            (&json!("confirmed"), &Value::Null)
        );
        socket.hear("diff").await;
    }
    stranger.hear("diff").await;
    let done = bobs[0].command(&path, "cancel", json!({})).await;
    assert_eq!(done["type"], "ok");
    assert_eq!(bobs[0].hear("me").await["rsvp"]["status"], "cancelled");
    bobs[0].hear("diff").await;
    server.stop().await;
}

#[tokio::test]
async fn answers_come_before_the_difference_of_their_batch() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 100})).await;
    let mut socket = server.socket(Some(&Person::member(2))).await;
    socket.subscribe(&path).await;
    let mut answered = 0;
    for n in 0..50_u64 {
        let op = ["reserve", "cancel"][n as usize % 2];
        socket
            .say(crate::support::command(&path, &n.to_string(), op, json!({})))
            .await;
    }
    let mut told = 0;
    while told < 50 {
        let message = socket.next().await.unwrap();
        match message["type"].as_str().unwrap() {
            "ok" => answered = message["seq"].as_u64().unwrap(),
            "me" => {}
            "diff" => {
                assert_eq!(message["prev"], told, "without a gap");
                told = message["seq"].as_u64().unwrap();
                assert!(
                    answered >= told,
                    "the answers up to {told} come first, not only those up to {answered}"
                );
            }
            other => panic!("{other}"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_follows_the_answer_to_unsubscribe() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let mut socket = server.socket(None).await;
    socket.subscribe(&path).await;
    let ok = socket.unsubscribe(&path).await;
    assert_eq!(
        (&ok["type"], &ok["activity"]),
        (&json!("ok"), &json!(id_of(&path)))
    );
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    assert!(socket.hears_nothing().await);
    server.stop().await;
}

#[tokio::test]
async fn there_is_at_most_one_difference_per_tick() {
    let server = Server::start_with(|config| config.rate_limits = false).await;
    let path = server.open(json!({"capacity": 1_000})).await;
    let mut socket = server.socket(None).await;
    socket.subscribe(&path).await;
    let mut commanding = server.socket(Some(&Person::member(2))).await;
    let clock = tokio::time::Instant::now();
    let (mut told, mut differences) = (0, 0);
    let watching = async {
        while told < 200 {
            let difference = socket.hear("diff").await;
            assert_eq!(difference["prev"], told);
            told = difference["seq"].as_u64().unwrap();
            differences += 1;
        }
    };
    let commands = async {
        for n in 0..200 {
            let done = commanding.command(&path, ["reserve", "cancel"][n % 2], json!({}));
            assert_eq!(done.await["type"], "ok");
        }
    };
    futures::join!(watching, commands);
    let took = clock.elapsed();
    let ticks = took.as_millis() / 50 + 2;
    assert!(differences <= ticks, "{differences} differences in {took:?}");
    assert!(ticks < 200, "the machine is too slow to tell: {took:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_hidden_page_is_updated_now_and_then() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let mut socket = server.socket(None).await;
    socket.subscribe(&path).await;
    let ok = socket
        .ask(json!({"type": "visibility", "id": "v", "hidden": true}))
        .await;
    assert_eq!(ok["type"], "ok");
    let began = tokio::time::Instant::now();
    server
        .reserve_all(&path, &[&Person::member(2), &Person::member(3)])
        .await;
    let difference = socket.hear("diff").await;
    assert_eq!((&difference["prev"], &difference["seq"]), (&json!(0), &json!(2)));
    assert!(began.elapsed().as_millis() >= 1_000, "{:?}", began.elapsed());
    server
        .reserve(&path, &Person::member(4), json!({}))
        .await
        .expect(201);
    let ok = socket
        .ask(json!({"type": "visibility", "id": "w", "hidden": false}))
        .await;
    assert_eq!(ok["type"], "ok");
    assert_eq!(
        socket.hear("diff").await["seq"],
        3,
        "seen again, it is up to date at once"
    );
    server.stop().await;
}

#[tokio::test]
async fn whoever_falls_too_far_behind_begins_anew() {
    let server = Server::start_with(|config| config.rate_limits = false).await;
    let path = server.open(json!({"capacity": 9})).await;
    let mut slow = server.dial("/ws").narrow().packed().open().await;
    slow.hello(Some(&Person::member(2))).await;
    slow.subscribe(&path).await;
    let mut quick = server.socket(Some(&Person::member(3))).await;
    quick.subscribe(&path).await;
    // More than the operating system holds for somebody who does not read, each in a difference of its own.
    for n in 0..20 {
        let description = n.to_string().repeat(5_000);
        let change = server.patch(&path).by(&host());
        change
            .json(&json!({"description": description}))
            .send()
            .await
            .expect(200);
        quick.hear("diff").await;
    }
    // More differences than are kept.
    for n in 0..300 {
        let done = quick
            .command(&path, ["reserve", "cancel"][n % 2], json!({}))
            .await;
        assert_eq!(done["type"], "ok");
    }
    let anew = slow.wait_for("subscribed").await;
    assert_eq!(
        (anew.get("id"), &anew["mode"], anew.get("me")),
        (None, &json!("snapshot"), Some(&Value::Null))
    );
    assert_eq!(anew["snapshot"]["description"], "19".repeat(5_000));
    server.stop().await;
}

#[tokio::test]
async fn a_private_activity_is_seen_by_those_alone_who_may_know_of_it() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let mut inside = server.socket(Some(&ada)).await;
    let mut outside = server.socket(Some(&Person::member(3))).await;
    let mut nobody = server.socket(None).await;
    for socket in [&mut inside, &mut outside, &mut nobody] {
        socket.subscribe(&path).await;
    }
    let change = server.patch(&path).by(&host());
    change
        .json(&json!({"visibility": "private", "venue": "Secret"}))
        .send()
        .await
        .expect(200);
    for socket in [&mut outside, &mut nobody] {
        let error = socket.hear("error").await;
        assert_eq!(
            (&error["code"], &error["activity"]),
            (&json!("not_found"), &json!(id_of(&path)))
        );
        assert!(socket.hears_nothing().await);
        assert_eq!(socket.subscribe(&path).await["code"], "not_found");
    }
    inside.wait_for("diff").await;
    server.stop().await;
}

#[tokio::test]
async fn a_cancelled_activity_tells_everybody_in_it() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let mut socket = server.socket(Some(&ada)).await;
    socket.subscribe(&path).await;
    server.delete(&path).by(&host()).send().await.expect(200);
    let me = socket.hear("me").await;
    assert_eq!(me["rsvp"]["cancel_reason"], "activity_cancelled");
    assert_eq!(socket.hear("diff").await["status"], "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn a_socket_watches_so_many_activities() {
    let server = Server::start().await;
    let mut socket = server.socket(None).await;
    for n in 0..33 {
        let path = server.open(json!({})).await;
        let answer = socket.subscribe(&path).await;
        match n {
            32 => assert_eq!(answer["code"], "too_many_subscriptions"),
            _ => assert_eq!(answer["type"], "subscribed"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_hello_subscribes_to_is_answered_one_by_one() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let mut socket = server.dial("/ws").open().await;
    let nowhere = "00000000-0000-4000-8000-00000000dead";
    let wanted = json!([{"activity": "no id"}, {"activity": nowhere}, [1], {"activity": id_of(&path)}]);
    socket
        .say_wrong(json!({"type": "hello", "subscribe": wanted}))
        .await;
    socket.hear("welcome").await;
    let mut codes = Vec::new();
    let mut subscribed = 0;
    for _ in 0..4 {
        let answer = socket.next().await.unwrap();
        assert!(answer.get("id").is_none(), "{answer}");
        match answer["code"].as_str() {
            Some(code) => codes.push(code.to_owned()),
            None => {
                assert_eq!(answer["activity"], id_of(&path));
                subscribed += 1;
            }
        }
    }
    codes.sort();
    assert_eq!(
        (codes, subscribed),
        (
            ["not_found", "validation_failed", "validation_failed"]
                .map(str::to_owned)
                .to_vec(),
            1
        )
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_to_watch_while_their_rsvp_changes_hears_of_it() {
    let server = Server::start_with(|config| config.rate_limits = false).await;
    let path = server.open(json!({"capacity": 2})).await;
    let ada = Person::member(2);
    let (mut watching, mut commanding) = (server.socket(Some(&ada)).await, server.socket(Some(&ada)).await);
    for round in 1..=2_000 {
        let op = if round % 2 == 1 { "reserve" } else { "cancel" };
        let (subscribed, done) = futures::join!(
            watching.subscribe(&path),
            commanding.command(&path, op, json!({}))
        );
        assert_eq!(done["seq"], round, "{done}");
        let mut known = subscribed["me"]["seq"].as_u64().unwrap_or(0);
        while known < round {
            known = watching.wait_for("me").await["seq"].as_u64().unwrap();
        }
        let ok = watching.unsubscribe(&path).await;
        assert_eq!(ok["type"], "ok");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_asked_about_an_activity_at_rest_is_answered_in_order() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let server = server.restart().await;
    let mut socket = server.socket(None).await;
    let asked = [
        "subscribe",
        "unsubscribe",
        "subscribe",
        "subscribe",
        "unsubscribe",
    ];
    let messages: Vec<_> = (0..asked.len())
        .map(|n| json!({"type": asked[n], "id": n.to_string(), "activity": id_of(&path)}))
        .collect();
    socket.say_together(&messages).await;
    for (n, asked) in asked.iter().enumerate() {
        let kind = if *asked == "subscribe" { "subscribed" } else { "ok" };
        assert_eq!(socket.hear(kind).await["id"], n.to_string());
    }
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    assert!(socket.hears_nothing().await);
    server.stop().await;
}

#[tokio::test]
async fn so_much_may_be_asked_about_an_activity_at_rest() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let server = server.restart().await;
    let mut socket = server.socket(None).await;
    let messages: Vec<_> = (0..65)
        .map(|n| json!({"type": "subscribe", "id": n.to_string(), "activity": id_of(&path)}))
        .collect();
    socket.say_together(&messages).await;
    let refused = socket.hear("error").await;
    assert_eq!(
        (&refused["id"], &refused["code"]),
        (&json!("64"), &json!("overloaded"))
    );
    for n in 0..64 {
        assert_eq!(socket.hear("subscribed").await["id"], n.to_string());
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_watches_much_and_reads_slowly_gets_one_snapshot_after_the_other() {
    let server = Server::start_with(|config| {
        config.rate_limits = false;
        config.socket_limits.send_buffer_bytes = 4_096;
    })
    .await;
    let mut paths = Vec::new();
    for _ in 0..32 {
        paths.push(server.open(json!({"description": "x".repeat(10_000)})).await);
    }
    let mut socket = server.dial("/ws").narrow().open().await;
    let all: Vec<_> = paths
        .iter()
        .map(|path| json!({"activity": id_of(path)}))
        .collect();
    socket.say(json!({"type": "hello", "subscribe": all})).await;
    // Ten times what may wait is on its way meanwhile.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    socket.hear("welcome").await;
    for _ in 0..32 {
        socket.hear("subscribed").await;
    }
    assert!(socket.hears_nothing().await);
    server.stop().await;
}
