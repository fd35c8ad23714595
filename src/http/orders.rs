//! From requests to commands: who gives them, under which key, and how their answers look.

use std::sync::Arc;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use turnout_actors::domain::{ActivityId, Command, Principal};
use turnout_actors::{Key, Order};

use super::extract::etag;
use super::views::CommandView;
use super::{AppState, Code, Problem, refusal};
use crate::accounts::{Caller, Role};

/// Whoever calls, as the rules see them.
pub(super) fn principal(caller: &Caller) -> Principal {
    Principal {
        user: caller.user,
        elevated: caller.role == Role::Admin,
    }
}

/// The key that was sent. Its header was checked when it was read.
pub(super) fn key(sent: Option<Arc<str>>) -> Result<Option<Key>, Problem> {
    sent.map(|text| Key::parse(&text))
        .transpose()
        .map_err(|_| Problem::new(Code::MalformedRequest))
}

/// Gives a command about one RSVP and answers with what became of it.
pub(super) async fn give(
    state: &AppState,
    activity: ActivityId,
    caller: &Caller,
    command: Command,
    if_version: Option<u32>,
    sent_key: Option<Arc<str>>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let order = Order {
        by: principal(caller),
        command,
        if_version,
        key: key(sent_key)?,
    };
    let reply = state
        .engine
        .command(activity, order)
        .await
        .map_err(|error| refusal::problem(error, activity))?;
    let Some(answered) = &reply.answer.rsvp else {
        return Err(Problem::new(Code::Internal));
    };
    state.rsvps.note(answered.rsvp.id, activity);
    let view = CommandView::new(activity, answered, &reply);
    Ok((status, [(header::ETAG, etag(answered.rsvp.version))], Json(view)).into_response())
}
