//! The comparison: Turnout beside the designs that it replaces and beside what limits them all, in one run, with the same
//! client, in turn.
//!
//! It owns the order of things. Services of its own are started; each design is tried with every pool and keeps its best;
//! everybody is judged in a contest for few seats, with some who cancel; then come the rounds, of which every other one
//! runs backwards, so that what drifts meets all alike; and in the end Turnout is asked at half of the rate that it had.
//!
//! The workload of every design and of Turnout over REST is that of an opening (`compare/opening.rs`): each request is somebody
//! new who reserves, there are seats for all, so everybody writes the same hot row, over as many connections as there are,
//! each with one request in flight.

mod audit;
mod baseline;
mod contender;
mod contest;
mod limits;
mod meters;
mod opening;
mod postgres;
mod programs;
mod reads;
mod redis;
mod services;
mod stand;
mod sweep;
mod turnout;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;

pub use contender::{Contender, Design};
pub use services::ServiceError;

use crate::clock;
use crate::report::comparison::{Comparison, ComparisonAsked, Findings, OpenLoop};
use crate::run::{Effort, RunError, tell};
use crate::throwaway::ThrowawayError;
use crate::tokens::{Mint, Person};
use stand::Stand;

/// More reservations per second than anybody answers: so many people are there for each second that is timed.
const PEOPLE_PER_S: f64 = 40_000.0;

/// What kind of comparison.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// How many rounds.
    pub rounds: u32,
    /// How long each measurement takes.
    pub duration: Duration,
    /// The numbers of connections to Postgres with which each design is tried.
    pub pools: Vec<u32>,
    /// How many people want how many seats where everybody is judged.
    pub contest: Contest,
    /// The server; the program beside this one where it is not said.
    pub turnout: Option<PathBuf>,
    /// The designs; the program beside this one where it is not said.
    pub baselines: Option<PathBuf>,
}

/// Many people and few seats.
#[derive(Clone, Copy, Debug)]
pub struct Contest {
    /// How many people.
    pub people: u32,
    /// How many seats.
    pub seats: u32,
    /// The share of people who cancel.
    pub cancel_share: f64,
}

/// Why a comparison came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Postgres or Redis.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The server.
    #[error(transparent)]
    Server(#[from] ThrowawayError),
    /// Asking and judging the server.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A design or a limit.
    #[error("{what} failed: {why}")]
    Baseline {
        /// Which one.
        what: String,
        /// What it said.
        why: String,
    },
    /// Minting tokens failed.
    #[error("cannot mint tokens")]
    Tokens(#[from] jsonwebtoken::errors::Error),
}

impl CompareError {
    /// A design or a limit that does not do what it should.
    fn of(what: &str, why: impl Into<String>) -> Self {
        Self::Baseline {
            what: what.to_owned(),
            why: why.into(),
        }
    }
}

/// Runs all of it.
pub async fn run(
    options: &CompareOptions,
    effort: &Effort,
    progress: &ProgressBar,
) -> Result<Comparison, CompareError> {
    tell(progress, "starting Postgres, Redis and Turnout …");
    let mut stand = Stand::start(options, effort, progress).await?;
    let mut swept = Vec::new();
    for design in Design::ALL {
        let tried = sweep::sweep(&stand, design).await?;
        let best = sweep::best(&tried);
        swept.extend(tried);
        stand.settle_on(design, best).await?;
    }
    let mut findings = Findings::default();
    stand.judge_all(&mut findings).await?;
    let mut taken = Vec::new();
    for round in 1..=options.rounds {
        tell(progress, &format!("round {round} of {} …", options.rounds));
        let mut contenders = Contender::all();
        if round % 2 == 0 {
            contenders.reverse();
        }
        for contender in contenders {
            taken.push(stand.measure(contender, round, &mut findings).await?);
        }
    }
    tell(progress, "at half of the rate …");
    let half = Comparison::median_per_s(&taken, Contender::RestPostgres) / 2.0;
    let open = stand.at_rate(half, &mut findings).await?;
    let open_loop = OpenLoop::of(half, &open);
    stand.stop(&mut findings).await?;
    let asked = ComparisonAsked {
        connections: effort.connections,
        rounds: options.rounds,
        duration_s: options.duration.as_secs_f64(),
        pools: options.pools.clone(),
        contest_people: options.contest.people,
        contest_seats: options.contest.seats,
        seed: effort.seed,
    };
    Ok(Comparison::of(asked, swept, taken, open_loop, findings))
}

/// Everybody who comes in the parts that are timed: the same people everywhere, by one secret for all servers.
fn people(secret: &str, effort: &Effort, options: &CompareOptions) -> Result<Arc<[Person]>, CompareError> {
    let mint = Mint::new(secret, clock::unix_s());
    let timed = (options.duration.as_secs_f64() * PEOPLE_PER_S).ceil() as u64;
    let count = timed.max(options.contest.people.into());
    let people: Result<Vec<Person>, _> = (0..count)
        .map(|number| mint.member(effort.seed, number))
        .collect();
    Ok(people?.into())
}
