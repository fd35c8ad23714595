//! Reading an activity back from its rows, and keys from its events: the same on every database.

use futures::TryStreamExt;
use turnout_actors::domain::{
    Activity, ActivityId, History, KeyDigest, KeyHash, KeyUse, Keyed, OwnerEpoch, Rebuild, Seq, Ticket,
    Timestamp,
};
use turnout_actors::ports::{JournalError, Loaded, Recount};
use uuid::Uuid;

use super::errors::{before_commit, corrupt};
use super::{ActivityRow, EventData, RSVP_COLUMNS, RsvpRow};
use crate::store::{Db, on_db};

/// How long a key is kept after its activity has ended, and at least after its command.
pub(super) const KEYS_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// How many RSVPs one statement reads, and through how many events it looks. However large an activity is, no statement
/// takes long then: a database may end one that does, also where it is only the reader who is slow.
const READ_AT_ONCE: i64 = 2_000;

/// Whether there is such an activity.
pub(super) async fn exists(db: &Db, id: ActivityId) -> Result<bool, JournalError> {
    let select = "SELECT EXISTS (SELECT 1 FROM activities WHERE id = $1)";
    let found: Result<bool, _> = on_db!(db.lookup, |pool| sqlx::query_scalar(select)
        .bind(id.uuid())
        .fetch_one(pool)
        .await);
    found.map_err(before_commit)
}

/// What the statement returns that claims an activity.
#[derive(sqlx::FromRow)]
pub(super) struct Claimed {
    owner_epoch: i64,
    history: i64,
    #[sqlx(flatten)]
    row: ActivityRow,
}

/// An activity that was just claimed, with everything beside its row. Nobody else can write it, so reading needs no
/// transaction.
pub(super) async fn claimed(
    db: &Db,
    id: ActivityId,
    claimed: Claimed,
    now: Timestamp,
) -> Result<Loaded, JournalError> {
    Ok(Loaded {
        activity: activity(db, id, claimed.row, now).await?,
        epoch: OwnerEpoch(claimed.owner_epoch as u64),
        history: History(claimed.history as u64),
    })
}

async fn activity(
    db: &Db,
    id: ActivityId,
    row: ActivityRow,
    now: Timestamp,
) -> Result<Activity, JournalError> {
    let head = row.head().map_err(corrupt)?;
    let (ends_at, last) = (head.settings.ends_at, head.seq);
    let mut rebuild = Rebuild::new(id, head);
    rsvps(db, id, &mut rebuild).await?;
    // While the activity has not been over for long, every key counts, however old.
    let oldest = now.plus_millis(-KEYS_KEPT_MS);
    let since = if ends_at >= oldest {
        i64::MIN
    } else {
        oldest.micros()
    };
    events(db, id, last, since, &mut rebuild).await?;
    rebuild.finish().map_err(corrupt)
}

