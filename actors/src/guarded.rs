//! The journal as the engine calls it. Somebody waits for the end of every call, so every call has one: a panic
//! becomes an error, and so does an answer that does not fit the question.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;

use crate::domain::{ActivityId, History, Keyed, RsvpId, Seq, Timestamp};
use crate::ports::{Batch, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Recount, Settled};

/// A journal behind a guard.
pub(crate) struct Guarded(pub(crate) Arc<dyn Journal>);

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the journal panicked")]
    Panicked,
    #[error("the journal answered {landings} landings for {batches} batches")]
    Miscounted { landings: usize, batches: usize },
}

impl From<Broken> for JournalError {
    /// Whatever was going on may have been written or not.
    fn from(broken: Broken) -> Self {
        Self::Unknown(broken.into())
    }
}

/// The journal's own state may be in pieces after a panic, as it may be after any error: it has to know itself
/// where it stands.
async fn guarded<T>(call: impl Future<Output = Result<T, JournalError>>) -> Result<T, JournalError> {
    AssertUnwindSafe(call)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Broken::Panicked.into()))
}

#[async_trait]
impl Journal for Guarded {
    fn tenure(&self) -> Option<u64> {
        self.0.tenure()
    }

    async fn history_after(&self, known: History) -> Result<History, JournalError> {
        guarded(self.0.history_after(known)).await
    }

    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        guarded(self.0.create(new)).await
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        guarded(self.0.load(id)).await
    }

    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        let landings = guarded(self.0.commit(batches)).await?;
        if landings.len() == batches.len() {
            Ok(landings)
        } else {
            let (landings, batches) = (landings.len(), batches.len());
            Err(Broken::Miscounted { landings, batches }.into())
        }
    }

    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError> {
        guarded(self.0.settle(batch)).await
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        guarded(self.0.recall(id, seq)).await
    }

    async fn recount(&self, id: ActivityId) -> Result<Option<Recount>, JournalError> {
        guarded(self.0.recount(id)).await
    }

    async fn overdue(&self, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError> {
        guarded(self.0.overdue(before, most)).await
    }

    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError> {
        guarded(self.0.follow_cancellation(id, after, most)).await
    }
}
