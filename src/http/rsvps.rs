//! `/activities/{id}/rsvp` and `/rsvps/{id}`: one RSVP, for its person, whoever booked it, and the host.

mod answers;
mod door;
mod group;
mod tokens;

use axum::Router;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use turnout_actors::domain::{ActivityId, Answered, Command, Principal, RsvpId, Seq, Target};

use super::caller::MaybeBearer;
use super::extract::{Body, Id, etag};
use super::json::Json;
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
            "/api/v1/activities/{id}/rsvp",
            post(reserve)
                .get(show_own)
                .put(update_own)
                .patch(update_own)
                .delete(cancel_own),
        )
        .route(
            "/api/v1/rsvps/{id}",
            get(show).put(update).patch(update).delete(cancel),
        )
        .route("/api/v1/rsvps/{id}/position", get(position))
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
    // Made as late as can be, so that identifiers rise in about the order in which people come in.
    let fresh = || RsvpId::from(state.ids.next());
    match &commander.by.0 {
        Some(Bearer::Account(caller)) => {
            let Body(args) = Body::<ReserveArgs>::from_request(request, &state).await?;
            let (by, command) = (caller.principal(), args.command(fresh(), caller)?);
            give(&state, id, commander.order_by(by, command), StatusCode::CREATED).await
        }
        Some(Bearer::Guest(_)) => Err(Problem::new(Code::Forbidden).detail(
            "A manage token is for the RSVP that it was made for; whoever comes in comes without it.",
        )),
        None => {
            state.guest_limits.check(address)?;
            let Body(args) = Body::<GuestArgs>::from_request(request, &state).await?;
            let token = manage_tokens(&state, id).await?;
            let (email, command) = args.command(fresh())?;
            let order = commander.order_by(Principal::visitor(email), command);
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
    let found = found?;
    Ok(shown(&found, &RsvpView::new(id, &found, state.clock.now())))
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
    let seen = read(&state, rsvp, &bearer.principal()).await?;
    Ok(seen.shown(&state))
}

async fn position(
    State(state): State<AppState>,
    Id(rsvp): Id<RsvpId>,
    bearer: Bearer,
) -> Result<Json<PositionView>, Problem> {
    let seen = read(&state, rsvp, &bearer.principal()).await?;
    Ok(Json(PositionView::new(&seen.answered, seen.seq)))
}

/// An RSVP that somebody may see.
struct Seen {
    activity: ActivityId,
    answered: Answered,
    /// Whether they see it because they have booked it for somebody else, and for no other reason.
    by_booker: bool,
    /// The activity's last event at that moment.
    seq: Seq,
}

impl Seen {
    fn shown(&self, state: &AppState) -> Response {
        let view = RsvpView::new(self.activity, &self.answered, state.clock.now());
        let view = if self.by_booker { view.for_booker() } else { view };
        shown(&self.answered, &view)
    }
}

async fn read(state: &AppState, rsvp: RsvpId, by: &Principal) -> Result<Seen, Problem> {
    let id = activity_of(state, rsvp).await?;
    state
        .engine
        .read(id, |activity| {
            require_sight(activity, Some(by))?;
            let answered = activity.rsvp(rsvp);
            let answered = answered.ok_or_else(|| Problem::new(Code::NotFound))?;
            if !activity.shows(&answered.rsvp, by) {
                return Err(Problem::new(Code::Forbidden));
            }
            Ok(Seen {
                activity: id,
                by_booker: activity.shows_as_booker(&answered.rsvp, by),
                answered,
                seq: activity.head().seq,
            })
        })
        .await
        .map_err(|error| state.refusal(error, id))?
}

async fn activity_of(state: &AppState, rsvp: RsvpId) -> Result<ActivityId, Problem> {
    state
        .rsvps
        .activity_of(rsvp)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))
}

fn shown(answered: &Answered, view: &RsvpView<'_>) -> Response {
    ([(header::ETAG, etag(answered.rsvp.version))], Json(view)).into_response()
}
