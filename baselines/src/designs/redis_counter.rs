//! Redis counter: a script in Redis takes the seat and numbers the decision, then one statement writes the RSVP and the
//! log to Postgres. The seat is given back when that fails.
//!
//! Nobody waits for a hot row, because there is none: the activity's row is not written, and its counts are in Redis.
//!
//! What it does not promise: whoever crashes between Redis and Postgres leaves a seat that is taken in Redis and has no
//! RSVP, until somebody counts the rows; whoever is to be promoted and has no row yet is promoted after the cancel, and
//! not in its transaction. A Redis that loses its last second, or comes back empty, sells seats twice. The
//! numbers of the log have gaps where an insert failed. Taking it further means to make the counter durable, which is
//! what a database is for.

use std::time::Duration;

use redis::Script;
use redis::aio::MultiplexedConnection;
use sqlx::{PgConnection, PgPool};
use tokio::time::sleep;
use uuid::Uuid;

use super::statements::{Change, PROMOTE, log, take_own};
use crate::database;
use crate::design::{Answer, Counts, Design, Refusal, Row, Status};
use crate::source::{fresh_id, now_us};
use crate::tokens::Caller;

/// How often a cancel looks for somebody who waits in Redis and whose row is on its way to Postgres.
const LOOKS_MAX: u32 = 200;
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Takes a seat or a place on the waitlist: whether it is a seat, and the number, which is the ticket as well.
const TAKE: &str = "if redis.call('EXISTS', KEYS[1]) == 0 then return {-1, 0} end \
     local number = redis.call('HINCRBY', KEYS[1], 'number', 1) \
     if tonumber(redis.call('HGET', KEYS[1], 'confirmed')) < tonumber(redis.call('HGET', KEYS[1], 'capacity')) then \
       redis.call('HINCRBY', KEYS[1], 'confirmed', 1) \
       return {1, number} \
     end \
     redis.call('HINCRBY', KEYS[1], 'waitlisted', 1) \
     return {0, number}";

/// Gives a seat back: to somebody who waits, if anybody does. Answers whether, and the number of the first of two
/// decisions.
const GIVE_BACK: &str = "local number = redis.call('HINCRBY', KEYS[1], 'number', 2) - 1 \
     if tonumber(redis.call('HGET', KEYS[1], 'waitlisted')) > 0 then \
       redis.call('HINCRBY', KEYS[1], 'waitlisted', -1) \
       return {1, number} \
     end \
     redis.call('HINCRBY', KEYS[1], 'confirmed', -1) \
     return {0, number}";

/// Leaves the waitlist.
const LEAVE: &str = "redis.call('HINCRBY', KEYS[1], 'waitlisted', -1) \
     return {0, redis.call('HINCRBY', KEYS[1], 'number', 1)}";

/// Nobody was there to take a seat that was given on: it is free, and whoever left the waitlist is still counted there.
const NOBODY_CAME: &str = "redis.call('HINCRBY', KEYS[1], 'waitlisted', 1) \
     redis.call('HINCRBY', KEYS[1], 'confirmed', -1) \
     return {0, 0}";

const INSERT: &str = "WITH written AS (INSERT INTO rsvps (id, activity_id, user_id, name, status, guest_count, ticket, \
         version, generation, created_at, updated_at) \
       VALUES ($1, $2, $3, $4, $5, 0, $6, 1, 1, $7, $7)) \
     INSERT INTO activity_events (activity_id, seq, at, kind, actor, rsvp_id, status, spots, ticket) \
       VALUES ($2, $6, $7, $5, $3, $1, $5, 1, $6)";

/// The design.
pub struct RedisCounter {
    pool: PgPool,
    redis: MultiplexedConnection,
    take: Script,
    give_back: Script,
    leave: Script,
    nobody_came: Script,
}

impl RedisCounter {
    /// On these connections. The one to Redis carries everybody's commands, which do not wait for each other.
    pub fn new(pool: PgPool, redis: MultiplexedConnection) -> Self {
        Self {
            pool,
            redis,
            take: Script::new(TAKE),
            give_back: Script::new(GIVE_BACK),
            leave: Script::new(LEAVE),
            nobody_came: Script::new(NOBODY_CAME),
        }
    }

    async fn run(&self, script: &Script, activity: Uuid) -> Result<(i64, i64), Refusal> {
        let mut redis = self.redis.clone();
        Ok(script.key(key(activity)).invoke_async(&mut redis).await?)
    }

