//! The journal on Postgres: one statement per merged commit, and statements of its own for everything else.

mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use tokio::time::{sleep, timeout};
use turnout_actors::domain::{ActivityId, CancelReason, History, Keyed, RsvpId, Seq, Status, Timestamp};
use turnout_actors::ports::{
    Batch, Clock, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Recount, Settled,
};
use uuid::Uuid;

use super::errors::{before_commit, in_doubt};
use super::loading::Claimed;
use super::{ACTIVITY_COLUMNS, HISTORY, loading};
use crate::store::postgres::{ANSWER_TIMEOUT, Connection, Lease, NOW, is_blocked, is_worth_a_retry};
use crate::store::{Db, meta};

/// How often a commit is tried again that Postgres gave up for somebody else's, and the first pause before that.
const RETRIES_MAX: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// The journal in a Postgres database.
#[derive(Clone)]
pub struct PostgresJournal {
    /// Connections for merged commits alone: nothing else that waits keeps one from its turn.
    commits: PgPool,
    /// Connections for everything else that writes.
    others: PgPool,
    db: Db,
    lease: Lease,
    clock: Arc<dyn Clock>,
}

/// How writing ended, where it ended clearly.
enum Attempt {
    /// These activities fitted, and are written.
    Written(HashSet<Uuid>),
    /// Somebody outside held something for too long; nothing is written.
    Blocked(sqlx::Error),
}

impl PostgresJournal {
    /// A journal on an open database, with these connections for commits and for everything else that writes.
    pub fn new(db: Db, commits: PgPool, others: PgPool, lease: Lease, clock: Arc<dyn Clock>) -> Self {
        Self {
            commits,
            others,
            db,
            lease,
            clock,
        }
    }

    /// Writes batches in one statement, and returns which activities fitted.
    async fn write(&self, batches: &[&Batch]) -> Result<Attempt, JournalError> {
        if batches.is_empty() {
            return Ok(Attempt::Written(HashSet::new()));
        }
        let mut tries = 0;
        loop {
            let connection = connection(&self.commits).await?;
            let result = connection
                .run(async |connection| write::batches(connection, batches).await)
                .await;
            match result {
                Err(error) if is_worth_a_retry(&error) && tries < RETRIES_MAX => {
                    sleep(RETRY_PAUSE * 2_u32.pow(tries)).await;
                    tries += 1;
                }
                Err(error) if is_blocked(&error) => return Ok(Attempt::Blocked(error)),
                result => return result.map(Attempt::Written).map_err(in_doubt),
            }
        }
    }

    /// Which of these activities somebody else holds.
    async fn blocked(&self, batches: &[&Batch]) -> Result<HashSet<Uuid>, JournalError> {
        // It alone was in the statement.
        if let [batch] = batches {
            return Ok(HashSet::from([batch.activity.uuid()]));
        }
        connection(&self.commits)
            .await?
            .run(async |connection| write::blocked(connection, batches).await)
            .await
            .map_err(before_commit)
    }
}

async fn connection(pool: &PgPool) -> Result<Connection, JournalError> {
    Connection::acquire(pool).await.map_err(before_commit)
}

/// What has no other end: a lost connection may never say so, and whoever waits holds a place in the engine.
async fn in_time<T>(answer: impl Future<Output = Result<T, JournalError>>) -> Result<T, JournalError> {
    timeout(ANSWER_TIMEOUT, answer)
        .await
        .unwrap_or_else(|late| Err(JournalError::Unavailable(late.into())))
}

