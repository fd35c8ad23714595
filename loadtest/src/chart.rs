//! Charts as SVG that stand for themselves: on a page, or as a picture of their own.
//!
//! It owns how they look. It must not know what they are about.

mod bars;
mod line;
mod scale;
mod sheet;

pub use self::bars::{Bar, BarChart, BarGroup};
pub use self::line::{LineChart, Series};
pub use self::scale::{Axis, Scale};

/// A chart of either kind.
#[derive(Clone, PartialEq, Debug)]
pub enum Chart {
    /// Lines over an axis.
    Line(LineChart),
    /// Bars beside each other.
    Bars(BarChart),
}

impl Chart {
    /// The chart as a document of its own.
    pub fn svg(&self) -> String {
        match self {
            Self::Line(line) => line.svg(),
            Self::Bars(bars) => bars.svg(),
        }
    }

    /// Whether there is something to be seen.
    pub fn has_content(&self) -> bool {
        match self {
            Self::Line(line) => line.series.iter().any(|series| series.points.len() > 1),
            Self::Bars(bars) => bars.groups.iter().any(|group| !group.bars.is_empty()),
        }
    }
}
