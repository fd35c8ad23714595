//! `/auth`: registering, logging in and out, and what keeps a client logged in.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use turnout_actors::domain::UserId;

use super::extract::Body;
use super::json::Json;
use crate::accounts::{Caller, Password, PersonName, Role, SignedIn, User, account_email};
use crate::api::time::Time;
use crate::api::{Code, Fields, Problem};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/auth/register", post(register))
        .route("/api/v1/auth/login", post(login))
        .route("/api/v1/auth/refresh", post(refresh))
        .route("/api/v1/auth/logout", post(logout))
        .route("/api/v1/auth/verify", get(verify))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterBody {
    name: String,
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    email: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshBody {
    refresh_token: String,
}

/// Tokens, and on register and log-in the account that they are for.
#[derive(Serialize)]
struct SignedInAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserAnswer>,
    token: String,
    refresh_token: String,
    expires_in_s: u64,
}

#[derive(Serialize)]
struct VerifyAnswer {
    user: UserAnswer,
    expires_in_s: u64,
}

/// An account as clients see it.
#[derive(Serialize)]
struct UserAnswer {
    id: UserId,
    name: String,
    email: String,
    role: Role,
    created_at: Time,
    updated_at: Time,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            email: user.email,
            role: user.role,
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
        }
    }
}

impl From<SignedIn> for SignedInAnswer {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: Some(signed_in.user.into()),
            token: signed_in.access_token,
            refresh_token: signed_in.refresh_token,
            expires_in_s: signed_in.expires_in_s,
        }
    }
}

async fn register(
    State(state): State<AppState>,
    Body(body): Body<RegisterBody>,
) -> Result<(StatusCode, Json<SignedInAnswer>), Problem> {
    let mut fields = Fields::default();
    let name = fields.check("name", PersonName::parse(&body.name));
    let email = fields.check("email", account_email(&body.email));
    let password = fields.check("password", Password::parse(&body.password));
    let (Some(name), Some(email), Some(password)) = (name, email, password) else {
        return Err(fields.problem());
    };
    let signed_in = state.accounts.register(name, email, password).await?;
    Ok((StatusCode::CREATED, Json(signed_in.into())))
}

async fn login(
    State(state): State<AppState>,
    Body(body): Body<LoginBody>,
) -> Result<Json<SignedInAnswer>, Problem> {
    Ok(Json(
        state.accounts.login(&body.email, body.password).await?.into(),
    ))
}

async fn refresh(
    State(state): State<AppState>,
    Body(body): Body<RefreshBody>,
) -> Result<Json<SignedInAnswer>, Problem> {
    let renewed = SignedInAnswer::from(state.accounts.refresh(&body.refresh_token).await?);
    Ok(Json(SignedInAnswer {
        user: None,
        ..renewed
    }))
}

async fn logout(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, Problem> {
    state.accounts.logout(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn verify(State(state): State<AppState>, caller: Caller) -> Result<Json<VerifyAnswer>, Problem> {
    // A token may speak for somebody without an account; there is nothing to show of them.
    let user = state
        .accounts
        .user(caller.user)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound))?;
    let expires_in_s = state.accounts.expires_in_s(caller.expires_at);
    Ok(Json(VerifyAnswer {
        user: user.into(),
        expires_in_s,
    }))
}
