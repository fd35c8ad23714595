//! A burst: many people want few seats at the same moment, and some change their mind.
//!
//! It owns the order of things: mint, create, connect, then the clock, then read back and judge.

pub mod plan;
pub mod queue;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::{Deed, Stage, drive};
use crate::history::{History, Outcome as Answer, Record, Ticks};
use crate::host::{Host, NewActivity, open_settings};
use crate::run::{
    ActivityFinding, Effort, End, Outcome, RunError, Server, faults, open_all, rsvp_path, tell,
};
use crate::shared::{SharedTally, lock};
use crate::tokens::{Mint, Person};
use crate::verdict::judge;
use plan::Part;
use queue::{Job, Queue};

/// What kind of burst.
#[derive(Clone, Copy, Debug)]
pub struct BurstOptions {
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
}

/// What the connections of a burst share.
struct Shared {
    stage: Stage,
    queue: Mutex<Queue>,
    records: Mutex<Vec<Record>>,
    parts: Vec<Part>,
    people: Vec<Person>,
    rsvp_path: String,
    run_id: Uuid,
    rate: Option<f64>,
    progress: ProgressBar,
}

/// Runs a burst against `server` and judges it. What is counted is in `tally` at every moment.
pub async fn run(
    server: &Server,
    options: &BurstOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let run_id = clock::run_id();
    let mint = Mint::new(&server.secret, clock::unix_s());
    let host = mint.host(run_id)?;
    let people = (0..u64::from(options.people))
        .map(|number| mint.member(effort.seed, number))
        .collect::<Result<Vec<_>, _>>()?;
    let parts = plan::draw(
        options.people,
        options.guest_share,
        options.cancel_share,
        effort.seed,
    );

    let mut settings = open_settings(options.seats);
    settings.waitlist_capacity = options.waitlist;
    let around = SharedTally::default();
    let mut backstage = effort.backstage(&server.target, &around).swap_remove(0);
    let title = format!("Burst of {} people on {} seats", options.people, options.seats);
    let activity = Host::new(&mut backstage, &host)
        .create(&NewActivity::of(title, &settings), &format!("burst-{run_id}"))
        .await?;

    let mut connections = effort.connections(&server.target, tally);
    open_all(&mut connections).await?;
    lock(tally).planned = u64::from(options.people);
    progress.set_length(
        u64::from(options.people) + parts.iter().filter(|part| part.cancels_after.is_some()).count() as u64,
    );
    let shared = Arc::new(Shared {
        stage: Stage {
            ticks: Ticks::default(),
            tally: Arc::clone(tally),
        },
        queue: Mutex::new(Queue::new(people.len())),
        records: Mutex::new(Vec::with_capacity(people.len())),
        parts,
        people,
        rsvp_path: rsvp_path(activity),
        run_id,
        rate: options.rate,
        progress: progress.clone(),
    });
    drive_all(connections, &shared).await?;

    let history = History {
        activity,
        settings,
        records: std::mem::take(&mut *lock(&shared.records)),
        unasked: lock(&shared.queue).left() as u64,
    };
    tell(progress, "reading back …");
    let mut backstage = effort.backstage(&server.target, &around).swap_remove(0);
    let last = Host::new(&mut backstage, &host).read_back(activity).await?;
    let end = End::of(&last);
    tell(
        progress,
        &format!(
            "judging {} answers and {} events …",
            lock(tally).answered(),
            last.events.len()
        ),
    );
    // Beside the runtime, which goes on listening to signals.
    let found = spawn_blocking(move || judge(&history, &last)).await?;
    let mut findings = faults([tally, &around]);
    findings.extend(found.into_iter().map(|finding| ActivityFinding {
        activity: activity.to_string(),
        finding,
    }));
    Ok(Outcome {
        activities: 1,
        end,
        findings,
    })
}

/// The part that is measured: from the first command to the last answer.
async fn drive_all(connections: Vec<Attempts>, shared: &Arc<Shared>) -> Result<(), RunError> {
    lock(&shared.stage.tally).start();
    let started = clock::now();
    let mut tasks = JoinSet::new();
    for attempts in connections {
        tasks.spawn(work(attempts, Arc::clone(shared), started));
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    lock(&shared.stage.tally).stop();
    Ok(())
}

/// One connection takes job after job.
async fn work(mut attempts: Attempts, shared: Arc<Shared>, started: Instant) {
    let mut records = Vec::new();
    loop {
        let next = lock(&shared.queue).take();
        let Some((job, number)) = next else { break };
        let mut since = clock::now();
        if let Some(rate) = shared.rate {
            since = started + Duration::from_secs_f64(number as f64 / rate);
            sleep_until(since).await;
        }
        let record = act(&mut attempts, &shared, job, since).await;
        // Time is up for this connection, and whatever is left is not asked any more.
        let time_is_up = matches!(record.outcome, Answer::Unanswered);
        if let (Job::Arrive(index), Answer::Acknowledged { .. }) = (job, &record.outcome)
            && let Some(share) = shared.parts[index].cancels_after
        {
            lock(&shared.queue).cancel_later(index, share);
            lock(&shared.stage.tally).planned += 1;
        }
        records.push(record);
        shared.progress.inc(1);
        if time_is_up {
            break;
        }
    }
    lock(&shared.records).append(&mut records);
}

async fn act(attempts: &mut Attempts, shared: &Shared, job: Job, since: Instant) -> Record {
    let (index, deed, word) = match job {
        Job::Arrive(index) => (
            index,
            Deed::Reserve {
                guest_count: shared.parts[index].guest_count,
            },
            "r",
        ),
        Job::Cancel(index) => (index, Deed::Cancel, "c"),
    };
    let key = format!("{}-{word}{index}", shared.run_id.simple());
    drive(
        attempts,
        &shared.stage,
        &shared.rsvp_path,
        &shared.people[index],
        deed,
        &key,
        since,
    )
    .await
}
