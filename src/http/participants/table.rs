//! Everybody who has an RSVP as a table, for people who open it in a spreadsheet. However long it is, it is sent in
//! pieces, and no more than one of them is in memory.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;
use turnout_actors::domain::{ActivityId, Answered, CancelReason, Person, Timestamp};

use super::{current, filter_of};
use crate::accounts::Caller;
use crate::api::time::Time;
use crate::api::{Problem, Search};
use crate::http::csv_table::CsvTable;
use crate::http::extract::{Id, Params};
use crate::http::host::require_host;
use crate::state::AppState;
use crate::store::rsvps::{self, RsvpFilter};

/// RSVPs per piece.
const PIECE: u32 = 1_000;

const COLUMNS: [&str; 16] = [
    "id",
    "name",
    "email",
    "user_id",
    "status",
    "cancel_reason",
    "guest_count",
    "total_spots",
    "position",
    "special_requirements",
    "checked_in_at",
    "offer_expires_at",
    "group_id",
    "booked_by",
    "created_at",
    "updated_at",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    status: Option<String>,
    #[serde(default)]
    search: Search,
}

/// How far the table has been written.
struct Progress {
    state: AppState,
    id: ActivityId,
    filter: RsvpFilter,
    table: CsvTable<{ COLUMNS.len() }>,
    ended: bool,
}

pub(super) async fn whole(
    State(state): State<AppState>,
    Id(id): Id<ActivityId>,
    caller: Caller,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    require_host(&state, id, &caller).await?;
    let mut progress = Progress {
        filter: filter_of(query.status.as_deref(), query.search)?,
        state,
        id,
        table: CsvTable::new(COLUMNS),
        ended: false,
    };
    // While nothing has been sent, what goes wrong can be said.
    let first = progress.piece().await?;
    let pieces = stream::unfold((Some(first), progress), |(first, mut progress)| async move {
        if let Some(first) = first {
            return Some((Ok(first), (None, progress)));
        }
        if progress.ended {
            return None;
        }
        let piece = progress.piece().await;
        progress.ended |= piece.is_err();
        // A table that ends too early must not look whole: the connection is cut.
        Some((piece.map_err(|_| CutShort), (None, progress)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"participants.csv\"",
        ),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The table could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("the participants could not be read to the end")]
struct CutShort;

impl Progress {
    async fn piece(&mut self) -> Result<String, Problem> {
        let ids = rsvps::list(&self.state.db, self.id, &self.filter, 0, PIECE).await?;
        self.ended = ids.len() < PIECE as usize;
        self.filter.after = ids.last().copied();
        for answered in current(&self.state, self.id, &ids).await? {
            self.row(&answered);
        }
        Ok(self.table.take())
    }

    fn row(&mut self, answered: &Answered) {
        let rsvp = &answered.rsvp;
        let (user_id, email) = match &rsvp.person {
            Person::User(user) => (user.to_string(), String::new()),
            Person::Guest(email) => (String::new(), email.to_string()),
        };
        let text = |value: Option<String>| value.unwrap_or_default();
        let time = |at: Option<Timestamp>| text(at.map(|at| Time(at).text()));
        let reason = rsvp.status.cancel_reason().map_or("", CancelReason::name);
        let position = text(answered.ahead.map(|ahead| (ahead.parties + 1).to_string()));
        self.table.row([
            &rsvp.id.to_string(),
            &rsvp.name,
            &email,
            &user_id,
            rsvp.status.name(),
            reason,
            &rsvp.guest_count.to_string(),
            &rsvp.spots().to_string(),
            &position,
            rsvp.special_requirements().map_or("", |text| text),
            &time(rsvp.checked_in_at()),
            &time(rsvp.offer_expires_at()),
            &text(rsvp.group().map(|group| group.to_string())),
            &text(rsvp.booked_by().map(|user| user.to_string())),
            &time(Some(rsvp.created_at)),
            &time(Some(rsvp.updated_at)),
        ]);
    }
}
