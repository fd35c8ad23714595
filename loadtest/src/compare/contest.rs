//! The part in which designs are judged and nothing is timed: many people want few seats over all connections, and some
//! cancel in between, as in a burst on Turnout.

use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::opening::{Asking, Kept, ask};
use super::{CompareError, Contest};
use crate::attempt::Attempts;
use crate::burst::plan::{self, Part};
use crate::burst::queue::{Job, Queue};
use crate::clock;
use crate::drive::Deed;
use crate::history::Ticks;
use crate::run::{RunError, rsvp_path};
use crate::shared::lock;
use crate::tokens::Person;

struct Shared {
    people: Arc<[Person]>,
    parts: Vec<Part>,
    path: String,
    run_id: Uuid,
    ticks: Ticks,
    queue: Mutex<Queue>,
}

/// Lets everybody come, and returns what was answered.
pub(super) async fn contest(
    contest: Contest,
    people: &Arc<[Person]>,
    activity: Uuid,
    seed: u64,
    lines: Vec<Attempts>,
) -> Result<Vec<Kept>, CompareError> {
    let parts = plan::draw(contest.people, 0.0, contest.cancel_share, seed);
    let shared = Arc::new(Shared {
        people: Arc::clone(people),
        queue: Mutex::new(Queue::new(parts.len())),
        parts,
        path: rsvp_path(activity),
        run_id: clock::run_id(),
        ticks: Ticks::default(),
    });
    let mut tasks = JoinSet::new();
    for line in lines {
        tasks.spawn(work(line, Arc::clone(&shared)));
    }
    let mut kept = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        kept.append(&mut ended.map_err(RunError::from)?);
    }
    Ok(kept)
}

async fn work(mut line: Attempts, shared: Arc<Shared>) -> Vec<Kept> {
    let mut all = Vec::new();
    loop {
        let next = lock(&shared.queue).take();
        let Some((job, _)) = next else { return all };
        let (index, deed, word) = match job {
            Job::Arrive(index) => (index, Deed::Reserve { guest_count: 0 }, 'r'),
            Job::Cancel(index) => (index, Deed::Cancel, 'c'),
        };
        let asking = Asking {
            path: &shared.path,
            person: &shared.people[index],
            key: &format!("{}-{word}{index}", shared.run_id.simple()),
            deed,
        };
        let kept = ask(&mut line, &shared.ticks, index, &asking, clock::now()).await;
        if kept.is_done()
            && let (Job::Arrive(_), Some(share)) = (job, shared.parts[index].cancels_after)
        {
            lock(&shared.queue).cancel_later(index, share);
        }
        all.push(kept);
    }
}
