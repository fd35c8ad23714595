//! From requests to commands: who gives them, the headers that steer them, and how their answers look.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use turnout_actors::domain::{ActivityId, Command};
use turnout_actors::{Key, Order};

use super::extract::{IdempotencyKey, IfMatch, etag};
use crate::accounts::Caller;
use crate::api::views::CommandView;
use crate::api::{Code, Problem};
use crate::state::AppState;

/// Whoever gives a command, with the version it is meant for and the key it may be repeated under.
///
/// Whatever would have no effect is refused, so that nobody relies on it: a command takes no parameters, and what a
/// POST makes has no version yet.
pub(super) struct Commander {
    pub caller: Caller,
    pub key: Option<Key>,
    if_version: Option<u32>,
}

impl FromRequestParts<AppState> for Commander {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Problem::new(Code::MalformedRequest)
                .detail("A command takes no parameters in the address; its fields belong into the body."));
        }
        if parts.method == Method::POST && parts.headers.contains_key(header::IF_MATCH) {
            return Err(Problem::new(Code::MalformedRequest)
                .detail("If-Match does not go with POST: what is about to be made has no version yet."));
        }
        let IfMatch(if_version) = IfMatch::from_request_parts(parts, state).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, state).await?;
        Ok(Self {
            caller,
            key,
            if_version,
        })
    }
}

impl Commander {
    /// The command as the engine takes it.
    pub(super) fn order(self, command: Command) -> Order {
        Order {
            by: self.caller.principal(),
            command,
            if_version: self.if_version,
            key: self.key,
        }
    }
}

/// Gives a command about RSVPs and answers with what became of it.
pub(super) async fn give(
    state: &AppState,
    activity: ActivityId,
    order: Order,
    status: StatusCode,
) -> Result<Response, Problem> {
    let reply = state
        .engine
        .command(activity, order)
        .await
        .map_err(|error| state.refusal(error, activity))?;
    for answered in reply.answer.told.iter() {
        state.rsvps.note(answered.rsvp.id, activity);
    }
    let view = Json(CommandView::new(activity, &reply, state.clock.now()));
    let mut response = (status, view).into_response();
    if let Some(answered) = reply.answer.rsvp() {
        response
            .headers_mut()
            .insert(header::ETAG, etag(answered.rsvp.version));
    }
    Ok(response)
}
