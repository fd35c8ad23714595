//! When each of the commands of an open loop is due. Latencies count from then on: whoever counted from the sending
//! would leave out how long a command had to wait behind slow answers.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::clock;

/// A steady rate from one moment on, which is kept by the clock of this process and by that of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    started: Instant,
    started_us: u64,
    /// Commands per second.
    rate: f64,
}

/// When a command is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    pub(crate) at: Instant,
    /// The same on the clock that all processes of the machine share.
    pub(crate) us: u64,
}

impl Pace {
    /// So many commands per second from now on.
    pub(crate) fn starting_now(rate: f64) -> Self {
        Self {
            started: clock::now(),
            started_us: clock::machine_us(),
            rate,
        }
    }

    /// When the command with this number is due; the first one has number 0.
    pub(crate) fn due(&self, number: u64) -> Due {
        let after = Duration::from_secs_f64(number as f64 / self.rate);
        Due {
            at: self.started + after,
            us: self.started_us + u64::try_from(after.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

impl Due {
    /// At once.
    pub(crate) fn now() -> Self {
        Self {
            at: clock::now(),
            us: clock::machine_us(),
        }
    }

    /// Waits until then, and not at all where it is over already.
    pub(crate) async fn wait(&self) {
        sleep_until(self.at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_follows_from_its_number_and_not_from_when_somebody_asks() {
        let pace = Pace::starting_now(200.0);
        let (first, later) = (pace.due(0), pace.due(50));
        assert_eq!(later.at - first.at, Duration::from_millis(250));
        assert_eq!(later.us - first.us, 250_000);
        assert_eq!(pace.due(50), later);
    }
}
