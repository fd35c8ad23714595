//! When things happened, as the log tells it.

use std::collections::HashMap;

use crate::seen::LastState;
use crate::utc::micros;

/// When each event happened, by its `seq`.
pub(super) struct Moments(HashMap<u64, i64>);

impl Moments {
    pub(super) fn of(last: &LastState) -> Self {
        let times = last
            .events
            .iter()
            .filter_map(|event| Some((event.seq, micros(&event.at)?)));
        Self(times.collect())
    }

    /// What the command was judged by whose first or last event this is, to the millisecond; as early as can be,
    /// where the log does not tell.
    pub(super) fn at_us(&self, seq: u64) -> i64 {
        self.0.get(&seq).copied().unwrap_or(i64::MIN)
    }
}
