//! What the host does about the line by hand: promoting whom they like, putting out whom they must, and a log that says
//! who did what, and why.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Guest, Person, Server, host, with};

async fn promote(server: &Server, path: &str, body: Value) -> Answer {
    let promote = server.post(&format!("{path}/waitlist/promote")).by(&host());
    promote.json(&body).send().await
}

async fn reassign(server: &Server, path: &str, body: Value) -> Answer {
    let bulk = server.post(&format!("{path}/waitlist/bulk")).by(&host());
    bulk.json(&body).send().await
}

fn ids(guests: &[&Guest]) -> Value {
    guests.iter().map(|guest| json!(guest.id)).collect()
}

/// The RSVPs of an answer, in its order.
fn told(answer: &Value) -> Vec<String> {
    let rsvps = answer["rsvps"].as_array().unwrap().iter();
    rsvps
        .map(|rsvp| rsvp["id"].as_str().unwrap().to_owned())
        .collect()
}

fn of(guests: &[&Guest]) -> Vec<String> {
    guests.iter().map(|guest| guest.id.clone()).collect()
}

async fn pause(server: &Server, path: &str, paused: bool) {
    let pause = server
        .patch(path)
        .by(&host())
        .json(&json!({"waitlist_paused": paused}));
    pause.send().await.expect(200);
}

/// Somebody in a party of their own.
async fn single(server: &Server, path: &str, name: &str, guests: u32) -> Guest {
    Guest::told_by(
        &server
            .knock(path, name, json!({"guest_count": guests}))
            .await
            .expect(201),
    )
}

/// A full activity of so many seats, all taken by one, who makes room for so many.
async fn with_room(server: &Server, path: &str, seats: u32, room: u32) -> Vec<Guest> {
    let seated = single(server, path, "Seated", seats - 1).await;
    let mut line = Vec::new();
    for (name, guests) in [("Ada", 1), ("Bo", 0), ("Cy", 2), ("Di", 0)] {
        line.push(single(server, path, name, guests).await);
    }
    pause(server, path, true).await;
    let shrink = server.patch(&seated.path()).by_guest(&seated);
    shrink
        .json(&json!({"guest_count": seats - room - 1}))
        .send()
        .await
        .expect(200);
    line
}

#[tokio::test]
async fn the_host_promotes_whom_they_name_also_while_promotion_is_held_back() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let line = with_room(&server, &path, 5, 3).await;
    let (bo, di) = (&line[1], &line[3]);
    let seq = server.events(&path).await.len();
    // In whatever order they are named, and however often.
    let promoted = promote(&server, &path, json!({"rsvp_ids": ids(&[di, bo, di])})).await;
    assert!(!promoted.headers.contains_key("etag"));
    let promoted = promoted.expect(200);
    assert_eq!(told(&promoted), of(&[bo, di]), "by ticket");
    for rsvp in promoted["rsvps"].as_array().unwrap() {
        assert_eq!(
            (&rsvp["status"], &rsvp["position"]),
            (&json!("confirmed"), &Value::Null)
        );
        assert!(rsvp.get("manage_token").is_none());
    }
    assert_eq!(
        (&promoted["seq"], &promoted["counts"]["available_spots"]),
        (&json!(seq + 2), &json!(1))
    );
    let log = server.events(&path).await;
    for (event, (guest, ticket)) in log[seq..].iter().zip([(bo, 3), (di, 5)]) {
        let told = [
            "kind",
            "rsvp_id",
            "previous_status",
            "status",
            "reason",
            "ticket",
            "actor",
        ];
        assert_eq!(
            told.map(|member| event[member].clone()),
            [
                json!("promoted"),
                json!(guest.id),
                json!("waitlisted"),
                json!("confirmed"),
                json!("by_host"),
                json!(ticket),
                json!(format!("user:{}", host().id))
            ]
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_host_promotes_the_next_so_many_parties_or_as_many_as_wait() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 7})).await;
    let line = with_room(&server, &path, 7, 7 - 1).await;
    // The next three need six, and no party is left out because a later one would fit.
    let promoted = promote(&server, &path, json!({"count": 2})).await.expect(200);
    assert_eq!(told(&promoted), of(&[&line[0], &line[1]]));
    promote(&server, &path, json!({"count": 2}))
        .await
        .expect_problem(409, "no_free_spots");
    let promoted = promote(&server, &path, json!({"count": 1})).await.expect(200);
    assert_eq!(told(&promoted), of(&[&line[2]]));
    server
        .patch(&path)
        .by(&host())
        .json(&json!({"capacity": 9}))
        .send()
        .await
        .expect(200);
    let promoted = promote(&server, &path, json!({"count": 1_000})).await.expect(200);
    assert_eq!(told(&promoted), of(&[&line[3]]));
    let seq = promoted["seq"].clone();
    let nobody = promote(&server, &path, json!({"count": 1})).await.expect(200);
    assert_eq!(
        (&nobody["rsvps"], &nobody["seq"]),
        (&json!([]), &seq),
        "nobody waits: nothing is done"
    );
    server.stop().await;
}

