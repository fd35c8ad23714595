//! Brings batches to the journal: merges those of many activities into one transaction, tells bad ones from
//! good ones, and finds out what became of a commit whose outcome is unknown. It decides nothing.

mod landing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::histogram;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::landing::Runway;
use crate::activity_actor::ActivityMsg;
use crate::callers::Callers;
use crate::domain::ActivityId;
use crate::metrics::COMMIT_BATCHES;
use crate::ports::{Batch, Journal};

/// About the most rows in one transaction.
const MERGED_ROWS_MAX: usize = 5_000;
/// How long an activity is kept apart that was in the way of those with whom it shared a transaction. It can be in
/// their way again only that often.
const SUSPECT_FOR: Duration = Duration::from_secs(10);

/// The committer of a node.
pub(crate) struct Committer;

/// What the committer is told.
#[derive(Debug)]
pub(crate) enum CommitterMsg {
    /// A batch is to be written.
    Submit(Box<Submission>),
    /// A transaction has ended, its unknown outcomes aside.
    StatementDone(Lane),
    /// The fate of one batch is known and was handed over.
    BatchDone(ActivityId),
    /// A batch of this activity could not be written although others could.
    Suspect(ActivityId),
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
    /// It is durable, but somebody else may have decided since.
    CommittedAndFenced,
    /// The database refused it for what it contains; it can never land.
    Aborted,
    /// The database could not be reached or had no room; nothing was written.
    Unavailable,
    /// Somebody else owns the activity.
    Fenced,
}

/// With whom a batch shares its transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lane {
    /// With everybody.
    Ordinary,
    /// With others that were in somebody's way lately.
    Suspects,
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
    /// Transactions under way that everybody shares.
    statements: usize,
    /// Whether one of suspects is under way.
    suspects_under_way: bool,
    /// Activities that were in somebody's way, and until when they are kept apart.
    suspects: HashMap<ActivityId, Instant>,
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
            suspects_under_way: false,
            suspects: HashMap::new(),
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
            CommitterMsg::StatementDone(Lane::Ordinary) => state.statements -= 1,
            CommitterMsg::StatementDone(Lane::Suspects) => state.suspects_under_way = false,
            CommitterMsg::Suspect(activity) => {
                state.suspects.insert(activity, Instant::now() + SUSPECT_FOR);
            }
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
        let now = Instant::now();
        self.suspects.retain(|_, until| *until > now);
        if !self.suspects_under_way {
            self.suspects_under_way = self.launch_one(Lane::Suspects, myself);
        }
        while self.statements < self.parts.statements_max && self.launch_one(Lane::Ordinary, myself) {
            self.statements += 1;
        }
    }

    /// Starts a transaction with what waits for this lane, and returns whether anything does.
    fn launch_one(&mut self, lane: Lane, myself: &ActorRef<CommitterMsg>) -> bool {
        let merged = self.merge(lane);
        if merged.is_empty() {
            return false;
        }
        histogram!(COMMIT_BATCHES).record(merged.len() as f64);
        let runway = Runway {
            journal: self.parts.journal.clone(),
            committer: myself.clone(),
            settle_limit: self.parts.settle_limit,
            lane,
        };
        tokio::spawn(runway.land(merged));
        true
    }

    fn lane(&self, activity: ActivityId) -> Lane {
        if self.suspects.contains_key(&activity) {
            Lane::Suspects
        } else {
            Lane::Ordinary
        }
    }

    /// Takes batches of this lane off the queue, oldest first, up to the row limit but at least one if there is any,
    /// and never two of one activity.
    fn merge(&mut self, lane: Lane) -> Vec<Submission> {
        if lane == Lane::Suspects && self.suspects.is_empty() {
            return Vec::new();
        }
        let mut rows = 0;
        let mut merged: Vec<Submission> = Vec::new();
        let mut later = Vec::new();
        for submission in std::mem::take(&mut self.waiting) {
            if self.lane(submission.batch.activity) != lane {
                later.push(submission);
                continue;
            }
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
