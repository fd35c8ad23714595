//! Who comes, as everybody may see it, or those who come, or the host alone.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Guest, Person, Proxy, Server, Statements, by_way_of, host, postgres_of, server_of};

/// What anybody sees of those who come.
async fn attendees(server: &Server, path: &str, query: &str) -> Value {
    let list = server.get(&format!("{path}/attendees{query}"));
    list.send().await.expect(200)
}

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|attendee| attendee["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn everybody_sees_who_comes_the_newest_first_and_nothing_else_of_them() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 4})).await;
    let own = json!({"guest_count": 1, "special_requirements": "Vegan"});
    server
        .reserve(&path, &Person::named(2, "Ada"), own)
        .await
        .expect(201);
    server.clock.advance_s(60);
    let bo = server.guest(&path, "Bo").await;
    server.guest(&path, "Cy").await;
    server.guest(&path, "Waits").await;
    let list = attendees(&server, &path, "").await;
    let at = ["2026-05-01T12:01:00.000Z", "2026-05-01T12:00:00.000Z"];
    let data = json!([
        {"name": "Cy", "total_spots": 1, "created_at": at[0]},
        {"name": "Bo", "total_spots": 1, "created_at": at[0]},
        {"name": "Ada", "total_spots": 2, "created_at": at[1]},
    ]);
    assert_eq!(list, json!({"data": data, "page": 1, "limit": 20, "total": 3}));
    for (query, seen) in [
        ("?limit=2", &["Cy", "Bo"][..]),
        ("?limit=2&page=2", &["Ada"]),
        ("?limit=2&page=3", &[]),
        ("?limit=1&page=3", &["Ada"]),
        ("?page=4294967295&limit=100", &[]),
    ] {
        let list = attendees(&server, &path, query).await;
        assert_eq!(
            (names(&list), &list["total"]),
            (seen.to_vec(), &json!(3)),
            "{query}"
        );
    }
    // Whoever leaves is gone at once, and whoever is promoted there.
    server.delete(&bo.path()).by_guest(&bo).send().await.expect(200);
    assert_eq!(
        names(&attendees(&server, &path, "").await),
        ["Waits", "Cy", "Ada"]
    );
    server.stop().await;
}

#[tokio::test]
async fn the_first_page_is_current_after_every_change() {
    let server = Server::start().await;
    let path = server
        .open(json!({"capacity": 3, "promotion": {"mode": "offer", "ttl_s": 60}}))
        .await;
    let seen = async || {
        let list = attendees(&server, &path, "?limit=5").await;
        let names: Vec<String> = names(&list).into_iter().map(str::to_owned).collect();
        assert_eq!(list["total"], names.len());
        names.join(" ")
    };
    assert_eq!(seen().await, "");
    let ada = server.guest(&path, "Ada").await;
    assert_eq!(seen().await, "Ada");
    let party = server.party(&path, &host(), &[("Bo", 0), ("Cy", 0)]).await;
    assert_eq!(seen().await, "Cy Bo Ada");
    let waits = server.guest(&path, "Waits").await;
    assert_eq!(seen().await, "Cy Bo Ada");
    server.delete(&ada.path()).by_guest(&ada).send().await.expect(200);
    assert_eq!(seen().await, "Cy Bo", "what is offered is nobody's yet");
    server
        .post(&format!("{}/accept", waits.path()))
        .by_guest(&waits)
        .send()
        .await
        .expect(200);
    assert_eq!(seen().await, "Waits Cy Bo");
    let rename = server
        .patch(&waits.path())
        .by_guest(&waits)
        .json(&json!({"name": "Came"}));
    rename.send().await.expect(200);
    assert_eq!(seen().await, "Came Cy Bo");
    let transfer = server
        .post(&format!("{}/transfer", party[0].path()))
        .by_guest(&party[0]);
    let zoe = json!({"name": "Zoe", "email": "zoe@example.com"});
    transfer.json(&zoe).send().await.expect(200);
    assert_eq!(seen().await, "Zoe Came Cy");
    server
        .delete(&party[1].path())
        .by(&host())
        .send()
        .await
        .expect(200);
    assert_eq!(seen().await, "Zoe Came");
    let server = server.restart().await;
    assert_eq!(
        names(&attendees(&server, &path, "?limit=5").await),
        ["Zoe", "Came"]
    );
    server.delete(&path).by(&host()).send().await.expect(200);
    for query in ["", "?page=2&limit=1"] {
        let list = attendees(&server, &path, query).await;
        assert_eq!(
            (&list["data"], &list["total"]),
            (&json!([]), &json!(0)),
            "nobody comes any more"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_long_list_has_everybody_once() {
    const PEOPLE: u128 = 250;
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 1_000})).await;
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
    let host_list = server
        .get(&format!("{path}/rsvps?cursor=&limit=100"))
        .by(&host())
        .send()
        .await
        .expect(200);
    for limit in [100, 7] {
        let mut all = Vec::new();
        for page in 1..=PEOPLE.div_ceil(limit) {
            let list = attendees(&server, &path, &format!("?limit={limit}&page={page}")).await;
            assert_eq!(list["total"], json!(PEOPLE as u64));
            all.extend(names(&list).into_iter().map(str::to_owned));
        }
        // The host's list is in the order of identifiers, and this one in the opposite order.
        assert!(
            all.iter()
                .rev()
                .map(String::as_str)
                .take(100)
                .eq(names(&host_list)),
            "in pages of {limit}"
        );
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len() as u128, PEOPLE, "in pages of {limit}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_later_page_is_read_once_however_many_ask_for_it() {
    const ASKING: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let statements = Arc::new(Statements::default());
    let counts = statements.clone();
    let proxy = Proxy::overheard(server_of(&database), move |_| counts.ear()).await;
    let server = Server::start_on(by_way_of(proxy.address, &database)).await;
    let path = server.open(json!({"capacity": 10})).await;
    let party = server
        .party(&path, &host(), &[("Ada", 0), ("Bo", 0), ("Cy", 0), ("Di", 0)])
        .await;
    let page = "?limit=2&page=2";
    let before = statements.so_far();
    let pages = join_all((0..ASKING).map(|_| attendees(&server, &path, page))).await;
    for seen in &pages {
        assert_eq!(names(seen), ["Bo", "Ada"]);
    }
    let first = join_all((0..ASKING).map(|_| attendees(&server, &path, "?limit=2"))).await;
    assert!(first.iter().all(|seen| names(seen) == ["Di", "Cy"]));
    let asked = statements.so_far() - before;
    // One for the page; a few go on at all times.
    assert!(asked <= 10, "{asked} statements for {} questions", 2 * ASKING);
    // It may be old for a moment, the first page and the number of all are not.
    server
        .delete(&party[3].path())
        .by_guest(&party[3])
        .send()
        .await
        .expect(200);
    assert_eq!(attendees(&server, &path, page).await["total"], 3);
    assert_eq!(names(&attendees(&server, &path, "?limit=2").await), ["Cy", "Bo"]);
    server.stop().await;
}

#[tokio::test]
async fn a_later_page_is_at_most_a_minute_old() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 10})).await;
    let party = server
        .party(&path, &host(), &[("Ada", 0), ("Bo", 0), ("Cy", 0), ("Di", 0)])
        .await;
    let seen = async |page: u32| {
        let list = attendees(&server, &path, &format!("?limit=2&page={page}")).await;
        names(&list).join(" ")
    };
    assert_eq!(
        (seen(1).await, seen(2).await),
        ("Di Cy".to_owned(), "Bo Ada".to_owned())
    );
    let rename = server
        .patch(&party[0].path())
        .by_guest(&party[0])
        .json(&json!({"name": "Ida"}));
    rename.send().await.expect(200);
    server.clock.advance_s(59);
    assert_eq!(seen(2).await, "Bo Ada");
    server.clock.advance_s(1);
    assert_eq!(seen(2).await, "Bo Ida");
    server.stop().await;
}

