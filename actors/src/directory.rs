//! Which activities are live on this node: starts each once however many ask, restarts those whose actor
//! failed, and puts to rest those that nobody uses. It is their supervisor and holds no booking state.

mod relapses;
mod start;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dashmap::DashMap;
use metrics::{counter, gauge};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use self::relapses::Relapses;
use self::start::{StartError, Starter};
use crate::committer::{self, Committer, CommitterMsg};
use crate::domain::ActivityId;
use crate::error::EngineError;
use crate::feed::Feed;
use crate::live::ActivityHandle;
use crate::metrics::{FAILURES, LIVE, PASSIVATIONS, STARTS};
use crate::mirror::Outgoing;
use crate::options::Options;
use crate::ports::{Clock, FeedSink, IdSource, Journal};

/// The live activities of this node, for whoever looks one up.
pub(crate) type LiveMap = Arc<DashMap<ActivityId, ActivityHandle>>;

/// An activity with an offer that ends within this time is not put to rest: it would be loaded again for it.
const SOON_MS: i64 = 10 * 60 * 1_000;

/// The directory of a node.
pub(crate) struct Directory;

/// What the directory is told.
#[derive(Debug)]
pub(crate) enum DirectoryMsg {
    /// Somebody needs an activity to be live.
    Start(ActivityId, oneshot::Sender<Result<ActivityHandle, EngineError>>),
    /// A start has ended.
    Started(ActivityId, Result<ActivityHandle, StartError>),
    /// It is time to look for activities that nobody uses.
    Sweep,
}

/// What the directory starts with.
pub(crate) struct Arguments {
    pub(crate) live: LiveMap,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sink: Arc<dyn FeedSink>,
    pub(crate) outgoing: Option<Arc<Outgoing>>,
    /// The number of the present history, as far as it is known here.
    pub(crate) history: Arc<AtomicU64>,
    pub(crate) options: Options,
}

/// What the directory owns.
pub(crate) struct State {
    parts: Arguments,
    committer: ActorRef<CommitterMsg>,
    /// Activities on their way to being live, with those who wait for it.
    starting: HashMap<ActivityId, Vec<oneshot::Sender<Result<ActivityHandle, EngineError>>>>,
    /// Activities that were told to stop and have not yet, with those who want them back.
    stopping: HashMap<ActivityId, Vec<oneshot::Sender<Result<ActivityHandle, EngineError>>>>,
    /// Feeds outlive the actors of their activities, but not their rest. They know what was told, so they stay also
    /// while an activity cannot be loaded.
    feeds: HashMap<ActivityId, Kept>,
    actors: HashMap<ActorId, ActivityId>,
    relapses: Relapses,
}

/// A feed, for how many sweeps neither its activity was live nor anybody watched, and the journal's tenure under which
/// the activity was last live.
struct Kept {
    feed: Arc<Feed>,
    sweeps: u32,
    tenure: Option<u64>,
}

impl Kept {
    /// Whether somebody holds it who is neither the directory nor the live activity: whoever watches.
    fn is_watched(&self, is_live: bool) -> bool {
        Arc::strong_count(&self.feed) > 1 + usize::from(is_live)
    }
}

