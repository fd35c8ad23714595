//! Groups: somebody with an account books for several people, together or each for themselves.

mod booking;
mod line;

use serde_json::{Value, json};

use crate::support::{Answer, Guest, Person, Server, contact, contacts, host, with};

fn booker() -> Person {
    Person::named(2, "Booker")
}

/// Kind and RSVP of each event after so many.
async fn changed(server: &Server, path: &str, after: usize) -> Vec<(String, String)> {
    let log = server.events(path).await;
    let told = log[after..].iter().map(|event| {
        let text = |member: &str| event[member].as_str().unwrap().to_owned();
        (text("kind"), text("rsvp_id"))
    });
    told.collect()
}

fn texts<'a>(list: &'a Value, member: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap();
    list.iter().map(|one| one[member].as_str().unwrap()).collect()
}

async fn places(server: &Server, guests: &[Guest]) -> Vec<Option<u64>> {
    let mut places = Vec::new();
    for guest in guests {
        places.push(server.seen_by(guest).await["position"].as_u64());
    }
    places
}

#[tokio::test]
async fn those_who_come_together_are_confirmed_together_with_one_ticket() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 5})).await;
    let booked = server
        .book(&path, &booker(), "all", &[("Cy", 0), ("Ada", 1), ("Bo", 0)])
        .await;
    assert!(
        !booked.headers.contains_key("etag"),
        "several RSVPs have no version in common"
    );
    let booked = booked.expect(201);
    let rsvps = booked["rsvps"].as_array().unwrap();
    assert_eq!(
        texts(&booked["rsvps"], "name"),
        ["Cy", "Ada", "Bo"],
        "in the order of the list"
    );
    assert_eq!(texts(&booked["rsvps"], "status"), ["confirmed"; 3]);
    let group = rsvps[0]["group_id"].as_str().unwrap();
    for rsvp in rsvps {
        assert_eq!(
            (&rsvp["group_id"], &rsvp["booked_by"]),
            (&json!(group), &json!(booker().id))
        );
        let guest = Guest::of(rsvp);
        let mut shown = rsvp.clone();
        shown.as_object_mut().unwrap().remove("manage_token");
        assert_eq!(
            server.seen_by(&guest).await,
            shown,
            "each has a token of their own"
        );
        let by_booker = server.get(&guest.path()).by(&booker()).send().await;
        let for_booker = with(shown, json!({"email": null}));
        assert_eq!(by_booker.expect(200), for_booker);
    }
    let counts = &booked["counts"];
    assert_eq!(
        (&counts["confirmed_spots"], &booked["seq"], &booked["replayed"]),
        (&json!(4), &json!(3), &json!(false))
    );
    let log = server.events(&path).await;
    for (event, rsvp) in log.iter().zip(rsvps) {
        let told = ["kind", "rsvp_id", "ticket", "actor"].map(|member| &event[member]);
        assert_eq!(
            told,
            [
                &json!("confirmed"),
                &rsvp["id"],
                &json!(1),
                &json!(format!("user:{}", booker().id))
            ]
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn confirmed_members_are_each_on_their_own() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let party = server.party(&path, &booker(), &[("Ada", 0), ("Bo", 1)]).await;
    let grow = server
        .patch(&party[0].path())
        .by_guest(&party[0])
        .json(&json!({"guest_count": 1}));
    grow.send().await.expect(200);
    let more = server
        .patch(&party[1].path())
        .by_guest(&party[1])
        .json(&json!({"guest_count": 2}));
    more.send().await.expect_problem(409, "no_free_spots");
    server
        .delete(&party[0].path())
        .by_guest(&party[0])
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(&party[1]).await, "confirmed");
    // Who comes back has a place of their own.
    let waits = server
        .knock(&path, "Ada", json!({"guest_count": 3}))
        .await
        .expect(201);
    assert_eq!(
        (&waits["rsvp"]["status"], &waits["rsvp"]["group_id"]),
        (&json!("waitlisted"), &Value::Null)
    );
    server.stop().await;
}

