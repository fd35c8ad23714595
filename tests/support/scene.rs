//! Something that bad requests must leave as it is.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Person, Server, host};

/// An activity with somebody in it, and everything that a bad command might have changed.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) path: String,
    /// The RSVP's own address.
    pub(crate) rsvp: String,
    before: Value,
}

pub(crate) fn ada() -> Person {
    Person::member(2)
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let server = Server::start().await;
        let path = server.open(json!({"capacity": 9})).await;
        let reserved = server
            .reserve(&path, &ada(), json!({"guest_count": 1}))
            .await
            .expect(201);
        let rsvp = format!("/rsvps/{}", reserved["rsvp"]["id"].as_str().unwrap());
        let mut scene = Self {
            server,
            path,
            rsvp,
            before: Value::Null,
        };
        scene.before = scene.everything().await;
        scene
    }

    async fn everything(&self) -> Value {
        let mut all = vec![Value::from(self.server.events(&self.path).await)];
        for path in [
            "/activities".to_owned(),
            self.path.clone(),
            format!("{}/rsvps", self.path),
        ] {
            all.push(self.server.get(&path).by(&host()).send().await.expect(200));
        }
        all.into()
    }

    /// Every route that takes a body, with somebody who may use it.
    pub(crate) fn commands(&self) -> Vec<(Method, String, Person)> {
        let own = format!("{}/rsvp", self.path);
        vec![
            (Method::POST, "/activities".to_owned(), host()),
            (Method::PATCH, self.path.clone(), host()),
            (Method::PUT, self.path.clone(), host()),
            (Method::POST, own.clone(), Person::member(3)),
            (Method::PATCH, own.clone(), ada()),
            (Method::PUT, own, ada()),
            (Method::PATCH, self.rsvp.clone(), ada()),
            (Method::PUT, self.rsvp.clone(), ada()),
            (Method::POST, format!("{}/accept", self.rsvp), ada()),
            (Method::POST, format!("{}/decline", self.rsvp), ada()),
            (Method::POST, format!("{}/transfer", self.rsvp), ada()),
            (Method::POST, format!("{}/check-in", self.rsvp), host()),
            (Method::POST, format!("{}/check-in", self.path), host()),
            (Method::POST, format!("{}/rsvps/bulk", self.path), ada()),
            (Method::POST, format!("{}/waitlist/promote", self.path), host()),
            (Method::POST, format!("{}/waitlist/bulk", self.path), host()),
        ]
    }

    /// Every route by which something ends, with somebody who may use it.
    pub(crate) fn ends(&self) -> Vec<(Method, String, Person)> {
        vec![
            (Method::DELETE, self.path.clone(), host()),
            (Method::DELETE, self.rsvp.clone(), ada()),
            (Method::DELETE, format!("{}/rsvp", self.path), ada()),
            (Method::DELETE, format!("{}/check-in", self.rsvp), host()),
        ]
    }

    pub(crate) async fn unchanged(self) {
        assert_eq!(self.everything().await, self.before);
        self.server.stop().await;
    }
}
