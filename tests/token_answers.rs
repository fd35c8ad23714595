//! Which token opens what: every kind of bad token and bad code, and what each way in answers to it.

use jsonwebtoken::{Algorithm, Header};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Guest, Person, SECRET, Server, claims, forge, forge_with, forged_code, host, with};

/// Later than the clock of every test: 2100-01-01.
const LATE_S: u64 = 4_102_444_800;

/// Claims of a manage token.
fn manage(rsvp: &str, generation: u32) -> Value {
    json!({"iss": "turnout", "aud": "turnout-manage", "sub": rsvp, "gen": generation, "exp": LATE_S})
}

/// An activity with guests, of whom one has come back.
struct Scene {
    server: Server,
    path: String,
    ada: Guest,
    /// The token of an earlier life.
    outlived: Guest,
    bo: Guest,
    /// A guest of another activity.
    elsewhere: Guest,
    other_path: String,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start().await;
        let path = server.open(json!({"capacity": 9})).await;
        let other_path = server.open(json!({"capacity": 9})).await;
        let outlived = server.guest(&path, "Ada").await;
        server
            .delete(&outlived.path())
            .by_guest(&outlived)
            .send()
            .await
            .expect(200);
        Self {
            ada: server.guest(&path, "Ada").await,
            bo: server.guest(&path, "Bo").await,
            elsewhere: server.guest(&other_path, "Cy").await,
            server,
            path,
            outlived,
            other_path,
        }
    }

    /// The ways in that ask for the token of a guest and for nothing else.
    fn by_token_alone() -> Vec<(Method, String)> {
        vec![
            (Method::GET, "/rsvps/verify-token".to_owned()),
            (Method::DELETE, "/rsvps/cancel-by-token".to_owned()),
        ]
    }

    /// The ways to one's own RSVP of an activity.
    fn own(path: &str) -> Vec<(Method, String)> {
        let own = format!("{path}/rsvp");
        [Method::GET, Method::PATCH, Method::PUT, Method::DELETE]
            .map(|method| (method, own.clone()))
            .into()
    }

    /// The ways to an RSVP by its identifier.
    fn by_id(rsvp: &str) -> Vec<(Method, String)> {
        let at = |route: &str| format!("{rsvp}{route}");
        vec![
            (Method::GET, at("")),
            (Method::PATCH, at("")),
            (Method::PUT, at("")),
            (Method::DELETE, at("")),
            (Method::GET, at("/status")),
            (Method::GET, at("/position")),
            (Method::GET, at("/qr.svg")),
            (Method::POST, at("/accept")),
            (Method::POST, at("/decline")),
            (Method::POST, at("/transfer")),
        ]
    }

    /// The ways to what everybody may see of an activity.
    fn public(path: &str) -> Vec<(Method, String)> {
        ["", "/waitlist", "/attendees", "/capacity"]
            .map(|route| (Method::GET, format!("{path}{route}")))
            .into()
    }

    async fn everything(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for path in [&self.path, &self.other_path] {
            all.extend(self.server.events(path).await);
            all.push(self.server.get(path).send().await.expect(200));
        }
        all
    }

    /// Checks that each way in answers so to a token.
    async fn expect(&self, what: &str, token: &str, ways: &[(Method, String)], status: u16, code: &str) {
        for (method, at) in ways {
            let body = if at.ends_with("/transfer") {
                json!({"name": "Eve", "email": "eve@example.com"})
            } else {
                json!({})
            };
            let request = self.server.request(method.clone(), at).token(token);
            let answer = request.json(&body).send().await;
            assert_eq!(
                (answer.status, answer.code()),
                (status, code),
                "{what}: {method} {at}"
            );
        }
    }
}

