//! `/activities/{id}/rsvp` and `/rsvps/{id}`: one RSVP, for its person, whoever booked it, and the host.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use turnout_actors::domain::{ActivityId, Answered, Command, Counts, Person, RsvpId, Target};

use super::extract::{Body, Id, etag};
use super::orders::{Commander, give};
use crate::accounts::Caller;
use crate::api::views::{PositionView, RsvpView};
use crate::api::{Code, Problem, ReserveArgs, UpdateArgs};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/activities/{id}/rsvp",
            post(reserve)
                .get(show_own)
                .put(update_own)
                .patch(update_own)
                .delete(cancel_own),
        )
        .route("/rsvps/{id}", get(show).put(update).patch(update).delete(cancel))
        .route("/rsvps/{id}/position", get(position))
}

async fn reserve(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(args): Body<ReserveArgs>,
) -> Result<Response, Problem> {
    let command = args.command(RsvpId::from(state.ids.next()), &commander.caller)?;
    give(&state, id, commander.order(command), StatusCode::CREATED).await
}

async fn update_own(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(args): Body<UpdateArgs>,
) -> Result<Response, Problem> {
    let command = args.command(Target::Own)?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn cancel_own(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
) -> Result<Response, Problem> {
    let command = Command::Cancel(Target::Own);
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn show_own(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    caller: Caller,
) -> Result<Response, Problem> {
    let (by, person) = (caller.principal(), Person::User(caller.user));
    let found = state
        .engine
        .read(id, |activity| {
            activity
                .is_visible_to(Some(&by))
                .then(|| activity.rsvp_of(&person))
                .flatten()
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    shown(&state, id, &found.ok_or_else(|| Problem::new(Code::NotFound))?)
}

async fn update(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander,
    Body(args): Body<UpdateArgs>,
) -> Result<Response, Problem> {
    let command = args.command(Target::Rsvp(rsvp))?;
    let id = activity_of(&state, rsvp).await?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn cancel(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander,
) -> Result<Response, Problem> {
    let command = Command::Cancel(Target::Rsvp(rsvp));
    let id = activity_of(&state, rsvp).await?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

pub(super) async fn show(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    caller: Caller,
) -> Result<Response, Problem> {
    let (id, answered, _) = read(&state, rsvp, &caller).await?;
    shown(&state, id, &answered)
}

async fn position(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    caller: Caller,
) -> Result<Json<PositionView>, Problem> {
    let (_, answered, counts) = read(&state, rsvp, &caller).await?;
    Ok(Json(PositionView::new(&answered, counts.seq)))
}

/// An RSVP that the caller may see, and its activity's counts of the same moment.
async fn read(
    state: &AppState,
    rsvp: RsvpId,
    caller: &Caller,
) -> Result<(ActivityId, Answered, Counts), Problem> {
    let id = activity_of(state, rsvp).await?;
    let by = caller.principal();
    let found = state
        .engine
        .read(id, |activity| {
            let answered = activity.rsvp(rsvp)?;
            let allowed = activity.shows(&answered.rsvp, &by);
            Some((
                answered,
                activity.counts(),
                allowed,
                activity.is_visible_to(Some(&by)),
            ))
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    match found {
        Some((answered, counts, true, true)) => Ok((id, answered, counts)),
        Some((.., false, true)) => Err(Problem::new(Code::Forbidden)),
        Some((.., false)) | None => Err(Problem::new(Code::NotFound)),
    }
}

async fn activity_of(state: &AppState, rsvp: RsvpId) -> Result<ActivityId, Problem> {
    state
        .rsvps
        .activity_of(rsvp)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))
}

fn shown(state: &AppState, id: ActivityId, answered: &Answered) -> Result<Response, Problem> {
    let view = RsvpView::new(id, answered, state.clock.now());
    Ok(([(header::ETAG, etag(answered.rsvp.version))], Json(view)).into_response())
}
