//! The way back to whoever gave a command. Something always goes that way, and only once: whoever drops a port without
//! an answer has told that the activity is unavailable.

use std::sync::Arc;

use metrics::{counter, gauge, histogram};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::answers::Tray;
use crate::callers::Reply;
use crate::error::EngineError;
use crate::metrics::{COMMAND_SECONDS, COMMANDS, IN_FLIGHT};

/// What became of a command.
pub type CommandResult = Result<Reply, EngineError>;

/// Where the answer to one command goes.
#[derive(Debug)]
pub(crate) struct ReplyPort {
    to: Option<To>,
    began: Instant,
}

#[derive(Debug)]
enum To {
    /// To somebody who waits for this answer alone.
    One(oneshot::Sender<CommandResult>),
    /// To somebody who waits for many, by its number.
    Tray(Arc<Tray>, u64),
}

impl ReplyPort {
    /// A port for one answer, and where that comes out.
    pub(crate) fn single() -> (Self, oneshot::Receiver<CommandResult>) {
        let (answer, answered) = oneshot::channel();
        (Self::to(To::One(answer)), answered)
    }

    /// A port for the answer with this number among many.
    pub(crate) fn into_tray(tray: Arc<Tray>, number: u64) -> Self {
        Self::to(To::Tray(tray, number))
    }

    fn to(to: To) -> Self {
        gauge!(IN_FLIGHT).increment(1);
        Self {
            to: Some(to),
            began: Instant::now(),
        }
    }

    pub(crate) fn answer(mut self, result: CommandResult) {
        self.send(result);
    }

    fn send(&mut self, result: CommandResult) {
        let Some(to) = self.to.take() else { return };
        let mut outcome = match &result {
            Ok(reply) if reply.answer.replayed => "replayed",
            Ok(_) => "accepted",
            Err(error) => error.code(),
        };
        let has_arrived = match to {
            To::One(answer) => answer.send(result).is_ok(),
            To::Tray(tray, number) => tray.put(number, result),
        };
        if !has_arrived {
            outcome = "abandoned";
        }
        gauge!(IN_FLIGHT).decrement(1);
        histogram!(COMMAND_SECONDS).record(self.began.elapsed());
        counter!(COMMANDS, "outcome" => outcome).increment(1);
    }
}

impl Drop for ReplyPort {
    /// The actor is gone, and nobody knows whether it had decided this command.
    fn drop(&mut self) {
        self.send(Err(EngineError::Unavailable));
    }
}
