//! The database: opening it, migrating it, and running one text of SQL on whichever kind it is.
//!
//! Queries are written once, in the subset of SQL that SQLite and Postgres share, with `$1` placeholders, and
//! run by [`on_db!`] or [`in_transaction!`]. Apart from those macros, only what opens, migrates and closes a database and
//! chooses its journal knows the variants of [`Db`].

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgPool, SqlitePool};
use turnout_actors::ports::{Clock, Journal};

use super::journal::{PostgresJournal, SqliteJournal};
use super::lock::ServerLock;
use super::postgres::{Keeper, Lease, Node};
use super::sqlite::Writer;
use super::{StoreError, postgres, sqlite};
use crate::config::Database;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a query waits for a free connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections for looking up what commands depend on. Such queries are short, but for loading an activity.
pub(super) const LOOKUP_CONNECTIONS: u32 = 4;

/// A database that is open and has the current schema. Cheap to clone.
///
/// `read` is for lists. `lookup` is for what commands and log-ins depend on, so that no list, however slow, keeps
/// them from it.
#[derive(Clone, Debug)]
pub enum Db {
    /// A file, used by this process alone.
    Sqlite {
        /// The way to the one connection that writes.
        write: Writer,
        /// Connections that can only read, and always see the last committed state.
        read: SqlitePool,
        /// A few more of those.
        lookup: SqlitePool,
        /// Keeps a second server out.
        lock: Option<ServerLock>,
    },
    /// A server, which other processes may use too.
    Postgres {
        /// Connections for merged commits alone.
        commits: PgPool,
        /// Connections for the rest of the journal.
        journal: PgPool,
        /// Connections for the lease.
        renewals: PgPool,
        /// Connections for lists.
        read: PgPool,
        /// Connections for short queries, and for transactions outside of the journal.
        lookup: PgPool,
        /// Keeps the lease of a process that serves.
        keeper: Arc<OnceLock<Keeper>>,
    },
}

/// Why a database cannot be opened, in one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server is using it.
    #[error("another server is using {database} (it holds {lock})", database = .0.display(), lock = ServerLock::path(.0).display())]
    InUse(PathBuf),
    /// The folder or the lock file cannot be made.
    #[error("cannot make {path}", path = .0.display())]
    Files(PathBuf, #[source] io::Error),
    /// It is not a database, cannot be reached, or cannot be read or written.
    #[error("cannot open {0}")]
    Open(String, #[source] sqlx::Error),
    /// It would not keep what it says it has written.
    #[error("cannot use {0}: it runs with {1}, so what was acknowledged could be lost")]
    Careless(String, &'static str),
    /// A version of the program that knows more than this one has changed the schema.
    #[error(
        "cannot use {0}: a newer version of Turnout has changed its schema (by migration {1}, which this one does \
         not know); run that version"
    )]
    Newer(String, i64),
    /// The schema was made by another text than this version has.
    #[error(
        "cannot use {0}: migration {1} was applied to it in another form than this version of Turnout has; run the \
         version that applied it"
    )]
    Altered(String, i64),
    /// The schema cannot be brought up to date.
    #[error("cannot migrate {0}")]
    Migrate(String, #[source] MigrateError),
}

/// Runs a query on a connection pool: `on_db!(db.read, |pool| …)`, or `on_db!(db.lookup, …)` for what a command
/// depends on.
///
/// The expression is compiled once for each kind of database, with `pool` being that kind's, so a query's row
/// and argument types must fit them all.
///
/// ```text
/// let query = "SELECT name FROM users WHERE id = $1";
/// let name: Option<String> =
///     on_db!(db.read, |pool| sqlx::query_scalar(query).bind(id).fetch_optional(pool).await)?;
/// ```
macro_rules! on_db {
    ($db:ident . $purpose:ident, |$pool:ident| $run:expr) => {
        match &$db {
            $crate::store::Db::Sqlite { $purpose: $pool, .. } => $run,
            $crate::store::Db::Postgres { $purpose: $pool, .. } => $run,
        }
    };
}

