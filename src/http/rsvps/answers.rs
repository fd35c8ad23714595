//! What the person of an RSVP does with it: accepting or declining an offer, handing it on.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use turnout_actors::domain::{Command, RsvpId, Target};

use super::activity_of;
use crate::accounts::Bearer;
use crate::api::{Problem, TransferArgs};
use crate::http::extract::{Body, Id, Nothing};
use crate::http::orders::{Commander, answer, give, manage_tokens, reply};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/rsvps/{id}/accept", post(accept))
        .route("/api/v1/rsvps/{id}/decline", post(decline))
        .route("/api/v1/rsvps/{id}/transfer", post(transfer))
}

async fn accept(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander<Bearer>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let id = activity_of(&state, rsvp).await?;
    let command = Command::Accept(Target::Rsvp(rsvp));
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn decline(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander<Bearer>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let id = activity_of(&state, rsvp).await?;
    let command = Command::Decline(Target::Rsvp(rsvp));
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn transfer(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander<Bearer>,
    Body(args): Body<TransferArgs>,
) -> Result<Response, Problem> {
    let command = args.command(Target::Rsvp(rsvp), RsvpId::from(state.ids.next()))?;
    let id = activity_of(&state, rsvp).await?;
    let token = manage_tokens(&state, id).await?;
    let reply = reply(&state, id, commander.order(command)).await?;
    let recipient = reply.answer.told.iter().nth(1).and_then(token);
    Ok(answer(&state, id, &reply, StatusCode::OK, |view| {
        view.of_transfer().with_manage_token(recipient)
    }))
}
