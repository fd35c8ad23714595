//! The burst when sales open, on the command line.

use clap::Args;
use turnout_loadtest::burst::BurstOptions;
use turnout_loadtest::opening_burst::OpeningBurstOptions;
use turnout_loadtest::report::{Asked, AskedKind};

use super::burst::WayArgs;
use super::database::DatabaseArgs;
use super::every_run::EveryRunArgs;
use super::values::{share, waitlist};

/// Connections unless told.
const CONNECTIONS: u16 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct OpeningBurstArgs {
    #[command(flatten)]
    way: WayArgs,
    /// How many people want seats.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    people: u32,
    /// How many seats there are.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: u32,
    /// The share of people who cancel later.
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    cancel: f64,
    /// The share of people who bring one to three guests.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    guests: f64,
    /// Parties that may wait: a number, or `none` for no waitlist [default: unlimited].
    #[arg(long, value_parser = waitlist)]
    waitlist: Option<u32>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl OpeningBurstArgs {
    pub(crate) fn opening(&self) -> OpeningBurstOptions {
        OpeningBurstOptions {
            burst: BurstOptions {
                via: self.way.via(),
                people: self.people,
                seats: self.seats,
                cancel_share: self.cancel,
                guest_share: self.guests,
                waitlist: self.waitlist,
                rate: None,
                opening: None,
            },
            database: self.database.database_pid,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Burst {
            via: self.way.via().as_str(),
            people: self.people,
            seats: self.seats,
            waitlist: self.waitlist,
            guest_share: self.guests,
            cancel_share: self.cancel,
            opens_in_s: None,
            early_share: None,
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
