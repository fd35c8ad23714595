//! A burst: many people want few seats at the same moment, and some change their mind.
//!
//! It owns the order of things: set up, connect, then the clock, then read back and judge.

pub mod opening;
pub mod plan;
pub mod queue;
pub(crate) mod rush;
pub(crate) mod steady;

use std::sync::Arc;

use indicatif::ProgressBar;

use crate::host::open_settings;
use crate::model::Settings;
use crate::run::{Effort, Outcome, RunError, Server, Via, faults, open_all};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::usage::{Meter, Usage, Watched};
use opening::Opening;
use rush::Rush;

/// What kind of burst.
#[derive(Clone, Copy, Debug)]
pub struct BurstOptions {
    /// What carries the commands.
    pub via: Via,
    /// How many people want seats.
    pub people: u32,
    /// How many seats there are.
    pub seats: u32,
    /// The share of people who cancel later.
    pub cancel_share: f64,
    /// The share of people who bring one to three guests.
    pub guest_share: f64,
    /// Parties that may wait; `None` is unlimited.
    pub waitlist: Option<u32>,
    /// Commands per second in an open loop; `None` is a closed loop, as fast as answers come.
    pub rate: Option<f64>,
    /// When the doors open; `None` is that they are open.
    pub opening: Option<Opening>,
}

/// Runs a burst against `server` and judges it. What is counted is in `tally` at every moment.
pub async fn run(
    server: &Server,
    options: &BurstOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    if let Some(opening) = options.opening {
        return opening::run(server, options, opening, effort, progress, tally).await;
    }
    let measured = measured(server, options, effort, progress, tally, Watched::default());
    Ok(measured.await?.0)
}

/// Runs a burst whose doors are open, and looks at what is used from the first command to the last answer.
pub(crate) async fn measured(
    server: &Server,
    options: &BurstOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
    watched: Watched,
) -> Result<(Outcome, Usage), RunError> {
    let rush = Rush {
        parts: plan::draw(
            options.people,
            options.guest_share,
            options.cancel_share,
            effort.seed,
        ),
        rate: options.rate,
    };
    let plan = Plan {
        title: format!("Burst of {} people on {} seats", options.people, options.seats),
        settings: Settings {
            waitlist_capacity: options.waitlist,
            ..open_settings(options.seats)
        },
        people: options.people,
    };
    let scene = Arc::new(Scene::set(server, effort, progress, tally, plan).await?);
    lock(tally).planned = u64::from(options.people);
    let cancels = rush.parts.iter().filter(|part| part.cancels_after.is_some());
    progress.set_length(u64::from(options.people) + cancels.count() as u64);

    // Opening is not measured: connections are there before the clock starts, and of a person's socket the latency
    // begins after the greeting.
    let meter;
    let rushed = match options.via {
        Via::Rest => {
            let mut connections = effort.connections(&server.target, tally);
            open_all(&mut connections).await?;
            meter = Meter::start(watched);
            lock(tally).start();
            rush.run(&scene, connections).await?
        }
        Via::Ws(encoding) => {
            let lines = effort.socket_lines(&server.target, encoding, tally);
            meter = Meter::start(watched);
            lock(tally).start();
            rush.run(&scene, lines).await?
        }
    };
    lock(tally).stop();
    let usage = meter.used();
    let judged = scene.judged(rushed.records, rushed.unasked).await?;
    let mut findings = faults(tally);
    findings.extend(judged.findings);
    let outcome = Outcome {
        activities: 1,
        end: judged.end,
        findings,
        measured: None,
    };
    Ok((outcome, usage))
}
