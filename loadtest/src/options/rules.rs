//! A run of all rules on the command line.

use clap::Args;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::rules::RulesOptions;
use turnout_loadtest::run::Via;

use super::every_run::{CONNECTIONS, EveryRunArgs};
use super::values::{Ways, Written, rate, waitlist};

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// What carries the commands that there are words for on WebSockets: `rest`: requests; `ws`: a WebSocket of whoever
    /// gives the command; `both`: either in turn. All others are requests.
    #[arg(long, value_enum, default_value_t = Ways::Rest)]
    via: Ways,
    /// How messages are written on WebSockets.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
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
            vias: self.via.vias(self.encoding),
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
            over: self.rules().vias.into_iter().map(Via::as_str).collect(),
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
