//! What a booking for several is answered: who of them gets in, who does not and why, and what is wrong with it.

use serde_json::{Value, json};

use super::{booker, texts};
use crate::support::{Guest, Server, contact, contacts, host, with};

#[tokio::test]
async fn one_who_is_there_already_or_comes_twice_keeps_all_out_who_come_together() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9, "max_guests": 2})).await;
    let there = server.guest(&path, "There").await;
    for (guests, status, code, index, limit) in [
        (&[("Ada", 0), ("There", 0)][..], 409, "already_reserved", 1, None),
        (
            &[("Ada", 0), ("Bo", 0), ("ADA", 0)],
            409,
            "already_reserved",
            2,
            None,
        ),
        // Who is there already is told before what is too large.
        (&[("Ada", 3), ("There", 0)], 409, "already_reserved", 1, None),
        (&[("Ada", 0), ("Bo", 3)], 422, "party_too_large", 1, Some(2)),
        (
            &[("Ada", 2), ("Bo", 2), ("Cy", 2), ("Di", 0)],
            422,
            "party_too_large",
            3,
            Some(9),
        ),
    ] {
        let answer = server.book(&path, &booker(), "all", guests).await;
        answer.expect_problem(status, code);
        assert_eq!(answer.body["index"], index, "{guests:?}");
        assert_eq!(
            answer.body.get("limit"),
            limit.map(|limit| json!(limit)).as_ref(),
            "{guests:?}"
        );
    }
    assert_eq!(server.events(&path).await.len(), 1);
    // Whoever has left may come again.
    server
        .delete(&there.path())
        .by_guest(&there)
        .send()
        .await
        .expect(200);
    let party = server.party(&path, &booker(), &[("Ada", 0), ("There", 1)]).await;
    assert_eq!(party[1].id, there.id);
    assert_eq!(server.seen_by(&party[1]).await["total_spots"], 2);
    let old = server.get("/rsvps/verify-token").by_guest(&there).send().await;
    old.expect_problem(401, "token_revoked");
    server.stop().await;
}

#[tokio::test]
async fn a_party_that_may_not_wait_is_refused_as_a_whole() {
    let server = Server::start().await;
    let full = server.open(json!({"capacity": 3, "waitlist_capacity": 0})).await;
    let short = server.open(json!({"capacity": 2, "waitlist_capacity": 1})).await;
    server.guest(&full, "One").await;
    let three = [("Ada", 0), ("Bo", 0), ("Cy", 0)];
    let refused = server.book(&full, &booker(), "all", &three).await;
    refused.expect_problem(409, "activity_full");
    assert!(refused.body.get("index").is_none());
    server
        .book(&full, &booker(), "all", &three[..2])
        .await
        .expect(201);

    server.guest(&short, "One").await;
    // A party takes one place in the line, whatever its size.
    server
        .book(&short, &booker(), "all", &three[..2])
        .await
        .expect(201);
    let refused = server
        .book(&short, &booker(), "all", &[("Di", 0), ("Ed", 0)])
        .await;
    refused.expect_problem(409, "waitlist_full");
    server.stop().await;
}

