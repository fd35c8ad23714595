//! What a session waits for, all of it at once.
//!
//! Each source remembers the task by itself, so waiting again costs next to nothing: a session waits twice for every
//! command.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use futures::StreamExt;
use tokio::task::yield_now;
use turnout_actors::CommandResult;

use super::Session;
use super::commands::Tag;
use super::work::Done;

/// Something has happened.
pub(super) enum Event {
    /// A command has its answer; so may others.
    Answered(Tag, CommandResult),
    /// Something has come of what was begun before.
    Done(Done),
    /// Somebody has woken this task.
    Woken,
    /// Something is due.
    OnTime,
    /// The operating system takes more.
    Writable(io::Result<()>),
    /// There may be more to read.
    Readable(io::Result<()>),
}

impl Session {
    /// The next event. Reading comes last, because it makes work for all others.
    pub(super) async fn next_event(&mut self) -> Event {
        let listens = !self.is_deaf && self.bucket.is_open();
        let has_more = listens && self.has_more;
        let waits = self.socket.outbound().is_full();
        // Where there is more to read, others have their turn first.
        let mut others = pin!(async {
            match has_more {
                true => yield_now().await,
                false => pending().await,
            }
        });
        poll_fn(|context| {
            if let Poll::Ready(event) = self.poll_own(context) {
                return Poll::Ready(event);
            }
            if waits && let Poll::Ready(ready) = self.socket.stream().poll_write_ready(context) {
                return Poll::Ready(Event::Writable(ready));
            }
            if has_more {
                return others.as_mut().poll(context).map(|()| Event::Readable(Ok(())));
            }
            if listens {
                return self.socket.stream().poll_read_ready(context).map(Event::Readable);
            }
            Poll::Pending
        })
        .await
    }

    /// What does not come from the client.
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready((tag, result)) = self.answers.poll_next(context) {
            return Poll::Ready(Event::Answered(tag, result));
        }
        if let Poll::Ready(Some(done)) = self.work.poll_next_unpin(context) {
            return Poll::Ready(Event::Done(done));
        }
        if self.socket.poll_woken(context).is_ready() {
            return Poll::Ready(Event::Woken);
        }
        let due = self.deadlines.next();
        let due = self.answers.deadline().map_or(due, |by| by.min(due));
        self.alarm.poll_until(due, context).map(|()| Event::OnTime)
    }
}
