//! All rules at once: people with and without accounts, alone and in groups, who are made offers, change their mind and
//! hand on what they have, while a host is at work.
//!
//! It owns the order of things: set up, the crowd, then a pause in which the last offers end, then read back and judge.
//! Who comes how is drawn in `plan`, what people want next in `wishes`, what the host does in `hosting`.

mod crowd;
mod errand;
mod errands;
mod hosting;
mod lookout;
mod people;
mod plan;
mod wishes;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use self::crowd::{Crowd, Next};
use self::errand::Lines;
use self::hosting::Hosting;
use crate::clock;
use crate::host::{Host, open_settings};
use crate::model::{Promotion, Settings};
use crate::report::{Measured, RulesFigures};
use crate::run::{ActivityFinding, Effort, Outcome, RunError, Server, Via, faults, open_all, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::verdict::Finding;
use crate::ws::Encoding;

/// How long somebody with nothing to do waits before looking again.
const LOOK_AGAIN_US: u64 = 10_000;
/// How much longer than its time an offer may take to end before that is a finding.
const LATE: Duration = Duration::from_secs(5);
/// How often it is looked whether offers are left.
const LOOK_FOR_OFFERS: Duration = Duration::from_millis(50);

/// How much of everything.
#[derive(Clone, Debug)]
pub struct RulesOptions {
    /// What carries the commands that there are words for on sockets, in turn. All others go over REST.
    pub vias: Vec<Via>,
    /// Parties that come: people alone, and groups.
    pub parties: u32,
    /// How many seats there are.
    pub seats: u32,
    /// Parties that come per second.
    pub rate: f64,
    /// Commands of the host per second.
    pub host_rate: f64,
    /// How long an offer lasts, in seconds.
    pub offer_ttl_s: u32,
    /// Parties that may wait; `None` is unlimited.
    pub waitlist: Option<u32>,
}

impl RulesOptions {
    /// How messages are written on sockets.
    fn encoding(&self) -> Encoding {
        let encoding = self.vias.iter().find_map(|via| match via {
            Via::Rest => None,
            Via::Ws(encoding) => Some(*encoding),
        });
        encoding.unwrap_or_default()
    }
}

/// What all share.
struct Shared {
    scene: Scene,
    crowd: Mutex<Crowd>,
}

/// Runs it against `server` and judges it. What is counted is in `tally` at every moment.
pub async fn run(
    server: &Server,
    options: &RulesOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let plan = Plan {
        title: format!("Rules for {} parties on {} seats", options.parties, options.seats),
        settings: Settings {
            waitlist_capacity: options.waitlist,
            promotion: Promotion::Offer {
                ttl_s: options.offer_ttl_s,
            },
            ..open_settings(options.seats)
        },
        people: options.parties,
    };
    let scene = Scene::set(server, effort, progress, tally, plan).await?;
    // One more, for the host.
    let effort = Effort {
        connections: effort.connections + 1,
        ..*effort
    };
    let mut connections = effort.connections(&server.target, tally);
    open_all(&mut connections).await?;
    let sockets = effort.socket_lines(&server.target, options.encoding(), tally);
    let lines = connections.into_iter().zip(sockets);
    let lines = lines.map(|(rest, ws)| Lines { rest, ws }).collect();
    progress.set_length(u64::from(options.parties));
    lock(tally).start();
    let shared = Arc::new(Shared {
        crowd: Mutex::new(Crowd::new(&scene, options, effort.seed)),
        scene,
    });
    let late = everybody(&shared, options, lines).await?;
    lock(tally).stop();

    let (records, unasked, commands) = lock(&shared.crowd).taken();
    let judged = shared.scene.judged(records, unasked).await?;
    let mut findings = faults(tally);
    findings.extend(late);
    findings.extend(judged.findings);
    Ok(Outcome {
        activities: 1,
        end: judged.end,
        findings,
        measured: Some(Measured::Rules(Box::new(RulesFigures::of(
            commands,
            &judged.last.events,
            options.offer_ttl_s,
        )))),
    })
}

/// The host over the last of the lines, the people over all others, and somebody who looks for offers; until all have
/// done what they want, and the last offers have ended.
async fn everybody(
    shared: &Arc<Shared>,
    options: &RulesOptions,
    mut lines: Vec<Lines>,
) -> Result<Option<ActivityFinding>, RunError> {
    let mut hosts_lines = lines.pop().expect("one more than there are connections");
    let mut people = JoinSet::new();
    for lines in lines {
        people.spawn(work(lines, Arc::clone(shared)));
    }
    let mut others = JoinSet::new();
    others.spawn(lookout::look(Arc::clone(shared), options.offer_ttl_s));
    let mut hosting = Hosting::new(&shared.scene, options);
    hosting.work(shared, &mut hosts_lines, options.host_rate).await;
    tell(&shared.scene.progress, "the last offers end …");
    hosting.pause(shared, &mut hosts_lines).await;
    let late = wait_for_offers(shared, options.offer_ttl_s).await?;
    lock(&shared.crowd).close();
    while let Some(ended) = people.join_next().await {
        ended?;
    }
    others.shutdown().await;
    Ok(late)
}

/// Waits until nothing is offered any more, which is soon, because nothing new is.
async fn wait_for_offers(shared: &Shared, ttl_s: u32) -> Result<Option<ActivityFinding>, RunError> {
    let scene = &shared.scene;
    let mut backstage = scene.backstage();
    let mut host = Host::new(&mut backstage, &scene.host);
    let limit = Duration::from_secs(u64::from(ttl_s)) + LATE;
    let until = clock::now() + limit;
    loop {
        let spots = host.shown(scene.activity).await?.counts.offered_spots;
        if spots == 0 {
            return Ok(None);
        }
        if clock::now() >= until {
            return Ok(Some(ActivityFinding {
                activity: scene.activity.to_string(),
                finding: Finding::OffersRemain {
                    spots,
                    after_s: limit.as_secs(),
                },
            }));
        }
        sleep(LOOK_FOR_OFFERS).await;
    }
}

/// One connection and one socket at a time take job after job.
async fn work(mut lines: Lines, shared: Arc<Shared>) {
    loop {
        let next = lock(&shared.crowd).next(clock::machine_us());
        match next {
            Next::Do { errand, due_us } => {
                let since = clock::at_machine_us(due_us);
                lock(&shared.scene.stage.tally).planned += 1;
                let driven = errand.perform(&mut lines, &shared.scene.stage, since).await;
                let mut crowd = lock(&shared.crowd);
                crowd.settle(&errand, driven, due_us);
                shared.scene.progress.set_position(crowd.arrived());
            }
            Next::Wait(until_us) => {
                let until_us = until_us.min(clock::machine_us() + LOOK_AGAIN_US);
                sleep_until(clock::at_machine_us(until_us)).await;
            }
            Next::Over => return,
        }
    }
}
