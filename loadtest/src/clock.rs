//! The one place that asks the machine for the time and for randomness. Everything else takes them as
//! arguments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use uuid::Uuid;

/// The clock that durations and deadlines are measured by.
pub fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970, for the times in a token.
pub fn unix_s() -> u64 {
    unix_ms() / 1_000
}

/// Milliseconds since 1970, to tell when something happened to whoever else has a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a token says when it was made, and the server compares clocks"
)]
pub fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Microseconds on the clock that all processes of this machine share, and that nobody sets.
pub fn machine_us() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (secs, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    secs * 1_000_000 + nanos / 1_000
}

/// The same moment on the clock that durations are measured by.
pub fn at_machine_us(us: u64) -> Instant {
    let (now, now_us) = (now(), machine_us());
    if us >= now_us {
        now + Duration::from_micros(us - now_us)
    } else {
        now.checked_sub(Duration::from_micros(now_us - us)).unwrap_or(now)
    }
}

/// Names one run, so that its keys and people never meet those of another run on the same server.
#[expect(
    clippy::disallowed_methods,
    reason = "two runs with the same seed must not share idempotency keys"
)]
pub fn run_id() -> Uuid {
    Uuid::new_v4()
}

/// CPU time that this process has used so far.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(secs, nanos)
}
