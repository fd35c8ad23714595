//! The journal on SQLite: one writer, one transaction per merged commit, many rows per statement.

mod insert;

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{FromRow, Row, SqlitePool, Transaction};
use turnout_actors::domain::{
    ActivityId, CancelReason, KeyDigest, KeyHash, KeyUse, Keyed, OwnerEpoch, Rebuild, Seq, Status, Ticket,
};
use turnout_actors::ports::{
    Batch, Clock, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Settled,
};
use uuid::Uuid;

use super::{ACTIVITY_COLUMNS, ActivityRow, EventData, RSVP_COLUMNS, RsvpRow};

/// How long a key is kept after its activity has ended, and at least after its command.
const KEYS_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// The journal in a SQLite file.
#[derive(Clone)]
pub struct SqliteJournal {
    write: SqlitePool,
    read: SqlitePool,
    clock: Arc<dyn Clock>,
}

impl SqliteJournal {
    /// A journal on the pools of an open database; `write` must have one connection.
    pub fn new(write: SqlitePool, read: SqlitePool, clock: Arc<dyn Clock>) -> Self {
        Self { write, read, clock }
    }

    /// A transaction that may write. Nothing is written before its commit.
    async fn begin(&self) -> Result<Transaction<'static, sqlx::Sqlite>, JournalError> {
        self.write
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(before_commit)
    }
}

/// Ends a transaction. Whatever goes wrong here leaves open whether it was written.
async fn commit(transaction: Transaction<'_, sqlx::Sqlite>) -> Result<(), JournalError> {
    transaction.commit().await.map_err(|error| {
        exit_if_sync_failed(&error);
        JournalError::Unknown(error.into())
    })
}

/// What an error before the commit means: the transaction is rolled back, so nothing was written.
fn before_commit(error: sqlx::Error) -> JournalError {
    exit_if_sync_failed(&error);
    match &error {
        sqlx::Error::Database(reason) if is_refusal(reason.code().as_deref()) => {
            JournalError::Aborted(error.into())
        }
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => JournalError::Corrupt(error.into()),
        _ => JournalError::Unavailable(error.into()),
    }
}

/// SQLite refuses what a statement contains: 18 too big, 19 constraint, 20 mismatch, 25 range.
fn is_refusal(code: Option<&str>) -> bool {
    primary_code(code).is_some_and(|code| matches!(code, 18 | 19 | 20 | 25))
}

fn primary_code(code: Option<&str>) -> Option<u32> {
    Some(code?.parse::<u32>().ok()? & 0xff)
}

/// After a failed sync the operating system may have dropped what it could not write, and a second attempt
/// would report success without it. Only reading the file anew tells what is there, so the process ends.
fn exit_if_sync_failed(error: &sqlx::Error) {
    const FSYNC: &str = "1034";
    const DIRECTORY_FSYNC: &str = "1290";
    let code = error.as_database_error().and_then(|reason| reason.code());
    if matches!(code.as_deref(), Some(FSYNC | DIRECTORY_FSYNC)) {
        tracing::error!(%error, "the disk did not take a sync: the server ends, so that it starts from what is really there");
        std::process::exit(74);
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        let mut transaction = self.begin().await?;
        if let Some(key) = new.key {
            if let Some(used) = used_key(&mut transaction, key).await.map_err(before_commit)? {
                return Ok(used);
            }
            remember_key(&mut transaction, &new, key)
                .await
                .map_err(before_commit)?;
        }
        insert::activity(&mut transaction, &new)
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(Creation::Created)
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        let mut transaction = self.begin().await?;
        let claim = format!(
            "UPDATE activities SET owner_epoch = owner_epoch + 1 WHERE id = $1 RETURNING owner_epoch, {ACTIVITY_COLUMNS}"
        );
        let claimed = sqlx::query(sqlx::AssertSqlSafe(claim))
            .bind(id.uuid())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(before_commit)?;
        let Some(row) = claimed else { return Ok(None) };
        commit(transaction).await?;
        // From here on nobody else can write this activity, so reading needs no transaction.
        let epoch: i64 = row.try_get("owner_epoch").map_err(before_commit)?;
        let head = ActivityRow::from_row(&row)
            .map_err(before_commit)?
            .head()
            .map_err(corrupt)?;
        let ends_at = head.settings.ends_at;
        let mut rebuild = Rebuild::new(id, head);
        self.load_rsvps(id, &mut rebuild).await?;
        self.load_promoted(id, &mut rebuild).await?;
        self.load_keys(id, ends_at, &mut rebuild).await?;
        let activity = rebuild.finish().map_err(corrupt)?;
        Ok(Some(Loaded {
            activity,
            epoch: OwnerEpoch(epoch as u64),
        }))
    }

    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        let mut transaction = self.begin().await?;
        let mut landings = Vec::with_capacity(batches.len());
        let mut landed = Vec::with_capacity(batches.len());
        for batch in batches {
            let fits = insert::advance(&mut transaction, batch)
                .await
                .map_err(before_commit)?;
            landings.push(if fits { Landing::Written } else { Landing::Refused });
            landed.extend(fits.then_some(batch));
        }
        insert::rsvps(&mut transaction, &landed)
            .await
            .map_err(before_commit)?;
        insert::events(&mut transaction, &landed)
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(landings)
    }

    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError> {
        let fence = "UPDATE activities SET owner_epoch = owner_epoch + 1 WHERE id = $1 AND owner_epoch = $2 \
                     RETURNING seq, last_batch, owner_epoch";
        let mut transaction = self.begin().await?;
        let row: Option<(i64, Option<Uuid>, i64)> = sqlx::query_as(fence)
            .bind(batch.activity.uuid())
            .bind(batch.epoch.0 as i64)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(match row {
            None => Settled::Fenced,
            Some((seq, last_batch, epoch)) => {
                let epoch = OwnerEpoch(epoch as u64);
                if last_batch == Some(batch.id.uuid()) {
                    Settled::Written { epoch }
                } else if seq as u64 == batch.prev.0 {
                    Settled::NotWritten { epoch }
                } else {
                    Settled::Fenced
                }
            }
        })
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        let select = "SELECT key_digest, fingerprint, data FROM activity_events \
                      WHERE activity_id = $1 AND seq = $2 AND key_digest IS NOT NULL";
        let row: Option<(Vec<u8>, i64, String)> = sqlx::query_as(select)
            .bind(id.uuid())
            .bind(seq.0 as i64)
            .fetch_optional(&self.read)
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

    async fn follow_cancellation(&self, id: ActivityId, most: u32) -> Result<u64, JournalError> {
        let update = "UPDATE rsvps SET status = $1, cancel_reason = $2, version = rsvps.version + 1, updated_at = a.cancelled_at \
                      FROM activities AS a \
                      WHERE a.id = $3 AND a.cancelled_at IS NOT NULL AND rsvps.id IN \
                        (SELECT id FROM rsvps WHERE activity_id = $3 AND status <> 'cancelled' LIMIT $4)";
        let reason = CancelReason::ActivityCancelled;
        let mut transaction = self.begin().await?;
        let followed = sqlx::query(update)
            .bind(Status::Cancelled(reason).name())
            .bind(reason.name())
            .bind(id.uuid())
            .bind(i64::from(most))
            .execute(&mut *transaction)
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        Ok(followed.rows_affected())
    }
}

