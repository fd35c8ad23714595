//! One command on its way to the actor of its activity.

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio::time::Instant;

use crate::activity_actor::ActivityMsg;
use crate::callers::Caller;
use crate::domain::{ActivityId, Request};
use crate::engine::{Engine, LOOKUPS_MAX, Order};
use crate::error::EngineError;
use crate::live::ActivityHandle;
use crate::reply_port::ReplyPort;

/// A command that has not reached the actor of its activity yet.
pub struct Submission {
    id: ActivityId,
    deadline: Instant,
    caller: Box<Caller>,
}

impl Submission {
    /// Stamps a command and takes it in, if there is room. Nothing if it was refused: then that was answered.
    pub(crate) fn new(engine: &Engine, id: ActivityId, order: Order, reply: ReplyPort) -> Option<Self> {
        match admit(engine) {
            Ok(permit) => Some(Self::stamped(engine, id, order, reply, permit)),
            Err(error) => {
                reply.answer(Err(error));
                None
            }
        }
    }

    fn stamped(
        engine: &Engine,
        id: ActivityId,
        order: Order,
        reply: ReplyPort,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let key = order.key.and_then(|key| key.used_for(&order.by, &order.command));
        let request = Request {
            by: order.by,
            at: engine.now(),
            command: order.command,
            if_version: order.if_version,
            key,
        };
        Self {
            id,
            deadline: engine.deadline(),
            caller: Box::new(Caller::new(request, reply, permit)),
        }
    }

    /// Sends it, if its activity is live; otherwise it comes back. Whatever hinders it is answered.
    pub fn now(self, engine: &Engine) -> Option<Self> {
        match engine.found(self.id) {
            Some(handle) => self.send(&handle),
            None => Some(self),
        }
    }

    /// Sends it as soon as its activity is live. Whatever hinders it is answered.
    pub async fn sent(mut self, engine: &Engine) {
        for _ in 0..LOOKUPS_MAX {
            let handle = match engine.find(self.id, self.deadline).await {
                Ok(handle) => handle,
                Err(error) => return self.caller.answer(Err(error)),
            };
            match self.send(&handle) {
                Some(again) => self = again,
                None => return,
            }
        }
        self.caller.answer(Err(EngineError::Unavailable));
    }

    /// Sends it, unless the activity is about to rest or to be restarted.
    fn send(mut self, handle: &ActivityHandle) -> Option<Self> {
        match handle.permits.clone().try_acquire_owned() {
            Ok(permit) => self.caller.permits[1] = Some(permit),
            // All permits are taken, too, while it is being put to rest.
            Err(TryAcquireError::NoPermits) if !handle.live.is_certain() => return Some(self),
            Err(TryAcquireError::NoPermits) => {
                self.caller.answer(Err(EngineError::Overloaded));
                return None;
            }
            // It was put to rest or has failed since it was looked up.
            Err(TryAcquireError::Closed) => {
                handle.live.retire();
                return Some(self);
            }
        }
        let Self { id, deadline, caller } = self;
        match handle.actor.cast(ActivityMsg::Command(caller)) {
            // The actor has died and nobody has noticed yet. It never got this command, so its successor can.
            Err(ractor::MessagingErr::SendErr(ActivityMsg::Command(mut caller))) => {
                handle.live.retire();
                caller.permits[1] = None;
                Some(Self { id, deadline, caller })
            }
            // Where the message is lost, dropping it has told the caller to come back.
            Ok(()) | Err(_) => None,
        }
    }
}

fn admit(engine: &Engine) -> Result<OwnedSemaphorePermit, EngineError> {
    if engine.is_draining() {
        return Err(EngineError::Draining);
    }
    engine.admit()
}
