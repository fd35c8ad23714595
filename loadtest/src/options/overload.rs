//! An overload on the command line.

use std::time::Duration;

use clap::Args;
use turnout_loadtest::overload::OverloadOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::burst::WayArgs;
use super::database::DatabaseArgs;
use super::every_run::EveryRunArgs;
use super::values::{rate, seconds};

/// Connections unless told: so many that they are not what people wait for.
const CONNECTIONS: u16 = 10_000;

#[derive(Debug, Args)]
pub(crate) struct OverloadArgs {
    #[command(flatten)]
    way: WayArgs,
    /// Connections or sockets of the closed loop that finds the peak.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..))]
    peak_connections: u16,
    /// Seconds that this loop takes.
    #[arg(long, default_value = "10", value_parser = seconds)]
    peak_for_s: f64,
    /// Rates of new people above the peak, as shares of it, apart by commas.
    #[arg(long, value_delimiter = ',', default_value = "1.5,3", value_parser = rate)]
    shares: Vec<f64>,
    /// The rate before and after each, as a share of the peak.
    #[arg(long, default_value = "0.5", value_parser = rate)]
    normal: f64,
    /// Seconds that each phase takes.
    #[arg(long, default_value = "15", value_parser = seconds)]
    duration_s: f64,
    /// Seconds for which somebody who was sent away comes again.
    #[arg(long, default_value = "5", value_parser = seconds)]
    patience_s: f64,
    /// How many people there are over REST, each with a seat: so many that somebody is always free to come. Over
    /// WebSockets there are as many as sockets.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    people: u32,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl OverloadArgs {
    pub(crate) fn overload(&self) -> OverloadOptions {
        OverloadOptions {
            via: self.way.via(),
            peak_connections: usize::from(self.peak_connections),
            peak_for: Duration::from_secs_f64(self.peak_for_s),
            duration: Duration::from_secs_f64(self.duration_s),
            shares: self.shares.clone(),
            normal: self.normal,
            patience: Duration::from_secs_f64(self.patience_s),
            people: self.people,
            database: self.database.database_pid,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Overload {
            via: self.way.via().as_str(),
            peak_connections: usize::from(self.peak_connections),
            shares: self.shares.clone(),
            normal: self.normal,
            duration_s: self.duration_s,
            patience_s: self.patience_s,
            people: self.people,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
