//! Fan-out: how soon differences reach those who watch, what that costs, and whether everybody ends with what there is.
//!
//! It owns the rounds: watchers come anew for each, people reserve and cancel at a steady rate, and everything is
//! compared and judged. Where it is asked for, the same number of watchers is sent as much by Nchan in between.

mod gauge;
mod nchan;
mod nginx;
mod turnout;

use std::path::PathBuf;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::report::{Fanout, FanoutRound, Measured};
use crate::run::{ActivityFinding, Effort, End, Outcome, RunError, Server, faults, tell};
use crate::shared::{SharedTally, lock};
use crate::watch::{Order, Service};
use crate::ws::Encoding;

/// How long nothing happens before it is looked what idle sockets hold, and how long the last difference may be on its
/// way.
const SETTLES: Duration = Duration::from_secs(1);

/// What kind of fan-out.
#[derive(Clone, Debug)]
pub struct FanoutOptions {
    /// How many watch.
    pub watchers: u32,
    /// How many activities they watch, each one of them.
    pub activities: u32,
    /// Commands per second, of all activities together.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// How messages are written.
    pub encoding: Encoding,
    /// The share of watchers who stop reading.
    pub slow_share: f64,
    /// How long a watcher may take until it is current.
    pub within: Duration,
    /// How many rounds.
    pub rounds: u32,
    /// What to compare with, in rounds of its own.
    pub against: Option<Nginx>,
    /// This program, which is started again for the watchers.
    pub program: PathBuf,
}

/// Where nginx and its module are.
#[derive(Clone, Debug)]
pub struct Nginx {
    /// The program.
    pub program: PathBuf,
    /// The Nchan module.
    pub module: PathBuf,
}

/// What one round came to.
struct Played {
    round: FanoutRound,
    end: End,
    findings: Vec<ActivityFinding>,
}

impl FanoutOptions {
    fn commands(&self) -> u32 {
        (self.rate * self.duration.as_secs_f64()).round().max(1.0) as u32
    }

    fn order(&self, service: Service, server: std::net::SocketAddr, activities: Vec<uuid::Uuid>) -> Order {
        Order {
            server,
            service,
            encoding: match service {
                Service::Turnout => self.encoding,
                Service::Nchan => Encoding::Json,
            },
            activities,
            first: 0,
            watchers: self.watchers,
            slow_per_million: (self.slow_share * 1e6).round() as u32,
            within_ms: u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Runs all rounds against `server` and judges them. What is counted is added to `tally` after every round.
pub async fn run(
    server: &Server,
    options: &FanoutOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let mut nginx = None;
    if let Some(place) = &options.against {
        nginx = Some(nginx::ThrowawayNginx::start(place).await?);
    }
    let (mut rounds, mut findings, mut end) = (Vec::new(), Vec::new(), End::default());
    for number in 1..=options.rounds {
        tell(progress, &format!("round {number} of {} …", options.rounds));
        let own = SharedTally::default();
        let played = turnout::play(server, options, effort, progress, &own).await;
        lock(tally).absorb(&lock(&own));
        let played = played?;
        let frame_bytes = played.round.frame_bytes();
        end = end.and(played.end);
        findings.extend(played.findings);
        rounds.push(played.round.in_round(number));
        if let Some(nginx) = &nginx {
            tell(
                progress,
                &format!("round {number} of {} with Nchan …", options.rounds),
            );
            let (round, found) = nchan::play(nginx, options, frame_bytes).await?;
            findings.extend(found);
            rounds.push(round.in_round(number));
        }
    }
    if let Some(nginx) = nginx {
        nginx.stop().await;
    }
    findings.splice(0..0, faults(tally));
    Ok(Outcome {
        activities: (options.activities * options.rounds) as usize,
        end,
        findings,
        measured: Some(Measured::Fanout(Fanout::of(rounds))),
    })
}
