//! What designs that keep counts in the activity's row have in common: how such a row stands, and cancelling.
//!
//! Cancelling is rare and no part of what is timed, so it is written once, plainly, under the row's lock.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::design::{Answer, Refusal, Status};
use crate::source::now_us;
use crate::tokens::Caller;

const CANCEL: &str = "WITH own AS (SELECT id, status, ticket FROM rsvps \
       WHERE activity_id = $1 AND user_id = $2 AND status <> 'cancelled' FOR UPDATE) \
     UPDATE rsvps SET status = 'cancelled', cancel_reason = 'by_attendee', version = version + 1, updated_at = $3 \
     FROM own WHERE rsvps.id = own.id RETURNING own.id, own.status, own.ticket";

/// Gives a seat to whoever has waited for longest: identifier, ticket. Two who do so at once do not wait for each other.
pub(super) const PROMOTE: &str = "UPDATE rsvps SET status = 'confirmed', version = version + 1, updated_at = $2 \
     WHERE id = (SELECT id FROM rsvps WHERE activity_id = $1 AND status = 'waitlisted' ORDER BY ticket LIMIT 1 \
       FOR UPDATE SKIP LOCKED) \
     RETURNING id, ticket";

/// A row of the log: activity, its number, time, kind, account, RSVP, how that stood, how it stands, ticket, reason.
const LOG: &str = "INSERT INTO activity_events (activity_id, seq, at, kind, actor, rsvp_id, previous_status, status, spots, \
       ticket, reason) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10)";

/// How an activity's row stands.
#[derive(sqlx::FromRow)]
pub(super) struct Standing {
    pub(super) capacity: i64,
    pub(super) confirmed_spots: i64,
    pub(super) seq: i64,
    pub(super) last_ticket: i64,
}

impl Standing {
    /// What whoever comes now gets.
    pub(super) fn status_of_next(&self) -> Status {
        if self.confirmed_spots < self.capacity {
            Status::Confirmed
        } else {
            Status::Waitlisted
        }
    }
}

/// A change of one RSVP, to be logged.
pub(super) struct Change {
    pub(super) kind: &'static str,
    pub(super) by: Uuid,
    pub(super) rsvp: Uuid,
    pub(super) previous: Option<Status>,
    pub(super) status: Status,
    pub(super) ticket: i64,
}

/// Logs a change under this number.
pub(super) async fn log(
    connection: &mut PgConnection,
    activity: Uuid,
    seq: i64,
    change: &Change,
) -> Result<(), sqlx::Error> {
    sqlx::query(LOG)
        .bind(activity)
        .bind(seq)
        .bind(now_us())
        .bind(change.kind)
        .bind(change.by)
        .bind(change.rsvp)
        .bind(change.previous.map(Status::name))
        .bind(change.status.name())
        .bind(change.ticket)
        .bind((change.status == Status::Cancelled).then_some("by_attendee"))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes what the person has: identifier, how it stood, ticket.
pub(super) async fn take_own(
    connection: &mut PgConnection,
    activity: Uuid,
    caller: &Caller,
) -> Result<(Uuid, Option<Status>, i64), Refusal> {
    let own: Option<(Uuid, String, i64)> = sqlx::query_as(CANCEL)
        .bind(activity)
        .bind(caller.id)
        .bind(now_us())
        .fetch_optional(connection)
        .await?;
    let (id, previous, ticket) = own.ok_or(Refusal::NothingToCancel)?;
    Ok((id, Status::named(&previous), ticket))
}

/// Cancels and promotes in one transaction, in which nobody else changes the activity.
pub(super) async fn cancel_under_lock(
    pool: &PgPool,
    activity: Uuid,
    caller: &Caller,
) -> Result<Answer, Refusal> {
    let mut transaction = pool.begin().await?;
    let lock = "SELECT seq FROM activities WHERE id = $1 FOR UPDATE";
    let seq: Option<i64> = sqlx::query_scalar(lock)
        .bind(activity)
        .fetch_optional(&mut *transaction)
        .await?;
    let mut seq = seq.ok_or(Refusal::NotFound)?;
    let (id, previous, ticket) = take_own(&mut transaction, activity, caller).await?;
    let (mut seats, mut waiting) = (0, 0);
    let mut changes = vec![Change {
        kind: "cancelled",
        by: caller.id,
        rsvp: id,
        previous,
        status: Status::Cancelled,
        ticket,
    }];
    if previous == Some(Status::Waitlisted) {
        waiting -= 1;
    } else {
        seats -= 1;
        let next: Option<(Uuid, i64)> = sqlx::query_as(PROMOTE)
            .bind(activity)
            .bind(now_us())
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some((rsvp, ticket)) = next {
            seats += 1;
            waiting -= 1;
            changes.push(Change {
                kind: "promoted",
                by: caller.id,
                rsvp,
                previous: Some(Status::Waitlisted),
                status: Status::Confirmed,
                ticket,
            });
        }
    }
    for change in &changes {
        seq += 1;
        log(&mut transaction, activity, seq, change).await?;
    }
    let count = "UPDATE activities SET confirmed_spots = confirmed_spots + $2, \
           waitlisted_parties = waitlisted_parties + $3, waitlisted_spots = waitlisted_spots + $3, \
           seq = $4, stamped_at = $5 WHERE id = $1";
    sqlx::query(count)
        .bind(activity)
        .bind(seats)
        .bind(waiting)
        .bind(seq)
        .bind(now_us())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Answer {
        id,
        status: Status::Cancelled,
        ticket,
    })
}
