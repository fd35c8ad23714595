//! The way in: whoever wants something of an activity asks the engine, and never sees an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use ractor::{Actor, ActorRef};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::callers::Reply;
use crate::directory::{self, Directory, DirectoryMsg, LiveMap};
use crate::domain::{
    Activity, ActivityId, Command, History, Overview, Principal, Rejection, Settings, Timestamp,
};
use crate::error::EngineError;
use crate::expiring::Expiring;
use crate::feed::Feed;
use crate::guarded::Guarded;
use crate::key::Key;
use crate::live::ActivityHandle;
use crate::mirror::{Mirroring, Outgoing};
use crate::options::Options;
use crate::ports::{Clock, Creation, IdSource, Journal, JournalError, NewActivity, Ports};
use crate::recount::Recounting;
use crate::reply_port::ReplyPort;
use crate::submission::Submission;

/// How often a call looks an activity up anew when it is put to rest or restarted just then.
pub(crate) const LOOKUPS_MAX: usize = 8;

/// A command as it comes from outside, before it is stamped.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who gives it.
    pub by: Principal,
    /// What is ordered.
    pub command: Command,
    /// The version that the caller acts on, if it named one.
    pub if_version: Option<u32>,
    /// The caller's idempotency key, if it sent one.
    pub key: Option<Key>,
}

/// What became of an order to make an activity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Made {
    /// It is new.
    New(Box<Overview>),
    /// The same key had made this one before.
    Before(ActivityId),
}

impl Made {
    /// The activity.
    pub fn id(&self) -> ActivityId {
        match self {
            Self::New(overview) => overview.id,
            Self::Before(id) => *id,
        }
    }
}

/// What was read of an activity.
#[derive(Clone)]
pub struct Seen<T> {
    /// What was read.
    pub value: T,
    /// The history that it belongs to.
    pub history: History,
    /// How it goes on from there. Whoever holds it watches the activity.
    pub feed: Arc<Feed>,
}

impl<T> Seen<T> {
    /// Nothing if the state must not be read any more.
    fn of(handle: &ActivityHandle, read: impl Fn(&Activity) -> T) -> Option<Self> {
        let activity = handle.live.read()?;
        let value = read(&activity);
        drop(activity);
        handle.live.is_ours().then(|| Self {
            value,
            history: handle.live.history(),
            feed: handle.live.feed().clone(),
        })
    }
}

