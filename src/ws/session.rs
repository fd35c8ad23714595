//! The task of one socket: reads what its client says, gives commands, and tells what the pass of a fan-out could not.
//!
//! It is the only one that waits for the socket. Whatever it waits for comes back to one loop, so nothing here needs
//! a lock but the way out.

mod agenda;
mod alarm;
mod catching_up;
mod commands;
mod deadlines;
mod events;
mod granted;
mod identity;
mod subscribing;
mod work;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tungstenite::{Error, Message as Frame, WebSocket};
use turnout_actors::Answers;
use turnout_actors::domain::ActivityId;

use self::agenda::Agenda;
use self::alarm::Alarm;
use self::commands::{Lanes, Tag};
use self::deadlines::Deadlines;
use self::events::Event;
use self::granted::Grants;
use self::identity::Identity;
use self::subscribing::Followed;
use self::work::{Done, Work};
use super::Implied;
use super::close::Close;
use super::encoding;
use super::incoming::{self, Hello, Message, Wrong};
use super::limits::{
    CLOSE_LIMIT, HELLO_LIMIT, HIDDEN_TICK, MESSAGES_BURST, MESSAGES_PER_S, MESSAGES_PER_TURN, SILENCE_LIMIT,
    STALL_LIMIT,
};
use super::outbound::Socket;
use super::outgoing::{self, Draining, Expiring, Refused, Welcome};
use super::pipe::{Pipe, reader};
use super::subscription::Subscription;
use crate::accounts::Bearer;
use crate::api::{Code, Problem};
use crate::state::AppState;

/// One socket and its client.
pub(super) struct Session {
    state: AppState,
    socket: Arc<Socket>,
    reader: WebSocket<Pipe>,
    /// Nothing is read any more: the client has gone, or what it sends makes no sense.
    is_deaf: bool,
    /// There may be messages that the operating system has handed over already.
    has_more: bool,
    greeted: bool,
    implied: Implied,
    identity: Option<Identity>,
    /// The activity that the socket is there for, once it is known.
    implied_activity: Option<ActivityId>,
    followed: Vec<Followed>,
    /// Who is there for single activities alone.
    grants: Grants,
    agenda: Agenda,
    /// Subscriptions with news that must be looked up.
    looking_at: Vec<Arc<Subscription>>,
    lanes: Lanes,
    /// Commands under way that are answered with many RSVPs.
    long_answers_due: usize,
    answers: Answers<Tag>,
    work: Work,
    deadlines: Deadlines,
    alarm: Alarm,
    bucket: Bucket,
    /// The client has been told to go.
    is_sent_away: bool,
    /// The client may still be sending what makes no sense.
    must_linger: bool,
}

impl Session {
    pub(super) fn new(
        state: AppState,
        socket: Arc<Socket>,
        read: &[u8],
        bearer: Option<Bearer>,
        implied: Implied,
    ) -> Self {
        let now = Instant::now();
        let mut session = Self {
            reader: reader(&socket, read),
            socket,
            is_deaf: false,
            // Something may have come with the handshake.
            has_more: true,
            greeted: false,
            implied,
            identity: None,
            implied_activity: None,
            followed: Vec::new(),
            grants: Grants::default(),
            agenda: Agenda::default(),
            looking_at: Vec::new(),
            lanes: Lanes::default(),
            long_answers_due: 0,
            answers: Answers::default(),
            work: Work::new(),
            deadlines: Deadlines::new(now),
            alarm: Alarm::new(now + HELLO_LIMIT),
            bucket: Bucket::new(now, state.config.rate_limits),
            is_sent_away: false,
            must_linger: false,
            state,
        };
        if let Some(bearer) = bearer {
            session.identify(bearer);
        }
        session
    }

    /// Serves the socket to its end.
    pub(super) async fn run(mut self) {
        self.serve().await;
        if self.must_linger {
            linger(&self.socket).await;
        }
    }

    async fn serve(&mut self) {
        // The server may have begun to stop while this was on its way.
        self.look_around();
        if let Implied::Activity(activity) = self.implied {
            self.deadlines.hello_by = None;
            self.welcome();
            self.subscribe_implied(activity);
        }
        loop {
            self.deadlines.tell_at = None;
            self.tell_news();
            self.socket.flush();
            if self.is_over() {
                return;
            }
            self.watch_the_reader();
            match self.next_event().await {
                Event::Answered(tag, result) => {
                    self.answered(&tag, result);
                    self.tell_answers();
                }
                Event::Done(done) => self.finish(done),
                Event::Woken => self.look_around(),
                Event::OnTime => self.on_time(),
                Event::Writable(Ok(())) => self.socket.outbound().drained(),
                Event::Readable(Ok(())) => self.receive(),
                Event::Writable(Err(_)) | Event::Readable(Err(_)) => self.socket.outbound().give_up(),
            }
        }
    }

