//! What the host of an activity alone sees: its RSVPs and its decision log.

mod log_entry;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use turnout_actors::domain::{ActivityId, Answered, RsvpId, Seq};

use log_entry::LogEntryView;

use super::extract::{Id, Params};
use super::page::{Limit, Page, PageLimit, PageNumber};
use crate::accounts::Caller;
use crate::api::views::RsvpView;
use crate::api::{Code, Problem, Search};
use crate::state::AppState;
use crate::store::events;
use crate::store::rsvps::{self, RsvpFilter};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/activities/{id}/rsvps", get(list_rsvps))
        .route("/activities/{id}/events", get(list_events))
}

/// Whether somebody is the host of an activity that they may know of.
async fn require_host(state: &AppState, id: ActivityId, caller: &Caller) -> Result<(), Problem> {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RsvpQuery {
    #[serde(default)]
    page: Option<PageNumber>,
    #[serde(default)]
    limit: PageLimit,
    /// The last identifier of the page before; empty for the first page.
    cursor: Option<String>,
    status: Option<String>,
    #[serde(default)]
    search: Search,
}

impl RsvpQuery {
    fn filter(&self) -> Result<RsvpFilter, Problem> {
        let status = self.status.as_deref().map(|name| {
            RsvpFilter::STATUSES
                .into_iter()
                .find(|known| *known == name)
                .ok_or_else(|| {
                    Problem::field(
                        "status",
                        format!("must be one of: {}", RsvpFilter::STATUSES.join(", ")),
                    )
                })
        });
        if self.cursor.is_some() && self.page.is_some() {
            return Err(Problem::field("cursor", "must not be given together with page"));
        }
        let after = self.cursor.as_deref().filter(|cursor| !cursor.is_empty());
        let after = after.map(str::parse::<RsvpId>).transpose();
        Ok(RsvpFilter {
            status: status.transpose()?,
            search: self.search.clone().into_text(),
            after: after
                .map_err(|_| Problem::field("cursor", "must be a cursor that was answered before"))?,
        })
    }
}

async fn list_rsvps(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    caller: Caller,
    Params(query): Params<RsvpQuery>,
) -> Result<Json<Value>, Problem> {
    require_host(&state, id, &caller).await?;
    let filter = query.filter()?;
    let page = Page::new(query.page.unwrap_or_default(), query.limit);
    // One more than is shown tells whether there is a next page.
    let mut ids = rsvps::list(&state.db, id, &filter, page.offset(), page.limit() + 1).await?;
    let more = ids.len() > page.limit() as usize;
    ids.truncate(page.limit() as usize);
    let found = current(&state, id, &ids).await?;
    let now = state.clock.now();
    let view = |answered| RsvpView::new(id, answered, now);
    let data: Vec<RsvpView<'_>> = found.iter().map(view).collect();
    if query.cursor.is_some() {
        let next = ids.last().filter(|_| more);
        return Ok(Json(
            json!({ "data": data, "limit": page.limit(), "next_cursor": next }),
        ));
    }
    let total = rsvps::count(&state.db, id, &filter).await?;
    Ok(Json(json!(page.answer(data, total))))
}

/// The RSVPs as they are now: the database tells which, the engine what.
async fn current(state: &AppState, id: ActivityId, ids: &[RsvpId]) -> Result<Vec<Answered>, Problem> {
    state
        .engine
        .read(id, |activity| {
            ids.iter().filter_map(|rsvp| activity.rsvp(*rsvp)).collect()
        })
        .await
        .map_err(|error| state.refusal(error, id))
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
