//! A Postgres of one's own for one run: on a free port, in a temporary folder, with `fsync` and `synchronous_commit` as
//! they come. It is ended by its process id, whatever happens.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::ServiceError;
use super::programs::{as_owner, hand_over};
use crate::clock;
use crate::throwaway::free_address;

const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(20);
/// How long a statement may take; the longest is a checkpoint.
const SAY_DEADLINE: Duration = Duration::from_secs(120);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A running server that belongs to this process.
#[derive(Debug)]
pub(super) struct ThrowawayPostgres {
    programs: PathBuf,
    port: u16,
    postmaster: Child,
    folder: TempDir,
}

impl ThrowawayPostgres {
    /// Makes a server, starts it, and waits until it accepts connections.
    pub(super) async fn start(programs: PathBuf) -> Result<Self, ServiceError> {
        let folder = tempfile::tempdir().map_err(ServiceError::run("postgres"))?;
        hand_over(folder.path())
            .await
            .map_err(ServiceError::run("postgres"))?;
        let data = folder.path().join("data");
        let made = as_owner(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args([
                "--username=turnout",
                "--auth=trust",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .current_dir(folder.path())
            .output()
            .await;
        succeeded("initdb", made)?;
        let port = free_address().map_err(ServiceError::run("postgres"))?.port();
        let postmaster = launch(&programs, folder.path(), port)?;
        let mut server = Self {
            programs,
            port,
            postmaster,
            folder,
        };
        server.wait_until_accepting().await?;
        Ok(server)
    }

    /// The first of its processes.
    pub(super) fn id(&self) -> Option<u32> {
        self.postmaster.id()
    }

    /// The address of a database.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://turnout@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database.
    pub(super) async fn create(&self, database: &str) -> Result<String, ServiceError> {
        self.say("postgres", &format!("CREATE DATABASE {database}"))
            .await?;
        Ok(self.url(database))
    }

    /// Removes one that nobody uses any more.
    pub(super) async fn drop_database(&self, database: &str) -> Result<(), ServiceError> {
        let drop = format!("DROP DATABASE {database} WITH (FORCE)");
        self.say("postgres", &drop).await.map(drop_text)
    }

    /// Writes out what it has in memory, so that everybody begins with a log that is as empty.
    pub(super) async fn checkpoint(&self) -> Result<(), ServiceError> {
        self.say("postgres", "CHECKPOINT").await.map(drop_text)
    }

    /// Transactions of a database so far, as Postgres counts them: within a second or so.
    pub(super) async fn transactions(&self, database: &str) -> Result<u64, ServiceError> {
        let select =
            format!("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{database}'");
        let said = self.say("postgres", &select).await?;
        said.trim().parse().map_err(|_| ServiceError::Failed {
            program: "psql",
            log: said,
        })
    }

    /// Runs a statement and returns what it prints.
    async fn say(&self, database: &str, statement: &str) -> Result<String, ServiceError> {
        let said = timeout(SAY_DEADLINE, self.psql(database, statement).output()).await;
        succeeded("psql", said.unwrap_or_else(|late| Err(late.into())))
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"])
            .args(["--set", "ON_ERROR_STOP=1"])
            .arg("--dbname")
            .arg(self.url(database))
            .args(["--command", statement])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        psql
    }

    async fn wait_until_accepting(&mut self) -> Result<(), ServiceError> {
        let give_up_at = clock::now() + START_DEADLINE;
        while self.say("postgres", "SELECT 1").await.is_err() {
            let ended = self.postmaster.try_wait().ok().flatten();
            if ended.is_some() || clock::now() >= give_up_at {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                return Err(ServiceError::Failed {
                    program: "postgres",
                    log: log.unwrap_or_default(),
                });
            }
            sleep(POLL_EVERY).await;
        }
        Ok(())
    }
}

impl Drop for ThrowawayPostgres {
    fn drop(&mut self) {
        let id = self.postmaster.id().and_then(|id| i32::try_from(id).ok());
        let Some(id) = id.and_then(Pid::from_raw) else {
            return;
        };
        // At once, but not without the end of its shared memory, which would outlive it.
        let _ = kill_process(id, Signal::QUIT);
        let late = clock::now() + STOP_DEADLINE;
        while matches!(self.postmaster.try_wait(), Ok(None)) {
            if clock::now() > late {
                let _ = kill_process_group(id, Signal::KILL);
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn drop_text(_: String) {}

/// In a process group of its own: a signal from the terminal is for this process, which ends the server.
fn launch(programs: &Path, folder: &Path, port: u16) -> Result<Child, ServiceError> {
    let failed = ServiceError::run("postgres");
    let log = std::fs::File::create(folder.join("log")).map_err(&failed)?;
    as_owner(&programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1"])
        .args(["-c", "max_connections=400"])
        .args(["-c", "shared_buffers=256MB"])
        // No checkpoint in the middle of what is timed: there is one before each measurement.
        .args(["-c", "max_wal_size=8GB", "-c", "checkpoint_timeout=1h"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(failed)
}

/// What a program printed, if it did what it should.
fn succeeded(program: &'static str, output: std::io::Result<Output>) -> Result<String, ServiceError> {
    let output = output.map_err(ServiceError::run(program))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(ServiceError::Failed {
            program,
            log: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}
