//! The clock of a running server: the only place that asks the operating system for the time of day.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use turnout_actors::domain::Timestamp;
use turnout_actors::ports::Clock;

/// The time of day, never earlier than what it told before.
///
/// It follows the operating system, so that opening times hold against the outside world for as long as the
/// process runs: a clock that only adds elapsed time to its start drifts by seconds a week. When the operating
/// system's clock is set back, this one stands still until that has caught up, since a stamp that goes
/// backwards would put a later command before an earlier one.
#[derive(Default)]
pub struct SystemClock {
    /// The latest time told, in microseconds since 1970.
    latest_us: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.not_before_the_latest(wall_us()))
    }
}

impl SystemClock {
    /// One atomic operation orders all threads: whoever comes later gets at least what others were told.
    fn not_before_the_latest(&self, wall_us: i64) -> i64 {
        self.latest_us.fetch_max(wall_us, Ordering::Relaxed).max(wall_us)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else is handed"
)]
fn wall_us() -> i64 {
    // A machine whose clock is before 1970 counts as being in 1970.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_while_the_system_clock_is_set_back_and_goes_on_after() {
        let clock = SystemClock::default();
        assert_eq!(clock.not_before_the_latest(1_000), 1_000);
        assert_eq!(clock.not_before_the_latest(400), 1_000);
        assert_eq!(clock.not_before_the_latest(1_001), 1_001);
    }

    #[test]
    fn it_tells_a_time_after_this_was_written() {
        assert!(SystemClock::default().now() > Timestamp::from_millis(1_760_000_000_000));
    }
}
