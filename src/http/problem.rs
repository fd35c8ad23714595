//! The one answer for everything that is not a success: `application/problem+json` (RFC 9457).
//!
//! Owns its form. A [`Problem`] is a value that handlers and extractors return; it becomes bytes in
//! [`super::edge`], which alone knows the request's id. It never carries internals: the cause of an
//! unexpected error is kept aside for the log.

use std::borrow::Cow;
use std::error::Error;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::Code;

/// What `Retry-After` says where nobody knows better, in seconds.
const USUAL_RETRY_AFTER_S: u64 = 1;

/// An answer other than success. Small to pass around: what it says is on the heap.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    extras: Vec<(&'static str, Value)>,
    retry_after_s: Option<u64>,
    /// The unexpected error behind it with its sources, for the log alone.
    cause: Option<String>,
}

/// One field of a request that is missing or wrong.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct FieldError {
    /// The field's path, such as `attendees[2].email`.
    pub field: Cow<'static, str>,
    /// What is wrong with it, completing the sentence that starts with its name.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// Says what is wrong with a field.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl Problem {
    /// A problem with the usual sentence of its code.
    pub fn new(code: Code) -> Self {
        Self(Box::new(Parts {
            code,
            detail: code.usual_detail().into(),
            extras: Vec::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// Fields that are missing or wrong.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let errors = serde_json::to_value(errors).expect("two texts are always JSON");
        Self::new(Code::ValidationFailed).with("errors", errors)
    }

    /// One field that is missing or wrong.
    pub fn field(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::validation(vec![FieldError::new(field, message)])
    }

    /// Something that should not have happened. The client learns nothing of it; the log gets the error with
    /// all its sources, once, when the answer is made.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        Self::new(Code::Internal).caused_by(error)
    }

    /// Keeps an error for the log.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        self.0.cause = Some(with_sources(error));
        self
    }

    /// Says in a sentence what is special about this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds a member of its own, such as `limit` or `current`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.extras.push((name, value.into()));
        self
    }

    /// Says when to try again, in milliseconds; the header is in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.0.retry_after_s = Some(ms.div_ceil(1_000));
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The unexpected error behind it, for the log.
    pub(super) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The complete answer.
    pub(super) fn render(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&Rendered {
            problem: self,
            request_id,
        });
        let mut response = Response::new(Body::from(body.expect("texts and JSON values are always JSON")));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }

    fn status(&self) -> StatusCode {
        self.0.code.status()
    }

    /// Clients are promised a `Retry-After` with every 503, so it cannot be left out.
    fn retry_after_s(&self) -> Option<u64> {
        let usual = (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(USUAL_RETRY_AFTER_S);
        self.0.retry_after_s.or(usual)
    }

    fn challenge(&self) -> Option<&'static str> {
        match self.0.code {
            Code::TokenExpired | Code::TokenRevoked => {
                Some(r#"Bearer realm="turnout", error="invalid_token""#)
            }
            Code::Unauthenticated | Code::BadCredentials => Some(r#"Bearer realm="turnout""#),
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    /// Status and the problem itself, without a body: the edge writes that, with the request's id in it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

struct Rendered<'a> {
    problem: &'a Problem,
    request_id: &'a str,
}

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parts {
            code, detail, extras, ..
        } = &*self.problem.0;
        let mut map = serializer.serialize_map(Some(6 + extras.len()))?;
        map.serialize_entry("type", "about:blank")?;
        map.serialize_entry("title", code.title())?;
        map.serialize_entry("status", &code.status().as_u16())?;
        map.serialize_entry("code", code.as_str())?;
        map.serialize_entry("detail", detail)?;
        map.serialize_entry("request_id", self.request_id)?;
        for (name, value) in extras {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> Value {
        let bytes = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_problem_has_the_promised_members_and_its_extras() {
        let problem = Problem::new(Code::NotOpenYet)
            .with("opens_in_ms", 1_200)
            .retry_after_ms(1_200);
        let response = problem.render("r-1");
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Not open yet", "status": 409, "code": "not_open_yet",
            "detail": "Reserving has not started.", "request_id": "r-1", "opens_in_ms": 1_200,
        });
        assert_eq!(body(response).await, expected);
    }

    #[tokio::test]
    async fn the_cause_of_an_unexpected_error_is_for_the_log_alone() {
        let error = std::io::Error::other("secret-path");
        let problem = Problem::internal(&error);
        assert_eq!(problem.cause(), Some("secret-path"));
        assert!(
            !body(problem.render("r"))
                .await
                .to_string()
                .contains("secret-path")
        );
    }

    #[test]
    fn every_503_says_when_to_come_back_and_every_401_how_to_authenticate() {
        for code in Code::ALL {
            let headers = Problem::new(*code).render("r").headers().clone();
            assert_eq!(
                headers.contains_key("retry-after"),
                code.status() == 503,
                "{code:?}"
            );
            assert_eq!(
                headers.contains_key("www-authenticate"),
                code.status() == 401,
                "{code:?}"
            );
        }
    }
}
