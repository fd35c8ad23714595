//! An alternation on the command line.

use std::time::Duration;

use clap::Args;
use turnout_loadtest::alternate::AlternateOptions;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::run::Via;

use super::every_run::EveryRunArgs;
use super::values::{Ways, Written, seconds};

/// Connections unless told: each is a person.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct AlternateArgs {
    /// `rest`: requests over kept-alive connections; `ws`: WebSockets that are greeted before the clock starts;
    /// `both`: rounds of either in turn.
    #[arg(long, value_enum, default_value_t = Ways::Both)]
    via: Ways,
    /// How messages are written on WebSockets.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
    /// How many seats there are [default: one for everybody].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: Option<u32>,
    /// Seconds that each round takes.
    #[arg(long, default_value = "5", value_parser = seconds)]
    duration_s: f64,
    /// Rounds of each way.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl AlternateArgs {
    pub(crate) fn alternate(&self) -> AlternateOptions {
        AlternateOptions {
            vias: self.via.vias(self.encoding),
            seats: self.seats,
            duration: Duration::from_secs_f64(self.duration_s),
            rounds: self.rounds,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Alternate {
            over: self.alternate().vias.into_iter().map(Via::as_str).collect(),
            seats: self.seats,
            duration_s: self.duration_s,
            rounds: self.rounds,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
