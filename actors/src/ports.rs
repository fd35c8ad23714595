//! What the engine needs from outside, as traits that speak domain types.

mod clock;
mod feed_sink;
mod ids;
mod journal;

pub use clock::Clock;
pub use feed_sink::FeedSink;
pub use ids::IdSource;
pub use journal::{Batch, Cause, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Settled};
