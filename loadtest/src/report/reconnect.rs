//! The figures of coming back: how long it took until everybody was current.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::tally::Latencies;
use crate::watch::CameBack;

/// How all came back.
#[derive(Debug, Serialize)]
pub struct Reconnect {
    watchers: u32,
    /// From the kill until the server served again.
    away_ms: f64,
    current: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    live: u64,
    replayed: u64,
    snapshots: u64,
    failed_tries: u64,
}

impl Reconnect {
    pub(crate) fn of(watchers: u32, away: Duration, came_back: &CameBack) -> Self {
        let latencies = Latencies::of(&came_back.current_us);
        Self {
            watchers,
            away_ms: away.as_secs_f64() * 1_000.0,
            current: latencies.count(),
            p50_ms: latencies.ms(50.0),
            p99_ms: latencies.ms(99.0),
            max_ms: latencies.ms(100.0),
            live: came_back.live,
            replayed: came_back.replayed,
            snapshots: came_back.snapshots,
            failed_tries: came_back.failed_tries,
        }
    }
}

impl fmt::Display for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "COMING BACK, all at once when the server served again")?;
        writeln!(f, "  the server was away for {:.0} ms", self.away_ms)?;
        writeln!(
            f,
            "  {} of {} were current within p50 {:.1}, p99 {:.1}, max {:.1} ms",
            self.current, self.watchers, self.p50_ms, self.p99_ms, self.max_ms
        )?;
        writeln!(
            f,
            "  {} had missed nothing, {} were sent what they had missed, {} a snapshot; {} tries failed",
            self.live, self.replayed, self.snapshots, self.failed_tries
        )
    }
}
