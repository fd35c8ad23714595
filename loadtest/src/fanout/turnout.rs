//! A round with Turnout: people reserve and cancel, and those who watch are sent the differences.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{FanoutOptions, Held, Played, memory};
use crate::attempt::Attempts;
use crate::burst::plan;
use crate::burst::rush::{Rush, Rushed};
use crate::clock;
use crate::host::{Host, open_settings};
use crate::process::Process;
use crate::report::FanoutRound;
use crate::run::{Effort, End, RunError, Server, open_all, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::watch::{Finished, Fleet, Service, Tell};

/// How long nothing happens before it is looked what idle sockets hold.
const SETTLES: Duration = Duration::from_secs(1);
/// The share of people who cancel later, so that those who wait are promoted.
const CANCEL_SHARE: f64 = 0.25;

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
    let before = Held::by(process);
    tell(progress, &format!("{} watchers come …", options.watchers));
    let activities = scenes.iter().map(|scene| scene.activity).collect();
    let order = options.order(Service::Turnout, server.target.address(), activities);
    let coming = clock::now();
    let mut fleet = Fleet::start(&options.program, &order).await?;
    let came_within = clock::now() - coming;
    sleep(SETTLES).await;
    let idle = Held::by(process);

    tell(progress, "people come …");
    let crowds = gather(&scenes, options, effort).await?;
    let server_cpu = || process.and_then(|process| process.cpu_time());
    let (own_cpu, server_cpu_before) = (clock::cpu_time(), server_cpu());
    fleet.tell(&Tell::Begin).await?;
    lock(tally).start();
    let rushed = rush(crowds).await?;
    lock(tally).stop();
    let server_used = server_cpu_before
        .zip(server_cpu())
        .map(|(before, after)| after.saturating_sub(before));
    let own_used = clock::cpu_time().saturating_sub(own_cpu);
    let end_held = Held::by(process);

    let mut finished = Vec::new();
    for (scene, rushed) in scenes.iter().zip(&rushed) {
        finished.push(finish(scene, rushed, effort).await?);
    }
    fleet.tell(&Tell::Finish(finished)).await?;
    let watched = fleet.watched().await?;

    let (mut end, mut findings) = (End::default(), Vec::new());
    for (scene, rushed) in scenes.iter().zip(rushed) {
        let (left, found) = scene.judged(rushed.records, rushed.unasked).await?;
        end = end.and(left);
        findings.extend(found);
    }
    let elapsed = lock(tally).measured().0;
    let mut round = FanoutRound::of("turnout", options.watchers, elapsed, &watched);
    round.came_within(came_within);
    round.used(own_used, server_used);
    round.held(memory(options.watchers, before, idle, end_held));
    Ok(Played {
        round,
        troubles: watched.troubles,
        end,
        findings,
    })
}

/// One of the activities, with a seat for about every second of those who will not have cancelled.
async fn set(
    server: &Server,
    options: &FanoutOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Scene, RunError> {
    let commands = f64::from(options.commands()) / f64::from(options.activities);
    let people = (commands / (1.0 + CANCEL_SHARE)).ceil() as u32;
    let plan = Plan {
        title: format!("Fan-out to {} watchers", options.watchers),
        settings: open_settings((people / 2).max(1)),
        people,
    };
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
    let mut crowds = Vec::new();
    for (number, scene) in scenes.iter().enumerate() {
        let mut lines = effort.connections(&scene.server.target, &scene.stage.tally);
        open_all(&mut lines).await?;
        let people = u32::try_from(scene.people.len()).unwrap_or(u32::MAX);
        lock(&scene.stage.tally).planned += u64::from(people);
        crowds.push(Crowd {
            scene: Arc::clone(scene),
            rush: Rush {
                parts: plan::draw(people, 0.0, CANCEL_SHARE, effort.seed ^ number as u64),
                rate: Some(options.rate / f64::from(options.activities)),
            },
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

/// How an activity has ended, as everybody may read it.
pub(crate) async fn finish(scene: &Scene, rushed: &Rushed, effort: &Effort) -> Result<Finished, RunError> {
    let around = SharedTally::default();
    let mut backstage = effort.backstage(&scene.server.target, &around).swap_remove(0);
    let (seq, fields) = Host::new(&mut backstage, &scene.host)
        .snapshot(scene.activity)
        .await?;
    Ok(Finished {
        seq,
        fields,
        sendings: rushed.sendings.clone(),
    })
}
