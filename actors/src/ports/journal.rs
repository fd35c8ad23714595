//! The durable record of all activities: where decisions are written before anybody hears of them.

use async_trait::async_trait;

use crate::domain::{
    Activity, ActivityId, BatchId, Counts, Event, Head, History, KeyUse, Keyed, OwnerEpoch, Rsvp, RsvpId,
    Seq, SharedSettings, Timestamp,
};

/// Why the journal did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database refused it for what it contains; nothing was written. The same again would be refused again.
    #[error("the journal refused a batch")]
    Aborted(#[source] Cause),
    /// It cannot be known yet whether it was written; see [`Journal::settle`].
    #[error("the outcome of a commit is unknown")]
    Unknown(#[source] Cause),
    /// The database cannot be reached or is full or busy; nothing was written.
    #[error("the journal is unavailable")]
    Unavailable(#[source] Cause),
    /// What is stored contradicts itself.
    #[error("the journal is corrupt")]
    Corrupt(#[source] Cause),
}

/// What lies behind a [`JournalError`].
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl JournalError {
    /// What the database said, with everything behind it, for the log.
    pub fn cause(&self) -> String {
        let mut words = Vec::new();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            words.push(error.to_string());
            source = error.source();
        }
        words.join(": ")
    }
}

/// The decisions of one activity that are written together or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Stays with the activity once written, so that it can be recognised.
    pub id: BatchId,
    /// Whose decisions.
    pub activity: ActivityId,
    /// Whoever owns the activity by a later epoch has fenced this batch off.
    pub epoch: OwnerEpoch,
    /// The last event before this batch. The batch is written only onto exactly that state.
    pub prev: Seq,
    /// The activity after the batch.
    pub head: Head,
    /// Parties that wait after the batch.
    pub waitlisted_parties: u64,
    /// Their spots.
    pub waitlisted_spots: u64,
    /// The RSVPs that are new or have changed, each once.
    pub rsvps: Vec<Rsvp>,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// An activity to be stored.
#[derive(Clone, Debug)]
pub struct NewActivity {
    /// Its identifier.
    pub id: ActivityId,
    /// What its host set.
    pub settings: SharedSettings,
    /// When it is made.
    pub at: Timestamp,
    /// The idempotency key of the command that makes it, scoped to the principal.
    pub key: Option<KeyUse>,
}

/// What became of a [`NewActivity`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Creation {
    /// It is stored.
    Created,
    /// The same key made this activity before; nothing was stored.
    Replayed(ActivityId),
    /// The key was used for another activity; nothing was stored.
    KeyReused,
}

/// How one batch of a commit fared. (The commit as a whole succeeded.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Landing {
    /// It is durable.
    Written,
    /// It did not fit what is there: the activity has moved on or has another owner. Nothing of it was written.
    Refused,
    /// Somebody outside holds a row that it changes. Nothing of it was written; the same again may well succeed.
    Blocked,
}

/// What became of a batch whose outcome was unknown. Afterwards the batch under its old epoch can never land.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// It had been written.
    Written {
        /// The epoch to go on with.
        epoch: OwnerEpoch,
    },
    /// It had not been written and may be submitted again.
    NotWritten {
        /// The epoch to submit it under.
        epoch: OwnerEpoch,
    },
    /// It had been written, but the activity is under a later epoch by now: somebody else owns it, or an earlier
    /// settling did its part and nobody learned of it. Whoever wrote it must load the activity afresh.
    WrittenAndFenced,
    /// Somebody else owns the activity, and the batch is not the last one written.
    Fenced,
}

/// A live activity as it was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Its committed state.
    pub activity: Activity,
    /// The epoch by which the loader now owns it.
    pub epoch: OwnerEpoch,
    /// The history that it belongs to.
    pub history: History,
}

/// What the rows of an activity's RSVPs add up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recount {
    /// The last event that the rows include.
    pub seq: Seq,
    /// Spots of confirmed RSVPs.
    pub confirmed_spots: u64,
    /// Spots held by offers.
    pub offered_spots: u64,
    /// Parties that wait.
    pub waitlisted_parties: u64,
    /// The spots that they need together.
    pub waitlisted_spots: u64,
}

impl Recount {
    /// Whether these are the sums in `counts`.
    pub fn agrees_with(&self, counts: &Counts) -> bool {
        *self
            == Self {
                seq: counts.seq,
                confirmed_spots: counts.confirmed_spots.into(),
                offered_spots: counts.offered_spots.into(),
                waitlisted_parties: counts.waitlisted_parties,
                waitlisted_spots: counts.waitlisted_spots,
            }
    }
}

/// Stores activities and their decisions durably.
///
/// Every method either does what it says or returns an error that says what is known; none waits for ever.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// The number of the time for which this process has owned, without a gap, what it has loaded; none while it is
    /// not sure to. What was loaded under an earlier number may since have been somebody else's.
    fn tenure(&self) -> Option<u64> {
        Some(0)
    }

    /// The present history. Where it is not younger than `known`, a new one begins first: somebody has found that
    /// what they knew of it is gone. However many find that, one begins.
    async fn history_after(&self, known: History) -> Result<History, JournalError>;

    /// Stores a new activity without RSVPs, unless its key was used before.
    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError>;

    /// Claims an activity and loads it with the keys that still count; `None` if there is no such activity.
    /// Whoever owned it before can write no more.
    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError>;

    /// Writes batches of different activities in one transaction. Returns, in order, how each fared, and only
    /// once everything written is durable. On an error no batch can be assumed written, and unless it is
    /// [`JournalError::Unknown`] none was.
    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError>;

    /// Finds out what became of a batch, and makes sure that it cannot land later.
    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError>;

    /// What the event `seq` recorded of its command's key.
    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError>;

    /// Adds up the rows of an activity, all as of one moment; `None` if there is no such activity. The rows of a
    /// cancelled one may not have followed it yet.
    async fn recount(&self, id: ActivityId) -> Result<Option<Recount>, JournalError>;

    /// Up to `most` activities that have offers which ended before `before`.
    async fn overdue(&self, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError>;

    /// Lets up to `most` rows of a cancelled activity follow it, in the order of their identifiers and beginning
    /// after `after`. Returns the last one, to go on after; none when there are no more.
    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError>;
}
