//! The figures of first commands after starts.

use std::fmt;

use serde::Serialize;

use super::measured::{median, write_columns};
use crate::chart::{Bar, BarChart, BarGroup, Chart};

/// One start.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ColdStart {
    /// How many RSVPs the activity has.
    pub rsvps: u32,
    /// Until the server served.
    pub start_ms: f64,
    /// From asking for the first command to its answer.
    pub first_ms: f64,
    /// The same of the next command.
    pub next_ms: f64,
}

/// All starts.
#[derive(Debug, Serialize)]
pub struct ColdFigures {
    starts: Vec<ColdStart>,
    /// By the number of RSVPs: the median and the worst of the first commands.
    sizes: Vec<ColdSize>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct ColdSize {
    rsvps: u32,
    first_ms: f64,
    first_ms_worst: f64,
}

impl ColdFigures {
    pub(crate) fn of(starts: Vec<ColdStart>) -> Self {
        let mut sizes: Vec<ColdSize> = Vec::new();
        for start in &starts {
            if sizes.iter().any(|size| size.rsvps == start.rsvps) {
                continue;
            }
            let same = starts.iter().filter(|other| other.rsvps == start.rsvps);
            let firsts = same.map(|start| start.first_ms);
            sizes.push(ColdSize {
                rsvps: start.rsvps,
                first_ms: median(firsts.clone()),
                first_ms_worst: firsts.fold(0.0, f64::max),
            });
        }
        Self { starts, sizes }
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let groups = self.sizes.iter().map(|size| {
            let same = self.starts.iter().filter(|start| start.rsvps == size.rsvps);
            let least = same.map(|start| start.first_ms).reduce(f64::min);
            let bar = Bar {
                spread: least.map(|least| (least, size.first_ms_worst)),
                ..Bar::new("first command", size.first_ms)
            };
            BarGroup {
                label: format!("{} RSVPs", size.rsvps),
                bars: vec![bar],
            }
        });
        vec![Chart::Bars(BarChart {
            title: "How long does the first command wait for its activity after a start?".to_owned(),
            unit: "ms: the median of the starts, and from the least to the most".to_owned(),
            groups: groups.collect(),
        })]
    }
}

impl fmt::Display for ColdFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "STARTS, and the first command to an activity of so many RSVPs")?;
        let ms = |figure: f64| format!("{figure:.1}");
        let rows: Vec<Vec<String>> = self
            .starts
            .iter()
            .map(|start| {
                let figures = [start.start_ms, start.first_ms, start.next_ms].map(ms);
                [vec![start.rsvps.to_string()], figures.to_vec()].concat()
            })
            .collect();
        let headings = [
            "RSVPs",
            "server's start ms",
            "first command ms",
            "next command ms",
        ];
        write_columns(f, &headings, &rows)?;
        for size in &self.sizes {
            let ColdSize {
                rsvps,
                first_ms,
                first_ms_worst,
            } = size;
            writeln!(
                f,
                "  with {rsvps} RSVPs the first command is answered after {first_ms:.1} ms, at the worst {first_ms_worst:.1} ms"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_its_median_and_its_worst() {
        let start = |rsvps, first_ms| ColdStart {
            rsvps,
            start_ms: 300.0,
            first_ms,
            next_ms: 1.0,
        };
        let starts = vec![start(10, 9.0), start(10, 3.0), start(10, 4.0), start(99, 50.0)];
        let told = ColdFigures::of(starts).to_string();
        let line = "with 10 RSVPs the first command is answered after 4.0 ms, at the worst 9.0 ms";
        assert!(told.contains(line), "{told}");
        assert!(told.contains("with 99 RSVPs"), "{told}");
    }
}
