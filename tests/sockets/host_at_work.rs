//! Hosts at work over sockets: at the door, and with several at once.

use serde_json::{Value, json};

use super::entering::{assert_has, guest, guest_with, party};
use crate::support::{Person, Server, command, host, id_of, with};

const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

fn ids(people: &[&Person]) -> Vec<String> {
    people.iter().map(|person| person.id.clone()).collect()
}

/// The names of the RSVPs in an answer, and their statuses.
fn told(ok: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rsvps = ok["rsvps"].as_array().unwrap_or_else(|| panic!("{ok}")).iter();
    rsvps
        .map(|rsvp| (text(&rsvp["name"]), text(&rsvp["status"])))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, status)| ((*name).to_owned(), (*status).to_owned()))
        .collect()
}

/// An activity for one with Grace in it, where Heidi, Ivan (who brings somebody) and Judy wait in this order.
async fn with_a_line(server: &Server) -> (String, [Person; 4]) {
    let path = server.open(json!({"capacity": 1})).await;
    let patch = server.patch(&path).by(&host());
    patch
        .json(&json!({"waitlist_paused": true, "capacity": 2}))
        .send()
        .await
        .expect(200);
    let people = [
        guest_with(server, &path, "Grace", json!({"guest_count": 1})).await,
        guest(server, &path, "Heidi").await,
        guest_with(server, &path, "Ivan", json!({"guest_count": 1})).await,
        guest(server, &path, "Judy").await,
    ];
    (path, people)
}

#[tokio::test]
async fn whoever_is_at_the_door_is_let_in_once() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let grace = guest_with(&server, &path, "Grace", json!({"guest_count": 1})).await;
    let mut hosts = server.socket(Some(&host())).await;
    let mut graces = server.packed_socket(Some(&grace)).await;
    graces.subscribe(&path).await;
    server.clock.advance_s(60);

    let ok = hosts.command(&path, "check_in", json!({"rsvp": grace.id})).await;
    assert_has(&ok, json!({"seq": 2, "already": false, "replayed": false}));
    assert_has(
        &ok["rsvp"],
        json!({"id": grace.id, "checked_in_at": "2026-05-01T12:01:00.000Z", "version": 2}),
    );
    assert_eq!(graces.hear("me").await["rsvp"], ok["rsvp"]);
    assert_eq!(
        graces.hear("diff").await,
        json!({"type": "diff", "activity": id_of(&path), "prev": 1, "seq": 2, "checked_in_spots": 2})
    );
    let again = hosts.command(&path, "check_in", json!({"rsvp": grace.id})).await;
    assert_has(&again, json!({"seq": 2, "already": true, "rsvp": ok["rsvp"]}));
    assert!(graces.hears_nothing().await);

    let undone = hosts
        .command(&path, "undo_check_in", json!({"rsvp": grace.id}))
        .await;
    assert_has(&undone["rsvp"], json!({"checked_in_at": null, "version": 3}));
    assert!(undone.get("already").is_none(), "{undone}");
    assert_eq!(graces.hear("me").await["rsvp"]["checked_in_at"], Value::Null);
    assert_eq!(graces.hear("diff").await["checked_in_spots"], 0);
    let again = hosts
        .command(&path, "undo_check_in", json!({"rsvp": grace.id}))
        .await;
    assert_has(&again, json!({"seq": 3, "rsvp": undone["rsvp"]}));
    server.stop().await;
}

#[tokio::test]
async fn who_is_in_counts_with_the_spots_that_they_have() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let grace = guest_with(&server, &path, "Grace", json!({"guest_count": 1})).await;
    let mut hosts = server.socket(Some(&host())).await;
    hosts.subscribe(&path).await;
    hosts.command(&path, "check_in", json!({"rsvp": grace.id})).await;
    assert_eq!(hosts.hear("diff").await["checked_in_spots"], 2);
    let mut graces = server.socket(Some(&grace)).await;
    graces.command(&path, "update", json!({"guest_count": 0})).await;
    assert_has(
        &hosts.hear("diff").await,
        json!({"checked_in_spots": 1, "confirmed_spots": 1}),
    );
    graces.command(&path, "cancel", json!({})).await;
    assert_has(
        &hosts.hear("diff").await,
        json!({"checked_in_spots": 0, "confirmed_spots": 0}),
    );
    server.stop().await;
}

