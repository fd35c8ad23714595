//! Where differences go that somebody watches.

use std::sync::Arc;

use crate::domain::{ActivityId, Difference};

/// Takes what was committed to those who watch. Called by the activity's actor after every commit, so it must
/// return at once and never wait for a reader.
pub trait FeedSink: Send + Sync + 'static {
    /// The activity has changed.
    fn publish(&self, activity: ActivityId, difference: &Arc<Difference>);
}

/// Nobody watches.
impl FeedSink for () {
    fn publish(&self, _: ActivityId, _: &Arc<Difference>) {}
}
