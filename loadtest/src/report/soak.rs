//! The figures of a soak, turn by turn, and how memory went.

use std::fmt;

use serde::Serialize;

use super::measured::write_columns;
use crate::chart::{Axis, Chart, LineChart, Series};
use crate::open_loop::Counted;
use crate::usage::Usage;

/// The part of a run at its beginning that says nothing about memory, because caches fill, tables get their size, and an
/// activity that nobody asks for any more leaves memory only after some minutes: of half an hour it is six minutes.
const WARM_UP: f64 = 0.2;
/// How many looks at memory a slope takes at least.
const LOOKS_MIN: usize = 3;
/// And the time between the first and the last of them, in hours.
const SPAN_MIN_H: f64 = 0.05;

/// One turn: usually a minute.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SoakMinute {
    /// When it was over, in seconds since the beginning.
    at_s: f64,
    came: u64,
    unasked: u64,
    carried_out: u64,
    gave_up: u64,
    refused: u64,
    p50_ms: f64,
    p99_ms: f64,
    late_p99_ms: f64,
    server_bytes: Option<u64>,
    client_bytes: Option<u64>,
    usage: Usage,
}

/// All turns.
#[derive(Debug, Serialize)]
pub struct SoakFigures {
    rate_per_s: f64,
    /// Where it was looked for.
    peak_per_s: Option<f64>,
    turns: Vec<SoakMinute>,
    /// By least squares over what is after the warm-up.
    server_mib_per_hour: Option<f64>,
    client_mib_per_hour: Option<f64>,
    /// What the database takes on disk in the end.
    database_bytes: Option<u64>,
}

impl SoakMinute {
    pub(crate) fn of(
        at_s: f64,
        counted: &Counted,
        usage: Usage,
        server_bytes: Option<u64>,
        client_bytes: Option<u64>,
    ) -> Self {
        Self {
            at_s,
            came: counted.came,
            unasked: counted.unasked,
            carried_out: counted.carried_out_meanwhile,
            gave_up: counted.gave_up,
            refused: counted.refusals.values().sum(),
            p50_ms: counted.acknowledged_latency.ms(50.0),
            p99_ms: counted.acknowledged_latency.ms(99.0),
            late_p99_ms: counted.lateness.ms(99.0),
            server_bytes,
            client_bytes,
            usage,
        }
    }

    fn row(&self) -> Vec<String> {
        let mib = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| format!("{:.1}", in_mib(bytes)));
        let [client, server, database, _] = self.usage.cores();
        vec![
            format!("{:.1}", self.at_s / 60.0),
            self.carried_out.to_string(),
            format!("{:.0}", self.carried_out as f64 / self.usage.over_s.max(1e-6)),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p99_ms),
            self.refused.to_string(),
            self.gave_up.to_string(),
            self.unasked.to_string(),
            format!("{:.1}", self.late_p99_ms),
            mib(self.server_bytes),
            mib(self.client_bytes),
            client,
            server,
            database,
        ]
    }
}

impl SoakFigures {
    pub(crate) fn of(
        rate_per_s: f64,
        peak_per_s: Option<f64>,
        turns: Vec<SoakMinute>,
        database_bytes: Option<u64>,
    ) -> Self {
        let until_s = turns.last().map_or(0.0, |turn| turn.at_s);
        let slope = |bytes: fn(&SoakMinute) -> Option<u64>| {
            let warm = turns.iter().filter(|turn| turn.at_s > until_s * WARM_UP);
            let looks: Option<Vec<(f64, f64)>> = warm
                .map(|turn| Some((turn.at_s / 3_600.0, in_mib(bytes(turn)?))))
                .collect();
            slope(&looks?)
        };
        Self {
            rate_per_s,
            peak_per_s,
            server_mib_per_hour: slope(|turn| turn.server_bytes),
            client_mib_per_hour: slope(|turn| turn.client_bytes),
            turns,
            database_bytes,
        }
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let minutes = |turn: &SoakMinute| turn.at_s / 60.0;
        let memory = |bytes: fn(&SoakMinute) -> Option<u64>| {
            let turns = self.turns.iter();
            let looks = turns.filter_map(move |turn| Some((minutes(turn), in_mib(bytes(turn)?))));
            looks.collect::<Vec<_>>()
        };
        let latency = |of: fn(&SoakMinute) -> f64| {
            let turns = self.turns.iter();
            turns
                .map(move |turn| (minutes(turn), of(turn)))
                .collect::<Vec<_>>()
        };
        vec![
            Chart::Line(LineChart {
                title: "Does memory grow while the load stays the same?".to_owned(),
                x: Axis::linear("minutes"),
                y: Axis::linear("MiB resident"),
                series: vec![
                    Series::new("server", memory(|turn| turn.server_bytes)),
                    Series::new("this client", memory(|turn| turn.client_bytes)),
                ],
            }),
            Chart::Line(LineChart {
                title: "Do answers become slower?".to_owned(),
                x: Axis::linear("minutes"),
                y: Axis::log("latency in ms, of each turn"),
                series: vec![
                    Series::new("p99", latency(|turn| turn.p99_ms)),
                    Series::new("p50", latency(|turn| turn.p50_ms)),
                ],
            }),
        ]
    }
}

