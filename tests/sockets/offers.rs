//! Offers over sockets: made, accepted, declined, over.

use serde_json::{Value, json};

use super::entering::{assert_has, party};
use crate::support::{Person, Server, command, host, id_of, with};

const HOUR_S: u64 = 3_600;

/// An activity for one that makes offers good for an hour, with `ada` in it and `bob` next.
async fn with_one_who_waits(server: &Server) -> (String, Person, Person) {
    let fields = json!({"capacity": 1, "promotion": {"mode": "offer", "ttl_s": HOUR_S}});
    let path = server.open(fields).await;
    let (ada, bob) = (Person::member(2), Person::member(3));
    server.reserve_all(&path, &[&ada, &bob]).await;
    (path, ada, bob)
}

async fn cancel(server: &Server, path: &str, person: &Person) {
    let own = server.delete(&format!("{path}/rsvp")).by(person);
    own.send().await.expect(200);
}

#[tokio::test]
async fn an_offer_is_told_with_the_time_that_is_left_and_taken_over_the_socket() {
    let server = Server::start().await;
    let (path, ada, bob) = with_one_who_waits(&server).await;
    let mut bobs = [
        server.socket(Some(&bob)).await,
        server.packed_socket(Some(&bob)).await,
    ];
    for socket in &mut bobs {
        let me = &socket.subscribe(&path).await["me"];
        assert!(me.get("offer_in_ms").is_none(), "{me}");
    }
    cancel(&server, &path, &ada).await;
    for socket in &mut bobs {
        let me = socket.hear("me").await;
        assert_has(
            &me,
            json!({"ticket": null, "offer_in_ms": HOUR_S * 1_000, "seq": 4}),
        );
        assert_has(
            &me["rsvp"],
            json!({
                "status": "offered", "offer_in_ms": HOUR_S * 1_000,
                "offer_expires_at": "2026-05-01T13:00:00.000Z", "version": 2,
            }),
        );
        let diff = socket.hear("diff").await;
        assert_eq!(
            diff,
            json!({
                "type": "diff", "activity": id_of(&path), "prev": 2, "seq": 4, "confirmed_spots": 0,
                "offered_spots": 1, "waitlisted_parties": 0, "waitlisted_spots": 0,
                "waitlist": {
                    "parties": 0, "spots": 0, "first_ticket": null,
                    "left": [[2, 1, 4]], "resized": [], "joined": [],
                },
            })
        );
    }
    server.clock.advance_s(600);
    let mut late = server.socket(Some(&bob)).await;
    let me = &late.subscribe(&path).await["me"];
    assert_eq!(me["offer_in_ms"], 3_000_000, "{me}");

    let [socket, other] = &mut bobs;
    let ok = socket.command(&path, "accept", json!({})).await;
    assert_eq!(ok["rsvp"], server.rsvp(&path, &bob).await);
    assert_has(&ok["rsvp"], json!({"status": "confirmed", "offer_in_ms": null}));
    assert_has(&ok["counts"], json!({"confirmed_spots": 1, "offered_spots": 0}));
    for socket in [socket, other] {
        let me = socket.hear("me").await;
        assert_eq!(me["rsvp"]["status"], "confirmed");
        assert!(me.get("offer_in_ms").is_none(), "{me}");
        let diff = socket.hear("diff").await;
        assert_has(&diff, json!({"confirmed_spots": 1, "offered_spots": 0}));
    }
    server.stop().await;
}

#[tokio::test]
async fn whoever_declines_lets_the_next_one_have_it() {
    let server = Server::start().await;
    let (path, ada, bob) = with_one_who_waits(&server).await;
    let cyd = Person::member(4);
    server.reserve(&path, &cyd, json!({})).await.expect(201);
    let mut socket = server.socket(Some(&bob)).await;
    let mut cyds = server.socket(Some(&cyd)).await;
    socket.subscribe(&path).await;
    cyds.subscribe(&path).await;
    cancel(&server, &path, &ada).await;
    assert_eq!(socket.hear("me").await["rsvp"]["status"], "offered");
    socket.hear("diff").await;
    cyds.hear("diff").await;

    let ok = socket.command(&path, "decline", json!({})).await;
    let declined = json!({"status": "cancelled", "cancel_reason": "offer_declined", "offer_in_ms": null});
    assert_has(&ok["rsvp"], declined.clone());
    assert_has(&socket.hear("me").await["rsvp"], declined);
    let me = cyds.hear("me").await;
    assert_has(&me["rsvp"], json!({"status": "offered"}));
    assert_eq!(me["offer_in_ms"], HOUR_S * 1_000);
    server.stop().await;
}

#[tokio::test]
async fn an_offer_that_is_over_is_told_to_its_person_and_made_to_the_next() {
    let server = Server::start().await;
    let (path, ada, bob) = with_one_who_waits(&server).await;
    let cyd = Person::member(4);
    server.reserve(&path, &cyd, json!({})).await.expect(201);
    cancel(&server, &path, &ada).await;
    let mut bobs = server.socket(Some(&bob)).await;
    let mut cyds = server.socket(Some(&cyd)).await;
    bobs.subscribe(&path).await;
    cyds.subscribe(&path).await;

    server.clock.advance_s(HOUR_S.try_into().unwrap());
    let late = bobs.command(&path, "accept", json!({})).await;
    assert_eq!(late["code"], "already_cancelled");
    let me = bobs.hear("me").await;
    assert_has(
        &me["rsvp"],
        json!({"status": "cancelled", "cancel_reason": "offer_expired"}),
    );
    assert!(me.get("offer_in_ms").is_none(), "{me}");
    let me = cyds.hear("me").await;
    assert_eq!(me["offer_in_ms"], HOUR_S * 1_000);
    assert_eq!(cyds.command(&path, "accept", json!({})).await["type"], "ok");
    server.stop().await;
}