/// The booking engine of one node. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    live: LiveMap,
    history: Arc<AtomicU64>,
    directory: ActorRef<DirectoryMsg>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    permits: Arc<Semaphore>,
    options: Options,
    draining: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Engine {
    /// Starts an engine. It must be called within a tokio runtime.
    pub async fn start(ports: Ports, options: Options) -> Result<Self, StartFailed> {
        let Ports {
            journal,
            sink,
            mirror,
            clock,
            ids,
        } = ports;
        let journal: Arc<dyn Journal> = Arc::new(Guarded(journal));
        let live: LiveMap = Arc::new(DashMap::new());
        let outgoing = mirror.as_ref().map(|_| Arc::new(Outgoing::default()));
        // No history has the number 0, so this one is there already.
        let history = Arc::new(AtomicU64::new(journal.history_after(History(0)).await?.0));
        let arguments = directory::Arguments {
            live: live.clone(),
            journal: journal.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            sink,
            outgoing: outgoing.clone(),
            history: history.clone(),
            options: options.clone(),
        };
        let (directory, running) = Actor::spawn(None, Directory, arguments).await.map_err(Box::new)?;
        let recounting = Recounting {
            live: live.clone(),
            journal: journal.clone(),
            every: options.recount_every,
        };
        let mirroring = mirror.zip(outgoing).map(|(mirror, outgoing)| Mirroring {
            outgoing,
            mirror,
            live: live.clone(),
            check_every: options.mirror_check_every,
            finishing: Notify::new(),
        });
        let expiring = Expiring {
            live: live.clone(),
            journal: journal.clone(),
            clock: clock.clone(),
            directory: directory.clone(),
            every: options.overdue_every,
        };
        let aside = Aside::start(recounting, expiring, mirroring);
        let (end, ended) = watch::channel(false);
        tokio::spawn(async move {
            let _ = running.await;
            aside.end().await;
            end.send_replace(true);
        });
        let permits = Arc::new(Semaphore::new(options.commands_max as usize));
        let draining = watch::Sender::new(false);
        let inner = Inner {
            live,
            history,
            directory,
            journal,
            clock,
            ids,
            permits,
            options,
            draining,
            ended,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Makes an activity, unless the same key has made it before.
    ///
    /// It goes on to its end if the caller gives up waiting.
    pub async fn create(
        &self,
        by: &Principal,
        settings: Settings,
        key: Option<&Key>,
    ) -> Result<Made, EngineError> {
        if *self.inner.draining.borrow() {
            return Err(EngineError::Draining);
        }
        let errors = settings.errors();
        if !errors.is_empty() {
            return Err(Rejection::Invalid(errors).into());
        }
        let permit = self.admit()?;
        let key = key.and_then(|key| key.used_for(by, &settings));
        let id = ActivityId::from(self.inner.ids.next());
        let (settings, at) = (Arc::new(settings), self.inner.clock.now());
        let new = NewActivity {
            id,
            settings: settings.clone(),
            at,
            key,
        };
        let journal = self.inner.journal.clone();
        let made = tokio::spawn(async move {
            let made = journal.create(new).await;
            drop(permit);
            made
        });
        match made.await.map_err(|_| EngineError::Internal)? {
            Ok(Creation::Created) => Ok(Made::New(Box::new(Overview::of_new(id, settings, at)))),
            Ok(Creation::Replayed(earlier)) => Ok(Made::Before(earlier)),
            Ok(Creation::KeyReused) => Err(Rejection::KeyReused.into()),
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                match error {
                    // It passes by itself, and is asked for again and again until it does.
                    JournalError::Unavailable(_) => tracing::debug!(cause, "an activity could not be made"),
                    _ => tracing::error!(cause, "an activity could not be made"),
                }
                Err(match error {
                    JournalError::Aborted(_) | JournalError::Corrupt(_) => EngineError::Internal,
                    JournalError::Unknown(_) => EngineError::UnknownOutcome,
                    JournalError::Unavailable(_) => EngineError::Unavailable,
                })
            }
        }
    }

    /// Gives a command to an activity and waits for its answer, which comes only once it is durable.
    pub async fn command(&self, id: ActivityId, order: Order) -> Result<Reply, EngineError> {
        let (reply, answer) = ReplyPort::single();
        let deadline = self.deadline();
        if let Some(submission) = Submission::new(self, id, order, reply).and_then(|new| new.now(self)) {
            submission.sent(self).await;
        }
        match timeout_at(deadline, answer).await {
            Ok(answered) => answered.expect("a port that is dropped has answered"),
            Err(_) => Err(EngineError::UnknownOutcome),
        }
    }

    /// Reads the committed state of an activity. `read` runs while others read too but nothing can change, so
    /// it must be short.
    pub async fn read<T>(&self, id: ActivityId, read: impl Fn(&Activity) -> T) -> Result<T, EngineError> {
        Ok(self.look(id, read).await?.value)
    }

    /// The same, with what it takes to follow the activity from there.
    pub async fn look<T>(
        &self,
        id: ActivityId,
        read: impl Fn(&Activity) -> T,
    ) -> Result<Seen<T>, EngineError> {
        let deadline = self.deadline();
        for _ in 0..LOOKUPS_MAX {
            let handle = self.find(id, deadline).await?;
            if let Some(seen) = Seen::of(&handle, &read) {
                return Ok(seen);
            }
            // A panic may have cut a change of it short, or somebody else may have changed it since. Nobody uses it
            // again, and the search brings its successor.
            handle.live.retire();
        }
        Err(EngineError::Unavailable)
    }

    /// The same without waiting: nothing if the activity is not live just now.
    pub fn glance<T>(&self, id: ActivityId, read: impl Fn(&Activity) -> T) -> Option<Seen<T>> {
        Seen::of(&self.found(id)?, &read)
    }

    /// The present history, as far as it is known on this node.
    pub fn history(&self) -> History {
        History(self.inner.history.load(Ordering::SeqCst))
    }

    /// Whether no new commands are taken any more.
    pub fn is_draining(&self) -> bool {
        *self.inner.draining.borrow()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// How many activities are live on this node.
    pub fn live_activities(&self) -> usize {
        self.inner.live.len()
    }

    /// Takes no new commands from now on, and waits until those under way are answered, but not longer than
    /// `limit`. Returns whether all were.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.inner.draining.send_replace(true);
        let all = self.inner.options.commands_max;
        let drained = timeout(limit, self.inner.permits.acquire_many(all)).await.is_ok();
        self.inner.directory.stop(Some("draining".into()));
        let mut ended = self.inner.ended.clone();
        let _ = timeout(limit, ended.wait_for(|ended| *ended)).await;
        drained
    }

    /// Waits until the engine has ended, be it that it was drained or that it failed.
    pub async fn ended(&self) {
        let mut ended = self.inner.ended.clone();
        // The sender goes away only after it has sent.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Room for one more on this node.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        let permit = self.inner.permits.clone().try_acquire_owned();
        permit.map_err(|_| EngineError::Overloaded)
    }

    /// Until when whoever asks now is told something.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.inner.options.call_limit
    }

    /// The way to an activity that is live.
    pub(crate) fn found(&self, id: ActivityId) -> Option<ActivityHandle> {
        let handle = self
            .inner
            .live
            .get(&id)
            .filter(|handle| handle.live.is_certain())?;
        handle.live.used();
        Some(handle.clone())
    }

    /// The way to an activity, which is started if it is not live.
    pub(crate) async fn find(
        &self,
        id: ActivityId,
        deadline: Instant,
    ) -> Result<ActivityHandle, EngineError> {
        if let Some(handle) = self.found(id) {
            return Ok(handle);
        }
        let (reply, started) = oneshot::channel();
        self.inner
            .directory
            .cast(DirectoryMsg::Start(id, reply))
            .map_err(|_| EngineError::Unavailable)?;
        timeout_at(deadline, started)
            .await
            .map_err(|_| EngineError::Unavailable)?
            .map_err(|_| EngineError::Unavailable)?
    }
}

