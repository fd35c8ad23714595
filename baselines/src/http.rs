//! The designs over HTTP: the paths of Turnout for reserving and cancelling, and control paths for whoever compares.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::design::{Answer, Counts, Design, Refusal, Row};
use crate::tokens::{Caller, Tokens};

/// The most rows in one answer.
const ROWS_MAX: i64 = 10_000;

struct Shared<D> {
    design: D,
    tokens: Tokens,
}

type App<D> = State<Arc<Shared<D>>>;

/// A design with all its paths.
pub fn routes<D: Design>(design: D, tokens: Tokens) -> Router {
    let rsvp = post(reserve::<D>).delete(cancel::<D>);
    Router::new()
        .route("/health", get(async || "well"))
        .route("/api/v1/activities/{id}/rsvp", rsvp)
        .route("/control/activities", post(open::<D>))
        .route("/control/activities/{id}", get(counts::<D>))
        .route("/control/activities/{id}/rows", get(rows::<D>))
        .with_state(Arc::new(Shared { design, tokens }))
}

/// What somebody wants.
#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    guest_count: u32,
}

async fn reserve<D: Design>(
    State(shared): App<D>,
    Path(activity): Path<Uuid>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let caller = shared.caller(&headers)?;
    if wish.guest_count > 0 {
        return Err(Problem::PartyTooLarge);
    }
    let answer = shared.design.reserve(activity, &caller).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn cancel<D: Design>(
    State(shared): App<D>,
    Path(activity): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Json<Answer>, Problem> {
    let caller = shared.caller(&headers)?;
    Ok(Json(shared.design.cancel(activity, &caller).await?))
}

/// An activity to be made.
#[derive(Deserialize)]
struct NewActivity {
    id: Uuid,
    capacity: i64,
}

async fn open<D: Design>(
    State(shared): App<D>,
    headers: HeaderMap,
    Json(new): Json<NewActivity>,
) -> Result<StatusCode, Problem> {
    shared.host(&headers)?;
    shared.design.open(new.id, new.capacity).await?;
    Ok(StatusCode::CREATED)
}

async fn counts<D: Design>(
    State(shared): App<D>,
    Path(activity): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Json<Counts>, Problem> {
    shared.host(&headers)?;
    Ok(Json(shared.design.counts(activity).await?))
}

/// Where a page of rows begins.
#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: Uuid,
}

async fn rows<D: Design>(
    State(shared): App<D>,
    Path(activity): Path<Uuid>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Result<Json<Vec<Row>>, Problem> {
    shared.host(&headers)?;
    Ok(Json(shared.design.rows(activity, after, ROWS_MAX).await?))
}

impl<D> Shared<D> {
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let said = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        said.and_then(|said| self.tokens.caller(said))
            .ok_or(Problem::Unauthenticated)
    }

    /// Whoever may set activities up and read all of them.
    fn host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self.caller(headers)?.role.as_str() {
            "admin" => Ok(()),
            _ => Err(Problem::Forbidden),
        }
    }
}

/// Why there is no answer.
enum Problem {
    Unauthenticated,
    Forbidden,
    PartyTooLarge,
    Refused(Refusal),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Self::PartyTooLarge => (StatusCode::UNPROCESSABLE_ENTITY, "party_too_large"),
            Self::Refused(refusal) => match refusal {
                Refusal::NotFound => (StatusCode::NOT_FOUND, "not_found"),
                Refusal::AlreadyReserved => (StatusCode::CONFLICT, "already_reserved"),
                Refusal::NothingToCancel => (StatusCode::NOT_FOUND, "no_rsvp"),
                Refusal::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
                Refusal::Database(_) | Refusal::Counter(_) => {
                    eprintln!("{refusal}: {}", cause(refusal));
                    (StatusCode::INTERNAL_SERVER_ERROR, "internal")
                }
            },
        };
        let body = Json(json!({ "code": code }));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            (status, [(RETRY_AFTER, "1")], body).into_response()
        } else {
            (status, body).into_response()
        }
    }
}

fn cause(refusal: &Refusal) -> String {
    std::error::Error::source(refusal).map_or_else(String::new, ToString::to_string)
}
