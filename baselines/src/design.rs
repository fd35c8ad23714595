//! What every design does, and in which words.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tokens::Caller;

/// A way to sell the seats of an activity. A party is one person.
pub trait Design: Send + Sync + 'static {
    /// Makes an activity with so many seats.
    fn open(&self, activity: Uuid, capacity: i64) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Takes a seat, or a place on the waitlist, and returns once that is durable.
    fn reserve(
        &self,
        activity: Uuid,
        caller: &Caller,
    ) -> impl Future<Output = Result<Answer, Refusal>> + Send;

    /// Gives it back; whoever has waited for longest gets the seat in the same transaction.
    fn cancel(&self, activity: Uuid, caller: &Caller)
    -> impl Future<Output = Result<Answer, Refusal>> + Send;

    /// What the design itself believes about an activity.
    fn counts(&self, activity: Uuid) -> impl Future<Output = Result<Counts, Refusal>> + Send;

    /// Some rows of an activity, beginning after one, in the order of their identifiers.
    fn rows(
        &self,
        activity: Uuid,
        after: Uuid,
        most: i64,
    ) -> impl Future<Output = Result<Vec<Row>, Refusal>> + Send;
}

/// How an RSVP stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has a seat.
    Confirmed,
    /// It waits.
    Waitlisted,
    /// It was given back.
    Cancelled,
}

impl Status {
    /// As the schema calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Cancelled => "cancelled",
        }
    }

    /// What the schema calls so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Confirmed, Self::Waitlisted, Self::Cancelled]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// What a command led to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The RSVP.
    pub id: Uuid,
    /// How it stands now.
    pub status: Status,
    /// Its place in the order of arrivals.
    pub ticket: i64,
}

/// The row of an RSVP, for whoever audits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The RSVP.
    pub id: Uuid,
    /// Whose.
    pub user_id: Uuid,
    /// How it stands.
    pub status: Status,
    /// Its place in the order of arrivals.
    pub ticket: i64,
}

/// What a design believes about an activity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Seats in all.
    pub capacity: i64,
    /// Seats taken.
    pub confirmed: i64,
    /// Parties that wait.
    pub waitlisted: i64,
    /// Rows in the decision log.
    pub events: i64,
    /// How often something was tried again since the server started.
    pub retries: u64,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such activity.
    #[error("there is no such activity")]
    NotFound,
    /// The person is in.
    #[error("this person already has an RSVP here")]
    AlreadyReserved,
    /// The person is not in.
    #[error("this person has no RSVP here")]
    NothingToCancel,
    /// It was tried as often as it may be.
    #[error("too many wanted the same at once")]
    Overloaded,
    /// Postgres failed.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// Redis failed.
    #[error("the counter failed")]
    Counter(#[from] redis::RedisError),
}

impl From<sqlx::Error> for Refusal {
    /// The schema allows everybody one RSVP.
    fn from(error: sqlx::Error) -> Self {
        let constraint = error.as_database_error().and_then(|error| error.constraint());
        if constraint == Some("rsvps_one_per_user") {
            Self::AlreadyReserved
        } else {
            Self::Database(error)
        }
    }
}
