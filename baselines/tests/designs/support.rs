//! A design that serves, on a database of its own, and people who ask it.

use futures::future::join_all;
use jsonwebtoken::{EncodingKey, Header};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use turnout_baselines::database;
use turnout_baselines::design::{Answer, Counts, Row};
use turnout_baselines::designs::{Conditional, Optimistic, RedisCounter, RowLock, Writes};
use turnout_baselines::http::routes;
use turnout_baselines::serve::{listen, serve};
use turnout_baselines::source::{fresh_id, now_us};
use turnout_baselines::tokens::Tokens;
use uuid::Uuid;

const SECRET: &str = "a secret that is as long as it has to be";

/// All designs.
pub(crate) const DESIGNS: [&str; 5] = [
    "row-lock",
    "row-lock --joined",
    "conditional",
    "optimistic",
    "redis-counter",
];

/// A design that serves.
pub(crate) struct Running {
    url: String,
    pub(crate) activity: Uuid,
    client: Client,
    serving: JoinHandle<()>,
}

/// The address of a service that `scripts/with-services` has started.
fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} says where it is; scripts/with-services starts one and sets it")
    })
}

/// A new database of its own. Nobody drops it: the server is thrown away.
pub(crate) async fn database() -> String {
    let server = service("TURNOUT_TEST_POSTGRES");
    let name = format!("baseline_{}", fresh_id().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

impl Running {
    /// Serves a design, and an activity with so many seats.
    pub(crate) async fn start(design: &str, seats: i64) -> Self {
        let pool = database::open(&database().await, 8).await.unwrap();
        let tokens = Tokens::new(SECRET);
        let routes = match design {
            "row-lock" => routes(RowLock::new(pool, Writes::Apart), tokens),
            "row-lock --joined" => routes(RowLock::new(pool, Writes::Joined), tokens),
            "conditional" => routes(Conditional::new(pool), tokens),
            "optimistic" => routes(Optimistic::new(pool), tokens),
            "redis-counter" => {
                let redis = redis::Client::open(service("TURNOUT_TEST_REDIS")).unwrap();
                let redis = redis.get_multiplexed_async_connection().await.unwrap();
                routes(RedisCounter::new(pool, redis), tokens)
            }
            other => panic!("there is no design {other}"),
        };
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { serve(listener, routes).await.unwrap() });
        let running = Self {
            url,
            activity: fresh_id(),
            client: Client::new(),
            serving,
        };
        let new = json!({"id": running.activity, "capacity": seats});
        let opening = running
            .ask(Method::POST, "/control/activities", &host())
            .json(&new);
        assert_eq!(opening.send().await.unwrap().status(), StatusCode::CREATED);
        running
    }

    pub(crate) fn ask(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(token)
    }

    fn rsvp_path(&self) -> String {
        format!("/api/v1/activities/{}/rsvp", self.activity)
    }

    /// The status and the body of the answer to a reservation.
    pub(crate) async fn reserve(&self, token: &str) -> (StatusCode, Value) {
        let wish = json!({"guest_count": 0});
        let request = self.ask(Method::POST, &self.rsvp_path(), token).json(&wish);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn cancel(&self, token: &str) -> (StatusCode, Value) {
        let request = self.ask(Method::DELETE, &self.rsvp_path(), token);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Everybody reserves at once, and is let in or put on the waitlist.
    pub(crate) async fn rush(&self, people: &[String]) -> Vec<Answer> {
        let answers = join_all(people.iter().map(|token| self.reserve(token))).await;
        let answer = |(status, body): (StatusCode, Value)| {
            assert_eq!(status, StatusCode::CREATED, "{body}");
            serde_json::from_value(body).unwrap()
        };
        answers.into_iter().map(answer).collect()
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let path = format!("/control/activities/{}{path}", self.activity);
        let answer = self.ask(Method::GET, &path, &host()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    pub(crate) async fn counts(&self) -> Counts {
        self.read("").await
    }

    pub(crate) async fn rows(&self) -> Vec<Row> {
        self.read("/rows").await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A token that says this, signed with this secret.
pub(crate) fn token(id: Uuid, role: &str, secret: &str, expires_in_s: i64) -> String {
    let now_s = now_us() / 1_000_000;
    let claims = json!({"sub": id, "role": role, "name": "Somebody", "sid": id, "iat": now_s, "exp": now_s + expires_in_s,
        "iss": "turnout", "aud": "turnout"});
    jsonwebtoken::encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

/// Somebody's token.
pub(crate) fn member() -> String {
    token(fresh_id(), "member", SECRET, 3_600)
}

/// The token of somebody else's making, and one that was good once.
pub(crate) fn bad_tokens() -> [String; 2] {
    [
        token(
            fresh_id(),
            "member",
            "another secret, just as long as the real one",
            3_600,
        ),
        token(fresh_id(), "member", SECRET, -10),
    ]
}

fn host() -> String {
    token(fresh_id(), "admin", SECRET, 3_600)
}
