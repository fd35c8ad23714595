//! `/activities/{id}/rsvps` and `/activities/{id}/participants`: everybody who has an RSVP, for the host, in pages or as
//! a table.

mod table;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use turnout_actors::domain::{ActivityId, Answered, RsvpId};

use super::extract::{Id, Params};
use super::host::require_host;
use super::json::Json;
use super::page::{Page, PageLimit, PageNumber};
use crate::accounts::Caller;
use crate::api::views::RsvpView;
use crate::api::{Problem, Search};
use crate::state::AppState;
use crate::store::rsvps::{self, RsvpFilter};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/activities/{id}/rsvps", get(list))
        .route("/api/v1/activities/{id}/participants", get(list))
        .route("/api/v1/activities/{id}/participants.csv", get(table::whole))
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

/// Those with this status, or all of them, of whom something is searched for.
fn filter_of(status: Option<&str>, search: Search) -> Result<RsvpFilter, Problem> {
    let statuses = RsvpFilter::STATUSES;
    let status = status.map(|name| {
        let known = statuses.into_iter().find(|known| *known == name);
        known.ok_or_else(|| Problem::field("status", format!("must be one of: {}", statuses.join(", "))))
    });
    Ok(RsvpFilter {
        status: status.transpose()?,
        search: search.into_text(),
        after: None,
    })
}

impl RsvpQuery {
    fn filter(&self) -> Result<RsvpFilter, Problem> {
        let filter = filter_of(self.status.as_deref(), self.search.clone())?;
        if self.cursor.is_some() && self.page.is_some() {
            return Err(Problem::field("cursor", "must not be given together with page"));
        }
        let after = self.cursor.as_deref().filter(|cursor| !cursor.is_empty());
        let after = after.map(str::parse::<RsvpId>).transpose();
        Ok(RsvpFilter {
            after: after
                .map_err(|_| Problem::field("cursor", "must be a cursor that was answered before"))?,
            ..filter
        })
    }
}

async fn list(
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
