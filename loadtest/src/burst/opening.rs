//! A burst at the opening: everybody is at the door before it opens, some are too early, and all others come at the
//! same moment.
//!
//! Clients count from what the server told each of them, with their own clock that nobody sets. It owns the order of
//! things, and when who comes; what was told to those who came too early is judged beside.

mod release;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use self::release::{Waiting, let_go};
use self::waits::Wait;
use super::{BurstOptions, plan};
use crate::clock;
use crate::drive::{Deed, Driven};
use crate::history::{Outcome as Fate, Record};
use crate::host::open_settings;
use crate::line::{Doorstep, Opens};
use crate::model::Settings;
use crate::report::{Came, Measured, OpeningFigures};
use crate::run::{Effort, Outcome, RunError, Server, Via, faults, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::verdict::Finding;

/// How long before the opening those come who are too early, at the least and at the most.
const TOO_EARLY_US: std::ops::RangeInclusive<u64> = 100_000..=500_000;
/// How often somebody comes again who is told that the doors are still closed. A sound server says it once.
const MOST_TRIES: usize = 5;

/// When the doors open, and who does not wait for that.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// How long after the activity is made, by the server's clock.
    pub after: Duration,
    /// The share of people who come too early.
    pub early_share: f64,
}

/// What came of one person.
struct Attended {
    is_early: bool,
    records: Vec<Record>,
    waits: Vec<Wait>,
    came: Came,
    /// Whether there is still no final answer although nobody asks any more.
    is_unasked: bool,
}

/// Runs a burst at an opening against `server` and judges it. Each connection is a person.
pub(super) async fn run(
    server: &Server,
    options: &BurstOptions,
    opening: Opening,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let people = options.people;
    let now_us = Scene::server_time_us(server, effort).await?;
    let opens_at_us = now_us + i64::try_from(opening.after.as_micros()).unwrap_or(i64::MAX / 2);
    // The model knows the opening to the millisecond, as the contract writes it.
    let opens_at_us = opens_at_us - opens_at_us % 1_000;
    let plan = Plan {
        title: format!("Opening for {people} people on {} seats", options.seats),
        settings: Settings {
            waitlist_capacity: options.waitlist,
            opens_at_us: Some(opens_at_us),
            ..open_settings(options.seats)
        },
        people,
    };
    let scene = Arc::new(Scene::set(server, effort, progress, tally, plan).await?);
    lock(tally).planned = u64::from(people);
    progress.set_length(u64::from(people));
    let patient = Effort {
        connections: scene.people.len(),
        deadline: effort.deadline + opening.after,
        ..*effort
    };
    let guests = plan::draw(people, options.guest_share, 0.0, effort.seed);
    let guests = guests.iter().map(|part| part.guest_count).collect();
    let door = Door {
        scene: &scene,
        guests,
        early_us: draw_early(people, opening.early_share, effort.seed),
    };
    let (opened_us, attended) = match options.via {
        Via::Rest => door.attend(patient.connections(&server.target, tally)).await?,
        Via::Ws(encoding) => {
            let lines = patient.socket_lines(&server.target, encoding, tally);
            door.attend(lines).await?
        }
    };
    lock(tally).stop();

    let mut figures = OpeningFigures::of(opened_us, attended.iter().map(|one| (one.is_early, &one.came)));
    let (mut records, mut unasked, mut waits) = (Vec::new(), 0, Vec::new());
    for one in attended {
        records.extend(one.records);
        unasked += u64::from(one.is_unasked);
        waits.extend(one.waits);
    }
    figures.told = waits::figures(&waits);
    let judged = scene.judged(records, unasked).await?;
    let is_too_early = |finding: &Finding| matches!(finding, Finding::BeforeOpening { .. });
    figures.let_in_before = judged
        .findings
        .iter()
        .filter(|found| is_too_early(&found.finding))
        .count();
    let mut findings = faults(tally);
    findings.extend(waits::findings(&waits));
    findings.extend(judged.findings);
    Ok(Outcome {
        activities: 1,
        end: judged.end,
        findings,
        measured: Some(Measured::Opening(Box::new(figures))),
    })
}

/// How long before the opening each of the first people comes.
fn draw_early(people: u32, share: f64, seed: u64) -> Vec<u64> {
    let mut random = SmallRng::seed_from_u64(seed ^ 0xea51);
    let early = (f64::from(people) * share).ceil() as u32;
    (0..early).map(|_| random.random_range(TOO_EARLY_US)).collect()
}

/// The door, and what is drawn of those who come there.
struct Door<'a> {
    scene: &'a Arc<Scene>,
    /// How many guests each person brings.
    guests: Vec<u32>,
    /// How long before the opening each of the first people comes.
    early_us: Vec<u64>,
}

