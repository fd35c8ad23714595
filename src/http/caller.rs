//! Who is asking: the bearer token of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::accounts::{Bearer, Caller, ManageToken};
use crate::api::{Code, Problem};
use crate::state::AppState;

/// A route that takes a [`Caller`] is for people with an account: 401 without a valid access token.
impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = token(&parts.headers)?.ok_or_else(unauthenticated)?;
        state.accounts.caller(token).map_err(Problem::from)
    }
}

/// A route that takes a [`ManageToken`] is for guests: 401 without a valid manage token.
impl FromRequestParts<AppState> for ManageToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let token = token(&parts.headers)?.ok_or_else(unauthenticated)?;
        state.accounts.manage(token).map_err(Problem::from)
    }
}

/// A route that takes a [`Bearer`] is for people with an account and for guests: 401 without a valid token of either.
impl FromRequestParts<AppState> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let MaybeBearer(bearer) = MaybeBearer::from_request_parts(parts, state).await?;
        bearer.ok_or_else(unauthenticated)
    }
}

/// The caller of a public route, if they say who they are. A token that is not valid is 401 here too: whoever
/// sends one means to be known.
pub struct MaybeBearer(pub Option<Bearer>);

impl FromRequestParts<AppState> for MaybeBearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let bearer = token(&parts.headers)?.map(|token| state.accounts.bearer(token));
        bearer.transpose().map(Self).map_err(Problem::from)
    }
}

fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let token = value.to_str().ok().and_then(bearer);
            token.map(Some).ok_or_else(unauthenticated)
        }
        (Some(_), Some(_)) => Err(unauthenticated()),
    }
}

/// The token in `Bearer <token>`; the scheme's case does not matter.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn unauthenticated() -> Problem {
    Problem::new(Code::Unauthenticated)
}
