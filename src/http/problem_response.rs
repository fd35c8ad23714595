//! Problems as HTTP answers: `application/problem+json` (RFC 9457).
//!
//! A handler returns a [`Problem`]; it becomes bytes in [`super::edge`], which alone knows the request's id.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::api::{Code, Problem, RateLimit, RatePolicy};

// Lists of structured fields, as draft-ietf-httpapi-ratelimit-headers has them.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The complete answer.
pub(super) fn render(problem: &Problem, request_id: &str) -> Response {
    let body = serde_json::to_vec(&Rendered { problem, request_id });
    let mut response = Response::new(Body::from(body.expect("texts and JSON values are always JSON")));
    *response.status_mut() = status(problem);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if let Some(ms) = problem.retry_in_ms() {
        headers.insert(header::RETRY_AFTER, seconds(ms).into());
    }
    if let Some(limit) = problem.rate_limit() {
        headers.insert(RATE_LIMIT, shown(&reached(limit)));
        headers.insert(RATE_LIMIT_POLICY, shown(&policies(limit)));
    }
    if let Some(challenge) = challenge(problem.code()) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// What is left of the policy that was reached, nothing, and the seconds until there is more.
fn reached(limit: &RateLimit) -> String {
    format!("\"{}\";r=0;t={}", limit.reached.name, seconds(limit.resets_in_ms))
}

/// All policies: each with its quota, and the seconds that it is for.
fn policies(limit: &RateLimit) -> String {
    let policy =
        |policy: &RatePolicy| format!("\"{}\";q={};w={}", policy.name, policy.quota, policy.window_s);
    let policies: Vec<String> = limit.policies.iter().map(policy).collect();
    policies.join(", ")
}

/// Whole seconds, and never too early.
fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1_000)
}

fn shown(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("names of policies are plain words, the rest is numbers")
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.code().status()).expect("the table of codes has statuses alone")
}

fn challenge(code: Code) -> Option<&'static str> {
    match code {
        Code::TokenExpired | Code::TokenRevoked => Some(r#"Bearer realm="turnout", error="invalid_token""#),
        Code::Unauthenticated | Code::BadCredentials => Some(r#"Bearer realm="turnout""#),
        _ => None,
    }
}

impl IntoResponse for Problem {
    /// Status and the problem itself, without a body: the edge writes that, with the request's id in it.
    fn into_response(self) -> Response {
        let mut response = status(&self).into_response();
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
        let (code, extras) = (self.problem.code(), self.problem.extras());
        let mut map = serializer.serialize_map(Some(6 + extras.len()))?;
        map.serialize_entry("type", "about:blank")?;
        map.serialize_entry("title", code.title())?;
        map.serialize_entry("status", &code.status())?;
        map.serialize_entry("code", code.as_str())?;
        map.serialize_entry("detail", self.problem.sentence())?;
        map.serialize_entry("request_id", self.request_id)?;
        for (name, value) in extras {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

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
        let response = render(&problem, "r-1");
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
            !body(render(&problem, "r"))
                .await
                .to_string()
                .contains("secret-path")
        );
    }

    #[test]
    fn whoever_came_too_often_is_told_all_limits_and_when_to_come_back() {
        const POLICY: RatePolicy = RatePolicy {
            name: "burst",
            quota: 20,
            window_s: 10,
        };
        const SLOW: RatePolicy = RatePolicy {
            name: "sustained",
            quota: 100,
            window_s: 60,
        };
        let problem = Problem::rate_limited(RateLimit {
            policies: &[POLICY, SLOW],
            reached: SLOW,
            resets_in_ms: 2_001,
        });
        let response = render(&problem, "r");
        assert_eq!(response.status(), 429);
        for (name, value) in [
            ("retry-after", "3"),
            ("ratelimit", r#""sustained";r=0;t=3"#),
            ("ratelimit-policy", r#""burst";q=20;w=10, "sustained";q=100;w=60"#),
        ] {
            assert_eq!(response.headers()[name], value);
        }
    }

    #[test]
    fn every_503_says_when_to_come_back_and_every_401_how_to_authenticate() {
        for code in Code::ALL {
            let headers = render(&Problem::new(*code), "r").headers().clone();
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
