//! `/activities/{id}/rsvps/bulk`: somebody with an account books for several people, together or each for themselves.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use turnout_actors::domain::{ActivityId, Told};

use crate::api::{GroupArgs, Problem};
use crate::http::extract::{BULK_LIMIT, Body, Id};
use crate::http::orders::{Commander, answer, manage_tokens, reply};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/activities/{id}/rsvps/bulk", post(book))
}

async fn book(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(args): Body<GroupArgs, BULK_LIMIT>,
) -> Result<Response, Problem> {
    let command = args.command(|| state.ids.next())?;
    let token = manage_tokens(&state, id).await?;
    let reply = reply(&state, id, commander.order(command)).await?;
    // Of those who come in each for themselves it may be that nobody did.
    let status = match reply.answer.told {
        Told::Each(_) => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    let tokens: Vec<Option<String>> = reply.answer.told.iter().map(token).collect();
    Ok(answer(&state, id, &reply, status, |view| {
        view.of_arrivals().with_manage_tokens(tokens)
    }))
}
