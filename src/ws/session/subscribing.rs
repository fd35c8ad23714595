//! Beginning and ending to watch activities.

use std::sync::Arc;

use turnout_actors::EngineError;
use turnout_actors::domain::{ActivityId, Person, RsvpId};
use turnout_actors::feed::Missed;

use super::Session;
use super::agenda::{Step, Watch};
use super::granted::Grant;
use super::work::Done;
use crate::accounts::Bearer;
use crate::api::{Code, Problem};
use crate::store::StoreError;
use crate::ws::Implied;
use crate::ws::channel::Snapshot;
use crate::ws::close::Close;
use crate::ws::incoming::{Id, Subscribe};
use crate::ws::limits::SUBSCRIPTIONS_MAX;
use crate::ws::outbound::Cursor;
use crate::ws::outgoing::{self, Mode, Refused, Subscribed};
use crate::ws::sockets::Watching;
use crate::ws::subscription::{self, Eyes, Focus, Subscription};

/// An activity that is watched.
pub(super) struct Followed {
    watching: Watching,
    /// Whose it is, if not that of whoever the socket belongs to.
    pub(super) grant: Option<Arc<Grant>>,
}

impl Followed {
    pub(super) fn subscription(&self) -> &Arc<Subscription> {
        self.watching.subscription()
    }
}

/// Why an activity is loaded.
pub(super) enum Wish {
    /// Something is to be done about it.
    Agenda(ActivityId),
    /// To tell somebody who watches what is new for them.
    News(Arc<Subscription>),
}

impl Session {
    /// Begins to watch an activity, or goes on from where the client says it was.
    pub(super) fn subscribe(&mut self, id: Option<Id>, subscribe: Subscribe) {
        let Subscribe {
            activity,
            epoch,
            seq,
            token,
        } = subscribe;
        // At once, because commands that follow do not wait for the subscription.
        let grant = self.grant(activity, token.as_deref());
        let seen = epoch.zip(seq);
        self.ask_for(activity, Step::Watch(Watch { id, seen, grant }));
    }

    pub(super) fn unsubscribe(&mut self, id: Id, activity: ActivityId) {
        if !self.agenda.is_full() {
            self.grants.remove(&activity);
        }
        self.ask_for(activity, Step::Forget(id));
    }

    /// Watches what the address of the socket names, as soon as it is done with what it is at: that may be the beginning
    /// of another subscription.
    pub(super) fn subscribe_implied(&mut self, activity: ActivityId) {
        self.implied_activity = Some(activity);
        let watch = Watch {
            id: None,
            seen: None,
            grant: Ok(None),
        };
        self.agenda.add(activity, Step::Watch(watch));
    }

    /// Looks for the activity of the RSVP that the address of the socket names.
    pub(super) fn find_implied(&mut self, rsvp: RsvpId) {
        let state = self.state.clone();
        self.work
            .begin(async move { Done::Found(state.rsvps.activity_of(rsvp).await) });
    }

    pub(super) fn found(&mut self, found: Result<Option<ActivityId>, StoreError>) {
        let problem = match found {
            Ok(Some(activity)) => return self.subscribe_implied(activity),
            Ok(None) => Problem::new(Code::NotFound),
            Err(error) => Problem::from(error),
        };
        self.refused(None, &problem);
        self.close_for(&problem);
    }

    fn ask_for(&mut self, activity: ActivityId, step: Step) {
        if self.agenda.is_full() {
            let problem = Problem::new(Code::Overloaded);
            let problem = problem.detail("Too much was asked for that has not been answered.");
            return self.refuse_subscription(step.id(), activity, &problem);
        }
        self.agenda.add(activity, step);
        self.work_off(activity);
    }

    /// Does what was asked for about an activity, as far as that is possible now.
    pub(super) fn work_off(&mut self, activity: ActivityId) {
        while self.has_room()
            && let Some(step) = self.agenda.next(activity)
        {
            match step {
                Step::Forget(id) => {
                    self.forget(activity);
                    self.say(&outgoing::Done::new(&id).about(activity));
                }
                Step::Watch(watch) => {
                    if let Err(NotLive) = self.watch(activity, &watch) {
                        self.agenda.wait(activity, Step::Watch(watch));
                        self.load(activity, Wish::Agenda(activity));
                    }
                }
            }
        }
    }