#[tokio::test]
async fn members_and_bookers_see_and_change_what_is_theirs_and_nothing_else() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let party = server.party(&path, &booker(), &[("Ada", 0), ("Bo", 0)]).await;
    let stranger = Person::member(3);
    let look = |guest: &Guest| server.get(&guest.path());
    look(&party[0])
        .by_guest(&party[1])
        .send()
        .await
        .expect_problem(403, "forbidden");
    look(&party[0])
        .by(&stranger)
        .send()
        .await
        .expect_problem(403, "forbidden");
    let change = |guest: &Guest, change: Value| server.patch(&guest.path()).json(&change);
    let renamed = change(&party[0], json!({"name": "Ada King", "guest_count": 1})).by(&booker());
    assert_eq!(renamed.send().await.expect(200)["rsvp"]["name"], "Ada King");
    for stranger in [&stranger.token, &party[1].token] {
        let refused = change(&party[0], json!({"guest_count": 0}))
            .token(stranger)
            .send()
            .await;
        refused.expect_problem(403, "forbidden");
        let refused = server.delete(&party[0].path()).token(stranger).send().await;
        refused.expect_problem(403, "forbidden");
    }
    // The booker has no RSVP of their own by that, and may make one.
    let own = server.get(&format!("{path}/rsvp")).by(&booker()).send().await;
    own.expect_problem(404, "not_found");
    server.reserve(&path, &booker(), json!({})).await.expect(201);
    let moved = server
        .post(&format!("{}/transfer", party[0].path()))
        .by(&booker());
    moved
        .json(&contact("Eve"))
        .send()
        .await
        .expect_problem(403, "forbidden");
    server.stop().await;
}

#[tokio::test]
async fn what_a_member_says_of_themselves_is_for_the_host_and_not_for_the_booker() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let body = json!({"mode": "all", "attendees": contacts(&[("Ada", 0), ("Bo", 0)])});
    let book = async || -> Answer {
        let book = server.post(&format!("{path}/rsvps/bulk")).by(&booker());
        book.header("idempotency-key", "k").json(&body).send().await
    };
    let first = book().await.expect(201);
    let ada = Guest::of(&first["rsvps"][0]);
    let wish = json!({"special_requirements": "Wheelchair"});
    let wished = server
        .patch(&ada.path())
        .by_guest(&ada)
        .json(&wish)
        .send()
        .await
        .expect(200);
    let own = &wished["rsvp"];
    assert_eq!(
        (&own["special_requirements"], &own["email"]),
        (&json!("Wheelchair"), &json!("ada@example.com"))
    );
    for host in [host(), Person::admin(9)] {
        let seen = server.get(&ada.path()).by(&host).send().await.expect(200);
        assert_eq!(seen, *own);
    }
    let hidden = with(own.clone(), json!({"email": null, "special_requirements": null}));
    let seen = server.get(&ada.path()).by(&booker()).send().await;
    assert_eq!(seen.expect(200), hidden);
    let change = |tag: &'static str| {
        let change = server.patch(&ada.path()).by(&booker()).header("if-match", tag);
        change.json(&json!({"guest_count": 1})).send()
    };
    let stale = change("\"1\"").await;
    stale.expect_problem(412, "version_conflict");
    assert_eq!(stale.body["current"], hidden);
    let changed = change("\"2\"").await.expect(200);
    let grown = json!({"guest_count": 1, "total_spots": 2, "version": 3});
    assert_eq!(changed["rsvp"], with(hidden, grown));
    // Whoever asks again is told what was, and no more.
    let again = book().await.expect(201);
    assert_eq!(again["rsvps"], first["rsvps"]);
    let left = server.delete(&ada.path()).by(&booker()).send().await.expect(200);
    assert_eq!(left["rsvp"]["special_requirements"], Value::Null);

    // Nor is what the next one says for whoever has handed it on.
    let bo = Guest::of(&first["rsvps"][1]);
    let hand_on = || {
        let transfer = server.post(&format!("{}/transfer", bo.path())).by_guest(&bo);
        transfer
            .header("idempotency-key", "k")
            .json(&contact("Cy"))
            .send()
    };
    let given = hand_on().await.expect(200);
    let cy = Guest::given_by(&given);
    server
        .patch(&cy.path())
        .by_guest(&cy)
        .json(&wish)
        .send()
        .await
        .expect(200);
    assert_eq!(hand_on().await.expect(200)["recipient"], given["recipient"]);
    // A host who books is the host first.
    let party = server.party(&path, &host(), &[("Di", 0), ("Ed", 0)]).await;
    server
        .patch(&party[0].path())
        .by_guest(&party[0])
        .json(&wish)
        .send()
        .await
        .expect(200);
    let mended = server
        .patch(&party[0].path())
        .by(&host())
        .json(&json!({"guest_count": 1}));
    let mended = mended.send().await.expect(200);
    assert_eq!(mended["rsvp"]["special_requirements"], "Wheelchair");
    server.stop().await;
}
