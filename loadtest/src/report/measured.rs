//! What some kinds of runs measure beside the answers, each in a block of its own.

use std::fmt;

use serde::Serialize;

use super::{
    CancellationFigures, ColdFigures, Fanout, GrowthFigures, ManyFigures, OpeningBurstFigures,
    OpeningFigures, OverloadFigures, Reconnect, Rounds, RulesFigures, SoakFigures, SteadyFigures,
};
use crate::chart::Chart;

/// The figures of one kind of run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// Of an alternation.
    Rounds(Rounds),
    /// Of a burst at an opening.
    Opening(Box<OpeningFigures>),
    /// Of all rules at once.
    Rules(Box<RulesFigures>),
    /// Of bursts beside a cancel.
    Cancellation(Box<CancellationFigures>),
    /// Of a fan-out.
    Fanout(Fanout),
    /// Of coming back.
    Reconnect(Reconnect),
    /// Of a burst when sales open.
    OpeningBurst(OpeningBurstFigures),
    /// Of a steady stream of reads and writes.
    Steady(Box<SteadyFigures>),
    /// Of many activities against one.
    Many(Box<ManyFigures>),
    /// Of one that grows.
    Growth(Box<GrowthFigures>),
    /// Of first commands after starts.
    Cold(Box<ColdFigures>),
    /// Of a long time.
    Soak(Box<SoakFigures>),
    /// Of an overload.
    Overload(Box<OverloadFigures>),
}

impl Measured {
    /// What can be seen better than read.
    pub(super) fn charts(&self) -> Vec<Chart> {
        match self {
            Self::Rounds(rounds) => rounds.charts(),
            Self::Steady(steady) => steady.charts(),
            Self::Many(many) => many.charts(),
            Self::Growth(growth) => growth.charts(),
            Self::Cold(cold) => cold.charts(),
            Self::Soak(soak) => soak.charts(),
            Self::Overload(overload) => overload.charts(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounds(rounds) => rounds.fmt(f),
            Self::Opening(opening) => opening.fmt(f),
            Self::Rules(rules) => rules.fmt(f),
            Self::Cancellation(cancellation) => cancellation.fmt(f),
            Self::Fanout(fanout) => fanout.fmt(f),
            Self::Reconnect(reconnect) => reconnect.fmt(f),
            Self::OpeningBurst(opening) => opening.fmt(f),
            Self::Steady(steady) => steady.fmt(f),
            Self::Many(many) => many.fmt(f),
            Self::Growth(growth) => growth.fmt(f),
            Self::Cold(cold) => cold.fmt(f),
            Self::Soak(soak) => soak.fmt(f),
            Self::Overload(overload) => overload.fmt(f),
        }
    }
}

/// The middle of some figures; of an even number of them, the lower of the two in the middle.
pub(super) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len().saturating_sub(1) / 2;
    figures.get(middle).copied().unwrap_or_default()
}

/// Writes rows below their headings: the first column to the left, figures to the right.
pub(super) fn write_columns(
    f: &mut fmt::Formatter<'_>,
    headings: &[&str],
    rows: &[Vec<String>],
) -> fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
    for row in [&headings].into_iter().chain(rows) {
        write!(f, "  {:<width$}", row[0], width = width(0))?;
        for (column, cell) in row.iter().enumerate().skip(1) {
            write!(f, "  {cell:>width$}", width = width(column))?;
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_figures() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.0);
        assert_eq!(median([]), 0.0);
    }
}