#[tokio::test]
async fn whom_the_host_promotes_counts_as_passing_nobody() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3, "patience": 1})).await;
    let seated = server
        .party(&path, &host(), &[("One", 0), ("Two", 0), ("Three", 0)])
        .await;
    let pair = single(&server, &path, "Pair", 1).await;
    let mut singles = Vec::new();
    for name in ["Ada", "Bo", "Cy"] {
        singles.push(single(&server, &path, name, 0).await);
    }
    pause(&server, &path, true).await;
    let leave = |guest: &Guest| server.delete(&guest.path()).by_guest(guest).send();
    leave(&seated[0]).await.expect(200);
    promote(&server, &path, json!({"rsvp_ids": ids(&[&singles[0]])}))
        .await
        .expect(200);
    leave(&singles[0]).await.expect(200);
    promote(&server, &path, json!({"rsvp_ids": ids(&[&singles[1]])}))
        .await
        .expect(200);
    leave(&singles[1]).await.expect(200);
    // The pair was passed twice by hand. The scan may still pass it once, and does.
    pause(&server, &path, false).await;
    assert_eq!(server.status_of(&singles[2]).await, "confirmed");
    assert_eq!(server.status_of(&pair).await, "waitlisted");
    leave(&seated[1]).await.expect(200);
    let late = single(&server, &path, "Late", 0).await;
    assert_eq!(server.status_of(&late).await, "waitlisted", "now it guards");
    // But not against the host.
    promote(&server, &path, json!({"rsvp_ids": ids(&[&late])}))
        .await
        .expect(200);
    server.stop().await;
}

#[tokio::test]
async fn all_who_are_named_must_fit_or_nobody_is_promoted() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let line = with_room(&server, &path, 4, 2).await;
    let (ada, bo, cy) = (&line[0], &line[1], &line[2]);
    let seq = server.events(&path).await.len();
    for body in [
        json!({"rsvp_ids": ids(&[ada, bo])}),
        json!({"rsvp_ids": ids(&[cy])}),
        json!({"count": 2}),
        json!({"count": 4}),
    ] {
        promote(&server, &path, body)
            .await
            .expect_problem(409, "no_free_spots");
    }
    assert_eq!(server.events(&path).await.len(), seq);
    let promoted = promote(&server, &path, json!({"rsvp_ids": ids(&[ada])}))
        .await
        .expect(200);
    assert_eq!(promoted["counts"]["available_spots"], 0);
    server.stop().await;
}

#[tokio::test]
async fn whoever_cannot_be_promoted_is_named() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let elsewhere = server.open(json!({})).await;
    let foreign = server.guest(&elsewhere, "Ada").await;
    let line = with_room(&server, &path, 3, 2).await;
    let (ada, bo, cy) = (&line[0], &line[1], &line[2]);
    promote(&server, &path, json!({"rsvp_ids": ids(&[bo])}))
        .await
        .expect(200);
    server.delete(&cy.path()).by_guest(cy).send().await.expect(200);
    let seq = server.events(&path).await.len();
    let nobody = Uuid::from_u128(7).to_string();
    for (named, status, code) in [
        (&bo.id, 409, "not_waitlisted"),
        (&cy.id, 409, "already_cancelled"),
        (&nobody, 404, "not_found"),
        (&foreign.id, 404, "not_found"),
    ] {
        for refused in [
            promote(&server, &path, json!({"rsvp_ids": [ada.id, named]})).await,
            reassign(&server, &path, json!({"promote": [ada.id, named]})).await,
        ] {
            refused.expect_problem(status, code);
            assert_eq!(refused.body["rsvp_id"], **named);
        }
    }
    for named in [&cy.id, &nobody] {
        let refused = reassign(&server, &path, json!({"remove": [ada.id, named]})).await;
        assert_eq!(refused.body["rsvp_id"], **named, "{}", refused.body);
    }
    for body in [
        json!({"remove": [ada.id, ada.id]}),
        json!({"remove": [ada.id], "promote": [ada.id]}),
    ] {
        let twice = reassign(&server, &path, body).await;
        twice.expect_problem(409, "already_cancelled");
        assert_eq!(twice.body["rsvp_id"], ada.id);
    }
    assert_eq!(server.events(&path).await.len(), seq, "all or nothing");
    server.stop().await;
}

