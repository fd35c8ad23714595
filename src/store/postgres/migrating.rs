//! Bringing the schema up to date while others may be doing the same, or serving.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgPool};
use tokio::time::Instant;

/// How long a start waits for another process that migrates, and a migration for somebody who is in its way.
const WAIT: Duration = Duration::from_secs(60);
/// The code of a lock that was not to be had in time.
const LOCKED: &str = "55P03";

/// Runs the migrations that are missing, or waits while another process does.
pub(in crate::store) async fn migrate(migrations: &Migrator, pool: &PgPool) -> Result<(), MigrateError> {
    // What is set here must not stay with a connection that commits.
    let mut connection = pool.acquire().await?.detach();
    // A migration takes as long as it takes. For a lock it waits no longer than others do, because everybody who
    // comes after it waits behind it; then it lets them pass and asks again. That something is there already is no
    // news at a start.
    sqlx::raw_sql("SET statement_timeout = 0; SET client_min_messages = warning")
        .execute(&mut connection)
        .await?;
    let begun = Instant::now();
    let mut told = false;
    loop {
        match migrations.run_direct(None, &mut connection, false).await {
            Err(error) if is_locked(&error) && begun.elapsed() < WAIT => {
                if !told {
                    tracing::info!(
                        "waiting for another process that migrates the database or is in the way of it"
                    );
                }
                told = true;
            }
            result => {
                // Ending the connection gives up the lock that keeps others from migrating, also after an error.
                let _ = connection.close().await;
                return result;
            }
        }
    }
}

fn is_locked(error: &MigrateError) -> bool {
    let (MigrateError::Execute(reason) | MigrateError::ExecuteMigration(reason, _)) = error else {
        return false;
    };
    reason
        .as_database_error()
        .and_then(|reason| reason.code())
        .as_deref()
        == Some(LOCKED)
}
