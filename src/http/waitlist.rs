//! `/activities/{id}/waitlist`: how long the line is for everybody, the own place in it; for the host who waits, and
//! what to do about it by hand.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use turnout_actors::domain::{ActivityId, Answered};

use super::MaybeBearer;
use super::extract::{BULK_LIMIT, Body, Id, Params};
use super::json::Json;
use super::orders::{Commander, give};
use super::page::{Limit, PageNumber};
use super::sight::require_sight;
use crate::accounts::Bearer;
use crate::api::views::{PositionView, TicketedRsvpView};
use crate::api::{BulkBody, Problem, PromoteBody};
use crate::state::AppState;

/// The most waiting parties per page, and as many as there are unless another number is asked for.
const PARTIES_MAX: u32 = 1_000;
/// The most RSVPs per page: a party may have a hundred.
const ENTRIES_MAX: usize = 10_000;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/activities/{id}/waitlist", get(show))
        .route("/api/v1/activities/{id}/waitlist/promote", post(promote))
        .route("/api/v1/activities/{id}/waitlist/bulk", post(bulk))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    page: PageNumber,
    #[serde(default)]
    limit: Limit<PARTIES_MAX, PARTIES_MAX>,
}

async fn show(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    MaybeBearer(bearer): MaybeBearer,
    Params(query): Params<Query>,
) -> Result<Json<Value>, Problem> {
    let limit = query.limit.count();
    let first = u64::from(query.page.index()) * u64::from(limit);
    let by = bearer.as_ref().map(Bearer::principal);
    let seen = state
        .engine
        .read(id, |activity| {
            require_sight(activity, by.as_ref()).map(|()| {
                let own = by.as_ref().and_then(|by| activity.own_rsvp(by));
                let host = by.as_ref().is_some_and(|by| activity.is_host(by));
                let entries: Option<Vec<Answered>> = host.then(|| {
                    let waiting = activity.waiting_from(first, limit as usize);
                    waiting.take(ENTRIES_MAX + 1).collect()
                });
                (
                    activity.counts(),
                    activity.head().settings.waitlist_paused,
                    own,
                    entries,
                )
            })
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    let (counts, paused, own, entries) = seen?;
    let mut view = json!({
        "parties": counts.waitlisted_parties,
        "spots": counts.waitlisted_spots,
        "paused": paused,
        "me": own.map(|answered| PositionView::new(&answered, counts.seq)),
    });
    if let Some(entries) = entries {
        if entries.len() > ENTRIES_MAX {
            let message =
                format!("the parties of this page have more than {ENTRIES_MAX} RSVPs; ask for fewer");
            return Err(Problem::field("limit", message));
        }
        let now = state.clock.now();
        view["entries"] = entries
            .iter()
            .map(|answered| json!(TicketedRsvpView::new(id, answered, now)))
            .collect();
    }
    Ok(Json(view))
}

async fn promote(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(body): Body<PromoteBody>,
) -> Result<Response, Problem> {
    let command = body.command()?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}

async fn bulk(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    commander: Commander,
    Body(body): Body<BulkBody, BULK_LIMIT>,
) -> Result<Response, Problem> {
    let command = body.command()?;
    give(&state, id, commander.order(command), StatusCode::OK).await
}
