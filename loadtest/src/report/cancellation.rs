//! The figures of bursts beside which a large activity was cancelled, and of the same without.

use std::fmt;

use serde::Serialize;

use super::measured::{median, write_columns};
use crate::tally::Tally;

/// What came of the cancel beside a burst.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct CancelledBeside {
    /// How long it took to fill what was cancelled.
    pub(crate) filled_in_s: f64,
    /// From asking for the cancel to its answer.
    pub(crate) answered_ms: f64,
    /// From that answer until the activity was shown.
    pub(crate) shown_ms: f64,
    /// From then until its confirmed RSVPs were counted, of which there are none.
    pub(crate) listed_ms: f64,
}

/// One burst of a pair.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Paired {
    round: u32,
    committed: u64,
    committed_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// None of a burst that was alone.
    cancelled: Option<CancelledBeside>,
}

/// The middle of those alone or of those beside a cancel.
#[derive(Debug, Serialize)]
struct Middle {
    committed_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// All pairs, the middle of either kind, and how they compare.
#[derive(Debug, Serialize)]
pub struct CancellationFigures {
    rsvps: u32,
    bursts: Vec<Paired>,
    alone: Middle,
    beside: Middle,
    /// Beside a cancel by alone.
    p50_ratio: f64,
    p99_ratio: f64,
    cancel_answered_ms: f64,
}

impl Paired {
    pub(crate) fn of(round: u32, tally: &Tally, cancelled: Option<CancelledBeside>) -> Self {
        let (elapsed, _) = tally.measured();
        let latency = &tally.acknowledged_latency;
        Self {
            round,
            committed: tally.committed(),
            committed_per_s: tally.committed() as f64 / elapsed.as_secs_f64().max(1e-6),
            p50_ms: latency.ms(50.0),
            p99_ms: latency.ms(99.0),
            max_ms: latency.ms(100.0),
            cancelled,
        }
    }

    fn row(&self) -> Vec<String> {
        let ms = |figure: fn(&CancelledBeside) -> f64| {
            let figure = self.cancelled.as_ref().map(figure);
            figure.map_or("-".to_owned(), |figure| format!("{figure:.1}"))
        };
        let kind = if self.cancelled.is_some() {
            "beside"
        } else {
            "alone"
        };
        vec![
            format!("{}, {kind}", self.round),
            self.committed.to_string(),
            format!("{:.0}", self.committed_per_s),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p99_ms),
            format!("{:.2}", self.max_ms),
            ms(|cancelled| cancelled.answered_ms),
            ms(|cancelled| cancelled.shown_ms),
            ms(|cancelled| cancelled.listed_ms),
        ]
    }
}

impl Middle {
    fn of(bursts: &[Paired], is_beside: bool) -> Self {
        let of = |figure: fn(&Paired) -> f64| {
            let bursts = bursts.iter();
            median(
                bursts
                    .filter(|burst| burst.cancelled.is_some() == is_beside)
                    .map(figure),
            )
        };
        Self {
            committed_per_s: of(|burst| burst.committed_per_s),
            p50_ms: of(|burst| burst.p50_ms),
            p99_ms: of(|burst| burst.p99_ms),
        }
    }

    fn row(&self, name: &str) -> Vec<String> {
        let mut row = vec![
            name.to_owned(),
            String::new(),
            format!("{:.0}", self.committed_per_s),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p99_ms),
        ];
        row.resize(9, String::new());
        row
    }
}

impl CancellationFigures {
    pub(crate) fn of(rsvps: u32, bursts: Vec<Paired>) -> Self {
        let (alone, beside) = (Middle::of(&bursts, false), Middle::of(&bursts, true));
        let ratio = |beside: f64, alone: f64| if alone > 0.0 { beside / alone } else { 0.0 };
        let cancels = bursts.iter().filter_map(|burst| burst.cancelled);
        Self {
            rsvps,
            cancel_answered_ms: median(cancels.map(|cancelled| cancelled.answered_ms)),
            p50_ratio: ratio(beside.p50_ms, alone.p50_ms),
            p99_ratio: ratio(beside.p99_ms, alone.p99_ms),
            bursts,
            alone,
            beside,
        }
    }
}

impl fmt::Display for CancellationFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "CANCELLATION of {} RSVPs at the start of a burst on another activity, and the burst alone",
            self.rsvps
        )?;
        let headings = [
            "round",
            "committed",
            "per s",
            "p50 ms",
            "p99 ms",
            "max ms",
            "cancel ms",
            "shown ms",
            "listed ms",
        ];
        let mut rows: Vec<Vec<String>> = self.bursts.iter().map(Paired::row).collect();
        rows.push(self.alone.row("alone, median"));
        rows.push(self.beside.row("beside, median"));
        write_columns(f, &headings, &rows)?;
        writeln!(
            f,
            "  beside a cancel p50 is {:.2} and p99 {:.2} times what it is alone; the cancel is answered after {:.1} ms",
            self.p50_ratio, self.p99_ratio, self.cancel_answered_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(round: u32, p99_ms: f64, answered_ms: Option<f64>) -> Paired {
        Paired {
            round,
            committed: 10,
            committed_per_s: 100.0,
            p50_ms: p99_ms / 2.0,
            p99_ms,
            max_ms: p99_ms,
            cancelled: answered_ms.map(|answered_ms| CancelledBeside {
                filled_in_s: 1.0,
                answered_ms,
                shown_ms: 0.5,
                listed_ms: 9.0,
            }),
        }
    }

    #[test]
    fn bursts_beside_a_cancel_are_compared_with_those_alone_by_their_medians() {
        let figures = CancellationFigures::of(
            100,
            vec![
                burst(1, 10.0, None),
                burst(1, 12.0, Some(3.0)),
                burst(2, 90.0, None),
                burst(2, 11.0, Some(5.0)),
                burst(3, 8.0, None),
                burst(3, 50.0, Some(4.0)),
            ],
        );
        let json = serde_json::to_value(&figures).unwrap();
        assert_eq!(json["p99_ratio"], 1.2);
        assert_eq!(json["cancel_answered_ms"], 4.0);
        assert_eq!(json["bursts"][0]["cancelled"], serde_json::Value::Null);
        assert_eq!(json["bursts"][1]["cancelled"]["answered_ms"], 3.0);
        let told = figures.to_string();
        assert!(told.contains("p99 1.20 times what it is alone"), "{told}");
    }
}
