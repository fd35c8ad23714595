//! Waiting, moving up and being promoted, and what the host's changes do to those who wait.

use serde_json::{Value, json};

use crate::support::{Person, Server, host};

fn people(count: u128) -> Vec<Person> {
    (2..2 + count).map(Person::member).collect()
}

/// Position, parties ahead and spots ahead.
fn place(of: &Value) -> [Option<u64>; 3] {
    ["position", "parties_ahead", "spots_ahead"].map(|member| of[member].as_u64())
}

async fn status(server: &Server, path: &str, person: &Person) -> String {
    server.rsvp(path, person).await["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn who_finds_no_seat_waits_and_knows_how_many_are_ahead() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let people = people(5);
    for (person, guests, status, expected) in [
        (&people[0], 1, "confirmed", [None; 3]),
        (&people[1], 1, "waitlisted", [Some(1), Some(0), Some(0)]),
        (&people[2], 0, "waitlisted", [Some(2), Some(1), Some(2)]),
        (&people[3], 0, "waitlisted", [Some(3), Some(2), Some(3)]),
    ] {
        let answer = server
            .reserve(&path, person, json!({"guest_count": guests}))
            .await
            .expect(201);
        assert_eq!(
            (&answer["rsvp"]["status"], place(&answer["rsvp"])),
            (&json!(status), expected)
        );
        let shown = server.rsvp(&path, person).await;
        assert_eq!(shown, answer["rsvp"]);
        let position = format!("/rsvps/{}/position", shown["id"].as_str().unwrap());
        let position = server.get(&position).by(person).send().await.expect(200);
        assert_eq!((place(&position), &position["seq"]), (expected, &answer["seq"]));
    }
    let activity = server.get(&path).send().await.expect(200);
    for (member, value) in [
        ("waitlisted_parties", 3),
        ("waitlisted_spots", 4),
        ("available_spots", 0),
    ] {
        assert_eq!(activity[member], value, "{member}");
    }

    // Somebody leaves the line: those behind move up, and nobody is promoted.
    let left = server
        .delete(&format!("{path}/rsvp"))
        .by(&people[1])
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&left["seq"], &left["counts"]["waitlisted_parties"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(
        place(&server.rsvp(&path, &people[2]).await),
        [Some(1), Some(0), Some(0)]
    );
    assert_eq!(
        place(&server.rsvp(&path, &people[3]).await),
        [Some(2), Some(1), Some(1)]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_seat_that_is_given_back_goes_to_the_first_in_the_same_step() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let people = people(3);
    server
        .reserve_all(&path, &people.iter().collect::<Vec<_>>())
        .await;
    let cancelled = server
        .delete(&format!("{path}/rsvp"))
        .by(&people[0])
        .send()
        .await
        .expect(200);
    // One event for the cancel and one for the promotion, and nobody ever sees the seat free.
    assert_eq!(cancelled["seq"], 5);
    let counts = &cancelled["counts"];
    assert_eq!(
        (&counts["available_spots"], &counts["waitlisted_parties"]),
        (&json!(0), &json!(1))
    );
    let promoted = server.rsvp(&path, &people[1]).await;
    assert_eq!(
        (&promoted["status"], &promoted["version"]),
        (&json!("confirmed"), &json!(2))
    );
    assert_eq!(place(&promoted), [None; 3]);
    assert_eq!(
        place(&server.rsvp(&path, &people[2]).await),
        [Some(1), Some(0), Some(0)]
    );
    let kinds: Vec<Value> = server
        .events(&path)
        .await
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(
        kinds,
        ["confirmed", "waitlisted", "waitlisted", "cancelled", "promoted"]
    );

    // Shrinking gives seats back too.
    let wide = server.open(json!({"capacity": 3})).await;
    server
        .reserve(&wide, &people[0], json!({"guest_count": 2}))
        .await
        .expect(201);
    server.reserve_all(&wide, &[&people[1], &people[2]]).await;
    let shrink = server
        .patch(&format!("{wide}/rsvp"))
        .by(&people[0])
        .json(&json!({"guest_count": 0}));
    let shrunk = shrink.send().await.expect(200);
    assert_eq!(
        (&shrunk["seq"], &shrunk["counts"]["confirmed_spots"]),
        (&json!(6), &json!(3))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_waiting_party_that_grows_goes_to_the_end_and_one_that_shrinks_keeps_its_place() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3, "patience": 0})).await;
    let people = people(4);
    server
        .reserve(&path, &people[0], json!({"guest_count": 2}))
        .await
        .expect(201);
    for person in &people[1..] {
        server
            .reserve(&path, person, json!({"guest_count": 1}))
            .await
            .expect(201);
    }
    let own = format!("{path}/rsvp");
    let change = |person: &Person, guests: u32| {
        let request = server
            .patch(&own)
            .by(person)
            .json(&json!({"guest_count": guests}));
        request.send()
    };
    let shrunk = change(&people[2], 0).await.expect(200);
    assert_eq!(place(&shrunk["rsvp"]), [Some(2), Some(1), Some(2)]);
    let grown = change(&people[1], 2).await.expect(200);
    assert_eq!(place(&grown["rsvp"]), [Some(3), Some(2), Some(3)]);
    assert_eq!(
        place(&server.rsvp(&path, &people[2]).await),
        [Some(1), Some(0), Some(0)]
    );
    server.stop().await;
}

#[tokio::test]
async fn more_capacity_promotes_in_the_same_step_and_less_evicts_nobody() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let people = people(4);
    server
        .reserve_all(&path, &people.iter().collect::<Vec<_>>())
        .await;
    let capacity = |seats: u32| {
        server
            .patch(&path)
            .by(&host())
            .json(&json!({"capacity": seats}))
            .send()
    };
    let raised = capacity(3).await.expect(200);
    for (member, value) in [
        ("capacity", 3),
        ("confirmed_spots", 3),
        ("waitlisted_parties", 1),
        ("seq", 7),
    ] {
        assert_eq!(raised[member], value, "{member}");
    }
    let cut = capacity(1).await.expect(200);
    for (member, value) in [
        ("capacity", 1),
        ("confirmed_spots", 3),
        ("available_spots", 0),
        ("seq", 8),
    ] {
        assert_eq!(cut[member], value, "{member}");
    }
    // Nobody is promoted until there is room.
    let leave = |person: &Person| server.delete(&format!("{path}/rsvp")).by(person).send();
    for (person, seq) in [(&people[0], 9), (&people[1], 10), (&people[2], 12)] {
        assert_eq!(leave(person).await.expect(200)["seq"], seq);
    }
    assert_eq!(status(&server, &path, &people[3]).await, "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn lowering_the_waitlist_capacity_sends_nobody_away() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let people = people(5);
    server
        .reserve_all(&path, &people[..4].iter().collect::<Vec<_>>())
        .await;
    let newcomer = &people[4];
    for (capacity, code) in [(1, "waitlist_full"), (0, "activity_full")] {
        let change = json!({"waitlist_capacity": capacity});
        let changed = server.patch(&path).by(&host()).json(&change).send().await;
        let changed = changed.expect(200);
        assert_eq!(
            (&changed["waitlist_capacity"], &changed["waitlisted_parties"]),
            (&json!(capacity), &json!(3))
        );
        server
            .reserve(&path, newcomer, json!({}))
            .await
            .expect_problem(409, code);
    }
    let server = server.restart().await;
    for (person, position) in people[1..4].iter().zip(1..) {
        assert_eq!(place(&server.rsvp(&path, person).await)[0], Some(position));
    }

    // They go on moving up, and newcomers still may not wait.
    server
        .delete(&format!("{path}/rsvp"))
        .by(&people[0])
        .send()
        .await
        .expect(200);
    assert_eq!(status(&server, &path, &people[1]).await, "confirmed");
    server
        .reserve(&path, newcomer, json!({}))
        .await
        .expect_problem(409, "activity_full");
    let events = server.events(&path).await;
    let kinds: Vec<&Value> = events[4..].iter().map(|event| &event["kind"]).collect();
    assert_eq!(
        kinds,
        ["activity_updated", "activity_updated", "cancelled", "promoted"]
    );
    server.stop().await;
}

#[tokio::test]
async fn while_the_host_holds_promotion_back_nobody_moves_and_then_everybody_who_fits() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    let people = people(5);
    server
        .reserve_all(&path, &people[..4].iter().collect::<Vec<_>>())
        .await;
    let pause = |paused: bool| {
        server
            .patch(&path)
            .by(&host())
            .json(&json!({"waitlist_paused": paused}))
            .send()
    };
    assert_eq!(pause(true).await.expect(200)["waitlist_paused"], true);
    let freed = server
        .delete(&format!("{path}/rsvp"))
        .by(&people[0])
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&freed["seq"], &freed["counts"]["available_spots"]),
        (&json!(6), &json!(1))
    );
    // A newcomer does not get what others wait for.
    let late = server.reserve(&path, &people[4], json!({})).await.expect(201);
    assert_eq!(place(&late["rsvp"]), [Some(3), Some(2), Some(2)]);
    let resumed = pause(false).await.expect(200);
    assert_eq!(
        (&resumed["seq"], &resumed["waitlisted_parties"]),
        (&json!(9), &json!(2))
    );
    assert_eq!(status(&server, &path, &people[2]).await, "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn a_party_that_does_not_fit_is_passed_no_more_often_than_patience_allows() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4, "patience": 1})).await;
    let people = people(7);
    server
        .reserve_all(&path, &people[..4].iter().collect::<Vec<_>>())
        .await;
    server
        .reserve(&path, &people[4], json!({"guest_count": 1}))
        .await
        .expect(201);
    server
        .reserve_all(&path, &people[5..].iter().collect::<Vec<_>>())
        .await;
    let leave = |person: &Person| server.delete(&format!("{path}/rsvp")).by(person).send();
    leave(&people[0]).await.expect(200);
    assert_eq!(
        status(&server, &path, &people[5]).await,
        "confirmed",
        "it fits, the pair does not"
    );
    let events = server.events(&path).await;
    assert_eq!(
        events.last().unwrap()["reason"],
        "promoted past ticket 5, which needs 2 of 1 free"
    );
    leave(&people[1]).await.expect(200);
    assert_eq!(
        status(&server, &path, &people[6]).await,
        "waitlisted",
        "the pair was passed once"
    );
    leave(&people[2]).await.expect(200);
    assert_eq!(status(&server, &path, &people[4]).await, "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn the_waitlist_tells_everybody_its_length_people_their_place_and_the_host_who_waits() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let people: Vec<Person> = (2..6).map(Person::member).collect();
    for (person, guests) in people.iter().zip([0, 0, 0, 0]) {
        server
            .reserve(&path, person, json!({"guest_count": guests}))
            .await
            .expect(201);
    }
    let waitlist = format!("{path}/waitlist");
    let public = json!({"parties": 3, "spots": 3, "paused": false, "me": null});
    assert_eq!(server.get(&waitlist).send().await.expect(200), public);
    assert_eq!(
        server
            .get(&waitlist)
            .by(&Person::member(8))
            .send()
            .await
            .expect(200),
        public
    );
    for (person, me) in [
        (
            &people[0],
            json!({"status": "confirmed", "position": null, "parties_ahead": null, "spots_ahead": null, "seq": 4}),
        ),
        (
            &people[2],
            json!({"status": "waitlisted", "position": 2, "parties_ahead": 1, "spots_ahead": 1, "seq": 4}),
        ),
    ] {
        let seen = server.get(&waitlist).by(person).send().await.expect(200);
        assert_eq!(seen, json!({"parties": 3, "spots": 3, "paused": false, "me": me}));
    }

    let tickets = |list: &Value| -> Vec<u64> {
        let entries = list["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["ticket"].as_u64().unwrap())
            .collect()
    };
    for admin in [host(), Person::admin(9)] {
        let seen = server.get(&waitlist).by(&admin).send().await.expect(200);
        assert_eq!(tickets(&seen), [2, 3, 4]);
        for (entry, person) in seen["entries"].as_array().unwrap().iter().zip(&people[1..]) {
            let mut entry = entry.clone();
            entry.as_object_mut().unwrap().remove("ticket");
            assert_eq!(entry, server.rsvp(&path, person).await);
        }
    }
    for (query, expected) in [
        ("limit=2", &[2, 3][..]),
        ("limit=2&page=2", &[4]),
        ("limit=2&page=3", &[]),
        ("page=2", &[]),
        ("limit=1000", &[2, 3, 4]),
    ] {
        let seen = server
            .get(&format!("{waitlist}?{query}"))
            .by(&host())
            .send()
            .await
            .expect(200);
        assert_eq!(tickets(&seen), expected, "{query}");
        assert_eq!(seen["parties"], 3, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_line_is_the_same_after_a_restart() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let people = people(4);
    server
        .reserve_all(&path, &people.iter().collect::<Vec<_>>())
        .await;
    let mut before = Vec::new();
    for person in &people {
        before.push(server.rsvp(&path, person).await);
    }
    let activity = server.get(&path).send().await.expect(200);
    let server = server.restart().await;
    assert_eq!(server.get(&path).send().await.expect(200), activity);
    for (person, rsvp) in people.iter().zip(&before) {
        assert_eq!(server.rsvp(&path, person).await, *rsvp);
    }
    server
        .delete(&format!("{path}/rsvp"))
        .by(&people[0])
        .send()
        .await
        .expect(200);
    assert_eq!(status(&server, &path, &people[1]).await, "confirmed");
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_the_line_that_would_have_too_many_rsvps_is_refused_and_a_shorter_one_is_not() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 100})).await;
    for party in 0..102 {
        let names: Vec<String> = (0..100).map(|member| format!("P{party}m{member}")).collect();
        let members: Vec<(&str, u32)> = names.iter().map(|name| (&**name, 0)).collect();
        server.book(&path, &host(), "all", &members).await.expect(201);
    }
    let page = async |limit: u32| {
        let read = server.get(&format!("{path}/waitlist?limit={limit}")).by(&host());
        read.send().await
    };
    page(101).await.expect_problem(422, "validation_failed");
    let entries = page(100).await.expect(200)["entries"].as_array().unwrap().len();
    assert_eq!(entries, 10_000);
    server.stop().await;
}
