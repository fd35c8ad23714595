//! Who is asking: the bearer token of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::accounts::Caller;
use crate::api::{Code, Problem};
use crate::state::AppState;

/// A route that takes a [`Caller`] is for people with an account: 401 without a valid token.
impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        caller(&parts.headers, state)?.ok_or_else(|| Problem::new(Code::Unauthenticated))
    }
}

/// The caller of a public route, if they say who they are. A token that is not valid is 401 here too: whoever
/// sends one means to be known.
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequestParts<AppState> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        caller(&parts.headers, state).map(Self)
    }
}

fn caller(headers: &HeaderMap, state: &AppState) -> Result<Option<Caller>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Problem::new(Code::Unauthenticated)),
    };
    let token = value
        .to_str()
        .ok()
        .and_then(bearer)
        .ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    state.accounts.caller(token).map(Some).map_err(Problem::from)
}

/// The token in `Bearer <token>`; the scheme's case does not matter.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
