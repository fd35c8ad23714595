//! Postgres's own ways: its settings for every connection, and what its error codes mean.

mod connection;
mod lease;
mod migrating;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use super::db::{ACQUIRE_TIMEOUT, LOOKUP_CONNECTIONS};
use super::failure::Failure;
use super::{Db, OpenError};
use crate::config::PostgresServer;

pub(super) use connection::{ANSWER_TIMEOUT, Connection};
pub use lease::Node;
pub(super) use lease::{Keeper, Lease, NOW};
pub(super) use migrating::migrate;

/// How long a statement may take before Postgres ends it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a statement waits for a lock: one locked row holds up all that share its statement.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a transaction may do nothing before Postgres ends it and its locks.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections for merged statements alone: for two ordinary ones and one of suspects, and as many again, because a
/// connection is asked whether it lives before the next one gets it.
const COMMIT_CONNECTIONS: u32 = 6;
/// Connections for the rest of the journal: claiming, creating, settling, following a cancellation.
const JOURNAL_CONNECTIONS: u32 = 4;
/// Connections for the lease: for a renewal, and for the next one while that hangs.
const LEASE_CONNECTIONS: u32 = 2;
/// How long a connection may lie unused. What is between here and the database forgets silent ones, and tells nobody.
const UNUSED_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens the database, which is there.
pub(super) async fn open(server: &PostgresServer, readers: u32) -> Result<Db, OpenError> {
    let failed = |error| OpenError::Open(server.to_string(), error);
    let options = options(server.url().expose().parse().map_err(failed)?);
    let journal = pool(&options, JOURNAL_CONNECTIONS, false);
    if fsync(&journal, &options).await.map_err(failed)? != "on" {
        return Err(OpenError::Careless(server.to_string(), "fsync = off"));
    }
    Ok(Db::Postgres {
        commits: pool(&for_commits(&options), COMMIT_CONNECTIONS, false),
        journal,
        renewals: pool(&options, LEASE_CONNECTIONS, false),
        read: pool(&options, readers, true),
        lookup: pool(&options, LOOKUP_CONNECTIONS, true),
        keeper: Arc::new(OnceLock::new()),
    })
}

/// Whether the server syncs what it commits, in its own words.
async fn fsync(pool: &PgPool, options: &PgConnectOptions) -> Result<String, sqlx::Error> {
    let show = "SHOW fsync";
    match sqlx::query_scalar(show).fetch_one(pool).await {
        // A pool waits for a server that is just starting, but does not say what was in the way.
        Err(sqlx::Error::PoolTimedOut) => {
            let mut connection = connection::in_time(PgConnection::connect_with(options)).await?;
            sqlx::query_scalar(show).fetch_one(&mut connection).await
        }
        shown => shown,
    }
}

/// Connections with what holds for all of them.
fn options(address: PgConnectOptions) -> PgConnectOptions {
    let ms = |limit: Duration| limit.as_millis().to_string();
    let options = address.application_name("turnout").options([
        ("statement_timeout", ms(STATEMENT_TIMEOUT)),
        ("lock_timeout", ms(LOCK_TIMEOUT)),
        ("idle_in_transaction_session_timeout", ms(IDLE_TIMEOUT)),
        // What was acknowledged must survive, whatever the server's default is.
        ("synchronous_commit", "on".to_owned()),
    ]);
    // What is slow is for metrics to say.
    sqlx::ConnectOptions::disable_statement_logging(options)
}

/// Connections that find every row by its key, with statements whose text never changes: each is planned once, and not
/// anew for the arrays that are bound. A plan made while tables are small must not read them whole when they have grown.
fn for_commits(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("jit", "off"),
    ])
}

/// A pool that connects when somebody needs it: one that nobody uses takes nothing from the database.
///
/// `tested` connections are asked whether they live before they are used, within the time for getting one: what
/// is asked on them has no other end. What uses the others ends by itself, by [`Connection`], and needs one round trip
/// less so.
fn pool(options: &PgConnectOptions, connections: u32, tested: bool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(UNUSED_TIMEOUT)
        .test_before_acquire(tested)
        // What was left in the middle of something is asked before others get it, and not for ever. The library asks
        // once more by itself, without an end, but only whom this has found to live.
        .after_release(move |connection, _| {
            Box::pin(async move {
                if tested {
                    connection::in_time(is_writable(connection)).await
                } else {
                    connection::in_time(connection.ping()).await.map(|()| true)
                }
            })
        })
        .connect_lazy_with(options.clone())
}

/// Whether the database at the other end takes writes. A standby does not, and shows what was.
async fn is_writable(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let show = "SHOW transaction_read_only";
    let read_only: String = sqlx::query_scalar(show).fetch_one(connection).await?;
    Ok(read_only == "off")
}

/// Tells failures apart, by SQLSTATE.
pub(super) fn failure(code: &str) -> Failure {
    match code {
        // Serialization, deadlock, lock time-out, cancelled or out of time, read only.
        "40001" | "40P01" | "55P03" | "57014" | "25006" => Failure::Unavailable,
        // Ended by an administrator, a crash or a shutdown: the connection is gone with it.
        "57P01" | "57P02" | "57P03" | "57P05" => Failure::Lost,
        _ => match code.get(..2).unwrap_or_default() {
            // Connection exceptions.
            "08" => Failure::Lost,
            // Data, and constraints.
            "22" | "23" => Failure::Refused,
            // Insufficient resources, limits, and the system around the database.
            "53" | "54" | "58" => Failure::Unavailable,
            _ => Failure::Other,
        },
    }
}

/// Whether the same statement may well succeed at once: Postgres has ended it in favour of somebody else's. With the
/// settings of our connections that is rare: none is serializable unless the server's default says so, and of a deadlock
/// it hears only where `deadlock_timeout`, usually 1 s, is less than [`LOCK_TIMEOUT`]. Else that ends the wait first.
pub(super) fn is_worth_a_retry(error: &sqlx::Error) -> bool {
    has_code(error, &["40001", "40P01"])
}

/// Whether the statement waited too long for a lock that somebody else holds, perhaps while they waited for one of its
/// own.
pub(super) fn is_blocked(error: &sqlx::Error) -> bool {
    has_code(error, &["55P03"])
}

/// Whether the database at the other end takes no writes, as a standby does not: nothing was written, and nothing ever
/// will be on this connection.
fn is_read_only(error: &sqlx::Error) -> bool {
    has_code(error, &["25006"])
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|reason| reason.code());
    code.is_some_and(|code| codes.contains(&&*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_what_was_refused_what_may_work_later_and_what_is_not_known() {
        for (code, kind) in [
            ("23505", Failure::Refused),
            ("23514", Failure::Refused),
            ("22021", Failure::Refused),
            ("40P01", Failure::Unavailable),
            ("53100", Failure::Unavailable),
            ("55P03", Failure::Unavailable),
            ("57014", Failure::Unavailable),
            ("57P01", Failure::Lost),
            ("08006", Failure::Lost),
            ("25006", Failure::Unavailable),
            ("42P01", Failure::Other),
        ] {
            assert_eq!(failure(code), kind, "{code}");
        }
    }
}