#[tokio::test]
async fn only_who_is_confirmed_comes_in() {
    let server = Server::start().await;
    let (path, [grace, heidi, ivan, _]) = with_a_line(&server).await;
    let mut hosts = server.socket(Some(&host())).await;
    hosts.command(&path, "remove", json!({"rsvps": [ivan.id]})).await;
    for (rsvp, code) in [
        (heidi.id.as_str(), "not_confirmed"),
        (&ivan.id, "already_cancelled"),
        (NOBODY, "not_found"),
    ] {
        for op in ["check_in", "undo_check_in"] {
            let refused = hosts.command(&path, op, json!({"rsvp": rsvp})).await;
            assert_has(&refused, json!({"code": code, "retry": "never"}));
        }
    }
    let keyed = |rsvp: &str| {
        with(
            command(&path, "k", "check_in", json!({"rsvp": rsvp})),
            json!({"key": "k"}),
        )
    };
    let first = hosts.ask(keyed(&grace.id)).await;
    let again = hosts.ask(keyed(&grace.id)).await;
    assert_has(
        &again,
        json!({"replayed": true, "already": false, "seq": first["seq"], "rsvp": first["rsvp"]}),
    );
    assert_eq!(hosts.ask(keyed(&heidi.id)).await["code"], "key_reused");
    server.stop().await;
}

#[tokio::test]
async fn the_next_in_line_are_promoted_by_count() {
    let server = Server::start().await;
    let (path, [_, heidi, ..]) = with_a_line(&server).await;
    let mut hosts = server.socket(Some(&host())).await;
    let full = hosts.command(&path, "promote", json!({"count": 1})).await;
    assert_has(&full, json!({"code": "no_free_spots", "retry": "never"}));
    assert!(full.get("rsvp_id").is_none(), "{full}");
    hosts.command(&path, "set_capacity", json!({"capacity": 5})).await;
    let mut heidis = server.socket(Some(&heidi)).await;
    heidis.subscribe(&path).await;
    let ok = hosts.command(&path, "promote", json!({"count": 2})).await;
    assert_eq!(told(&ok), pairs(&[("Heidi", "confirmed"), ("Ivan", "confirmed")]));
    assert!(ok.get("rsvp").is_none() && ok.get("already").is_none(), "{ok}");
    assert_has(
        &ok["counts"],
        json!({"confirmed_spots": 5, "waitlisted_parties": 1}),
    );
    let me = heidis.hear("me").await;
    assert_has(&me["rsvp"], json!({"status": "confirmed", "version": 2}));
    let diff = heidis.hear("diff").await;
    assert_has(
        &diff,
        json!({"confirmed_spots": 5, "waitlisted_parties": 1, "seq": ok["seq"]}),
    );
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_named_is_promoted_past_others() {
    let server = Server::start().await;
    let (path, [grace, heidi, _, judy]) = with_a_line(&server).await;
    let mut hosts = server.packed_socket(Some(&host())).await;
    hosts.command(&path, "set_capacity", json!({"capacity": 3})).await;
    let mut heidis = server.socket(Some(&heidi)).await;
    heidis.subscribe(&path).await;
    for (rsvps, code, which) in [
        (ids(&[&heidi, &judy]), "no_free_spots", None),
        (ids(&[&judy, &grace]), "not_waitlisted", Some(grace.id.as_str())),
        (
            vec![judy.id.clone(), NOBODY.to_owned()],
            "not_found",
            Some(NOBODY),
        ),
    ] {
        let refused = hosts.command(&path, "promote", json!({"rsvps": rsvps})).await;
        assert_has(&refused, json!({"code": code, "retry": "never"}));
        assert_eq!(refused["rsvp_id"].as_str(), which, "{refused}");
    }
    let twice = json!({"rsvps": ids(&[&judy, &judy])});
    let ok = hosts.command(&path, "promote", twice).await;
    assert_eq!(told(&ok), pairs(&[("Judy", "confirmed")]));
    let diff = heidis.hear("diff").await;
    assert_eq!(diff["waitlist"]["left"], json!([[4, 1, ok["seq"]]]));
    server.stop().await;
}

#[tokio::test]
async fn where_nobody_waits_nobody_is_promoted() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    guest(&server, &path, "Grace").await;
    let mut hosts = server.socket(Some(&host())).await;
    let ok = hosts.command(&path, "promote", json!({"count": 9})).await;
    assert_has(
        &ok,
        json!({"type": "ok", "seq": 1, "rsvps": [], "replayed": false}),
    );
    server.stop().await;
}

