//! Times as texts, as the contract writes them: in UTC with milliseconds, and in HTTP's own way. Here they are counted
//! in microseconds since 1970. It must not ask what time it is.

const MS_OF_A_DAY: i64 = 24 * 60 * 60 * 1_000;

/// Whether it looks like `2026-11-21T05:01:18.377Z`: of such texts the later time is the later text.
pub fn is_utc_with_millis(text: &str) -> bool {
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
pub fn micros(text: &str) -> Option<i64> {
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

/// The time as it is written.
pub fn text(at_us: i64) -> String {
    let ms = at_us.div_euclid(1_000);
    let (days, ms) = (ms.div_euclid(MS_OF_A_DAY), ms.rem_euclid(MS_OF_A_DAY));
    let (year, month, day) = date(days);
    let (minutes, seconds) = (ms / 60_000, ms / 1_000 % 60);
    let (hours, minutes, ms) = (minutes / 60, minutes % 60, ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z")
}

/// The time in a `Date` header, such as `Sat, 21 Nov 2026 05:01:18 GMT`.
pub fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    micros(&format!("{year}-{month:02}-{day}T{time}.000Z"))
}

/// Year, month and day of this day since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    // Four hundred years, which begin in March here as well, always have as many days.
    let day = days + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let months = (5 * day + 2) / 153;
    let (day, year) = (day - (153 * months + 2) / 5 + 1, era * 400 + year);
    if months < 10 {
        (year, months + 3, day)
    } else {
        (year + 1, months - 9, day)
    }
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
    fn what_is_written_is_read_as_the_same_time() {
        let day_us = MS_OF_A_DAY * 1_000;
        for days in (-700_000..2_900_000).step_by(97) {
            let at_us = days * day_us + 86_399_999_000;
            assert_eq!(micros(&text(at_us)), Some(at_us), "{}", text(at_us));
        }
        assert_eq!(text(1_795_237_278_377_999), "2026-11-21T05:01:18.377Z");
        assert_eq!(text(951_868_799_000_000), "2000-02-29T23:59:59.000Z");
    }

    #[test]
    fn the_date_of_http_is_read() {
        assert_eq!(
            http_date("Sat, 21 Nov 2026 05:01:18 GMT"),
            micros("2026-11-21T05:01:18.000Z")
        );
        assert_eq!(http_date("Sat, 21 Nov 2026 05:01:18 CET"), None);
        assert_eq!(http_date("yesterday"), None);
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
