//! One connection in use: it answers in time, or nobody uses it again.

use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::timeout;

use super::{STATEMENT_TIMEOUT, is_read_only};
use crate::store::failure::is_lost;

/// How long the answer to a statement may stay away: somewhat longer than the database itself allows it.
pub(in crate::store) const ANSWER_TIMEOUT: Duration =
    STATEMENT_TIMEOUT.saturating_add(Duration::from_secs(2));

/// A connection in use. One that is dropped in the middle of something, or was lost, never goes back to its pool:
/// nobody knows what it would answer next. Neither does one that leads to a database which takes no writes.
pub(in crate::store) struct Connection {
    pool: PgPool,
    held: Option<PoolConnection<Postgres>>,
}

impl Connection {
    /// Takes one from the pool. That fails before anything was asked of the database.
    pub(in crate::store) async fn acquire(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self {
            held: Some(pool.acquire().await?),
            pool: pool.clone(),
        })
    }

    /// Runs something, and gives the connection back if that was answered. After an error by which it was lost only
    /// asking anew tells what the database has done.
    pub(in crate::store) async fn run<T>(
        mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let connection = self.held.as_mut().expect("it is given back only at the end");
        let answer = in_time(work(connection)).await;
        if answer
            .as_ref()
            .is_err_and(|error| is_lost(error) || is_read_only(error))
        {
            forsake_idle(&self.pool);
        } else {
            drop(self.held.take());
        }
        answer
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(connection) = self.held.take() {
            drop(connection.detach());
        }
    }
}

/// What ended one connection has probably ended those beside it. Whoever comes next gets a new one, instead of finding
/// that out on each of them, one time-out after the other.
fn forsake_idle(pool: &PgPool) {
    while let Some(idle) = pool.try_acquire() {
        drop(idle.detach());
    }
}

/// Whatever is not answered in time counts as lost: a network that went away tells nobody.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(ANSWER_TIMEOUT, answer)
        .await
        .unwrap_or_else(|late| Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, late))))
}
