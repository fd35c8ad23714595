//! What nobody on this machine can be faster than, and what Turnout does without a network. Each prints one line of JSON.
//!
//! Where batches are made by hand, that is not timed: they are made some ahead, with the clock stopped.

mod actor;
mod committer;
mod engine;
mod straight;

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

pub use actor::actor;
pub use committer::committer;
pub use engine::engine;
pub use straight::straight;

use crate::source::cpu_time;

/// RSVPs in one batch.
const BATCH: usize = 1_000;
/// Batches that are made ahead, all of which are in memory at once.
const BATCHES_AHEAD: usize = 20;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// What kind.
    pub limit: &'static str,
    /// On what database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<&'static str>,
    /// How many items.
    pub count: u64,
    /// In how many seconds.
    pub elapsed_s: f64,
    /// Items per second.
    pub per_s: f64,
    /// CPU time of this process for each item, in microseconds.
    pub own_cpu_us: f64,
}

/// A stopwatch for time and CPU time that can be stopped in between.
#[derive(Debug, Default)]
struct Stopwatch {
    elapsed: Duration,
    cpu: Duration,
    count: u64,
}

impl Stopwatch {
    /// Runs while `work` does, which brings so many items.
    async fn time<T>(&mut self, count: u64, work: impl Future<Output = T>) -> T {
        let (began, cpu) = (Instant::now(), cpu_time());
        let done = work.await;
        self.elapsed += began.elapsed();
        self.cpu += cpu_time().saturating_sub(cpu);
        self.count += count;
        done
    }

    fn limit(&self, limit: &'static str, database: Option<&'static str>) -> Limit {
        let (seconds, items) = (
            self.elapsed.max(Duration::from_micros(1)).as_secs_f64(),
            self.count.max(1) as f64,
        );
        Limit {
            limit,
            database,
            count: self.count,
            elapsed_s: seconds,
            per_s: self.count as f64 / seconds,
            own_cpu_us: self.cpu.as_secs_f64() * 1e6 / items,
        }
    }
}
