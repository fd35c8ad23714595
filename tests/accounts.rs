//! Registering, logging in and out, and how long that holds.

use serde_json::{Value, json};

use turnout::accounts::{Password, PersonName, Role, Rotation, Session, User, account_email};
use turnout::app::App;
use turnout::config::{Config, FirstAdmin};
use turnout::store::accounts::{StoredUser, insert_user, rotate_session};
use turnout_actors::domain::{Timestamp, UserId};
use uuid::Uuid;

use crate::support::{Answer, Server, claims, config, database_of, forge, open};

const ACCESS_TTL_S: i64 = 15 * 60;
const REFRESH_TTL_S: i64 = 30 * 24 * 60 * 60;

async fn verify(server: &Server, token: &Value) -> Answer {
    server
        .get("/auth/verify")
        .token(token.as_str().unwrap())
        .send()
        .await
}

async fn refresh(server: &Server, refresh_token: &Value) -> Answer {
    server
        .post("/auth/refresh")
        .json(&json!({"refresh_token": refresh_token}))
        .send()
        .await
}

async fn login(server: &Server, email: &str, password: &str) -> Answer {
    server
        .post("/auth/login")
        .json(&json!({"email": email, "password": password}))
        .send()
        .await
}

#[tokio::test]
async fn whoever_registers_is_logged_in_as_a_member() {
    let server = Server::start().await;
    let body = json!({"name": " Ada Lovelace ", "email": "Ada@Example.COM", "password": "correct horse"});
    let registered = server.post("/auth/register").json(&body).send().await.expect(201);

    let user = &registered["user"];
    assert_eq!(user["name"], "Ada Lovelace");
    assert_eq!(user["email"], "ada@example.com");
    assert_eq!(user["role"], "member");
    assert_eq!(user["created_at"], "2026-05-01T12:00:00.000Z");
    assert_eq!(user["updated_at"], user["created_at"]);
    assert_eq!(registered["expires_in_s"], ACCESS_TTL_S);
    assert_eq!(
        user.as_object().unwrap().len(),
        6,
        "no hash and nothing else: {user}"
    );

    server.clock.advance_s(10);
    let verified = verify(&server, &registered["token"]).await.expect(200);
    assert_eq!(verified, json!({"user": user, "expires_in_s": ACCESS_TTL_S - 10}));
    server.stop().await;
}

#[tokio::test]
async fn one_address_is_one_account_and_its_role_is_not_for_the_taking() {
    let server = Server::start().await;
    server.register("Ada").await;
    let again = json!({"name": "Eve", "email": "ADA@example.com", "password": "correct horse"});
    server
        .post("/auth/register")
        .json(&again)
        .send()
        .await
        .expect_problem(409, "already_exists");

    let admin =
        json!({"name": "Eve", "email": "eve@example.com", "password": "correct horse", "role": "admin"});
    let refused = server.post("/auth/register").json(&admin).send().await;
    refused.expect_problem(422, "validation_failed");
    assert_eq!(refused.body["errors"][0]["field"], "role");
    server.stop().await;
}