fn in_mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The slope of the line that is nearest to these points, by least squares.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < LOOKS_MIN {
        return None;
    }
    let (first, last) = (points.first()?, points.last()?);
    if last.0 - first.0 < SPAN_MIN_H {
        return None;
    }
    let many = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / many;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let alone: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (alone > 0.0).then(|| together / alone)
}

impl fmt::Display for SoakFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SOAK at {:.0} commands per s", self.rate_per_s)?;
        match self.peak_per_s {
            Some(peak) => writeln!(
                f,
                ", {:.0} % of the peak of {peak:.0}",
                self.rate_per_s / peak * 100.0
            )?,
            None => writeln!(f)?,
        }
        let headings = [
            "minute",
            "committed",
            "per s",
            "p50 ms",
            "p99 ms",
            "refused",
            "gave up",
            "unasked",
            "late p99",
            "server MiB",
            "client MiB",
            "client cores",
            "server",
            "database",
        ];
        let rows: Vec<Vec<String>> = self.turns.iter().map(SoakMinute::row).collect();
        write_columns(f, &headings, &rows)?;
        let slope = |slope: Option<f64>| {
            slope.map_or("not known".to_owned(), |slope| {
                format!("{slope:+.1} MiB per hour")
            })
        };
        writeln!(
            f,
            "  memory after the first fifth: the server's {}, this client's {}",
            slope(self.server_mib_per_hour),
            slope(self.client_mib_per_hour)
        )?;
        if let Some(bytes) = self.database_bytes {
            writeln!(
                f,
                "  the database takes {:.0} MiB on disk in the end",
                in_mib(bytes)
            )?;
        }
        writeln!(
            f,
            "  each activity was judged by its log when everybody had left it, while the others went on"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(at_s: f64, server_mib: u64) -> SoakMinute {
        let (bytes, usage) = (Some(server_mib << 20), Usage::default());
        SoakMinute::of(at_s, &Counted::default(), usage, bytes, Some(1 << 20))
    }

    #[test]
    fn memory_has_a_slope_after_the_warm_up() {
        let turns = vec![
            turn(360.0, 10),
            turn(720.0, 100),
            turn(1_080.0, 101),
            turn(1_440.0, 102),
            turn(1_800.0, 103),
        ];
        let figures = SoakFigures::of(100.0, Some(200.0), turns, Some(7 << 20));
        let told = figures.to_string();
        assert!(told.contains("takes 7 MiB on disk"), "{told}");
        assert!(
            told.contains("SOAK at 100 commands per s, 50 % of the peak of 200"),
            "{told}"
        );
        assert!(
            told.contains("the server's +10.0 MiB per hour, this client's +0.0 MiB per hour"),
            "{told}"
        );
    }

    #[test]
    fn too_few_looks_and_too_short_a_time_have_none() {
        let of = |turns: Vec<SoakMinute>| SoakFigures::of(1.0, None, turns, None).server_mib_per_hour;
        assert_eq!(of(vec![turn(600.0, 1), turn(1_200.0, 9)]), None);
        assert_eq!(
            of(vec![turn(10.0, 1), turn(20.0, 9), turn(30.0, 9), turn(40.0, 9)]),
            None
        );
    }
}
