//! A run of all rules on the command line.

use clap::Args;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::rules::RulesOptions;

use super::every_run::{CONNECTIONS, EveryRunArgs};
use super::values::{rate, waitlist};

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// How many parties come: people with an account, people by e-mail address, and groups.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    parties: u32,
    /// How many seats there are at first: the host changes that.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: u32,
    /// Parties that come per second.
    #[arg(long, default_value = "250", value_parser = rate)]
    rate: f64,
    /// Commands of the host per second.
    #[arg(long, default_value = "40", value_parser = rate)]
    host_rate: f64,
    /// How long an offer lasts, in seconds.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=60))]
    offer_ttl_s: u32,
    /// Parties that may wait: a number, or `none` for no waitlist [default: unlimited].
    #[arg(long, value_parser = waitlist)]
    waitlist: Option<u32>,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl RulesArgs {
    pub(crate) fn rules(&self) -> RulesOptions {
        RulesOptions {
            parties: self.parties,
            seats: self.seats,
            rate: self.rate,
            host_rate: self.host_rate,
            offer_ttl_s: self.offer_ttl_s,
            waitlist: self.waitlist,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Rules {
            parties: self.parties,
            seats: self.seats,
            host_rate_per_s: self.host_rate,
            offer_ttl_s: self.offer_ttl_s,
            waitlist: self.waitlist,
        };
        Asked {
            rate_per_s: Some(self.rate),
            ..self.every.asked(kind, CONNECTIONS)
        }
    }
}
