//! A burst on the command line.

use std::time::Duration;

use clap::{Args, ValueEnum};
use turnout_loadtest::burst::BurstOptions;
use turnout_loadtest::burst::opening::Opening;
use turnout_loadtest::report::{Asked, AskedKind};
use turnout_loadtest::run::Via;

use super::every_run::{CONNECTIONS, EveryRunArgs};
use super::values::{Written, rate, seconds, share, waitlist};

#[derive(Debug, Args)]
pub(crate) struct BurstArgs {
    #[command(flatten)]
    way: WayArgs,
    /// How many people want seats [default: 10000; at an opening as many as there are connections].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    people: Option<u32>,
    /// How many seats there are.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    seats: u32,
    /// The share of people who cancel later.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    cancel: f64,
    /// The share of people who bring one to three guests.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    guests: f64,
    /// Commands per second in an open loop [default: a closed loop, as fast as answers come].
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Parties that may wait: a number, or `none` for no waitlist [default: unlimited].
    #[arg(long, value_parser = waitlist)]
    waitlist: Option<u32>,
    #[command(flatten)]
    opening: OpeningArgs,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

/// Whether the doors are closed at first.
#[derive(Debug, Args)]
struct OpeningArgs {
    /// The activity opens so many seconds after it is made, and everybody is there by then: each connection is a
    /// person, greeted before, and on WebSockets follows the activity. All come at once when it opens.
    #[arg(long, value_name = "N", value_parser = seconds, conflicts_with_all = ["people", "cancel", "rate"])]
    opens_in_s: Option<f64>,
    /// The share of people who come some hundred milliseconds before the opening, are told how long to wait, and come
    /// again after exactly that.
    #[arg(long, requires = "opens_in_s", default_value_t = 0.05, value_parser = share)]
    early: f64,
}

/// What carries the commands.
#[derive(Debug, Args)]
pub(super) struct WayArgs {
    /// `rest`: requests over kept-alive connections; `ws`: a WebSocket for each person, at most as many at once as
    /// there are connections.
    #[arg(long, value_enum, default_value_t = Way::Rest)]
    via: Way,
    /// How messages are written on WebSockets.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Way {
    Rest,
    Ws,
}

impl WayArgs {
    pub(super) fn via(&self) -> Via {
        match self.via {
            Way::Rest => Via::Rest,
            Way::Ws => Via::Ws(self.encoding.into()),
        }
    }
}

impl OpeningArgs {
    fn opening(&self) -> Option<Opening> {
        self.opens_in_s.map(|seconds| Opening {
            after: Duration::from_secs_f64(seconds),
            early_share: self.early,
        })
    }
}

/// How many people there are unless told.
const PEOPLE: u32 = 10_000;

impl BurstArgs {
    fn people(&self) -> u32 {
        match (self.people, self.opening.opens_in_s) {
            (Some(people), _) => people,
            (None, None) => PEOPLE,
            (None, Some(_)) => self.every.connections(CONNECTIONS).into(),
        }
    }

    pub(crate) fn burst(&self) -> BurstOptions {
        BurstOptions {
            via: self.way.via(),
            people: self.people(),
            seats: self.seats,
            cancel_share: self.cancel,
            guest_share: self.guests,
            waitlist: self.waitlist,
            rate: self.rate,
            opening: self.opening.opening(),
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Burst {
            via: self.way.via().as_str(),
            people: self.people(),
            seats: self.seats,
            waitlist: self.waitlist,
            guest_share: self.guests,
            cancel_share: self.cancel,
            opens_in_s: self.opening.opens_in_s,
            early_share: self.opening.opening().map(|opening| opening.early_share),
        };
        Asked {
            rate_per_s: self.rate,
            ..self.every.asked(kind, CONNECTIONS)
        }
    }
}
