//! Somebody outside who holds activities' rows, and sees who waits for them.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::support::MERGED_COMMIT;

pub(super) struct Locker {
    holding: PgConnection,
    holder: i32,
    looking: PgConnection,
}

impl Locker {
    pub(super) async fn new(database: &str) -> Self {
        let mut holding = PgConnection::connect(database).await.unwrap();
        let holder = sqlx::query_scalar("SELECT pg_backend_pid()");
        Self {
            holder: holder.fetch_one(&mut holding).await.unwrap(),
            holding,
            looking: PgConnection::connect(database).await.unwrap(),
        }
    }

    /// Holds the row of an activity from now on.
    pub(super) async fn lock(&mut self, activity: &str) {
        let lock = "SELECT id FROM activities WHERE id = $1 FOR UPDATE";
        sqlx::query("BEGIN").execute(&mut self.holding).await.unwrap();
        let _: Uuid = sqlx::query_scalar(lock)
            .bind(Uuid::parse_str(activity).unwrap())
            .fetch_one(&mut self.holding)
            .await
            .unwrap();
    }

    pub(super) async fn unlock(&mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.holding).await.unwrap();
    }

    /// The commits that wait for the row: their backends, and the ports of their connections.
    pub(super) async fn blocked_commits(&mut self) -> Vec<(i32, u16)> {
        let blocked = format!(
            "SELECT pid, client_port FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock' AND starts_with(query, '{MERGED_COMMIT}') \
                       AND $1 = ANY (pg_blocking_pids(pid))"
        );
        let blocked: Vec<(i32, i32)> = sqlx::query_as(sqlx::AssertSqlSafe(blocked))
            .bind(self.holder)
            .fetch_all(&mut self.looking)
            .await
            .unwrap();
        blocked
            .into_iter()
            .map(|(backend, port)| (backend, port as u16))
            .collect()
    }

    /// Whether this backend waits for the row.
    pub(super) async fn is_blocked(&mut self, backend: i32) -> bool {
        sqlx::query_scalar("SELECT $2 = ANY (pg_blocking_pids($1))")
            .bind(backend)
            .bind(self.holder)
            .fetch_one(&mut self.looking)
            .await
            .unwrap()
    }

    /// Whether somebody waits for this backend, in order to find out what became of its commit.
    pub(super) async fn is_waited_for(&mut self, backend: i32) -> bool {
        let waiting = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                       AND query LIKE 'UPDATE activities SET owner_epoch = owner_epoch + 1%' \
                       AND $1 = ANY (pg_blocking_pids(pid)))";
        sqlx::query_scalar(waiting)
            .bind(backend)
            .fetch_one(&mut self.looking)
            .await
            .unwrap()
    }
}