#[tokio::test]
async fn who_is_put_out_makes_room_for_who_is_promoted_in_one_step() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let mut seated = Vec::new();
    for (name, guests) in [("One", 1), ("Two", 0)] {
        seated.push(single(&server, &path, name, guests).await);
    }
    let mut line = Vec::new();
    for (name, guests) in [("Ada", 0), ("Bo", 1), ("Cy", 0), ("Di", 0)] {
        line.push(single(&server, &path, name, guests).await);
    }
    let seq = server.events(&path).await.len();
    let too_few = json!({"remove": ids(&[&seated[1]]), "promote": ids(&[&line[1]])});
    reassign(&server, &path, too_few)
        .await
        .expect_problem(409, "no_free_spots");
    let swap = json!({"promote": ids(&[&line[1]]), "remove": ids(&[&line[3], &seated[0]])});
    let swapped = reassign(&server, &path, swap).await.expect(200);
    assert_eq!(
        told(&swapped),
        of(&[&line[3], &seated[0], &line[1]]),
        "those who are put out first"
    );
    let statuses: Vec<&Value> = swapped["rsvps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rsvp| &rsvp["status"])
        .collect();
    assert_eq!(statuses, ["cancelled", "cancelled", "confirmed"]);
    assert_eq!(swapped["rsvps"][0]["cancel_reason"], "by_host");
    assert_eq!(swapped["counts"]["available_spots"], 0);
    let log = server.events(&path).await;
    let told: Vec<_> = log[seq..]
        .iter()
        .map(|event| [&event["kind"], &event["reason"]].map(Value::clone))
        .collect();
    let by_host = json!("by_host");
    assert_eq!(
        told,
        ["cancelled", "cancelled", "promoted"].map(|kind| [json!(kind), by_host.clone()])
    );
    // Room that is left over goes to the line.
    let swap = json!({"remove": ids(&[&line[1]]), "promote": ids(&[&line[2]])});
    let swapped = reassign(&server, &path, swap).await.expect(200);
    assert_eq!(server.status_of(&line[0]).await, "confirmed");
    assert_eq!(swapped["counts"]["waitlisted_parties"], 0);
    let removed = reassign(&server, &path, json!({"remove": ids(&[&line[0]])}))
        .await
        .expect(200);
    assert_eq!(removed["rsvps"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_member_stands_for_its_party_which_is_promoted_without_those_who_are_put_out() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let seated = single(&server, &path, "Seated", 2).await;
    let first = server.party(&path, &host(), &[("Bo", 0), ("Ada", 1)]).await;
    let second = server
        .party(&path, &host(), &[("Di", 0), ("Cy", 0), ("Ed", 0)])
        .await;
    pause(&server, &path, true).await;
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    let both = json!({"rsvp_ids": ids(&[&first[0], &second[0]])});
    promote(&server, &path, both)
        .await
        .expect_problem(409, "no_free_spots");
    let promoted = promote(&server, &path, json!({"rsvp_ids": ids(&[&first[0], &first[1]])})).await;
    let promoted = promoted.expect(200);
    assert_eq!(told(&promoted), of(&[&first[1], &first[0]]), "members by address");
    let swap = json!({"remove": ids(&[&first[1], &second[1]]), "promote": ids(&[&second[2]])});
    let swapped = reassign(&server, &path, swap).await.expect(200);
    assert_eq!(
        told(&swapped),
        of(&[&first[1], &second[1], &second[0], &second[2]])
    );
    for guest in [&first[0], &second[0], &second[2]] {
        assert_eq!(server.status_of(guest).await, "confirmed");
    }
    server.stop().await;
}

#[tokio::test]
async fn where_spots_are_offered_the_host_makes_offers() {
    let server = Server::start().await;
    let promotion = json!({"mode": "offer", "ttl_s": 60});
    let path = server.open(json!({"capacity": 3, "promotion": promotion})).await;
    let line = with_room(&server, &path, 3, 2).await;
    let promoted = promote(&server, &path, json!({"rsvp_ids": ids(&[&line[1]])}))
        .await
        .expect(200);
    let rsvp = &promoted["rsvps"][0];
    assert_eq!(
        (&rsvp["status"], &rsvp["offer_in_ms"]),
        (&json!("offered"), &json!(60_000))
    );
    let log = server.events(&path).await;
    let last = log.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["reason"]),
        (&json!("offered"), &json!("by_host"))
    );
    // Who has an offer is put out like anybody else, and the room is used at once.
    let swap = json!({"remove": ids(&[&line[1]]), "promote": ids(&[&line[0]])});
    let swapped = reassign(&server, &path, swap).await.expect(200);
    assert_eq!(
        (
            &swapped["rsvps"][0]["cancel_reason"],
            &swapped["counts"]["offered_spots"]
        ),
        (&json!("by_host"), &json!(2))
    );
    server.stop().await;
}

