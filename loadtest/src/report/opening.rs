//! The figures of an opening: who was too early, and how soon everybody was answered who came when it opened.

use std::fmt;

use serde::Serialize;

use crate::tally::Latencies;

/// One person's last coming, on the clock of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(crate) sent_us: u64,
    pub(crate) answered_us: u64,
    /// Whether the answer is final.
    pub(crate) is_answered: bool,
}

/// The least and the most of some figures.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Range {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Range {
    pub(crate) fn of(figures: impl Iterator<Item = f64>) -> Option<Self> {
        figures.fold(None, |range: Option<Self>, figure| {
            let Self { min, max } = range.unwrap_or(Self {
                min: figure,
                max: figure,
            });
            Some(Self {
                min: min.min(figure),
                max: max.max(figure),
            })
        })
    }
}

/// What those were told who came too early.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Told {
    /// How many answers there were.
    pub(crate) answers: u64,
    /// `opens_in_ms` in them.
    pub(crate) told_ms: Option<Range>,
    /// What was left then, as the clients count.
    pub(crate) due_ms: Option<Range>,
    pub(crate) round_trip_ms: Option<Range>,
    /// How far what was told lies outside of what the round trip allows, at the most.
    pub(crate) most_off_ms: f64,
}

/// How an opening went. Times count from the opening, unless it is said.
#[derive(Debug, Serialize)]
pub struct OpeningFigures {
    people: usize,
    early: usize,
    pub(crate) told: Told,
    /// Entries in the log from before the opening.
    pub(crate) let_in_before: usize,
    /// The clients know the moment of the opening as well as this.
    known_within_ms: f64,
    /// When those sent who were not too early.
    fired_ms: Option<Range>,
    answers: u64,
    first_answer_ms: f64,
    half_answered_ms: f64,
    last_answer_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// From sending, as soon as each was able to, to the answer.
    p50_from_sending_ms: f64,
    p99_from_sending_ms: f64,
}

impl OpeningFigures {
    /// The doors opened between these two moments; some came too early.
    pub(crate) fn of<'a>(
        (earliest_us, latest_us): (i64, i64),
        came: impl Iterator<Item = (bool, &'a Came)> + Clone,
    ) -> Self {
        let since = |us: u64| (us.cast_signed() - latest_us) as f64 / 1_000.0;
        let answered = came.clone().filter(|(_, came)| came.is_answered);
        let mut answers_ms: Vec<f64> = answered
            .clone()
            .map(|(_, came)| since(came.answered_us))
            .collect();
        answers_ms.sort_by(f64::total_cmp);
        let share = |share: f64| {
            let index = (answers_ms.len() as f64 * share).ceil() as usize;
            answers_ms
                .get(index.saturating_sub(1))
                .copied()
                .unwrap_or_default()
        };
        let mut from_sending = Latencies::default();
        for (_, came) in answered {
            from_sending.record_us(came.answered_us - came.sent_us);
        }
        let in_time = came.clone().filter(|(is_early, _)| !is_early);
        Self {
            people: came.clone().count(),
            early: came.filter(|(is_early, _)| *is_early).count(),
            told: Told::default(),
            let_in_before: 0,
            known_within_ms: (latest_us - earliest_us).max(0) as f64 / 1_000.0,
            fired_ms: Range::of(in_time.map(|(_, came)| since(came.sent_us))),
            answers: answers_ms.len() as u64,
            first_answer_ms: share(0.0),
            half_answered_ms: share(0.5),
            last_answer_ms: share(1.0),
            p50_ms: share(0.5),
            p99_ms: share(0.99),
            p50_from_sending_ms: from_sending.ms(50.0),
            p99_from_sending_ms: from_sending.ms(99.0),
        }
    }
}

impl fmt::Display for OpeningFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "OPENING, for {} people at the door who know its moment within {:.1} ms",
            self.people, self.known_within_ms
        )?;
        let range = |range: Option<Range>| {
            range.map_or("nothing".to_owned(), |Range { min, max }| {
                format!("{min:.1} to {max:.1} ms")
            })
        };
        let told = &self.told;
        writeln!(
            f,
            "  too early: {}; told {} times to come again after {}, when {} were left; off by {:.1} ms at most",
            self.early,
            told.answers,
            range(told.told_ms),
            range(told.due_ms),
            told.most_off_ms
        )?;
        writeln!(f, "  let in before the opening: {}", self.let_in_before)?;
        writeln!(f, "  all others sent {} after the opening", range(self.fired_ms))?;
        writeln!(
            f,
            "  {} answers: the first after {:.1} ms, half within {:.1}, 99 % within {:.1}, the last after {:.1}",
            self.answers, self.first_answer_ms, self.half_answered_ms, self.p99_ms, self.last_answer_ms
        )?;
        writeln!(
            f,
            "  from sending to the answer: p50 {:.1}, p99 {:.1} ms",
            self.p50_from_sending_ms, self.p99_from_sending_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_from_the_opening_and_only_what_was_answered_counts() {
        let came = |sent_us, answered_us, is_answered| Came {
            sent_us,
            answered_us,
            is_answered,
        };
        let all = [
            (true, came(900_000, 1_004_000, true)),
            (false, came(1_001_000, 1_002_000, true)),
            (false, came(1_003_000, 1_010_000, true)),
            (false, came(1_002_000, 9_000_000, false)),
        ];
        let figures = OpeningFigures::of(
            (999_500, 1_000_000),
            all.iter().map(|(is_early, came)| (*is_early, came)),
        );
        let json = serde_json::to_value(&figures).unwrap();
        for (pointer, expected) in [
            ("/early", 1.0),
            ("/people", 4.0),
            ("/answers", 3.0),
            ("/first_answer_ms", 2.0),
            ("/half_answered_ms", 4.0),
            ("/last_answer_ms", 10.0),
            ("/fired_ms/min", 1.0),
            ("/fired_ms/max", 3.0),
            ("/known_within_ms", 0.5),
        ] {
            assert_eq!(
                json.pointer(pointer).unwrap().as_f64(),
                Some(expected),
                "{pointer}"
            );
        }
        let told = figures.to_string();
        assert!(told.contains("the first after 2.0 ms"), "{told}");
    }
}
