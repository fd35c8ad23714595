//! Postgres' own rate: what an RSVP writes, a thousand at a time, one statement after the other on one connection.
//!
//! Rows travel as arrays, one for each column that differs from row to row; identifiers rise with time; the activity's row
//! is written once for each batch. The sync of the log is waited for.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::{BATCH, BATCHES_AHEAD, Limit, Stopwatch};
use crate::database;
use crate::source::{fresh_id, now_us};

/// More seats than anybody fills.
const SEATS: i64 = 10_000_000;

const STATEMENT: &str = "WITH advanced AS (UPDATE activities SET seq = seq + $3, confirmed_spots = confirmed_spots + $3, \
         last_ticket = last_ticket + $3, stamped_at = $2 WHERE id = $1), \
     written AS (INSERT INTO rsvps (id, activity_id, user_id, name, status, guest_count, ticket, version, \
         generation, created_at, updated_at) \
       SELECT t.id, $1, t.user_id, t.name, 'confirmed', 0, t.ticket, 1, 1, $2, $2 \
       FROM UNNEST($4::UUID[], $5::UUID[], $6::TEXT[], $7::BIGINT[]) \
         AS t (id, user_id, name, ticket)) \
     INSERT INTO activity_events (activity_id, seq, at, kind, actor, rsvp_id, status, spots, ticket, key_digest, \
         fingerprint, data) \
       SELECT $1, t.ticket, $2, 'confirmed', t.user_id, t.id, 'confirmed', 1, t.ticket, t.key_digest, t.fingerprint, t.data \
       FROM UNNEST($4::UUID[], $5::UUID[], $7::BIGINT[], $8::BYTEA[], $9::BIGINT[], $10::TEXT[]) \
         AS t (id, user_id, ticket, key_digest, fingerprint, data)";

/// The columns of a batch.
#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    user_id: Vec<Uuid>,
    name: Vec<String>,
    ticket: Vec<i64>,
    key_digest: Vec<Vec<u8>>,
    fingerprint: Vec<i64>,
    data: Vec<String>,
}

impl Columns {
    /// A batch of people whose first ticket is this.
    fn starting_at(first: i64) -> Self {
        let mut columns = Self::default();
        for ticket in (first..).take(BATCH) {
            let (id, user) = (fresh_id(), fresh_id());
            columns.id.push(id);
            columns.user_id.push(user);
            columns.name.push(format!("Person {ticket}"));
            columns.ticket.push(ticket);
            columns.key_digest.push(user.into_bytes().to_vec());
            columns.fingerprint.push(ticket);
            // What is kept for whoever comes again with the same key.
            columns.data.push(format!(
                "{{\"answer\":{{\"seq\":{ticket},\"rsvp\":{{\"id\":\"{id}\",\"s\":\"confirmed\",\"g\":0,\"t\":{ticket},\
                 \"v\":1,\"n\":1,\"at\":{}}}}}}}",
                now_us()
            ));
        }
        columns
    }

    async fn write(self, pool: &PgPool, activity: Uuid) -> Result<(), sqlx::Error> {
        sqlx::query(STATEMENT)
            .bind(activity)
            .bind(now_us())
            .bind(BATCH as i64)
            .bind(self.id)
            .bind(self.user_id)
            .bind(self.name)
            .bind(self.ticket)
            .bind(self.key_digest)
            .bind(self.fingerprint)
            .bind(self.data)
            .execute(pool)
            .await?;
        Ok(())
    }
}

/// Writes batches for so long.
pub async fn straight(url: &str, duration: Duration) -> anyhow::Result<Limit> {
    let pool = database::open(url, 1).await?;
    let activity = fresh_id();
    database::create(&pool, activity, SEATS).await?;
    let mut stopwatch = Stopwatch::default();
    let mut first = 1;
    while stopwatch.elapsed < duration {
        let mut ahead = Vec::with_capacity(BATCHES_AHEAD);
        for _ in 0..BATCHES_AHEAD {
            ahead.push(Columns::starting_at(first));
            first += BATCH as i64;
        }
        for columns in ahead {
            if stopwatch.elapsed >= duration {
                break;
            }
            stopwatch
                .time(BATCH as u64, columns.write(&pool, activity))
                .await?;
        }
    }
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM rsvps")
        .fetch_one(&pool)
        .await?;
    anyhow::ensure!(
        rows.unsigned_abs() == stopwatch.count,
        "{rows} rows are there of {}",
        stopwatch.count
    );
    pool.close().await;
    Ok(stopwatch.limit("straight", Some("postgres")))
}
