//! What is the same for all kinds of runs: the server, and how hard to try.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::run::Effort;

use super::values::setting;

/// Connections unless told.
pub(super) const CONNECTIONS: u16 = 100;

#[derive(Debug, Args)]
pub(crate) struct EveryRunArgs {
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// Start a throw-away server for this run: the program at PATH, or the one built beside this one.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, conflicts_with = "url")]
    pub(crate) spawn: Option<Option<PathBuf>>,
    /// A setting of the server that is started, such as TURNOUT_DATABASE_URL; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "spawn", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Allow a server that is not on this machine.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// The secret that the server checks tokens by [default: read from the data folder].
    #[arg(long, env = "TURNOUT_JWT_SECRET", hide_env_values = true)]
    pub(super) secret: Option<String>,
    /// The server's data folder, where its secret is.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// The process of the server at `--url`, to tell what it uses.
    #[arg(long, value_name = "ID", conflicts_with = "spawn")]
    pub(crate) server_pid: Option<u32>,
    /// Connections, each with one request in flight [default: 100, and more where it is about speed: 1000, of an
    /// overload 10000].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    connections: Option<u16>,
    /// What randomness is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds until what is unanswered is given up.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    deadline_s: u32,
    /// Milliseconds that one try may take.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    request_timeout_ms: u32,
    /// Write the result to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the result to this file as a page with charts, which needs nothing else to be read.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

impl EveryRunArgs {
    /// What is tested, in words, without anything that is secret.
    pub(crate) fn server_in_words(&self) -> String {
        if self.spawn.is_none() {
            return "one that was there before".to_owned();
        }
        let database = self
            .settings
            .iter()
            .find(|(name, _)| name == "TURNOUT_DATABASE_URL");
        let database = match database.and_then(|(_, url)| url.split_once(':')) {
            None | Some(("sqlite", _)) => "SQLite",
            Some(_) => "Postgres",
        };
        let mirrored = self.settings.iter().any(|(name, _)| name == "TURNOUT_REDIS_URL");
        let mirror = if mirrored {
            ", counts mirrored in Redis"
        } else {
            ""
        };
        format!("started for this run and thrown away, on {database}{mirror}")
    }

    /// As many connections as were asked for.
    pub(super) fn connections(&self, usual: u16) -> u16 {
        self.connections.unwrap_or(usual)
    }

    /// What was asked for, with as many connections as this kind of run usually has unless told.
    pub(super) fn asked(&self, kind: AskedKind, usual_connections: u16) -> Asked {
        Asked {
            kind,
            connections: usize::from(self.connections(usual_connections)),
            rate_per_s: None,
            seed: self.seed,
            deadline_s: u64::from(self.deadline_s),
        }
    }

    /// How hard to try, with as many connections as are asked for.
    pub(crate) fn effort(&self, asked: &Asked) -> Effort {
        Effort {
            connections: asked.connections,
            deadline: Duration::from_secs(u64::from(self.deadline_s)),
            request_timeout: Duration::from_millis(u64::from(self.request_timeout_ms)),
            seed: self.seed,
        }
    }

    /// The secret given, or the one that the server keeps in its data folder. An empty one means "not set", as it
    /// does for the server.
    pub(crate) fn secret(&self) -> anyhow::Result<String> {
        if let Some(secret) = self.secret.as_ref().filter(|secret| !secret.is_empty()) {
            return Ok(secret.clone());
        }
        let file = self.data_dir.join("jwt-secret");
        let secret = std::fs::read_to_string(&file).with_context(|| {
            format!(
                "no secret: give --secret or TURNOUT_JWT_SECRET, or --data-dir ({})",
                file.display()
            )
        })?;
        let secret = secret.trim();
        if secret.is_empty() {
            bail!("{} is empty", file.display());
        }
        Ok(secret.to_owned())
    }
}
