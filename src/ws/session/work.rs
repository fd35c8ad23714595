//! What a session has begun and waits for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::FuturesUnordered;
use turnout_actors::domain::{ActivityId, RsvpId};
use turnout_actors::{Answering, EngineError, Seen};

use super::commands::Answered;
use super::subscribing::{Looked, Wish};
use crate::store::StoreError;
use crate::ws::subscription::Sight;

/// What has come of something.
pub(super) enum Done {
    /// A command has reached its activity, which was not live before.
    Sent(ActivityId, Box<(super::commands::Tag, Answering)>),
    /// A command has its answer.
    Answered(Box<Answered>),
    /// An activity was looked at.
    Looked(Box<Looked>),
    /// The activity of an RSVP was looked for.
    Found(RsvpId, Result<Option<ActivityId>, StoreError>),
}

type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Everything that a session waits for; bounded by what a client may have under way.
pub(super) struct Work(FuturesUnordered<Doing>);

impl Work {
    pub(super) fn new() -> Self {
        Self(FuturesUnordered::new())
    }

    pub(super) fn begin(&self, doing: impl Future<Output = Done> + Send + 'static) {
        self.0.push(Box::pin(doing));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn look(
        &self,
        wish: Wish,
        look: impl Future<Output = Result<Seen<Sight>, EngineError>> + Send + 'static,
    ) {
        self.begin(async move {
            let seen = look.await;
            Done::Looked(Box::new(Looked { wish, seen }))
        });
    }
}

impl Stream for Work {
    type Item = Done;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Done>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}
