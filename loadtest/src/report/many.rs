//! The figures of very many activities against one.

use std::fmt;

use serde::Serialize;

use super::measured::{median, write_columns};
use super::stretch::{HEADINGS, Stretch};
use crate::chart::{Bar, BarChart, BarGroup, Chart};

/// How RSVPs are spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Over very many activities.
    Many,
    /// All in one.
    One,
}

impl Spread {
    /// In words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Many => "many activities",
            Self::One => "one activity",
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Played {
    spread: Spread,
    #[serde(flatten)]
    stretch: Stretch,
}

/// All rounds, and how many activities compare with one.
#[derive(Debug, Serialize)]
pub struct ManyFigures {
    rounds: Vec<Played>,
    /// The rate of many by that of one, of the medians.
    rate_ratio: f64,
    /// What server and database use for an RSVP with many by that with one, of the medians.
    cpu_ratio: Option<f64>,
}

impl ManyFigures {
    pub(crate) fn of(stretches: Vec<(Spread, Stretch)>) -> Self {
        let of = |spread: Spread, figure: fn(&Stretch) -> Option<f64>| {
            let same = stretches.iter().filter(move |(played, _)| *played == spread);
            let figures: Option<Vec<f64>> = same.map(|(_, stretch)| figure(stretch)).collect();
            figures.map(median)
        };
        let ratio = |figure: fn(&Stretch) -> Option<f64>| {
            let one = of(Spread::One, figure).filter(|one| *one > 0.0)?;
            Some(of(Spread::Many, figure)? / one)
        };
        Self {
            rate_ratio: ratio(|stretch| Some(stretch.per_s)).unwrap_or_default(),
            cpu_ratio: ratio(Stretch::behind_us),
            rounds: stretches
                .into_iter()
                .map(|(spread, stretch)| Played { spread, stretch })
                .collect(),
        }
    }

    /// What either kind carries, round by round.
    pub(super) fn charts(&self) -> Vec<Chart> {
        let group = |spread: Spread| {
            let rates = || {
                let played = self.rounds.iter().filter(|played| played.spread == spread);
                played.map(|played| played.stretch.per_s)
            };
            let bar = Bar {
                spread: rates().reduce(f64::min).zip(rates().reduce(f64::max)),
                ..Bar::new("RSVPs", median(rates()))
            };
            BarGroup {
                label: spread.as_str().to_owned(),
                bars: vec![bar],
            }
        };
        vec![Chart::Bars(BarChart {
            title: "What does it cost that RSVPs are spread over many activities?".to_owned(),
            unit: "RSVPs per s: the median of the rounds, and from the least to the most".to_owned(),
            groups: vec![group(Spread::One), group(Spread::Many)],
        })]
    }
}

impl fmt::Display for ManyFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ROUNDS")?;
        let rows: Vec<Vec<String>> = self
            .rounds
            .iter()
            .map(|played| [vec![played.spread.as_str().to_owned()], played.stretch.cells()].concat())
            .collect();
        write_columns(f, &[&["RSVPs in"], &HEADINGS[..]].concat(), &rows)?;
        write!(
            f,
            "  many activities carry {:.2} times what one does",
            self.rate_ratio
        )?;
        match self.cpu_ratio {
            Some(ratio) => writeln!(f, "; an RSVP costs server and database {ratio:.2} times as much"),
            None => writeln!(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(per_s: f64, server_us: Option<f64>) -> Stretch {
        Stretch {
            committed: 10,
            per_s,
            p50_ms: 1.0,
            p99_ms: 2.0,
            client_us: 12.0,
            server_us,
            database_us: None,
        }
    }

    #[test]
    fn many_are_compared_with_one_by_the_medians_of_their_rounds() {
        let figures = ManyFigures::of(vec![
            (Spread::Many, stretch(600.0, Some(90.0))),
            (Spread::One, stretch(1_000.0, Some(60.0))),
            (Spread::One, stretch(900.0, Some(60.0))),
            (Spread::Many, stretch(630.0, Some(120.0))),
        ]);
        let told = figures.to_string();
        assert!(
            told.contains("many activities carry 0.67 times what one does"),
            "{told}"
        );
        assert!(
            told.contains("costs server and database 1.50 times as much"),
            "{told}"
        );
    }

    #[test]
    fn what_the_server_used_is_not_told_where_nobody_knows() {
        let stretches = vec![
            (Spread::Many, stretch(1.0, None)),
            (Spread::One, stretch(1.0, None)),
        ];
        assert_eq!(ManyFigures::of(stretches).cpu_ratio, None);
    }
}
