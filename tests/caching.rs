//! Who may keep an answer: browsers, and whatever stands between them and the server.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Guest, Server, contact, host};

/// What an answer says of keeping it, and on what it depends.
fn kept(answer: &Answer) -> (&str, Option<&str>) {
    let text = |name: &str| Some(answer.headers.get(name)?.to_str().unwrap());
    (text("cache-control").unwrap(), text("vary"))
}

#[tokio::test]
async fn what_is_told_to_somebody_is_kept_by_nobody() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    let ada = server.knock(&path, "Ada", json!({})).await;
    assert_eq!(kept(&ada), ("no-store", None), "it holds a token");
    let ada = Guest::told_by(&ada.expect(201));
    let refused = server.knock(&path, "Ada", json!({})).await;
    assert_eq!((refused.status, kept(&refused)), (409, ("no-store", None)));
    let eve = contact("Eve");
    let account = json!({"name": "Eve", "email": eve["email"], "password": "correct horse"});
    let registered = server.post("/auth/register").json(&account).send().await;
    assert_eq!(kept(&registered), ("no-store", None));
    let eve = registered.expect(201);
    let refresh = json!({"refresh_token": eve["refresh_token"]});
    let refreshed = server.post("/auth/refresh").json(&refresh).send().await;
    assert_eq!((refreshed.status, kept(&refreshed)), (200, ("no-store", None)));

    let (host, eve) = (host().token, eve["token"].as_str().unwrap());
    let ways = [
        ("/rsvps/verify-token".to_owned(), ada.token.as_str(), 200),
        (ada.path(), &ada.token, 200),
        (format!("{}/status", ada.path()), &ada.token, 200),
        (ada.path(), eve, 403),
        (format!("{path}/rsvp"), &ada.token, 200),
        ("/auth/verify".to_owned(), eve, 200),
        (format!("{path}/participants"), &host, 200),
        (format!("{path}/events"), &host, 200),
        (format!("{path}/waitlist"), &host, 200),
        (format!("{path}/attendees"), &host, 200),
        (path.clone(), &host, 200),
        (path.clone(), "nonsense", 401),
        ("/nowhere".to_owned(), eve, 404),
    ];
    for (at, token, status) in ways {
        let answer = server.get(&at).token(token).send().await;
        let said = (answer.status, kept(&answer));
        assert_eq!(said, (status, ("no-store", Some("Authorization"))), "{at}");
    }
    for method in [Method::PATCH, Method::DELETE] {
        let answer = server
            .request(method, &ada.path())
            .by_guest(&ada)
            .json(&json!({}));
        let answer = answer.send().await;
        assert_eq!((answer.status, kept(&answer)), (200, ("no-store", None)));
    }
    server.stop().await;
}

#[tokio::test]
async fn what_everybody_is_told_is_kept_only_as_long_as_it_holds() {
    let server = Server::start().await;
    let path = server.open(json!({"capacity": 9})).await;
    for at in [
        "/activities".to_owned(),
        path.clone(),
        format!("{path}/waitlist"),
        format!("{path}/attendees"),
        format!("{path}/capacity"),
        "/nowhere".to_owned(),
    ] {
        let answer = server.get(&at).send().await;
        assert_eq!(kept(&answer), ("no-cache", Some("Authorization")), "{at}");
    }
    // The counts are asked for again and again, also by those who have said who they are.
    let at = format!("{path}/capacity");
    for (token, keeping) in [(None, "no-cache"), (Some(host().token), "private, no-cache")] {
        let ask = |known: &str| {
            let ask = server.get(&at).header("if-none-match", known);
            match &token {
                Some(token) => ask.token(token).send(),
                None => ask.send(),
            }
        };
        let first = ask("\"x\"").await;
        let tag = first.headers["etag"].to_str().unwrap();
        let again = ask(tag).await;
        assert_eq!((first.status, again.status), (200, 304));
        for answer in [&first, &again] {
            assert_eq!(kept(answer), (keeping, Some("Authorization")));
        }
    }
    server.stop().await;
}
