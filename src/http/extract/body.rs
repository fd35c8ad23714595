//! The JSON body of a request.

use std::time::Duration;

use axum::body::{Body as RawBody, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::timeout;

use crate::api::{self, Code, Problem};

/// Bytes that a body may have.
const USUAL_LIMIT: usize = 64 * 1024;

/// Bytes that a body may have which names many.
pub const BULK_LIMIT: usize = 1024 * 1024;

/// How much of a body is still read beyond what it may have, and for how long. A client that is cut off while it
/// sends often never sees the answer; reading on for a moment lets it.
const DISCARD_LIMIT: u64 = 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// The body as `T`, from JSON of at most `LIMIT` bytes. No body at all counts as `{}`, for requests whose
/// fields are all optional; so does one that was announced and turns out to be empty.
///
/// `T` should deny unknown fields, so that a misspelt one is an error and not ignored.
pub struct Body<T, const LIMIT: usize = USUAL_LIMIT>(pub T);

/// The body of a command that needs nothing to be said.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned, S: Sync, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let bytes = read(body, LIMIT).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        require_json(&head.headers)?;
        parse(&bytes).map(Self)
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|text| text.split(';').next())
        .unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType))
}

async fn read(mut body: RawBody, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge).with("limit", limit);
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        if announced <= limit as u64 + DISCARD_LIMIT {
            discard(body, announced).await;
        }
        return Err(too_large());
    }
    // The announced length may be missing or a lie, so what arrives is counted.
    match Limited::new(&mut body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            discard(body, DISCARD_LIMIT).await;
            Err(too_large())
        }
        Err(_) => Err(Problem::new(Code::MalformedRequest).detail("The body ended too early.")),
    }
}

