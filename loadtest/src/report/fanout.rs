//! The figures of a fan-out: how soon differences reached those who watch, and what that cost.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::measured::{median, write_columns};
use super::memory::{self, Memory};
use crate::process::CpuUsed;
use crate::tally::Latencies;
use crate::watch::{Slow, Watched};

/// One round.
#[derive(Clone, Debug, Serialize)]
pub struct FanoutRound {
    by: &'static str,
    watchers: u32,
    elapsed_s: f64,
    came_within_s: f64,
    /// Commands that reached watchers: for each watcher that reads all the time, those that it heard of, by a difference
    /// or by a snapshot.
    heard: u64,
    /// How many they should have heard of.
    to_hear: u64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    differences: u64,
    merged: u64,
    snapshots: u64,
    bytes_per_frame: f64,
    slow: Slow,
    /// In seconds of CPU time for each second.
    client_cpu: f64,
    server_cpu: Option<f64>,
    memory: Option<Memory>,
}

/// All rounds, and how Turnout's compare with the others.
#[derive(Debug, Serialize)]
pub struct Fanout {
    rounds: Vec<FanoutRound>,
    /// The medians' ratios: of p50, and of p99.
    ratios: Option<(f64, f64)>,
}

impl FanoutRound {
    pub(crate) fn of(by: &'static str, watchers: u32, elapsed: Duration, watched: &Watched) -> Self {
        let latencies = Latencies::of(&watched.latencies_us);
        let elapsed_s = elapsed.max(Duration::from_micros(1)).as_secs_f64();
        Self {
            by,
            watchers,
            elapsed_s,
            came_within_s: 0.0,
            heard: latencies.count(),
            to_hear: watched.to_hear,
            p50_ms: latencies.ms(50.0),
            p90_ms: latencies.ms(90.0),
            p99_ms: latencies.ms(99.0),
            max_ms: latencies.ms(100.0),
            differences: watched.differences,
            merged: watched.merged,
            snapshots: watched.snapshots,
            bytes_per_frame: watched.difference_bytes as f64 / watched.differences.max(1) as f64,
            slow: watched.slow,
            client_cpu: 0.0,
            server_cpu: None,
            memory: None,
        }
    }

    /// How long it took until all watchers were there.
    pub(crate) fn came_within(&mut self, took: Duration) {
        self.came_within_s = took.as_secs_f64();
    }

    /// What this process and its watchers used, and what the server used.
    pub(crate) fn used(&mut self, used: CpuUsed, watched: &Watched) {
        let share = |used: Duration, over: Duration| used.as_secs_f64() / over.as_secs_f64().max(1e-6);
        let watchers = Duration::from_micros(watched.cpu_us);
        self.client_cpu = share(used.own + watchers, used.over);
        self.server_cpu = used.server.map(|server| share(server, used.over));
    }

    pub(crate) fn held(&mut self, memory: Option<Memory>) {
        self.memory = memory;
    }

    /// Memory is of the first round alone: later ones find what earlier ones have given back.
    pub(crate) fn in_round(mut self, number: u32) -> Self {
        self.memory = self.memory.filter(|_| number == 1);
        self
    }

    /// The usual size of a difference.
    pub(crate) fn frame_bytes(&self) -> usize {
        self.bytes_per_frame.round() as usize
    }

    fn row(&self) -> Vec<String> {
        let ms = |ms: f64| format!("{ms:.1}");
        let told = |figure: Option<f64>| figure.map_or("?".to_owned(), |figure| format!("{figure:.2}"));
        vec![
            self.by.to_owned(),
            self.heard.to_string(),
            self.to_hear.to_string(),
            ms(self.p50_ms),
            ms(self.p90_ms),
            ms(self.p99_ms),
            ms(self.max_ms),
            self.differences.to_string(),
            self.merged.to_string(),
            self.snapshots.to_string(),
            format!("{:.0}", self.bytes_per_frame),
            format!("{:.1}", self.came_within_s),
            told(Some(self.client_cpu)),
            told(self.server_cpu),
        ]
    }
}

const HEADINGS: [&str; 14] = [
    "by",
    "heard",
    "of",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "max ms",
    "diffs",
    "merged",
    "snapshots",
    "bytes",
    "came in s",
    "client CPU",
    "server CPU",
];

impl Fanout {
    pub(crate) fn of(rounds: Vec<FanoutRound>) -> Self {
        let of = |by: &str, figure: fn(&FanoutRound) -> f64| {
            let same = rounds.iter().filter(|round| round.by == by);
            median(same.map(figure))
        };
        let has_others = rounds.iter().any(|round| round.by == "nchan");
        let ratio = |figure: fn(&FanoutRound) -> f64| of("turnout", figure) / of("nchan", figure).max(0.001);
        let ratios = has_others.then(|| (ratio(|round| round.p50_ms), ratio(|round| round.p99_ms)));
        Self { rounds, ratios }
    }
}

impl fmt::Display for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "FAN-OUT, from when a command was due until each watcher knew of it"
        )?;
        let rows: Vec<Vec<String>> = self.rounds.iter().map(FanoutRound::row).collect();
        write_columns(f, &HEADINGS, &rows)?;
        for (number, round) in self.rounds.iter().enumerate() {
            let Slow {
                behind,
                closed,
                kept_up,
            } = round.slow;
            if behind + closed + kept_up > 0 {
                writeln!(
                    f,
                    "  slow readers of round {}: {behind} were sent a snapshot, {closed} were closed, {kept_up} \
                     had missed nothing",
                    number + 1
                )?;
            }
        }
        let of_memory = |round: &FanoutRound| {
            let slow = &round.slow;
            let slow = slow.behind + slow.closed + slow.kept_up;
            Some(round.memory?.row(round.by, round.watchers, slow))
        };
        let rows: Vec<Vec<String>> = self.rounds.iter().filter_map(of_memory).collect();
        if !rows.is_empty() {
            write_columns(f, &memory::HEADINGS, &rows)?;
        }
        if let Some((p50, p99)) = self.ratios {
            writeln!(
                f,
                "  turnout takes {p50:.2} times as long as nchan at p50, {p99:.2} times at p99, by the medians"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(by: &'static str, took_us: u64) -> FanoutRound {
        let watched = Watched {
            latencies_us: vec![(took_us, 7)],
            to_hear: 8,
            differences: 7,
            difference_bytes: 1_400,
            slow: Slow {
                closed: 1,
                ..Slow::default()
            },
            ..Watched::default()
        };
        FanoutRound::of(by, 8, Duration::from_secs(1), &watched)
    }

    #[test]
    fn turnout_is_compared_with_the_other_by_their_medians() {
        let rounds = [
            ("turnout", 20_000),
            ("nchan", 10_000),
            ("turnout", 90_000),
            ("turnout", 10_000),
        ];
        let fanout = Fanout::of(rounds.map(|(by, took_us)| round(by, took_us)).to_vec());
        let (p50, p99) = fanout.ratios.unwrap();
        assert!((p50 - 2.0).abs() < 0.01 && (p99 - 2.0).abs() < 0.01, "{fanout:?}");
        let told = fanout.to_string();
        let mut first = told.lines().nth(2).unwrap().split_whitespace();
        assert_eq!(first.by_ref().take(3).collect::<Vec<_>>(), ["turnout", "7", "8"]);
        assert!(
            told.contains("turnout takes 2.00 times as long as nchan"),
            "{told}"
        );
        assert!(
            told.contains("slow readers of round 1: 0 were sent a snapshot, 1 were closed"),
            "{told}"
        );
        assert_eq!(round("turnout", 1).frame_bytes(), 200);
    }
}
