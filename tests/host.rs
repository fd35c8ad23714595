//! What a host alone sees of an activity: its RSVPs and its decision log.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Guest, Person, Server, contact, host, with};

/// The RSVPs that a query finds, in order.
async fn list(server: &Server, path: &str, query: &str) -> Value {
    let list = server.get(&format!("{path}/rsvps?{query}")).by(&host());
    list.send().await.expect(200)
}

fn column(list: &Value, member: &str) -> Vec<String> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|row| row[member].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_list_of_rsvps_has_everybody_and_is_narrowed_by_status_and_name() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    for (number, name) in (2..).zip(["Ada", "Bo 100%", "Cy_", "Ödön", "Adam"]) {
        server
            .reserve(&path, &Person::named(number, name), json!({}))
            .await
            .expect(201);
    }
    server
        .delete(&format!("{path}/rsvp"))
        .by(&Person::member(2))
        .send()
        .await
        .expect(200);
    let all = list(&server, &path, "").await;
    assert_eq!(column(&all, "name"), ["Ada", "Bo 100%", "Cy_", "Ödön", "Adam"]);
    assert_eq!(
        (&all["page"], &all["limit"], &all["total"]),
        (&json!(1), &json!(20), &json!(5))
    );
    assert!(column(&all, "id").is_sorted());
    assert_eq!(
        all["data"][3],
        server.rsvp(&path, &Person::member(5)).await,
        "as its person sees it"
    );
    for (query, names) in [
        ("status=confirmed", &["Bo 100%", "Cy_"][..]),
        ("status=waitlisted", &["Ödön", "Adam"]),
        ("status=cancelled", &["Ada"]),
        ("search=ada", &["Ada", "Adam"]),
        ("search=ADA&status=waitlisted", &["Adam"]),
        ("search=%25", &["Bo 100%"]),
        ("search=_", &["Cy_"]),
        ("search=%C3%96d", &["Ödön"]),
        ("search=example.com", &[]),
        ("search=", &["Ada", "Bo 100%", "Cy_", "Ödön", "Adam"]),
        ("page=2&limit=2", &["Cy_", "Ödön"]),
        ("page=3&limit=2", &["Adam"]),
        ("page=9", &[]),
    ] {
        let found = list(&server, &path, query).await;
        assert_eq!(column(&found, "name"), names, "{query}");
        let total = if query.starts_with("page") { 5 } else { names.len() };
        assert_eq!(found["total"], total, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_walk_by_cursor_finds_everybody_exactly_once() {
    const PEOPLE: u128 = 257;
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 100})).await;
    let people: Vec<Person> = (2..2 + PEOPLE).map(Person::member).collect();
    let answers = join_all(
        people
            .iter()
            .map(|person| server.reserve(&path, person, json!({}))),
    )
    .await;
    for answer in answers {
        answer.expect(201);
    }
    let everybody: BTreeSet<String> = people.into_iter().map(|person| person.id).collect();
    for limit in [100, 7, 1] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&server, &path, &format!("limit={limit}&cursor={cursor}")).await;
            assert!(page.get("total").is_none() && page["limit"] == limit);
            found.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(found.len() as u128, PEOPLE, "in pages of {limit}");
        assert!(found.is_sorted_by_key(|rsvp| rsvp["id"].as_str().unwrap().to_owned()));
        let whom = found
            .iter()
            .map(|rsvp| rsvp["user_id"].as_str().unwrap().to_owned());
        assert_eq!(whom.collect::<BTreeSet<_>>(), everybody);
    }
    let narrowed = list(&server, &path, "cursor=&status=waitlisted&limit=100").await;
    assert_eq!(narrowed["data"].as_array().unwrap().len(), 100);
    let cursor = narrowed["next_cursor"].as_str().unwrap();
    let rest = list(
        &server,
        &path,
        &format!("cursor={cursor}&status=waitlisted&limit=100"),
    )
    .await;
    assert_eq!(rest["data"].as_array().unwrap().len(), 57);
    let counts = server.get(&path).send().await.expect(200);
    assert_eq!(
        (&counts["confirmed_spots"], &counts["waitlisted_parties"]),
        (&json!(100), &json!(157))
    );
    server.stop().await;
}

