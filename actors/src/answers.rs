//! The answers to many commands of one caller: one place where all arrive, instead of a channel, a task and a timer for
//! each.
//!
//! Whoever gave the commands owns [`Answers`] and looks into it; whoever answers has only the [`Tray`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::time::Instant;

use crate::domain::ActivityId;
use crate::engine::{Engine, Order};
use crate::error::EngineError;
use crate::reply_port::{CommandResult, ReplyPort};
use crate::submission::Submission;

/// Answers that a caller waits for, each under a tag.
///
/// An answer comes only once it is durable. One that does not come in time is told as of unknown outcome, and what
/// comes after that is not told any more.
pub struct Answers<T> {
    tray: Arc<Tray>,
    /// The commands whose answers have not been told, in order of giving, with gaps where one was. All may take equally
    /// long, so the first one's time is up first.
    waiting: VecDeque<(Instant, Option<T>)>,
    /// The number of the first of them.
    first: u64,
}

/// Where answers are left.
#[derive(Debug, Default)]
pub(crate) struct Tray {
    arrived: Mutex<VecDeque<(u64, CommandResult)>>,
    owner: AtomicWaker,
    is_abandoned: AtomicBool,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self {
            tray: Arc::default(),
            waiting: VecDeque::new(),
            first: 0,
        }
    }
}

impl<T> Answers<T> {
    /// Takes a command in without sending it: from now on its time counts. Nothing if it was refused, which is then
    /// among the answers.
    pub fn take_in(&mut self, engine: &Engine, id: ActivityId, order: Order, tag: T) -> Option<Submission> {
        let number = self.first + self.waiting.len() as u64;
        self.waiting.push_back((engine.deadline(), Some(tag)));
        let port = ReplyPort::into_tray(self.tray.clone(), number);
        Submission::new(engine, id, order, port)
    }

    /// The next answer that is there.
    pub fn try_next(&mut self) -> Option<(T, CommandResult)> {
        loop {
            let (number, result) = self.tray.pick()?;
            if let Some(tag) = self.take(number) {
                return Some((tag, result));
            }
        }
    }

    /// The next answer that is there; if none is, the task is woken when one comes.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(T, CommandResult)> {
        if let Some(answer) = self.try_next() {
            return Poll::Ready(answer);
        }
        self.tray.owner.register(context.waker());
        match self.try_next() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }

    /// When the first answer must be there.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(deadline, _)| *deadline)
    }

    /// One whose answer should have been there by `now`.
    pub fn try_expire(&mut self, now: Instant) -> Option<(T, CommandResult)> {
        if self.deadline()? > now {
            return None;
        }
        let tag = self.take(self.first)?;
        Some((tag, Err(EngineError::UnknownOutcome)))
    }

    /// The tag under which the answer with this number is waited for, which it is no more.
    fn take(&mut self, number: u64) -> Option<T> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let tag = self.waiting.get_mut(place)?.1.take();
        while self.waiting.front().is_some_and(|(_, tag)| tag.is_none()) {
            self.waiting.pop_front();
            self.first += 1;
        }
        tag
    }
}

impl<T> Drop for Answers<T> {
    fn drop(&mut self) {
        self.tray.is_abandoned.store(true, Ordering::Relaxed);
    }
}

impl Tray {
    /// Leaves an answer, and returns whether there is still somebody who wants it.
    pub(crate) fn put(&self, number: u64, result: CommandResult) -> bool {
        self.arrived().push_back((number, result));
        self.owner.wake();
        !self.is_abandoned.load(Ordering::Relaxed)
    }

    fn pick(&self) -> Option<(u64, CommandResult)> {
        let mut arrived = self.arrived();
        let picked = arrived.pop_front();
        if arrived.is_empty() {
            // Most callers are silent most of the time, and keep nothing for it.
            *arrived = VecDeque::new();
        }
        picked
    }

    fn arrived(&self) -> MutexGuard<'_, VecDeque<(u64, CommandResult)>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    fn expect<T>(answers: &mut Answers<T>, by: Instant, tag: T) -> ReplyPort {
        let number = answers.first + answers.waiting.len() as u64;
        answers.waiting.push_back((by, Some(tag)));
        ReplyPort::into_tray(answers.tray.clone(), number)
    }

    #[test]
    fn answers_come_under_their_tags_in_the_order_in_which_they_were_given() {
        let mut answers = Answers::default();
        let by = Instant::now();
        let ports: Vec<ReplyPort> = ["a", "b", "c"]
            .into_iter()
            .map(|tag| expect(&mut answers, by, tag))
            .collect();
        let errors = [
            EngineError::Overloaded,
            EngineError::Draining,
            EngineError::Internal,
        ];
        for (port, error) in ports.into_iter().zip(errors.clone()).rev() {
            port.answer(Err(error));
        }
        let told: Vec<_> = std::iter::from_fn(|| answers.try_next()).collect();
        let expected: Vec<_> = ["a", "b", "c"].into_iter().zip(errors.map(Err)).rev().collect();
        assert_eq!(told, expected);
        assert!(answers.waiting.is_empty() && answers.deadline().is_none());
    }

    #[test]
    fn whoever_drops_a_port_has_answered() {
        let mut answers = Answers::default();
        drop(expect(&mut answers, Instant::now(), ()));
        assert_eq!(answers.try_next(), Some(((), Err(EngineError::Unavailable))));
    }

    #[test]
    fn an_answer_that_comes_too_late_is_told_once_as_of_unknown_outcome() {
        let mut answers = Answers::default();
        let now = Instant::now();
        let late = expect(&mut answers, now, "late");
        let later = expect(&mut answers, now + Duration::from_secs(1), "later");
        assert_eq!(
            answers.try_expire(now),
            Some(("late", Err(EngineError::UnknownOutcome)))
        );
        assert_eq!(answers.try_expire(now), None);
        late.answer(Err(EngineError::Internal));
        assert_eq!(answers.try_next(), None);
        later.answer(Err(EngineError::Draining));
        assert_eq!(answers.try_next(), Some(("later", Err(EngineError::Draining))));
    }

    #[test]
    fn one_that_waits_is_woken() {
        #[derive(Default)]
        struct Woken(AtomicBool);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let mut answers = Answers::default();
        let port = expect(&mut answers, Instant::now(), ());
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let mut context = Context::from_waker(&waker);
        assert!(answers.poll_next(&mut context).is_pending());
        assert!(!woken.0.load(Ordering::Relaxed));
        port.answer(Err(EngineError::Draining));
        assert!(woken.0.load(Ordering::Relaxed));
        let answer = answers.poll_next(&mut context);
        assert_eq!(answer, Poll::Ready(((), Err(EngineError::Draining))));
    }
}
