//! The journal on SQLite: one writer, one transaction per merged commit, many rows per statement.

mod insert;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqliteArguments;
use turnout_actors::domain::{ActivityId, CancelReason, History, Keyed, RsvpId, Seq, Status, Timestamp};
use turnout_actors::ports::{
    Batch, Clock, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Recount, Settled,
};
use uuid::Uuid;

use super::creation::create_activity;
use super::errors::before_commit;
use super::loading::Claimed;
use super::{
    ACTIVITY_COLUMNS, CONFIRM, FENCE, FOLLOW_CANCELLATION, HISTORY, Standing, fenced, loading, settled,
};
use crate::store::sqlite::{Writer, Writing, exit_if_sync_failed};
use crate::store::{Db, meta};

/// Forgets some keys from before a time.
const FORGET_KEYS: &str = "DELETE FROM idempotency_keys WHERE key_digest IN \
     (SELECT key_digest FROM idempotency_keys WHERE created_at < $1 LIMIT 10)";

/// The journal in a SQLite file.
#[derive(Clone)]
pub struct SqliteJournal {
    write: Writer,
    db: Db,
    clock: Arc<dyn Clock>,
}

impl SqliteJournal {
    /// A journal on an open database, with this way to write.
    pub fn new(db: Db, write: Writer, clock: Arc<dyn Clock>) -> Self {
        Self { write, db, clock }
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

#[async_trait]
impl Journal for SqliteJournal {
    async fn history_after(&self, known: History) -> Result<History, JournalError> {
        let present = meta::history_after(&self.db, known).await;
        present.map_err(|error| JournalError::Unavailable(error.into()))
    }

    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        let mut transaction = self.begin().await?;
        let created = async {
            let connection = transaction.connection();
            Ok::<_, sqlx::Error>(create_activity!(connection, &new, FORGET_KEYS))
        };
        let created = created.await.map_err(before_commit)?;
        commit(transaction).await?;
        Ok(created)
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        // Whoever asks for what does not exist must not keep the one writer busy.
        if !loading::exists(&self.db, id).await? {
            return Ok(None);
        }
        let mut transaction = self.begin().await?;
        let claim = format!(
            "UPDATE activities SET owner_epoch = owner_epoch + 1 WHERE id = $1 RETURNING owner_epoch, {HISTORY}, {ACTIVITY_COLUMNS}"
        );
        let claimed: Option<Claimed> = sqlx::query_as(sqlx::AssertSqlSafe(claim))
            .bind(id.uuid())
            .fetch_optional(transaction.connection())
            .await
            .map_err(before_commit)?;
        commit(transaction).await?;
        let Some(claimed) = claimed else { return Ok(None) };
        let loaded = loading::claimed(&self.db, id, claimed, self.clock.now()).await?;
        Ok(Some(loaded))
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
        match self.fence(batch).await {
            // Without room for writing, looking must do. It is as good here: the transaction in question ended
            // with its connection, and whoever holds the only writing connection knows that nothing can land.
            Err(JournalError::Unavailable(_) | JournalError::Unknown(_)) => self.look(batch).await,
            settled => settled,
        }
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        loading::key(&self.db, id, seq).await
    }

    async fn recount(&self, id: ActivityId) -> Result<Option<Recount>, JournalError> {
        loading::recount(&self.db, id).await
    }

    async fn overdue(&self, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError> {
        loading::overdue(&self.db, before, most).await
    }

    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError> {
        // What followed long ago keeps nobody from writing.
        if after.is_none() && !loading::has_standing(&self.db, id).await? {
            return Ok(None);
        }
        let reason = CancelReason::ActivityCancelled;
        let mut transaction = self.begin().await?;
        let followed: Vec<Uuid> = sqlx::query_scalar(FOLLOW_CANCELLATION)
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

impl SqliteJournal {
    /// Raises the epoch of an activity that is still under the epoch of this batch, and tells what became of the batch.
    async fn fence(&self, batch: &Batch) -> Result<Settled, JournalError> {
        let mut transaction = self.write.begin_first().await.map_err(before_commit)?;
        let ours: Option<Standing> = sqlx::query_as(FENCE)
            .bind(batch.activity.uuid())
            .bind(batch.epoch.0 as i64)
            .fetch_optional(transaction.connection())
            .await
            .map_err(before_commit)?;
        let settled = if let Some(standing) = ours {
            settled(batch, standing)
        } else {
            let written: Option<Uuid> = sqlx::query_scalar(CONFIRM)
                .bind(batch.activity.uuid())
                .bind(batch.id.uuid())
                .fetch_optional(transaction.connection())
                .await
                .map_err(before_commit)?;
            fenced(written.is_some())
        };
        commit(transaction).await?;
        Ok(settled)
    }

    /// Tells what became of a batch, without writing anything.
    async fn look(&self, batch: &Batch) -> Result<Settled, JournalError> {
        let select = "SELECT seq, last_batch, owner_epoch FROM activities WHERE id = $1";
        let standing: Option<Standing> = sqlx::query_as(select)
            .bind(batch.activity.uuid())
            .fetch_optional(self.write.pool())
            .await
            .map_err(before_commit)?;
        Ok(match standing {
            Some(standing) if standing.2 == batch.epoch.0 as i64 => settled(batch, standing),
            standing => {
                fenced(standing.is_some_and(|(_, last_batch, _)| last_batch == Some(batch.id.uuid())))
            }
        })
    }
}

/// A statement whose arguments are collected first.
fn statement(
    sql: &'static str,
    arguments: SqliteArguments,
) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
    sqlx::query_with(sql, arguments)
}