#[tokio::test]
async fn guests_are_found_by_their_address_and_those_with_an_offer_by_that() {
    let server = Server::start().await;
    let promotion = json!({"mode": "offer", "ttl_s": 60});
    let path = server.open(json!({"capacity": 2, "promotion": promotion})).await;
    server
        .reserve(&path, &Person::named(2, "Ada"), json!({}))
        .await
        .expect(201);
    let bo = server.guest(&path, "Bo").await;
    for name in ["Cy", "Di"] {
        server.guest(&path, name).await;
    }
    server.delete(&bo.path()).by_guest(&bo).send().await.expect(200);
    for (query, names) in [
        ("status=offered", &["Cy"][..]),
        ("status=waitlisted", &["Di"]),
        ("status=confirmed", &["Ada"]),
        ("status=cancelled", &["Bo"]),
        ("search=example.com", &["Bo", "Cy", "Di"]),
        ("search=CY@EXAMPLE", &["Cy"]),
        ("search=di%40", &["Di"]),
        ("search=d", &["Ada", "Di"]),
        ("search=example&status=offered", &["Cy"]),
        ("", &["Ada", "Bo", "Cy", "Di"]),
        ("limit=2&page=2", &["Cy", "Di"]),
        ("cursor=&limit=3", &["Ada", "Bo", "Cy"]),
    ] {
        let found = list(&server, &path, query).await;
        assert_eq!(column(&found, "name"), names, "{query}");
        let participants = server.get(&format!("{path}/participants?{query}")).by(&host());
        assert_eq!(
            participants.send().await.expect(200),
            found,
            "by either name: {query}"
        );
        if query.contains("limit") || query.contains("cursor") {
            continue;
        }
        let table = table(&server, &path, query).await;
        let in_table: Vec<&str> = table[1..].iter().map(|row| row[1].as_str()).collect();
        assert_eq!(in_table, names, "{query}");
    }
    server.stop().await;
}

