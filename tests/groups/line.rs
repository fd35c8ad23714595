//! Parties that wait: one place in the line for all of them, whatever becomes of one.

use serde_json::{Value, json};

use super::{booker, changed, places, texts};
use crate::support::{Guest, Server, host};

#[tokio::test]
async fn a_party_that_finds_no_room_for_all_waits_as_one_also_after_a_restart() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let one = server.guest(&path, "One").await;
    let party = server.party(&path, &booker(), &[("Bo", 1), ("Ada", 0)]).await;
    let last = server.guest(&path, "Last").await;
    assert_eq!(
        server.status_of(&last).await,
        "confirmed",
        "it fits, and the party does not"
    );
    let behind = server.party(&path, &host(), &[("Cy", 0), ("Di", 0)]).await;
    let activity = server.get(&path).send().await.expect(200);
    let waiting = |activity: &Value| {
        ["waitlisted_parties", "waitlisted_spots"].map(|member| activity[member].as_u64().unwrap())
    };
    assert_eq!(waiting(&activity), [2, 5]);
    assert_eq!(places(&server, &party).await, [Some(1); 2]);
    assert_eq!(places(&server, &behind).await, [Some(2); 2]);
    let ahead = server.seen_by(&behind[0]).await;
    assert_eq!(
        (&ahead["parties_ahead"], &ahead["spots_ahead"]),
        (&json!(1), &json!(3))
    );

    let server = server.restart().await;
    assert_eq!(server.get(&path).send().await.expect(200), activity);
    let line = server
        .get(&format!("{path}/waitlist?limit=1"))
        .by(&host())
        .send()
        .await
        .expect(200);
    assert_eq!(
        texts(&line["entries"], "name"),
        ["Ada", "Bo"],
        "a party is one place in the line"
    );
    // One seat is not enough for anybody; two are, for those behind.
    let before = server.events(&path).await.len();
    server
        .delete(&last.path())
        .by_guest(&last)
        .send()
        .await
        .expect(200);
    let cy_and_di = behind
        .iter()
        .map(|guest| ("promoted".to_owned(), guest.id.clone()));
    assert_eq!(
        changed(&server, &path, before + 1).await,
        cy_and_di.collect::<Vec<_>>()
    );
    for guest in behind.iter().rev() {
        server
            .delete(&guest.path())
            .by_guest(guest)
            .send()
            .await
            .expect(200);
    }
    assert_eq!(
        places(&server, &party).await,
        [Some(1); 2],
        "two seats are free, and three are needed"
    );
    let before = server.events(&path).await.len();
    server.delete(&one.path()).by_guest(&one).send().await.expect(200);
    let told = changed(&server, &path, before + 1).await;
    let by_address = [&party[1], &party[0]].map(|guest| ("promoted".to_owned(), guest.id.clone()));
    assert_eq!(
        told, by_address,
        "all of them in one step, in the order of their addresses"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_member_who_leaves_a_waiting_party_shrinks_it_where_it_is() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 3})).await;
    let seated = server.party(&path, &host(), &[("One", 1), ("Two", 0)]).await;
    let party = server
        .party(&path, &booker(), &[("Ada", 0), ("Bo", 0), ("Cy", 0)])
        .await;
    let behind = server.guest(&path, "Behind").await;
    server
        .delete(&seated[0].path())
        .by_guest(&seated[0])
        .send()
        .await
        .expect(200);
    assert_eq!(
        server.status_of(&behind).await,
        "confirmed",
        "of two seats one was of use"
    );
    // One leaves by their own token, and the two others do not fit yet.
    let left = server
        .delete("/rsvps/cancel-by-token")
        .by_guest(&party[1])
        .send()
        .await
        .expect(200);
    assert_eq!(left["rsvp"]["cancel_reason"], "by_attendee");
    assert_eq!(
        (
            &left["counts"]["waitlisted_parties"],
            &left["counts"]["waitlisted_spots"]
        ),
        (&json!(1), &json!(2))
    );
    assert_eq!(places(&server, &party).await, [Some(1), None, Some(1)]);
    // The booker takes the next one out, and who is left fits.
    let left = server
        .delete(&party[0].path())
        .by(&booker())
        .send()
        .await
        .expect(200);
    assert_eq!(left["rsvp"]["cancel_reason"], "by_attendee");
    assert_eq!(server.status_of(&party[2]).await, "confirmed");
    let log = server.events(&path).await;
    assert_eq!(log.last().unwrap()["ticket"], 2, "with the party's ticket");
    // Whoever was booked may come back alone, and belongs to nobody then.
    let alone = server.guest(&path, "Bo").await;
    let alone = server.seen_by(&alone).await;
    assert_eq!(
        (&alone["group_id"], &alone["booked_by"]),
        (&Value::Null, &Value::Null)
    );
    server.stop().await;
}