    /// Reads what has come, but not all at once if that is much.
    fn receive(&mut self) {
        self.has_more = false;
        self.reader.get_mut().begin_turn();
        for _ in 0..MESSAGES_PER_TURN {
            let frame = match self.reader.read() {
                Ok(frame) => frame,
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) => return self.stop_reading(&error),
            };
            self.deadlines.heard();
            match frame {
                _ if self.socket.outbound().is_ending() => {}
                Frame::Text(text) => self.take(encoding::Encoding::Json, text.as_bytes()),
                Frame::Binary(bytes) => self.take(encoding::Encoding::MessagePack, &bytes),
                Frame::Close(_) => {
                    self.socket.outbound().agree();
                    // The library's own goodbye.
                    let _ = self.reader.flush();
                    self.deadlines.close_by = Some(Instant::now() + CLOSE_LIMIT);
                    self.is_deaf = true;
                    return;
                }
                Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => {}
            }
            self.bucket.take();
            if !self.bucket.refilled(Instant::now()) {
                self.deadlines.listen_at = Some(self.bucket.opens_at());
                self.has_more = true;
                return;
            }
        }
        self.has_more = true;
    }

    fn stop_reading(&mut self, error: &Error) {
        self.is_deaf = true;
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => {
                self.socket.outbound().give_up();
            }
            Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                self.socket.outbound().give_up();
            }
            error => {
                self.must_linger = true;
                self.close(match error {
                    Error::Capacity(_) => Close::TooBig,
                    _ => Close::Protocol,
                });
            }
        }
    }

    /// Takes the messages of one frame.
    fn take(&mut self, form: encoding::Encoding, frame: &[u8]) {
        if form == self.socket.encoding
            && !self.socket.outbound().is_too_full()
            && let Some(message) = incoming::plain_command(form, frame)
        {
            return self.heed(message);
        }
        let values = if form == self.socket.encoding {
            incoming::values(form, frame)
        } else {
            Err(incoming::NotParsable)
        };
        let Ok(values) = values else {
            return self.close(Close::Protocol);
        };
        for (nth, value) in values.into_iter().enumerate() {
            if self.socket.outbound().is_too_full() {
                self.socket.flush();
                self.watch_the_reader();
            }
            if self.socket.outbound().is_ending() {
                return;
            }
            // The frame itself counts for its first one.
            if nth > 0 {
                self.bucket.take();
            }
            match incoming::message(value) {
                Ok(message) => self.heed(message),
                Err(Wrong { id, problem }) => {
                    self.refused(id.as_deref(), &problem);
                    if self.must_greet() {
                        self.close(Close::Unauthenticated);
                    }
                }
            }
        }
    }

    fn heed(&mut self, message: Message) {
        match message {
            Message::Hello(hello) => self.hello(hello),
            message if self.must_greet() => {
                let problem = Problem::new(Code::Unauthenticated).detail("The first message must be hello.");
                self.refused(message.id(), &problem);
                self.close(Close::Unauthenticated);
            }
            Message::Subscribe(id, subscribe) => self.subscribe(Some(id), subscribe),
            Message::Unsubscribe(id, activity) => self.unsubscribe(id, activity),
            Message::Command(id, command) => self.command(id, *command),
            Message::Auth(id, token) => self.authenticate(&id, &token),
            Message::Visibility(id, hidden) => {
                self.socket.outbound().is_hidden = hidden;
                self.deadlines.look_at = hidden.then(|| Instant::now() + HIDDEN_TICK);
                self.say(&outgoing::Done::new(&id));
            }
        }
    }

    fn hello(&mut self, hello: Hello) {
        if self.greeted {
            let problem = Problem::new(Code::MalformedRequest).detail("Hello was said before.");
            return self.refused(None, &problem);
        }
        if let Some(token) = &hello.token
            && let Err(problem) = self.token(token)
        {
            self.refused(None, &problem);
            return self.close(match problem.code() {
                Code::TokenExpired => Close::TokenExpired,
                _ => Close::Unauthenticated,
            });
        }
        if self.socket.outbound().is_ending() {
            return;
        }
        if let (Implied::Rsvp(_), None) = (self.implied, &self.identity) {
            self.refused(None, &Problem::new(Code::Unauthenticated));
            return self.close(Close::Unauthenticated);
        }
        self.greeted = true;
        self.deadlines.hello_by = None;
        self.welcome();
        // Whoever said so in the handshake, or in time, is known already; a plain socket may say it later.
        self.see_anew();
        if let Implied::Rsvp(rsvp) = self.implied {
            self.find_implied(rsvp);
        }
        for subscribe in hello.subscribe.into_iter().flatten() {
            match incoming::arguments(subscribe) {
                Ok(subscribe) => self.subscribe(None, subscribe),
                Err(problem) => self.refused(None, &problem),
            }
        }
    }

    fn welcome(&mut self) {
        let now = self.state.clock.now();
        let ends = self.identity.as_ref().map(|identity| identity.ends_in_ms(now));
        self.say(&Welcome::new(self.socket.id, now, ends));
    }

    /// Says something, after everything that was said before.
    fn say(&self, message: &impl serde::Serialize) {
        self.socket.outbound().say(self.socket.encoding, message);
    }

    /// Says something that may be long, after everything that was said before.
    fn say_long(&mut self, message: &impl serde::Serialize) {
        let frame = self.socket.encoding.frame(message);
        self.socket.outbound().push_long(&frame);
    }

    /// Whether a client must say hello before anything else.
    fn must_greet(&self) -> bool {
        self.deadlines.hello_by.is_some()
    }

    fn refused(&self, id: Option<&str>, problem: &Problem) {
        self.say_refused(&Refused {
            id,
            key: None,
            activity: None,
            problem,
        });
    }

    fn say_refused(&self, refused: &Refused<'_>) {
        if let Some(cause) = refused.problem.cause() {
            let activity = refused.activity.map(tracing::field::display);
            tracing::error!(
                activity.id = activity,
                error = cause,
                "a message failed unexpectedly"
            );
        }
        self.say(refused);
    }

    fn close(&mut self, why: Close) {
        self.socket.outbound().close(why);
        self.deadlines
            .close_by
            .get_or_insert(Instant::now() + CLOSE_LIMIT);
    }

    /// Something has come of what was begun before.
    fn finish(&mut self, done: Done) {
        match done {
            Done::Sent(activity) => self.sent(activity),
            Done::Loaded(wish, loaded) => self.loaded(wish, loaded),
            Done::Found(found) => self.found(found),
        }
    }

    /// Somebody has woken this task: there are news, or a reason to go.
    fn look_around(&mut self) {
        if self.identity.as_ref().is_some_and(Identity::is_revoked) {
            self.close(Close::Revoked);
        }
        self.end_grants();
        if self.state.sockets.is_draining() && !self.is_sent_away {
            self.is_sent_away = true;
            let spread = self.state.sockets.reconnect_spread_ms();
            // The last bits of a fresh identifier are as good as thrown.
            let thrown = self.state.ids.next().as_u64_pair().1 % spread;
            self.say(&Draining::new(thrown));
            // Commands that have come already are told so, too.
            self.receive();
        }
        if self.is_sent_away && self.is_idle() {
            self.close(Close::Draining);
        }
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        self.tell_unanswered(now);
        if self.deadlines.hello_by.is_some_and(|by| by <= now) && !self.socket.outbound().is_ending() {
            self.close(Close::Unauthenticated);
        }
        if self.deadlines.take_ping(now) {
            self.socket.outbound().push(&encoding::ping());
            self.deadlines.silent_until = Some(now + SILENCE_LIMIT);
        }
        if self.deadlines.silent_until.is_some_and(|until| until <= now) {
            // Whoever is not listened to for what they have said before may have answered.
            self.deadlines.silent_until = Some(now + SILENCE_LIMIT);
            if self.bucket.is_open() {
                self.close(Close::GoingAway);
            }
        }
        if self.deadlines.stalled_until.is_some_and(|until| until <= now) {
            self.close(Close::Slow);
        }
        if self.deadlines.look_at.is_some_and(|at| at <= now) {
            self.deadlines.look_at = Some(now + HIDDEN_TICK);
            self.catch_up_hidden();
        }
        if self.deadlines.listen_at.is_some_and(|at| at <= now) {
            self.deadlines.listen_at = (!self.bucket.refilled(now)).then(|| self.bucket.opens_at());
        }
        if self.deadlines.warn_at.is_some_and(|at| at <= now) {
            self.deadlines.warn_at = None;
            let clock = self.state.clock.now();
            if let Some(identity) = &self.identity {
                self.say(&Expiring::new(identity.ends_in_ms(clock)));
            }
        }
        if self.deadlines.ends_at.is_some_and(|at| at <= now) {
            self.deadlines.ends_at = None;
            self.token_is_over();
        }
        if self.deadlines.grant_ends_at.is_some_and(|at| at <= now) {
            self.end_grants();
        }
        if self.deadlines.close_by.is_some_and(|by| by <= now) {
            self.socket.outbound().give_up();
        }
    }

    /// Finds out whether the reader is too slow.
    fn watch_the_reader(&mut self) {
        let (is_too_full, stalled_since) = {
            let outbound = self.socket.outbound();
            (outbound.is_too_full(), outbound.stalled_since())
        };
        self.deadlines.stalled_until = stalled_since.map(|since| since + STALL_LIMIT);
        if is_too_full {
            self.close(Close::Slow);
        }
    }

    fn is_over(&self) -> bool {
        let outbound = self.socket.outbound();
        // What was said last has been handed over, and the client has said goodbye or nothing sensible.
        outbound.is_over() || self.is_deaf && outbound.is_ending() && !outbound.is_full()
    }
}