#[async_trait]
impl Journal for PostgresJournal {
    async fn history_after(&self, known: History) -> Result<History, JournalError> {
        // Whether it was raised in the end is seen by whoever asks next.
        in_time(async {
            let present = meta::history_after(&self.db, known).await;
            present.map_err(|error| JournalError::Unavailable(error.into()))
        })
        .await
    }

    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        let connection = connection(&self.others).await?;
        connection
            .run(async |connection| write::creation(connection, &new).await)
            .await
            .map_err(in_doubt)
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        // Whoever claims holds its own lease, and nobody else's holds on the activity. A statement that waited for the
        // activity's row looks at that row anew, but at other tables as they were when it began. So it locks the lease
        // that has run out, whose node cannot renew it meanwhile, and takes the row only from the owner that it saw.
        let claim = format!(
            "WITH seen AS MATERIALIZED (SELECT owner_node AS was FROM activities WHERE id = $1), \
               lapsed AS MATERIALIZED (SELECT 1 FROM nodes WHERE id <> $2 AND expires_at <= {NOW} \
                 AND id = (SELECT was FROM seen) FOR SHARE) \
             UPDATE activities SET owner_epoch = owner_epoch + 1, owner_node = $2 FROM seen \
             WHERE id = $1 AND owner_node IS NOT DISTINCT FROM was \
               AND EXISTS (SELECT 1 FROM nodes WHERE nodes.id = $2 AND nodes.epoch = $3 AND expires_at > {NOW}) \
               AND (was IS NULL OR was = $2 OR EXISTS (SELECT 1 FROM lapsed) \
                 OR NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = was)) \
             RETURNING owner_epoch, {HISTORY}, {ACTIVITY_COLUMNS}"
        );
        let (node, epoch) = self.lease.claimant();
        let connection = connection(&self.others).await?;
        // That a claim was made and its answer lost does no harm: the next one raises the epoch again.
        let claimed: Option<Claimed> = connection
            .run(async |connection| {
                sqlx::query_as(sqlx::AssertSqlSafe(claim))
                    .bind(id.uuid())
                    .bind(node)
                    .bind(epoch)
                    .fetch_optional(connection)
                    .await
            })
            .await
            .map_err(before_commit)?;
        let Some(claimed) = claimed else {
            return if loading::exists(&self.db, id).await? {
                Err(JournalError::Unavailable("another node owns the activity".into()))
            } else {
                Ok(None)
            };
        };
        let loaded = loading::claimed(&self.db, id, claimed, self.clock.now()).await?;
        Ok(Some(loaded))
    }

    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        let mut others: Vec<&Batch> = batches.iter().collect();
        let mut blocked = HashSet::new();
        let mut attempt = self.write(&others).await?;
        if let Attempt::Blocked(_) = &attempt {
            blocked = self.blocked(&others).await?;
            others.retain(|batch| !blocked.contains(&batch.activity.uuid()));
            // Where nobody is found, what was in the way was let go just then, or is nothing that a row shows.
            attempt = self.write(&others).await?;
        }
        let written = match attempt {
            Attempt::Written(written) => written,
            Attempt::Blocked(error) if blocked.is_empty() => return Err(before_commit(error)),
            // Somebody is in the way of the others, too, and nothing of anybody is written.
            Attempt::Blocked(_) => return Ok(vec![Landing::Blocked; batches.len()]),
        };
        let landing = |batch: &Batch| match batch.activity.uuid() {
            id if written.contains(&id) => Landing::Written,
            id if blocked.contains(&id) => Landing::Blocked,
            _ => Landing::Refused,
        };
        Ok(batches.iter().map(landing).collect())
    }

    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError> {
        let connection = connection(&self.others).await?;
        connection
            .run(async |connection| write::settle(connection, batch).await)
            .await
            .map_err(in_doubt)
    }

    fn tenure(&self) -> Option<u64> {
        self.lease.current()
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        in_time(loading::key(&self.db, id, seq)).await
    }

    async fn recount(&self, id: ActivityId) -> Result<Option<Recount>, JournalError> {
        in_time(loading::recount(&self.db, id)).await
    }

    async fn overdue(&self, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError> {
        in_time(loading::overdue(&self.db, before, most)).await
    }

    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError> {
        if after.is_none() && !in_time(loading::has_standing(&self.db, id)).await? {
            return Ok(None);
        }
        let connection = connection(&self.others).await?;
        let reason = CancelReason::ActivityCancelled;
        let followed: Vec<Uuid> = connection
            .run(async |connection| {
                sqlx::query_scalar(super::FOLLOW_CANCELLATION)
                    .bind(Status::Cancelled(reason).name())
                    .bind(reason.name())
                    .bind(id.uuid())
                    // No identifier is smaller.
                    .bind(after.map_or(Uuid::nil(), RsvpId::uuid))
                    .bind(i64::from(most))
                    .fetch_all(connection)
                    .await
            })
            .await
            .map_err(in_doubt)?;
        Ok(followed.into_iter().max().map(RsvpId::from))
    }
}