impl Actor for Directory {
    type Msg = DirectoryMsg;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<DirectoryMsg>,
        parts: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let arguments = committer::Arguments {
            journal: parts.journal.clone(),
            statements_max: parts.options.statements_max,
            settle_limit: parts.options.settle_limit,
        };
        let (committer, _) = Actor::spawn_linked(None, Committer, arguments, myself.get_cell()).await?;
        myself.send_interval(parts.options.sweep_every, || DirectoryMsg::Sweep);
        Ok(State {
            parts,
            committer,
            starting: HashMap::new(),
            stopping: HashMap::new(),
            feeds: HashMap::new(),
            actors: HashMap::new(),
            relapses: Relapses::default(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<DirectoryMsg>,
        message: DirectoryMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            DirectoryMsg::Start(id, reply) => state.want(&myself, id, reply),
            DirectoryMsg::Started(id, result) => state.started(&myself, id, result),
            DirectoryMsg::Sweep => state.sweep(&myself),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<DirectoryMsg>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(actor, error) if actor.get_id() == state.committer.get_id() => {
                // Without the committer no outcome is known any more. Ending here ends the engine, and
                // whoever runs it is told.
                tracing::error!(%error, "the committer failed");
                myself.stop(Some("the committer failed".into()));
            }
            SupervisionEvent::ActorFailed(actor, error) => {
                if let Some(id) = state.actors.remove(&actor.get_id()) {
                    counter!(FAILURES).increment(1);
                    tracing::error!(activity.id = %id, %error, "the actor of an activity failed and is started again");
                    state.ended(id);
                    let wanted = state.stopping.remove(&id).unwrap_or_default();
                    let pause = state.relapses.pause_after(id, Instant::now());
                    state.start_after(pause, &myself, id, wanted);
                }
            }
            SupervisionEvent::ActorTerminated(actor, ..) => {
                if let Some(id) = state.actors.remove(&actor.get_id()) {
                    state.ended(id);
                    let wanted = state.stopping.remove(&id).unwrap_or_default();
                    if !wanted.is_empty() {
                        state.start(&myself, id, wanted);
                    }
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl State {
    /// Somebody needs an activity: they get it if it is live, and wait with the others if it is on its way.
    fn want(
        &mut self,
        myself: &ActorRef<DirectoryMsg>,
        id: ActivityId,
        reply: oneshot::Sender<Result<ActivityHandle, EngineError>>,
    ) {
        let most = self.parts.options.commands_per_activity_max as usize;
        if let Some(waiting) = self.starting.get_mut(&id).or_else(|| self.stopping.get_mut(&id)) {
            if waiting.len() >= most {
                // Those who gave up make room, before anybody is refused.
                waiting.retain(|reply| !reply.is_closed());
            }
            if waiting.len() < most {
                waiting.push(reply);
            } else {
                let _ = reply.send(Err(EngineError::Overloaded));
            }
            return;
        }
        let handle = self.parts.live.get(&id).map(|handle| handle.clone());
        match handle {
            Some(handle) if !handle.live.is_retired() => {
                let _ = reply.send(Ok(handle));
            }
            // Its state must not be used any more, but its actor has not ended yet: its end brings the start.
            Some(_) => {
                self.stop(id);
                self.stopping.entry(id).or_default().push(reply);
            }
            None => self.start(myself, id, vec![reply]),
        }
    }

    fn start(
        &mut self,
        myself: &ActorRef<DirectoryMsg>,
        id: ActivityId,
        waiting: Vec<oneshot::Sender<Result<ActivityHandle, EngineError>>>,
    ) {
        self.start_after(Duration::ZERO, myself, id, waiting);
    }

    fn start_after(
        &mut self,
        pause: Duration,
        myself: &ActorRef<DirectoryMsg>,
        id: ActivityId,
        waiting: Vec<oneshot::Sender<Result<ActivityHandle, EngineError>>>,
    ) {
        self.starting.insert(id, waiting);
        let kept = self.feeds.entry(id).or_insert_with(|| Kept {
            feed: Arc::new(Feed::new(id, self.parts.sink.clone())),
            sweeps: 0,
            tenure: None,
        });
        kept.sweeps = 0;
        let feed = kept.feed.clone();
        let starter = Starter {
            id,
            feed,
            history: self.parts.history.clone(),
            journal: self.parts.journal.clone(),
            ids: self.parts.ids.clone(),
            clock: self.parts.clock.clone(),
            committer: self.committer.clone(),
            outgoing: self.parts.outgoing.clone(),
            permits: self.parts.options.commands_per_activity_max,
            load_limit: self.parts.options.load_limit,
        };
        let myself = myself.clone();
        tokio::spawn(async move {
            // Even the shortest sleep takes a millisecond.
            if !pause.is_zero() {
                sleep(pause).await;
            }
            starter.run(myself).await;
        });
    }

    fn started(
        &mut self,
        myself: &ActorRef<DirectoryMsg>,
        id: ActivityId,
        result: Result<ActivityHandle, StartError>,
    ) {
        let waiting = self.starting.remove(&id).unwrap_or_default();
        match result {
            Ok(handle) => {
                counter!(STARTS).increment(1);
                self.actors.insert(handle.actor.get_id(), id);
                self.parts.live.insert(id, handle.clone());
                gauge!(LIVE).set(self.parts.live.len() as f64);
                if let Some(kept) = self.feeds.get_mut(&id) {
                    kept.tenure = Some(handle.live.tenure());
                }
                for reply in waiting {
                    let _ = reply.send(Ok(handle.clone()));
                }
                // It may have failed before it was known here, and its end with it.
                if handle.actor.get_status() >= ractor::ActorStatus::Stopping {
                    self.actors.remove(&handle.actor.get_id());
                    self.ended(id);
                    let pause = self.relapses.pause_after(id, Instant::now());
                    self.start_after(pause, myself, id, Vec::new());
                }
            }
            Err(error) => {
                self.could_not_start(id);
                let error = error.told();
                for reply in waiting {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Whoever asks for what does not exist, or cannot be looked at, leaves nothing behind. And whoever watches what
    /// somebody else may have changed since is told.
    fn could_not_start(&mut self, id: ActivityId) {
        let Some(kept) = self.feeds.get(&id) else { return };
        let present = self.parts.journal.tenure();
        if kept.feed.has_told_nothing() {
            self.feeds.remove(&id);
        } else if kept.is_watched(false) && present.is_some() && kept.tenure != present {
            kept.feed.lose();
        }
    }

    /// The actor of an activity has ended, in whatever way.
    fn ended(&mut self, id: ActivityId) {
        if let Some((_, handle)) = self.parts.live.remove(&id) {
            handle.close();
        }
        gauge!(LIVE).set(self.parts.live.len() as f64);
    }

    /// Puts to rest whoever has been idle for long, and looks after what is watched.
    fn sweep(&mut self, myself: &ActorRef<DirectoryMsg>) {
        let options = &self.parts.options;
        let all = options.commands_per_activity_max;
        let soon = self.parts.clock.now().plus_millis(SOON_MS);
        let idle: Vec<ActivityId> = self
            .parts
            .live
            .iter()
            .filter(|entry| entry.live.swept() >= options.sweeps_until_idle)
            // Its alarm is about to ring. Whoever looks for offers that are over finds those that end later.
            .filter(|entry| entry.live.next_offer_end().is_none_or(|end| end > soon))
            .filter(|entry| entry.close_if_idle(all))
            .map(|entry| *entry.key())
            .collect();
        for id in idle {
            counter!(PASSIVATIONS).increment(1);
            self.stop(id);
            self.stopping.entry(id).or_default();
        }
        let (live, starting, most) = (
            &self.parts.live,
            &self.starting,
            self.parts.options.sweeps_until_idle,
        );
        self.feeds.retain(|id, kept| {
            let is_used = live.contains_key(id) || starting.contains_key(id);
            let is_used = is_used || kept.is_watched(false);
            kept.sweeps = if is_used { 0 } else { kept.sweeps + 1 };
            kept.sweeps < most
        });
        self.relapses.forget(Instant::now());
        self.look_after_watched(myself);
    }

    /// Loads what is watched and was last live under another tenure: somebody else may have changed it since.
    fn look_after_watched(&mut self, myself: &ActorRef<DirectoryMsg>) {
        let Some(present) = self.parts.journal.tenure() else {
            return;
        };
        let is_at_rest = |id: &ActivityId| {
            !self.starting.contains_key(id)
                && !self.stopping.contains_key(id)
                && self
                    .parts
                    .live
                    .get(id)
                    .is_none_or(|handle| handle.live.tenure() != present)
        };
        let doubtful: Vec<ActivityId> = self
            .feeds
            .iter()
            .filter(|(_, kept)| kept.tenure.is_some_and(|tenure| tenure != present))
            .filter(|(id, kept)| kept.is_watched(self.parts.live.contains_key(id)) && is_at_rest(id))
            .map(|(id, _)| *id)
            .collect();
        for id in doubtful {
            if self.parts.live.contains_key(&id) {
                // Its end brings the start.
                self.stop(id);
                self.stopping.entry(id).or_default().push(oneshot::channel().0);
            } else {
                self.start(myself, id, Vec::new());
            }
        }
    }

    fn stop(&self, id: ActivityId) {
        if let Some(handle) = self.parts.live.get(&id) {
            handle.close();
            handle.actor.stop(Some("nobody uses the activity".into()));
        }
    }
}