/// Runs an expression in a transaction that writes, and commits: `in_transaction!(db, |tx| { … })`, where `tx`
/// is a connection to pass on as `&mut *tx`.
///
/// `?` inside leaves the surrounding function, and thereby rolls back. On SQLite nobody else writes meanwhile; on
/// Postgres others may, so what was read in it holds when it writes only where the statement says so.
macro_rules! in_transaction {
    ($db:ident, |$tx:ident| $run:expr) => {
        match &$db {
            $crate::store::Db::Sqlite { write, .. } => {
                let mut writing = write.begin().await?;
                let $tx = writing.connection();
                let outcome = $run;
                writing.commit().await?;
                outcome
            }
            $crate::store::Db::Postgres { lookup, .. } => {
                let mut transaction = lookup.begin().await?;
                let $tx = &mut *transaction;
                let outcome = $run;
                transaction.commit().await?;
                outcome
            }
        }
    };
}

pub(crate) use {in_transaction, on_db};

impl Db {
    /// Opens the database for a server: makes a file if it is missing and keeps other servers out of it, and brings
    /// the schema up to date.
    pub async fn open(database: &Database, readers: u32) -> Result<Self, OpenError> {
        let db = match database {
            Database::Sqlite(file) => {
                let lock = sqlite::prepare(file)?.ok_or_else(|| OpenError::InUse(file.path().to_owned()))?;
                sqlite::open(file, readers, Some(lock)).await?
            }
            Database::Postgres(server) => postgres::open(server, readers).await?,
        };
        db.migrate(database).await?;
        Ok(db)
    }

    /// Opens the database for a command, which may run beside a server. The schema is brought up to date unless a
    /// server has a file in use, which has done so.
    pub async fn open_beside_a_server(database: &Database) -> Result<Self, OpenError> {
        let Database::Sqlite(file) = database else {
            return Self::open(database, 1).await;
        };
        let lock = sqlite::prepare(file)?;
        let alone = lock.is_some();
        let db = sqlite::open(file, 1, lock).await?;
        if alone {
            db.migrate(database).await?;
        }
        Ok(db)
    }

    /// The journal that the engine writes to this database, as this node. The clock tells which keys are still
    /// kept. On Postgres this takes the node's lease, which is kept until the database is closed.
    pub async fn journal(&self, node: Node, clock: Arc<dyn Clock>) -> Result<Arc<dyn Journal>, StoreError> {
        Ok(match self {
            Self::Sqlite { write, .. } => Arc::new(SqliteJournal::new(self.clone(), write.clone(), clock)),
            Self::Postgres {
                commits,
                journal,
                renewals,
                keeper,
                ..
            } => {
                let lease = Lease::take(renewals, node).await?;
                let (commits, others) = (commits.clone(), journal.clone());
                let journal = PostgresJournal::new(self.clone(), commits, others, lease.clone(), clock);
                // A second journal of one database would be a second owner; its lease has just ended the first.
                let _ = keeper.set(lease.keep(renewals.clone()));
                Arc::new(journal)
            }
        })
    }