    /// Has an activity loaded.
    pub(super) fn load(&self, activity: ActivityId, wish: Wish) {
        let engine = self.state.engine.clone();
        self.work.begin(async move {
            let loaded = engine.read(activity, |_| ()).await;
            Done::Loaded(wish, loaded)
        });
    }

    pub(super) fn loaded(&mut self, wish: Wish, loaded: Result<(), EngineError>) {
        match wish {
            Wish::Agenda(activity) => {
                self.agenda.go_on(activity);
                if let Err(error) = loaded
                    && let Some(step) = self.agenda.next(activity)
                {
                    let problem = self.state.refusal(error, activity);
                    self.refuse_subscription(step.id(), activity, &problem);
                }
            }
            Wish::News(subscription) => {
                // It is live again, so what is new is looked at once more, without waiting: there may be more by now.
                self.looking_at.retain(|other| !Arc::ptr_eq(other, &subscription));
                if let Err(error) = loaded {
                    let problem = self.state.refusal(error, subscription.activity);
                    self.end(&subscription, &problem);
                }
            }
        }
    }

    /// Begins to watch an activity, if it is live.
    fn watch(&mut self, activity: ActivityId, watch: &Watch) -> Result<(), NotLive> {
        let id = watch.id.as_deref();
        let grant = match watch.grant.clone() {
            Ok(Some(grant)) => grant.check(&self.state).map(|()| Some(grant)),
            other => other,
        };
        let grant = match grant {
            Ok(grant) => grant,
            Err(problem) => {
                // As if it had been asked for with a good one: what was watched before has ended.
                self.forget(activity);
                self.refuse_subscription(id, activity, &problem);
                return Ok(());
            }
        };
        let feed = self.state.engine.glance(activity, |_| ()).ok_or(NotLive)?.feed;
        // What was watched before begins anew.
        self.forget(activity);
        if self.followed.len() >= SUBSCRIPTIONS_MAX {
            let problem = Problem::new(Code::TooManySubscriptions).with("limit", SUBSCRIPTIONS_MAX);
            self.refuse_subscription(id, activity, &problem);
            return Ok(());
        }
        let eyes = self.eyes(activity, grant.as_deref());
        let watching = self.state.sockets.watch(&self.socket, activity, &feed, eyes);
        let subscription = watching.subscription().clone();

        // From here on everything that changes is told: what follows decides from where on.
        let missed = match watch.seen {
            Some((history, seq)) => feed.since(history, seq),
            None => Missed::TooMuch,
        };
        let (mode, at, snapshot) = match (&missed, watch.seen) {
            (Missed::Nothing, Some(at)) => (Mode::Live, at, None),
            (Missed::Difference(missed), Some((history, _))) => (Mode::Replay, (history, missed.seq()), None),
            _ => {
                let snapshot = subscription
                    .channel
                    .snapshot(self.socket.encoding)
                    .ok_or(NotLive)?;
                (Mode::Snapshot, snapshot.at(), Some(snapshot))
            }
        };
        // The answers to all commands up to there are ready by now, and come first.
        self.tell_answers();
        // What the person sees must not be older than that. And what changed before anybody knew that they watch was
        // announced to nobody.
        let look = |activity: &_| subscription::look(activity, subscription.eyes.as_ref());
        let sight = self.state.engine.glance(activity, look).ok_or(NotLive)?.value;
        if let Some(code) = sight.refusal {
            self.refuse_subscription(id, activity, &Problem::new(code));
            return Ok(());
        }
        let message = Subscribed::new(id, &subscription, mode, at, &sight, self.state.clock.now());
        let mut frames = self.subscribed(&message, snapshot.as_ref());
        if let Missed::Difference(missed) = &missed {
            frames.extend(subscription.channel.frame(self.socket.encoding, missed));
        }
        let mut outbound = self.socket.outbound();
        outbound.push_news(&frames);
        outbound.cursors.push(Cursor {
            subscription,
            at,
            told_at: None,
        });
        drop(outbound);
        self.followed.push(Followed { watching, grant });
        self.mind_grants();
        Ok(())
    }