#[tokio::test]
async fn each_way_in_answers_each_bad_token_as_it_should() {
    let scene = Scene::new().await;
    let (ada, path) = (&scene.ada, &scene.path);
    let before = scene.everything().await;
    let good = manage(&ada.id, 2);
    let claim = |name: &str, value: Value| forge(&with(good.clone(), json!({ name: value })));
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        forge(&claims)
    };
    let header = Header::new(Algorithm::HS256);
    let strange = forge_with(&header, &good, "a secret of somebody else, as long as ours");
    let signature = strange.rsplit_once('.').unwrap().1;
    let payload = ada.token.split('.').nth(1).unwrap();
    let other_payload = scene.bo.token.split('.').nth(1).unwrap();
    let now_s = scene.server.clock.now_s();
    let eve = scene.server.register("Eve").await;
    let kid = Header {
        kid: Some("1".to_owned()),
        ..header
    };

    let by_token = Scene::by_token_alone();
    let (own, by_id, public) = (Scene::own(path), Scene::by_id(&ada.path()), Scene::public(path));
    let anywhere = [by_token.clone(), own.clone(), by_id.clone(), public.clone()].concat();
    let both = [own.clone(), by_id.clone()].concat();

    // Nobody's.
    for (what, token) in [
        ("forged", strange.clone()),
        // {"alg":"none"}
        ("alg none", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        (
            "alg none, signed",
            format!("eyJhbGciOiJub25lIn0.{payload}.{signature}"),
        ),
        ("another's claims", ada.token.replace(payload, other_payload)),
        (
            "another algorithm",
            forge_with(&Header::new(Algorithm::HS384), &good, SECRET),
        ),
        ("an unknown key", forge_with(&kid, &good, SECRET)),
        ("for nobody known", claim("aud", json!("turnout-elsewhere"))),
        ("for refreshing", claim("aud", json!("turnout-refresh"))),
        ("for accounts", claim("aud", json!("turnout"))),
        ("of another issuer", claim("iss", json!("somebody"))),
        ("for no RSVP", claim("sub", json!("ada"))),
        ("of no generation", claim("gen", json!("2"))),
        ("of a negative generation", claim("gen", json!(-2))),
        ("of a generation beyond all", claim("gen", json!(1_u64 << 32))),
        ("that never ends", claim("exp", json!("never"))),
        ("without an end", without("exp")),
        ("without a generation", without("gen")),
        ("without an RSVP", without("sub")),
        ("for anybody", without("aud")),
        ("refresh token", eve["refresh_token"].as_str().unwrap().to_owned()),
        ("garbage", "a.b.c".to_owned()),
        ("long garbage", "x".repeat(20_000)),
        ("check-in code", forged_code(path, &ada.id, 2)),
    ] {
        scene
            .expect(what, &token, &anywhere, 401, "unauthenticated")
            .await;
    }

    // Over.
    let over = claim("exp", json!(now_s));
    scene
        .expect("expired", &over, &anywhere, 410, "manage_token_expired")
        .await;
    scene
        .expect("outlived", &scene.outlived.token, &by_token, 401, "token_revoked")
        .await;
    scene
        .expect("outlived", &scene.outlived.token, &both, 401, "token_revoked")
        .await;
    scene
        .expect("outlived", &scene.outlived.token, &public, 401, "token_revoked")
        .await;
    let ahead = claim("gen", json!(3));
    scene
        .expect("of a life to come", &ahead, &anywhere, 401, "token_revoked")
        .await;
    let expired = forge(&with(claims(now_s), json!({"exp": now_s})));
    scene
        .expect("expired access token", &expired, &both, 401, "token_expired")
        .await;
    scene
        .expect("expired access token", &expired, &public, 401, "token_expired")
        .await;

    // Somebody else's.
    let member = Person::member(2);
    scene
        .expect("access token", &member.token, &by_token, 401, "unauthenticated")
        .await;
    scene
        .expect(
            "expired access token",
            &expired,
            &by_token,
            401,
            "unauthenticated",
        )
        .await;
    scene
        .expect("access token", &member.token, &by_id, 403, "forbidden")
        .await;
    scene
        .expect("access token", &member.token, &own, 404, "not_found")
        .await;
    scene
        .expect("another RSVP's", &scene.bo.token, &by_id, 403, "forbidden")
        .await;
    scene
        .expect(
            "another activity's",
            &scene.elsewhere.token,
            &by_id,
            403,
            "forbidden",
        )
        .await;
    scene
        .expect(
            "another activity's",
            &scene.elsewhere.token,
            &own,
            404,
            "not_found",
        )
        .await;
    let nobodys = claim("sub", json!(Uuid::from_u128(77)));
    scene
        .expect("no RSVP's", &nobodys, &by_token, 404, "not_found")
        .await;
    scene.expect("no RSVP's", &nobodys, &own, 404, "not_found").await;
    scene
        .expect("no RSVP's", &nobodys, &by_id, 403, "forbidden")
        .await;
    let nowhere = Scene::by_id(&format!("/rsvps/{}", Uuid::from_u128(77)));
    scene
        .expect("nothing's", &ada.token, &nowhere, 404, "not_found")
        .await;

    // The one that is right opens all of it, and whoever could forge one has the secret.
    let forged = forge(&good);
    for token in [&ada.token, &forged] {
        let ways = [
            "/rsvps/verify-token".to_owned(),
            ada.path(),
            format!("{path}/rsvp"),
            path.clone(),
        ];
        for at in ways {
            scene.server.get(&at).token(token).send().await.expect(200);
        }
    }
    assert_eq!(scene.everything().await, before, "nothing of it had an effect");
    scene.server.stop().await;
}

