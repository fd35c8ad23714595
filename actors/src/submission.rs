//! One command on its way to the actor of its activity, and whoever waits for the answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use metrics::{counter, gauge, histogram};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::activity_actor::ActivityMsg;
use crate::callers::{Caller, Reply};
use crate::domain::{ActivityId, Request};
use crate::engine::{Engine, LOOKUPS_MAX, Order};
use crate::error::EngineError;
use crate::live::ActivityHandle;
use crate::metrics::{COMMAND_SECONDS, COMMANDS, IN_FLIGHT};

/// What became of a command that was given.
pub enum Submitted {
    /// It is on its way, or was refused.
    Sent(Answering),
    /// Its activity is not live yet.
    Waiting(Submission),
}

/// A command that has not reached the actor of its activity yet.
pub struct Submission {
    id: ActivityId,
    deadline: Instant,
    measured: Measured,
    waiting: Admitted,
}

/// A command for which there is room on this node.
type Admitted = Box<(Request, OwnedSemaphorePermit)>;

/// The answer to a command, once it is there. It comes only once it is durable.
pub struct Answering {
    outcome: Outcome,
    measured: Measured,
}

enum Outcome {
    Known(Option<EngineError>),
    Awaited {
        answer: oneshot::Receiver<Result<Reply, EngineError>>,
        limit: Pin<Box<Sleep>>,
    },
}

/// What became of an attempt to send.
enum Sent {
    Yes(oneshot::Receiver<Result<Reply, EngineError>>),
    /// The activity is about to rest or to be restarted.
    NotThere(Admitted),
    Refused(EngineError),
}

impl Submission {
    /// Stamps a command and takes it in, if there is room.
    pub(crate) fn new(engine: &Engine, id: ActivityId, order: Order) -> Result<Self, Answering> {
        let measured = Measured::start();
        let deadline = engine.deadline();
        if engine.is_draining() {
            return Err(Answering::known(EngineError::Draining, measured));
        }
        let at = engine.now();
        let permit = match engine.admit() {
            Ok(permit) => permit,
            Err(error) => return Err(Answering::known(error, measured)),
        };
        let key = order.key.and_then(|key| key.used_for(&order.by, &order.command));
        let request = Request {
            by: order.by,
            at,
            command: order.command,
            if_version: order.if_version,
            key,
        };
        Ok(Self {
            id,
            deadline,
            measured,
            waiting: Box::new((request, permit)),
        })
    }

    /// Sends it, if its activity is live.
    pub fn now(self, engine: &Engine) -> Submitted {
        match engine.found(self.id) {
            Some(handle) => self.send(&handle),
            None => Submitted::Waiting(self),
        }
    }

    /// Sends it as soon as its activity is live.
    pub async fn sent(mut self, engine: &Engine) -> Answering {
        for _ in 0..LOOKUPS_MAX {
            let handle = match engine.find(self.id, self.deadline).await {
                Ok(handle) => handle,
                Err(error) => return Answering::known(error, self.measured),
            };
            match self.send(&handle) {
                Submitted::Sent(answering) => return answering,
                Submitted::Waiting(again) => self = again,
            }
        }
        Answering::known(EngineError::Unavailable, self.measured)
    }

    fn send(self, handle: &ActivityHandle) -> Submitted {
        let Self {
            id,
            deadline,
            measured,
            waiting,
        } = self;
        match send(handle, waiting) {
            Sent::Yes(answer) => Submitted::Sent(Answering::awaited(answer, deadline, measured)),
            Sent::Refused(error) => Submitted::Sent(Answering::known(error, measured)),
            Sent::NotThere(waiting) => Submitted::Waiting(Self {
                id,
                deadline,
                measured,
                waiting,
            }),
        }
    }
}

fn send(handle: &ActivityHandle, waiting: Admitted) -> Sent {
    let permit = match handle.permits.clone().try_acquire_owned() {
        Ok(permit) => permit,
        // All permits are taken, too, while it is being put to rest.
        Err(TryAcquireError::NoPermits) if !handle.live.is_certain() => return Sent::NotThere(waiting),
        Err(TryAcquireError::NoPermits) => return Sent::Refused(EngineError::Overloaded),
        // It was put to rest or has failed since it was looked up.
        Err(TryAcquireError::Closed) => {
            handle.live.retire();
            return Sent::NotThere(waiting);
        }
    };
    let (reply, answer) = oneshot::channel();
    let (request, node_permit) = *waiting;
    let caller = Caller {
        request,
        reply,
        permits: [node_permit, permit],
    };
    match handle.actor.cast(ActivityMsg::Command(Box::new(caller))) {
        Ok(()) => Sent::Yes(answer),
        // The actor has died and nobody has noticed yet. It never got this command, so its successor can.
        Err(ractor::MessagingErr::SendErr(ActivityMsg::Command(caller))) => {
            handle.live.retire();
            let Caller {
                request,
                permits: [permit, _],
                ..
            } = *caller;
            Sent::NotThere(Box::new((request, permit)))
        }
        Err(_) => Sent::Refused(EngineError::Unavailable),
    }
}

impl Answering {
    fn known(error: EngineError, measured: Measured) -> Self {
        Self {
            outcome: Outcome::Known(Some(error)),
            measured,
        }
    }

    fn awaited(
        answer: oneshot::Receiver<Result<Reply, EngineError>>,
        deadline: Instant,
        measured: Measured,
    ) -> Self {
        let limit = Box::pin(sleep_until(deadline));
        Self {
            outcome: Outcome::Awaited { answer, limit },
            measured,
        }
    }
}

impl Future for Answering {
    type Output = Result<Reply, EngineError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.outcome {
            Outcome::Known(error) => Err(error.take().expect("an answer is taken once")),
            Outcome::Awaited { answer, limit } => match Pin::new(answer).poll(context) {
                Poll::Ready(Ok(result)) => result,
                // The actor is gone, and nobody knows whether it had decided this command.
                Poll::Ready(Err(_)) => Err(EngineError::Unavailable),
                Poll::Pending => {
                    ready!(limit.as_mut().poll(context));
                    Err(EngineError::UnknownOutcome)
                }
            },
        };
        self.measured.outcome = match &result {
            Ok(reply) if reply.answer.replayed => "replayed",
            Ok(_) => "accepted",
            Err(error) => error.code(),
        };
        Poll::Ready(result)
    }
}

/// Measures one command, also when its caller stops waiting for the answer.
struct Measured {
    started: Instant,
    outcome: &'static str,
}

impl Measured {
    fn start() -> Self {
        gauge!(IN_FLIGHT).increment(1);
        Self {
            started: Instant::now(),
            outcome: "abandoned",
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1);
        histogram!(COMMAND_SECONDS).record(self.started.elapsed());
        counter!(COMMANDS, "outcome" => self.outcome).increment(1);
    }
}
