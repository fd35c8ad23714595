//! The one place that asks the machine for the time, for identifiers and for randomness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

/// Microseconds since 1970, as the schema keeps times.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that all designs are handed"
)]
pub fn now_us() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}

/// An identifier that rises with time: rows that come together lie together in an index.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the source that all designs are handed"
)]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// A pause between nothing and `longest`, another one for everybody who asks with an identifier of their own.
pub fn jitter(of: Uuid, attempt: u32, longest: Duration) -> Duration {
    let seed = of.as_u64_pair().1 ^ u64::from(attempt);
    longest.mul_f64(SmallRng::seed_from_u64(seed).random_range(0.0..1.0))
}

/// CPU time that this process has used so far.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(secs, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_and_stay_within_their_bound() {
        let longest = Duration::from_millis(10);
        let id = fresh_id();
        let pauses: Vec<Duration> = (0..20).map(|attempt| jitter(id, attempt, longest)).collect();
        assert!(pauses.iter().all(|pause| *pause < longest));
        assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
