//! Whatever is wrong with a command or a question about bookings is answered with a problem that says so: never
//! a 5xx, never success, and nothing of it has any effect.

use reqwest::Method;
use serde_json::json;

use crate::support::{Scene, ada, host};

#[tokio::test]
async fn a_body_that_is_no_json_object_or_too_large_is_refused_by_every_command() {
    let scene = Scene::new().await;
    let padded = |len: usize| format!("{{\"guest_count\":1{}}}", " ".repeat(len)).into_bytes();
    for (method, path, person) in scene.commands() {
        for (body, status, code) in [
            (b"{".to_vec(), 400, "malformed_json"),
            (b"guest_count=1".to_vec(), 400, "malformed_json"),
            (b"{\"guest_count\":1,}".to_vec(), 400, "malformed_json"),
            (b"{\"guest_count\":01}".to_vec(), 400, "malformed_json"),
            (b"{\"guest_count\":NaN}".to_vec(), 400, "malformed_json"),
            (b"{\"guest_count\":1}{}".to_vec(), 400, "malformed_json"),
            (b"{\"title\":\"\xff\"}".to_vec(), 400, "malformed_json"),
            ("[".repeat(60_000).into_bytes(), 400, "malformed_json"),
            (b"null".to_vec(), 422, "validation_failed"),
            (b"[1]".to_vec(), 422, "validation_failed"),
            (b"\"guest_count\"".to_vec(), 422, "validation_failed"),
            (b"{\"\":1}".to_vec(), 422, "validation_failed"),
            (
                b"{\"guest_count\":1,\"guest_count\":1}".to_vec(),
                422,
                "validation_failed",
            ),
            (padded(65 * 1024), 413, "body_too_large"),
            (padded(900 * 1024), 413, "body_too_large"),
            (padded(1025 * 1024), 413, "body_too_large"),
        ] {
            // What names many may be larger, and this names nobody.
            let (status, code) = match body.len() {
                length if length <= 1024 * 1024 && status == 413 && path.ends_with("/bulk") => {
                    (422, "validation_failed")
                }
                _ => (status, code),
            };
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let request = scene.server.request(method.clone(), &path).by(&person);
            let answer = request.raw(body).send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (status, code),
                "{method} {path}: {shown}"
            );
        }
        let form = scene.server.request(method.clone(), &path).by(&person);
        form.body("guest_count=1")
            .send()
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn wrong_fields_of_an_rsvp_are_named() {
    let scene = Scene::new().await;
    let commands = scene.commands();
    for (method, path, person) in commands.iter().filter(|(_, path, _)| path.contains("rsvp")) {
        for (field, value) in [
            ("guest_count", json!(-1)),
            ("guest_count", json!(1.0)),
            ("guest_count", json!(1e3)),
            ("guest_count", json!("1")),
            ("guest_count", json!(true)),
            ("guest_count", json!(null)),
            ("guest_count", json!([1])),
            ("guest_count", json!({"count": 1})),
            ("guest_count", json!(65_536)),
            ("guest_count", json!(u64::MAX)),
            ("guest_count", json!(i64::MIN)),
            ("special_requirements", json!(1)),
            ("special_requirements", json!(["x"])),
            ("special_requirements", json!("\u{8}")),
            ("special_requirements", json!("x".repeat(1_001))),
            ("status", json!("confirmed")),
            ("user_id", json!(host().id)),
            ("version", json!(1)),
            ("guestCount", json!(1)),
            ("__proto__", json!({})),
            ("guest_count ", json!(1)),
        ] {
            let request = scene.server.request(method.clone(), path).by(person);
            request
                .json(&json!({ field: value }))
                .send()
                .await
                .expect_wrong(field);
        }
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn what_has_no_address_is_not_found_and_what_has_one_takes_its_methods_alone() {
    let scene = Scene::new().await;
    let id = scene.path.rsplit_once('/').unwrap().1;
    let rsvp_id = scene.rsvp.rsplit_once('/').unwrap().1;
    let long = "a".repeat(5_000);
    for wrong in [
        "1",
        "-1",
        "undefined",
        "null",
        "%00",
        "%ff",
        "%20",
        "..%2f..",
        "*",
        &id.replace('-', ""),
        rsvp_id,
        &long,
    ] {
        for rest in [
            "",
            "/rsvp",
            "/rsvps",
            "/participants",
            "/participants.csv",
            "/attendees",
            "/waitlist",
            "/events",
        ] {
            let path = format!("/activities/{wrong}{rest}");
            let answer = scene.server.get(&path).by(&host()).send().await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}");
        }
        scene
            .server
            .patch(&format!("/activities/{wrong}"))
            .by(&host())
            .send()
            .await
            .expect_problem(404, "not_found");
        let path = format!("/activities/{wrong}/rsvp");
        scene
            .server
            .post(&path)
            .by(&ada())
            .send()
            .await
            .expect_problem(404, "not_found");
    }
    for wrong in ["1", "%00", &format!("{{{rsvp_id}}}"), id, &long] {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::PATCH, ""),
            (Method::DELETE, ""),
            (Method::GET, "/position"),
            (Method::GET, "/qr.svg"),
            (Method::POST, "/accept"),
            (Method::POST, "/check-in"),
            (Method::DELETE, "/check-in"),
        ] {
            let answer = scene
                .server
                .request(method, &format!("/rsvps/{wrong}{rest}"))
                .by(&host())
                .send()
                .await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{wrong}");
        }
    }
    for rest in [
        "/",
        "/rsvp/",
        "/rsvp/x",
        "/Rsvp",
        "//rsvp",
        "/rsvps/x",
        "/waitlist/0",
        "/participants.xlsx",
        "/attendees/1",
    ] {
        let path = format!("{}{rest}", scene.path);
        scene
            .server
            .get(&path)
            .by(&host())
            .send()
            .await
            .expect_problem(404, "not_found");
    }
    let brew = Method::from_bytes(b"BREW").unwrap();
    for (method, path, allow) in [
        (Method::PUT, "/activities".to_owned(), "GET,HEAD,POST"),
        (Method::DELETE, "/activities".to_owned(), "GET,HEAD,POST"),
        (Method::POST, scene.path.clone(), "GET,HEAD,PATCH,PUT,DELETE"),
        (brew.clone(), scene.path.clone(), "GET,HEAD,PATCH,PUT,DELETE"),
        (
            brew,
            format!("{}/rsvp", scene.path),
            "POST,GET,HEAD,PUT,PATCH,DELETE",
        ),
        (Method::DELETE, format!("{}/rsvps", scene.path), "GET,HEAD"),
        (Method::POST, format!("{}/waitlist", scene.path), "GET,HEAD"),
        (Method::DELETE, format!("{}/events", scene.path), "GET,HEAD"),
        (Method::POST, scene.rsvp.clone(), "GET,HEAD,PUT,PATCH,DELETE"),
        (Method::TRACE, format!("{}/position", scene.rsvp), "GET,HEAD"),
        (Method::POST, format!("{}/qr.svg", scene.rsvp), "GET,HEAD"),
        (Method::GET, format!("{}/accept", scene.rsvp), "POST"),
        (Method::PUT, format!("{}/transfer", scene.rsvp), "POST"),
        (Method::GET, format!("{}/check-in", scene.rsvp), "POST,DELETE"),
        (Method::GET, format!("{}/check-in", scene.path), "POST"),
        (Method::GET, format!("{}/rsvps/bulk", scene.path), "POST"),
        (Method::PUT, format!("{}/waitlist/promote", scene.path), "POST"),
        (Method::DELETE, format!("{}/attendees", scene.path), "GET,HEAD"),
        (Method::POST, format!("{}/participants", scene.path), "GET,HEAD"),
        (
            Method::POST,
            format!("{}/participants.csv", scene.path),
            "GET,HEAD",
        ),
        (Method::POST, "/rsvps/verify-token".to_owned(), "GET,HEAD"),
        (Method::GET, "/rsvps/cancel-by-token".to_owned(), "DELETE"),
    ] {
        let answer = scene.server.request(method, &path).by(&host()).send().await;
        answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"], allow, "{path}");
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn headers_that_cannot_be_understood_are_refused_and_not_ignored() {
    let scene = Scene::new().await;
    let too_long = "k".repeat(65);
    for (method, path, person) in scene.commands().into_iter().chain(scene.ends()) {
        let request = || {
            scene
                .server
                .request(method.clone(), &path)
                .by(&person)
                .json(&json!({}))
        };
        for key in ["", "a\tb", "ключ", &too_long] {
            let answer = request().header("idempotency-key", key).send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "malformed_request"),
                "{method} {path}: {key}"
            );
        }
        let twice = request()
            .header("idempotency-key", "a")
            .header("idempotency-key", "a");
        twice.send().await.expect_problem(400, "malformed_request");
        if method == Method::POST {
            // What is about to be made has no version, so not even a good tag goes with it.
            for tag in ["\"1\"", "*", "1"] {
                let answer = request().header("if-match", tag).send().await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (400, "malformed_request"),
                    "{path}: {tag}"
                );
                assert!(answer.body["detail"].as_str().unwrap().contains("If-Match"));
            }
            continue;
        }
        for tag in [
            "1",
            "",
            "\"\"",
            "\"x\"",
            "W/\"1\"",
            "\"1\", \"2\"",
            "\"-1\"",
            "\"1",
            "\"99999999999\"",
        ] {
            let answer = request().header("if-match", tag).send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "malformed_request"),
                "{method} {path}: {tag}"
            );
        }
        let twice = request().header("if-match", "\"1\"").header("if-match", "\"2\"");
        twice.send().await.expect_problem(400, "malformed_request");
    }
    scene.unchanged().await;
}

#[tokio::test]
async fn a_command_takes_no_parameters() {
    let scene = Scene::new().await;
    for (method, path, person) in scene.commands().into_iter().chain(scene.ends()) {
        for query in ["guest_count=5", "x", "page=1", "=", "&"] {
            let path = format!("{path}?{query}");
            let request = scene.server.request(method.clone(), &path).by(&person);
            let answer = request.json(&json!({})).send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "malformed_request"),
                "{method} {path}"
            );
            assert!(answer.body["detail"].as_str().unwrap().contains("parameters"));
        }
    }
    // A question mark alone asks nothing.
    let own = format!("{}/rsvp?", scene.path);
    let change = scene.server.patch(&own).by(&ada()).json(&json!({}));
    change.send().await.expect(200);
    scene.unchanged().await;
}
