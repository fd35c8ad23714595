//! A fan-out on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use turnout_loadtest::fanout::{FanoutOptions, Nginx};
use turnout_loadtest::report::{Asked, AskedKind};

use super::every_run::EveryRunArgs;
use super::values::{Written, rate, round_seconds, seconds, share};

/// Connections for the commands unless told: they are few.
const CONNECTIONS: u16 = 16;
/// How often watchers may hear of a command in a round: every time is kept, in four bytes, until its latency is known.
const HEARD_AT_MOST: f64 = 250_000_000.0;

#[derive(Debug, Args)]
pub(crate) struct FanoutArgs {
    /// How many watch.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    watchers: u32,
    /// How many activities they watch, each one of them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    activities: u32,
    /// Commands per second, of all activities together; each is a difference for its watchers.
    #[arg(long, default_value = "10", value_parser = rate)]
    rate: f64,
    /// Seconds that each round takes, up to half an hour.
    #[arg(long, default_value = "10", value_parser = round_seconds)]
    duration_s: f64,
    /// How messages are written.
    #[arg(long, value_enum, default_value_t = Written::Json)]
    encoding: Written,
    /// The share of watchers who stop reading, and read again at the end.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    slow: f64,
    /// Seconds that a watcher may take until it is current.
    #[arg(long, default_value = "30", value_parser = seconds)]
    within_s: f64,
    /// Rounds.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Send as much to as many over something else, in rounds in between.
    #[arg(long, value_enum)]
    against: Option<Other>,
    /// The nginx for that.
    #[arg(long, value_name = "PATH", default_value = "nginx")]
    nginx: PathBuf,
    /// Its Nchan module.
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/usr/lib/nginx/modules/ngx_nchan_module.so"
    )]
    nchan_module: PathBuf,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Other {
    /// The Nchan module of nginx, started for this run: two workers, nothing kept.
    Nchan,
}

impl FanoutArgs {
    pub(crate) fn fanout(&self) -> anyhow::Result<FanoutOptions> {
        let heard = self.rate * self.duration_s * f64::from(self.watchers) / f64::from(self.activities);
        if heard > HEARD_AT_MOST {
            bail!(
                "watchers would hear {heard:.0} times of a command in a round, and {HEARD_AT_MOST:.0} times is the \
                 most: lower --rate, --duration-s or --watchers"
            );
        }
        Ok(FanoutOptions {
            watchers: self.watchers,
            activities: self.activities,
            rate: self.rate,
            duration: Duration::from_secs_f64(self.duration_s),
            encoding: self.encoding.into(),
            slow_share: self.slow,
            within: Duration::from_secs_f64(self.within_s),
            rounds: self.rounds,
            against: self.against.map(|Other::Nchan| Nginx {
                program: self.nginx.clone(),
                module: self.nchan_module.clone(),
            }),
            program: std::env::current_exe().context("this program does not know where it is")?,
        })
    }

    pub(crate) fn asked(&self) -> Asked {
        let kind = AskedKind::Fanout {
            watchers: self.watchers,
            activities: self.activities,
            encoding: self.encoding.as_str(),
            duration_s: self.duration_s,
            slow_share: self.slow,
            rounds: self.rounds,
            against: self.against.map(|Other::Nchan| "nchan"),
        };
        Asked {
            rate_per_s: Some(self.rate),
            ..self.every.asked(kind, CONNECTIONS)
        }
    }
}
