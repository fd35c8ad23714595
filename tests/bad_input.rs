//! Whatever is wrong with a request, it is answered with a problem that says so: never a 5xx, never success.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;

fn registration() -> Value {
    json!({"name": "Ada", "email": "ada@example.com", "password": "correct horse"})
}

#[tokio::test]
async fn every_wrong_field_of_a_registration_is_named() {
    let server = Server::start().await;
    let long = "x".repeat(201);
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("   ")),
        ("name", json!("x".repeat(101))),
        ("name", json!("<script>alert(1)</script>")),
        ("name", json!("a\nb")),
        ("name", json!("a\u{0}b")),
        ("name", json!("a\u{202e}b")),
        ("name", json!("a\u{2060}b")),
        ("name", json!("\u{200b}")),
        ("name", json!("\u{200d}\u{3164}")),
        ("name", json!(null)),
        ("name", json!(1)),
        ("name", json!(["Ada"])),
        ("email", json!("")),
        ("email", json!("ada")),
        ("email", json!("ada@")),
        ("email", json!("@example.com")),
        ("email", json!("ada@example")),
        ("email", json!("ada@exam ple.com")),
        ("email", json!("a\u{ad}da@example.com")),
        ("email", json!("ada@example.com\r\nBcc: x@y.z")),
        ("email", json!(format!("{long}@example.com"))),
        ("email", json!(true)),
        ("password", json!("")),
        ("password", json!("1234567")),
        ("password", json!("x".repeat(129))),
        ("password", json!(12345678)),
        ("role", json!("admin")),
        ("is_admin", json!(true)),
        ("Name", json!("Ada")),
    ] {
        let mut body = registration();
        body[field] = value;
        let answer = server.post("/auth/register").json(&body).send().await;
        answer.expect_problem(422, "validation_failed");
        assert_eq!(answer.body["errors"][0]["field"], field, "{body}");
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(
            !message.contains("struct") && !message.contains("u32"),
            "{message}"
        );
    }
    for field in ["name", "email", "password"] {
        let mut body = registration();
        body.as_object_mut().unwrap().remove(field);
        let answer = server.post("/auth/register").json(&body).send().await;
        answer.expect_problem(422, "validation_failed");
        assert_eq!(
            answer.body["errors"],
            json!([{"field": field, "message": "is required"}])
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let server = Server::start().await;
    let body = json!({"name": "", "email": "x", "password": "y"});
    let answer = server.post("/auth/register").json(&body).send().await;
    let fields: Vec<&Value> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(fields, ["name", "email", "password"]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let server = Server::start().await;
    let good = registration().to_string();
    let twice = format!(r#"{{"name":"Eve",{}"#, &good[1..]);
    let deep = "[".repeat(60_000);
    let not_utf8 = [&b"{\"name\":\"\xff\xfe\""[..], b"}"].concat();
    for (body, status, code) in [
        (b"{".to_vec(), 400, "malformed_json"),
        (b"{}}".to_vec(), 400, "malformed_json"),
        (b"{'name':1}".to_vec(), 400, "malformed_json"),
        (b"\x00\x01".to_vec(), 400, "malformed_json"),
        (not_utf8, 400, "malformed_json"),
        (deep.into_bytes(), 400, "malformed_json"),
        (b"[]".to_vec(), 422, "validation_failed"),
        (
            br#"["Ada","ada@example.com","correct horse"]"#.to_vec(),
            422,
            "validation_failed",
        ),
        (b"null".to_vec(), 422, "validation_failed"),
        (b"1e400".to_vec(), 422, "validation_failed"),
        (twice.into_bytes(), 422, "validation_failed"),
        (b"".to_vec(), 422, "validation_failed"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = server.post("/auth/register").raw(body).send().await;
        assert_eq!((answer.status, answer.code()), (status, code), "{shown}");
    }
    let form = server
        .post("/auth/login")
        .header("content-type", "application/x-www-form-urlencoded");
    form.body("email=a&password=b")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    server.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let server = Server::start().await;
    for path in [
        "//",
        "//nothing",
        "//api/v1",
        "/nothing",
        "/auth",
        "/auth/register/",
        "//health/",
        "/../../etc",
    ] {
        server.get(path).send().await.expect_problem(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::GET, "/auth/register", "POST"),
        (Method::DELETE, "/auth/login", "POST"),
        (Method::POST, "/auth/verify", "GET,HEAD"),
        (Method::PUT, "//health", "GET,HEAD"),
        (Method::from_bytes(b"BREW").unwrap(), "//health", "GET,HEAD"),
    ] {
        let answer = server.request(method, path).send().await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], allow, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn authorization_that_is_no_bearer_token_is_refused() {
    let server = Server::start().await;
    server
        .get("/auth/verify")
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer a b",
        "bearer: x",
        "Bearer \u{e9}",
    ] {
        let answer = server
            .get("/auth/verify")
            .header("authorization", value)
            .send()
            .await;
        answer.expect_problem(401, "unauthenticated");
    }
    let twice = server.get("/auth/verify").header("authorization", "Bearer a");
    twice
        .header("authorization", "Bearer b")
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    server.stop().await;
}

#[tokio::test]
async fn the_request_id_is_the_clients_where_it_is_harmless() {
    let server = Server::start().await;
    let health = server
        .get("//health")
        .header("x-request-id", "trace-1.A_b")
        .send()
        .await;
    assert_eq!(health.headers["x-request-id"], "trace-1.A_b");
    assert_eq!(
        health.body,
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})
    );

    let long = "x".repeat(65);
    for sent in ["a b", "a;b", "<x>", long.as_str()] {
        let answer = server.get("//health").header("x-request-id", sent).send().await;
        assert_ne!(answer.headers["x-request-id"], sent);
    }
    server.stop().await;
}
