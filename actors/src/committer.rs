//! Brings batches to the journal: merges those of many activities into one transaction, tells bad ones from
//! good ones, and finds out what became of a commit whose outcome is unknown. It decides nothing.

mod landing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::histogram;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use self::landing::Runway;
use crate::activity_actor::ActivityMsg;
use crate::callers::Callers;
use crate::domain::ActivityId;
use crate::metrics::COMMIT_BATCHES;
use crate::ports::{Batch, Journal};

/// About the most rows in one transaction.
const MERGED_ROWS_MAX: usize = 5_000;

/// The committer of a node.
pub(crate) struct Committer;

/// What the committer is told.
#[derive(Debug)]
pub(crate) enum CommitterMsg {
    /// A batch is to be written.
    Submit(Box<Submission>),
    /// A transaction has ended, its unknown outcomes aside.
    StatementDone,
    /// The fate of one batch is known and was handed over.
    BatchDone(ActivityId),
    /// Somebody wants to know when nothing of an activity is under way any more.
    Quiesce(ActivityId, oneshot::Sender<()>),
}

/// A batch with those who wait for it and the actor it came from.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) batch: Batch,
    pub(crate) callers: Callers,
    pub(crate) home: ActorRef<ActivityMsg>,
}

/// How a batch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It is durable.
    Committed,
    /// The database refused it for what it contains; it can never land.
    Aborted,
    /// The database could not be reached or had no room; nothing was written.
    Unavailable,
    /// Somebody else owns the activity.
    Fenced,
}

/// What the committer starts with.
#[derive(Clone)]
pub(crate) struct Arguments {
    pub(crate) journal: Arc<dyn Journal>,
    /// How many merged transactions may be under way at once.
    pub(crate) statements_max: usize,
    /// How long the callers of a batch of unknown outcome wait for it to be settled.
    pub(crate) settle_limit: Duration,
}

/// What the committer owns.
pub(crate) struct State {
    parts: Arguments,
    waiting: Vec<Submission>,
    statements: usize,
    /// Batches submitted and not done: at most one per activity while its actor lives, more only around a
    /// restart.
    under_way: HashMap<ActivityId, usize>,
    quiesced: HashMap<ActivityId, Vec<oneshot::Sender<()>>>,
}

impl Actor for Committer {
    type Msg = CommitterMsg;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        _: ActorRef<CommitterMsg>,
        parts: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State {
            parts,
            waiting: Vec::new(),
            statements: 0,
            under_way: HashMap::new(),
            quiesced: HashMap::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<CommitterMsg>,
        message: CommitterMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CommitterMsg::Submit(submission) => {
                *state.under_way.entry(submission.batch.activity).or_default() += 1;
                state.waiting.push(*submission);
            }
            CommitterMsg::StatementDone => state.statements -= 1,
            CommitterMsg::BatchDone(activity) => state.batch_done(activity),
            CommitterMsg::Quiesce(activity, reply) => {
                if state.under_way.contains_key(&activity) {
                    state.quiesced.entry(activity).or_default().push(reply);
                } else {
                    let _ = reply.send(());
                }
            }
        }
        state.launch(&myself);
        Ok(())
    }
}

impl State {
    /// Starts as many transactions as may be under way, each with all the batches that fit.
    fn launch(&mut self, myself: &ActorRef<CommitterMsg>) {
        while self.statements < self.parts.statements_max && !self.waiting.is_empty() {
            let merged = self.merge();
            histogram!(COMMIT_BATCHES).record(merged.len() as f64);
            self.statements += 1;
            let runway = Runway {
                journal: self.parts.journal.clone(),
                committer: myself.clone(),
                settle_limit: self.parts.settle_limit,
            };
            tokio::spawn(runway.land(merged));
        }
    }

    /// Takes batches off the queue, oldest first, up to the row limit but at least one, and never two of one
    /// activity.
    fn merge(&mut self) -> Vec<Submission> {
        let mut rows = 0;
        let mut merged: Vec<Submission> = Vec::new();
        let mut later = Vec::new();
        for submission in self.waiting.drain(..) {
            let size = submission.batch.rsvps.len() + submission.batch.events.len();
            let fits = merged.is_empty() || rows + size <= MERGED_ROWS_MAX;
            let twice = self.under_way[&submission.batch.activity] > 1
                && merged
                    .iter()
                    .any(|other| other.batch.activity == submission.batch.activity);
            if fits && !twice {
                rows += size;
                merged.push(submission);
            } else {
                later.push(submission);
            }
        }
        self.waiting = later;
        merged
    }

    fn batch_done(&mut self, activity: ActivityId) {
        let left = self
            .under_way
            .get_mut(&activity)
            .expect("what is done was under way");
        *left -= 1;
        if *left == 0 {
            self.under_way.remove(&activity);
            for reply in self.quiesced.remove(&activity).unwrap_or_default() {
                let _ = reply.send(());
            }
        }
    }
}
