//! Somebody else's connection to a test's database, of whichever kind it is.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, FromRow, PgConnection, SqliteConnection};

pub(crate) enum Outside {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Evaluates an expression with the connection at hand.
macro_rules! on {
    ($outside:expr, |$connection:ident| $run:expr) => {
        match $outside {
            Outside::Sqlite($connection) => $run,
            Outside::Postgres($connection) => $run,
        }
    };
}

impl Outside {
    /// Connects in order to change what is there.
    pub(crate) async fn connect(url: &str) -> Self {
        Self::open(url, false).await
    }

    /// Connects in order to look, and begins a transaction in which all that is seen is of one moment. A file is
    /// left as it is: whoever opens it next finds the same write-ahead log.
    pub(crate) async fn look(url: &str) -> Self {
        let mut outside = Self::open(url, true).await;
        let begin = match outside {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        };
        outside.run(begin).await;
        outside
    }

    async fn open(url: &str, read_only: bool) -> Self {
        if url.starts_with("postgres") {
            return Self::Postgres(PgConnection::connect(url).await.unwrap());
        }
        let options = SqliteConnectOptions::from_str(url).unwrap().read_only(read_only);
        Self::Sqlite(options.connect().await.unwrap())
    }

    /// Runs statements of which nothing is to be read.
    #[track_caller]
    pub(crate) fn run(&mut self, sql: &str) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        let asked = sql.to_owned();
        async move {
            let sql = sqlx::AssertSqlSafe(asked.clone());
            let ran = on!(self, |connection| sqlx::raw_sql(sql)
                .execute(connection)
                .await
                .map(|_| ()));
            ran.unwrap_or_else(|error| panic!("{at}: {asked}: {error}"));
        }
    }

    /// All rows of a query.
    pub(crate) async fn all<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        let asked = sqlx::AssertSqlSafe(sql.to_owned());
        let rows = on!(self, |connection| sqlx::query_as(asked)
            .fetch_all(connection)
            .await);
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) async fn close(self) {
        on!(self, |connection| connection.close().await).unwrap();
    }
}
