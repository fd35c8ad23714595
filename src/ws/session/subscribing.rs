//! Beginning and ending to watch activities.

use std::sync::Arc;

use turnout_actors::domain::{ActivityId, History, RsvpId, Seq};
use turnout_actors::feed::Missed;
use turnout_actors::{EngineError, Seen};

use super::Session;
use super::work::Done;
use crate::api::{Code, Problem, refusal};
use crate::store::StoreError;
use crate::ws::channel::Snapshot;
use crate::ws::close::Close;
use crate::ws::incoming::{Id, Subscribe};
use crate::ws::limits::SUBSCRIPTIONS_MAX;
use crate::ws::outbound::Cursor;
use crate::ws::outgoing::{self, Mode, Refused, Subscribed};
use crate::ws::subscription::{self, Eyes, Focus, Sight, Subscription};

/// Why an activity is looked at.
pub(super) enum Wish {
    /// To watch it.
    Watch(Watch),
    /// To tell somebody who watches what is new for them.
    News(Arc<Subscription>),
}

/// A subscription that is wanted.
pub(super) struct Watch {
    id: Option<Id>,
    activity: ActivityId,
    seen: Option<(History, Seq)>,
    eyes: Option<Eyes>,
    /// The socket is there for nothing else.
    is_implied: bool,
}

