//! Questions that make no sense, and tokens that open nothing: answered with a problem that says why.

use jsonwebtoken::{Algorithm, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{SECRET, Scene, claims, forge, forge_with, host, usual_activity};

#[tokio::test]
async fn wrong_parameters_of_a_query_are_named() {
    let scene = Scene::new().await;
    let long = format!("search={}", "x".repeat(101));
    let long = Some(long.as_str());
    for (route, long, wrong) in [
        (
            "/activities".to_owned(),
            long,
            "page=0 page=-1 page=x page= page=1.5 page=4294967296 limit=0 limit=101 limit= sort=up \
             sort= sort=Date available_only=1 available_only= host_id=1 organization_id= \
             date_from=yesterday date_to=2026-5-1 date_to=2026-02-30 search=%00 search=a%0Ab \
             status=scheduled Page=1 page=1&page=1 search[]=x",
        ),
        (
            format!("{}/rsvps", scene.path),
            long,
            "page=0 limit=0 limit=101 limit=x status= status=Confirmed status=gone cursor=1 cursor=%00 \
             cursor=&page=1 cursor=&page=2 search=%1B sort=id",
        ),
        (
            format!("{}/participants", scene.path),
            long,
            "page=0 limit=101 status=waiting cursor=1 cursor=&page=1 search=%1B format=csv",
        ),
        (
            format!("{}/participants.csv", scene.path),
            long,
            "status= status=gone search=%00 page=1 limit=10 cursor=",
        ),
        (
            format!("{}/attendees", scene.path),
            None,
            "page=0 page=-1 page=x page=4294967296 limit=0 limit=101 limit= search=ada cursor= sort=name",
        ),
        (
            format!("{}/waitlist", scene.path),
            None,
            "page=0 page=-1 limit=0 limit=1001 limit=all cursor=x",
        ),
        (
            format!("{}/events", scene.path),
            None,
            "after_seq=-1 after_seq=x after_seq=1.5 after_seq=18446744073709551616 limit=0 limit=1001 \
             page=1",
        ),
    ] {
        for query in wrong.split_whitespace().chain(long) {
            let answer = scene
                .server
                .get(&format!("{route}?{query}"))
                .by(&host())
                .send()
                .await;
            let field = query.split('=').next().unwrap();
            let message = answer.expect_wrong(field);
            assert!(
                message.starts_with("must") || message.starts_with("is "),
                "{query}: {message}"
            );
            assert!(!message.contains("invalid"), "{query}: {message}");
        }
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn a_token_that_is_forged_expired_or_meant_for_something_else_opens_nothing() {
    let scene = Scene::new().await;
    let good = claims(scene.server.clock.now_s());
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        forge(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        forge(&claims)
    };
    let payload = forge(&good).split('.').nth(1).unwrap().to_owned();
    let stranger = forge_with(
        &Header::new(Algorithm::HS256),
        &good,
        "a secret of somebody else, as long as ours",
    );
    let signature = stranger.rsplit_once('.').unwrap().1;
    let admin = changed("role", json!("admin"));
    let admin = admin.split('.').nth(1).unwrap();
    let kid = Header {
        kid: Some("../../etc".to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let tokens = [
        (stranger.clone(), "unauthenticated"),
        // {"alg":"none"}
        (format!("eyJhbGciOiJub25lIn0.{payload}."), "unauthenticated"),
        (
            format!("eyJhbGciOiJub25lIn0.{payload}.{signature}"),
            "unauthenticated",
        ),
        (forge(&good).replace(&payload, admin), "unauthenticated"),
        (
            forge_with(&Header::new(Algorithm::HS384), &good, SECRET),
            "unauthenticated",
        ),
        (forge_with(&kid, &good, SECRET), "unauthenticated"),
        (changed("exp", json!(scene.server.clock.now_s())), "token_expired"),
        (changed("exp", json!("never")), "unauthenticated"),
        (changed("exp", json!(-1)), "unauthenticated"),
        (changed("aud", json!("turnout-refresh")), "unauthenticated"),
        (changed("aud", json!("turnout-manage")), "unauthenticated"),
        (changed("iss", json!("somebody")), "unauthenticated"),
        (changed("sub", json!("ada")), "unauthenticated"),
        (changed("sub", json!(2)), "unauthenticated"),
        (changed("role", json!("root")), "unauthenticated"),
        (changed("role", json!(["admin"])), "unauthenticated"),
        (changed("name", json!(7)), "unauthenticated"),
        (changed("name", json!("n".repeat(10_000))), "unauthenticated"),
        (changed("sid", json!("s")), "unauthenticated"),
        (without("exp"), "unauthenticated"),
        (without("sub"), "unauthenticated"),
        (without("aud"), "unauthenticated"),
        (without("iss"), "unauthenticated"),
        (without("role"), "unauthenticated"),
        ("a.b.c".to_owned(), "unauthenticated"),
        ("x".repeat(20_000), "unauthenticated"),
    ];
    let routes = [
        (Method::POST, "/activities".to_owned()),
        (Method::POST, format!("{}/rsvp", scene.path)),
        (Method::PATCH, scene.path.clone()),
        (Method::DELETE, scene.rsvp.clone()),
        (Method::GET, format!("{}/events", scene.path)),
        (Method::GET, "/auth/verify".to_owned()),
        // Whoever sends a token means to be known, so a bad one is no pass for what is public.
        (Method::GET, "/activities".to_owned()),
        (Method::GET, scene.path.clone()),
        (Method::GET, format!("{}/waitlist", scene.path)),
    ];
    for (method, path) in &routes {
        for (token, code) in &tokens {
            let request = scene.server.request(method.clone(), path).token(token);
            let answer = request.json(&usual_activity()).send().await;
            let shown = &token[..token.len().min(60)];
            assert_eq!(
                (answer.status, answer.code()),
                (401, *code),
                "{method} {path}: {shown}"
            );
        }
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn a_session_that_has_ended_books_nothing() {
    let scene = Scene::new().await;
    let eve = scene.server.register("Eve").await;
    let token = eve["token"].as_str().unwrap();
    assert_eq!(
        scene.server.post("/auth/logout").token(token).send().await.status,
        204
    );
    let reserve = scene.server.post(&format!("{}/rsvp", scene.path)).token(token);
    reserve.send().await.expect_problem(401, "token_revoked");
    scene.unchanged().await;
}
