//! The one timer of a session. What is due moves with nearly every message, mostly to later, so the timer stays where it
//! is until it rings or something is due sooner: setting it takes a lock that all sessions share.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings when something is due.
pub(super) struct Alarm {
    timer: Pin<Box<Sleep>>,
    has_rung: bool,
}

impl Alarm {
    /// Set to this moment.
    pub(super) fn new(at: Instant) -> Self {
        Self {
            timer: Box::pin(sleep_until(at)),
            has_rung: false,
        }
    }

    /// Ready at this moment, which may be another one than last time.
    pub(super) fn poll_until(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.has_rung || at < self.timer.deadline() {
                self.timer.as_mut().reset(at);
                self.has_rung = false;
            }
            ready!(self.timer.as_mut().poll(context));
            self.has_rung = true;
            if at <= Instant::now() {
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_asked_last_however_that_has_moved() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut alarm = Alarm::new(at(5));
        for (first, then) in [(5, 7), (9, 8), (20, 30)] {
            let asked = poll_fn(|context| Poll::Ready(alarm.poll_until(at(first), context)));
            assert!(asked.await.is_pending());
            poll_fn(|context| alarm.poll_until(at(then), context)).await;
            assert_eq!(Instant::now(), at(then));
        }
        poll_fn(|context| alarm.poll_until(at(1), context)).await;
        assert_eq!(Instant::now(), at(30), "what is over is due at once");
    }
}
