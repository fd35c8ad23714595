//! Coming back: many follow an activity, the server is killed and started again while people go on reserving, and all
//! who were cut off come back at once with where they were.
//!
//! It owns the order of things. Whoever reserves tries again with the same key as in any run, and everything is judged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;

use crate::burst::steady;
use crate::clock;
use crate::report::{Measured, Reconnect};
use crate::run::{Effort, Outcome, RunError, faults, open_all, tell};
use crate::scene::Scene;
use crate::shared::{SharedTally, lock};
use crate::throwaway::ThrowawayServer;
use crate::watch::{CameBack, Fleet, Order, Service, Tell};
use crate::ws::Encoding;

/// What kind of coming back.
#[derive(Clone, Debug)]
pub struct ReconnectOptions {
    /// How many watch and come back.
    pub watchers: u32,
    /// Commands per second, before, while and after the server is away.
    pub rate: f64,
    /// For how long there are commands; the server is killed in the middle.
    pub duration: Duration,
    /// How messages are written.
    pub encoding: Encoding,
    /// How long a watcher may take until it is current.
    pub within: Duration,
    /// This program, which is started again for the watchers.
    pub program: PathBuf,
}

/// Kills and restarts the server, and judges everything.
pub async fn run(
    throwaway: &mut ThrowawayServer,
    options: &ReconnectOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let server = throwaway.server().clone();
    let commands = options.rate * options.duration.as_secs_f64();
    let plan = steady::plan(format!("{} watchers who come back", options.watchers), commands);
    let scene = Arc::new(Scene::set(&server, effort, progress, tally, plan).await?);
    tell(progress, &format!("{} watchers come …", options.watchers));
    let order = Order {
        server: server.target.address(),
        service: Service::Turnout,
        encoding: options.encoding,
        activities: vec![scene.activity],
        first: 0,
        watchers: options.watchers,
        slow_per_million: 0,
        within_ms: u64::try_from(options.within.as_millis()).unwrap_or(u64::MAX),
    };
    let mut fleet = Fleet::start(&options.program, &order).await?;
    let mut lines = effort.connections(&server.target, tally);
    open_all(&mut lines).await?;
    let rush = steady::rush(&scene, options.rate, effort.seed);
    lock(tally).planned = scene.people.len() as u64;

    fleet.tell(&Tell::Begin).await?;
    lock(tally).start();
    let (rushed, came_back) = tokio::join!(
        rush.run(&scene, lines),
        kill_and_return(throwaway, &mut fleet, options, progress)
    );
    lock(tally).stop();
    let (rushed, (away, came_back)) = (rushed?, came_back?);
    let finished = scene.finished(&rushed.sendings).await?;
    fleet.tell(&Tell::Finish(vec![finished])).await?;
    let watched = fleet.watched().await?;
    let judged = scene.judged(rushed.records, rushed.unasked).await?;
    let mut findings = faults(tally);
    findings.extend(watched.findings());
    findings.extend(judged.findings);
    Ok(Outcome {
        activities: 1,
        end: judged.end,
        findings,
        measured: Some(Measured::Reconnect(Reconnect::of(
            options.watchers,
            away,
            &came_back,
        ))),
    })
}

/// Answers for how long nobody was there, and how all came back then.
async fn kill_and_return(
    throwaway: &mut ThrowawayServer,
    fleet: &mut Fleet,
    options: &ReconnectOptions,
    progress: &ProgressBar,
) -> Result<(Duration, CameBack), RunError> {
    sleep(options.duration / 2).await;
    fleet.brace().await?;
    tell(progress, "the server is killed …");
    let killed = clock::now();
    throwaway.kill_and_start_again().await?;
    let away = clock::now() - killed;
    tell(progress, "all come back …");
    fleet.tell(&Tell::ComeBack).await?;
    Ok((away, fleet.came_back().await?))
}