#[tokio::test]
async fn the_host_says_who_may_see_who_comes() {
    let server = Server::start().await;
    for (visible, stranger, comes) in [
        ("public", None, true),
        ("attendees", Some("forbidden"), true),
        ("host", Some("forbidden"), false),
    ] {
        let path = server
            .open(json!({"capacity": 2, "attendees_visible": visible}))
            .await;
        let at = format!("{path}/attendees");
        let (ada, gone) = (Person::member(2), Person::member(3));
        server.reserve_all(&path, &[&ada, &gone]).await;
        server
            .delete(&format!("{path}/rsvp"))
            .by(&gone)
            .send()
            .await
            .expect(200);
        let guest = server.guest(&path, "Guest").await;
        let waits = server.guest(&path, "Waits").await;
        let look = |token: &str| server.get(&at).token(token).send();
        for host in [host(), Person::admin(9)] {
            assert_eq!(look(&host.token).await.expect(200)["total"], 2);
        }
        for token in [&ada.token, &guest.token, &waits.token] {
            let seen = look(token).await;
            if comes {
                assert_eq!(seen.expect(200)["total"], 2);
            } else {
                seen.expect_problem(403, "forbidden");
            }
        }
        for token in [&gone.token, &Person::member(4).token] {
            let seen = look(token).await;
            match stranger {
                None => assert_eq!(seen.expect(200)["total"], 2),
                Some(code) => seen.expect_problem(403, code),
            }
        }
        let nobody = server.get(&at).send().await;
        match stranger {
            None => assert_eq!(nobody.expect(200)["total"], 2),
            Some(_) => nobody.expect_problem(401, "unauthenticated"),
        }
        let leave = server.delete("/rsvps/cancel-by-token").by_guest(&guest);
        leave.send().await.expect(200);
        assert_eq!(
            look(&guest.token).await.status == 200,
            stranger.is_none(),
            "{visible}"
        );
        let again = server.guest(&path, "Guest").await;
        look(&guest.token).await.expect_problem(401, "token_revoked");
        assert_eq!(look(&again.token).await.status == 200, comes, "{visible}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_comes_to_a_private_activity_is_seen_by_those_who_know_of_it() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9, "visibility": "private"})).await;
    let at = format!("{path}/attendees");
    let party: Vec<Guest> = server.party(&path, &host(), &[("Ada", 0), ("Bo", 0)]).await;
    server.get(&at).send().await.expect_problem(404, "not_found");
    server
        .get(&at)
        .by(&Person::member(2))
        .send()
        .await
        .expect_problem(404, "not_found");
    for token in [&host().token, &party[0].token] {
        assert_eq!(server.get(&at).token(token).send().await.expect(200)["total"], 2);
    }
    server.put_out(&path, &party[1]).await;
    server
        .get(&at)
        .by_guest(&party[1])
        .send()
        .await
        .expect_problem(404, "not_found");
    server.stop().await;
}
