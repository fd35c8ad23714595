//! A replay: a history of real or made-up events, each in its own order, many side by side.
//!
//! It owns the order of things: mint, create every activity, then the clock, then read back and judge each.

pub mod plan;
pub mod row;
pub mod synthetic;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::{Stage, drive};
use crate::history::{History, Outcome as Answer, Record, Ticks};
use crate::host::{Host, HostError, NewActivity, open_settings};
use crate::model::Settings;
use crate::run::{ActivityFinding, Effort, Outcome, RunError, Server, Stopwatch, open_all, rsvp_path};
use crate::shared::{SharedTally, lock};
use crate::tokens::{Mint, Person};
use crate::verdict::judge;
use plan::EventPlan;

/// Guests that one person may bring in a replay.
const MAX_GUESTS: u32 = 20;
/// How often a waiting party may be passed in a replay.
const PATIENCE: u32 = 3;
/// The world of people in a replay: a member is the same person in every run.
const WORLD: u64 = 0x7274;

/// What the connections of a replay share.
struct Shared {
    plans: Vec<EventPlan>,
    people: HashMap<u64, Person>,
    host: Person,
    stage: Stage,
    run_id: Uuid,
    progress: ProgressBar,
}

/// Runs every event against `server` and judges each.
pub async fn run(
    server: &Server,
    mut plans: Vec<EventPlan>,
    effort: &Effort,
    progress: &ProgressBar,
) -> Result<Outcome, RunError> {
    if plans.is_empty() {
        return Err(RunError::NothingToReplay);
    }
    // The commands of one event cannot go side by side, so the longest events start first.
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.steps.len()));
    let run_id = clock::run_id();
    let mint = Mint::new(&server.secret, clock::unix_s());
    let members: BTreeSet<u64> = plans
        .iter()
        .flat_map(|plan| plan.steps.iter().map(|step| step.member_id))
        .collect();
    let people = members
        .into_iter()
        .map(|member_id| Ok((member_id, mint.member(WORLD, member_id)?)))
        .collect::<Result<HashMap<_, _>, RunError>>()?;
    progress.set_length(plans.iter().map(|plan| plan.steps.len() as u64).sum());
    let shared = Arc::new(Shared {
        plans,
        people,
        host: mint.host(run_id)?,
        stage: Stage {
            ticks: Ticks::default(),
            tally: SharedTally::default(),
        },
        run_id,
        progress: progress.clone(),
    });

    let backstage = effort.connections(&server.target, &SharedTally::default());
    let activities = Arc::new(side_by_side(backstage, &shared, create).await?);

    let mut connections = effort.connections(&server.target, &shared.stage.tally);
    open_all(&mut connections).await?;
    let stopwatch = Stopwatch::start();
    let ids = Arc::clone(&activities);
    let records = side_by_side(connections, &shared, move |attempts, shared, index| {
        let activity = ids[index];
        replay_event(attempts, shared, index, activity)
    })
    .await?;
    let (elapsed, client_cpu) = stopwatch.stop();

    let backstage = effort.connections(&server.target, &SharedTally::default());
    let records = Arc::new(records);
    let findings = side_by_side(backstage, &shared, move |attempts, shared, index| {
        read_and_judge(attempts, shared, index, activities[index], Arc::clone(&records))
    })
    .await?;
    let tally = lock(&shared.stage.tally).clone();
    let findings = findings.into_iter().flatten().collect();
    Ok(Outcome {
        tally,
        elapsed,
        client_cpu,
        activities: shared.plans.len(),
        findings,
    })
}

/// Does `work` for every event, each connection taking the next event that nobody has taken; answers the
/// results in the order of the events.
async fn side_by_side<T, W, F>(
    connections: Vec<Attempts>,
    shared: &Arc<Shared>,
    work: W,
) -> Result<Vec<T>, RunError>
where
    T: Send + 'static,
    W: Fn(Attempts, Arc<Shared>, usize) -> F + Clone + Send + 'static,
    F: Future<Output = (Attempts, Result<T, RunError>)> + Send,
{
    let taken = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for mut attempts in connections {
        let (taken, shared, work) = (Arc::clone(&taken), Arc::clone(shared), work.clone());
        tasks.spawn(async move {
            let mut results = Vec::new();
            loop {
                let index = taken.fetch_add(1, Ordering::Relaxed);
                if index >= shared.plans.len() {
                    return Ok::<_, RunError>(results);
                }
                let result;
                (attempts, result) = work(attempts, Arc::clone(&shared), index).await;
                results.push((index, result?));
            }
        });
    }
    let mut results = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        results.extend(ended??);
    }
    results.sort_by_key(|(index, _): &(usize, T)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

fn settings(plan: &EventPlan) -> Settings {
    Settings {
        max_guests: MAX_GUESTS,
        patience: PATIENCE,
        ..open_settings(plan.capacity)
    }
}

async fn create(
    mut attempts: Attempts,
    shared: Arc<Shared>,
    index: usize,
) -> (Attempts, Result<Uuid, RunError>) {
    let plan = &shared.plans[index];
    let activity = NewActivity::of(format!("Replay of event {}", plan.event_id), &settings(plan));
    let key = format!("replay-{}-{index}", shared.run_id);
    let created = Host::new(&mut attempts, &shared.host)
        .create(&activity, &key)
        .await;
    (attempts, created.map_err(RunError::from))
}

/// One command after the other, each after the answer to the one before.
async fn replay_event(
    mut attempts: Attempts,
    shared: Arc<Shared>,
    index: usize,
    activity: Uuid,
) -> (Attempts, Result<Vec<Record>, RunError>) {
    let path = rsvp_path(activity);
    let mut records = Vec::new();
    for (number, step) in shared.plans[index].steps.iter().enumerate() {
        let person = &shared.people[&step.member_id];
        let key = format!("{}-{number}", shared.run_id.simple());
        let record = drive(
            &mut attempts,
            &shared.stage,
            &path,
            person,
            step.deed,
            &key,
            clock::now(),
        )
        .await;
        let time_is_up = matches!(record.outcome, Answer::Unanswered);
        records.push(record);
        shared.progress.inc(1);
        if time_is_up {
            // What follows must not overtake it, so the rest of the event is unanswered, too.
            lock(&shared.stage.tally).unanswered += (shared.plans[index].steps.len() - number - 1) as u64;
            break;
        }
    }
    (attempts, Ok(records))
}

async fn read_and_judge(
    mut attempts: Attempts,
    shared: Arc<Shared>,
    index: usize,
    activity: Uuid,
    records: Arc<Vec<Vec<Record>>>,
) -> (Attempts, Result<Vec<ActivityFinding>, RunError>) {
    let plan = &shared.plans[index];
    let history = History {
        settings: settings(plan),
        records: records[index].clone(),
    };
    let last = Host::new(&mut attempts, &shared.host).read_back(activity).await;
    let findings = last.map(|last| {
        let findings = judge(&history, &last).into_iter();
        let activity = format!("event {} (activity {activity})", plan.event_id);
        findings
            .map(|finding| ActivityFinding {
                activity: activity.clone(),
                finding,
            })
            .collect()
    });
    (
        attempts,
        findings.map_err(|error: HostError| RunError::from(error)),
    )
}
