//! The one way out of a socket: nothing else writes to it.
//!
//! It takes whole frames only. What the operating system does not take of a frame goes first when there is room again,
//! so frames never interleave, whoever hands them in: the session's own task, the pass of a fan-out, the library that
//! answers pings.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::Instant;
use turnout_actors::domain::{History, Seq};
use uuid::Uuid;

use super::close::Close;
use super::encoding::{self, Encoding};
use super::limits::{NEWS_ROOM_BYTES, QUEUE_BYTES_MAX};
use super::subscription::Subscription;

/// A socket as everybody sees it who has something to say on it.
pub(super) struct Socket {
    pub(super) id: Uuid,
    pub(super) encoding: Encoding,
    stream: TcpStream,
    /// The session's own task.
    task: AtomicWaker,
    /// It is to look around.
    is_called: AtomicBool,
    /// Held for as long as it takes to hand bytes to the operating system, never while waiting.
    outbound: Mutex<Outbound>,
}

/// What is on its way out.
pub(super) struct Outbound {
    /// The rest of a frame that was begun, and whole frames after it.
    pending: Vec<u8>,
    sent: usize,
    /// The bytes among them of what is not counted as waiting for a slow reader: it was made because there was room, or
    /// is one of a few long answers.
    news: usize,
    /// The operating system did not take all that it was handed last.
    is_full: bool,
    /// Since when nothing was taken of what waits.
    stalled_since: Option<Instant>,
    end: End,
    /// Commands under way. Their answers must come before differences: while there are any, only the session's own task
    /// sends differences.
    pub(super) answers_due: usize,
    /// Nobody looks at the page: only the session's own task sends differences, now and then.
    pub(super) is_hidden: bool,
    pub(super) cursors: Vec<Cursor>,
}

/// How near its end a socket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Far.
    None,
    /// The client has said goodbye: the library answers that, and nobody says anything else.
    Agreeing,
    /// The last frame was handed in.
    Said,
    /// It cannot be written any more.
    Broken,
}

/// How far a subscription has been told.
pub(super) struct Cursor {
    pub(super) subscription: Arc<Subscription>,
    pub(super) at: (History, Seq),
    /// When it was told a difference last.
    pub(super) told_at: Option<Instant>,
}

/// What leads a subscription from one state to a later one.
pub(super) struct Step<'a> {
    pub(super) from: (History, Seq),
    pub(super) to: (History, Seq),
    pub(super) frame: &'a [u8],
}

/// What became of a difference that was offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offer {
    /// The socket has it, or wants none now.
    Settled,
    /// The session's own task must see to it.
    Behind,
}

