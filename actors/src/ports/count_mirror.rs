//! Where the counts of activities are told to readers outside of the server.

use async_trait::async_trait;

use super::Cause;
use crate::domain::{ActivityId, Counts, History, Seq};

/// How full an activity is, as readers outside see it: in spots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MirrorCounts {
    /// Spots in all.
    pub capacity: u32,
    /// Spots of confirmed RSVPs.
    pub confirmed: u32,
    /// Spots held by offers.
    pub offered: u32,
    /// Spots that those need who wait.
    pub waitlisted: u64,
    /// Spots that are free.
    pub available: u32,
    /// The history that they belong to.
    pub history: History,
    /// The last event that these counts include.
    pub seq: Seq,
}

impl MirrorCounts {
    /// What readers outside see of these counts, which are of this history.
    pub fn new(counts: Counts, history: History) -> Self {
        Self {
            capacity: counts.capacity,
            confirmed: counts.confirmed_spots,
            offered: counts.offered_spots,
            waitlisted: counts.waitlisted_spots,
            available: counts.available_spots,
            history,
            seq: counts.seq,
        }
    }

    /// Of two counts of one activity, those with the higher age are the newer ones.
    pub const fn age(&self) -> (History, Seq) {
        (self.history, self.seq)
    }
}

/// The mirror did not do what it was asked, or nobody knows whether it did. Asking again does no harm.
#[derive(Debug, thiserror::Error)]
#[error("the mirror is unavailable")]
pub struct MirrorError(#[source] pub Cause);

/// A copy of the counts beside the journal. Nothing depends on it, and it may be away, slow or empty at any time.
///
/// None of its methods waits for ever.
#[async_trait]
pub trait CountMirror: Send + Sync + 'static {
    /// Writes counts of different activities, each unless the mirror has as new or newer ones.
    async fn advance(&self, counts: &[(ActivityId, MirrorCounts)]) -> Result<(), MirrorError>;

    /// Writes counts of different activities, whatever the mirror has.
    async fn replace(&self, counts: &[(ActivityId, MirrorCounts)]) -> Result<(), MirrorError>;

    /// What the mirror has of these activities, in order; none where that is nothing, or cannot be understood.
    async fn read(&self, ids: &[ActivityId]) -> Result<Vec<Option<MirrorCounts>>, MirrorError>;

    /// Whether the mirror can still have what was written to it: not when it is asked for the first time, nor after
    /// it lost its memory, until it is asked again.
    async fn remembers(&self) -> Result<bool, MirrorError>;
}
