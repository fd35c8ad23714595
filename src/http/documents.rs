//! What describes this server to machines. The documents themselves are where the things are that they describe.

use axum::http::{HeaderName, header};

use crate::ws;

/// The WebSockets, as AsyncAPI 3.
pub(super) async fn asyncapi() -> ([(HeaderName, &'static str); 1], &'static str) {
    (
        [(header::CONTENT_TYPE, "application/json")],
        ws::asyncapi::document(),
    )
}
