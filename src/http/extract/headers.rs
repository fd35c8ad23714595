//! Headers that steer a command: `If-Match`, `Idempotency-Key`, and the `ETag` that answers carry.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use turnout_actors::Key;

use crate::api::{Code, Problem};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The version that a change is meant for; none when the header is missing or `*`.
pub struct IfMatch(pub Option<u32>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = single(&parts.headers, &header::IF_MATCH)? else {
            return Ok(Self(None));
        };
        if value == "*" {
            return Ok(Self(None));
        }
        let version = value
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix('"')?.strip_suffix('"'))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok());
        match version {
            Some(version) => Ok(Self(Some(version))),
            None => Err(malformed("If-Match must be a single strong ETag such as \"3\".")),
        }
    }
}

/// The caller's key for this command, under which it may be repeated without effect.
pub struct IdempotencyKey(pub Option<Key>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = single(&parts.headers, &IDEMPOTENCY_KEY)? else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().and_then(|text| Key::parse(text).ok());
        key.map(|key| Self(Some(key)))
            .ok_or_else(|| malformed("Idempotency-Key must be 1 to 64 printable ASCII characters."))
    }
}

/// The entity tag of a version.
pub fn etag(version: u32) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("quoted digits are a valid header")
}

/// A header that says one thing: saying two would leave open which is meant.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(malformed(format!("{name} is given more than once."))),
    }
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Code::MalformedRequest).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(name: &HeaderName, values: &[&str]) -> Parts {
        let request = values.iter().fold(Request::get("/"), |request, value| {
            request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        request.body(()).unwrap().into_parts().0
    }

    async fn version(values: &[&str]) -> Result<Option<u32>, Problem> {
        let mut parts = parts(&header::IF_MATCH, values);
        IfMatch::from_request_parts(&mut parts, &())
            .await
            .map(|found| found.0)
    }

    async fn key(values: &[&str]) -> Result<Option<Key>, Problem> {
        let mut parts = parts(&IDEMPOTENCY_KEY, values);
        IdempotencyKey::from_request_parts(&mut parts, &())
            .await
            .map(|found| found.0)
    }

    #[tokio::test]
    async fn a_version_is_one_strong_tag() {
        assert_eq!(version(&[]).await.unwrap(), None);
        assert_eq!(version(&["*"]).await.unwrap(), None);
        assert_eq!(version(&[etag(3).to_str().unwrap()]).await.unwrap(), Some(3));
        for values in [
            &["W/\"3\""][..],
            &["3"],
            &["\"\""],
            &["\"+3\""],
            &["\"x\""],
            &["\"1\", \"2\""],
            &["\"1\"", "*"],
            &[""],
        ] {
            assert_eq!(
                version(values).await.unwrap_err().code(),
                Code::MalformedRequest,
                "{values:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_key_is_short_and_printable() {
        assert_eq!(key(&[]).await.unwrap(), None);
        assert_eq!(key(&["a key/1"]).await.unwrap(), Key::parse("a key/1").ok());
        assert!(key(&[&"k".repeat(64)]).await.is_ok());
        for values in [&[""][..], &["a\tb"], &["é"], &["a", "b"], &[&"k".repeat(65)]] {
            assert_eq!(
                key(values).await.unwrap_err().code(),
                Code::MalformedRequest,
                "{values:?}"
            );
        }
    }
}