#[tokio::test]
async fn an_offer_is_for_a_whole_party_and_any_of_them_answers_for_all() {
    let server = Server::start().await;
    let (path, ada, _) = with_one_who_waits(&server).await;
    let patch = server.patch(&path).by(&host());
    patch.json(&json!({"capacity": 2})).send().await.expect(200);
    // Bob has an offer now; the party comes next, once both spots are free.
    let both = party(&server, &path, &Person::member(9), &["Grace", "Heidi"]).await;
    let mut sockets = Vec::new();
    for member in &both {
        let mut socket = server.socket(Some(member)).await;
        let me = &socket.subscribe(&path).await["me"];
        assert_eq!((&me["ticket"], &me["parties_ahead"]), (&json!(3), &json!(0)));
        sockets.push(socket);
    }
    cancel(&server, &path, &ada).await;
    cancel(&server, &path, &Person::member(3)).await;
    for socket in &mut sockets {
        let me = socket.wait_for("me").await;
        assert_has(&me["rsvp"], json!({"status": "offered"}));
        assert_eq!(me["offer_in_ms"], HOUR_S * 1_000);
    }
    let ok = sockets[1].command(&path, "accept", json!({})).await;
    assert_has(&ok["rsvp"], json!({"status": "confirmed", "name": "Heidi"}));
    for socket in &mut sockets {
        assert_eq!(socket.wait_for("me").await["rsvp"]["status"], "confirmed");
    }
    let again = sockets[0].command(&path, "accept", json!({})).await;
    assert_eq!(again["code"], "not_offered");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_offered_can_be_neither_accepted_nor_declined() {
    let server = Server::start().await;
    let (path, ada, bob) = with_one_who_waits(&server).await;
    let cyd = Person::member(4);
    server.reserve(&path, &cyd, json!({})).await.expect(201);
    cancel(&server, &path, &cyd).await;
    for (person, code) in [
        (ada, "not_offered"),
        (bob, "not_offered"),
        (cyd, "already_cancelled"),
        (Person::member(5), "not_found"),
        (host(), "not_found"),
    ] {
        let mut socket = server.socket(Some(&person)).await;
        for op in ["accept", "decline"] {
            let refused = socket.command(&path, op, json!({})).await;
            assert_has(&refused, json!({"code": code, "retry": "never"}));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_to_an_offer_may_be_meant_for_one_version_and_has_no_arguments() {
    let server = Server::start().await;
    let (path, ada, bob) = with_one_who_waits(&server).await;
    cancel(&server, &path, &ada).await;
    let mut socket = server.socket(Some(&bob)).await;
    for op in ["accept", "decline"] {
        let stale = with(command(&path, op, op, json!({})), json!({"if_version": 1}));
        let conflict = socket.ask(stale).await;
        assert_eq!(conflict["code"], "version_conflict");
        assert_has(&conflict["current"], json!({"status": "offered", "version": 2}));
        let wrong = socket
            .ask_wrong(command(&path, op, op, json!({"rsvp": bob.id})))
            .await;
        assert_eq!(wrong["errors"][0]["field"], "rsvp", "{wrong}");
    }
    let keyed = with(
        command(&path, "a", "accept", json!({})),
        json!({"if_version": 2, "key": "once"}),
    );
    let first = socket.ask(keyed.clone()).await;
    assert_has(&first, json!({"type": "ok", "replayed": false, "key": "once"}));
    let again = socket.ask(keyed).await;
    assert_has(
        &again,
        json!({"seq": first["seq"], "rsvp": first["rsvp"], "replayed": true}),
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_promoted_by_hand_is_offered_too() {
    let server = Server::start().await;
    let (path, _, bob) = with_one_who_waits(&server).await;
    let mut hosts = server.socket(Some(&host())).await;
    hosts
        .command(&path, "pause_waitlist", json!({"paused": true}))
        .await;
    hosts.command(&path, "set_capacity", json!({"capacity": 2})).await;
    let mut socket = server.socket(Some(&bob)).await;
    socket.subscribe(&path).await;
    let ok = hosts.command(&path, "promote", json!({"count": 1})).await;
    let offered: Vec<&Value> = ok["rsvps"].as_array().unwrap().iter().collect();
    assert_eq!(offered.len(), 1);
    assert_has(offered[0], json!({"status": "offered", "user_id": bob.id}));
    assert_eq!(socket.hear("me").await["offer_in_ms"], HOUR_S * 1_000);
    server.stop().await;
}

#[tokio::test]
async fn how_promotions_take_effect_is_told_when_it_changes() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let mut socket = server.socket(None).await;
    let snapshot = &socket.subscribe(&path).await["snapshot"];
    assert_eq!(snapshot["promotion"], json!({"mode": "auto"}));
    for promotion in [json!({"mode": "offer", "ttl_s": 60}), json!({"mode": "auto"})] {
        let patch = server.patch(&path).by(&host());
        patch
            .json(&json!({"promotion": promotion}))
            .send()
            .await
            .expect(200);
        assert_eq!(socket.hear("diff").await["promotion"], promotion);
    }
    server.stop().await;
}
