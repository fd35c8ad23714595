//! The journal on SQLite: one writer, one transaction per merged commit, many rows per statement.

mod insert;

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{FromRow, Row, SqlitePool};
use turnout_actors::domain::{
    ActivityId, CancelReason, KeyDigest, KeyHash, KeyUse, Keyed, OwnerEpoch, Rebuild, RsvpId, Seq, Status,
    Ticket, Timestamp,
};
use turnout_actors::ports::{
    Batch, Clock, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Settled,
};
use uuid::Uuid;

use super::{ACTIVITY_COLUMNS, ActivityRow, EventData, RSVP_COLUMNS, RsvpRow};
use crate::store::sqlite::{Failure, Writer, Writing, exit_if_sync_failed, failure};

/// How long a key is kept after its activity has ended, and at least after its command.
const KEYS_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// The journal in a SQLite file.
#[derive(Clone)]
pub struct SqliteJournal {
    write: Writer,
    lookup: SqlitePool,
    clock: Arc<dyn Clock>,
}

impl SqliteJournal {
    /// A journal on the connections of an open database.
    pub fn new(write: Writer, lookup: SqlitePool, clock: Arc<dyn Clock>) -> Self {
        Self { write, lookup, clock }
    }

    /// Begins anything but a commit. Nothing is written before the end of the transaction.
    async fn begin(&self) -> Result<Writing, JournalError> {
        self.write.begin().await.map_err(before_commit)
    }
}

/// Ends a transaction. Whatever goes wrong here leaves open whether it was written.
async fn commit(writing: Writing) -> Result<(), JournalError> {
    writing.commit().await.map_err(|error| {
        exit_if_sync_failed(&error);
        JournalError::Unknown(error.into())
    })
}

