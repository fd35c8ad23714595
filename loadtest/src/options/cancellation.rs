//! A cancellation beside bursts on the command line.

use clap::Args;
use turnout_loadtest::cancellation::CancellationOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::every_run::{CONNECTIONS, EveryRunArgs};

#[derive(Debug, Args)]
pub(crate) struct CancellationArgs {
    /// RSVPs of the activity that is cancelled: half of them confirmed, half of them waiting.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    rsvps: u32,
    /// How many people want seats in each burst.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    people: u32,
    /// How many seats there are for them.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: u32,
    /// Pairs of bursts: one alone, one beside a cancel.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl CancellationArgs {
    pub(crate) fn cancellation(&self) -> CancellationOptions {
        CancellationOptions {
            rsvps: self.rsvps,
            people: self.people,
            seats: self.seats,
            rounds: self.rounds,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Cancellation {
            rsvps: self.rsvps,
            people: self.people,
            seats: self.seats,
            rounds: self.rounds,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
