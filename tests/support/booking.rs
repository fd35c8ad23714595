//! People with tokens, and what they do to activities.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::{Answer, Request};
use super::{Killable, Server, forge};

/// Later than every clock in a test: 2100-01-01.
const TOKENS_EXPIRE_S: u64 = 4_102_444_800;

/// Somebody with a token and without an account.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Person {
    /// The member with this number, from 1.
    pub(crate) fn member(number: u128) -> Self {
        Self::named(number, &format!("Person {number}"))
    }

    pub(crate) fn named(number: u128, name: &str) -> Self {
        Self::with(number, "member", name)
    }

    pub(crate) fn admin(number: u128) -> Self {
        Self::with(number, "admin", "Administrator")
    }

    fn with(number: u128, role: &str, name: &str) -> Self {
        let id = Uuid::from_u128(number).to_string();
        let token = forge(&json!({
            "iss": "turnout", "aud": "turnout", "sub": id, "sid": id, "role": role, "name": name,
            "iat": 0, "exp": TOKENS_EXPIRE_S,
        }));
        Self { id, token }
    }
}

/// Whoever made the activities of [`Server::open`].
pub(crate) fn host() -> Person {
    Person::named(1, "Host")
}

/// A week after the tests' clock starts, in the evening.
pub(crate) fn usual_activity() -> Value {
    json!({
        "title": "Concert", "starts_at": "2026-05-08T18:00:00Z", "ends_at": "2026-05-08T22:00:00Z",
        "capacity": 2,
    })
}

/// An object with the members of another one over its own.
pub(crate) fn with(mut object: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        panic!("members are given as an object")
    };
    object.as_object_mut().unwrap().extend(members);
    object
}

/// The path of an activity.
pub(crate) fn path_of(activity: &Value) -> String {
    format!("/activities/{}", activity["id"].as_str().unwrap())
}

impl Server {
    /// The usual activity with some fields changed, made by `host`.
    pub(crate) async fn create(&self, host: &Person, fields: Value) -> Value {
        let body = with(usual_activity(), fields);
        self.post("/activities")
            .by(host)
            .json(&body)
            .send()
            .await
            .expect(201)
    }

    /// The path of a new activity of [`host`].
    pub(crate) async fn open(&self, fields: Value) -> String {
        path_of(&self.create(&host(), fields).await)
    }

    pub(crate) async fn reserve(&self, activity: &str, person: &Person, body: Value) -> Answer {
        let reserve = self.post(&format!("{activity}/rsvp")).by(person);
        reserve.json(&body).send().await
    }

    /// Reserves for several people, each alone, one after the other.
    pub(crate) async fn reserve_all(&self, activity: &str, people: &[&Person]) -> Vec<Value> {
        let mut answers = Vec::new();
        for person in people {
            answers.push(self.reserve(activity, person, json!({})).await.expect(201));
        }
        answers
    }

    /// The own RSVP of somebody.
    pub(crate) async fn rsvp(&self, activity: &str, person: &Person) -> Value {
        let own = self.get(&format!("{activity}/rsvp")).by(person);
        own.send().await.expect(200)
    }

    /// The whole decision log.
    pub(crate) async fn events(&self, activity: &str) -> Vec<Value> {
        let log = self.get(&format!("{activity}/events?limit=1000")).by(&host());
        let answer = log.send().await.expect(200);
        answer["data"].as_array().unwrap().clone()
    }

    pub(crate) fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    pub(crate) fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }
}

impl Killable {
    /// The path of a new activity, which no clock gets to.
    pub(crate) async fn open(&self, host: &Person, capacity: u64) -> String {
        let fields = json!({
            "capacity": capacity, "starts_at": "2090-01-01T00:00:00Z", "ends_at": "2090-01-01T01:00:00Z",
        });
        let create = self.request(Method::POST, "/activities").by(host);
        let made = create.json(&with(usual_activity(), fields)).send().await;
        path_of(&made.expect(201))
    }
}
