//! The lease by which this process owns its activities, renewed while it serves.
//!
//! The lease gives liveness: nobody else takes an activity while it holds. Safety does not rest on it, since every
//! write is guarded by the owner's epoch; but reads are, so whoever is not sure to hold the lease says nothing. It is
//! sure only by its own monotonic clock, counted from before it asked: a process that was stopped for a while knows
//! when it wakes that its time is over. That clock may have stood still where the database's has not, so a renewal
//! does not bridge a gap that the database saw either.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::Connection;

/// The database's clock, in microseconds since 1970.
pub(in crate::store) const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";

/// Renewals per time to live, so that two may fail.
const RENEWALS: u32 = 3;

/// Tries per time to live: how long the answer to one may stay away while there is something to lose by waiting.
const TRIES: u32 = 4;

/// The pause before a renewal that failed is tried again: whoever comes back late has lost what it owned.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A process that may own activities.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its identifier, the same after a restart.
    pub id: Uuid,
    /// How other nodes reach it.
    pub address: Option<String>,
    /// How long its lease holds without being renewed.
    pub ttl: Duration,
}

/// The lease of this process.
#[derive(Clone, Debug)]
pub struct Lease {
    node: Node,
    epoch: i64,
    tenure: Arc<Mutex<Tenure>>,
}

/// Renews a lease until it is dropped.
#[derive(Debug)]
pub struct Keeper {
    lease: Lease,
    pool: PgPool,
    renewing: JoinHandle<()>,
}

/// What became of a renewal.
enum Renewal {
    /// The lease holds.
    Held,
    /// By the database's clock it had run out, or it is somebody else's. It was left so.
    Lapsed,
    /// A younger process has taken it.
    Superseded,
}

/// An unbroken time of holding the lease.
#[derive(Debug)]
struct Tenure {
    number: u64,
    until: Instant,
}

impl Lease {
    /// Takes the lease, also from an earlier process of the same node.
    pub(in crate::store) async fn take(pool: &PgPool, node: Node) -> Result<Self, sqlx::Error> {
        let take = format!(
            "INSERT INTO nodes (id, epoch, address, expires_at) VALUES ($1, 1, $2, {NOW} + $3) \
             ON CONFLICT (id) DO UPDATE SET epoch = nodes.epoch + 1, address = excluded.address, \
               expires_at = excluded.expires_at \
             RETURNING epoch"
        );
        let asked = Instant::now();
        let epoch = Connection::acquire(pool)
            .await?
            .run(async |connection| {
                sqlx::query_scalar(sqlx::AssertSqlSafe(take))
                    .bind(node.id)
                    .bind(node.address.clone())
                    .bind(node.ttl.as_micros() as i64)
                    .fetch_one(connection)
                    .await
            })
            .await?;
        let until = asked + node.ttl;
        Ok(Self {
            node,
            epoch,
            tenure: Arc::new(Mutex::new(Tenure { number: 0, until })),
        })
    }

    /// Keeps the lease until what is returned is dropped.
    pub(in crate::store) fn keep(self, pool: PgPool) -> Keeper {
        let (lease, pool_of_renewals) = (self.clone(), pool.clone());
        let renewing = tokio::spawn(async move {
            let pool = pool_of_renewals;
            let usual = lease.node.ttl / RENEWALS;
            let mut pause = usual;
            loop {
                sleep(pause).await;
                let asked = Instant::now();
                pause = RETRY_PAUSE;
                match timeout(lease.patience(), lease.renew(&pool)).await {
                    Ok(Ok(Renewal::Held)) => {
                        lease.held_from(asked);
                        pause = usual;
                    }
                    Ok(Ok(Renewal::Lapsed)) => {
                        lease.end();
                        tracing::warn!(
                            "the lease has ended in the database: nothing is told from memory until it is held again"
                        );
                        pause = Duration::ZERO;
                    }
                    Ok(Ok(Renewal::Superseded)) => {
                        lease.end();
                        tracing::error!(
                            "a younger process runs with this node's id: this one owns nothing any more"
                        );
                        return;
                    }
                    Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
                    Err(_) => tracing::warn!("the lease could not be renewed in time"),
                }
            }
        });
        Keeper {
            lease: self,
            pool,
            renewing,
        }
    }

    /// How long the answer to a renewal may stay away. A connection that hangs must leave time for a new one; when
    /// the lease is over there is no hurry, and a slow way to the database gets its chance.
    fn patience(&self) -> Duration {
        match self.current() {
            Some(_) => self.node.ttl / TRIES,
            None => self.node.ttl,
        }
    }

    /// Renews, within a tenure only where there was no gap by the database's clock. After the end of a tenure there is
    /// no tenure to bridge a gap with; so it does not matter which answers were lost on the way.
    async fn renew(&self, pool: &PgPool) -> Result<Renewal, sqlx::Error> {
        let in_tenure = self.current().is_some();
        // Somebody who claims may hold the row, so the time is looked at when it is ours.
        let renew = format!(
            "WITH present AS MATERIALIZED \
               (SELECT id, expires_at FROM nodes WHERE id = $1 AND epoch = $2 FOR UPDATE) \
             UPDATE nodes SET expires_at = {NOW} + $3 FROM present \
             WHERE nodes.id = present.id AND (present.expires_at > {NOW} OR NOT $4)"
        );
        let renewed = Connection::acquire(pool)
            .await?
            .run(async |connection| {
                sqlx::query(sqlx::AssertSqlSafe(renew))
                    .bind(self.node.id)
                    .bind(self.epoch)
                    .bind(self.node.ttl.as_micros() as i64)
                    .bind(in_tenure)
                    .execute(connection)
                    .await
            })
            .await?;
        Ok(match renewed.rows_affected() {
            1 => Renewal::Held,
            _ if in_tenure => Renewal::Lapsed,
            _ => Renewal::Superseded,
        })
    }

    /// The number of the present tenure; none while it is not sure that the lease holds. It rises whenever there was
    /// a gap, in which others may have taken what was owned.
    pub(in crate::store) fn current(&self) -> Option<u64> {
        let tenure = self.tenure();
        (Instant::now() < tenure.until).then_some(tenure.number)
    }

    /// Who claims, and by which epoch of its own.
    pub(in crate::store) fn claimant(&self) -> (Uuid, i64) {
        (self.node.id, self.epoch)
    }

    /// The lease holds for its time to live from this moment.
    fn held_from(&self, asked: Instant) {
        let mut tenure = self.tenure();
        if Instant::now() >= tenure.until {
            tenure.number += 1;
        }
        tenure.until = asked + self.node.ttl;
    }

    /// It is not sure of anything any more.
    fn end(&self) {
        self.tenure().until = Instant::now();
    }

    fn tenure(&self) -> std::sync::MutexGuard<'_, Tenure> {
        self.tenure
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Keeper {
    /// Gives the lease up, so that others need not wait for its end.
    pub(in crate::store) async fn give_up(&self) {
        self.renewing.abort();
        let lease = &self.lease;
        lease.end();
        let end = "UPDATE nodes SET expires_at = 0 WHERE id = $1 AND epoch = $2";
        let ended = sqlx::query(end)
            .bind(lease.node.id)
            .bind(lease.epoch)
            .execute(&self.pool);
        match timeout(lease.node.ttl, ended).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be given up; it ends by itself"),
            // By now it has.
            Err(_) => tracing::warn!("the lease could not be given up in time"),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}
