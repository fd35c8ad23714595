//! What the host of an activity alone sees: its decision log. And whether somebody is the host.

mod log_entry;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use turnout_actors::domain::{ActivityId, Seq};

use log_entry::LogEntryView;

use super::extract::{Id, Params};
use super::json::Json;
use super::page::Limit;
use crate::accounts::Caller;
use crate::api::{Code, Problem};
use crate::state::AppState;
use crate::store::events;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/activities/{id}/events", get(list_events))
}

/// Whether somebody is the host of an activity that they may know of.
pub(super) async fn require_host(state: &AppState, id: ActivityId, caller: &Caller) -> Result<(), Problem> {
    let by = caller.principal();
    let (visible, host) = state
        .engine
        .read(id, |activity| {
            (activity.is_visible_to(Some(&by)), activity.is_host(&by))
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    match (visible, host) {
        (true, true) => Ok(()),
        (true, false) => Err(Problem::new(Code::Forbidden)),
        (false, _) => Err(Problem::new(Code::NotFound)),
    }
}

/// Entries of the log that are answered when nobody asks for another number.
const LOG_ENTRIES: u32 = 100;
/// The most entries of the log per answer.
const LOG_ENTRIES_MAX: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    #[serde(default)]
    after_seq: u64,
    #[serde(default)]
    limit: Limit<LOG_ENTRIES, LOG_ENTRIES_MAX>,
}

async fn list_events(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    caller: Caller,
    Params(query): Params<EventQuery>,
) -> Result<Json<Value>, Problem> {
    let limit = query.limit.count();
    require_host(&state, id, &caller).await?;
    let entries = events::after(&state.db, id, Seq(query.after_seq), limit).await?;
    let next = entries.last().map_or(query.after_seq, |entry| entry.seq.0);
    let data: Vec<LogEntryView> = entries.into_iter().map(LogEntryView::from).collect();
    Ok(Json(
        json!({ "data": data, "limit": limit, "next_after_seq": next }),
    ))
}