#[tokio::test]
async fn who_comes_each_for_themselves_is_judged_in_order_and_refused_alone() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 3, "max_guests": 4, "waitlist_capacity": 1}))
        .await;
    server.guest(&path, "There").await;
    let guests = [
        ("Ada", 0),
        ("There", 0),
        ("Bo", 1),
        ("Wide", 5),
        ("Huge", 3),
        ("Ada", 0),
        ("Cy", 0),
        ("Di", 0),
    ];
    let body = json!({"mode": "each", "attendees": contacts(&guests)});
    let book = |body: &Value| {
        let book = server.post(&format!("{path}/rsvps/bulk")).by(&booker());
        book.header("idempotency-key", "k").json(body).send()
    };
    let first = book(&body).await.expect(200);
    let results = first["results"].as_array().unwrap();
    let told: Vec<(Option<&str>, Option<&str>)> = results
        .iter()
        .map(|result| {
            (
                result["rsvp"]["status"].as_str(),
                result["error"]["code"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("confirmed"), None),
            (None, Some("already_reserved")),
            (Some("waitlisted"), None),
            (None, Some("party_too_large")),
            (None, Some("party_too_large")),
            (None, Some("already_reserved")),
            (Some("confirmed"), None),
            (None, Some("waitlist_full")),
        ]
    );
    for (index, limit) in [(3, 4), (4, 3)] {
        let error = &results[index]["error"];
        assert_eq!((&error["limit"], &error["status"]), (&json!(limit), &json!(422)));
        assert!(
            error["title"].is_string() && error["detail"].is_string(),
            "{error}"
        );
    }
    for result in results.iter().filter(|result| result["rsvp"].is_object()) {
        let rsvp = &result["rsvp"];
        assert_eq!(
            (&rsvp["group_id"], &rsvp["booked_by"]),
            (&Value::Null, &json!(booker().id))
        );
        let guest = Guest::of(rsvp);
        assert_eq!(server.seen_by(&guest).await["id"], rsvp["id"]);
    }
    assert_eq!((&first["seq"], &first["replayed"]), (&json!(4), &json!(false)));

    // The same again, also after a restart: every token and every refusal as it was.
    let counts = server.get(&path).send().await.expect(200);
    let server = server.restart().await;
    let book = |body: &Value| {
        let book = server.post(&format!("{path}/rsvps/bulk")).by(&booker());
        book.header("idempotency-key", "k").json(body).send()
    };
    let again = book(&body).await.expect(200);
    assert_eq!(again, with(first, json!({"replayed": true})));
    let other = json!({"mode": "all", "attendees": contacts(&guests)});
    book(&other).await.expect_problem(422, "key_reused");
    let mut swapped = body.clone();
    swapped["attendees"].as_array_mut().unwrap().swap(0, 1);
    book(&swapped).await.expect_problem(422, "key_reused");
    assert_eq!(server.get(&path).send().await.expect(200)["seq"], counts["seq"]);
    server.stop().await;
}

#[tokio::test]
async fn where_nobody_of_them_gets_in_nothing_was_done_and_it_is_judged_anew() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 2, "waitlist_capacity": 0})).await;
    let seated = server.party(&path, &host(), &[("One", 0), ("Two", 0)]).await;
    let book = || {
        let book = server.post(&format!("{path}/rsvps/bulk")).by(&booker());
        let body = json!({"mode": "each", "attendees": contacts(&[("One", 0), ("Ada", 0)])});
        book.header("idempotency-key", "k").json(&body).send()
    };
    let nobody = book().await.expect(200);
    let codes: Vec<&str> = nobody["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["error"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["already_reserved", "activity_full"]);
    assert_eq!((&nobody["seq"], &nobody["replayed"]), (&json!(2), &json!(false)));
    server
        .delete(&seated[0].path())
        .by_guest(&seated[0])
        .send()
        .await
        .expect(200);
    let anew = book().await.expect(200);
    assert_eq!(anew["replayed"], false);
    assert_eq!(anew["results"][0]["rsvp"]["status"], "confirmed");
    assert_eq!(anew["results"][1]["error"]["code"], "activity_full");
    assert_eq!(book().await.expect(200)["replayed"], true);
    server.stop().await;
}

#[tokio::test]
async fn a_booking_for_all_is_answered_again_under_its_key() {
    let mut server = Server::start().await;
    let path = server.open(json!({"capacity": 2})).await;
    server.guest(&path, "One").await;
    let body = json!({"mode": "all", "attendees": contacts(&[("Bo", 0), ("Ada", 0)])});
    let book = |server: &Server, body: &Value| {
        let book = server.post(&format!("{path}/rsvps/bulk")).by(&booker());
        book.header("idempotency-key", "k").json(body).send()
    };
    let first = book(&server, &body).await.expect(201);
    assert_eq!(texts(&first["rsvps"], "status"), ["waitlisted"; 2]);
    for restart in [false, true] {
        if restart {
            server = server.restart().await;
        }
        let again = book(&server, &body).await.expect(201);
        assert_eq!(again, with(first.clone(), json!({"replayed": true})));
    }
    let fewer = json!({"mode": "all", "attendees": contacts(&[("Bo", 0), ("Cy", 0)])});
    book(&server, &fewer).await.expect_problem(422, "key_reused");
    server.stop().await;
}