/// What an error before the commit means: nothing was written.
fn before_commit(error: sqlx::Error) -> JournalError {
    exit_if_sync_failed(&error);
    match (&error, failure(&error)) {
        (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }, _) => JournalError::Corrupt(error.into()),
        (_, Failure::Refused) => JournalError::Aborted(error.into()),
        (_, Failure::Unavailable | Failure::Other) => JournalError::Unavailable(error.into()),
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        let mut transaction = self.begin().await?;
        if let Some(key) = new.key {
            if let Some(used) = used_key(transaction.connection(), key)
                .await
                .map_err(before_commit)?
            {
                commit(transaction).await?;
                return Ok(used);
            }
            remember_key(transaction.connection(), &new, key)
                .await
                .map_err(before_commit)?;
        }
        insert::activity(transaction.connection(), &new)
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(Creation::Created)
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        // Whoever asks for what does not exist must not keep the one writer busy.
        if !self.exists(id).await? {
            return Ok(None);
        }
        let mut transaction = self.begin().await?;
        let claim = format!(
            "UPDATE activities SET owner_epoch = owner_epoch + 1 WHERE id = $1 RETURNING owner_epoch, {ACTIVITY_COLUMNS}"
        );
        let claimed = sqlx::query(sqlx::AssertSqlSafe(claim))
            .bind(id.uuid())
            .fetch_optional(transaction.connection())
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        let Some(row) = claimed else { return Ok(None) };
        // From here on nobody else can write this activity, so reading needs no transaction.
        let epoch: i64 = row.try_get("owner_epoch").map_err(before_commit)?;
        let head = ActivityRow::from_row(&row)
            .map_err(before_commit)?
            .head()
            .map_err(corrupt)?;
        let ends_at = head.settings.ends_at;
        let mut rebuild = Rebuild::new(id, head);
        self.load_rsvps(id, &mut rebuild).await?;
        self.load_events(id, ends_at, &mut rebuild).await?;
        let activity = rebuild.finish().map_err(corrupt)?;
        Ok(Some(Loaded {
            activity,
            epoch: OwnerEpoch(epoch as u64),
        }))
    }

    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        let mut transaction = self.write.begin_first().await.map_err(before_commit)?;
        let mut landings = Vec::with_capacity(batches.len());
        let mut landed = Vec::with_capacity(batches.len());
        for batch in batches {
            let fits = insert::advance(transaction.connection(), batch)
                .await
                .map_err(before_commit)?;
            landings.push(if fits { Landing::Written } else { Landing::Refused });
            landed.extend(fits.then_some(batch));
        }
        insert::rsvps(transaction.connection(), &landed)
            .await
            .map_err(before_commit)?;
        insert::events(transaction.connection(), &landed)
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(landings)
    }

    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError> {
        let row = match self.fence(batch).await {
            // Without room for writing, looking must do. It is as good here: the transaction in question ended
            // with its connection, and whoever holds the only writing connection knows that nothing can land.
            Err(JournalError::Unavailable(_) | JournalError::Unknown(_)) => self.look(batch).await?,
            fenced => fenced?,
        };
        let Some((seq, last_batch, epoch)) = row else {
            return Ok(Settled::Fenced);
        };
        let epoch = OwnerEpoch(epoch as u64);
        Ok(if last_batch == Some(batch.id.uuid()) {
            Settled::Written { epoch }
        } else if seq as u64 == batch.prev.0 {
            Settled::NotWritten { epoch }
        } else {
            Settled::Fenced
        })
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        let select = "SELECT key_digest, fingerprint, data FROM activity_events \
                      WHERE activity_id = $1 AND seq = $2 AND key_digest IS NOT NULL";
        let row: Option<(Vec<u8>, i64, String)> = sqlx::query_as(select)
            .bind(id.uuid())
            .bind(seq.0 as i64)
            .fetch_optional(&self.lookup)
            .await
            .map_err(before_commit)?;
        let Some((digest, fingerprint, data)) = row else {
            return Ok(None);
        };
        let data: EventData = serde_json::from_str(&data).map_err(corrupt)?;
        let answer = data
            .answer
            .ok_or_else(|| corrupt("an event with a key has no answer"))?;
        let digest = KeyDigest(
            digest
                .try_into()
                .map_err(|_| corrupt("a key digest has 16 bytes"))?,
        );
        Ok(Some(Keyed {
            key: KeyUse {
                digest,
                fingerprint: fingerprint as u64,
            },
            outcome: answer.into(),
        }))
    }

    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError> {
        let update = "UPDATE rsvps SET status = $1, cancel_reason = $2, version = rsvps.version + 1, updated_at = a.cancelled_at \
                      FROM activities AS a \
                      WHERE a.id = $3 AND a.cancelled_at IS NOT NULL AND rsvps.id IN \
                        (SELECT id FROM rsvps WHERE activity_id = $3 AND id > $4 AND status <> 'cancelled' \
                         ORDER BY id LIMIT $5) \
                      RETURNING rsvps.id";
        let reason = CancelReason::ActivityCancelled;
        let mut transaction = self.begin().await?;
        let followed: Vec<Uuid> = sqlx::query_scalar(update)
            .bind(Status::Cancelled(reason).name())
            .bind(reason.name())
            .bind(id.uuid())
            // No identifier is smaller.
            .bind(after.map_or(Uuid::nil(), RsvpId::uuid))
            .bind(i64::from(most))
            .fetch_all(transaction.connection())
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(followed.into_iter().max().map(RsvpId::from))
    }
}

/// `seq`, `last_batch` and `owner_epoch` of an activity.
type Standing = (i64, Option<Uuid>, i64);

impl SqliteJournal {
    /// Raises the epoch of an activity that is still under the epoch of this batch, and tells where it stands.
    async fn fence(&self, batch: &Batch) -> Result<Option<Standing>, JournalError> {
        let fence = "UPDATE activities SET owner_epoch = owner_epoch + 1 WHERE id = $1 AND owner_epoch = $2 \
                     RETURNING seq, last_batch, owner_epoch";
        let mut transaction = self.write.begin_first().await.map_err(before_commit)?;
        let row = sqlx::query_as(fence)
            .bind(batch.activity.uuid())
            .bind(batch.epoch.0 as i64)
            .fetch_optional(transaction.connection())
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(row)
    }

    /// Tells where an activity stands that is still under the epoch of this batch.
    async fn look(&self, batch: &Batch) -> Result<Option<Standing>, JournalError> {
        let select = "SELECT seq, last_batch, owner_epoch FROM activities WHERE id = $1 AND owner_epoch = $2";
        sqlx::query_as(select)
            .bind(batch.activity.uuid())
            .bind(batch.epoch.0 as i64)
            .fetch_optional(self.write.pool())
            .await
            .map_err(before_commit)
    }

