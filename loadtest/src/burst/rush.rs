//! The part of a burst that is measured: people come over as many lines as there are, and some cancel later.

use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::plan::Part;
use super::queue::{Job, Queue};
use crate::drive::Deed;
use crate::history::{Outcome, Record};
use crate::line::Line;
use crate::pace::{Due, Pace};
use crate::run::RunError;
use crate::scene::Scene;
use crate::shared::lock;
use crate::watch::Sending;

/// What everybody does.
pub(crate) struct Rush {
    /// By the index of the person.
    pub(crate) parts: Vec<Part>,
    /// Commands per second in an open loop; `None` is a closed loop.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Rushed {
    pub(crate) records: Vec<Record>,
    /// Commands that nobody asked because time was up.
    pub(crate) unasked: u64,
    /// When what was carried out was due.
    pub(crate) sendings: Vec<Sending>,
}

struct Shared {
    scene: Arc<Scene>,
    rush: Rush,
    queue: Mutex<Queue>,
    rushed: Mutex<Rushed>,
    /// `None` in a closed loop.
    pace: Option<Pace>,
}

impl Rush {
    /// From the first command to the last answer.
    pub(crate) async fn run<L: Line>(self, scene: &Arc<Scene>, lines: Vec<L>) -> Result<Rushed, RunError> {
        let shared = Arc::new(Shared {
            scene: Arc::clone(scene),
            queue: Mutex::new(Queue::new(self.parts.len())),
            pace: self.rate.map(Pace::starting_now),
            rush: self,
            rushed: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for line in lines {
            tasks.spawn(work(line, Arc::clone(&shared)));
        }
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        let mut rushed = std::mem::take(&mut *lock(&shared.rushed));
        rushed.unasked = lock(&shared.queue).left() as u64;
        Ok(rushed)
    }
}

/// One line takes job after job.
async fn work<L: Line>(mut line: L, shared: Arc<Shared>) {
    let scene = &shared.scene;
    let (mut records, mut sendings) = (Vec::new(), Vec::new());
    loop {
        let next = lock(&shared.queue).take();
        let Some((job, number)) = next else { break };
        let (index, deed) = match job {
            Job::Arrive(index) => {
                let guest_count = shared.rush.parts[index].guest_count;
                (index, Deed::Reserve { guest_count })
            }
            Job::Cancel(index) => (index, Deed::Cancel),
        };
        line.get_ready(&scene.people[index]).await;
        let due = shared.pace.map_or_else(Due::now, |pace| pace.due(number));
        due.wait().await;
        let record = scene.act(&mut line, index, deed, 0, due.at).await.record;
        // Time is up for this line, and whatever is left is not asked any more.
        let time_is_up = matches!(record.outcome, Outcome::Unanswered);
        if let Outcome::Acknowledged { answer, .. } = &record.outcome {
            let (seq, due_us) = (answer.seq, due.us);
            sendings.push(Sending { seq, due_us });
            if let (Job::Arrive(_), Some(share)) = (job, shared.rush.parts[index].cancels_after) {
                lock(&shared.queue).cancel_later(index, share);
                lock(&scene.stage.tally).planned += 1;
            }
        }
        records.push(record);
        scene.progress.inc(1);
        if time_is_up {
            break;
        }
    }
    let mut rushed = lock(&shared.rushed);
    rushed.records.append(&mut records);
    rushed.sendings.append(&mut sendings);
}
