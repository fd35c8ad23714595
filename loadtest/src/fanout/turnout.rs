//! A round with Turnout: people reserve and cancel, and those who watch are sent the differences.

use std::sync::Arc;

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::gauge::{Gauge, held_by};
use super::{FanoutOptions, Played, SETTLES};
use crate::attempt::Attempts;
use crate::burst::rush::{Rush, Rushed};
use crate::burst::steady;
use crate::clock;
use crate::process::{CpuMeter, Process};
use crate::report::FanoutRound;
use crate::run::{Effort, End, RunError, Server, open_all, tell};
use crate::scene::Scene;
use crate::shared::{SharedTally, lock};
use crate::watch::{Fleet, Service, Tell};

pub(super) async fn play(
    server: &Server,
    options: &FanoutOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Played, RunError> {
    let process = server.pid.map(Process::with_id);
    let mut scenes = Vec::new();
    for _ in 0..options.activities {
        scenes.push(Arc::new(set(server, options, effort, progress, tally).await?));
    }
    let before = held_by(process);
    tell(progress, &format!("{} watchers come …", options.watchers));
    let activities = scenes.iter().map(|scene| scene.activity).collect();
    let order = options.order(Service::Turnout, server.target.address(), activities);
    let coming = clock::now();
    let mut fleet = Fleet::start(&options.program, &order).await?;
    let came_within = clock::now() - coming;

    tell(progress, "people come …");
    let crowds = gather(&scenes, options, effort).await?;
    sleep(SETTLES).await;
    let gauge = Gauge::start(process, before);
    let meter = CpuMeter::start(process);
    fleet.tell(&Tell::Begin).await?;
    lock(tally).start();
    let rushed = rush(crowds).await?;
    lock(tally).stop();
    sleep(SETTLES).await;
    let used = meter.used();
    let memory = gauge.map(Gauge::read);

    let mut finished = Vec::new();
    for (scene, rushed) in scenes.iter().zip(&rushed) {
        finished.push(scene.finished(&rushed.sendings).await?);
    }
    fleet.tell(&Tell::Finish(finished)).await?;
    let watched = fleet.watched().await?;

    let (mut end, mut findings) = (End::default(), Vec::new());
    for (scene, rushed) in scenes.iter().zip(rushed) {
        let judged = scene.judged(rushed.records, rushed.unasked).await?;
        end = end.and(judged.end);
        findings.extend(judged.findings);
    }
    findings.extend(watched.findings());
    let elapsed = lock(tally).measured().0;
    let mut round = FanoutRound::of("turnout", options.watchers, elapsed, &watched);
    round.came_within(came_within);
    round.used(used, &watched);
    round.held(memory);
    Ok(Played { round, end, findings })
}

/// One of the activities.
async fn set(
    server: &Server,
    options: &FanoutOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Scene, RunError> {
    let commands = f64::from(options.commands()) / f64::from(options.activities);
    let plan = steady::plan(format!("Fan-out to {} watchers", options.watchers), commands);
    Scene::set(server, effort, progress, tally, plan).await
}

/// What is ready at one activity before the clock starts.
struct Crowd {
    scene: Arc<Scene>,
    rush: Rush,
    lines: Vec<Attempts>,
}

/// Opens all connections of all activities: while the first people act, nobody else is still on the way.
async fn gather(
    scenes: &[Arc<Scene>],
    options: &FanoutOptions,
    effort: &Effort,
) -> Result<Vec<Crowd>, RunError> {
    let rate = options.rate / f64::from(options.activities);
    let mut crowds = Vec::new();
    for (number, scene) in scenes.iter().enumerate() {
        let mut lines = effort.connections(&scene.server.target, &scene.stage.tally);
        open_all(&mut lines).await?;
        lock(&scene.stage.tally).planned += scene.people.len() as u64;
        crowds.push(Crowd {
            scene: Arc::clone(scene),
            rush: steady::rush(scene, rate, effort.seed ^ number as u64),
            lines,
        });
    }
    Ok(crowds)
}

/// The part that is measured, at all activities at once.
async fn rush(crowds: Vec<Crowd>) -> Result<Vec<Rushed>, RunError> {
    let mut rushed: Vec<Rushed> = crowds.iter().map(|_| Rushed::default()).collect();
    let mut tasks = JoinSet::new();
    for (number, Crowd { scene, rush, lines }) in crowds.into_iter().enumerate() {
        tasks.spawn(async move { (number, rush.run(&scene, lines).await) });
    }
    while let Some(ended) = tasks.join_next().await {
        let (number, done) = ended?;
        rushed[number] = done?;
    }
    Ok(rushed)
}
