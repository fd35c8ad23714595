//! An activity that grows, on the command line.

use anyhow::bail;
use clap::Args;
use turnout_loadtest::growth::GrowthOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::database::DatabaseArgs;
use super::every_run::EveryRunArgs;

/// Connections unless told.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct GrowthArgs {
    /// How many RSVPs the large activity has in the middle of its windows.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    rsvps: u32,
    /// How many a small one has in the middle of its window.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    small: u32,
    /// How many RSVPs a window has.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    window: u32,
    /// Windows of either size.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl GrowthArgs {
    pub(crate) fn growth(&self) -> anyhow::Result<GrowthOptions> {
        let measured = u64::from(self.window) * u64::from(self.rounds);
        if u64::from(self.rsvps) < measured / 2 || self.small < self.window / 2 {
            bail!("the windows must fit around the sizes: make --window or --rounds smaller");
        }
        Ok(GrowthOptions {
            rsvps: self.rsvps,
            small: self.small,
            window: self.window,
            rounds: self.rounds,
            database: self.database.database_pid,
        })
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Growth {
            rsvps: self.rsvps,
            small: self.small,
            window: self.window,
            rounds: self.rounds,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
