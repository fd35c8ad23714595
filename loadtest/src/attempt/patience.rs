//! How long somebody goes on asking: the pauses between tries, and when to give up.
//!
//! It owns the loop of tries and what each try is counted as. It must not know what carries them, nor what an answer
//! means: that is told to it.

use std::ops::ControlFlow;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use crate::client::TransportError;
use crate::clock;
use crate::shared::{SharedTally, lock};
use crate::tally::Tally;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The codes by which a sound server sends somebody away for a moment; over REST they come with a 503.
pub(crate) const REFUSALS: [&str; 4] = ["overloaded", "unavailable", "unknown_outcome", "draining"];

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For one try.
    pub request_timeout: Duration,
    /// When nothing is tried again any more.
    pub give_up_at: Instant,
    /// How long it goes on where nobody is there to answer.
    pub silence_limit: Duration,
}

/// What one try was answered.
#[derive(Debug)]
pub(crate) enum Tried<T> {
    /// An answer that stays.
    Final(T),
    /// Come again: the same may be answered differently a little later.
    Refused {
        /// The stable code.
        code: String,
        /// How long the server asks to wait.
        pause: Option<Duration>,
    },
    /// The server did something that it must never do. Coming again may help all the same.
    Faulty {
        /// What it answered.
        answer: String,
        /// How long the server asks to wait.
        pause: Option<Duration>,
    },
}

impl<T> Tried<T> {
    /// The same with another word for what is final.
    pub(crate) fn map<U>(self, word: impl FnOnce(T) -> U) -> Tried<U> {
        match self {
            Self::Final(answer) => Tried::Final(word(answer)),
            Self::Refused { code, pause } => Tried::Refused { code, pause },
            Self::Faulty { answer, pause } => Tried::Faulty { answer, pause },
        }
    }
}

/// The tries of one command.
#[derive(Debug)]
pub(crate) struct Tries {
    pause: Duration,
    is_retry: bool,
}

impl Tries {
    /// None so far.
    pub(crate) fn new() -> Self {
        Self {
            pause: FIRST_PAUSE,
            is_retry: false,
        }
    }
}

/// Does not take "come again" for an answer, up to a limit.
#[derive(Debug)]
pub(crate) struct Patience {
    give_up_at: Instant,
    silence_limit: Duration,
    /// When the server began to be silent; `None` while it answers.
    silent_since: Option<Instant>,
    last_error: Option<String>,
    tally: SharedTally,
    jitter: SmallRng,
}

impl Patience {
    /// Pauses are jittered from `seed`.
    pub(crate) fn new(limits: TimeLimits, tally: SharedTally, seed: u64) -> Self {
        Self {
            give_up_at: limits.give_up_at,
            silence_limit: limits.silence_limit,
            silent_since: None,
            last_error: None,
            tally,
            jitter: SmallRng::seed_from_u64(seed),
        }
    }

    /// Why the last try without an answer had none.
    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Counts what a try came to. Goes on after the pause before the next one; ends with the final answer, or with
    /// nothing when time is up.
    pub(crate) async fn weigh<T>(
        &mut self,
        tries: &mut Tries,
        tried: Result<Tried<T>, TransportError>,
    ) -> ControlFlow<Option<T>> {
        let asked_pause = match self.count(tries.is_retry, tried) {
            ControlFlow::Break(answer) => return ControlFlow::Break(Some(answer)),
            ControlFlow::Continue(asked_pause) => asked_pause,
        };
        let wait = asked_pause
            .unwrap_or(tries.pause)
            .mul_f64(1.0 + self.jitter.random_range(0.0..0.5));
        let next = clock::now() + wait;
        let silent_until = self.silent_since.map(|since| since + self.silence_limit);
        if next >= self.give_up_at || silent_until.is_some_and(|until| next >= until) {
            return ControlFlow::Break(None);
        }
        sleep(wait).await;
        tries.pause = (tries.pause * 2).min(LONGEST_PAUSE);
        tries.is_retry = true;
        ControlFlow::Continue(())
    }

    /// Ends with what is final; what is not goes on with the pause that was asked for.
    fn count<T>(
        &mut self,
        is_retry: bool,
        tried: Result<Tried<T>, TransportError>,
    ) -> ControlFlow<T, Option<Duration>> {
        count_try(&mut lock(&self.tally), is_retry, &tried);
        if tried.is_ok() {
            self.silent_since = None;
        }
        match tried {
            Ok(Tried::Final(answer)) => ControlFlow::Break(answer),
            Ok(Tried::Refused { pause, .. } | Tried::Faulty { pause, .. }) => ControlFlow::Continue(pause),
            Err(error) => {
                self.silent_since.get_or_insert_with(clock::now);
                self.last_error = Some(error.told());
                ControlFlow::Continue(None)
            }
        }
    }
}

/// Counts one try.
pub(crate) fn count_try<T>(tally: &mut Tally, is_retry: bool, tried: &Result<Tried<T>, TransportError>) {
    tally.requests += 1;
    tally.retries += u64::from(is_retry);
    match tried {
        Ok(Tried::Final(_)) => {}
        Ok(Tried::Refused { code, .. }) => {
            tally.count_refusal(code);
            tally.course.refused(clock::unix_ms());
        }
        Ok(Tried::Faulty { answer, .. }) => tally.count_fault(answer),
        Err(error) => tally.count_transport_error(error),
    }
}
