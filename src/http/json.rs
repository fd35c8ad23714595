//! Answers in JSON. The library's own begin with little room and move three or four times until an RSVP fits.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Most answers about one RSVP or one activity fit into so many bytes.
const USUAL_BYTES: usize = 1_024;

/// An answer in JSON.
pub(super) struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut body, &self.0).expect("an answer is always JSON");
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], body).into_response()
    }
}