#[tokio::test]
async fn a_login_needs_the_password_and_does_not_tell_who_has_an_account() {
    let server = Server::start().await;
    let ada = server.register("Ada").await;
    let logged_in = login(&server, "ADA@example.com", "correct horse")
        .await
        .expect(200);
    assert_eq!(logged_in["user"], ada["user"]);
    verify(&server, &logged_in["token"]).await.expect(200);

    let wrong = login(&server, "ada@example.com", "incorrect horse").await;
    let nobody = login(&server, "nobody@example.com", "correct horse").await;
    let nonsense = login(&server, "nonsense", "x").await;
    for answer in [&wrong, &nobody, &nonsense] {
        answer.expect_problem(401, "bad_credentials");
        assert_eq!(answer.body["detail"], wrong.body["detail"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_access_token_ends_after_its_time() {
    let server = Server::start().await;
    let ada = server.register("Ada").await;
    server.clock.advance_s(ACCESS_TTL_S - 1);
    verify(&server, &ada["token"]).await.expect(200);
    server.clock.advance_s(1);
    verify(&server, &ada["token"])
        .await
        .expect_problem(401, "token_expired");
    server.stop().await;
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_and_prolongs_the_session() {
    let server = Server::start().await;
    let mut tokens = server.register("Ada").await;
    // Each refresh comes a day before the refresh token ends, so the session outlives the first one by far.
    for _ in 0..3 {
        server.clock.advance_s(REFRESH_TTL_S - 24 * 60 * 60);
        verify(&server, &tokens["token"])
            .await
            .expect_problem(401, "token_expired");
        let next = refresh(&server, &tokens["refresh_token"]).await.expect(200);
        assert_ne!(next["refresh_token"], tokens["refresh_token"]);
        assert_eq!(next["expires_in_s"], ACCESS_TTL_S);
        assert!(next.get("user").is_none());
        verify(&server, &next["token"]).await.expect(200);
        tokens = next;
    }
    server.clock.advance_s(REFRESH_TTL_S);
    refresh(&server, &tokens["refresh_token"])
        .await
        .expect_problem(401, "token_expired");
    server.stop().await;
}

#[tokio::test]
async fn the_previous_refresh_token_gives_the_same_successor_for_a_minute() {
    let server = Server::start().await;
    let first = server.register("Ada").await;
    let second = refresh(&server, &first["refresh_token"]).await.expect(200);
    server.clock.advance_s(60);
    let repeated = refresh(&server, &first["refresh_token"]).await.expect(200);
    assert_eq!(repeated["refresh_token"], second["refresh_token"]);
    verify(&server, &repeated["token"]).await.expect(200);
    // Nothing was lost by it: the successor still works.
    refresh(&server, &second["refresh_token"]).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn two_who_refresh_at_once_get_the_same_successor() {
    let server = Server::start().await;
    let ada = server.register("Ada").await;
    let token = &ada["refresh_token"];
    let (one, two) = tokio::join!(refresh(&server, token), refresh(&server, token));
    assert_eq!(one.expect(200)["refresh_token"], two.expect(200)["refresh_token"]);
    server.stop().await;
}

#[tokio::test]
async fn of_many_who_refresh_at_once_each_is_judged_by_what_the_one_before_left() {
    const AT_ONCE: i64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let db = open(&database_of(folder.path())).await;
    let now = Timestamp::from_millis(1_000);
    let user = User {
        id: UserId::from(Uuid::from_u128(1)),
        name: "Ada".into(),
        email: "ada@example.com".into(),
        role: Role::Member,
        created_at: now,
        updated_at: now,
    };
    let first = Session::start(Uuid::from_u128(2), user.id, now);
    let stored = StoredUser {
        user,
        password_hash: "hash".into(),
    };
    assert!(insert_user(&db, &stored, Some(&first)).await.unwrap());
    // Each brings the newest token, whatever that is by then.
    let refreshed = (0..AT_ONCE)
        .map(|_| rotate_session(&db, first.sid, |session| session.judge(session.generation, now)));
    let refreshed = futures::future::join_all(refreshed).await;
    let mut generations: Vec<i64> = refreshed
        .into_iter()
        .map(|refreshed| refreshed.unwrap().unwrap().0.generation)
        .collect();
    generations.sort_unstable();
    assert_eq!(generations, Vec::from_iter(1..=AT_ONCE));
    let left = rotate_session(&db, first.sid, |_| Rotation::Repeat)
        .await
        .unwrap();
    assert_eq!(left.unwrap().0.generation, AT_ONCE);
    db.close().await;
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_later_ends_its_session_for_everybody() {
    let server = Server::start().await;
    let first = server.register("Ada").await;
    let elsewhere = login(&server, "ada@example.com", "correct horse")
        .await
        .expect(200);
    let second = refresh(&server, &first["refresh_token"]).await.expect(200);

    server.clock.advance_s(61);
    refresh(&server, &first["refresh_token"])
        .await
        .expect_problem(401, "token_revoked");
    refresh(&server, &second["refresh_token"])
        .await
        .expect_problem(401, "token_revoked");
    verify(&server, &second["token"])
        .await
        .expect_problem(401, "token_revoked");

    // Other sessions of the same account go on, and what was revoked stays so after a restart.
    let server = server.restart().await;
    verify(&server, &elsewhere["token"]).await.expect(200);
    verify(&server, &second["token"])
        .await
        .expect_problem(401, "token_revoked");
    server.stop().await;
}

#[tokio::test]
async fn a_refresh_token_two_generations_old_is_never_forgiven() {
    let server = Server::start().await;
    let first = server.register("Ada").await;
    let second = refresh(&server, &first["refresh_token"]).await.expect(200);
    let third = refresh(&server, &second["refresh_token"]).await.expect(200);
    refresh(&server, &first["refresh_token"])
        .await
        .expect_problem(401, "token_revoked");
    verify(&server, &third["token"])
        .await
        .expect_problem(401, "token_revoked");
    server.stop().await;
}

#[tokio::test]
async fn a_logout_revokes_at_once_and_for_good() {
    let server = Server::start().await;
    let ada = server.register("Ada").await;
    let elsewhere = login(&server, "ada@example.com", "correct horse")
        .await
        .expect(200);
    let token = ada["token"].as_str().unwrap();

    let answer = server.post("/auth/logout").token(token).send().await;
    assert_eq!(answer.expect(204), Value::Null);
    verify(&server, &ada["token"])
        .await
        .expect_problem(401, "token_revoked");
    refresh(&server, &ada["refresh_token"])
        .await
        .expect_problem(401, "token_revoked");
    server
        .post("/auth/logout")
        .token(token)
        .send()
        .await
        .expect_problem(401, "token_revoked");

    let server = server.restart().await;
    verify(&server, &ada["token"])
        .await
        .expect_problem(401, "token_revoked");
    verify(&server, &elsewhere["token"]).await.expect(200);
    server.clock.advance_s(ACCESS_TTL_S);
    verify(&server, &ada["token"])
        .await
        .expect_problem(401, "token_expired");
    server.stop().await;
}

#[tokio::test]
async fn whoever_holds_the_secret_may_speak_for_somebody_without_an_account() {
    let server = Server::start().await;
    let token = json!(forge(&claims(server.clock.now_s())));
    // There is no account to show, but the token is believed: it can even be logged out.
    verify(&server, &token).await.expect_problem(404, "not_found");
    server
        .post("/auth/logout")
        .token(token.as_str().unwrap())
        .send()
        .await
        .expect(204);
    verify(&server, &token).await.expect_problem(401, "token_revoked");
    server.stop().await;
}

#[tokio::test]
async fn one_kind_of_token_is_of_no_use_as_the_other() {
    let server = Server::start().await;
    let ada = server.register("Ada").await;
    verify(&server, &ada["refresh_token"])
        .await
        .expect_problem(401, "unauthenticated");
    refresh(&server, &ada["token"])
        .await
        .expect_problem(401, "unauthenticated");
    server.stop().await;
}

fn first_admin(email: &str, password: &str) -> Option<FirstAdmin> {
    let (email, password) = (account_email(email).unwrap(), Password::parse(password).unwrap());
    Some(FirstAdmin { email, password })
}

#[tokio::test]
async fn the_first_administrator_is_created_once() {
    let folder = tempfile::tempdir().unwrap();
    for password in ["the first password", "another password"] {
        let settings = Config {
            first_admin: first_admin("root@example.com", password),
            ..config(folder.path())
        };
        let running = App::start(settings).await.unwrap();
        let accounts = &running.state().accounts;
        let signed_in = accounts
            .login("root@example.com", "the first password".to_owned())
            .await
            .unwrap();
        assert_eq!(signed_in.user.role, Role::Admin);
        running.shutdown().await;
    }
}

#[tokio::test]
async fn nobody_becomes_administrator_by_registering_the_address_first() {
    let folder = tempfile::tempdir().unwrap();
    let running = App::start(config(folder.path())).await.unwrap();
    let (email, password) = ("root@example.com", "a member's password");
    let parsed = (PersonName::parse("Eve").unwrap(), account_email(email).unwrap());
    running
        .state()
        .accounts
        .register(parsed.0, parsed.1, Password::parse(password).unwrap())
        .await
        .unwrap();
    running.shutdown().await;

    let settings = Config {
        first_admin: first_admin(email, "the real password"),
        ..config(folder.path())
    };
    let running = App::start(settings).await.unwrap();
    let signed_in = running
        .state()
        .accounts
        .login(email, password.to_owned())
        .await
        .unwrap();
    assert_eq!(signed_in.user.role, Role::Member);
    running.shutdown().await;
}
