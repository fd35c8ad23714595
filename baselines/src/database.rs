//! The database: connections, the schema, and what all designs ask it that is no hot path.

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::time::Duration;
use uuid::Uuid;

use crate::design::{Counts, Refusal, Row, Status};
use crate::source::{fresh_id, now_us};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// How long a request waits for a connection. With a thousand of them and a pool of one that is seconds.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens so many connections, all at once, to a database whose schema is brought up to date.
pub async fn open(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options
        .application_name("turnout-baselines")
        .options([("synchronous_commit", "on")]);
    let options = sqlx::ConnectOptions::disable_statement_logging(options);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // It would be a round trip for each request, and the server is on this machine.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    // Of several that start at once, one does it and the others wait.
    MIGRATIONS.run(&pool).await?;
    Ok(pool)
}

/// Makes an activity, with what the schema wants to know of one.
pub async fn create(pool: &PgPool, activity: Uuid, capacity: i64) -> Result<(), Refusal> {
    let insert = "INSERT INTO activities (id, title, time_zone, starts_at, ends_at, capacity, max_guests, waitlist_paused, \
         patience, promotion, guests, visibility, attendees_visible, host_id, version, created_at, updated_at, \
         capacity_limit, stamped_at) \
         VALUES ($1, 'An evening', 'UTC', $3, $3, $2, 0, FALSE, 3, '{\"mode\":\"auto\"}', 'closed', 'public', 'nobody', \
         $4, 1, $3, $3, $2, $3)";
    sqlx::query(insert)
        .bind(activity)
        .bind(capacity)
        .bind(now_us())
        .bind(fresh_id())
        .execute(pool)
        .await?;
    Ok(())
}

/// What the activity's row and the log say.
pub async fn counts(pool: &PgPool, activity: Uuid, retries: u64) -> Result<Counts, Refusal> {
    let select = "SELECT capacity, confirmed_spots, waitlisted_parties, \
         (SELECT COUNT(*) FROM activity_events WHERE activity_id = $1) FROM activities WHERE id = $1";
    let found: Option<(i64, i64, i64, i64)> =
        sqlx::query_as(select).bind(activity).fetch_optional(pool).await?;
    let (capacity, confirmed, waitlisted, events) = found.ok_or(Refusal::NotFound)?;
    Ok(Counts {
        capacity,
        confirmed,
        waitlisted,
        events,
        retries,
    })
}

/// Some rows of an activity, beginning after one, in the order of their identifiers.
pub async fn rows(pool: &PgPool, activity: Uuid, after: Uuid, most: i64) -> Result<Vec<Row>, Refusal> {
    let select = "SELECT id, user_id, status, ticket FROM rsvps WHERE activity_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    let found: Vec<(Uuid, Uuid, String, i64)> = sqlx::query_as(select)
        .bind(activity)
        .bind(after)
        .bind(most)
        .fetch_all(pool)
        .await?;
    let row = |(id, user_id, status, ticket): (Uuid, Uuid, String, i64)| {
        let status = Status::named(&status)?;
        Some(Row {
            id,
            user_id,
            status,
            ticket,
        })
    };
    Ok(found.into_iter().filter_map(row).collect())
}