#[tokio::test]
async fn a_member_stands_for_the_whole_party() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let both = party(&server, &path, &Person::member(9), &["Heidi", "Grace"]).await;
    let mut hosts = server.socket(Some(&host())).await;
    hosts
        .command(&path, "pause_waitlist", json!({"paused": true}))
        .await;
    hosts.command(&path, "set_capacity", json!({"capacity": 3})).await;
    let ok = hosts
        .command(&path, "promote", json!({"rsvps": [both[0].id]}))
        .await;
    assert_eq!(
        told(&ok),
        pairs(&[("Grace", "confirmed"), ("Heidi", "confirmed")])
    );
    server.stop().await;
}

#[tokio::test]
async fn several_are_removed_together_or_not_at_all() {
    let server = Server::start().await;
    let (path, [grace, heidi, ivan, judy]) = with_a_line(&server).await;
    let mut hosts = server.socket(Some(&host())).await;
    let mut graces = server.socket(Some(&grace)).await;
    let mut judys = server.socket(Some(&judy)).await;
    graces.subscribe(&path).await;
    assert_eq!(judys.subscribe(&path).await["me"]["parties_ahead"], 2);
    for (rsvps, code, which) in [
        (ids(&[&grace, &grace]), "already_cancelled", grace.id.as_str()),
        (vec![grace.id.clone(), NOBODY.to_owned()], "not_found", NOBODY),
    ] {
        let refused = hosts.command(&path, "remove", json!({"rsvps": rsvps})).await;
        assert_has(&refused, json!({"code": code, "rsvp_id": which}));
    }
    let keyed = command(&path, "r", "remove", json!({"rsvps": ids(&[&ivan, &grace])}));
    let keyed = with(keyed, json!({"key": "r"}));
    let ok = hosts.ask(keyed.clone()).await;
    assert_eq!(told(&ok), pairs(&[("Ivan", "cancelled"), ("Grace", "cancelled")]));
    assert_eq!(ok["rsvps"][0]["cancel_reason"], "by_host");
    let me = graces.hear("me").await;
    assert_has(
        &me["rsvp"],
        json!({"status": "cancelled", "cancel_reason": "by_host"}),
    );
    let diff = judys.hear("diff").await;
    assert_has(&diff, json!({"confirmed_spots": 0, "waitlisted_parties": 2}));
    assert_eq!(diff["waitlist"]["left"].as_array().unwrap().len(), 1, "{diff}");

    let again = hosts.ask(keyed).await;
    assert_has(
        &again,
        json!({"replayed": true, "seq": ok["seq"], "rsvps": ok["rsvps"]}),
    );
    // Where promotion is not held back, others come in at once; but who was promoted by that is no part of the answer.
    hosts
        .command(&path, "pause_waitlist", json!({"paused": false}))
        .await;
    let ok = hosts
        .command(&path, "remove", json!({"rsvps": ids(&[&heidi])}))
        .await;
    assert_eq!(told(&ok), pairs(&[("Heidi", "cancelled")]));
    server.stop().await;
}

