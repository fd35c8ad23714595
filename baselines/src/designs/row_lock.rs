//! Row lock: `SELECT … FOR UPDATE` on the activity, then the RSVP, the counts and the log, all in one transaction.
//!
//! What most engineers write first, and right. Whoever wants a seat waits while everybody before holds the row through
//! every round trip and the sync of the log. [`Writes::Joined`] sends the three writes as one statement, so that the row
//! is held for two round trips less.

use sqlx::PgPool;
use uuid::Uuid;

use super::statements::{Change, Standing, cancel_under_lock, log};
use crate::database;
use crate::design::{Answer, Counts, Design, Refusal, Row, Status};
use crate::source::{fresh_id, now_us};
use crate::tokens::Caller;

const LOCK: &str =
    "SELECT capacity, confirmed_spots, seq, last_ticket FROM activities WHERE id = $1 FOR UPDATE";

const INSERT: &str = "INSERT INTO rsvps (id, activity_id, user_id, name, status, guest_count, ticket, version, \
       generation, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, 0, $6, 1, 1, $7, $7)";

const COUNT: &str = "UPDATE activities SET confirmed_spots = confirmed_spots + $2, \
       waitlisted_parties = waitlisted_parties + $3, waitlisted_spots = waitlisted_spots + $3, \
       seq = $4, last_ticket = $5, stamped_at = $6 WHERE id = $1";

const ALL_AT_ONCE: &str = "WITH written AS (INSERT INTO rsvps (id, activity_id, user_id, name, status, guest_count, ticket, \
         version, generation, created_at, updated_at) \
       VALUES ($1, $2, $3, $4, $5, 0, $6, 1, 1, $7, $7)), \
     logged AS (INSERT INTO activity_events (activity_id, seq, at, kind, actor, rsvp_id, status, spots, ticket) \
       VALUES ($2, $8, $7, $5, $3, $1, $5, 1, $6)) \
     UPDATE activities SET confirmed_spots = confirmed_spots + $9, \
       waitlisted_parties = waitlisted_parties + $10, waitlisted_spots = waitlisted_spots + $10, \
       seq = $8, last_ticket = $6, stamped_at = $7 WHERE id = $2";

/// How the three writes are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writes {
    /// One after the other.
    Apart,
    /// As one statement.
    Joined,
}

/// The design.
pub struct RowLock {
    pool: PgPool,
    writes: Writes,
}

impl RowLock {
    /// On these connections.
    pub fn new(pool: PgPool, writes: Writes) -> Self {
        Self { pool, writes }
    }
}

impl Design for RowLock {
    async fn open(&self, activity: Uuid, capacity: i64) -> Result<(), Refusal> {
        database::create(&self.pool, activity, capacity).await
    }

    async fn reserve(&self, activity: Uuid, caller: &Caller) -> Result<Answer, Refusal> {
        let id = fresh_id();
        let mut transaction = self.pool.begin().await?;
        let standing: Option<Standing> = sqlx::query_as(LOCK)
            .bind(activity)
            .fetch_optional(&mut *transaction)
            .await?;
        let standing = standing.ok_or(Refusal::NotFound)?;
        let (seq, ticket, at) = (standing.seq + 1, standing.last_ticket + 1, now_us());
        let status = standing.status_of_next();
        let (seats, waiting) = match status {
            Status::Confirmed => (1_i64, 0_i64),
            _ => (0, 1),
        };
        let rsvp = |statement| {
            sqlx::query(statement)
                .bind(id)
                .bind(activity)
                .bind(caller.id)
                .bind(&caller.name)
                .bind(status.name())
                .bind(ticket)
                .bind(at)
        };
        match self.writes {
            Writes::Apart => {
                rsvp(INSERT).execute(&mut *transaction).await?;
                sqlx::query(COUNT)
                    .bind(activity)
                    .bind(seats)
                    .bind(waiting)
                    .bind(seq)
                    .bind(ticket)
                    .bind(at)
                    .execute(&mut *transaction)
                    .await?;
                let change = Change {
                    kind: status.name(),
                    by: caller.id,
                    rsvp: id,
                    previous: None,
                    status,
                    ticket,
                };
                log(&mut transaction, activity, seq, &change).await?;
            }
            Writes::Joined => {
                rsvp(ALL_AT_ONCE)
                    .bind(seq)
                    .bind(seats)
                    .bind(waiting)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        Ok(Answer { id, status, ticket })
    }

    async fn cancel(&self, activity: Uuid, caller: &Caller) -> Result<Answer, Refusal> {
        cancel_under_lock(&self.pool, activity, caller).await
    }

    async fn counts(&self, activity: Uuid) -> Result<Counts, Refusal> {
        database::counts(&self.pool, activity, 0).await
    }

    async fn rows(&self, activity: Uuid, after: Uuid, most: i64) -> Result<Vec<Row>, Refusal> {
        database::rows(&self.pool, activity, after, most).await
    }
}
