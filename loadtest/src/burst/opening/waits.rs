//! What those were told who came before the opening, and whether it was right.

use crate::line::Opens;
use crate::report::{Range, Told};
use crate::run::ActivityFinding;
use crate::verdict::Finding;

/// How far two clocks may run apart between the greeting and the opening, in microseconds.
const CLOCKS_APART_US: i64 = 2_000;

/// One answer that the doors are closed. Times are those of this machine, in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    /// Who was told.
    pub(super) person: String,
    /// When the doors open, by what this person was told when coming.
    pub(super) opens: Opens,
    pub(super) sent_us: i64,
    pub(super) answered_us: i64,
    /// How long to wait; none where it was not said.
    pub(super) told_ms: Option<u64>,
}

impl Wait {
    /// What may have been left at the least and at the most when the server judged, which was between sending and
    /// answer.
    fn left_us(&self) -> (i64, i64) {
        (
            self.opens.earliest_us - self.answered_us,
            self.opens.latest_us - self.sent_us,
        )
    }

    /// How far what was told lies outside of that.
    fn off_us(&self) -> Option<i64> {
        let told_us = i64::try_from(self.told_ms?).ok()?.checked_mul(1_000)?;
        let (least, most) = self.left_us();
        // The server rounds up to whole milliseconds.
        Some((least - told_us).max(told_us - (most + 1_000)).max(0))
    }

    fn finding(&self) -> Option<Finding> {
        if self.off_us().is_some_and(|off_us| off_us <= CLOCKS_APART_US) {
            return None;
        }
        let (least, most) = self.left_us();
        let ms = |us: i64| us as f64 / 1_000.0;
        Some(Finding::WrongWait {
            person: self.person.clone(),
            said: self
                .told_ms
                .map_or("nothing".to_owned(), |told_ms| format!("{told_ms} ms")),
            expected: format!("{:.1} to {:.1} ms", ms(least), ms(most)),
        })
    }
}

/// Everybody who was told a wrong wait.
pub(super) fn findings(waits: &[Wait]) -> impl Iterator<Item = ActivityFinding> {
    waits.iter().filter_map(|wait| {
        Some(ActivityFinding {
            activity: "the door".to_owned(),
            finding: wait.finding()?,
        })
    })
}

/// What was told, and what was due.
pub(super) fn figures(waits: &[Wait]) -> Told {
    let ms = |us: i64| us as f64 / 1_000.0;
    Told {
        answers: waits.len() as u64,
        told_ms: Range::of(waits.iter().filter_map(|wait| Some(wait.told_ms? as f64))),
        // In the middle between sending and answer.
        due_ms: Range::of(waits.iter().map(|wait| {
            let judged_us = i64::midpoint(wait.sent_us, wait.answered_us);
            ms(wait.opens.latest_us - judged_us)
        })),
        round_trip_ms: Range::of(waits.iter().map(|wait| ms(wait.answered_us - wait.sent_us))),
        most_off_ms: waits.iter().filter_map(Wait::off_us).max().map_or(0.0, ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The doors open between 1.000 s and 1.001 s; somebody asks at 0.7 s and is answered 10 ms later.
    fn wait(told_ms: Option<u64>) -> Wait {
        Wait {
            person: "p".into(),
            opens: Opens {
                earliest_us: 1_000_000,
                latest_us: 1_001_000,
            },
            sent_us: 700_000,
            answered_us: 710_000,
            told_ms,
        }
    }

    #[test]
    fn a_wait_is_right_if_it_was_so_at_some_moment_between_asking_and_answer() {
        for told_ms in [288, 290, 296, 302, 304] {
            assert_eq!(wait(Some(told_ms)).finding(), None, "{told_ms}");
        }
        for told_ms in [0, 287, 305, u64::MAX] {
            let Some(Finding::WrongWait { said, expected, .. }) = wait(Some(told_ms)).finding() else {
                panic!("{told_ms} ms is wrong");
            };
            assert_eq!((said, &*expected), (format!("{told_ms} ms"), "290.0 to 301.0 ms"));
        }
    }

    #[test]
    fn not_to_say_how_long_it_takes_is_wrong() {
        assert!(matches!(
            wait(None).finding(),
            Some(Finding::WrongWait { said, .. }) if said == "nothing"
        ));
    }

    #[test]
    fn figures_tell_the_least_and_the_most_of_what_was_told_and_due() {
        let told = figures(&[wait(Some(290)), wait(Some(310)), wait(None)]);
        assert_eq!((told.answers, told.most_off_ms), (3, 8.0));
        assert_eq!(
            told.told_ms,
            Some(Range {
                min: 290.0,
                max: 310.0
            })
        );
        assert_eq!(
            told.due_ms,
            Some(Range {
                min: 296.0,
                max: 296.0
            })
        );
        assert_eq!(figures(&[]).told_ms, None);
    }
}
