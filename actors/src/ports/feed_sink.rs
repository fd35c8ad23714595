//! Where differences go that somebody watches.

use crate::domain::{ActivityId, Difference, Person, RsvpId};

/// Takes what was committed to those who watch. The activity's actor calls it after every commit, so whatever it
/// does must return at once and never wait for a reader.
pub trait FeedSink: Send + Sync + 'static {
    /// The activity has changed, and the difference is about to be in its feed: whoever is to be told something else
    /// before it is marked now.
    fn announce(&self, activity: ActivityId, difference: &Difference, touched: &Touched);

    /// There is something new in the feed: the difference, or another place from where it goes on, to which only a
    /// snapshot leads.
    fn publish(&self, activity: ActivityId);

    /// Somebody else may change the activity from now on, and this node does not hear of it.
    fn lost(&self, activity: ActivityId);
}

/// Whose RSVPs have changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Touched {
    /// These.
    Rsvps(Vec<(RsvpId, Person)>),
    /// Every live one, as when the activity is cancelled.
    All,
}

/// Nobody watches.
impl FeedSink for () {
    fn announce(&self, _: ActivityId, _: &Difference, _: &Touched) {}

    fn publish(&self, _: ActivityId) {}

    fn lost(&self, _: ActivityId) {}
}
