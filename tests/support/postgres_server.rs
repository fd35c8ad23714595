//! A Postgres server of one test, which can be killed, stopped, paused and started again on the same data.
//!
//! `scripts/with-services` says in `TURNOUT_TEST_POSTGRES_BIN` where its programs are.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, geteuid};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::Instant;

use super::database::database_on;
use super::processes::{children_of, free_port, pause, signal, until_gone};

/// The folder of the programs.
const PROGRAMS: &str = "TURNOUT_TEST_POSTGRES_BIN";
/// Postgres refuses to run as root, so it runs as this user then.
const USER: &str = "postgres";
const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) struct PostgresServer {
    folder: TempDir,
    port: u16,
    postmaster: Option<Child>,
}

impl PostgresServer {
    /// A new server that accepts connections.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        if geteuid().is_root() {
            let owned = Command::new("chown").arg(USER).arg(folder.path()).status();
            assert!(owned.unwrap().success());
        }
        let mut server = Self {
            folder,
            port: free_port(),
            postmaster: None,
        };
        let made = program("initdb")
            .arg("--pgdata")
            .arg(server.data())
            .args([
                "--username=turnout",
                "--auth=trust",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.start_again().await;
        server
    }

    /// The address of the database that belongs to a folder, made if it is missing.
    pub(crate) fn database_of(&self, folder: &Path) -> String {
        database_on(&self.url(), folder)
    }

    /// Kills every process of it at once, without warning.
    pub(crate) async fn kill(&mut self) {
        let children = self.freeze().await;
        for child in &children {
            signal(*child, Signal::KILL);
        }
        let mut postmaster = self.postmaster.take().expect("it was started");
        postmaster.kill().unwrap();
        postmaster.wait().unwrap();
        // Nobody may start on data that somebody still holds.
        for child in children {
            until_gone(child).await;
        }
    }

    /// Kills the one process that runs a statement that begins so, or ran one last. Returns once Postgres has noticed:
    /// it ends all sessions then.
    pub(crate) async fn kill_backend(&self, statement: &str) {
        let mut witness = PgConnection::connect(&self.url()).await.unwrap();
        let find = "SELECT pid FROM pg_stat_activity WHERE starts_with(query, $1) \
                    ORDER BY state = 'active' DESC, state_change DESC LIMIT 1";
        let id: i32 = sqlx::query_scalar(find)
            .bind(statement)
            .fetch_one(&mut witness)
            .await
            .unwrap();
        signal(id.try_into().unwrap(), Signal::KILL);
        let noticed = async { while witness.ping().await.is_ok() {} };
        tokio::time::timeout(DEADLINE, noticed)
            .await
            .expect("Postgres ends all sessions");
    }

    /// Stops it as its operators do: transactions are rolled back, sessions are ended.
    pub(crate) async fn stop(&mut self) {
        signal(self.id(), Signal::INT);
        until_gone(self.id()).await;
        let mut postmaster = self.postmaster.take().expect("it was started");
        assert!(postmaster.wait().unwrap().success(), "{}", self.log());
    }

    /// Stops every process of it where it is, without its knowing.
    pub(crate) async fn pause(&self) {
        for child in self.freeze().await {
            pause(child).await;
        }
    }

    /// Lets everything go on as if nothing had happened.
    pub(crate) fn resume(&self) {
        for id in children_of(self.id()) {
            signal(id, Signal::CONT);
        }
        signal(self.id(), Signal::CONT);
    }

    /// Starts it on the port and the data that it had before, and returns once it accepts connections.
    pub(crate) async fn start_again(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let port = self.port.to_string();
        let postmaster = program("postgres")
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.folder.path())
            .args(["-p", &port, "-c", "listen_addresses=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.postmaster = Some(postmaster);
        self.until_accepting().await;
    }

    /// Waits until it accepts connections.
    pub(crate) async fn until_accepting(&mut self) {
        let url = self.url();
        let accepting = async {
            while PgConnection::connect(&url).await.is_err() {
                let postmaster = self.postmaster.as_mut().expect("it was started");
                let ended = postmaster.try_wait().unwrap();
                assert!(ended.is_none(), "Postgres ended: {ended:?}");
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(DEADLINE, accepting).await.is_err() {
            panic!("Postgres accepts no connections:\n{}", self.log());
        }
    }

    /// Stops the first process, and returns the others: there will be no more of them.
    async fn freeze(&self) -> Vec<u32> {
        pause(self.id()).await;
        children_of(self.id())
    }

    fn id(&self) -> u32 {
        self.postmaster.as_ref().expect("it was started").id()
    }

    fn url(&self) -> String {
        format!("postgres://turnout@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log of Postgres:\n{}", self.log());
        }
        if self.postmaster.is_none() {
            return;
        }
        // It may be paused.
        self.resume();
        let children = children_of(self.id());
        // At once, but not without the end of its shared memory, which would outlive it.
        signal(self.id(), Signal::QUIT);
        let mut postmaster = self.postmaster.take().expect("it was started");
        let late = Instant::now() + DEADLINE;
        while matches!(postmaster.try_wait(), Ok(None)) {
            if Instant::now() > late {
                children.iter().for_each(|child| signal(*child, Signal::KILL));
                let _ = postmaster.kill();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// A program of Postgres, run as somebody who may.
fn program(name: &str) -> Command {
    let folder = std::env::var(PROGRAMS).unwrap_or_else(|_| {
        panic!("{PROGRAMS} says where the programs of Postgres are; scripts/with-services sets it")
    });
    let path = Path::new(&folder).join(name);
    if !geteuid().is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            &format!("--reuid={USER}"),
            &format!("--regid={USER}"),
            "--clear-groups",
        ])
        .arg(path);
    command
}
