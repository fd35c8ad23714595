//! `/activities/{id}/rsvp` and `/rsvps/{id}`: one RSVP, for its person, whoever booked it, and the host.

mod answers;
mod door;
mod group;
mod tokens;

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use turnout_actors::domain::{ActivityId, Answered, Command, Counts, Principal, RsvpId, Target};

use super::caller::MaybeBearer;
use super::extract::{Body, Id, etag};
use super::orders::{Commander, answer, give, manage_tokens, reply};
use super::peer::Peer;
use super::sight::require_sight;
use crate::accounts::Bearer;
use crate::api::views::{PositionView, RsvpView};
use crate::api::{Code, GuestArgs, Problem, ReserveArgs, UpdateArgs};
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
        .merge(answers::routes())
        .merge(door::routes())
        .merge(group::routes())
        .merge(tokens::routes())
}

/// Whoever has an account comes in as themselves, everybody else by an e-mail address.
async fn reserve(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander<MaybeBearer>,
    Peer(address): Peer,
    request: Request,
) -> Result<Response, Problem> {
    let fresh = RsvpId::from(state.ids.next());
    match &commander.by.0 {
        Some(Bearer::Account(caller)) => {
            let Body(args) = Body::<ReserveArgs>::from_request(request, &state).await?;
            let (by, command) = (caller.principal(), args.command(fresh, caller)?);
            give(&state, id, commander.order_by(by, command), StatusCode::CREATED).await
        }
        Some(Bearer::Guest(_)) => Err(Problem::new(Code::Forbidden).detail(
            "A manage token is for the RSVP that it was made for; whoever comes in comes without it.",
        )),
        None => {
            state.guest_limits.check(address)?;
            let Body(args) = Body::<GuestArgs>::from_request(request, &state).await?;
            let (email, command) = args.command(fresh)?;
            let order = commander.order_by(Principal::visitor(email), command);
            let token = manage_tokens(&state, id).await?;
            let reply = reply(&state, id, order).await?;
            let token = reply.answer.rsvp().and_then(token);
            Ok(answer(&state, id, &reply, StatusCode::CREATED, |view| {
                view.with_manage_token(token)
            }))
        }
    }
}

async fn update_own(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander<Bearer>,
    Body(args): Body<UpdateArgs>,
) -> Result<Response, Problem> {
    let command = args.command(Target::Own)?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn cancel_own(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander<Bearer>,
) -> Result<Response, Problem> {
    let command = Command::Cancel(Target::Own);
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn show_own(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    bearer: Bearer,
) -> Result<Response, Problem> {
    let by = bearer.principal();
    let found = state
        .engine
        .read(id, |activity| {
            require_sight(activity, Some(&by))?;
            let own = activity.own_rsvp(&by);
            own.ok_or_else(|| Problem::new(Code::NotFound))
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    Ok(shown(&state, id, &found?))
}

async fn update(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander<Bearer>,
    Body(args): Body<UpdateArgs>,
) -> Result<Response, Problem> {
    let command = args.command(Target::Rsvp(rsvp))?;
    let id = activity_of(&state, rsvp).await?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn cancel(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    commander: Commander<Bearer>,
) -> Result<Response, Problem> {
    let command = Command::Cancel(Target::Rsvp(rsvp));
    let id = activity_of(&state, rsvp).await?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

pub(super) async fn show(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    bearer: Bearer,
) -> Result<Response, Problem> {
    let (id, answered, _) = read(&state, rsvp, &bearer.principal()).await?;
    Ok(shown(&state, id, &answered))
}

async fn position(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    bearer: Bearer,
) -> Result<Json<PositionView>, Problem> {
    let (_, answered, counts) = read(&state, rsvp, &bearer.principal()).await?;
    Ok(Json(PositionView::new(&answered, counts.seq)))
}

/// An RSVP that somebody may see, and its activity's counts of the same moment.
async fn read(
    state: &AppState,
    rsvp: RsvpId,
    by: &Principal,
) -> Result<(ActivityId, Answered, Counts), Problem> {
    let id = activity_of(state, rsvp).await?;
    let found = state
        .engine
        .read(id, |activity| {
            require_sight(activity, Some(by))?;
            let answered = activity.rsvp(rsvp);
            let answered = answered.ok_or_else(|| Problem::new(Code::NotFound))?;
            if activity.shows(&answered.rsvp, by) {
                Ok((answered, activity.counts()))
            } else {
                Err(Problem::new(Code::Forbidden))
            }
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    found.map(|(answered, counts)| (id, answered, counts))
}

async fn activity_of(state: &AppState, rsvp: RsvpId) -> Result<ActivityId, Problem> {
    state
        .rsvps
        .activity_of(rsvp)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))
}

fn shown(state: &AppState, id: ActivityId, answered: &Answered) -> Response {
    let view = RsvpView::new(id, answered, state.clock.now());
    ([(header::ETAG, etag(answered.rsvp.version))], Json(view)).into_response()
}
