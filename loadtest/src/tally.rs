//! What is counted while a run goes on. Refusals, which are tried again, are kept apart from rejections,
//! which are final answers.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::client::TransportError;
use crate::seen::SeenStatus;

/// The longest latency that is told apart from longer ones.
const MAX_LATENCY_US: u64 = 600_000_000;

/// The counts of one run.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Acknowledged commands by the status they led to.
    pub acknowledged: BTreeMap<&'static str, u64>,
    /// Final refusals by code.
    pub rejected: BTreeMap<String, u64>,
    /// Answers that ask to come again, by code.
    pub refusals: BTreeMap<String, u64>,
    /// Tries without an answer, by kind.
    pub transport_errors: BTreeMap<&'static str, u64>,
    /// Requests sent, every try of them.
    pub requests: u64,
    /// Requests that were a second or later try.
    pub retries: u64,
    /// Commands without a final answer.
    pub unanswered: u64,
    /// Answers that were the first answer again.
    pub replayed: u64,
    latency_us: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            acknowledged: BTreeMap::new(),
            rejected: BTreeMap::new(),
            refusals: BTreeMap::new(),
            transport_errors: BTreeMap::new(),
            requests: 0,
            retries: 0,
            unanswered: 0,
            replayed: 0,
            latency_us: Histogram::new_with_bounds(1, MAX_LATENCY_US, 3)
                .expect("the bounds are constant and sound"),
        }
    }
}

impl Tally {
    /// A command was carried out.
    pub fn count_acknowledged(&mut self, status: SeenStatus, replayed: bool) {
        *self.acknowledged.entry(status.as_str()).or_default() += 1;
        self.replayed += u64::from(replayed);
    }

    /// A command was refused for good.
    pub fn count_rejected(&mut self, code: &str) {
        count(&mut self.rejected, code);
    }

    /// A try was answered with "come again".
    pub fn count_refusal(&mut self, code: &str) {
        count(&mut self.refusals, code);
    }

    /// A try was not answered.
    pub fn count_transport_error(&mut self, error: &TransportError) {
        *self.transport_errors.entry(error.word()).or_default() += 1;
    }

    /// How long somebody waited for a final answer, all tries together.
    pub fn record_latency(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(MAX_LATENCY_US);
        self.latency_us.saturating_record(micros.max(1));
    }

    /// Commands that were carried out.
    pub fn committed(&self) -> u64 {
        self.acknowledged.values().sum()
    }

    /// Commands with a final answer.
    pub fn answered(&self) -> u64 {
        self.committed() + self.rejected.values().sum::<u64>()
    }

    /// The latency in milliseconds that `percentile` percent of the commands stayed within.
    pub fn latency_ms(&self, percentile: f64) -> f64 {
        self.latency_us.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

/// Allocates the code only the first time it is seen.
fn count(counts: &mut BTreeMap<String, u64>, code: &str) {
    match counts.get_mut(code) {
        Some(count) => *count += 1,
        None => {
            counts.insert(code.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_do_not_count_as_answers() {
        let mut tally = Tally::default();
        tally.count_acknowledged(SeenStatus::Confirmed, false);
        tally.count_rejected("activity_full");
        tally.count_refusal("overloaded");
        tally.count_refusal("overloaded");
        assert_eq!((tally.committed(), tally.answered()), (1, 2));
        assert_eq!(tally.refusals["overloaded"], 2);
    }

    #[test]
    fn percentiles_are_of_all_latencies() {
        let mut tally = Tally::default();
        for millis in 1..=100 {
            tally.record_latency(Duration::from_millis(millis));
        }
        assert!((tally.latency_ms(50.0) - 50.0).abs() < 0.1);
        assert!((tally.latency_ms(100.0) - 100.0).abs() < 0.1);
    }
}
