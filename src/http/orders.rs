//! From requests to commands: who gives them, the headers that steer them, and how their answers look.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use turnout_actors::domain::{ActivityId, Answered, Command, Current, Principal, Rejection, Rsvp};
use turnout_actors::{EngineError, Key, Order, Reply};

use super::extract::{IdempotencyKey, IfMatch, etag};
use super::json::Json;
use crate::accounts::{Bearer, Caller, ManageToken};
use crate::api::views::{CommandView, RsvpView};
use crate::api::{Code, Problem};
use crate::state::AppState;

/// Whoever gives a command, with the version it is meant for and the key it may be repeated under.
///
/// Whatever would have no effect is refused, so that nobody relies on it: a command takes no parameters, and a POST
/// makes something or does something, which has no version.
pub(super) struct Commander<W = Caller> {
    pub by: W,
    pub key: Option<Key>,
    if_version: Option<u32>,
}

impl<W: FromRequestParts<AppState, Rejection = Problem> + Send> FromRequestParts<AppState> for Commander<W> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let by = W::from_request_parts(parts, state).await?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Problem::new(Code::MalformedRequest)
                .detail("A command takes no parameters in the address; its fields belong into the body."));
        }
        if parts.method == Method::POST && parts.headers.contains_key(header::IF_MATCH) {
            return Err(Problem::new(Code::MalformedRequest)
                .detail("If-Match does not go with POST: there is no version that it could be about."));
        }
        let IfMatch(if_version) = IfMatch::from_request_parts(parts, state).await?;
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, state).await?;
        Ok(Self { by, key, if_version })
    }
}

/// Somebody who has proved who they are.
pub(super) trait Known {
    fn principal(&self) -> Principal;
}

impl Known for Caller {
    fn principal(&self) -> Principal {
        Caller::principal(self)
    }
}

impl Known for Bearer {
    fn principal(&self) -> Principal {
        Bearer::principal(self)
    }
}

impl Known for ManageToken {
    fn principal(&self) -> Principal {
        ManageToken::principal(self)
    }
}

impl<W: Known> Commander<W> {
    /// The command as the engine takes it.
    pub(super) fn order(self, command: Command) -> Order {
        let by = self.by.principal();
        self.order_by(by, command)
    }
}

impl<W> Commander<W> {
    /// The command of somebody whom only the command itself makes known.
    pub(super) fn order_by(self, by: Principal, command: Command) -> Order {
        Order {
            by,
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
    let by = order.by.clone();
    let reply = reply(state, activity, order).await?;
    let booker = match reply.answer.rsvp() {
        Some(answered) => is_for_booker(state, activity, &by, &answered.rsvp).await,
        None => false,
    };
    Ok(answer(state, activity, &reply, status, |view| {
        if booker { view.for_booker() } else { view }
    }))
}

/// Whether an RSVP is told to whoever booked it for somebody else, and has no other part in it.
///
/// This is asked once the command has been carried out or refused, which must be told whatever becomes of this
/// question: where it has no answer, rather too little is shown than too much.
async fn is_for_booker(state: &AppState, activity: ActivityId, by: &Principal, rsvp: &Rsvp) -> bool {
    // Nearly always not, and then nothing needs to be asked.
    if !rsvp.is_booked_by(by) {
        return false;
    }
    let shows = state
        .engine
        .read(activity, |activity| activity.shows_as_booker(rsvp, by));
    shows.await.unwrap_or(true)
}

/// What the engine has refused, as it is told to whoever gave the command.
async fn refused(state: &AppState, activity: ActivityId, by: &Principal, error: EngineError) -> Problem {
    if let EngineError::Rejected(Rejection::VersionConflict(current)) = &error
        && let Current::Rsvp(answered) = &**current
        && is_for_booker(state, activity, by, &answered.rsvp).await
    {
        let view = RsvpView::new(activity, answered, state.clock.now()).for_booker();
        return Problem::new(Code::VersionConflict).with("current", json!(view));
    }
    state.refusal(error, activity)
}

/// Gives a command about RSVPs.
pub(super) async fn reply(state: &AppState, activity: ActivityId, order: Order) -> Result<Reply, Problem> {
    let by = order.by.clone();
    let reply = match state.engine.command(activity, order).await {
        Ok(reply) => reply,
        Err(error) => return Err(refused(state, activity, &by, error).await),
    };
    for answered in reply.answer.told.iter() {
        state.rsvps.note(answered.rsvp.id, activity);
    }
    Ok(reply)
}

/// What became of a command, with what is to be added to it.
pub(super) fn answer<'a>(
    state: &AppState,
    activity: ActivityId,
    reply: &'a Reply,
    status: StatusCode,
    complete: impl FnOnce(CommandView<'a>) -> CommandView<'a>,
) -> Response {
    let view = complete(CommandView::new(activity, reply, state.clock.now()));
    let version = view.version();
    let mut response = (status, Json(view)).into_response();
    if let Some(version) = version {
        response.headers_mut().insert(header::ETAG, etag(version));
    }
    response
}

/// Makes the tokens by which those without an account change their RSVPs. Whoever brings somebody in hands theirs on.
/// To be asked for before the command is given: once it has happened, nothing must keep the token back.
pub(super) async fn manage_tokens(
    state: &AppState,
    activity: ActivityId,
) -> Result<impl Fn(&Answered) -> Option<String>, Problem> {
    let ends_at = state
        .engine
        .read(activity, |activity| activity.head().settings.ends_at)
        .await
        .map_err(|error| state.refusal(error, activity))?;
    Ok(move |answered: &Answered| {
        let rsvp = &answered.rsvp;
        let token = || state.accounts.manage_token(rsvp.id, rsvp.generation, ends_at);
        rsvp.person.is_guest().then(token)
    })
}