impl SqliteJournal {
    async fn load_rsvps(&self, id: ActivityId, rebuild: &mut Rebuild) -> Result<(), JournalError> {
        let select = format!("SELECT {RSVP_COLUMNS} FROM rsvps WHERE activity_id = $1 ORDER BY id");
        let mut rows = sqlx::query_as::<_, RsvpRow>(sqlx::AssertSqlSafe(select))
            .bind(id.uuid())
            .fetch(&self.read);
        while let Some(row) = rows.try_next().await.map_err(before_commit)? {
            rebuild.rsvp(row.rsvp().map_err(corrupt)?).map_err(corrupt)?;
        }
        Ok(())
    }

    async fn load_promoted(&self, id: ActivityId, rebuild: &mut Rebuild) -> Result<(), JournalError> {
        let Some(first) = rebuild.first_waiting() else {
            return Ok(());
        };
        let select = "SELECT ticket FROM activity_events \
                      WHERE activity_id = $1 AND ticket > $2 AND kind IN ('confirmed', 'promoted')";
        let mut rows = sqlx::query_scalar::<_, i64>(select)
            .bind(id.uuid())
            .bind(first.0 as i64)
            .fetch(&self.read);
        while let Some(ticket) = rows.try_next().await.map_err(before_commit)? {
            rebuild.promoted(Ticket(ticket as u64));
        }
        Ok(())
    }

    async fn load_keys(
        &self,
        id: ActivityId,
        ends_at: turnout_actors::domain::Timestamp,
        rebuild: &mut Rebuild,
    ) -> Result<(), JournalError> {
        let oldest = self.clock.now().plus_millis(-KEYS_KEPT_MS);
        // While the activity has not been over for long, every key counts, however old.
        let since = if ends_at >= oldest {
            i64::MIN
        } else {
            oldest.micros()
        };
        let select = "SELECT seq, key_digest FROM activity_events \
                      WHERE activity_id = $1 AND key_digest IS NOT NULL AND at >= $2";
        let mut rows = sqlx::query_as::<_, (i64, Vec<u8>)>(select)
            .bind(id.uuid())
            .bind(since)
            .fetch(&self.read);
        while let Some((seq, digest)) = rows.try_next().await.map_err(before_commit)? {
            let hash = digest
                .first_chunk()
                .ok_or_else(|| corrupt("a key digest has 16 bytes"))?;
            rebuild.key(KeyHash(u64::from_be_bytes(*hash)), Seq(seq as u64));
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

async fn remember_key(
    connection: &mut SqliteConnection,
    new: &NewActivity,
    key: KeyUse,
) -> Result<(), sqlx::Error> {
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