    /// Ends a query for rows that are to be deleted in passing, so that it finds only rows that nobody holds: two who
    /// delete at once need not wait for each other. On SQLite nobody does so at once.
    pub(super) fn unless_held(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "",
            Self::Postgres { .. } => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// How many commits may be under way at once.
    pub fn statements_max(&self) -> usize {
        match self {
            Self::Sqlite { .. } => 1,
            Self::Postgres { .. } => 2,
        }
    }

    /// Waits for queries in flight, closes all connections and lets the next server in.
    pub async fn close(&self) {
        match self {
            Self::Sqlite {
                write,
                read,
                lookup,
                lock,
            } => {
                // The writer goes last: its end folds the write-ahead log into the file.
                read.close().await;
                lookup.close().await;
                write.pool().close().await;
                if let Some(lock) = lock {
                    lock.release();
                }
            }
            Self::Postgres {
                commits,
                journal,
                renewals,
                read,
                lookup,
                keeper,
            } => {
                if let Some(keeper) = keeper.get() {
                    keeper.give_up().await;
                }
                renewals.close().await;
                commits.close().await;
                journal.close().await;
                read.close().await;
                lookup.close().await;
            }
        }
    }

    /// Brings the schema up to date. Of several processes that start at once, one does it and the others wait.
    async fn migrate(&self, database: &Database) -> Result<(), OpenError> {
        let migrated = match self {
            Self::Sqlite { write, .. } => SQLITE_MIGRATIONS.run(write.pool()).await,
            Self::Postgres { journal, .. } => postgres::migrate(&POSTGRES_MIGRATIONS, journal).await,
        };
        let shown = || database.to_string();
        migrated.map_err(|error| match error {
            MigrateError::VersionMissing(migration) => OpenError::Newer(shown(), migration),
            MigrateError::VersionMismatch(migration) => OpenError::Altered(shown(), migration),
            error => OpenError::Migrate(shown(), error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Sources};
    use crate::store::StoreError;

    fn file(folder: &Path) -> Database {
        let url = format!("sqlite://{}", folder.join("new/turnout.db").display());
        let environment = vec![("TURNOUT_DATABASE_URL".into(), url.into())];
        Config::load(Sources {
            environment,
            ..Sources::default()
        })
        .unwrap()
        .database
    }

    #[tokio::test]
    async fn a_second_server_is_kept_out_until_the_first_has_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let first = Db::open(&file, 1).await.unwrap();

        let refusal = Db::open(&file, 1).await.unwrap_err();
        assert!(matches!(refusal, OpenError::InUse(_)));
        assert!(
            refusal.to_string().starts_with("another server is using "),
            "{refusal}"
        );

        first.close().await;
        Db::open(&file, 1).await.unwrap().close().await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_database_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        std::fs::create_dir(file.data_folder()).unwrap();
        let db = Db::open(&file, 1).await.unwrap();
        for ending in ["", "-wal", "-shm"] {
            let name = format!("{file}{ending}");
            let mode = std::fs::metadata(&name).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        db.close().await;
    }

    #[tokio::test]
    async fn a_command_may_run_beside_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let server = Db::open(&file, 1).await.unwrap();
        let command = Db::open_beside_a_server(&file).await.unwrap();
        command.close().await;
        assert!(
            matches!(Db::open(&file, 1).await, Err(OpenError::InUse(_))),
            "the server's lock still holds"
        );
        server.close().await;
    }

    #[tokio::test]
    async fn an_acknowledged_write_is_on_disk_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&file(folder.path()), 1).await.unwrap();

        let Db::Sqlite {
            write, read, lookup, ..
        } = &db
        else {
            panic!("it is a file");
        };
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(write.pool())
            .await
            .unwrap();
        assert_eq!(synchronous, 2, "FULL");

        let delete = "DELETE FROM users";
        assert!(sqlx::query(delete).execute(write.pool()).await.is_ok());
        assert!(sqlx::query(delete).execute(read).await.is_err());
        assert!(sqlx::query(delete).execute(lookup).await.is_err());
        db.close().await;
    }

    #[tokio::test]
    async fn a_transaction_that_fails_leaves_nothing_behind() {
        async fn try_to_add(db: &Db, fail: bool) -> Result<(), StoreError> {
            let db = db.clone();
            let insert = "INSERT INTO revoked_sessions (sid, revoked_at, forget_at) VALUES ($1, $2, $3)";
            in_transaction!(db, |tx| {
                sqlx::query(insert)
                    .bind(&b"1"[..])
                    .bind(1_i64)
                    .bind(2_i64)
                    .execute(&mut *tx)
                    .await?;
                if fail {
                    sqlx::query("SELECT nonsense").execute(&mut *tx).await?;
                }
            });
            Ok(())
        }
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&file(folder.path()), 1).await.unwrap();

        assert!(matches!(try_to_add(&db, true).await, Err(StoreError::Failed(_))));
        assert!(
            try_to_add(&db, false).await.is_ok(),
            "the first attempt was rolled back"
        );
        assert!(matches!(try_to_add(&db, false).await, Err(StoreError::Failed(_))));
        db.close().await;
    }
}
