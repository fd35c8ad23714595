//! A server of the test's own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use turnout::app::{App, Outside, Running};
use turnout::config::{Config, Sources};

use super::request::Request;
use super::{Audit, SECRET, TestClock, audit, database_of, id_of};

pub(crate) struct Server {
    pub(crate) clock: Arc<TestClock>,
    running: Running,
    database: String,
    folder: TempDir,
    client: reqwest::Client,
}

/// Settings for a server with its database in a folder, listening on a free port.
pub(crate) fn config(folder: &Path) -> Config {
    config_on(&database_of(folder))
}

fn config_on(database: &str) -> Config {
    let environment = [
        ("TURNOUT_LISTEN", "127.0.0.1:0"),
        ("TURNOUT_DATABASE_URL", database),
        ("TURNOUT_JWT_SECRET", SECRET),
        ("TURNOUT_DB_POOL", "2"),
        // Each has a database of its own, so they may all be the same node.
        ("TURNOUT_NODE_ID", "00000000-0000-4000-8000-000000000001"),
    ];
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    Config::load(Sources {
        environment: environment.into(),
        ..Sources::default()
    })
    .unwrap()
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// A server with other settings than usual.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database_of(folder.path());
        let mut config = config_on(&database);
        change(&mut config);
        Self::start_in(folder, database, config, Arc::default()).await
    }

    /// A server with a database that does not belong to its folder.
    pub(crate) async fn start_on(database: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config_on(&database);
        Self::start_in(folder, database, config, Arc::default()).await
    }

    /// Stops it and starts another one with the same database and clock.
    pub(crate) async fn restart(self) -> Self {
        self.running.shutdown().await;
        audit(&self.database).await;
        let config = config_on(&self.database);
        Self::start_in(self.folder, self.database, config, self.clock).await
    }

    async fn start_in(folder: TempDir, database: String, config: Config, clock: Arc<TestClock>) -> Self {
        let outside = Outside {
            clock: clock.clone(),
            ..Outside::default()
        };
        let running = App::start_with(config, outside).await.unwrap();
        Self {
            clock,
            running,
            database,
            folder,
            client: reqwest::Client::new(),
        }
    }

    /// Stops it, and checks all that it has written.
    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
        audit(&self.database).await;
    }

    /// Checks all that it has written so far.
    pub(crate) async fn audit(&self) -> Audit {
        audit(&self.database).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// How many sockets the server has open.
    pub(crate) fn sockets_open(&self) -> usize {
        self.running.state().sockets.count()
    }

    /// How many snapshots of an activity were encoded since it is watched.
    pub(crate) fn snapshots_encoded(&self, path: &str) -> u64 {
        let activity = id_of(path).parse().unwrap();
        self.running.state().sockets.snapshots_encoded(activity)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A request to a path, which is below `/api/v1` unless it starts with two slashes.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request::new(&self.client, method, &format!("http://{}", self.address()), path)
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Registers somebody and returns the answer's body.
    pub(crate) async fn register(&self, name: &str) -> Value {
        let email = format!("{}@example.com", name.to_lowercase());
        let body = json!({"name": name, "email": email, "password": "correct horse"});
        self.post("/auth/register").json(&body).send().await.expect(201)
    }
}