/// Closes a socket for which there is no room.
pub(super) async fn refuse(socket: &Socket, why: Close) {
    socket.outbound().close(why);
    socket.flush();
    linger(socket).await;
}

/// Takes what is still sent, for a while: whoever is cut off while they send often never sees the last frame.
async fn linger(socket: &Socket) {
    let mut rest = [0; 512];
    let deadline = Instant::now() + CLOSE_LIMIT;
    while let Ok(Ok(())) = timeout_at(deadline, socket.stream().readable()).await {
        match socket.stream().try_read(&mut rest) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// How much a client may say: messages at once, and each second. Beyond that they are read later. A frame is taken
/// whole, so it may leave a debt.
struct Bucket {
    left: i64,
    filled_at: Instant,
    is_limited: bool,
}

impl Bucket {
    fn new(now: Instant, is_limited: bool) -> Self {
        Self {
            left: MESSAGES_BURST.into(),
            filled_at: now,
            is_limited,
        }
    }

    /// Counts one message.
    fn take(&mut self) {
        if self.is_limited {
            self.left -= 1;
        }
    }

    fn is_open(&self) -> bool {
        self.left > 0
    }

    fn opens_at(&self) -> Instant {
        let missing = u32::try_from(1 - self.left).unwrap_or(0);
        self.filled_at + Duration::from_secs(1) * missing / MESSAGES_PER_S
    }

    /// Whether there may be more at once, counting what time has brought where that matters.
    fn refilled(&mut self, now: Instant) -> bool {
        if !self.is_open() {
            let more = (now - self.filled_at).as_millis() * u128::from(MESSAGES_PER_S) / 1_000;
            if more > 0 {
                let more = i64::try_from(more).unwrap_or(i64::MAX);
                self.left = self.left.saturating_add(more).min(MESSAGES_BURST.into());
                self.filled_at = now;
            }
        }
        self.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_says_too_much_at_once_is_heard_again_when_the_debt_is_paid() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, true);
        for _ in 0..MESSAGES_BURST + MESSAGES_PER_S {
            bucket.take();
        }
        assert!(!bucket.refilled(start));
        let opens_at = bucket.opens_at();
        let paid = Duration::from_secs(1) + Duration::from_secs(1) / MESSAGES_PER_S;
        assert_eq!(opens_at - start, paid);
        assert!(!bucket.refilled(opens_at - Duration::from_millis(1)));
        assert!(bucket.refilled(bucket.opens_at()));
        // However long it waits, there is not more than a burst.
        bucket.take();
        assert!(bucket.refilled(start + Duration::from_secs(3_600)));
        assert_eq!(bucket.left, i64::from(MESSAGES_BURST));
    }

    #[test]
    fn whoever_is_not_limited_says_what_they_like() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start, false);
        for _ in 0..10 * MESSAGES_BURST {
            bucket.take();
        }
        assert!(bucket.refilled(start));
    }
}
