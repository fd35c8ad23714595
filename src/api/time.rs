//! Points in time as clients write and read them: RFC 3339, answered in UTC with milliseconds.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use turnout_actors::domain::Timestamp;

/// A point in time that serialises as text such as `2026-05-01T18:30:00.000Z`.
///
/// It is read with any offset; a bare date is the start of that day in UTC. Anything finer than a millisecond is
/// dropped, so that what is kept is what is answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Time(pub Timestamp);

/// The first and the last millisecond of the years 0 to 9999, which four digits can write.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

/// Whether a text has the shape of a date. The library would also take dates in others, such as 2026-5-1 or
/// +20260-5-1.
fn is_bare_date(text: &str) -> bool {
    text.len() == "2026-05-01".len()
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

impl Time {
    /// Reads a time or a bare date. What could not be written again is refused: an offset can lead out of the
    /// years that have four digits.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let date = is_bare_date(text)
            .then(|| text.parse::<NaiveDate>().ok())
            .flatten();
        let millis = match date {
            Some(date) => date.and_time(NaiveTime::MIN).and_utc().timestamp_millis(),
            None => DateTime::parse_from_rfc3339(text)
                .map_err(|_| "must be a time such as 2026-05-01T18:30:00Z")?
                .timestamp_millis(),
        };
        if !(FIRST_MS..=LAST_MS).contains(&millis) {
            return Err("must be in the years 0000 to 9999 in UTC");
        }
        Ok(Self(Timestamp::from_millis(millis)))
    }

    /// The time as text; what lies outside the years 0 to 9999 is drawn to its edge.
    pub fn text(self) -> String {
        let micros = self.0.micros().clamp(FIRST_MS * 1_000, LAST_MS * 1_000);
        DateTime::from_timestamp_micros(micros)
            .expect("the years 0 to 9999 are within what chrono knows")
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The end of a range of time: a point, or a whole day that belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DayOrTime {
    /// A bare date: the day that starts then, in UTC.
    Day(Timestamp),
    /// A point in time.
    Time(Timestamp),
}

impl DayOrTime {
    /// The first moment that no longer belongs to the range.
    pub fn end(self) -> Timestamp {
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        match self {
            Self::Day(start) => start.plus_millis(DAY_MS),
            Self::Time(last) => Timestamp::from_micros(last.micros().saturating_add(1)),
        }
    }
}

impl<'de> Deserialize<'de> for DayOrTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let Time(at) = Time::parse(&text).map_err(serde::de::Error::custom)?;
        Ok(if is_bare_date(&text) {
            Self::Day(at)
        } else {
            Self::Time(at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_offset_and_written_in_utc() {
        for (read, written) in [
            ("2026-05-01T18:30:00Z", "2026-05-01T18:30:00.000Z"),
            ("2026-05-01T20:30:00.1239+02:00", "2026-05-01T18:30:00.123Z"),
            ("2026-05-01", "2026-05-01T00:00:00.000Z"),
            ("0000-01-01", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            let time = Time::parse(read).unwrap();
            assert_eq!(time.text(), written);
            assert_eq!(Time::parse(written), Ok(time), "what is answered is what is kept");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-05-01T18:30:00",
            "2026-13-01",
            "2026-5-1",
            "+20260-5-1",
            "2026-5-1  ",
            "2026-02-30T00:00:00Z",
            "1777660200",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_timestamp_can_be_written() {
        assert_eq!(
            Time(Timestamp::from_micros(i64::MAX)).text(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            Time(Timestamp::from_micros(i64::MIN)).text(),
            "0000-01-01T00:00:00.000Z"
        );
    }
}