/// An activity was looked at.
pub(super) struct Looked {
    pub(super) wish: Wish,
    pub(super) seen: Result<Seen<Sight>, EngineError>,
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
        if token.is_some() {
            // Nobody holds a token for a single activity yet, so whatever this is, it is none.
            let problem = Problem::new(Code::Unauthenticated);
            return self.refuse_subscription(id.as_deref(), activity, &problem);
        }
        let eyes = self.identity.as_ref().map(|identity| identity.eyes());
        self.watch(Watch {
            id,
            activity,
            seen: epoch.zip(seq),
            eyes,
            is_implied: false,
        });
    }

    /// Watches what the address of the socket names.
    pub(super) fn subscribe_implied(&mut self, activity: ActivityId, rsvp: Option<RsvpId>) {
        let eyes = self.identity.as_ref().map(|identity| match rsvp {
            Some(rsvp) => Eyes {
                principal: identity.principal(),
                focus: Focus::Rsvp(rsvp),
            },
            None => identity.eyes(),
        });
        self.watch(Watch {
            id: None,
            activity,
            seen: None,
            eyes,
            is_implied: true,
        });
    }

    /// Looks for the activity of the RSVP that the address of the socket names.
    pub(super) fn find_implied(&mut self, rsvp: RsvpId) {
        let state = self.state.clone();
        self.work
            .begin(async move { Done::Found(rsvp, state.rsvps.activity_of(rsvp).await) });
    }

    pub(super) fn found(&mut self, rsvp: RsvpId, found: Result<Option<ActivityId>, StoreError>) {
        match found {
            Ok(Some(activity)) => self.subscribe_implied(activity, Some(rsvp)),
            Ok(None) => self.refuse_implied(&Problem::new(Code::NotFound)),
            Err(error) => self.refuse_implied(&Problem::from(error)),
        }
    }

    fn watch(&mut self, watch: Watch) {
        let is_new = !self.watches(watch.activity);
        if is_new && self.watching.len() + self.looks_under_way >= SUBSCRIPTIONS_MAX {
            let problem = Problem::new(Code::TooManySubscriptions).with("limit", SUBSCRIPTIONS_MAX);
            return self.refuse_watch(&watch, &problem);
        }
        let look = |activity: &_| subscription::look(activity, watch.eyes.as_ref());
        match self.state.engine.glance(watch.activity, look) {
            Some(seen) => self.begin_to_watch(watch, &seen),
            None => self.look_before_watching(watch),
        }
    }

    fn look_before_watching(&mut self, watch: Watch) {
        self.looks_under_way += 1;
        self.look(watch.activity, watch.eyes.clone(), Wish::Watch(watch));
    }

    /// Looks at an activity that is not live yet.
    pub(super) fn look(&self, activity: ActivityId, eyes: Option<Eyes>, wish: Wish) {
        let engine = self.state.engine.clone();
        self.work.look(wish, async move {
            engine
                .look(activity, |activity| subscription::look(activity, eyes.as_ref()))
                .await
        });
    }

    pub(super) fn looked(&mut self, looked: Looked) {
        let Looked { wish, seen } = looked;
        match (wish, seen) {
            (Wish::Watch(watch), seen) => {
                self.looks_under_way -= 1;
                match seen {
                    Ok(seen) => self.begin_to_watch(watch, &seen),
                    Err(error) => {
                        let problem = refusal::problem(error, watch.activity);
                        self.refuse_watch(&watch, &problem);
                    }
                }
            }
            (Wish::News(subscription), seen) => {
                // It is live again, so what is new is looked at once more, without waiting: there may be more by now.
                self.looking_at.retain(|other| !Arc::ptr_eq(other, &subscription));
                if let Err(error) = seen {
                    let problem = refusal::problem(error, subscription.activity);
                    self.end(&subscription, &problem);
                }
            }
        }
    }

    fn begin_to_watch(&mut self, watch: Watch, seen: &Seen<Sight>) {
        let activity = watch.activity;
        if !seen.value.is_visible {
            return self.refuse_watch(&watch, &Problem::new(Code::NotFound));
        }
        // What was watched before under another identity, or is watched again, begins anew.
        self.forget(activity);
        let watching = self
            .state
            .sockets
            .watch(&self.socket, activity, &seen.feed, watch.eyes.clone());
        let subscription = watching.subscription().clone();
        self.watching.push(watching);

        // From here on everything that changes is told: what follows decides from where on.
        let missed = match watch.seen {
            Some((history, seq)) => seen.feed.since(history, seq),
            None => Missed::TooMuch,
        };
        let (mode, at, snapshot) = match (&missed, watch.seen) {
            (Missed::Nothing, Some(at)) => (Mode::Live, at, None),
            (Missed::Difference(missed), Some((history, _))) => (Mode::Replay, (history, missed.seq()), None),
            _ => {
                let Some(snapshot) = subscription.channel.snapshot(self.socket.encoding) else {
                    unreachable!("an activity that was looked at has been loaded")
                };
                (Mode::Snapshot, snapshot.at(), Some(snapshot))
            }
        };
        // What the person sees must not be older than that. And what changed before anybody knew that they watch was
        // announced to nobody.
        let look = |activity: &_| subscription::look(activity, subscription.eyes.as_ref());
        let Some(sight) = self.state.engine.glance(activity, look).map(|seen| seen.value) else {
            self.forget(activity);
            return self.look_before_watching(watch);
        };
        if !sight.is_visible {
            self.forget(activity);
            return self.refuse_watch(&watch, &Problem::new(Code::NotFound));
        }
        let message = Subscribed::new(watch.id.as_deref(), &subscription, mode, at, &sight);
        let frame = self.subscribed(&message, snapshot.as_ref());
        let encoding = self.socket.encoding;
        let mut outbound = self.socket.outbound();
        outbound.push(&frame);
        if let Missed::Difference(missed) = &missed {
            outbound.push(&subscription.channel.frame(encoding, missed));
        }
        outbound.cursors.push(Cursor {
            subscription,
            at,
            told_at: None,
        });
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

    pub(super) fn unsubscribe(&mut self, id: &str, activity: ActivityId) {
        self.forget(activity);
        self.say(&outgoing::Done::new(id).about(activity));
    }

    /// Ends a subscription and says why.
    pub(super) fn end(&mut self, subscription: &Arc<Subscription>, problem: &Problem) {
        if self.socket.outbound().cursor(subscription).is_some() {
            self.forget(subscription.activity);
            self.refuse_subscription(None, subscription.activity, problem);
        }
    }

    /// Sees all that is watched with the eyes of whoever is there now.
    pub(super) fn see_anew(&mut self, was_anonymous: bool) {
        let Some(identity) = self.identity.as_ref().filter(|_| was_anonymous) else {
            return;
        };
        let eyes = identity.eyes();
        let before: Vec<Arc<Subscription>> = self
            .watching
            .iter()
            .map(|watching| watching.subscription().clone())
            .collect();
        for old in before {
            let at = self.socket.outbound().cursor(&old).map(|cursor| cursor.at);
            let Some(at) = at else { continue };
            let feed = old.channel.feed().clone();
            let watching = self
                .state
                .sockets
                .watch(&self.socket, old.activity, &feed, Some(eyes.clone()));
            let subscription = watching.subscription().clone();
            // Where they stand in the line comes before anything else.
            subscription.set_news();
            self.forget(old.activity);
            self.watching.push(watching);
            self.socket.outbound().cursors.push(Cursor {
                subscription,
                at,
                told_at: None,
            });
        }
    }

    fn watches(&self, activity: ActivityId) -> bool {
        self.watching
            .iter()
            .any(|watching| watching.subscription().activity == activity)
    }

    /// Does not watch an activity any more.
    fn forget(&mut self, activity: ActivityId) {
        self.socket
            .outbound()
            .cursors
            .retain(|cursor| cursor.subscription.activity != activity);
        self.watching
            .retain(|watching| watching.subscription().activity != activity);
    }

    fn refuse_subscription(&self, id: Option<&str>, activity: ActivityId, problem: &Problem) {
        self.say(&Refused {
            id,
            key: None,
            activity: Some(activity),
            problem,
        });
    }

    fn refuse_watch(&mut self, watch: &Watch, problem: &Problem) {
        self.refuse_subscription(watch.id.as_deref(), watch.activity, problem);
        if watch.is_implied {
            self.close_for(problem);
        }
    }

    /// A socket that is there for one thing alone ends without it.
    fn refuse_implied(&mut self, problem: &Problem) {
        self.refused(None, problem);
        self.close_for(problem);
    }

    fn close_for(&mut self, problem: &Problem) {
        self.close(match problem.code().status() {
            500.. => Close::Overloaded,
            _ => Close::Forbidden,
        });
    }
}
