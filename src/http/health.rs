//! Whether the server is there at all.

use serde::Serialize;

use super::json::Json;

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

/// Answers as soon as the server accepts connections, which it does only once it can serve.
pub(super) async fn health() -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}
