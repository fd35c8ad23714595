//! The database of one test: a file in the test's folder, or, where `TURNOUT_TEST_ON=postgres`, a database of its
//! own on the server that `TURNOUT_TEST_POSTGRES` names. `scripts/test` starts that server and runs the tests once
//! on each.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use turnout::config::{Config, Sources};
use turnout::ids::TimeOrderedIds;
use turnout::store::{Db, Node};
use turnout_actors::domain::Timestamp;
use turnout_actors::ports::{IdSource, Journal};
use turnout_actors::testing::ManualClock;
use url::Url;

/// How the statement begins by which the journal on Postgres commits.
pub(crate) const MERGED_COMMIT: &str = "WITH batch AS";

/// Which kind of database the tests run on: a file unless this says `postgres`.
const ON: &str = "TURNOUT_TEST_ON";
/// The address of a Postgres server, as somebody who may make databases.
const SERVER: &str = "TURNOUT_TEST_POSTGRES";

/// The address of the database that belongs to a folder.
pub(crate) fn database_of(folder: &Path) -> String {
    match std::env::var(ON).as_deref() {
        Ok("postgres") => postgres_of(folder),
        Err(_) | Ok("sqlite") => sqlite_of(folder),
        Ok(other) => panic!("{ON} is sqlite or postgres, not {other}"),
    }
}

/// Opens a database as a server does: its schema is up to date then.
pub(crate) async fn open(url: &str) -> Db {
    let environment = vec![("TURNOUT_DATABASE_URL".into(), url.into())];
    let config = Config::load(Sources {
        environment,
        ..Sources::default()
    })
    .unwrap();
    Db::open(&config.database, 2).await.unwrap()
}

/// The journal on a database, of a node of its own whose clock stands still.
pub(crate) async fn journal(url: &str) -> Arc<dyn Journal> {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
    open(url).await.journal(node(), clock).await.unwrap()
}

/// A node that nobody else is.
pub(crate) fn node() -> Node {
    Node {
        id: TimeOrderedIds.next(),
        address: None,
        ttl: Duration::from_secs(10),
    }
}

/// The address of a database file in a folder.
pub(crate) fn sqlite_of(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("turnout.db").display())
}

/// The address of the Postgres database that belongs to a folder, made if it is missing. Nobody drops it: the
/// server is thrown away.
pub(crate) fn postgres_of(folder: &Path) -> String {
    let server = std::env::var(SERVER)
        .unwrap_or_else(|_| panic!("{SERVER} says where Postgres is; scripts/test starts one and sets it"));
    database_on(&server, folder)
}

/// The address of the database that belongs to a folder, on a Postgres server that is named by the address of
/// another database.
pub(super) fn database_on(server: &str, folder: &Path) -> String {
    // Temporary folders have names of letters and digits behind a dot.
    let folder = folder.file_name().unwrap().to_str().unwrap();
    let name: String = folder.bytes().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("test_{name}");
    // Callers may be in the middle of their own runtime.
    std::thread::scope(|scope| scope.spawn(|| make(server, &name)).join().unwrap());
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// Where the server of a Postgres database listens.
pub(crate) fn server_of(database: &str) -> SocketAddr {
    let url = Url::parse(database).unwrap();
    url.socket_addrs(|| None).unwrap()[0]
}

/// The address of a Postgres database for those who reach its server by way of another address, and in plain words.
pub(crate) fn by_way_of(address: SocketAddr, database: &str) -> String {
    let mut url = Url::parse(database).unwrap();
    url.set_ip_host(address.ip()).unwrap();
    url.set_port(Some(address.port())).unwrap();
    url.set_query(Some("sslmode=disable"));
    url.into()
}

#[tokio::main(flavor = "current_thread")]
async fn make(server: &str, name: &str) {
    const EXISTS: &str = "42P04";
    let mut connection = PgConnection::connect(server).await.unwrap();
    let made = sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await;
    if let Err(error) = made {
        let code = error.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some(EXISTS), "{error}");
    }
    connection.close().await.unwrap();
}
