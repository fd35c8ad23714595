//! Many activities on the command line.

use clap::Args;
use turnout_loadtest::many::ManyOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::database::DatabaseArgs;
use super::every_run::EveryRunArgs;

/// Connections unless told.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct ManyArgs {
    /// How many activities are live.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    activities: u32,
    /// How many RSVPs each of them gets.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rsvps_each: u32,
    /// Rounds with many, and as many with one that gets all of them.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl ManyArgs {
    pub(crate) fn many(&self) -> ManyOptions {
        ManyOptions {
            activities: self.activities,
            rsvps_each: self.rsvps_each,
            rounds: self.rounds,
            database: self.database.database_pid,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Many {
            activities: self.activities,
            rsvps_each: self.rsvps_each,
            rounds: self.rounds,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
