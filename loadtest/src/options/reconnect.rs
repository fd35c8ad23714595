//! Coming back, on the command line.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use turnout_loadtest::reconnect::ReconnectOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::every_run::EveryRunArgs;
use super::values::{Written, rate, seconds};

/// Connections for the commands unless told: they are few.
const CONNECTIONS: u16 = 16;

#[derive(Debug, Args)]
pub(crate) struct ReconnectArgs {
    /// How many watch and come back.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    watchers: u32,
    /// Commands per second, before, while and after the server is away.
    #[arg(long, default_value = "20", value_parser = rate)]
    rate: f64,
    /// Seconds for which there are commands; the server is killed in the middle.
    #[arg(long, default_value = "6", value_parser = seconds)]
    duration_s: f64,
    /// How messages are written.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
    /// Seconds that a watcher may take until it is current again.
    #[arg(long, default_value = "10", value_parser = seconds)]
    within_s: f64,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl ReconnectArgs {
    pub(crate) fn reconnect(&self) -> anyhow::Result<ReconnectOptions> {
        if self.every.spawn.is_none() {
            bail!("the server is killed, so it must be one of its own: add --spawn");
        }
        Ok(ReconnectOptions {
            watchers: self.watchers,
            rate: self.rate,
            duration: Duration::from_secs_f64(self.duration_s),
            encoding: self.encoding.into(),
            within: Duration::from_secs_f64(self.within_s),
            program: std::env::current_exe().context("this program does not know where it is")?,
        })
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Reconnect {
            watchers: self.watchers,
            encoding: self.encoding.as_str(),
            duration_s: self.duration_s,
            within_s: self.within_s,
        };
        Asked {
            rate_per_s: Some(self.rate),
            ..self.every.asked(kind, CONNECTIONS)
        }
    }
}
