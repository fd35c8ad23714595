//! Times as the server writes them, in UTC with milliseconds, and as the model counts them, in microseconds since
//! 1970.

use std::collections::HashMap;

use crate::seen::LastState;

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

/// Whether it looks like `2026-11-21T05:01:18.377Z`: of such texts the later time is the later text.
pub(super) fn is_utc_with_millis(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| {
            if *shape == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == *shape
            }
        })
}

/// The time that is written; none where nothing of this form is.
pub(super) fn micros(text: &str) -> Option<i64> {
    if !is_utc_with_millis(text) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = (days_since_1970(year, month, day) * 24 + number(11, 13)?) * 3_600
        + number(14, 16)? * 60
        + number(17, 19)?;
    Some((seconds * 1_000 + number(20, 23)?) * 1_000)
}

/// Years begin in March here, so that the day that comes and goes is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (months * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_to_the_millisecond() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("1970-01-02T00:00:01.000Z", 86_401),
            ("2000-02-29T23:59:59.000Z", 951_868_799),
            ("2000-03-01T00:00:00.000Z", 951_868_800),
            ("2026-11-21T05:01:18.000Z", 1_795_237_278),
            ("2099-12-31T12:30:00.000Z", 4_102_403_400),
        ] {
            assert_eq!(micros(text), Some(seconds * 1_000_000), "{text}");
        }
        assert_eq!(micros("1970-01-01T00:00:00.007Z"), Some(7_000));
    }

    #[test]
    fn what_has_another_form_is_no_time() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T06:01:18.377+01:00",
            "2026-11-21T05:01:18Z",
        ] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