/// What goes on beside the commands, and in nobody's way.
struct Aside {
    recounting: JoinHandle<()>,
    expiring: JoinHandle<()>,
    mirroring: Option<(Arc<Mirroring>, JoinHandle<()>)>,
}

impl Aside {
    fn start(recounting: Recounting, expiring: Expiring, mirroring: Option<Mirroring>) -> Self {
        let mirroring = mirroring.map(|mirroring| {
            let mirroring = Arc::new(mirroring);
            let keeping = tokio::spawn(mirroring.clone().keep());
            (mirroring, keeping)
        });
        Self {
            recounting: tokio::spawn(recounting.run()),
            expiring: tokio::spawn(expiring.run()),
            mirroring,
        }
    }

    async fn end(self) {
        self.recounting.abort();
        self.expiring.abort();
        if let Some((mirroring, running)) = self.mirroring {
            mirroring.finish(running).await;
        }
    }
}

/// The engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailed {
    /// Its actors.
    #[error("the engine could not start its actors")]
    Actors(#[from] Box<ractor::SpawnErr>),
    /// The journal.
    #[error("the engine could not begin on its journal")]
    Journal(#[from] JournalError),
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Person, Reserve, RsvpId, Timestamp, UserId};
    use crate::testing::{CountingIds, ManualClock, MemoryJournal, settings};

    fn order(person: u128) -> Order {
        let user = UserId::from(Uuid::from_u128(person));
        let reserve = Reserve {
            fresh: RsvpId::from(Uuid::from_u128(person << 64)),
            person: Person::User(user),
            name: "Somebody".into(),
            guest_count: 0,
            special_requirements: None,
        };
        Order {
            by: Principal::user(user),
            command: Command::Reserve(reserve),
            if_version: None,
            key: None,
        }
    }

    /// An engine with one live activity, in which the first person has a seat.
    async fn live() -> (MemoryJournal, Engine, ActivityId) {
        let journal = MemoryJournal::new();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1)));
        let ids = Arc::new(CountingIds::default());
        let ports = Ports {
            journal: Arc::new(journal.clone()),
            sink: Arc::new(()),
            mirror: None,
            clock,
            ids,
        };
        let engine = Engine::start(ports, Options::default()).await;
        let engine = engine.expect("the engine starts");
        let host = Principal::user(settings(9).host_id);
        let id = engine
            .create(&host, settings(9), None)
            .await
            .expect("an activity is made")
            .id();
        engine.command(id, order(1)).await.expect("there is room");
        (journal, engine, id)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_in_a_batch_in_flight_is_answered_by_its_outcome_although_the_actor_died() {
        let (journal, engine, id) = live().await;
        let gate = journal.faults().hold_next_commit();
        let in_flight = tokio::spawn({
            let engine = engine.clone();
            async move { engine.command(id, order(2)).await }
        });
        journal.until_held().await;
        let undecided = tokio::spawn({
            let engine = engine.clone();
            async move { engine.command(id, order(3)).await }
        });
        // The third has been sent once its permit is taken.
        let handle = engine.inner.live.get(&id).expect("it is live").clone();
        let all = engine.inner.options.commands_per_activity_max as usize;
        while handle.permits.available_permits() > all - 2 {
            tokio::task::yield_now().await;
        }
        handle.actor.kill();
        assert_eq!(undecided.await.expect("no panic"), Err(EngineError::Unavailable));
        // Its successor must wait for the batch. The paused clock moves when nothing else can happen any more.
        let served = timeout(Duration::from_secs(1), engine.read(id, |_| ())).await;
        assert!(served.is_err(), "what became of the batch is not known yet");
        // So this answer cannot miss what was decided.
        let successor = tokio::spawn({
            let engine = engine.clone();
            async move { engine.command(id, order(3)).await }
        });
        gate.add_permits(1);
        let told = in_flight.await.expect("no panic").expect("the batch was durable");
        assert_eq!(told.answer.seq.0, 2);
        assert_eq!(
            successor
                .await
                .expect("no panic")
                .expect("there is room")
                .answer
                .seq
                .0,
            3
        );
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_told_of_a_batch_reads_it_although_the_actor_died_before_it_was_visible() {
        let (journal, engine, id) = live().await;
        let gate = journal.faults().hold_next_commit();
        let reader = tokio::spawn({
            let engine = engine.clone();
            async move {
                let told = engine.command(id, order(2)).await;
                (told, engine.read(id, |activity| activity.counts().seq).await)
            }
        });
        journal.until_held().await;
        let handle = engine.inner.live.get(&id).expect("it is live").clone();
        gate.add_permits(1);
        // The actor ends before it takes its next message, which is that the batch is durable.
        handle.actor.kill();
        let (told, seen) = reader.await.expect("no panic");
        let told = told.expect("the batch was durable");
        assert_eq!(seen, Ok(told.answer.seq));
    }
}