#[tokio::test]
async fn the_host_promotes_also_when_the_time_for_it_is_over() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 1, "promote_until": "2026-05-01T12:01:00Z"}))
        .await;
    let (seated, ada, bo) = (
        server.guest(&path, "Seated").await,
        server.guest(&path, "Ada").await,
        server.guest(&path, "Bo").await,
    );
    server.clock.advance_s(60);
    server
        .delete(&seated.path())
        .by_guest(&seated)
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(&ada).await, "waitlisted");
    // Long after the activity itself too.
    server.clock.advance_s(8 * 24 * 3_600);
    let swap = json!({"remove": ids(&[&ada]), "promote": ids(&[&bo])});
    let swapped = reassign(&server, &path, swap).await.expect(200);
    assert_eq!(swapped["rsvps"][1]["status"], "confirmed");
    server.delete(&path).by(&host()).send().await.expect(200);
    promote(&server, &path, json!({"count": 1}))
        .await
        .expect_problem(410, "activity_cancelled");
    server.stop().await;
}

#[tokio::test]
async fn what_the_host_does_under_a_key_happens_once() {
    let mut server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let line = with_room(&server, &path, 3, 2).await;
    let swap = json!({"remove": ids(&[&line[0]]), "promote": ids(&[&line[1], &line[3]])});
    let keyed = |server: &Server, body: &Value| {
        let bulk = server.post(&format!("{path}/waitlist/bulk")).by(&host());
        bulk.header("idempotency-key", "k").json(body).send()
    };
    let first = keyed(&server, &swap).await.expect(200);
    assert_eq!(told(&first), of(&[&line[0], &line[1], &line[3]]));
    for restart in [false, true] {
        if restart {
            server = server.restart().await;
        }
        let again = keyed(&server, &swap).await.expect(200);
        assert_eq!(again, with(first.clone(), json!({"replayed": true})));
    }
    let other = json!({"remove": ids(&[&line[0]]), "promote": ids(&[&line[3], &line[1]])});
    keyed(&server, &other).await.expect_problem(422, "key_reused");
    server.stop().await;
}