#[tokio::test]
async fn each_bad_code_is_refused_at_the_door() {
    let scene = Scene::new().await;
    let (server, path, ada) = (&scene.server, &scene.path, &scene.ada);
    let good = server.code_of(ada).await;
    assert_eq!(
        good,
        forged_code(path, &ada.id, 2),
        "the code is for this life of the RSVP"
    );
    let door = format!("{path}/check-in");
    let show = |code: Value| {
        server
            .post(&door)
            .by(&host())
            .json(&json!({ "code": code }))
            .send()
    };
    let before = scene.everything().await;
    let flipped = |at: usize| {
        let mut code = good.clone().into_bytes();
        code[at] = if code[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(code).unwrap()
    };
    for (what, code) in [
        ("garbage", "hello".to_owned()),
        ("nothing", String::new()),
        ("too short", good[..good.len() - 1].to_owned()),
        ("too long", format!("{good}A")),
        ("much too long", "t1.".to_owned() + &"A".repeat(50_000)),
        ("with a line after it", format!("{good}\n")),
        ("of another RSVP", flipped(5)),
        ("with another signature", flipped(40)),
        ("of another activity", server.code_of(&scene.elsewhere).await),
        (
            "made for another activity",
            forged_code(&scene.other_path, &ada.id, 2),
        ),
        ("of an earlier life", forged_code(path, &ada.id, 1)),
        ("of a life to come", forged_code(path, &ada.id, 3)),
        ("a manage token", ada.token.clone()),
    ] {
        let answer = show(json!(code)).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid_code"), "{what}");
    }
    // Signed for an RSVP that is not there.
    let nobodys = show(json!(forged_code(path, &Uuid::from_u128(7).to_string(), 1))).await;
    nobodys.expect_problem(404, "not_found");
    for wrong in [json!(null), json!(7), json!([good])] {
        show(wrong).await.expect_wrong("code");
    }
    server.post(&door).by(&host()).send().await.expect_wrong("code");
    // Only the host is told what a code is worth.
    for person in [Person::member(2), Person::member(3)] {
        for code in [good.as_str(), "garbage"] {
            let answer = server
                .post(&door)
                .by(&person)
                .json(&json!({ "code": code }))
                .send()
                .await;
            answer.expect_problem(403, "forbidden");
        }
    }
    for code in [good.as_str(), "garbage"] {
        let nobody = server.post(&door).json(&json!({ "code": code })).send().await;
        nobody.expect_problem(401, "unauthenticated");
    }
    assert_eq!(scene.everything().await, before, "nothing of it had an effect");
    let wrong_door = format!("{}/check-in", scene.other_path);
    let wrong_door = server
        .post(&wrong_door)
        .by(&host())
        .json(&json!({ "code": good }));
    wrong_door.send().await.expect_problem(422, "invalid_code");
    show(json!(good)).await.expect(200);
    scene.server.stop().await;
}