#[tokio::test]
async fn what_is_for_the_host_is_for_nobody_else() {
    let server = Server::start().await;
    let (path, [grace, heidi, ..]) = with_a_line(&server).await;
    let ops = [
        ("check_in", json!({"rsvp": grace.id})),
        ("undo_check_in", json!({"rsvp": grace.id})),
        ("promote", json!({"count": 1})),
        ("promote", json!({"rsvps": [heidi.id]})),
        ("remove", json!({"rsvps": [grace.id]})),
        ("remove", json!({"rsvps": [NOBODY]})),
    ];
    for person in [Person::member(2), grace, heidi] {
        let mut socket = server.socket(Some(&person)).await;
        for (op, args) in &ops {
            let refused = socket.command(&path, op, args.clone()).await;
            assert_has(&refused, json!({"code": "forbidden", "retry": "never"}));
        }
    }
    let mut nobody = server.socket(None).await;
    for (op, args) in &ops {
        assert_eq!(
            nobody.command(&path, op, args.clone()).await["code"],
            "unauthenticated"
        );
    }
    assert_eq!(server.events(&path).await.len(), 6);
    let mut admins = server.socket(Some(&Person::admin(8))).await;
    assert_eq!(
        admins.command(&path, "promote", ops[2].1.clone()).await["code"],
        "no_free_spots"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_command_of_the_host_is_said() {
    let server = Server::start().await;
    let (path, [grace, ..]) = with_a_line(&server).await;
    let mut hosts = server.socket(Some(&host())).await;
    let many = vec![NOBODY; 400];
    for (op, args, field) in [
        ("check_in", json!({}), "rsvp"),
        ("check_in", json!({"rsvp": "x"}), "rsvp"),
        ("check_in", json!({"rsvp": grace.id, "code": "x"}), "code"),
        ("undo_check_in", json!({"rsvp": [grace.id]}), "rsvp"),
        ("promote", json!({}), "rsvps"),
        ("promote", json!({"rsvps": []}), "rsvps"),
        ("promote", json!({"rsvps": [grace.id], "count": 1}), "rsvps"),
        ("promote", json!({"rsvps": null}), "rsvps"),
        ("promote", json!({"rsvp_ids": [grace.id]}), "rsvp_ids"),
        ("promote", json!({"count": 0}), "count"),
        ("promote", json!({"count": 1_001}), "count"),
        ("promote", json!({"count": 1.5}), "count"),
        ("remove", json!({}), "rsvps"),
        ("remove", json!({"rsvps": []}), "rsvps"),
        ("remove", json!({"rsvps": ["x"]}), "rsvps[0]"),
        ("remove", json!({"rsvps": many, "count": 1}), "count"),
    ] {
        let error = hosts.ask_wrong(command(&path, "w", op, args.clone())).await;
        assert_has(&error, json!({"code": "validation_failed", "retry": "never"}));
        assert_eq!(error["errors"][0]["field"], field, "{op} {args}: {error}");
    }
    for (op, args) in [
        ("reserve", json!({})),
        ("check_in", json!({"rsvp": grace.id})),
        ("undo_check_in", json!({"rsvp": grace.id})),
        ("promote", json!({"count": 1})),
        ("remove", json!({"rsvps": [grace.id]})),
    ] {
        let versioned = with(command(&path, "v", op, args), json!({"if_version": 1}));
        let error = hosts.ask_wrong(versioned).await;
        assert_eq!(error["errors"][0]["field"], "if_version", "{op}: {error}");
    }
    assert_eq!(server.events(&path).await.len(), 6);
    server.stop().await;
}

#[tokio::test]
async fn a_host_who_asked_for_a_long_answer_is_not_too_slow_for_it() {
    let server = Server::start_with(|config| {
        config.rate_limits = false;
        config.socket_limits.send_buffer_bytes = 4_096;
    })
    .await;
    let path = server.open(json!({"capacity": 1})).await;
    for n in 0..301 {
        server
            .reserve(&path, &Person::member(100 + n), json!({}))
            .await
            .expect(201);
    }
    let change = server.patch(&path).by(&host());
    change
        .json(&json!({"waitlist_paused": true}))
        .send()
        .await
        .expect(200);
    let change = server.patch(&path).by(&host());
    change.json(&json!({"capacity": 1_000})).send().await.expect(200);
    let mut hosts = server.dial("/ws").narrow().open().await;
    hosts.hello(Some(&host())).await;
    let promote = |n: usize| {
        let promote = command(&path, &n.to_string(), "promote", json!({"count": 60}));
        with(promote, json!({"key": format!("k-{n}")}))
    };
    // Three times what may wait of other answers, before the first of it is read.
    let all: Vec<Value> = (0..5).map(promote).collect();
    hosts.say_together(&all[..4]).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    // There are so many of them at once and no more.
    hosts.say(all[4].clone()).await;
    for n in 0..4 {
        let ok = hosts.hear("ok").await;
        assert_eq!(
            (&ok["id"], ok["rsvps"].as_array().unwrap().len()),
            (&json!(n.to_string()), 60)
        );
    }
    let refused = hosts.hear("error").await;
    assert_has(
        &refused,
        json!({"id": "4", "code": "overloaded", "retry": "same_key"}),
    );
    let ok = hosts.ask(all[4].clone()).await;
    assert_has(
        &ok["counts"],
        json!({"confirmed_spots": 301, "waitlisted_parties": 0}),
    );
    server.stop().await;
}
