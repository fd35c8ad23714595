//! Telling what the pass of a fan-out could not: to somebody who was behind, has news of their own, or waits for the
//! answers to commands.

use std::sync::Arc;

use tokio::time::Instant;
use turnout_actors::domain::{History, Seq};
use turnout_actors::feed::Missed;

use super::Session;
use super::subscribing::Wish;
use crate::api::{Code, Problem};
use crate::ws::limits::TICK;
use crate::ws::outgoing::{Mode, Subscribed};
use crate::ws::subscription::{self, Sight, Subscription};

/// What leads somebody to the latest state, made by their own task.
struct Made {
    from: (History, Seq),
    to: (History, Seq),
    frame: Vec<u8>,
}

impl Session {
    /// Tells all that is new and that the socket has room for.
    pub(super) fn tell_news(&mut self) {
        for activity in self.agenda.ready() {
            self.work_off(activity);
        }
        let hidden = self.socket.outbound().is_hidden;
        for subscription in self.subscriptions() {
            if subscription.is_lost() {
                self.end(&subscription, &Problem::new(Code::Unavailable));
            } else if hidden {
                self.tell_own_news(&subscription);
            } else {
                self.catch_up(&subscription);
            }
        }
    }

    /// Updates a page that nobody sees.
    pub(super) fn catch_up_hidden(&mut self) {
        for subscription in self.subscriptions() {
            self.catch_up(&subscription);
        }
    }

    /// Whether there is room for a difference or a snapshot, once all that waits was handed over.
    pub(super) fn has_room(&self) -> bool {
        let mut outbound = self.socket.outbound();
        if !outbound.has_room() {
            outbound.flush(self.socket.stream());
        }
        outbound.has_room()
    }

    fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        let of = |cursor: &crate::ws::outbound::Cursor| cursor.subscription.clone();
        self.socket.outbound().cursors.iter().map(of).collect()
    }

    /// Leads a subscription to the latest state, if there is room and it is not there yet.
    fn catch_up(&mut self, subscription: &Arc<Subscription>) {
        // What it leads to is fixed before anything else is told: the answers and the news of all batches up to there
        // are ready by then, and come first.
        let Some(step) = self.step(subscription) else {
            return self.tell_own_news(subscription);
        };
        self.tell_answers();
        self.tell_own_news(subscription);
        if subscription.has_news() {
            return;
        }
        if !self.has_room() {
            return;
        }
        let mut outbound = self.socket.outbound();
        // A pass may have been here meanwhile.
        if let Some(cursor) = outbound.cursor(subscription)
            && cursor.at == step.from
        {
            cursor.at = step.to;
            cursor.told_at = Some(Instant::now());
            outbound.push_news(&step.frame);
        }
    }

    fn step(&mut self, subscription: &Arc<Subscription>) -> Option<Made> {
        if !self.has_room() {
            return None;
        }
        let (from, told_at) = {
            let mut outbound = self.socket.outbound();
            if outbound.is_ending() {
                return None;
            }
            let cursor = outbound.cursor(subscription)?;
            (cursor.at, cursor.told_at)
        };
        let (encoding, feed) = (self.socket.encoding, subscription.channel.feed());
        if from == feed.reached() {
            return None;
        }
        let due_at = told_at.map(|at| at + TICK);
        if let Some(due_at) = due_at.filter(|due_at| *due_at > Instant::now()) {
            let earliest = self.deadlines.tell_at.map_or(due_at, |at| at.min(due_at));
            self.deadlines.tell_at = Some(earliest);
            return None;
        }
        match feed.since(from.0, from.1) {
            Missed::Nothing => None,
            Missed::Difference(missed) => Some(Made {
                from,
                to: (from.0, missed.seq()),
                frame: subscription.channel.frame(encoding, &missed),
            }),
            Missed::TooMuch => {
                let snapshot = subscription.channel.snapshot(encoding)?;
                // What the person sees must not be older than that. And whoever may not know of the activity any more
                // was told of no change that says so.
                let look = |activity: &_| subscription::look(activity, subscription.eyes.as_ref());
                let seen = self.state.engine.glance(subscription.activity, look);
                let Some(seen) = seen.filter(|seen| seen.value.refusal.is_none()) else {
                    // Nothing goes out before somebody has looked again.
                    subscription.set_news();
                    return None;
                };
                let now = self.state.clock.now();
                let message = Subscribed::new(
                    None,
                    subscription,
                    Mode::Snapshot,
                    snapshot.at(),
                    &seen.value,
                    now,
                );
                Some(Made {
                    from,
                    to: snapshot.at(),
                    frame: self.subscribed(&message, Some(&snapshot)),
                })
            }
        }
    }

    /// Tells somebody what is new of their own RSVP.
    fn tell_own_news(&mut self, subscription: &Arc<Subscription>) {
        if !subscription.has_news() || self.is_looking_at(subscription) {
            return;
        }
        if let Err(problem) = self.check_grant(subscription) {
            return self.end(subscription, &problem);
        }
        let eyes = subscription.eyes.as_ref();
        let look = |activity: &_| {
            // Before the look, so that what changes after it counts as new again.
            subscription.take_news();
            subscription::look(activity, eyes)
        };
        match self.state.engine.glance(subscription.activity, look) {
            Some(seen) => self.tell_own(subscription, &seen.value),
            None => {
                // It is about to be restarted, or put to rest. Until it is there again nothing else is told.
                subscription.set_news();
                self.looking_at.push(subscription.clone());
                self.load(subscription.activity, Wish::News(subscription.clone()));
            }
        }
    }

    fn is_looking_at(&self, subscription: &Arc<Subscription>) -> bool {
        self.looking_at
            .iter()
            .any(|other| Arc::ptr_eq(other, subscription))
    }

    /// Tells what somebody sees of their own RSVP now.
    pub(super) fn tell_own(&mut self, subscription: &Arc<Subscription>, sight: &Sight) {
        if let Some(code) = sight.refusal {
            return self.end(subscription, &Problem::new(code));
        }
        if self.socket.outbound().cursor(subscription).is_some() && subscription.eyes.is_some() {
            let activity = subscription.activity;
            let me = sight.me(activity, self.state.clock.now());
            self.say(&me.message(activity));
        }
    }
}
