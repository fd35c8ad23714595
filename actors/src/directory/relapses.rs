//! How long an activity is left alone whose actor fails again and again: whatever it fails at may be what it begins with,
//! and each start is a write.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ActivityId;

/// The pause after the second failure in a row; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Whoever has not failed for so long starts from the beginning.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// Failures of actors, by activity.
#[derive(Default)]
pub(super) struct Relapses(HashMap<ActivityId, Failures>);

struct Failures {
    in_a_row: u32,
    last: Instant,
}

impl Failures {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.last) >= RECOVERED_AFTER
    }
}

impl Relapses {
    /// An actor has failed. How long to wait before the next start: not at all after the first failure.
    pub(super) fn pause_after(&mut self, id: ActivityId, now: Instant) -> Duration {
        let failures = self.0.entry(id).or_insert(Failures {
            in_a_row: 0,
            last: now,
        });
        if failures.is_over(now) {
            failures.in_a_row = 0;
        }
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        failures.last = now;
        match failures.in_a_row {
            1 => Duration::ZERO,
            many => (FIRST_PAUSE * (1 << (many - 2).min(6))).min(PAUSE_MAX),
        }
    }

    /// Forgets those that have recovered.
    pub(super) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, failures| !failures.is_over(now));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_fails_again_and_again_is_started_later_and_later_until_it_has_recovered() {
        let (one, other) = (
            ActivityId::from(Uuid::from_u128(1)),
            ActivityId::from(Uuid::from_u128(2)),
        );
        let mut relapses = Relapses::default();
        let now = Instant::now();
        let pauses = [(); 9].map(|()| relapses.pause_after(one, now).as_millis());
        assert_eq!(pauses, [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(
            relapses.pause_after(other, now),
            Duration::ZERO,
            "others start at once"
        );
        let almost = now + RECOVERED_AFTER - Duration::from_millis(1);
        relapses.forget(almost);
        assert_eq!(relapses.pause_after(one, almost), PAUSE_MAX);
        let later = almost + RECOVERED_AFTER;
        assert_eq!(relapses.pause_after(one, later), Duration::ZERO);
        relapses.forget(later + RECOVERED_AFTER);
        assert!(relapses.0.is_empty());
    }
}