    /// A message with the snapshot that belongs to it, as a finished frame.
    pub(super) fn subscribed(&self, message: &Subscribed<'_>, snapshot: Option<&Snapshot>) -> Vec<u8> {
        let encoding = self.socket.encoding;
        let mut message = encoding.message(message);
        if let Some(snapshot) = snapshot {
            encoding.add_member(&mut message, "snapshot", &self.with_time_left(snapshot));
        }
        encoding.finish(&message)
    }

    /// A snapshot with what passes by itself.
    fn with_time_left(&self, snapshot: &Snapshot) -> Vec<u8> {
        let encoding = self.socket.encoding;
        let opens_at = snapshot.of.overview.settings.opens_at;
        let left: Option<u64> = opens_at.map(|at| at.millis_after(self.state.clock.now()));
        let mut whole = snapshot.bytes.to_vec();
        encoding.add_member(&mut whole, "opens_in_ms", &encoding.message(&left));
        whole
    }

    /// Ends a subscription and says why.
    pub(super) fn end(&mut self, subscription: &Arc<Subscription>, problem: &Problem) {
        if self.socket.outbound().cursor(subscription).is_some() {
            self.forget(subscription.activity);
            self.refuse_subscription(None, subscription.activity, problem);
        }
    }

    /// Sees all that is watched with the eyes of whoever is there now.
    pub(super) fn see_anew(&mut self) {
        for at in 0..self.followed.len() {
            let old = self.followed[at].subscription().clone();
            let eyes = self.eyes(old.activity, self.followed[at].grant.as_deref());
            if old.eyes == eyes {
                continue;
            }
            let feed = old.channel.feed();
            let watching = self.state.sockets.watch(&self.socket, old.activity, feed, eyes);
            // Where they stand in the line comes before anything else.
            watching.subscription().set_news();
            if let Some(cursor) = self.socket.outbound().cursor(&old) {
                cursor.subscription = watching.subscription().clone();
            }
            self.followed[at].watching = watching;
        }
    }

    /// How an activity is seen on this socket: as nobody in particular, or by somebody who follows an RSVP.
    fn eyes(&self, activity: ActivityId, grant: Option<&Grant>) -> Option<Eyes> {
        let own = || self.identity.as_ref().map(|identity| &identity.bearer);
        let bearer = grant.map(|grant| &grant.bearer).or_else(own)?;
        let (focus, without) = match (self.implied, bearer) {
            (Implied::Rsvp(rsvp), _) if self.implied_activity == Some(activity) => {
                (Focus::Rsvp(rsvp), Some(Code::NotFound))
            }
            (_, Bearer::Account(caller)) => (Focus::Person(Person::User(caller.user)), None),
            // A guest may look on elsewhere; but a token that was given for this activity must be for it.
            (_, Bearer::Guest(token)) => (Focus::Rsvp(token.rsvp), grant.map(|_| Code::Forbidden)),
        };
        let principal = bearer.principal();
        Some(Eyes {
            principal,
            focus,
            without,
        })
    }

    /// Does not watch an activity any more.
    fn forget(&mut self, activity: ActivityId) {
        self.socket
            .outbound()
            .cursors
            .retain(|cursor| cursor.subscription.activity != activity);
        self.followed
            .retain(|followed| followed.subscription().activity != activity);
        self.mind_grants();
    }

    fn refuse_subscription(&mut self, id: Option<&str>, activity: ActivityId, problem: &Problem) {
        self.say_refused(&Refused {
            id,
            key: None,
            activity: Some(activity),
            problem,
        });
        // A socket that is there for one thing alone ends without it.
        if self.implied_activity == Some(activity) {
            self.close_for(problem);
        }
    }

    fn close_for(&mut self, problem: &Problem) {
        self.close(match problem.code().status() {
            500.. => Close::Overloaded,
            _ => Close::Forbidden,
        });
    }
}

/// The activity must be loaded first.
struct NotLive;
