//! A steady stream on the command line.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::steady::{READS_PER_WRITE, SteadyOptions};

use super::database::DatabaseArgs;
use super::every_run::EveryRunArgs;
use super::values::{rate, seconds};

/// Connections unless told.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct SteadyArgs {
    /// Requests per second: a hundred reads to each write.
    #[arg(long, default_value = "5000", value_parser = rate)]
    rate: f64,
    /// Seconds that it takes.
    #[arg(long, default_value = "10", value_parser = seconds)]
    duration_s: f64,
    /// How many people have a seat at first; at least as many as connections.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    people: u32,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl SteadyArgs {
    pub(crate) fn steady(&self) -> anyhow::Result<SteadyOptions> {
        if self.people < u32::from(self.every.connections(CONNECTIONS)) {
            bail!("whoever writes has one command under way: --people must not be fewer than --connections");
        }
        Ok(SteadyOptions {
            rate: self.rate,
            duration: Duration::from_secs_f64(self.duration_s),
            people: self.people,
            database: self.database.database_pid,
        })
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Steady {
            people: self.people,
            reads_per_write: READS_PER_WRITE,
            requests_per_s: self.rate,
            duration_s: self.duration_s,
        };
        Asked {
            rate_per_s: Some(self.rate),
            ..self.every.asked(kind, CONNECTIONS)
        }
    }
}
