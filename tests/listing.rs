//! The public list of activities, and who may know of which.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, Server, host};

/// The titles that a query finds, in order.
async fn titles(server: &Server, query: &str) -> Vec<String> {
    let list = server
        .get(&format!("/activities?{query}"))
        .send()
        .await
        .expect(200);
    titles_of(&list)
}

fn titles_of(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|activity| activity["title"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_search_is_taken_literally_and_looks_at_title_description_and_venue() {
    let server = Server::start().await;
    for (title, description, venue) in [
        ("100% fun", "", "Hall"),
        ("1000 fun", "", "Hall"),
        ("snake_case", "", "Cellar"),
        ("snakeXcase", "", "Cellar"),
        (r"back\slash", "", "Attic"),
        ("Österreich", "Ein ÄRGERLICHES Stück", "Straße 1"),
        ("O'Brien; DROP TABLE activities", "", "Attic"),
    ] {
        let fields = json!({"title": title, "description": description, "venue": venue});
        server.open(fields).await;
    }
    for (search, found) in [
        ("%25", &["100% fun"][..]),
        ("0%25", &["100% fun"]),
        ("_", &["snake_case"]),
        ("SNAKE_", &["snake_case"]),
        (r"\", &[r"back\slash"]),
        (r"K\S", &[r"back\slash"]),
        ("hall", &["100% fun", "1000 fun"]),
        ("%C3%96sterreich", &["Österreich"]),
        ("%C3%84RGER", &["Österreich"]),
        ("stra%C3%9Fe", &["Österreich"]),
        ("'", &["O'Brien; DROP TABLE activities"]),
        ("nothing of this", &[]),
        ("%25%25", &[]),
    ] {
        assert_eq!(
            titles(&server, &format!("search={search}&sort=title")).await,
            found,
            "{search}"
        );
    }
    assert_eq!(titles(&server, "search=").await.len(), 7);
    server.stop().await;
}

#[tokio::test]
async fn a_range_of_dates_includes_both_of_its_days() {
    let server = Server::start().await;
    for (title, starts_at) in [
        ("eve", "2026-05-07T23:59:59.999Z"),
        ("start", "2026-05-08T00:00:00Z"),
        ("end", "2026-05-09T23:59:59.999Z"),
        ("after", "2026-05-10T00:00:00Z"),
    ] {
        server
            .open(json!({"title": title, "starts_at": starts_at, "ends_at": "2026-05-11"}))
            .await;
    }
    for (query, found) in [
        ("date_from=2026-05-08&date_to=2026-05-09", &["start", "end"][..]),
        ("date_to=2026-05-08", &["eve", "start"]),
        ("date_from=2026-05-09", &["end", "after"]),
        (
            "date_from=2026-05-08T02:00:00%2B02:00&date_to=2026-05-10T00:00:00Z",
            &["start", "end", "after"],
        ),
        ("date_to=2026-05-08T00:00:00Z", &["eve", "start"]),
        ("date_to=2026-05-08%2000:00:00Z", &["eve", "start"]),
        ("date_from=2026-05-10&date_to=2026-05-09", &[]),
    ] {
        assert_eq!(titles(&server, query).await, found, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_list_is_sorted_and_filtered_by_what_is_available() {
    let server = Server::start().await;
    let mut paths = Vec::new();
    for (title, starts_at, capacity) in [
        ("beta", "2026-05-03", 2),
        ("Alpha", "2026-05-02", 1),
        ("gamma", "2026-05-01", 3),
        ("Delta", "2026-05-03", 9),
    ] {
        let fields =
            json!({"title": title, "starts_at": starts_at, "closes_at": "2026-05-08", "capacity": capacity});
        paths.push(server.open(fields).await);
    }
    server
        .reserve(&paths[1], &Person::member(2), json!({}))
        .await
        .expect(201);
    server
        .reserve(&paths[2], &Person::member(2), json!({"guest_count": 1}))
        .await
        .expect(201);
    server.delete(&paths[3]).by(&host()).send().await.expect(200);
    for (query, found) in [
        ("", &["gamma", "Alpha", "beta", "Delta"][..]),
        ("sort=date", &["gamma", "Alpha", "beta", "Delta"]),
        ("sort=-date", &["Delta", "beta", "Alpha", "gamma"]),
        ("sort=title", &["Alpha", "beta", "Delta", "gamma"]),
        ("sort=available", &["Delta", "beta", "gamma", "Alpha"]),
        ("available_only=true", &["gamma", "beta"]),
        ("available_only=false", &["gamma", "Alpha", "beta", "Delta"]),
    ] {
        assert_eq!(titles(&server, query).await, found, "{query}");
    }
    let list = server.get("/activities?search=alpha").send().await.expect(200);
    let shown = server.get(&paths[1]).send().await.expect(200);
    assert_eq!(list, json!({"data": [shown], "page": 1, "limit": 20, "total": 1}));
    server.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let server = Server::start().await;
    for number in 0..25 {
        server.open(json!({"title": format!("{number:02}")})).await;
    }
    for (query, first, len, page, limit) in [
        ("", "00", 20, 1, 20),
        ("page=2", "20", 5, 2, 20),
        ("page=3&limit=7", "14", 7, 3, 7),
        ("limit=100", "00", 25, 1, 100),
        ("page=26&limit=1", "", 0, 26, 1),
        ("page=4294967295&limit=100", "", 0, 4_294_967_295_u32, 100),
    ] {
        let list = server
            .get(&format!("/activities?{query}"))
            .send()
            .await
            .expect(200);
        assert_eq!(
            (&list["page"], &list["limit"], &list["total"]),
            (&json!(page), &json!(limit), &json!(25))
        );
        let titles = titles_of(&list);
        assert_eq!(titles.len(), len, "{query}");
        assert_eq!(titles.first().map_or("", String::as_str), first, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn only_public_activities_are_listed_and_all_of_a_host_for_that_host() {
    let server = Server::start().await;
    for visibility in ["public", "unlisted", "private"] {
        server
            .open(json!({"title": visibility, "visibility": visibility}))
            .await;
    }
    server
        .create(&Person::member(2), json!({"title": "another's"}))
        .await;
    assert_eq!(titles(&server, "sort=title").await, ["another's", "public"]);
    let own = format!("/activities?sort=title&host_id={}", host().id);
    assert_eq!(titles_of(&server.get(&own).send().await.expect(200)), ["public"]);
    let stranger = server.get(&own).by(&Person::member(2)).send().await.expect(200);
    assert_eq!(titles_of(&stranger), ["public"]);
    let mine = server.get(&own).by(&host()).send().await.expect(200);
    assert_eq!(titles_of(&mine), ["private", "public", "unlisted"]);
    assert_eq!(mine["total"], 3);
    let organization = format!("organization_id={}", host().id);
    assert_eq!(titles(&server, &organization).await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_private_activity_is_there_for_its_host_its_people_and_administrators_alone() {
    let server = Server::start().await;
    let (ada, eve) = (Person::member(2), Person::member(3));
    let path = server.open(json!({"capacity": 1})).await;
    let rsvp = server.reserve(&path, &ada, json!({})).await.expect(201)["rsvp"].clone();
    let private = server
        .patch(&path)
        .by(&host())
        .json(&json!({"visibility": "private"}));
    private.send().await.expect(200);
    let before = server.events(&path).await;

    let rsvp_path = format!("/rsvps/{}", rsvp["id"].as_str().unwrap());
    let routes = [
        (
            path.clone(),
            vec![Method::GET, Method::PATCH, Method::PUT, Method::DELETE],
        ),
        (
            format!("{path}/rsvp"),
            vec![
                Method::POST,
                Method::GET,
                Method::PATCH,
                Method::PUT,
                Method::DELETE,
            ],
        ),
        (format!("{path}/rsvps"), vec![Method::GET]),
        (format!("{path}/waitlist"), vec![Method::GET]),
        (format!("{path}/events"), vec![Method::GET]),
        (
            rsvp_path.clone(),
            vec![Method::GET, Method::PATCH, Method::PUT, Method::DELETE],
        ),
        (format!("{rsvp_path}/position"), vec![Method::GET]),
    ];
    for (route, methods) in &routes {
        for method in methods {
            let request = || server.request(method.clone(), route);
            let stranger = request().by(&eve).send().await;
            assert_eq!(
                (stranger.status, stranger.code()),
                (404, "not_found"),
                "{method} {route}"
            );
        }
    }
    for public in [path.clone(), format!("{path}/waitlist")] {
        server.get(&public).send().await.expect_problem(404, "not_found");
    }
    assert_eq!(server.events(&path).await, before, "and nothing has changed");

    for (person, allowed) in [(host(), &routes[..]), (Person::admin(9), &routes[..])] {
        for (route, methods) in allowed.iter().filter(|(route, _)| !route.ends_with("/rsvp")) {
            assert!(methods.contains(&Method::GET));
            server.get(route).by(&person).send().await.expect(200);
        }
    }
    // Whoever holds an RSVP knows of the activity, so what is not theirs is forbidden and not unknown.
    for route in [
        path.clone(),
        format!("{path}/waitlist"),
        format!("{path}/rsvp"),
        rsvp_path.clone(),
    ] {
        server.get(&route).by(&ada).send().await.expect(200);
    }
    for route in [format!("{path}/events"), format!("{path}/rsvps")] {
        server
            .get(&route)
            .by(&ada)
            .send()
            .await
            .expect_problem(403, "forbidden");
    }
    server.delete(&rsvp_path).by(&ada).send().await.expect(200);
    server.get(&path).by(&ada).send().await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn whoever_the_host_has_put_out_of_a_private_activity_does_not_know_of_it_any_more() {
    let server = Server::start().await;
    let (ada, eve) = (Person::member(2), Person::member(3));
    let path = server.open(json!({"capacity": 2})).await;
    let reserved = server.reserve_all(&path, &[&ada, &eve]).await;
    let [adas, eves] =
        [0, 1].map(|index: usize| format!("/rsvps/{}", reserved[index]["rsvp"]["id"].as_str().unwrap()));
    server.delete(&adas).by(&ada).send().await.expect(200);
    server.delete(&eves).by(&host()).send().await.expect(200);
    // While others may know of it, so may they.
    for (person, rsvp) in [(&ada, &adas), (&eve, &eves)] {
        server.get(&path).by(person).send().await.expect(200);
        let shown = server.get(rsvp).by(person).send().await.expect(200);
        assert_eq!(shown["status"], "cancelled");
    }
    let change = json!({"visibility": "private"});
    let private = server.patch(&path).by(&host()).json(&change);
    private.send().await.expect(200);

    let own = format!("{path}/rsvp");
    let routes = [
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/waitlist")),
        (Method::GET, format!("{path}/events")),
        (Method::GET, own.clone()),
        (Method::POST, own.clone()),
        (Method::PATCH, own.clone()),
        (Method::DELETE, own.clone()),
        (Method::GET, eves.clone()),
        (Method::PATCH, eves.clone()),
        (Method::GET, format!("{eves}/position")),
    ];
    for (method, route) in &routes {
        let answer = server.request(method.clone(), route).by(&eve).send().await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "not_found"),
            "{method} {route}"
        );
    }
    // The host still sees who was there, and whoever left by themselves may come back.
    server.get(&eves).by(&host()).send().await.expect(200);
    server.get(&path).by(&ada).send().await.expect(200);
    server.reserve(&path, &ada, json!({})).await.expect(201);
    server.stop().await;
}

#[tokio::test]
async fn an_unlisted_activity_is_there_for_whoever_has_its_address() {
    let server = Server::start().await;
    let path = server.open(json!({"visibility": "unlisted"})).await;
    server.get(&path).send().await.expect(200);
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    server.stop().await;
}
