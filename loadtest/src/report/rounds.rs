//! Rounds of the same work over different lines, and what one carries beside the other.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::measured::{median, write_columns};
use crate::chart::{Bar, BarChart, BarGroup, Chart};
use crate::tally::Tally;

/// One round over one kind of line.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    via: &'static str,
    committed: u64,
    committed_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    client_cpu_us_per_request: f64,
    /// Where the server's process is known.
    server_cpu_us_per_request: Option<f64>,
}

/// All rounds, the middle of those over each kind of line, and how the first kind compares with the second.
#[derive(Debug, Serialize)]
pub struct Rounds {
    rounds: Vec<Round>,
    medians: Vec<Round>,
    ratio: Option<f64>,
}

impl Round {
    pub(crate) fn of(via: &'static str, tally: &Tally, server_cpu: Option<Duration>) -> Self {
        let (elapsed, client_cpu) = tally.measured();
        let requests = tally.requests.max(1) as f64;
        let us_per_request = |cpu: Duration| cpu.as_secs_f64() * 1e6 / requests;
        Self {
            via,
            committed: tally.committed(),
            committed_per_s: tally.committed() as f64 / elapsed.max(Duration::from_micros(1)).as_secs_f64(),
            p50_ms: tally.acknowledged_latency.ms(50.0),
            p99_ms: tally.acknowledged_latency.ms(99.0),
            client_cpu_us_per_request: us_per_request(client_cpu),
            server_cpu_us_per_request: server_cpu.map(us_per_request),
        }
    }

    /// Commands that were carried out each second.
    pub(crate) fn committed_per_s(&self) -> f64 {
        self.committed_per_s
    }

    fn row(&self, name: &str) -> Vec<String> {
        let us = |figure: Option<f64>| figure.map_or("?".to_owned(), |figure| format!("{figure:.1}"));
        vec![
            name.to_owned(),
            self.committed.to_string(),
            format!("{:.0}", self.committed_per_s),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p99_ms),
            us(Some(self.client_cpu_us_per_request)),
            us(self.server_cpu_us_per_request),
        ]
    }
}

impl Rounds {
    pub(crate) fn of(rounds: Vec<Round>) -> Self {
        let mut medians: Vec<Round> = Vec::new();
        for round in &rounds {
            if medians.iter().all(|median| median.via != round.via) {
                medians.push(median_round(&rounds, round));
            }
        }
        let ratio = match &medians[..] {
            [first, second] if second.committed_per_s > 0.0 => {
                Some(first.committed_per_s / second.committed_per_s)
            }
            _ => None,
        };
        Self {
            rounds,
            medians,
            ratio,
        }
    }
}

impl Rounds {
    /// What each way carries, in the middle of its rounds.
    pub(super) fn charts(&self) -> Vec<Chart> {
        let groups = self.medians.iter().map(|median| {
            let rates = || {
                let rounds = self.rounds.iter().filter(|round| round.via == median.via);
                rounds.map(|round| round.committed_per_s)
            };
            let bar = Bar {
                spread: rates().reduce(f64::min).zip(rates().reduce(f64::max)),
                ..Bar::new("committed per s", median.committed_per_s)
            };
            BarGroup {
                label: format!("over {}", median.via),
                bars: vec![bar],
            }
        });
        vec![Chart::Bars(BarChart {
            title: "How many commands does each way carry?".to_owned(),
            unit: "committed per s: the median of the rounds, and from the least to the most".to_owned(),
            groups: groups.collect(),
        })]
    }
}

/// The median of each figure over the rounds that went the same way as this one.
fn median_round(rounds: &[Round], like: &Round) -> Round {
    let same = || rounds.iter().filter(|round| round.via == like.via);
    let of = |figure: fn(&Round) -> f64| median(same().map(figure));
    let server: Vec<f64> = same()
        .filter_map(|round| round.server_cpu_us_per_request)
        .collect();
    Round {
        via: like.via,
        committed: of(|round| round.committed as f64) as u64,
        committed_per_s: of(|round| round.committed_per_s),
        p50_ms: of(|round| round.p50_ms),
        p99_ms: of(|round| round.p99_ms),
        client_cpu_us_per_request: of(|round| round.client_cpu_us_per_request),
        server_cpu_us_per_request: (!server.is_empty()).then(|| median(server)),
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ROUNDS")?;
        let mut rows: Vec<Vec<String>> = self.rounds.iter().map(|round| round.row(round.via)).collect();
        for median in &self.medians {
            rows.push(median.row(&format!("{}, median", median.via)));
        }
        let headings = [
            "over",
            "committed",
            "per s",
            "p50 ms",
            "p99 ms",
            "client us",
            "server us",
        ];
        write_columns(f, &headings, &rows)?;
        if let (Some(ratio), [first, second]) = (self.ratio, &self.medians[..]) {
            writeln!(
                f,
                "  {} carries {ratio:.2} times what {} does",
                first.via, second.via
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(via: &'static str, committed_per_s: f64) -> Round {
        Round {
            via,
            committed: committed_per_s as u64 * 5,
            committed_per_s,
            p50_ms: 1.0,
            p99_ms: 2.0,
            client_cpu_us_per_request: 3.0,
            server_cpu_us_per_request: None,
        }
    }

    #[test]
    fn the_first_way_is_compared_with_the_second_by_their_medians() {
        let rounds = Rounds::of(vec![
            round("ws", 300.0),
            round("rest", 100.0),
            round("ws", 900.0),
            round("rest", 200.0),
            round("ws", 400.0),
            round("rest", 900.0),
        ]);
        assert_eq!(rounds.ratio, Some(2.0));
        let told = rounds.to_string();
        assert!(
            told.ends_with("  ws carries 2.00 times what rest does\n"),
            "{told}"
        );
        let line = "ws, median 2000 400 1.00 2.00 3.0 ?";
        let is_told = |told: &str| told.split_whitespace().eq(line.split_whitespace());
        assert!(told.lines().any(is_told), "{told}");
    }

    #[test]
    fn one_way_alone_is_compared_with_nothing() {
        assert_eq!(Rounds::of(vec![round("ws", 1.0), round("ws", 2.0)]).ratio, None);
    }
}
