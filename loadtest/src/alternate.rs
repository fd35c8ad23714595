//! Alternation: everybody reserves and cancels in turn, one command in flight, for a time. It tells what a way to put
//! commands can carry, because nobody has to arrive.
//!
//! It owns the rounds. Each has an activity of its own, which is read back and judged like that of a burst, so that
//! only what is durably committed counts.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock;
use crate::drive::Deed;
use crate::history::{Outcome as Fate, Record};
use crate::host::open_settings;
use crate::line::Line;
use crate::process::{CpuMeter, Process};
use crate::report::{Measured, Round, Rounds};
use crate::run::{
    ActivityFinding, Effort, End, Outcome, RunError, Server, Via, faults, open_all, open_sockets, tell,
};
use crate::scene::{Judged, Plan, Scene};
use crate::shared::{SharedTally, lock};

/// What kind of alternation.
#[derive(Clone, Debug)]
pub struct AlternateOptions {
    /// What carries the commands, in turn.
    pub vias: Vec<Via>,
    /// How many seats there are; as many as people where it is not said.
    pub seats: Option<u32>,
    /// How long each round is.
    pub duration: Duration,
    /// How many rounds each way has.
    pub rounds: u32,
}

/// Runs all rounds against `server` and judges each. What is counted is added to `tally` after every round.
pub async fn run(
    server: &Server,
    options: &AlternateOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let mut rounds = Vec::new();
    let mut end = End::default();
    let mut findings = Vec::new();
    for number in 1..=options.rounds {
        for via in &options.vias {
            tell(
                progress,
                &format!("round {number} of {} over {} …", options.rounds, via.as_str()),
            );
            let own = SharedTally::default();
            let played = play(server, options, *via, effort, progress, &own).await;
            lock(tally).absorb(&lock(&own));
            let played = played?;
            rounds.push(played.round);
            end = end.and(played.end);
            findings.extend(played.findings);
        }
    }
    findings.splice(0..0, faults(tally));
    Ok(Outcome {
        activities: rounds.len(),
        end,
        findings,
        measured: Some(Measured::Rounds(Rounds::of(rounds))),
    })
}

pub(crate) struct Played {
    pub(crate) round: Round,
    pub(crate) end: End,
    pub(crate) findings: Vec<ActivityFinding>,
}

/// One round, and its verdict.
pub(crate) async fn play(
    server: &Server,
    options: &AlternateOptions,
    via: Via,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Played, RunError> {
    let people = u32::try_from(effort.connections).unwrap_or(u32::MAX);
    let plan = Plan {
        title: format!("Alternation of {people} people over {}", via.as_str()),
        settings: open_settings(options.seats.unwrap_or(people)),
        people,
    };
    let scene = Arc::new(Scene::set(server, effort, progress, tally, plan).await?);
    let process = server.pid.map(Process::with_id);
    let records;
    let meter;
    match via {
        Via::Rest => {
            let mut lines = effort.connections(&server.target, tally);
            open_all(&mut lines).await?;
            meter = CpuMeter::start(process);
            records = alternate(&scene, lines, options.duration).await?;
        }
        Via::Ws(encoding) => {
            let mut lines = effort.socket_lines(&server.target, encoding, tally);
            open_sockets(&mut lines, &scene.people).await?;
            meter = CpuMeter::start(process);
            records = alternate(&scene, lines, options.duration).await?;
        }
    }
    let server_cpu = meter.used().server;
    let Judged { end, findings, .. } = scene.judged(records, 0).await?;
    let round = Round::of(via.as_str(), &lock(tally), server_cpu);
    Ok(Played { round, end, findings })
}

/// The part that is measured: one line for each person, until time is up and the last command is answered.
pub(crate) async fn alternate<L: Line>(
    scene: &Arc<Scene>,
    lines: Vec<L>,
    duration: Duration,
) -> Result<Vec<Record>, RunError> {
    lock(&scene.stage.tally).start();
    let until = clock::now() + duration;
    let mut tasks = JoinSet::new();
    for (index, line) in lines.into_iter().enumerate() {
        tasks.spawn(take_turns(line, Arc::clone(scene), index, until));
    }
    let mut records = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        records.append(&mut ended?);
    }
    lock(&scene.stage.tally).stop();
    Ok(records)
}

async fn take_turns<L: Line>(mut line: L, scene: Arc<Scene>, index: usize, until: Instant) -> Vec<Record> {
    let mut records = Vec::new();
    let mut turn = 0;
    while clock::now() < until {
        let deed = if turn % 2 == 0 {
            Deed::Reserve { guest_count: 0 }
        } else {
            Deed::Cancel
        };
        lock(&scene.stage.tally).planned += 1;
        let driven = scene.act(&mut line, index, deed, turn, clock::now()).await;
        let record = driven.record;
        let time_is_up = matches!(record.outcome, Fate::Unanswered);
        records.push(record);
        scene.progress.inc(1);
        if time_is_up {
            break;
        }
        turn += 1;
    }
    records
}