/// The rows of the table of participants, with its header.
async fn table(server: &Server, path: &str, query: &str) -> Vec<Vec<String>> {
    let table = server
        .get(&format!("{path}/participants.csv?{query}"))
        .by(&host());
    let (headers, text) = table.text().await;
    for (name, value) in [
        ("content-type", "text/csv; charset=utf-8"),
        ("content-disposition", "attachment; filename=\"participants.csv\""),
        ("cache-control", "private, no-store"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert!(text.ends_with("\r\n"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[tokio::test]
async fn the_table_tells_of_each_participant_what_the_list_does() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 4, "promotion": {"mode": "offer", "ttl_s": 60}}))
        .await;
    let header = [
        "id",
        "name",
        "email",
        "user_id",
        "status",
        "cancel_reason",
        "guest_count",
        "total_spots",
        "position",
        "special_requirements",
        "checked_in_at",
        "offer_expires_at",
        "group_id",
        "booked_by",
        "created_at",
        "updated_at",
    ];
    assert_eq!(
        table(&server, &path, "").await,
        [header],
        "also where there is nobody"
    );
    let booker = Person::member(2);
    let account = json!({"guest_count": 1, "special_requirements": "Row 1,\n\"aisle\""});
    server
        .reserve(&path, &Person::named(3, "Ada, Countess"), account)
        .await
        .expect(201);
    let party = server.party(&path, &booker, &[("Bo", 0), ("Cy", 0)]).await;
    let line = [server.guest(&path, "Di").await, server.guest(&path, "Ed").await];
    server
        .post(&format!("{}/check-in", party[0].path()))
        .by(&host())
        .send()
        .await
        .expect(200);
    server.clock.advance_s(1);
    server
        .delete(&party[1].path())
        .by_guest(&party[1])
        .send()
        .await
        .expect(200);
    assert_eq!(server.status_of(&line[0]).await, "offered");

    let listed = list(&server, &path, "").await;
    let rows = table(&server, &path, "").await;
    assert_eq!(rows[0], header);
    assert_eq!(rows.len(), 6);
    for (row, rsvp) in rows[1..].iter().zip(listed["data"].as_array().unwrap()) {
        for (cell, name) in row.iter().zip(header) {
            let value = &rsvp[name];
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = if value.is_null() { "" } else { &text };
            assert_eq!(cell, text, "{name} of {rsvp}");
        }
    }
    for row in &rows[1..] {
        let filled = ["position", "checked_in_at", "offer_expires_at"].map(|name| {
            let at = header.iter().position(|column| *column == name).unwrap();
            !row[at].is_empty()
        });
        let expected = [row[1] == "Ed", row[1] == "Bo", row[1] == "Di"];
        assert_eq!(filled, expected, "{row:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn no_cell_of_the_table_is_run_by_a_spreadsheet() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 100})).await;
    let texts = [
        "=HYPERLINK(\"http://x.example\",\"win\")",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "a,b;c",
        "say \"hi\"",
        "'quoted'",
        "Zoë 李小龍",
    ];
    for (number, text) in texts.iter().enumerate() {
        let body = with(
            contact(&format!("Guest{number}")),
            json!({"name": text, "special_requirements": text}),
        );
        server
            .post(&format!("{path}/rsvp"))
            .json(&body)
            .send()
            .await
            .expect(201);
    }
    let wishes = json!({"special_requirements": "first\n=1+1"});
    server.knock(&path, "Lines", wishes).await.expect(201);
    let plus = json!({"name": "Plus", "email": "+plus@example.com"});
    server
        .post(&format!("{path}/rsvp"))
        .json(&plus)
        .send()
        .await
        .expect(201);
    let rows = table(&server, &path, "").await;
    for (row, text) in rows[1..].iter().zip(texts) {
        let harmless = if text.starts_with(['=', '+', '-', '@']) {
            format!("'{text}")
        } else {
            text.to_owned()
        };
        assert_eq!((&row[1], &row[9]), (&harmless, &harmless));
    }
    assert_eq!(rows[9][9], "first\n=1+1", "a line of a text is no cell");
    assert_eq!(rows[10][2], "'+plus@example.com");
    server.stop().await;
}

#[tokio::test]
async fn a_long_table_and_a_long_walk_have_everybody_once() {
    const PEOPLE: usize = 2_500;
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1_000})).await;
    for hundred in 0..PEOPLE / 100 {
        let named = (0..100).map(|number| contact(&format!("Guest{hundred}x{number}")));
        let body = json!({"mode": "each", "attendees": named.collect::<Value>()});
        let book = server.post(&format!("{path}/rsvps/bulk")).by(&host()).json(&body);
        let booked = book.send().await.expect(200);
        let guest = Guest::of(&booked["results"][99]["rsvp"]);
        assert!(!guest.token.is_empty());
    }
    let rows = table(&server, &path, "").await;
    let ids: Vec<String> = rows[1..].iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids.len(), PEOPLE);
    assert!(
        ids.is_sorted_by(|one, next| one < next),
        "everybody once, in the order of the list"
    );
    let waiting = table(&server, &path, "status=waitlisted&search=guest").await;
    assert_eq!(waiting.len() - 1, PEOPLE - 1_000);
    assert_eq!(waiting[1][8], "1");
    let seated = table(&server, &path, "status=confirmed").await;
    assert_eq!(seated.len() - 1, 1_000, "a piece that is full may be the last");
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = list(&server, &path, &format!("limit=100&cursor={cursor}")).await;
        walked.extend(column(&page, "id"));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(walked, ids);
    // It is sent as it is written, so nobody knows how long it will be.
    let (headers, _) = server
        .get(&format!("{path}/participants.csv"))
        .by(&host())
        .text()
        .await;
    assert!(headers.get("content-length").is_none());
    server.stop().await;
}