async fn discard(mut body: RawBody, bytes: u64) {
    let read_on = async {
        let mut left = bytes;
        while let Some(Ok(frame)) = body.frame().await {
            let len = frame.data_ref().map_or(0, Bytes::len) as u64;
            match left.checked_sub(len) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Either way the answer follows now.
    let _ = timeout(DISCARD_TIME, read_on).await;
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    // The parser looks only at texts that somebody wants, so an unknown field might hold anything.
    if std::str::from_utf8(text).is_err() {
        return Err(Problem::new(Code::MalformedJson).detail("The body is not UTF-8."));
    }
    // A derived struct would also take a list of its fields in order; the contract says object.
    if let Some(first) = text.iter().find(|byte| !byte.is_ascii_whitespace())
        && *first != b'{'
    {
        serde_json::from_slice::<IgnoredAny>(text).map_err(|error| malformed(&error))?;
        return Err(Problem::field("", "must be an object"));
    }
    match serde_json::from_slice(text) {
        Ok(value) => Ok(value),
        Err(error) if error.is_data() => Err(wrong_field::<T>(text)),
        Err(error) => Err(malformed(&error)),
    }
}

/// Parses once more, keeping track of where it is: that costs time which only wrong bodies should take.
/// Fields are judged in what is JSON to its end.
fn wrong_field<T: DeserializeOwned>(text: &[u8]) -> Problem {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(text) {
        return malformed(&error);
    }
    let mut parser = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, T>(&mut parser) {
        Ok(_) => Problem::new(Code::MalformedJson),
        Err(error) => api::validation_problem(&error),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Code::MalformedJson).detail(format!(
        "The body is not valid JSON: line {}, column {}.",
        error.line(),
        error.column()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Order {
        name: String,
        #[serde(default)]
        guests: Vec<Guest>,
        count: Option<u32>,
    }

    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Guest {
        email: String,
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AllOptional {
        count: Option<u32>,
    }

    async fn take(request: axum::http::request::Builder, body: impl Into<RawBody>) -> Result<Order, Problem> {
        let request = request.body(body.into()).unwrap();
        Body::<Order, 100>::from_request(request, &())
            .await
            .map(|body| body.0)
    }

    fn json() -> axum::http::request::Builder {
        Request::post("/").header("content-type", "application/json; charset=utf-8")
    }

    async fn wrong(body: &'static str) -> (Code, String) {
        let problem = take(json(), body).await.unwrap_err();
        let errors = problem.extras().iter().find(|(name, _)| *name == "errors");
        let error = errors.map(|(_, errors)| errors[0].clone()).unwrap_or_default();
        let said = format!(
            "{}: {}",
            error["field"].as_str().unwrap_or("-"),
            error["message"].as_str().unwrap_or("-")
        );
        (problem.code(), said)
    }

    #[tokio::test]
    async fn what_fits_is_taken() {
        let order = take(json(), r#"{"name":"x","guests":[{"email":"e"}]}"#)
            .await
            .unwrap();
        let guests = vec![Guest {
            email: "e".to_owned(),
        }];
        assert_eq!(
            order,
            Order {
                name: "x".to_owned(),
                guests,
                count: None
            }
        );
    }

    #[tokio::test]
    async fn wrong_fields_are_named_with_their_path_and_without_names_of_types() {
        for (body, said) in [
            (r#"{}"#, "name: is required"),
            (r#"{"name":1}"#, "name: must be a text"),
            (r#"{"name":null}"#, "name: must be a text"),
            (r#"{"name":"x","nam":1}"#, "nam: is not a known field"),
            (r#"{"name":"x","name":"y"}"#, "name: is given more than once"),
            (
                r#"{"name":"x","count":-1}"#,
                "count: must be a whole number of 0 or more",
            ),
            (
                r#"{"name":"x","count":"1"}"#,
                "count: must be a whole number of 0 or more",
            ),
            (
                r#"{"name":"x","count":1.5}"#,
                "count: must be a whole number of 0 or more",
            ),
            (r#"{"name":"x","count":4294967296}"#, "count: is too large"),
            (r#"{"name":"x","guests":{}}"#, "guests: must be a list"),
            (
                r#"{"name":"x","guests":[{"email":"e"},{}]}"#,
                "guests[1].email: is required",
            ),
            (
                r#"{"name":"x","guests":[{"email":"e","x":1}]}"#,
                "guests[0].x: is not a known field",
            ),
            (r#"{"name":"x","guests":[1]}"#, "guests[0]: must be an object"),
            (r#"["x"]"#, ": must be an object"),
            ("null", ": must be an object"),
            (r#""x""#, ": must be an object"),
        ] {
            assert_eq!(
                wrong(body).await,
                (Code::ValidationFailed, said.to_owned()),
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_json_is_malformed() {
        for body in [
            "{",
            "{\"name\":}",
            "nul",
            "{\"name\":\"x\"} x",
            "{name:1}",
            "\u{feff}{}",
            "  ",
        ] {
            assert_eq!(wrong(body).await.0, Code::MalformedJson, "{body:?}");
        }
        let not_utf8 = take(json(), Bytes::from_static(b"{\"name\":\"\xff\"}"))
            .await
            .unwrap_err();
        assert_eq!(not_utf8.code(), Code::MalformedJson);
        let unknown = take(json(), Bytes::from_static(b"{\"nam\":\"\xff\"}"));
        assert_eq!(unknown.await.unwrap_err().code(), Code::MalformedJson);
        let deep = format!("{{\"name\":{}", "[".repeat(80));
        assert_eq!(take(json(), deep).await.unwrap_err().code(), Code::MalformedJson);
    }

    #[tokio::test]
    async fn only_json_is_understood() {
        for request in [
            Request::post("/"),
            Request::post("/").header("content-type", "text/plain"),
            Request::post("/").header("content-type", "application/jsonp"),
        ] {
            let problem = take(request, r#"{"name":"x"}"#).await.unwrap_err();
            assert_eq!(problem.code(), Code::UnsupportedMediaType);
        }
    }

    #[tokio::test]
    async fn a_body_is_counted_whatever_it_announces() {
        let name = |len: usize| format!(r#"{{"name":"{}"}}"#, "x".repeat(len));
        assert!(take(json(), name(89)).await.is_ok(), "exactly the limit");
        assert_eq!(
            take(json(), name(90)).await.unwrap_err().code(),
            Code::BodyTooLarge
        );

        let pieces = (0..50).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"      ")));
        let unannounced = RawBody::from_stream(futures::stream::iter(pieces));
        assert_eq!(
            take(json(), unannounced).await.unwrap_err().code(),
            Code::BodyTooLarge
        );
    }

    #[tokio::test]
    async fn no_body_is_an_empty_object() {
        let request = Request::post("/").body(RawBody::empty()).unwrap();
        let Body(all) = Body::<AllOptional>::from_request(request, &()).await.unwrap();
        assert_eq!(all.count, None);
        // Sent in chunks, of which there are none, it is announced and of no type.
        let nothing = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::new())]);
        let request = Request::post("/").body(RawBody::from_stream(nothing)).unwrap();
        let Body(all) = Body::<AllOptional>::from_request(request, &()).await.unwrap();
        assert_eq!(all.count, None);
        assert_eq!(
            take(Request::post("/"), "").await.unwrap_err().code(),
            Code::ValidationFailed
        );
    }
}