    async fn insert(&self, answer: &Answer, activity: Uuid, caller: &Caller) -> Result<(), sqlx::Error> {
        sqlx::query(INSERT)
            .bind(answer.id)
            .bind(activity)
            .bind(caller.id)
            .bind(&caller.name)
            .bind(answer.status.name())
            .bind(answer.ticket)
            .bind(now_us())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl Design for RedisCounter {
    async fn open(&self, activity: Uuid, capacity: i64) -> Result<(), Refusal> {
        database::create(&self.pool, activity, capacity).await?;
        let fields = [
            ("capacity", capacity),
            ("confirmed", 0),
            ("waitlisted", 0),
            ("number", 0),
        ];
        let mut redis = self.redis.clone();
        redis::cmd("HSET")
            .arg(key(activity))
            .arg(&fields)
            .exec_async(&mut redis)
            .await?;
        Ok(())
    }

    async fn reserve(&self, activity: Uuid, caller: &Caller) -> Result<Answer, Refusal> {
        let (seat, ticket) = self.run(&self.take, activity).await?;
        let status = match seat {
            1 => Status::Confirmed,
            0 => Status::Waitlisted,
            _ => return Err(Refusal::NotFound),
        };
        let answer = Answer {
            id: fresh_id(),
            status,
            ticket,
        };
        if let Err(error) = self.insert(&answer, activity, caller).await {
            match status {
                Status::Confirmed => self.pass_on(activity, caller).await?,
                _ => drop(self.run(&self.leave, activity).await?),
            }
            return Err(error.into());
        }
        Ok(answer)
    }

    async fn cancel(&self, activity: Uuid, caller: &Caller) -> Result<Answer, Refusal> {
        let mut transaction = self.pool.begin().await?;
        let (id, previous, ticket) = take_own(&mut transaction, activity, caller).await?;
        let was_waiting = previous == Some(Status::Waitlisted);
        let script = if was_waiting { &self.leave } else { &self.give_back };
        let (somebody_waits, number) = self.run(script, activity).await?;
        let change = Change {
            kind: "cancelled",
            by: caller.id,
            rsvp: id,
            previous,
            status: Status::Cancelled,
            ticket,
        };
        log(&mut transaction, activity, number, &change).await?;
        let is_passed_on =
            somebody_waits == 0 || promote(&mut transaction, activity, caller.id, number + 1).await?;
        transaction.commit().await?;
        if !is_passed_on {
            self.promote_late(activity, caller.id, number + 1).await?;
        }
        Ok(Answer {
            id,
            status: Status::Cancelled,
            ticket,
        })
    }

    async fn counts(&self, activity: Uuid) -> Result<Counts, Refusal> {
        let in_rows = database::counts(&self.pool, activity, 0).await?;
        let mut redis = self.redis.clone();
        let (confirmed, waitlisted) = redis::cmd("HMGET")
            .arg(key(activity))
            .arg(&["confirmed", "waitlisted"])
            .query_async(&mut redis)
            .await?;
        Ok(Counts {
            confirmed,
            waitlisted,
            ..in_rows
        })
    }

    async fn rows(&self, activity: Uuid, after: Uuid, most: i64) -> Result<Vec<Row>, Refusal> {
        database::rows(&self.pool, activity, after, most).await
    }
}

impl RedisCounter {
    /// A seat that was taken for nothing goes to whoever waits, or back.
    async fn pass_on(&self, activity: Uuid, caller: &Caller) -> Result<(), Refusal> {
        let (somebody_waits, number) = self.run(&self.give_back, activity).await?;
        if somebody_waits == 1 {
            self.promote_late(activity, caller.id, number + 1).await?;
        }
        Ok(())
    }

    /// Promotes whoever has waited for longest, although nobody was there to be promoted just now: Redis says that
    /// somebody waits, whose row may still be on its way, or may just be leaving. It holds no connection meanwhile, which
    /// that row may need.
    async fn promote_late(&self, activity: Uuid, by: Uuid, number: i64) -> Result<(), Refusal> {
        for _ in 0..LOOKS_MAX {
            let mut transaction = self.pool.begin().await?;
            let is_promoted = promote(&mut transaction, activity, by, number).await?;
            transaction.commit().await?;
            if is_promoted {
                return Ok(());
            }
            sleep(LOOK_PAUSE).await;
        }
        self.run(&self.nobody_came, activity).await?;
        Ok(())
    }
}

/// Promotes whoever has waited for longest, if anybody is there.
async fn promote(
    connection: &mut PgConnection,
    activity: Uuid,
    by: Uuid,
    number: i64,
) -> Result<bool, Refusal> {
    let next: Option<(Uuid, i64)> = sqlx::query_as(PROMOTE)
        .bind(activity)
        .bind(now_us())
        .fetch_optional(&mut *connection)
        .await?;
    let Some((rsvp, ticket)) = next else {
        return Ok(false);
    };
    let change = Change {
        kind: "promoted",
        by,
        rsvp,
        previous: Some(Status::Waitlisted),
        status: Status::Confirmed,
        ticket,
    };
    log(connection, activity, number, &change).await?;
    Ok(true)
}

fn key(activity: Uuid) -> String {
    format!("baseline:{activity}")
}
