//! The figures of a steady stream of reads and writes.

use std::fmt;

use serde::Serialize;

use super::Percentiles;
use super::measured::write_columns;
use crate::chart::{Axis, Chart, LineChart, Series};
use crate::steady::READS_PER_WRITE;
use crate::tally::Latencies;
use crate::usage::Usage;

/// What is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadKind {
    /// The activity.
    Activity,
    /// The reader's own RSVP.
    OwnRsvp,
    /// The first page of who comes.
    Attendees,
}

/// Latencies of one kind of request.
#[derive(Debug, Serialize)]
struct Kind {
    what: &'static str,
    latency_ms: Percentiles,
    #[serde(skip)]
    curve: Vec<(f64, f64)>,
}

/// All kinds, and what they cost.
#[derive(Debug, Serialize)]
pub struct SteadyFigures {
    reads_per_write: u64,
    asked_per_s: f64,
    answered_per_s: f64,
    kinds: Vec<Kind>,
    usage: Usage,
    client_us_per_request: f64,
    server_us_per_request: Option<f64>,
}

impl SteadyFigures {
    pub(crate) fn of(
        asked_per_s: f64,
        requests: u64,
        reads: &[Latencies; 3],
        writes: &Latencies,
        usage: &Usage,
    ) -> Self {
        let mut all_reads = Latencies::default();
        reads.iter().for_each(|kind| all_reads.absorb(kind));
        let kind = |what: &'static str, latencies: &Latencies| Kind {
            what,
            latency_ms: latencies.into(),
            curve: latencies.curve(),
        };
        let answered = all_reads.count() + writes.count();
        Self {
            reads_per_write: READS_PER_WRITE,
            asked_per_s,
            answered_per_s: answered as f64 / usage.over_s.max(1e-6),
            kinds: vec![
                kind("reads", &all_reads),
                kind("  the activity", &reads[0]),
                kind("  the own RSVP", &reads[1]),
                kind("  who comes, page 1", &reads[2]),
                kind("writes (durable)", writes),
            ],
            usage: *usage,
            client_us_per_request: usage.client_us(requests),
            server_us_per_request: usage.us_behind(requests),
        }
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let lines = self.kinds.iter().filter(|kind| !kind.what.starts_with(' '));
        vec![Chart::Line(LineChart {
            title: "How many reads and writes had their answer within which time?".to_owned(),
            x: Axis::nines("share of those who were answered"),
            y: Axis::log("latency in ms"),
            series: lines
                .map(|kind| Series::new(kind.what, kind.curve.iter().copied()))
                .collect(),
        })]
    }
}

impl fmt::Display for SteadyFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "READS AND WRITES over REST, {} reads (the activity, the own RSVP, who comes, in turn) to one write",
            self.reads_per_write
        )?;
        let ms = |figure: f64| format!("{figure:.2}");
        let rows: Vec<Vec<String>> = self
            .kinds
            .iter()
            .map(|kind| {
                let told = &kind.latency_ms;
                let figures = [told.p50, told.p90, told.p99, told.p99_9, told.max].map(ms);
                [
                    vec![kind.what.to_owned(), told.count.to_string()],
                    figures.to_vec(),
                ]
                .concat()
            })
            .collect();
        let headings = ["latency in ms", "answers", "p50", "p90", "p99", "p99.9", "max"];
        write_columns(f, &headings, &rows)?;
        let [client, server, database, machine] = self.usage.cores();
        writeln!(
            f,
            "  {:.0} requests per s of {:.0}; cores used: client {client}, server {server}, database {database}, the whole \
             machine {machine}",
            self.answered_per_s, self.asked_per_s
        )?;
        let server_us = self.server_us_per_request;
        let server_us = server_us.map_or("?".to_owned(), |us| format!("{us:.1}"));
        writeln!(
            f,
            "  CPU per request in us: client {:.1}, server and database {server_us}",
            self.client_us_per_request
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_all_kinds_are_told_together_and_apart_from_writes() {
        let reads = [
            Latencies::of(&[(1_000, 2)]),
            Latencies::of(&[(2_000, 2)]),
            Latencies::default(),
        ];
        let usage = Usage {
            over_s: 2.0,
            client_s: 0.001,
            ..Usage::default()
        };
        let figures = SteadyFigures::of(3.0, 5, &reads, &Latencies::of(&[(2_000, 1)]), &usage);
        let told = figures.to_string();
        let has = |line: &str| {
            told.lines()
                .any(|told| told.split_whitespace().eq(line.split_whitespace()))
        };
        assert!(has("reads 4 1.00 2.00 2.00 2.00 2.00"), "{told}");
        assert!(has("writes (durable) 1 2.00 2.00 2.00 2.00 2.00"), "{told}");
        assert!(told.contains("2 requests per s of 3;"), "{told}");
    }
}
