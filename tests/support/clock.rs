//! A clock that stands until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};

use turnout_actors::domain::Timestamp;
use turnout_actors::ports::Clock;

/// 2026-05-01T12:00:00Z.
const START_MS: i64 = 1_777_636_800_000;

pub(crate) struct TestClock {
    now_us: AtomicI64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            now_us: AtomicI64::new(START_MS * 1_000),
        }
    }
}

impl TestClock {
    pub(crate) fn advance_s(&self, seconds: i64) {
        self.advance_ms(seconds * 1_000);
    }

    pub(crate) fn advance_ms(&self, millis: i64) {
        self.now_us.fetch_add(millis * 1_000, Ordering::Relaxed);
    }

    pub(crate) fn now_s(&self) -> i64 {
        self.now().micros() / 1_000_000
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now_us.load(Ordering::Relaxed))
    }
}
