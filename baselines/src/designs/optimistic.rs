//! Optimistic version: read the activity without a lock, decide, and write only if nobody has written since. Whoever was
//! late reads again, after a pause that differs for everybody.
//!
//! The version is `seq`, which rises with each decision. The writes are one statement, so a try is two round trips, and
//! a try in vain holds no lock. Tries have a bound; whoever reaches it is told to come again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::sleep;
use uuid::Uuid;

use super::statements::{Standing, cancel_under_lock};
use crate::database;
use crate::design::{Answer, Counts, Design, Refusal, Row, Status};
use crate::source::{fresh_id, jitter, now_us};
use crate::tokens::Caller;

/// How often a reservation is tried.
const TRIES_MAX: u32 = 200;
/// The longest first pause; it doubles with each try up to [`PAUSE_MAX`].
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(64);

const READ: &str = "SELECT capacity, confirmed_spots, seq, last_ticket FROM activities WHERE id = $1";

const WRITE: &str = "WITH taken AS (UPDATE activities SET confirmed_spots = confirmed_spots + $8, \
         waitlisted_parties = waitlisted_parties + $9, waitlisted_spots = waitlisted_spots + $9, seq = seq + 1, \
         last_ticket = $6, stamped_at = $7 \
       WHERE id = $2 AND seq = $10 RETURNING seq), \
     written AS (INSERT INTO rsvps (id, activity_id, user_id, name, status, guest_count, ticket, version, \
         generation, created_at, updated_at) \
       SELECT $1, $2, $3, $4, $5, 0, $6, 1, 1, $7, $7 FROM taken), \
     logged AS (INSERT INTO activity_events (activity_id, seq, at, kind, actor, rsvp_id, status, spots, ticket) \
       SELECT $2, seq, $7, $5, $3, $1, $5, 1, $6 FROM taken) \
     SELECT seq FROM taken";

/// The design.
pub struct Optimistic {
    pool: PgPool,
    retries: AtomicU64,
}

impl Optimistic {
    /// On these connections.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            retries: AtomicU64::new(0),
        }
    }

    /// One try: nothing if somebody else has written since it read.
    async fn attempt(&self, id: Uuid, activity: Uuid, caller: &Caller) -> Result<Option<Answer>, Refusal> {
        let mut connection = self.pool.acquire().await?;
        let read: Option<Standing> = sqlx::query_as(READ)
            .bind(activity)
            .fetch_optional(&mut *connection)
            .await?;
        let read = read.ok_or(Refusal::NotFound)?;
        let (ticket, status) = (read.last_ticket + 1, read.status_of_next());
        let (seats, waiting) = match status {
            Status::Confirmed => (1_i64, 0_i64),
            _ => (0, 1),
        };
        let written: Option<i64> = sqlx::query_scalar(WRITE)
            .bind(id)
            .bind(activity)
            .bind(caller.id)
            .bind(&caller.name)
            .bind(status.name())
            .bind(ticket)
            .bind(now_us())
            .bind(seats)
            .bind(waiting)
            .bind(read.seq)
            .fetch_optional(&mut *connection)
            .await?;
        Ok(written.map(|_| Answer { id, status, ticket }))
    }
}

impl Design for Optimistic {
    async fn open(&self, activity: Uuid, capacity: i64) -> Result<(), Refusal> {
        database::create(&self.pool, activity, capacity).await
    }

    async fn reserve(&self, activity: Uuid, caller: &Caller) -> Result<Answer, Refusal> {
        let id = fresh_id();
        let mut longest = FIRST_PAUSE;
        for attempt in 0..TRIES_MAX {
            if let Some(answer) = self.attempt(id, activity, caller).await? {
                return Ok(answer);
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            // Without a connection, which somebody else can use meanwhile.
            sleep(jitter(id, attempt, longest)).await;
            longest = (longest * 2).min(PAUSE_MAX);
        }
        Err(Refusal::Overloaded)
    }

    async fn cancel(&self, activity: Uuid, caller: &Caller) -> Result<Answer, Refusal> {
        cancel_under_lock(&self.pool, activity, caller).await
    }

    async fn counts(&self, activity: Uuid) -> Result<Counts, Refusal> {
        let retries = self.retries.load(Ordering::Relaxed);
        database::counts(&self.pool, activity, retries).await
    }

    async fn rows(&self, activity: Uuid, after: Uuid, most: i64) -> Result<Vec<Row>, Refusal> {
        database::rows(&self.pool, activity, after, most).await
    }
}
