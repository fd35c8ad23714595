//! The public list of activities.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use turnout_actors::domain::{OrganizationId, UserId};

use crate::api::time::{DayOrTime, Time};
use crate::api::views::ActivityView;
use crate::api::{Problem, Search};
use crate::http::MaybeBearer;
use crate::http::extract::Params;
use crate::http::json::Json;
use crate::http::page::{List, Page, PageLimit, PageNumber};
use crate::state::AppState;
use crate::store::activities::{self, ActivityFilter, ActivityOrder};

/// Which activities, in which order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    #[serde(default)]
    page: PageNumber,
    #[serde(default)]
    limit: PageLimit,
    #[serde(default)]
    search: Search,
    date_from: Option<Time>,
    date_to: Option<DayOrTime>,
    available_only: Option<bool>,
    #[serde(default)]
    sort: Sort,
    organization_id: Option<uuid::Uuid>,
    host_id: Option<uuid::Uuid>,
}

#[derive(Deserialize, Clone, Copy, Default)]
enum Sort {
    #[default]
    #[serde(rename = "date")]
    Date,
    #[serde(rename = "-date")]
    DateDescending,
    #[serde(rename = "title")]
    Title,
    #[serde(rename = "available")]
    Available,
}

impl From<Sort> for ActivityOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Date => Self::Start,
            Sort::DateDescending => Self::StartDescending,
            Sort::Title => Self::Title,
            Sort::Available => Self::Available,
        }
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    MaybeBearer(bearer): MaybeBearer,
    Params(query): Params<Query>,
) -> Result<Json<List<Value>>, Problem> {
    let page = Page::new(query.page, query.limit);
    let host = query.host_id.map(UserId::from);
    let filter = ActivityFilter {
        search: query.search.into_text(),
        starts_from: query.date_from.map(|Time(from)| from),
        starts_before: query.date_to.map(DayOrTime::end),
        available_only: query.available_only.unwrap_or_default(),
        host,
        organization: query.organization_id.map(OrganizationId::from),
        // Whoever asks for the own activities gets those too that others find by their address alone.
        unlisted_too: host.is_some() && host == bearer.and_then(|bearer| bearer.principal().account()),
    };
    let (found, total) =
        activities::list(&state.db, &filter, query.sort.into(), page.offset(), page.limit()).await?;
    let now = state.clock.now();
    let views = found.iter().map(|overview| {
        serde_json::to_value(ActivityView::new(overview, state.engine.history(), now))
            .expect("a view is always JSON")
    });
    Ok(Json(page.answer(views.collect(), total)))
}