impl Door<'_> {
    /// From the first at the door to the last answer. Tells when the doors opened, as far as anybody here can know.
    async fn attend<L: Doorstep>(self, mut lines: Vec<L>) -> Result<((i64, i64), Vec<Attended>), RunError> {
        let told = self.arrive(&mut lines).await?;
        let earliest_us = told
            .iter()
            .map(|opens| opens.earliest_us)
            .max()
            .unwrap_or_default();
        let latest_us = told.iter().map(|opens| opens.latest_us).min().unwrap_or_default();
        let mut tasks = JoinSet::new();
        let mut waiting = Vec::new();
        for (index, (line, opens)) in lines.into_iter().zip(told).enumerate() {
            let early_us = self.early_us.get(index).copied();
            let (go, gone) = oneshot::channel();
            let due_us = opens.latest_us.cast_unsigned() - early_us.unwrap_or(0);
            waiting.push(Waiting { due_us, go });
            let visitor = Visitor {
                scene: Arc::clone(self.scene),
                index,
                guest_count: self.guests[index],
                is_early: early_us.is_some(),
                opens,
                due_us,
            };
            tasks.spawn(visitor.attend(line, gone));
        }
        tasks.spawn(async move {
            let_go(waiting).await;
            None
        });
        sleep_until(clock::at_machine_us(latest_us.cast_unsigned())).await;
        lock(&self.scene.stage.tally).start();
        let mut all = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            all.extend(ended?);
        }
        Ok(((earliest_us, latest_us), all))
    }

    /// Opens all lines, one after the other, so that each is told the time without waiting behind others.
    async fn arrive<L: Doorstep>(&self, lines: &mut [L]) -> Result<Vec<Opens>, RunError> {
        let scene = self.scene;
        tell(
            &scene.progress,
            &format!("{} people come to the door …", lines.len()),
        );
        let mut told: Vec<Opens> = Vec::new();
        for (line, person) in lines.iter_mut().zip(&scene.people) {
            let arrived = line.arrive(scene.activity, person).await;
            let opens = arrived.map_err(|source| RunError::Connect {
                connected: told.len(),
                source,
            })?;
            told.push(opens);
            let first_due = opens.earliest_us.saturating_sub_unsigned(*TOO_EARLY_US.end());
            if first_due < clock::machine_us().cast_signed() {
                return Err(RunError::Opened {
                    connected: told.len(),
                    people: scene.people.len(),
                });
            }
        }
        Ok(told)
    }
}

/// One person at the door.
struct Visitor {
    scene: Arc<Scene>,
    index: usize,
    guest_count: u32,
    is_early: bool,
    opens: Opens,
    /// When this one comes.
    due_us: u64,
}

impl Visitor {
    /// Waits, comes, and comes again when told to.
    async fn attend<L: Doorstep>(self, mut line: L, gone: oneshot::Receiver<()>) -> Option<Attended> {
        let (scene, person) = (&self.scene, &self.scene.people[self.index]);
        let deed = Deed::Reserve {
            guest_count: self.guest_count,
        };
        let gone = async {
            // Nobody to let anyone go means that all are gone.
            let _ = gone.await;
        };
        line.linger(person, gone).await;
        let (mut records, mut waits) = (Vec::new(), Vec::new());
        let mut since = clock::at_machine_us(self.due_us);
        loop {
            let driven = scene.act(&mut line, self.index, deed, 0, since).await;
            let wait = self.wait_after(&driven);
            let came = Came {
                sent_us: driven.sent_us,
                answered_us: driven.answered_us,
                is_answered: !matches!(driven.record.outcome, Fate::Unanswered),
            };
            records.push(driven.record);
            if let Some(wait) = wait {
                lock(&scene.stage.tally).planned += 1;
                let told_ms = wait.told_ms;
                waits.push(wait);
                let give_up = Duration::from_millis(told_ms.unwrap_or(0)) > scene.effort.deadline;
                if waits.len() < MOST_TRIES && !give_up {
                    let told = Duration::from_millis(told_ms.unwrap_or(0));
                    let until = clock::at_machine_us(came.answered_us) + told;
                    line.linger(person, sleep_until(until)).await;
                    since = until;
                    continue;
                }
            }
            scene.progress.inc(1);
            let is_unasked = waits.len() == records.len();
            return Some(Attended {
                is_early: self.is_early,
                records,
                waits,
                came,
                is_unasked,
            });
        }
    }

    /// What was told, where it was that the doors are closed.
    fn wait_after(&self, driven: &Driven) -> Option<Wait> {
        let Fate::Rejected { code, .. } = &driven.record.outcome else {
            return None;
        };
        (code == "not_open_yet").then(|| Wait {
            person: self.scene.people[self.index].id.clone(),
            opens: self.opens,
            sent_us: driven.last_sent_us.cast_signed(),
            answered_us: driven.answered_us.cast_signed(),
            told_ms: driven.opens_in_ms,
        })
    }
}