#[tokio::test]
async fn the_doors_are_told_once_for_all() {
    let server = Server::start().await;
    let opens = json!({"opens_at": "2026-05-01T12:01:00Z", "capacity": 9});
    let path = server.open(opens).await;
    let two = [("Ada", 0), ("Bo", 0)];
    for mode in ["all", "each"] {
        let early = server.book(&path, &booker(), mode, &two).await;
        early.expect_problem(409, "not_open_yet");
        assert_eq!(early.body["opens_in_ms"], 60_000);
        assert!(early.body.get("index").is_none());
    }
    server.book(&path, &host(), "all", &two).await.expect(201);
    server.delete(&path).by(&host()).send().await.expect(200);
    for mode in ["all", "each"] {
        let over = server.book(&path, &booker(), mode, &[("Cy", 0), ("Di", 0)]).await;
        over.expect_problem(410, "activity_cancelled");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_booking_is_for_two_to_a_hundred_and_takes_a_body_of_a_mebibyte() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1_000})).await;
    let bulk = format!("{path}/rsvps/bulk");
    let book = |body: &Value| server.post(&bulk).by(&booker()).json(body).send();
    let named = |count: usize| -> Value {
        (0..count)
            .map(|number| contact(&format!("Guest{number}")))
            .collect()
    };
    for count in [0, 1, 101, 2_000] {
        for mode in ["all", "each"] {
            let answer = book(&json!({"mode": mode, "attendees": named(count)})).await;
            assert_eq!(answer.expect_wrong("attendees"), "must have 2 to 100 entries");
        }
    }
    assert_eq!(server.events(&path).await.len(), 0);
    // As large as it may be, with as many as may come.
    let mut body = json!({"mode": "all", "attendees": named(100)}).to_string();
    body.push_str(&" ".repeat(1024 * 1024 - body.len()));
    let booked = server
        .post(&bulk)
        .by(&booker())
        .raw(body.clone())
        .send()
        .await
        .expect(201);
    assert_eq!(booked["rsvps"].as_array().unwrap().len(), 100);
    body.push(' ');
    let larger = server.post(&bulk).by(&booker()).raw(body).send().await;
    larger.expect_problem(413, "body_too_large");
    // A hundred may leave as a party, one by one.
    let first = Guest::of(&booked["rsvps"][0]);
    server
        .delete(&first.path())
        .by_guest(&first)
        .send()
        .await
        .expect(200);
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_booking_is_named_with_its_place() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let book = |body: &Value| {
        server
            .post(&format!("{path}/rsvps/bulk"))
            .by(&booker())
            .json(body)
            .send()
    };
    let good = json!({"mode": "all", "attendees": [contact("Ada"), contact("Bo")]});
    for (field, value) in [
        ("mode", json!("both")),
        ("mode", json!("All")),
        ("mode", json!(null)),
        ("mode", json!(["all"])),
        ("mode", json!({"all": null})),
        ("attendees", json!(null)),
        ("attendees", json!({})),
        ("attendees", json!("ada@example.com")),
        ("attendees[0]", json!(["ada@example.com", "bo@example.com"])),
        ("booked_by", json!(host().id)),
        ("group_id", json!(host().id)),
        ("Mode", json!("all")),
    ] {
        let top = field.split('[').next().unwrap();
        book(&with(good.clone(), json!({ top: value })))
            .await
            .expect_wrong(field);
    }
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("<b>")),
        ("name", json!(null)),
        ("email", json!("bo")),
        ("email", json!(7)),
        ("guest_count", json!(-1)),
        ("guest_count", json!(null)),
        ("guest_count", json!(65_536)),
        ("special_requirements", json!("Vegan")),
        ("user_id", json!(host().id)),
    ] {
        let second = with(contact("Bo"), json!({ field: value }));
        let body = json!({"mode": "each", "attendees": [contact("Ada"), second]});
        book(&body).await.expect_wrong(&format!("attendees[1].{field}"));
    }
    for (field, body) in [
        ("mode", json!({"attendees": [contact("Ada"), contact("Bo")]})),
        ("attendees", json!({"mode": "all"})),
        (
            "attendees[1].email",
            json!({"mode": "all", "attendees": [contact("Ada"), {"name": "Bo"}]}),
        ),
    ] {
        assert_eq!(book(&body).await.expect_wrong(field), "is required");
    }
    let two = json!({"mode": "all", "attendees": [{"name": "", "email": "x"}, contact("Bo"), {"name": "Cy", "email": "y"}]});
    let answer = book(&two).await;
    let fields: Vec<&str> = texts(&answer.body["errors"], "field");
    assert_eq!(
        fields,
        ["attendees[0].email", "attendees[0].name", "attendees[2].email"]
    );
    assert_eq!(server.events(&path).await.len(), 0);
    server.stop().await;
}
