//! What a session must do by when.

use std::time::Duration;

use tokio::time::Instant;

use crate::ws::limits::{HELLO_LIMIT, PING_EVERY};

/// Longer than any socket lives, and not so long that clocks overflow.
const LONG: Duration = Duration::from_secs(366 * 24 * 3_600);

/// Points in time at which something is due; none where nothing is.
pub(super) struct Deadlines {
    /// The client must have said hello.
    pub(super) hello_by: Option<Instant>,
    ping_at: Instant,
    /// The client must have been heard since the ping.
    pub(super) silent_until: Option<Instant>,
    /// The reader must have taken something of what waits.
    pub(super) stalled_until: Option<Instant>,
    /// A difference is due that would have come too soon after the one before.
    pub(super) tell_at: Option<Instant>,
    /// A page that nobody sees is updated.
    pub(super) look_at: Option<Instant>,
    /// The client may say more.
    pub(super) listen_at: Option<Instant>,
    /// The client is warned that its token ends.
    pub(super) warn_at: Option<Instant>,
    /// The token ends.
    pub(super) ends_at: Option<Instant>,
    /// The first of the tokens ends that are for single activities.
    pub(super) grant_ends_at: Option<Instant>,
    /// The client must have agreed to the end.
    pub(super) close_by: Option<Instant>,
}

impl Deadlines {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            hello_by: Some(now + HELLO_LIMIT),
            ping_at: now + PING_EVERY,
            silent_until: None,
            stalled_until: None,
            tell_at: None,
            look_at: None,
            listen_at: None,
            warn_at: None,
            ends_at: None,
            grant_ends_at: None,
            close_by: None,
        }
    }

    /// The first of them.
    pub(super) fn next(&self) -> Instant {
        // Once the end has come nothing else is due.
        if let Some(by) = self.close_by {
            return by;
        }
        [
            self.hello_by,
            self.silent_until,
            self.stalled_until,
            self.tell_at,
            self.look_at,
            self.listen_at,
            self.warn_at,
            self.ends_at,
            self.grant_ends_at,
        ]
        .into_iter()
        .flatten()
        .fold(self.ping_at, Instant::min)
    }

    /// The client was heard.
    pub(super) fn heard(&mut self) {
        self.silent_until = None;
    }

    /// Whether it is time for a ping; then the next one is due later.
    pub(super) fn take_ping(&mut self, now: Instant) -> bool {
        let is_time = self.ping_at <= now;
        if is_time {
            self.ping_at = now + PING_EVERY;
        }
        is_time
    }

    /// A token ends in so many milliseconds.
    pub(super) fn token_ends_in(&mut self, now: Instant, ms: u64, notice: Duration) {
        let left = bounded(ms);
        self.ends_at = Some(now + left);
        self.warn_at = Some(now + left.saturating_sub(notice));
    }
}

/// So many milliseconds from now, by a clock that only runs.
pub(super) fn in_ms(ms: u64) -> Instant {
    Instant::now() + bounded(ms)
}

fn bounded(ms: u64) -> Duration {
    Duration::from_millis(ms).min(LONG)
}
