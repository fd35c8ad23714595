//! Requests and answers, with what every answer must have checked on the way.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::Person;

pub(crate) struct Request(reqwest::RequestBuilder);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body as JSON, null when there is none.
    pub(crate) body: Value,
}

impl Request {
    /// A request to a path of a server, which is below `/api/v1` unless it starts with two slashes.
    pub(crate) fn new(client: &reqwest::Client, method: Method, server: &str, path: &str) -> Self {
        let path = match path.strip_prefix('/') {
            Some(rooted) if rooted.starts_with('/') => rooted.to_owned(),
            _ => format!("/api/v1{path}"),
        };
        Self(client.request(method, format!("{server}{path}")))
    }

    pub(crate) fn token(self, token: &str) -> Self {
        Self(self.0.bearer_auth(token))
    }

    /// With the token of somebody.
    pub(crate) fn by(self, person: &Person) -> Self {
        self.token(&person.token)
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// A body as it is, sent as JSON.
    pub(crate) fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        Self(
            self.0
                .header("content-type", "application/json")
                .body(body.into()),
        )
    }

    /// A body as it is.
    pub(crate) fn body(self, body: &'static str) -> Self {
        Self(self.0.body(body))
    }

    /// The text of an answer that is no JSON, with its headers.
    #[track_caller]
    pub(crate) fn text(self) -> impl Future<Output = (HeaderMap, String)> {
        let at = std::panic::Location::caller();
        async move {
            let response = self.0.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.unwrap();
            assert_eq!(status, 200, "{at}: {text}");
            (headers, text)
        }
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        let answer = Answer {
            status,
            headers,
            body,
        };
        answer.check();
        answer
    }
}

impl Answer {
    /// The body, when the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Checks that this is a problem with a status and a code.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
    }

    /// Checks that a field of the request was refused, and says how.
    #[track_caller]
    pub(crate) fn expect_wrong(&self, field: &str) -> &str {
        self.expect_problem(422, "validation_failed");
        let error = &self.body["errors"][0];
        assert_eq!(error["field"], field, "{self:?}");
        error["message"].as_str().unwrap()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// What the contract promises of every answer and every problem.
    fn check(&self) {
        let id = self.headers["x-request-id"].to_str().unwrap();
        assert!(!id.is_empty());
        if self.status >= 400 {
            assert_eq!(self.headers["content-type"], "application/problem+json");
            assert_eq!(self.body["type"], "about:blank");
            assert_eq!(self.body["status"], self.status);
            assert_eq!(self.body["request_id"], id);
            for member in ["title", "code", "detail"] {
                assert!(self.body[member].is_string(), "{member} in {self:?}");
            }
            assert_eq!(self.headers.contains_key("www-authenticate"), self.status == 401);
        }
    }
}
