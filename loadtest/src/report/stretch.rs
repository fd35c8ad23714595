//! One stretch of commands: how many there were each second, how fast, and what each cost whom.

use serde::Serialize;

use crate::tally::Tally;
use crate::usage::Usage;

/// The figures of a stretch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stretch {
    /// Commands that were carried out.
    pub committed: u64,
    /// The same each second.
    pub per_s: f64,
    /// Of their latencies.
    pub p50_ms: f64,
    /// Of their latencies.
    pub p99_ms: f64,
    /// For each request, in microseconds.
    pub client_us: f64,
    /// For each command, in microseconds, where the server's process is known.
    pub server_us: Option<f64>,
    /// For each command, in microseconds, where the database's process is known.
    pub database_us: Option<f64>,
}

/// The headings of the cells of a stretch.
pub(super) const HEADINGS: [&str; 7] = [
    "committed",
    "per s",
    "p50 ms",
    "p99 ms",
    "client us",
    "server us",
    "database us",
];

impl Stretch {
    pub(crate) fn of(tally: &Tally, usage: Usage) -> Self {
        let (elapsed, _) = tally.measured();
        let committed = tally.committed();
        let each = |seconds: f64| seconds * 1e6 / committed.max(1) as f64;
        Self {
            committed,
            per_s: committed as f64 / elapsed.as_secs_f64().max(1e-6),
            p50_ms: tally.acknowledged_latency.ms(50.0),
            p99_ms: tally.acknowledged_latency.ms(99.0),
            client_us: usage.client_us(tally.requests),
            server_us: usage.server_s.map(each),
            database_us: usage.database_s.map(each),
        }
    }

    /// Server and database together, for each command.
    pub(super) fn behind_us(&self) -> Option<f64> {
        Some(self.server_us? + self.database_us.unwrap_or_default())
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let us = |figure: Option<f64>| figure.map_or("?".to_owned(), |figure| format!("{figure:.1}"));
        vec![
            self.committed.to_string(),
            format!("{:.0}", self.per_s),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p99_ms),
            us(Some(self.client_us)),
            us(self.server_us),
            us(self.database_us),
        ]
    }
}
