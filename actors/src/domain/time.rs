//! Points in time, as an argument: nothing in the domain asks a clock.

use serde::{Deserialize, Serialize};

/// A point in time in microseconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This time moved by `millis` milliseconds, which may be negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000)))
    }

    /// Milliseconds from `now` until this time, rounded up, so that whoever waits that long is not early; 0
    /// when it has passed.
    pub const fn millis_after(self, now: Self) -> u64 {
        let micros = self.0.saturating_sub(now.0);
        if micros <= 0 {
            0
        } else {
            (micros as u64).div_ceil(1_000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_until_a_time_is_rounded_up_and_never_negative() {
        let opens = Timestamp::from_millis(10);
        assert_eq!(opens.millis_after(Timestamp::from_micros(9_999)), 1);
        assert_eq!(opens.millis_after(Timestamp::from_micros(9_000)), 1);
        assert_eq!(opens.millis_after(Timestamp::from_micros(8_999)), 2);
        assert_eq!(opens.millis_after(opens), 0);
        assert_eq!(opens.millis_after(Timestamp::from_millis(11)), 0);
    }
}
