//! A soak on the command line.

use std::time::Duration;

use clap::Args;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::soak::SoakOptions;

use super::database::DatabaseArgs;
use super::every_run::EveryRunArgs;
use super::values::{rate, seconds};

/// Connections unless told.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// Commands per second [default: a share of the peak, which is found first].
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// That share.
    #[arg(long, default_value = "0.7", value_parser = rate, conflicts_with = "rate")]
    share: f64,
    /// Connections of the closed loop that finds the peak.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..))]
    peak_connections: u16,
    /// Seconds that this loop takes.
    #[arg(long, default_value = "10", value_parser = seconds)]
    peak_for_s: f64,
    /// Minutes for which people come.
    #[arg(long, default_value = "30", value_parser = rate)]
    minutes: f64,
    /// Seconds after which people go on to another activity; figures are told for each of these turns.
    #[arg(long, default_value = "60", value_parser = seconds)]
    turn_s: f64,
    /// How many people there are, each with a seat.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    people: u32,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl SoakArgs {
    pub(crate) fn soak(&self) -> SoakOptions {
        SoakOptions {
            rate: self.rate,
            share: self.share,
            peak_connections: usize::from(self.peak_connections),
            peak_for: Duration::from_secs_f64(self.peak_for_s),
            duration: Duration::from_secs_f64(self.minutes * 60.0),
            turn: Duration::from_secs_f64(self.turn_s),
            people: self.people,
            database: self.database.database_pid,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Soak {
            share: self.rate.is_none().then_some(self.share),
            minutes: self.minutes,
            turn_s: self.turn_s,
            people: self.people,
        };
        Asked {
            rate_per_s: self.rate,
            ..self.every.asked(kind, CONNECTIONS)
        }
    }
}
