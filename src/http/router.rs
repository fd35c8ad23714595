//! All routes in one list.

use axum::Router;
use axum::routing::get;

use super::{
    activities, attendees, auth_routes, documents, health, host, participants, rsvps, sockets, waitlist,
};
use crate::api::{Code, Problem};
use crate::state::AppState;

/// Every route that the server answers.
pub fn routes(state: AppState) -> Router {
    // Each area lists its own routes, whole: the router would take a common prefix off again for every request.
    Router::new()
        .route("/health", get(health::health))
        .route("/asyncapi.json", get(documents::asyncapi))
        .merge(auth_routes::routes())
        .merge(activities::routes())
        .merge(attendees::routes())
        .merge(rsvps::routes())
        .merge(participants::routes())
        .merge(waitlist::routes())
        .merge(host::routes())
        .merge(sockets::routes())
        .fallback(async || Problem::new(Code::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .with_state(state)
}
