//! First commands after starts, on the command line.

use anyhow::bail;
use clap::Args;
use turnout_loadtest::cold::ColdOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::every_run::EveryRunArgs;

/// Connections unless told: they fill the activities.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct ColdArgs {
    /// How many RSVPs the activities have, apart by commas.
    #[arg(long, value_delimiter = ',', default_value = "100000,1000000", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    rsvps: Vec<u32>,
    /// How often the server is started for each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    starts: u32,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl ColdArgs {
    pub(crate) fn cold(&self) -> anyhow::Result<ColdOptions> {
        if self.every.spawn.is_none() {
            bail!("the server is stopped and started, so it must be one of its own: add --spawn");
        }
        Ok(ColdOptions {
            rsvps: self.rsvps.clone(),
            starts: self.starts,
        })
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Cold {
            rsvps: self.rsvps.clone(),
            starts: self.starts,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