/// Adds all RSVPs of an activity.
async fn rsvps(db: &Db, id: ActivityId, rebuild: &mut Rebuild) -> Result<(), JournalError> {
    let select =
        format!("SELECT {RSVP_COLUMNS} FROM rsvps WHERE activity_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    // No identifier is smaller.
    let mut after = Uuid::nil();
    loop {
        let mut read = 0;
        on_db!(db.lookup, |pool| {
            let mut rows = sqlx::query_as::<_, RsvpRow>(sqlx::AssertSqlSafe(select.as_str()))
                .bind(id.uuid())
                .bind(after)
                .bind(READ_AT_ONCE)
                .fetch(pool);
            while let Some(row) = rows.try_next().await.map_err(before_commit)? {
                let rsvp = row.rsvp().map_err(corrupt)?;
                (after, read) = (rsvp.id.uuid(), read + 1);
                rebuild.rsvp(rsvp).map_err(corrupt)?;
            }
        });
        if read < READ_AT_ONCE {
            return Ok(());
        }
    }
}

/// What of an event is remembered beyond the rows: `seq`, key, ticket of whoever got spots, and time.
type Remembered = (i64, Option<Vec<u8>>, Option<i64>, i64);

/// Adds what only the decision log, up to its `last` event, knows: who got spots before others who wait, and the keys
/// that count, which are those not older than `since`.
async fn events(
    db: &Db,
    id: ActivityId,
    last: Seq,
    since: i64,
    rebuild: &mut Rebuild,
) -> Result<(), JournalError> {
    let first_waiting = rebuild.first_waiting().map_or(i64::MAX, |first| first.0 as i64);
    let select = "SELECT seq, key_digest, CASE WHEN kind IN ('confirmed', 'promoted', 'offered') AND reason IS NULL THEN ticket END, at \
                  FROM activity_events \
                  WHERE activity_id = $1 AND seq > $2 AND seq <= $3 \
                    AND (key_digest IS NOT NULL AND at >= $4 OR ticket > $5 AND kind IN ('confirmed', 'promoted', 'offered') AND reason IS NULL)";
    // By their numbers, which have no gaps: where few of many events count, a limit would not make a statement short.
    let mut after = 0;
    while after < last.0 as i64 {
        let to = after + READ_AT_ONCE;
        on_db!(db.lookup, |pool| {
            let mut rows = sqlx::query_as::<_, Remembered>(select)
                .bind(id.uuid())
                .bind(after)
                .bind(to)
                .bind(since)
                .bind(first_waiting)
                .fetch(pool);
            while let Some((seq, digest, ticket, at)) = rows.try_next().await.map_err(before_commit)? {
                if let Some(ticket) = ticket.filter(|ticket| *ticket > first_waiting) {
                    rebuild.promoted(Ticket(ticket as u64));
                }
                if let Some(digest) = digest.filter(|_| at >= since) {
                    let hash = digest
                        .first_chunk()
                        .ok_or_else(|| corrupt("a key digest has 16 bytes"))?;
                    rebuild.key(KeyHash(u64::from_be_bytes(*hash)), Seq(seq as u64));
                }
            }
        });
        after = to;
    }
    Ok(())
}

/// `seq` of an activity, its confirmed and offered spots, and the parties that wait with theirs.
type Sums = (i64, i64, i64, i64, i64);

/// Adds up the rows of an activity. One statement, so all of it is as of one moment.
pub(super) async fn recount(db: &Db, id: ActivityId) -> Result<Option<Recount>, JournalError> {
    let select = "SELECT a.seq, \
         CAST(COALESCE(SUM(CASE WHEN r.status = 'confirmed' THEN r.total_spots END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN r.status = 'offered' THEN r.total_spots END), 0) AS BIGINT), \
         CAST(COUNT(DISTINCT CASE WHEN r.status = 'waitlisted' THEN r.ticket END) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN r.status = 'waitlisted' THEN r.total_spots END), 0) AS BIGINT) \
         FROM activities AS a LEFT JOIN rsvps AS r ON r.activity_id = a.id WHERE a.id = $1 GROUP BY a.id, a.seq";
    let row: Result<Option<Sums>, _> = on_db!(db.read, |pool| sqlx::query_as(select)
        .bind(id.uuid())
        .fetch_optional(pool)
        .await);
    let row = row.map_err(before_commit)?;
    Ok(row.map(|(seq, confirmed, offered, parties, waitlisted)| Recount {
        seq: Seq(seq as u64),
        confirmed_spots: confirmed as u64,
        offered_spots: offered as u64,
        waitlisted_parties: parties as u64,
        waitlisted_spots: waitlisted as u64,
    }))
}

/// Activities with offers that ended before a time.
pub(super) async fn overdue(db: &Db, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError> {
    // In this form every version of the databases finds them by the index of offers.
    let select = "SELECT id FROM activities WHERE cancelled_at IS NULL AND id IN \
                  (SELECT activity_id FROM rsvps WHERE status = 'offered' AND offer_expires_at < $1) LIMIT $2";
    let found: Result<Vec<Uuid>, _> = on_db!(db.read, |pool| sqlx::query_scalar(select)
        .bind(before.micros())
        .bind(i64::from(most))
        .fetch_all(pool)
        .await);
    let found = found.map_err(before_commit)?;
    Ok(found.into_iter().map(ActivityId::from).collect())
}

/// Whether an activity has RSVPs that are not cancelled.
pub(super) async fn has_standing(db: &Db, id: ActivityId) -> Result<bool, JournalError> {
    let select = "SELECT EXISTS (SELECT 1 FROM rsvps WHERE activity_id = $1 AND status <> 'cancelled')";
    let found: Result<bool, _> = on_db!(db.read, |pool| sqlx::query_scalar(select)
        .bind(id.uuid())
        .fetch_one(pool)
        .await);
    found.map_err(before_commit)
}

/// What the event `seq` recorded of its command's key.
pub(super) async fn key(db: &Db, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
    let select = "SELECT key_digest, fingerprint, data FROM activity_events \
                  WHERE activity_id = $1 AND seq = $2 AND key_digest IS NOT NULL";
    let row: Result<Option<(Vec<u8>, i64, String)>, _> = on_db!(db.lookup, |pool| sqlx::query_as(select)
        .bind(id.uuid())
        .bind(seq.0 as i64)
        .fetch_optional(pool)
        .await);
    let Some((digest, fingerprint, data)) = row.map_err(before_commit)? else {
        return Ok(None);
    };
    let data: EventData = serde_json::from_str(&data).map_err(corrupt)?;
    let answer = data
        .answer
        .ok_or_else(|| corrupt("an event with a key has no answer"))?;
    let digest = digest
        .try_into()
        .map_err(|_| corrupt("a key digest has 16 bytes"))?;
    Ok(Some(Keyed {
        key: KeyUse {
            digest: KeyDigest(digest),
            fingerprint: fingerprint as u64,
        },
        outcome: answer.try_into().map_err(corrupt)?,
    }))
}
