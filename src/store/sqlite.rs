//! SQLite's own ways: its one writing transaction, and what its result codes mean.

mod open;

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Sqlite, SqlitePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::db::ACQUIRE_TIMEOUT;
use super::failure::Failure;

pub(super) use open::{open, prepare};

/// Everybody's way to the one connection that writes. SQLite knows one writer at a time; waiting for this
/// connection is fair and cheap, running into each other's locks is neither.
///
/// Batches of decisions go first. All others (accounts, new activities, claims) pass a turnstile one by one, so
/// however many there are, a batch waits for at most one of them.
#[derive(Clone, Debug)]
pub struct Writer {
    pool: SqlitePool,
    turnstile: Arc<Semaphore>,
}

impl Writer {
    /// A writer on a pool of one connection.
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            turnstile: Arc::new(Semaphore::new(1)),
        }
    }

    /// Begins a transaction for batches of decisions.
    pub(super) async fn begin_first(&self) -> Result<Writing, sqlx::Error> {
        Writing::begin(&self.pool, None).await
    }

    /// Begins any other transaction.
    pub(super) async fn begin(&self) -> Result<Writing, sqlx::Error> {
        let turn = self.turnstile.clone().acquire_owned();
        let turn = timeout(ACQUIRE_TIMEOUT, turn)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        Writing::begin(&self.pool, Some(turn)).await
    }

    /// The connection itself, for what brings its own transactions, or none.
    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

/// The one transaction that may write. Nobody else writes meanwhile, so what was read in it still holds when it
/// writes.
///
/// A transaction that does not end well takes its connection with it. SQLite may have rolled it back by itself,
/// or not, and whoever guesses wrong finds every later transaction refused; a new connection knows where it
/// stands.
pub(super) struct Writing {
    connection: PoolConnection<Sqlite>,
    ended_well: bool,
    /// Given back after the connection, which is the field before it.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Writing {
    /// Begins. A deferred transaction would read first and find only later that it cannot write.
    async fn begin(pool: &SqlitePool, turn: Option<OwnedSemaphorePermit>) -> Result<Self, sqlx::Error> {
        let mut writing = Self {
            connection: pool.acquire().await?,
            ended_well: false,
            _turn: turn,
        };
        sqlx::query("BEGIN IMMEDIATE")
            .execute(writing.connection())
            .await?;
        Ok(writing)
    }

    /// What statements run on.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Ends. Whatever goes wrong here leaves open whether it was written.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("COMMIT").execute(self.connection()).await?;
        self.ended_well = true;
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.ended_well {
            self.connection.close_on_drop();
        }
    }
}

/// Tells failures apart, by SQLite's primary result codes.
pub(super) fn failure(code: Option<&str>) -> Failure {
    match primary_code(code) {
        // Too big, constraint, mismatch, range.
        Some(18 | 19 | 20 | 25) => Failure::Refused,
        // Busy, locked, read-only, I/O, full, cannot open.
        Some(5 | 6 | 8 | 10 | 13 | 14) => Failure::Unavailable,
        _ => Failure::Other,
    }
}

fn primary_code(code: Option<&str>) -> Option<u32> {
    Some(code?.parse::<u32>().ok()? & 0xff)
}

/// After a failed sync the operating system may have dropped what it could not write, and a second attempt
/// would report success without it. Only reading the file anew tells what is there, so the process ends.
pub(super) fn exit_if_sync_failed(error: &sqlx::Error) {
    const FSYNC: &str = "1034";
    const DIRECTORY_FSYNC: &str = "1290";
    let code = error.as_database_error().and_then(|reason| reason.code());
    if matches!(code.as_deref(), Some(FSYNC | DIRECTORY_FSYNC)) {
        tracing::error!(%error, "the disk did not take a sync: the server ends, to start from what is really there");
        std::process::exit(74);
    }
}