impl Socket {
    pub(super) fn new(id: Uuid, encoding: Encoding, stream: TcpStream) -> Self {
        Self {
            id,
            encoding,
            stream,
            task: AtomicWaker::new(),
            is_called: AtomicBool::new(false),
            outbound: Mutex::new(Outbound {
                pending: Vec::new(),
                sent: 0,
                news: 0,
                is_full: false,
                stalled_since: None,
                end: End::None,
                answers_due: 0,
                is_hidden: false,
                cursors: Vec::new(),
            }),
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Makes the session's own task look around.
    pub(super) fn wake(&self) {
        if !self.is_called.swap(true, Ordering::AcqRel) {
            self.task.wake();
        }
    }

    /// Whether the session's own task is to look around. Only that task asks.
    pub(super) fn poll_woken(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_called.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        self.task.register(context.waker());
        match self.is_called.swap(false, Ordering::AcqRel) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    pub(super) fn outbound(&self) -> MutexGuard<'_, Outbound> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a difference straight to the operating system if this socket has everything before it and nothing else
    /// to say first. Never waits: whoever holds the socket just now sees to it.
    pub(super) fn offer(&self, subscription: &Arc<Subscription>, step: &Step<'_>, now: Instant) {
        let Ok(mut outbound) = self.outbound.try_lock() else {
            return self.wake();
        };
        if outbound.offer(&self.stream, subscription, step, now) == Offer::Behind {
            drop(outbound);
            self.wake();
        }
    }

    /// Hands what waits to the operating system.
    pub(super) fn flush(&self) {
        self.outbound().flush(&self.stream);
    }
}

impl Outbound {
    fn offer(
        &mut self,
        stream: &TcpStream,
        subscription: &Arc<Subscription>,
        step: &Step<'_>,
        now: Instant,
    ) -> Offer {
        let Step { from, to, frame } = *step;
        if self.end != End::None || self.is_hidden {
            return Offer::Settled;
        }
        let is_clear =
            self.pending.is_empty() && !self.is_full && self.answers_due == 0 && !subscription.has_news();
        let Some(cursor) = self.cursor(subscription) else {
            return Offer::Settled;
        };
        if cursor.at == to {
            return Offer::Settled;
        }
        if !is_clear || cursor.at != from {
            return Offer::Behind;
        }
        match stream.try_write(frame) {
            Ok(taken) => {
                cursor.at = to;
                cursor.told_at = Some(now);
                if taken == frame.len() {
                    return Offer::Settled;
                }
                self.pending.extend_from_slice(&frame[taken..]);
                self.fill();
            }
            // Nothing of it was written, so there is nothing to keep: what was missed is told when there is room.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.fill(),
            Err(_) => self.end = End::Broken,
        }
        Offer::Behind
    }

    /// Puts a frame behind those that wait.
    pub(super) fn push(&mut self, frame: &[u8]) {
        if self.end == End::None {
            self.pending.extend_from_slice(frame);
        }
    }

    /// Puts a message behind those that wait.
    pub(super) fn say(&mut self, encoding: Encoding, message: &impl Serialize) {
        if self.end == End::None {
            encoding.append_frame(&mut self.pending, message);
        }
    }

    /// Puts a difference or a snapshot behind those that wait, for which there must be room.
    pub(super) fn push_news(&mut self, frames: &[u8]) {
        self.push(frames);
        self.news = frames.len();
    }

    /// Puts an answer behind those that wait which may be longer than a reader may leave. Who asked for it is not too slow
    /// because of it; in return they may not ask for many at once.
    pub(super) fn push_long(&mut self, frame: &[u8]) {
        self.news = self.news.min(self.waiting()) + frame.len();
        self.push(frame);
    }

    /// Whether there is room for a difference or a snapshot.
    pub(super) fn has_room(&self) -> bool {
        !self.is_full && self.waiting() < NEWS_ROOM_BYTES
    }

    fn waiting(&self) -> usize {
        self.pending.len() - self.sent
    }

    /// Puts a frame of the library's own behind those that wait.
    pub(super) fn push_control(&mut self, frame: &[u8]) {
        if matches!(self.end, End::None | End::Agreeing) {
            self.pending.extend_from_slice(frame);
        }
    }

    /// Says goodbye; nothing is said after that.
    pub(super) fn close(&mut self, why: Close) {
        self.push(&encoding::close(why));
        if self.end == End::None {
            self.end = End::Said;
        }
    }

    /// The client has said goodbye.
    pub(super) fn agree(&mut self) {
        if self.end == End::None {
            self.end = End::Agreeing;
        }
    }

    /// The socket is of no use any more.
    pub(super) fn give_up(&mut self) {
        self.end = End::Broken;
    }

    /// Hands what waits to the operating system, as much as it takes.
    pub(super) fn flush(&mut self, stream: &TcpStream) {
        while self.sent < self.pending.len() && !self.is_full && self.end != End::Broken {
            match stream.try_write(&self.pending[self.sent..]) {
                Ok(taken) => {
                    self.sent += taken;
                    self.stalled_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.fill(),
                Err(_) => self.end = End::Broken,
            }
        }
        if self.sent == self.pending.len() {
            (self.sent, self.news) = (0, 0);
            // Most sockets are silent most of the time, and keep nothing for it.
            self.pending = Vec::new();
        } else if self.sent >= self.waiting() {
            // No more bytes are moved than were sent since the last time.
            self.pending.drain(..self.sent);
            self.sent = 0;
        }
    }

    fn fill(&mut self) {
        self.is_full = true;
        self.stalled_since.get_or_insert_with(Instant::now);
    }

    /// The operating system takes more.
    pub(super) fn drained(&mut self) {
        self.is_full = false;
        if self.pending.is_empty() {
            self.stalled_since = None;
        }
    }

    /// Whether the operating system must have room again before anything goes on.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether more waits than a reader may leave.
    pub(super) fn is_too_full(&self) -> bool {
        self.waiting() > QUEUE_BYTES_MAX + self.news
    }

    pub(super) fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// Whether nothing more will be said by the session.
    pub(super) fn is_ending(&self) -> bool {
        self.end != End::None
    }

    /// Whether there is nothing left to do on this socket.
    pub(super) fn is_over(&self) -> bool {
        self.end == End::Broken
    }

    pub(super) fn cursor(&mut self, subscription: &Arc<Subscription>) -> Option<&mut Cursor> {
        self.cursors
            .iter_mut()
            .find(|cursor| Arc::ptr_eq(&cursor.subscription, subscription))
    }
}
