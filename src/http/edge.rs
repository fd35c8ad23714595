//! The outermost layer around all routes: what holds for every answer, in one place.
//!
//! Gives each request its id, bounds its time, turns a panic into an answer, writes the body of problems, says who may
//! keep an answer, and logs unexpected errors, once. It is one hand-written service and not a stack of middleware, because it runs
//! for every request: nothing here allocates except the id.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Uri};
use axum::response::Response;
use futures::FutureExt;
use tokio::time::timeout;
use tower::Service;
use tracing::Instrument;

use super::caching::Caching;
use super::problem_response;
use super::request_id::{RequestIds, X_REQUEST_ID};
use crate::api::{Code, Problem};

/// The longest that a request may take until its answer starts, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// All routes, with what holds for every answer around them.
#[derive(Clone)]
pub struct Edge {
    routes: Router,
    request_ids: Arc<RequestIds>,
}

impl Edge {
    /// Wraps the routes.
    pub fn new(routes: Router) -> Self {
        Self {
            routes,
            request_ids: Arc::new(RequestIds::new()),
        }
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request) -> Response {
        let id = self.request_ids.of(request.headers());
        let caching = Caching::of(&request);
        // Of debug level, so that by default a request costs no span.
        let span = tracing::debug_span!(
            "request",
            request.id = text(&id),
            http.method = %request.method(),
            http.path = request.uri().path(),
        );
        // Kept for the log line of an unexpected error; both are cheap to clone.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut response = self.guarded(request).instrument(span).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            log_unexpected(&problem, &id, &method, &uri);
            let allow = response.headers_mut().remove(axum::http::header::ALLOW);
            response = problem_response::render(&problem, text(&id));
            if let Some(allow) = allow {
                response.headers_mut().insert(axum::http::header::ALLOW, allow);
            }
        }
        caching.mark(response.headers_mut());
        response.headers_mut().insert(X_REQUEST_ID, id);
        response
    }

    /// The routes, with an end to waiting and to panics.
    async fn guarded(&self, request: Request) -> Response {
        use axum::response::IntoResponse;
        let answer = AssertUnwindSafe(self.routes.clone().call(request)).catch_unwind();
        match timeout(REQUEST_TIMEOUT, answer).await {
            Ok(Ok(response)) => response.unwrap_or_else(|never: Infallible| match never {}),
            Ok(Err(panic)) => Problem::internal(&Panicked::from(panic)).into_response(),
            Err(_) => Problem::new(Code::Timeout).into_response(),
        }
    }
}

fn log_unexpected(problem: &Problem, id: &HeaderValue, method: &Method, uri: &Uri) {
    if let Some(cause) = problem.cause() {
        tracing::error!(
            request.id = text(id),
            http.method = %method,
            // Without the query, which may hold what people typed.
            http.path = uri.path(),
            problem.code = problem.code().as_str(),
            error = cause,
            "a request failed unexpectedly"
        );
    }
}

fn text(id: &HeaderValue) -> &str {
    id.to_str()
        .expect("ids are made of letters, digits, dots, dashes and underscores")
}

/// A handler that panicked. Its message was printed by the panic hook already and is repeated here to stand
/// beside the request's id.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

impl From<Box<dyn std::any::Any + Send>> for Panicked {
    fn from(panic: Box<dyn std::any::Any + Send>) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Self(message.unwrap_or_else(|| "without a message".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::routing::get;

    async fn broken() -> &'static str {
        panic!("a broken invariant")
    }

    async fn stuck() {
        std::future::pending::<()>().await;
    }

    fn edge() -> Edge {
        Edge::new(
            Router::new()
                .route("/broken", get(broken))
                .route("/stuck", get(stuck)),
        )
    }

    async fn ask(path: &str) -> (u16, HeaderValue, serde_json::Value) {
        let request = Request::get(path)
            .header("x-request-id", "r-7")
            .body(Body::empty())
            .unwrap();
        let response = edge().answer(request).await;
        let (status, id) = (
            response.status().as_u16(),
            response.headers()["x-request-id"].clone(),
        );
        let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
        (status, id, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_says_nothing_about_itself() {
        let (status, id, body) = ask("/broken").await;
        assert_eq!(
            (status, &body["code"], &body["request_id"]),
            (500, &"internal".into(), &"r-7".into())
        );
        assert_eq!(id, "r-7");
        assert!(!body.to_string().contains("invariant"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_given_up() {
        let (status, _, body) = ask("/stuck").await;
        assert_eq!((status, &body["code"]), (408, &"timeout".into()));
    }
}
