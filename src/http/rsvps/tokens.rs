//! What a guest does with nothing but the manage token: looks whether it holds, and cancels.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get};
use turnout_actors::domain::{Command, Target};

use super::{activity_of, read};
use crate::accounts::ManageToken;
use crate::api::Problem;
use crate::http::orders::{Commander, give};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/rsvps/verify-token", get(verify))
        .route("/api/v1/rsvps/cancel-by-token", delete(cancel))
}

async fn verify(State(state): State<AppState>, token: ManageToken) -> Result<Response, Problem> {
    let seen = read(&state, token.rsvp, &token.principal()).await?;
    Ok(seen.shown(&state))
}

async fn cancel(
    State(state): State<AppState>,
    commander: Commander<ManageToken>,
) -> Result<Response, Problem> {
    let rsvp = commander.by.rsvp;
    let id = activity_of(&state, rsvp).await?;
    let command = Command::Cancel(Target::Own);
    give(&state, id, commander.order(command), StatusCode::OK).await
}
