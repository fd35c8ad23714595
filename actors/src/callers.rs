//! Those who wait for the answer to a command, and how they are answered whatever happens to the actor.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::domain::{Answer, Counts, Rejection, Request};
use crate::error::EngineError;
use crate::live::Live;
use crate::reply_port::{CommandResult, ReplyPort};

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
    reply: ReplyPort,
    /// The node's and the activity's, held until the command is answered, so that the number of commands under way is
    /// bounded.
    pub(crate) permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Caller {
    /// Somebody for whom there is room on the node.
    pub(crate) fn new(request: Request, reply: ReplyPort, permit: OwnedSemaphorePermit) -> Self {
        Self {
            request,
            reply,
            permits: [Some(permit), None],
        }
    }

    pub(crate) fn answer(self, result: CommandResult) {
        self.reply.answer(result);
    }
}

/// What a command was judged, to be told once its batch is durable.
pub(crate) type Verdict = Result<Answer, Rejection>;

/// Those whose commands were decided in one batch. They travel with the batch, not with the actor: once the
/// batch is durable they are answered even if the actor has died meanwhile.
#[derive(Debug)]
pub(crate) struct Callers {
    waiting: Vec<(Box<Caller>, Verdict)>,
    counts: Counts,
    live: Arc<Live>,
    durable: bool,
}

impl Callers {
    pub(crate) fn new(waiting: Vec<(Box<Caller>, Verdict)>, counts: Counts, live: Arc<Live>) -> Self {
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
    #[expect(
        clippy::vec_box,
        reason = "they come in boxes and go on in them: moving one would copy hundreds of bytes"
    )]
    pub(crate) fn into_callers(mut self) -> Vec<Box<Caller>> {
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