#[tokio::test]
async fn the_log_tells_what_was_decided_in_order_without_gaps() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1})).await;
    let (ada, bo, own) = (Person::member(2), Person::member(3), format!("{path}/rsvp"));
    let first = server.reserve(&path, &ada, json!({})).await.expect(201)["rsvp"]["id"].clone();
    let second = server.reserve(&path, &bo, json!({})).await.expect(201)["rsvp"]["id"].clone();
    server
        .patch(&own)
        .by(&bo)
        .json(&json!({"special_requirements": "Aisle"}))
        .send()
        .await
        .expect(200);
    server.clock.advance_s(5);
    server.delete(&own).by(&ada).send().await.expect(200);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    let by_id = format!("/rsvps/{}", first.as_str().unwrap());
    server.delete(&by_id).by(&host()).send().await.expect(200);
    let change = json!({"title": "Recital", "capacity": 5, "waitlist_paused": true});
    server
        .patch(&path)
        .by(&host())
        .json(&change)
        .send()
        .await
        .expect(200);
    server
        .patch(&path)
        .by(&Person::admin(9))
        .json(&json!({"waitlist_paused": false}))
        .send()
        .await
        .expect(200);
    server.delete(&path).by(&host()).send().await.expect(200);

    let (ada, bo, host_id, admin) = (ada.id, bo.id, host().id, Person::admin(9).id);
    let (c, w, x) = (Some("confirmed"), Some("waitlisted"), Some("cancelled"));
    let expected = [
        ("confirmed", Some(&first), &ada, None, c, Some(1), None),
        ("waitlisted", Some(&second), &bo, None, w, Some(2), None),
        ("updated", Some(&second), &bo, w, w, Some(2), None),
        (
            "cancelled",
            Some(&first),
            &ada,
            c,
            x,
            Some(1),
            Some("by_attendee"),
        ),
        ("promoted", Some(&second), &ada, w, c, Some(2), None),
        ("waitlisted", Some(&first), &ada, x, w, Some(3), None),
        (
            "cancelled",
            Some(&first),
            &host_id,
            w,
            x,
            Some(3),
            Some("by_host"),
        ),
        ("activity_updated", None, &host_id, None, None, None, None),
        ("capacity_changed", None, &host_id, None, None, None, None),
        ("waitlist_paused", None, &host_id, None, None, None, None),
        ("waitlist_resumed", None, &admin, None, None, None, None),
        ("activity_cancelled", None, &host_id, None, None, None, None),
    ];
    let events = server.events(&path).await;
    assert_eq!(events.len(), expected.len());
    for (number, (event, (kind, rsvp, actor, previous, status, ticket, reason))) in
        (1..).zip(events.iter().zip(expected))
    {
        let at = if number <= 3 {
            "2026-05-01T12:00:00.000Z"
        } else {
            "2026-05-01T12:00:05.000Z"
        };
        let spots = rsvp.map(|_| 1);
        let told = json!({
            "seq": number, "at": at, "kind": kind, "rsvp_id": rsvp, "actor": format!("user:{actor}"),
            "previous_status": previous, "status": status, "spots": spots, "ticket": ticket, "reason": reason,
        });
        assert_eq!(*event, told);
    }

    let page = |query: &str| server.get(&format!("{path}/events?{query}")).by(&host()).send();
    let middle = page("after_seq=4&limit=3").await.expect(200);
    assert_eq!(
        middle,
        json!({"data": events[4..7], "limit": 3, "next_after_seq": 7})
    );
    for end in ["after_seq=12", "after_seq=18446744073709551615"] {
        assert_eq!(page(end).await.expect(200)["data"], json!([]), "{end}");
    }
    assert_eq!(page("after_seq=12").await.expect(200)["next_after_seq"], 12);
    server.stop().await;
}

#[tokio::test]
async fn all_this_is_for_hosts_alone() {
    let server = Server::start().await;
    let path = server.open(json!({})).await;
    let ada = Person::member(2);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    for route in ["rsvps", "participants", "participants.csv", "events"] {
        let at = format!("{path}/{route}");
        server
            .get(&at)
            .send()
            .await
            .expect_problem(401, "unauthenticated");
        for person in [&ada, &Person::member(3)] {
            server
                .get(&at)
                .by(person)
                .send()
                .await
                .expect_problem(403, "forbidden");
        }
        server.get(&at).by(&Person::admin(9)).text().await;
        let unknown = format!("/activities/{}/{route}", Uuid::from_u128(4));
        server
            .get(&unknown)
            .by(&host())
            .send()
            .await
            .expect_problem(404, "not_found");
    }
    server.stop().await;
}
