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
use tokio::task::{JoinSet, spawn_blocking};
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::{Stage, drive};
use crate::history::{History, Outcome as Answer, Record, Ticks};
use crate::host::{Host, NewActivity, open_settings};
use crate::line::Put;
use crate::model::Settings;
use crate::run::{ActivityFinding, Effort, End, Outcome, RunError, Server, faults, open_all, tell};
use crate::seen::LastState;
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

/// Runs every event against `server` and judges each. What is counted is in `tally` at every moment.
pub async fn run(
    server: &Server,
    mut plans: Vec<EventPlan>,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
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
    let commands = plans.iter().map(|plan| plan.steps.len() as u64).sum();
    progress.set_length(commands);
    let shared = Arc::new(Shared {
        plans,
        people,
        host: mint.host(run_id)?,
        stage: Stage {
            ticks: Ticks::default(),
            tally: Arc::clone(tally),
        },
        run_id,
        progress: progress.clone(),
    });

    let around = SharedTally::default();
    let backstage = effort.backstage(&server.target, &around);
    let activities = Arc::new(side_by_side(backstage, &shared, create).await?);

    let mut connections = effort.connections(&server.target, &shared.stage.tally);
    open_all(&mut connections).await?;
    lock(tally).planned = commands;
    lock(tally).start();
    let ids = Arc::clone(&activities);
    let records = side_by_side(connections, &shared, move |attempts, shared, index| {
        let activity = ids[index];
        replay_event(attempts, shared, index, activity)
    })
    .await?;
    lock(tally).stop();

    tell(
        progress,
        &format!("reading back and judging {} activities …", shared.plans.len()),
    );
    let backstage = effort.backstage(&server.target, &around);
    let records = Arc::new(records);
    let judged = side_by_side(backstage, &shared, move |attempts, shared, index| {
        read_and_judge(attempts, shared, index, activities[index], Arc::clone(&records))
    })
    .await?;
    let mut findings = faults(tally);
    findings.extend(faults(&around));
    let mut all = End::default();
    for (end, found) in judged {
        all = all.and(end);
        findings.extend(found);
    }
    Ok(Outcome {
        activities: shared.plans.len(),
        end: all,
        findings,
        measured: None,
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
    let mut records = Vec::new();
    for (number, step) in shared.plans[index].steps.iter().enumerate() {
        let person = &shared.people[&step.member_id];
        let key = format!("{}-{number}", shared.run_id.simple());
        let put = Put {
            activity,
            person,
            deed: step.deed,
            key: &key,
        };
        let record = drive(&mut attempts, &shared.stage, &put, clock::now())
            .await
            .record;
        let time_is_up = matches!(record.outcome, Answer::Unanswered);
        records.push(record);
        shared.progress.inc(1);
        if time_is_up {
            // What follows must not overtake it, so the rest of the event is not asked any more.
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
) -> (Attempts, Result<(End, Vec<ActivityFinding>), RunError>) {
    let last = Host::new(&mut attempts, &shared.host).read_back(activity).await;
    let judged = match last {
        // Beside the runtime, which goes on listening to signals.
        Ok(last) => {
            spawn_blocking(move || judge_event(&shared.plans[index], activity, &records[index], &last))
                .await
                .map_err(RunError::from)
        }
        Err(error) => Err(error.into()),
    };
    (attempts, judged)
}

fn judge_event(
    plan: &EventPlan,
    activity: Uuid,
    records: &[Record],
    last: &LastState,
) -> (End, Vec<ActivityFinding>) {
    let history = History {
        activity,
        settings: settings(plan),
        records: records.to_vec(),
        unasked: (plan.steps.len() - records.len()) as u64,
    };
    let name = format!("event {} (activity {activity})", plan.event_id);
    let findings = judge(&history, last)
        .into_iter()
        .map(|finding| ActivityFinding {
            activity: name.clone(),
            finding,
        })
        .collect();
    (End::of(last), findings)
}