#[tokio::test]
async fn the_log_says_past_whom_somebody_was_promoted_and_why() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 17})).await;
    let couple = single(&server, &path, "Couple", 1).await;
    for number in 0..15_u32 {
        server
            .reserve(&path, &Person::member(u128::from(number) + 20), json!({}))
            .await
            .expect(201);
    }
    let three = single(&server, &path, "Three", 2).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    server
        .delete(&couple.path())
        .by_guest(&couple)
        .send()
        .await
        .expect(200);
    let log = server.events(&path).await;
    let last = log.last().unwrap();
    assert_eq!(
        ["kind", "ticket", "actor", "reason"].map(|member| last[member].clone()),
        [
            json!("promoted"),
            json!(18),
            json!(format!("guest:{}", couple.id)),
            json!("promoted past ticket 17, which needs 3 of 2 free"),
        ]
    );
    assert_eq!(server.status_of(&three).await, "waitlisted");
    // Of a party, each is told with the same reason.
    let booker = Person::member(3);
    server.party(&path, &booker, &[("Bo", 0), ("Cy", 0)]).await;
    server
        .delete(&format!("{path}/rsvp"))
        .by(&ada)
        .send()
        .await
        .expect(200);
    let log = server.events(&path).await;
    for event in &log[log.len() - 2..] {
        assert_eq!(
            (&event["kind"], &event["actor"], &event["reason"]),
            (
                &json!("promoted"),
                &json!(format!("user:{}", ada.id)),
                &json!("promoted past ticket 17, which needs 3 of 2 free")
            )
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_line_is_changed_by_the_host_and_administrators_alone() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let line = with_room(&server, &path, 3, 2).await;
    let private = server.open(json!({"visibility": "private"})).await;
    for (route, body) in [
        ("promote", json!({"rsvp_ids": ids(&[&line[1]])})),
        ("bulk", json!({"remove": ids(&[&line[0]])})),
    ] {
        let at = format!("{path}/waitlist/{route}");
        let give = |token: &str| server.post(&at).token(token).json(&body).send();
        give(&Person::member(2).token)
            .await
            .expect_problem(403, "forbidden");
        give(&line[1].token).await.expect_problem(401, "unauthenticated");
        server
            .post(&at)
            .json(&body)
            .send()
            .await
            .expect_problem(401, "unauthenticated");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let other = server.request(method, &at).by(&host()).send().await;
            other.expect_problem(405, "method_not_allowed");
        }
        let hidden = server
            .post(&format!("{private}/waitlist/{route}"))
            .by(&Person::member(2));
        hidden.json(&body).send().await.expect_problem(404, "not_found");
        let unknown = format!("/activities/{}/waitlist/{route}", Uuid::from_u128(4));
        server
            .post(&unknown)
            .by(&host())
            .json(&body)
            .send()
            .await
            .expect_problem(404, "not_found");
        give(&Person::admin(9).token).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_what_the_host_says_is_named() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let id = Uuid::from_u128(7);
    let many: Vec<String> = (0..1_001)
        .map(|number| Uuid::from_u128(number).to_string())
        .collect();
    for (field, body) in [
        ("rsvp_ids", json!({})),
        ("rsvp_ids", json!({"rsvp_ids": [id], "count": 1})),
        ("rsvp_ids", json!({"rsvp_ids": []})),
        ("rsvp_ids", json!({ "rsvp_ids": many })),
        ("rsvp_ids", json!({"rsvp_ids": null})),
        ("rsvp_ids", json!({"rsvp_ids": id})),
        ("rsvp_ids[0]", json!({"rsvp_ids": ["ada"]})),
        ("rsvp_ids[1]", json!({"rsvp_ids": [id, 7]})),
        ("count", json!({"count": 0})),
        ("count", json!({"count": 1_001})),
        ("count", json!({"count": -1})),
        ("count", json!({"count": 1.5})),
        ("count", json!({"count": "1"})),
        ("count", json!({"count": null})),
        ("rsvps", json!({"rsvps": [id]})),
        ("promote", json!({"promote": [id]})),
    ] {
        promote(&server, &path, body).await.expect_wrong(field);
    }
    for (field, body) in [
        ("promote", json!({})),
        ("promote", json!({"promote": [], "remove": []})),
        ("promote", json!({ "promote": many })),
        ("promote", json!({"promote": many[..501], "remove": many[501..]})),
        ("promote", json!({"promote": null})),
        ("remove", json!({"remove": null})),
        ("remove", json!({"remove": {}})),
        ("remove[0]", json!({"remove": ["x"]})),
        ("count", json!({"remove": [id], "count": 1})),
        ("rsvp_ids", json!({"rsvp_ids": [id]})),
    ] {
        reassign(&server, &path, body).await.expect_wrong(field);
    }
    // As many as may be named.
    let most = promote(&server, &path, json!({"rsvp_ids": many[..1_000]})).await;
    most.expect_problem(404, "not_found");
    let most = reassign(
        &server,
        &path,
        json!({"promote": many[..500], "remove": many[500..1_000]}),
    )
    .await;
    most.expect_problem(404, "not_found");
    server.stop().await;
}
