//! A server of one's own for one run: on a free port, in a temporary folder, gone when the run is over.
//!
//! It owns the process and ends only that, by its id.

use std::ffi::OsStr;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::clock;
use crate::health::{NotThere, wait_until_healthy};
use crate::run::Server;
use crate::target::Target;

/// How long a server may take until it serves.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long a server may take to drain before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// How much of the server's log is shown when it does not start.
const LOG_LINES_SHOWN: usize = 10;

/// A running server that belongs to this process.
#[derive(Debug)]
pub struct ThrowawayServer {
    child: Child,
    server: Server,
    place: Place,
}

/// What stays the same when it is started again.
#[derive(Debug)]
struct Place {
    program: PathBuf,
    settings: Vec<(String, String)>,
    address: SocketAddr,
    folder: TempDir,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ThrowawayError {
    /// There is no program at that path, or it does not run.
    #[error("cannot start {path}")]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No temporary folder, no free port.
    #[error("cannot prepare a place for a server")]
    Place(#[source] io::Error),
    /// It ended before it served.
    #[error("the server ended before it served ({status}):\n{log}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// It runs but does not say that it is healthy.
    #[error("the server did not serve within {} s:\n{log}", START_DEADLINE.as_secs())]
    NotHealthy {
        /// The end of its log.
        log: String,
    },
    /// Ending it failed.
    #[error("cannot end the server")]
    Stop(#[source] io::Error),
}

impl ThrowawayServer {
    /// Starts `program`, or the server that was built beside this program, with these settings beside its usual ones,
    /// and waits until it serves.
    pub async fn start(
        program: Option<&Path>,
        settings: &[(String, String)],
    ) -> Result<Self, ThrowawayError> {
        let path = match program {
            Some(path) => path.to_owned(),
            None => std::env::current_exe()
                .map_err(ThrowawayError::Place)?
                .with_file_name("turnout"),
        };
        let path = path
            .canonicalize()
            .map_err(|source| ThrowawayError::Start { path, source })?;
        let folder = tempfile::tempdir().map_err(ThrowawayError::Place)?;
        let address = free_address().map_err(ThrowawayError::Place)?;
        let secret = format!("{}{}", clock::run_id().simple(), clock::run_id().simple());
        let place = Place {
            program: path,
            settings: settings.to_vec(),
            address,
            folder,
        };
        let child = place.launch(&secret)?;
        let server = Server {
            target: Target::at(address),
            secret,
            pid: child.id(),
        };
        let mut started = Self { child, server, place };
        started.wait_until_healthy().await?;
        Ok(started)
    }

    /// Kills it without warning, starts it again where it was, and waits until it serves.
    pub async fn kill_and_start_again(&mut self) -> Result<(), ThrowawayError> {
        self.child.kill().await.map_err(ThrowawayError::Stop)?;
        self.child = self.place.launch(&self.server.secret)?;
        self.server.pid = self.child.id();
        self.wait_until_healthy().await
    }

    /// Stops it as its owner would, starts it again where it was, and waits until it serves. Answers how long the start
    /// took.
    pub async fn stop_and_start_again(&mut self) -> Result<Duration, ThrowawayError> {
        self.stop().await?;
        let began = clock::now();
        self.child = self.place.launch(&self.server.secret)?;
        self.server.pid = self.child.id();
        self.wait_until_healthy().await?;
        Ok(clock::now() - began)
    }

    /// Where it is and how it checks tokens.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Waits until it ends by itself, which it should not.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Leaves its folder behind, with its database and its log, and says where. Whatever still runs there is killed.
    pub fn keep(self) -> PathBuf {
        self.place.folder.keep()
    }

    /// Asks it to end, waits, and kills it only if it does not.
    pub async fn stop(&mut self) -> Result<ExitStatus, ThrowawayError> {
        let pid = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(|errno| ThrowawayError::Stop(errno.into()))?;
        }
        match timeout(STOP_DEADLINE, self.child.wait()).await {
            Ok(status) => status.map_err(ThrowawayError::Stop),
            Err(_) => {
                self.child.kill().await.map_err(ThrowawayError::Stop)?;
                self.child.wait().await.map_err(ThrowawayError::Stop)
            }
        }
    }

    async fn wait_until_healthy(&mut self) -> Result<(), ThrowawayError> {
        let waited = wait_until_healthy(&mut self.child, &self.server.target, START_DEADLINE).await;
        waited.map_err(|why| {
            let log = self.end_of_log();
            match why {
                NotThere::Ended(status) => ThrowawayError::Ended { status, log },
                NotThere::Late => ThrowawayError::NotHealthy { log },
            }
        })
    }

    /// The last lines of its log.
    pub fn end_of_log(&self) -> String {
        let log = std::fs::read(self.place.folder.path().join("server.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Place {
    fn launch(&self, secret: &str) -> Result<Child, ThrowawayError> {
        let folder = self.folder.path();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))
            .map_err(ThrowawayError::Place)?;
        let errors = log.try_clone().map_err(ThrowawayError::Place)?;
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_configuration(name)) {
            command.env_remove(name);
        }
        command
            .env("TURNOUT_LISTEN", self.address.to_string())
            .env(
                "TURNOUT_DATABASE_URL",
                format!("sqlite://{}", folder.join("turnout.db").display()),
            )
            .env("TURNOUT_JWT_SECRET", secret)
            .env("TURNOUT_RATE_LIMITS", "off")
            .env("TURNOUT_LOG", "warn")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A signal from the terminal is for this process, which stops the server when it is done with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ThrowawayError::Start {
                path: self.program.clone(),
                source,
            })
    }
}

/// A throw-away server must not meet the database or the caches of a real one.
fn is_configuration(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("TURNOUT_") || name == "DATABASE_URL"
}

/// A port that was free a moment ago. Somebody else may take it before the server does; then the start fails.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = ThrowawayServer::start(Some(Path::new("/nowhere/turnout")), &[])
            .await
            .unwrap_err();
        assert!(
            error.to_string().starts_with("cannot start /nowhere/turnout"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_program_that_ends_at_once_is_told_with_its_status() {
        let error = ThrowawayServer::start(Some(Path::new("/bin/false")), &[])
            .await
            .unwrap_err();
        assert!(matches!(error, ThrowawayError::Ended { .. }), "{error}");
    }

    #[test]
    fn only_the_servers_own_configuration_is_taken_away() {
        for (name, expected) in [
            ("TURNOUT_REDIS_URL", true),
            ("DATABASE_URL", true),
            ("PATH", false),
        ] {
            assert_eq!(is_configuration(OsStr::new(name)), expected, "{name}");
        }
    }
}
