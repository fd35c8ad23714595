//! `/activities`: making, finding, changing and cancelling them.

mod body;
mod listing;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use turnout_actors::domain::{Activity, ActivityId, Command, History, Overview, Rejection};
use turnout_actors::{EngineError, Made, Order};

use self::body::{ChangeBody, CreateBody};
use super::MaybeBearer;
use super::extract::{Body, Id, etag};
use super::json::Json;
use super::orders::Commander;
use super::sight::require_sight;
use crate::accounts::{Bearer, Role};
use crate::api::views::ActivityView;
use crate::api::{Code, Problem};
use crate::config::CreateActivities;
use crate::state::AppState;

/// Tells that this is the answer to an earlier request with the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/activities", get(listing::list).post(create))
        .route(
            "/api/v1/activities/{id}",
            get(show).patch(change).put(change).delete(cancel),
        )
}

async fn create(
    State(state): State<AppState>,
    commander: Commander,
    Body(body): Body<CreateBody>,
) -> Result<Response, Problem> {
    let Commander { by: caller, key, .. } = commander;
    if state.config.create_activities == CreateActivities::Admins && caller.role != Role::Admin {
        return Err(Problem::new(Code::Forbidden));
    }
    let settings = body.settings(caller.user)?;
    // Until it exists, problems can only be about what was sent.
    let nobody = ActivityId::from(uuid::Uuid::nil());
    let made = state
        .engine
        .create(&caller.principal(), settings, key.as_ref())
        .await
        .map_err(|error| state.refusal(error, nobody))?;
    match made {
        Made::New(overview) => {
            let history = state.engine.history();
            Ok(shown(&state, StatusCode::CREATED, &overview, history))
        }
        Made::Before(id) => answer(&state, StatusCode::CREATED, id, true).await,
    }
}

async fn show(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    MaybeBearer(bearer): MaybeBearer,
) -> Result<Response, Problem> {
    let by = bearer.as_ref().map(Bearer::principal);
    let seen = state
        .engine
        .look(id, |activity| {
            require_sight(activity, by.as_ref()).map(|()| activity.overview())
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    Ok(shown(&state, StatusCode::OK, &seen.value?, seen.history))
}

async fn change(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(body): Body<ChangeBody>,
) -> Result<Response, Problem> {
    let command = Command::Change(Box::new(body.change()?));
    give(&state, id, commander.order(command)).await
}

async fn cancel(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
) -> Result<Response, Problem> {
    give(&state, id, commander.order(Command::CancelActivity)).await
}

/// Gives a command about the activity as a whole and answers with the activity as it is then.
async fn give(state: &AppState, id: ActivityId, order: Order) -> Result<Response, Problem> {
    match state.engine.command(id, order).await {
        Ok(reply) => answer(state, StatusCode::OK, id, reply.answer.replayed).await,
        Err(EngineError::Rejected(Rejection::VersionConflict(_))) => Err(conflict(state, id).await?),
        Err(error) => Err(state.refusal(error, id)),
    }
}

/// Somebody acted on an earlier version; shows them the activity as it is. Only a host gets here.
async fn conflict(state: &AppState, id: ActivityId) -> Result<Problem, Problem> {
    let (overview, history) = read(state, id).await?;
    let current = json!(ActivityView::new(&overview, history, state.clock.now()));
    Ok(Problem::new(Code::VersionConflict).with("current", current))
}

async fn answer(
    state: &AppState,
    status: StatusCode,
    id: ActivityId,
    replayed: bool,
) -> Result<Response, Problem> {
    let (overview, history) = read(state, id).await?;
    let mut response = shown(state, status, &overview, history);
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

async fn read(state: &AppState, id: ActivityId) -> Result<(Overview, History), Problem> {
    let seen = state.engine.look(id, Activity::overview).await;
    let seen = seen.map_err(|error| state.refusal(error, id))?;
    Ok((seen.value, seen.history))
}

fn shown(state: &AppState, status: StatusCode, overview: &Overview, history: History) -> Response {
    let view = ActivityView::new(overview, history, state.clock.now());
    (status, [(header::ETAG, etag(overview.version))], Json(view)).into_response()
}
