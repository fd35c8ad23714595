//! Those who wait for the answer to a command, and how they are answered whatever happens to the actor.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::domain::{Answer, Counts, Rejection, Request};
use crate::error::EngineError;
use crate::live::Live;

/// The answer to an accepted command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// What became of the command.
    pub answer: Answer,
    /// How full the activity is, not before the command.
    pub counts: Counts,
}

/// Somebody who waits for the answer to one command.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Result<Reply, EngineError>>,
    /// Held until the command is answered, so that the number of commands under way is bounded.
    pub(crate) permits: [OwnedSemaphorePermit; 2],
}

impl Caller {
    pub(crate) fn answer(self, result: Result<Reply, EngineError>) {
        // Whoever gave up waiting has dropped the other end; there is nobody left to tell.
        let _ = self.reply.send(result);
    }
}

/// What a command was judged, to be told once its batch is durable.
pub(crate) type Verdict = Result<Answer, Rejection>;

/// Those whose commands were decided in one batch. They travel with the batch, not with the actor: once the
/// batch is durable they are answered even if the actor has died meanwhile.
#[derive(Debug)]
pub(crate) struct Callers {
    waiting: Vec<(Caller, Verdict)>,
    counts: Counts,
    live: Arc<Live>,
    durable: bool,
}

impl Callers {
    pub(crate) fn new(waiting: Vec<(Caller, Verdict)>, counts: Counts, live: Arc<Live>) -> Self {
        Self {
            waiting,
            counts,
            live,
            durable: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The batch is durable: from here on the verdicts are told, at the latest when this is dropped.
    pub(crate) fn now_durable(&mut self) {
        self.durable = true;
    }

    /// Tells everybody their verdict. Only for a batch that is durable and visible, or that has no events.
    pub(crate) fn tell_verdicts(mut self) {
        self.tell();
    }

    /// Tells everybody the same error.
    pub(crate) fn refuse(mut self, error: &EngineError) {
        for (caller, _) in self.waiting.drain(..) {
            caller.answer(Err(error.clone()));
        }
    }

    /// Tells everybody that it could not be found out in time what became of their command.
    pub(crate) fn give_up(&mut self) {
        for (caller, _) in self.waiting.drain(..) {
            caller.answer(Err(EngineError::UnknownOutcome));
        }
    }

    /// Gives the commands back, to be judged again.
    pub(crate) fn into_callers(mut self) -> Vec<Caller> {
        self.waiting.drain(..).map(|(caller, _)| caller).collect()
    }

    fn tell(&mut self) {
        let counts = self.counts;
        for (caller, verdict) in self.waiting.drain(..) {
            let result = verdict
                .map(|answer| Reply { answer, counts })
                .map_err(EngineError::Rejected);
            caller.answer(result);
        }
    }
}

impl Drop for Callers {
    /// The actor died before it could make a durable batch visible. Its state is behind what is told here, so
    /// nobody may read it any more; then the callers get what was decided.
    fn drop(&mut self) {
        if self.durable && !self.waiting.is_empty() {
            self.live.retire();
            self.tell();
        }
    }
}
