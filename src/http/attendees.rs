//! `/activities/{id}/attendees`: who comes, for everybody who may see that. Newest first: page 1 is always current and
//! comes from memory; later pages come from the database and may be up to a minute old.

use std::cmp::Reverse;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use turnout_actors::domain::{Activity, ActivityId, AttendeesVisible, Principal, Rsvp};

use super::caller::MaybeBearer;
use super::extract::{Id, Params};
use super::json::Json;
use super::page::{List, Page};
use super::sight::require_sight;
use crate::accounts::Bearer;
use crate::api::views::AttendeeView;
use crate::api::{Code, Problem};
use crate::state::AppState;

/// Who asks first need not come in first, so the order of identifiers is not quite that of arrival: so many more are
/// looked at to find the newest.
const NEIGHBOURS: usize = 1_024;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/activities/{id}/attendees", get(list))
}

async fn list(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    MaybeBearer(bearer): MaybeBearer,
    Params(page): Params<Page>,
) -> Result<Json<List<AttendeeView>>, Problem> {
    let by = bearer.as_ref().map(Bearer::principal);
    let seen = state
        .engine
        .read(id, |activity| {
            may_see(activity, by.as_ref())?;
            let newest = (page.number() == 1).then(|| newest(activity, page.limit() as usize));
            Ok::<_, Problem>((activity.confirmed_count() as u64, newest))
        })
        .await
        .map_err(|error| state.refusal(error, id))?;
    let (total, newest) = seen?;
    let attendees = match newest {
        Some(newest) => newest,
        None if page.offset() >= total => Vec::new(),
        None => {
            let rows = state.attendee_pages.page(id, page.offset(), page.limit()).await;
            let rows = rows.map_err(|error| Problem::from(&*error))?;
            rows.into_iter().map(AttendeeView::from).collect()
        }
    };
    Ok(Json(page.answer(attendees, total)))
}

fn may_see(activity: &Activity, by: Option<&Principal>) -> Result<(), Problem> {
    require_sight(activity, by)?;
    let is_host = by.is_some_and(|by| activity.is_host(by));
    let comes = || {
        let own = by.and_then(|by| activity.own_rsvp(by));
        own.is_some_and(|own| own.rsvp.status.is_live())
    };
    let allowed = match activity.head().settings.attendees_visible {
        AttendeesVisible::Public => true,
        AttendeesVisible::Attendees => is_host || comes(),
        AttendeesVisible::Host => is_host,
    };
    match by {
        _ if allowed => Ok(()),
        Some(_) => Err(Problem::new(Code::Forbidden)),
        None => Err(Problem::new(Code::Unauthenticated)),
    }
}

fn newest(activity: &Activity, most: usize) -> Vec<AttendeeView> {
    let mut rows: Vec<&Rsvp> = activity.confirmed_last_first().take(most + NEIGHBOURS).collect();
    rows.sort_unstable_by_key(|rsvp| Reverse(rsvp.id));
    rows.truncate(most);
    rows.into_iter().map(AttendeeView::from).collect()
}