    async fn exists(&self, id: ActivityId) -> Result<bool, JournalError> {
        let select = "SELECT EXISTS (SELECT 1 FROM activities WHERE id = $1)";
        sqlx::query_scalar(select)
            .bind(id.uuid())
            .fetch_one(&self.lookup)
            .await
            .map_err(before_commit)
    }

    async fn load_rsvps(&self, id: ActivityId, rebuild: &mut Rebuild) -> Result<(), JournalError> {
        let select = format!("SELECT {RSVP_COLUMNS} FROM rsvps WHERE activity_id = $1 ORDER BY id");
        let mut rows = sqlx::query_as::<_, RsvpRow>(sqlx::AssertSqlSafe(select))
            .bind(id.uuid())
            .fetch(&self.lookup);
        while let Some(row) = rows.try_next().await.map_err(before_commit)? {
            rebuild.rsvp(row.rsvp().map_err(corrupt)?).map_err(corrupt)?;
        }
        Ok(())
    }

    /// Loads what is remembered of the decision log alone: who was promoted past others, and keys.
    async fn load_events(
        &self,
        id: ActivityId,
        ends_at: Timestamp,
        rebuild: &mut Rebuild,
    ) -> Result<(), JournalError> {
        let oldest = self.clock.now().plus_millis(-KEYS_KEPT_MS);
        // While the activity has not been over for long, every key counts, however old.
        let since = if ends_at >= oldest {
            i64::MIN
        } else {
            oldest.micros()
        };
        let first_waiting = rebuild.first_waiting().map_or(i64::MAX, |first| first.0 as i64);
        let select = "SELECT seq, key_digest, CASE WHEN kind IN ('confirmed', 'promoted') THEN ticket END, at \
                      FROM activity_events \
                      WHERE activity_id = $1 \
                        AND (key_digest IS NOT NULL AND at >= $2 OR ticket > $3 AND kind IN ('confirmed', 'promoted'))";
        let mut rows = sqlx::query_as::<_, (i64, Option<Vec<u8>>, Option<i64>, i64)>(select)
            .bind(id.uuid())
            .bind(since)
            .bind(first_waiting)
            .fetch(&self.lookup);
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
        Ok(())
    }
}

async fn used_key(connection: &mut SqliteConnection, key: KeyUse) -> Result<Option<Creation>, sqlx::Error> {
    let select = "SELECT fingerprint, result_id FROM idempotency_keys WHERE key_digest = $1";
    let used: Option<(i64, Uuid)> = sqlx::query_as(select)
        .bind(&key.digest.0[..])
        .fetch_optional(connection)
        .await?;
    Ok(used.map(|(fingerprint, id)| {
        if fingerprint as u64 == key.fingerprint {
            Creation::Replayed(id.into())
        } else {
            Creation::KeyReused
        }
    }))
}

/// Keeps the key, and drops a few that are old enough, so that the table stays as large as a day is busy.
async fn remember_key(
    connection: &mut SqliteConnection,
    new: &NewActivity,
    key: KeyUse,
) -> Result<(), sqlx::Error> {
    let forget = "DELETE FROM idempotency_keys WHERE key_digest IN \
                  (SELECT key_digest FROM idempotency_keys WHERE created_at < $1 LIMIT 10)";
    sqlx::query(forget)
        .bind(new.at.plus_millis(-KEYS_KEPT_MS).micros())
        .execute(&mut *connection)
        .await?;
    let insert = "INSERT INTO idempotency_keys (key_digest, fingerprint, result_id, created_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(insert)
        .bind(&key.digest.0[..])
        .bind(key.fingerprint as i64)
        .bind(new.id.uuid())
        .bind(new.at.micros())
        .execute(connection)
        .await?;
    Ok(())
}

fn corrupt(error: impl Into<turnout_actors::ports::Cause>) -> JournalError {
    JournalError::Corrupt(error.into())
}

/// A statement whose arguments are collected first.
fn statement(
    sql: &'static str,
    arguments: SqliteArguments,
) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
    sqlx::query_with(sql, arguments)
}
