//! Bringing one activity to life.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::histogram;
use ractor::{Actor, ActorRef};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use super::DirectoryMsg;
use crate::activity_actor::{self, ActivityActor};
use crate::committer::CommitterMsg;
use crate::domain::{ActivityId, History, Rejection};
use crate::error::EngineError;
use crate::feed::Feed;
use crate::live::{ActivityHandle, Live, Standing};
use crate::metrics::LOAD_SECONDS;
use crate::mirror::Outgoing;
use crate::ports::{Cause, Clock, IdSource, Journal, JournalError, Loaded};

/// Why an activity did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("there is no such activity")]
    NotFound,
    #[error("this process is not sure to own anything just now")]
    NotOurs,
    #[error("the activity could not be loaded")]
    Journal(#[from] JournalError),
    #[error("the activity could not be loaded in time")]
    Late,
    #[error("the actor of the activity did not start")]
    Spawn(#[source] Cause),
}

impl StartError {
    fn log(&self, id: ActivityId) {
        let error: &dyn Error = self;
        match self {
            Self::NotFound => {}
            // These pass by themselves, and are asked for again and again until they do.
            Self::NotOurs | Self::Journal(JournalError::Unavailable(_)) => {
                tracing::debug!(activity.id = %id, error, "an activity did not start");
            }
            Self::Journal(_) | Self::Late | Self::Spawn(_) => {
                tracing::error!(activity.id = %id, error, "an activity did not start");
            }
        }
    }

    /// What whoever asked for the activity is told.
    pub(super) fn told(&self) -> EngineError {
        match self {
            Self::NotFound => EngineError::Rejected(Rejection::NotFound),
            Self::NotOurs | Self::Journal(_) | Self::Late | Self::Spawn(_) => EngineError::Unavailable,
        }
    }
}

/// What a start needs.
pub(super) struct Starter {
    pub(super) id: ActivityId,
    pub(super) feed: Arc<Feed>,
    pub(super) history: Arc<AtomicU64>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) committer: ActorRef<CommitterMsg>,
    pub(super) outgoing: Option<Arc<Outgoing>>,
    pub(super) permits: u32,
    pub(super) load_limit: Duration,
}

impl Starter {
    pub(super) async fn run(self, directory: ActorRef<DirectoryMsg>) {
        let id = self.id;
        let result = self.start(&directory).await;
        if let Err(error) = &result {
            error.log(id);
        }
        // If the directory is gone, so is the engine; whoever waits sees their channel close.
        let _ = directory.cast(DirectoryMsg::Started(id, result));
    }

    async fn start(self, directory: &ActorRef<DirectoryMsg>) -> Result<ActivityHandle, StartError> {
        self.quiesce().await;
        let started = Instant::now();
        let tenure = self.journal.tenure().ok_or(StartError::NotOurs)?;
        let loaded = timeout(self.load_limit, self.journal.load(self.id))
            .await
            .map_err(|_| StartError::Late)??
            .ok_or(StartError::NotFound)?;
        histogram!(LOAD_SECONDS).record(started.elapsed());
        let history = timeout(self.load_limit, self.follow_history(&loaded))
            .await
            .map_err(|_| StartError::Late)??;
        let live = Arc::new(Live::new(
            loaded.activity,
            self.feed,
            self.journal.clone(),
            Standing {
                tenure,
                history,
                present: self.history,
            },
        ));
        let arguments = activity_actor::Arguments {
            id: self.id,
            live: live.clone(),
            epoch: loaded.epoch,
            journal: self.journal,
            ids: self.ids,
            clock: self.clock,
            committer: self.committer,
            outgoing: self.outgoing,
        };
        let (actor, _) = Actor::spawn_linked(None, ActivityActor, arguments, directory.get_cell())
            .await
            .map_err(|error| StartError::Spawn(error.into()))?;
        Ok(ActivityHandle {
            actor,
            live,
            permits: Arc::new(Semaphore::new(self.permits as usize)),
        })
    }

    /// Begins a new history where clients may have seen more than there is, and returns the one that the activity
    /// belongs to now.
    async fn follow_history(&self, loaded: &Loaded) -> Result<History, StartError> {
        let (known, reached) = self.feed.reached();
        let overview = loaded.activity.overview();
        let (mut history, seq) = (loaded.history, overview.counts.seq);
        if (history, seq) < (known, reached) {
            history = self.journal.history_after(known).await?;
            tracing::error!(
                activity.id = %self.id, ?seq, ?reached, ?history,
                "what was told of an activity is gone, as after restoring a backup: a new history begins"
            );
        }
        self.history.fetch_max(history.0, Ordering::SeqCst);
        self.feed.goes_on_from(history, overview);
        Ok(history)
    }

    /// Waits until nothing is under way that an earlier actor of this activity has submitted. What it waits
    /// for ends by itself or is settled.
    async fn quiesce(&self) {
        let (reply, quiet) = oneshot::channel();
        if self.committer.cast(CommitterMsg::Quiesce(self.id, reply)).is_ok() {
            let _ = quiet.await;
        }
    }
}
