//! What the engine needs from outside, as traits that speak domain types.

mod clock;
mod count_mirror;
mod feed_sink;
mod ids;
mod journal;

use std::sync::Arc;

pub use clock::Clock;
pub use count_mirror::{CountMirror, MirrorCounts, MirrorError};
pub use feed_sink::{FeedSink, Touched};
pub use ids::IdSource;
pub use journal::{
    Batch, Cause, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Recount, Settled,
};

/// Everything that an engine is connected to.
#[derive(Clone)]
pub struct Ports {
    /// Where decisions are kept.
    pub journal: Arc<dyn Journal>,
    /// Who watches.
    pub sink: Arc<dyn FeedSink>,
    /// Who reads counts from outside, if anybody does.
    pub mirror: Option<Arc<dyn CountMirror>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn IdSource>,
}