#[tokio::test]
async fn the_last_member_who_leaves_takes_the_party_out_of_the_line() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    server.guest(&path, "One").await;
    // Of two parties that are nothing but alike, so that nobody takes one for the other.
    let first = server
        .book(&path, &booker(), "all", &[("Ada", 0), ("Bo", 0)])
        .await;
    first.expect_problem(422, "party_too_large");
    server
        .patch(&path)
        .by(&host())
        .json(&json!({"capacity": 2, "waitlist_paused": true}))
        .send()
        .await
        .expect(200);
    let first = server.party(&path, &booker(), &[("Ada", 0), ("Bo", 0)]).await;
    let second = server.party(&path, &booker(), &[("Cy", 0), ("Di", 0)]).await;
    for (leaves, parties, spots, expected) in [
        (&first[0], 2, 3, [None, Some(1), Some(2), Some(2)]),
        (&first[1], 1, 2, [None, None, Some(1), Some(1)]),
        (&second[1], 1, 1, [None, None, Some(1), None]),
        (&second[0], 0, 0, [None; 4]),
    ] {
        let left = server
            .delete(&leaves.path())
            .by_guest(leaves)
            .send()
            .await
            .expect(200);
        let counts = &left["counts"];
        assert_eq!(
            (&counts["waitlisted_parties"], &counts["waitlisted_spots"]),
            (&json!(parties), &json!(spots))
        );
        let all = [first.clone(), second.clone()].concat();
        assert_eq!(places(&server, &all).await, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_waiting_party_shrinks_in_place_and_grows_to_the_end_with_all_its_members() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 6, "max_guests": 5, "patience": 0}))
        .await;
    server
        .knock(&path, "Full", json!({"guest_count": 5}))
        .await
        .expect(201);
    let party = server
        .party(&path, &booker(), &[("Cy", 1), ("Ada", 1), ("Bo", 0)])
        .await;
    let behind = server.guest(&path, "Behind").await;
    let change = |guest: &Guest, guests: u32| {
        let change = server.patch(&guest.path()).by_guest(guest);
        change.json(&json!({"guest_count": guests})).send()
    };
    let shrunk = change(&party[0], 0).await.expect(200);
    assert_eq!(
        (&shrunk["rsvp"]["position"], &shrunk["counts"]["waitlisted_spots"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(server.seen_by(&behind).await["spots_ahead"], 4);

    // The party may have no more spots than there are in all.
    let too_large = change(&party[2], 3).await;
    too_large.expect_problem(422, "party_too_large");
    assert_eq!(too_large.body["limit"], 6);
    let too_many = change(&party[2], 6).await;
    assert_eq!(
        (too_many.code(), &too_many.body["limit"]),
        ("party_too_large", &json!(5))
    );
    assert_eq!(
        places(&server, &party).await,
        [Some(1); 3],
        "a rejection changes nothing"
    );

    let before = server.events(&path).await.len();
    let grown = change(&party[2], 2).await.expect(200);
    assert_eq!(
        (&grown["rsvp"]["position"], &grown["seq"]),
        (&json!(2), &json!(before + 3))
    );
    assert_eq!(places(&server, &party).await, [Some(2); 3]);
    assert_eq!(places(&server, std::slice::from_ref(&behind)).await, [Some(1)]);
    let log = server.events(&path).await;
    let told: Vec<_> = log[before..]
        .iter()
        .map(|event| ["kind", "rsvp_id", "ticket", "spots"].map(|member| event[member].clone()))
        .collect();
    let [cy, ada, bo] = [&party[0].id, &party[1].id, &party[2].id].map(|id| json!(id));
    let ticket = json!(4);
    assert_eq!(
        told,
        [(bo, 3), (ada, 2), (cy, 1)].map(|(id, spots)| [json!("updated"), id, ticket.clone(), json!(spots)]),
        "the one that grew, then the others by address"
    );
    let versions: Vec<Value> = [
        server.seen_by(&party[0]).await,
        server.seen_by(&party[1]).await,
        server.seen_by(&party[2]).await,
    ]
    .map(|rsvp| rsvp["version"].clone())
    .into();
    assert_eq!(versions, [3, 2, 2]);
    server.stop().await;
}
