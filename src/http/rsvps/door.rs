//! At the door: the code that somebody shows, and the host who lets them in.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use turnout_actors::domain::{ActivityId, CheckIn, Command, RsvpId};

use super::{activity_of, read};
use crate::accounts::{Bearer, Caller};
use crate::api::{Code, Problem};
use crate::http::extract::{Body, Id, Nothing};
use crate::http::host::require_host;
use crate::http::orders::{Commander, answer, give, reply};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/rsvps/{id}/qr.svg", get(image))
        .route("/api/v1/rsvps/{id}/check-in", post(check_in).delete(undo))
        .route("/api/v1/activities/{id}/check-in", post(scan))
}

async fn image(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    bearer: Bearer,
) -> Result<Response, Problem> {
    let seen = read(&state, rsvp, &bearer.principal()).await?;
    let found = &seen.answered.rsvp;
    if !found.status.is_live() {
        return Err(Problem::new(Code::AlreadyCancelled));
    }
    let code = state.codes.make(seen.activity, rsvp, found.generation);
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, code.svg()).into_response())
}

async fn check_in(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let id = activity_of(&state, rsvp).await?;
    let generation = None;
    let_in(&state, id, commander, CheckIn { rsvp, generation }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    code: String,
}

async fn scan(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(Shown { code }): Body<Shown>,
) -> Result<Response, Problem> {
    // What a code says is for the host alone.
    require_host(&state, id, &commander.by).await?;
    let read = state.codes.read(id, &code);
    let (rsvp, generation) = read.map_err(|_| Problem::new(Code::InvalidCode))?;
    let generation = Some(generation);
    let_in(&state, id, commander, CheckIn { rsvp, generation }).await
}

async fn let_in(
    state: &AppState,
    id: ActivityId,
    commander: Commander<Caller>,
    check_in: CheckIn,
) -> Result<Response, Problem> {
    let reply = reply(state, id, commander.order(Command::CheckIn(check_in))).await?;
    Ok(answer(state, id, &reply, StatusCode::OK, |view| {
        view.with_already(!reply.answer.changed)
    }))
}

async fn undo(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander,
) -> Result<Response, Problem> {
    let id = activity_of(&state, rsvp).await?;
    give(
        &state,
        id,
        commander.order(Command::UndoCheckIn(rsvp)),
        StatusCode::OK,
    )
    .await
}
