//! What a session has begun and waits for, the answers to commands aside.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::FuturesUnordered;
use turnout_actors::EngineError;
use turnout_actors::domain::ActivityId;

use super::subscribing::Wish;
use crate::store::StoreError;

/// What has come of something.
pub(super) enum Done {
    /// A command has reached its activity, which was not live before.
    Sent(ActivityId),
    /// An activity was loaded, or could not be.
    Loaded(Wish, Result<(), EngineError>),
    /// The activity of the RSVP was looked for that the socket's address names.
    Found(Result<Option<ActivityId>, StoreError>),
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
}

impl Stream for Work {
    type Item = Done;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Done>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}
