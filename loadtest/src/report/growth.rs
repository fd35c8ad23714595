//! The figures of one activity that grows.

use std::fmt;

use serde::Serialize;

use super::measured::{median, write_columns};
use super::stretch::{HEADINGS, Stretch};
use crate::chart::{Axis, Bar, BarChart, BarGroup, Chart, LineChart, Series};

/// From which part of the way on memory is compared with the end: by then what has a bound of its own, such as caches, is
/// there.
const SETTLED_FROM: f64 = 0.25;

/// RSVPs that were measured around one size.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Window {
    /// Whether it is one of the large activity.
    pub is_large: bool,
    /// How many RSVPs there were in its middle.
    pub around: u64,
    /// What they cost.
    #[serde(flatten)]
    pub stretch: Stretch,
}

/// How it was at one size on the way.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Grown {
    /// How many RSVPs there were.
    pub rsvps: u64,
    /// How many came each second up to here.
    pub per_s: f64,
    /// What the server held, where its process is known.
    pub server_bytes: Option<u64>,
}

/// All windows, how they compare, and what an RSVP takes in memory.
#[derive(Debug, Serialize)]
pub struct GrowthFigures {
    windows: Vec<Window>,
    grown: Vec<Grown>,
    /// Time for an RSVP in the large activity by that in a small one, of the medians.
    time_ratio: f64,
    /// The same of what server and database use.
    cpu_ratio: Option<f64>,
    /// From an empty activity to the full one, texts included.
    bytes_per_rsvp: Option<f64>,
    /// From a quarter of the way to its end, texts included.
    bytes_per_rsvp_settled: Option<f64>,
    /// The name is the only text that these RSVPs have.
    text_bytes_per_rsvp: f64,
}

impl GrowthFigures {
    pub(crate) fn of(windows: Vec<Window>, grown: Vec<Grown>, text_bytes_per_rsvp: f64) -> Self {
        let of = |is_large: bool, figure: fn(&Stretch) -> Option<f64>| {
            let same = windows.iter().filter(|window| window.is_large == is_large);
            let figures: Option<Vec<f64>> = same.map(|window| figure(&window.stretch)).collect();
            figures.map(median)
        };
        let ratio = |figure: fn(&Stretch) -> Option<f64>| {
            let small = of(false, figure).filter(|small| *small > 0.0)?;
            Some(of(true, figure)? / small)
        };
        let last = grown.last().copied();
        let most = last.map_or(0, |last| last.rsvps);
        let settled = grown
            .iter()
            .find(|grown| grown.rsvps as f64 >= most as f64 * SETTLED_FROM);
        Self {
            time_ratio: ratio(|stretch| Some(1.0 / stretch.per_s.max(1e-9))).unwrap_or_default(),
            cpu_ratio: ratio(Stretch::behind_us),
            bytes_per_rsvp: between(grown.first(), last.as_ref()),
            bytes_per_rsvp_settled: between(settled, last.as_ref()),
            text_bytes_per_rsvp,
            windows,
            grown,
        }
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let thousands = |rsvps: u64| rsvps as f64 / 1_000.0;
        let sizes = self.grown.iter();
        let memory = sizes.clone().filter_map(|grown| {
            let mib = grown.server_bytes? as f64 / f64::from(1 << 20);
            Some((thousands(grown.rsvps), mib))
        });
        let rates = sizes.filter(|grown| grown.rsvps > 0);
        let rates = rates.map(|grown| (thousands(grown.rsvps), grown.per_s));
        let group = |label: &str, is_large: bool| {
            let same = self.windows.iter().filter(|window| window.is_large == is_large);
            let bars = same.enumerate().map(|(number, window)| {
                let name = format!("window {}", number + 1);
                Bar::new(&name, 1e6 / window.stretch.per_s.max(1e-9))
            });
            BarGroup {
                label: label.to_owned(),
                bars: bars.collect(),
            }
        };
        vec![
            Chart::Bars(BarChart {
                title: "Does an RSVP take longer when there are many already?".to_owned(),
                unit: "microseconds from one RSVP to the next".to_owned(),
                groups: vec![group("small activity", false), group("large activity", true)],
            }),
            Chart::Line(LineChart {
                title: "How much memory does the server hold as the activity grows?".to_owned(),
                x: Axis::linear("thousands of RSVPs"),
                y: Axis::linear("MiB held by the server"),
                series: vec![Series::new("resident", memory)],
            }),
            Chart::Line(LineChart {
                title: "How many RSVPs come in each second as the activity grows?".to_owned(),
                x: Axis::linear("thousands of RSVPs"),
                y: Axis::linear("RSVPs per second"),
                series: vec![Series::new("committed", rates)],
            }),
        ]
    }
}

/// Bytes for each RSVP that came between two sizes.
fn between(first: Option<&Grown>, last: Option<&Grown>) -> Option<f64> {
    let (first, last) = (first?, last?);
    let more = last.rsvps.checked_sub(first.rsvps).filter(|more| *more > 0)?;
    Some((last.server_bytes? as f64 - first.server_bytes? as f64) / more as f64)
}

impl fmt::Display for GrowthFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "WINDOWS")?;
        let rows: Vec<Vec<String>> = self
            .windows
            .iter()
            .map(|window| [vec![window.around.to_string()], window.stretch.cells()].concat())
            .collect();
        write_columns(f, &[&["around RSVPs"], &HEADINGS[..]].concat(), &rows)?;
        write!(
            f,
            "  an RSVP in the large activity takes {:.2} times the time of one in a small one",
            self.time_ratio
        )?;
        match self.cpu_ratio {
            Some(ratio) => writeln!(f, ", and {ratio:.2} times the CPU of server and database")?,
            None => writeln!(f)?,
        }
        if let (Some(all), Some(settled)) = (self.bytes_per_rsvp, self.bytes_per_rsvp_settled) {
            let text = self.text_bytes_per_rsvp;
            writeln!(
                f,
                "  the server's memory grew by {all:.0} bytes per RSVP, from a quarter of the way on by {settled:.0}; without \
                 the name, {text:.1} bytes on average, {:.0} and {:.0}. A key is included",
                all - text,
                settled - text
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(is_large: bool, per_s: f64, server_us: f64) -> Window {
        let stretch = Stretch {
            committed: 10,
            per_s,
            p50_ms: 1.0,
            p99_ms: 2.0,
            client_us: 12.0,
            server_us: Some(server_us),
            database_us: Some(10.0),
        };
        Window {
            is_large,
            around: if is_large { 1_000 } else { 10 },
            stretch,
        }
    }

    fn grown(rsvps: u64, server_bytes: u64) -> Grown {
        Grown {
            rsvps,
            per_s: 1.0,
            server_bytes: Some(server_bytes),
        }
    }

    #[test]
    fn large_is_compared_with_small_in_time_and_in_cpu() {
        let windows = vec![window(true, 800.0, 50.0), window(false, 1_000.0, 40.0)];
        let told = GrowthFigures::of(windows, Vec::new(), 10.0).to_string();
        assert!(told.contains("takes 1.25 times the time"), "{told}");
        assert!(told.contains("and 1.20 times the CPU"), "{told}");
    }

    #[test]
    fn memory_is_told_for_each_rsvp_with_and_without_its_text() {
        let sizes = vec![grown(0, 1_000), grown(25, 8_500), grown(100, 18_000)];
        let told = GrowthFigures::of(Vec::new(), sizes, 12.0).to_string();
        let expected = "grew by 170 bytes per RSVP, from a quarter of the way on by 127; without the name, 12.0 bytes on \
                        average, 158 and 115.";
        assert!(told.contains(expected), "{told}");
    }
}
