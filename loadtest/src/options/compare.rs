//! A comparison on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use turnout_loadtest::compare::{CompareOptions, Contest};
use turnout_loadtest::run::Effort;

use super::values::seconds;

/// How long a command may take: with a thousand people before a slow design, that is long.
const DEADLINE: Duration = Duration::from_secs(120);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The share of people who cancel where everybody is judged.
const CANCEL_SHARE: f64 = 0.1;

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Rounds, of which every other one runs backwards [default: 7; quick: 1].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: Option<u32>,
    /// Seconds that each measurement takes [default: 4; quick: 1].
    #[arg(long, value_parser = seconds)]
    duration_s: Option<f64>,
    /// Connections, each with one request in flight [default: 1000; quick: 50].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    connections: Option<u16>,
    /// Connections to Postgres with which each design is tried [default: 1,5,10,50; quick: 5].
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=300))]
    pools: Vec<u32>,
    /// Only to see that everything runs, and whether verdicts are clean: figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Exit with 1 where a target is not reached, too.
    #[arg(long)]
    pub(crate) enforce: bool,
    /// The server [default: the one that was built beside this program].
    #[arg(long, value_name = "PATH")]
    turnout: Option<PathBuf>,
    /// The program with the designs [default: the one that was built beside this program].
    #[arg(long, value_name = "PATH")]
    baselines: Option<PathBuf>,
    /// What randomness is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the result to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl CompareArgs {
    /// This, or the usual: of a quick comparison, or of a whole one.
    fn or<T>(&self, said: Option<T>, quick: T, whole: T) -> T {
        said.unwrap_or(if self.quick { quick } else { whole })
    }

    pub(crate) fn compare(&self) -> CompareOptions {
        let pools = (!self.pools.is_empty()).then(|| self.pools.clone());
        let people = self.or(None, 300, 2_000);
        CompareOptions {
            rounds: self.or(self.rounds, 1, 7),
            duration: Duration::from_secs_f64(self.or(self.duration_s, 1.0, 4.0)),
            pools: self.or(pools, vec![5], vec![1, 5, 10, 50]),
            contest: Contest {
                people,
                seats: people / 10,
                cancel_share: CANCEL_SHARE,
            },
            turnout: self.turnout.clone(),
            baselines: self.baselines.clone(),
        }
    }

    pub(crate) fn effort(&self) -> Effort {
        Effort {
            connections: self.or(self.connections, 50, 1_000).into(),
            deadline: DEADLINE,
            request_timeout: REQUEST_TIMEOUT,
            seed: self.seed,
        }
    }
}
