//! What is counted while a run goes on. Refusals, which are tried again, are kept apart from rejections,
//! which are final answers, and from faults, which must not be.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::client::TransportError;
use crate::course::Course;
use crate::run::Stopwatch;

/// The longest latency that is told apart from longer ones.
const MAX_LATENCY_US: u64 = 600_000_000;
/// How finely the course of a run is told.
const SLOT_MS: u64 = 10;

/// The counts of one run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The commands that are meant to be asked, as far as that is known by now.
    pub planned: u64,
    /// Acknowledged commands by the status they led to, or by what else they changed.
    pub acknowledged: BTreeMap<&'static str, u64>,
    /// The reservations among them.
    pub reservations: u64,
    /// How many were acknowledged when, in slots of 10 ms since 1970.
    pub acknowledged_by_unix_ms: BTreeMap<u64, u64>,
    /// Final refusals by code.
    pub rejected: BTreeMap<String, u64>,
    /// Answers that ask to come again, by code.
    pub refusals: BTreeMap<String, u64>,
    /// Answers that no sound server gives, by status and code.
    pub faults: BTreeMap<String, u64>,
    /// Tries without an answer, by kind.
    pub transport_errors: BTreeMap<&'static str, u64>,
    /// Why the latest of them had none.
    pub last_transport_error: Option<String>,
    /// Requests sent, every try of them.
    pub requests: u64,
    /// Requests that were a second or later try.
    pub retries: u64,
    /// Answers that were the first answer again.
    pub replayed: u64,
    /// How long whoever was acknowledged waited for it, all tries together.
    pub acknowledged_latency: Latencies,
    /// How long whoever was rejected waited for it, all tries together.
    pub rejected_latency: Latencies,
    /// What was answered when.
    pub course: Course,
    pub(crate) stopwatch: Option<Stopwatch>,
    pub(crate) measured: Option<(Duration, Duration)>,
}

/// A distribution of latencies.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, MAX_LATENCY_US, 3);
        Self(histogram.expect("the bounds are constant and sound"))
    }
}

impl Latencies {
    /// Those of which each is so many microseconds, and there so often.
    pub(crate) fn of(microseconds: &[(u64, u64)]) -> Self {
        let mut latencies = Self::default();
        for (micros, count) in microseconds {
            latencies.0.saturating_record_n((*micros).max(1), *count);
        }
        latencies
    }

    /// One more.
    pub fn record(&mut self, latency: Duration) {
        self.record_us(u64::try_from(latency.as_micros()).unwrap_or(MAX_LATENCY_US));
    }

    /// One more, in microseconds.
    pub(crate) fn record_us(&mut self, micros: u64) {
        self.0.saturating_record(micros.max(1));
    }

    /// Each value in microseconds, and how often it is there.
    pub(crate) fn pairs(&self) -> Vec<(u64, u64)> {
        self.0
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect()
    }

    /// Adds those of another distribution.
    pub(crate) fn absorb(&mut self, other: &Self) {
        // Both have the same bounds, so there is room for all.
        let _ = self.0.add(&other.0);
    }

    /// None of them any more.
    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// Percentiles and the latency in milliseconds that so many percent stayed within, up to 99.9.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        if self.count() == 0 {
            return Vec::new();
        }
        let steps = (0..=60).map(|step| 100.0 * (1.0 - 10_f64.powf(-f64::from(step) / 20.0)));
        steps
            .map(|percentile| (percentile, self.ms(percentile)))
            .collect()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency in milliseconds that `percentile` percent stayed within.
    pub fn ms(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

impl Tally {
    /// The part that is measured begins.
    pub(crate) fn start(&mut self) {
        self.stopwatch = Some(Stopwatch::start());
    }

    /// The part that is measured is over.
    pub(crate) fn stop(&mut self) {
        self.measured = self.stopwatch.as_ref().map(Stopwatch::elapsed);
    }

    /// Elapsed time and CPU time of the client, of the part that is measured, as far as it has come.
    pub fn measured(&self) -> (Duration, Duration) {
        let so_far = || self.stopwatch.as_ref().map(Stopwatch::elapsed);
        self.measured.or_else(so_far).unwrap_or_default()
    }

    /// A command was carried out: what it led to, and whether it asked for seats.
    pub fn count_acknowledged(
        &mut self,
        became: &'static str,
        asks_for_seats: bool,
        replayed: bool,
        unix_ms: u64,
    ) {
        *self.acknowledged.entry(became).or_default() += 1;
        self.reservations += u64::from(asks_for_seats);
        self.replayed += u64::from(replayed);
        let slot = unix_ms - unix_ms % SLOT_MS;
        *self.acknowledged_by_unix_ms.entry(slot).or_default() += 1;
    }

    /// A command was refused for good.
    pub fn count_rejected(&mut self, code: &str) {
        count(&mut self.rejected, code);
    }

    /// A try was answered with "come again".
    pub fn count_refusal(&mut self, code: &str) {
        count(&mut self.refusals, code);
    }

    /// A try was answered with what no sound server says.
    pub fn count_fault(&mut self, answer: &str) {
        count(&mut self.faults, answer);
    }

    /// A try was not answered.
    pub fn count_transport_error(&mut self, error: &TransportError) {
        *self.transport_errors.entry(error.word()).or_default() += 1;
        self.last_transport_error = Some(error.told());
    }

    /// Adds what was counted elsewhere, one after the other.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.planned += other.planned;
        self.reservations += other.reservations;
        self.requests += other.requests;
        self.retries += other.retries;
        self.replayed += other.replayed;
        add(&mut self.acknowledged, &other.acknowledged);
        add(&mut self.acknowledged_by_unix_ms, &other.acknowledged_by_unix_ms);
        add(&mut self.rejected, &other.rejected);
        add(&mut self.refusals, &other.refusals);
        add(&mut self.faults, &other.faults);
        add(&mut self.transport_errors, &other.transport_errors);
        if other.last_transport_error.is_some() {
            self.last_transport_error.clone_from(&other.last_transport_error);
        }
        self.course.absorb(&other.course);
        self.acknowledged_latency.absorb(&other.acknowledged_latency);
        self.rejected_latency.absorb(&other.rejected_latency);
        let ((elapsed, cpu), (more, more_cpu)) = (self.measured(), other.measured());
        self.measured = Some((elapsed + more, cpu + more_cpu));
    }

    /// Commands that were carried out.
    pub fn committed(&self) -> u64 {
        self.acknowledged.values().sum()
    }

    /// Commands with a final answer.
    pub fn answered(&self) -> u64 {
        self.committed() + self.rejected.values().sum::<u64>()
    }

    /// Commands without one, whether they were asked or not.
    pub fn unanswered(&self) -> u64 {
        self.planned.saturating_sub(self.answered())
    }
}

fn add<K: Ord + Clone>(counts: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, count) in more {
        *counts.entry(key.clone()).or_default() += count;
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
    fn refusals_and_faults_do_not_count_as_answers() {
        let mut tally = Tally {
            planned: 5,
            ..Tally::default()
        };
        tally.count_acknowledged("confirmed", true, false, 0);
        tally.count_rejected("activity_full");
        tally.count_refusal("overloaded");
        tally.count_refusal("overloaded");
        tally.count_fault("500 internal");
        assert_eq!(
            (tally.committed(), tally.answered(), tally.unanswered()),
            (1, 2, 3)
        );
        assert_eq!(tally.refusals["overloaded"], 2);
        assert_eq!(tally.faults["500 internal"], 1);
    }

    #[test]
    fn a_cancel_is_committed_and_is_no_reservation() {
        let mut tally = Tally::default();
        tally.count_acknowledged("confirmed", true, false, 1_234);
        tally.count_acknowledged("cancelled", false, true, 1_239);
        assert_eq!((tally.committed(), tally.reservations, tally.replayed), (2, 1, 1));
        assert_eq!(tally.acknowledged_by_unix_ms, BTreeMap::from([(1_230, 2)]));
    }

    #[test]
    fn what_was_counted_elsewhere_is_added() {
        let mut part = Tally {
            planned: 2,
            requests: 3,
            measured: Some((Duration::from_secs(1), Duration::from_millis(5))),
            ..Tally::default()
        };
        part.count_acknowledged("confirmed", true, true, 1_000);
        part.acknowledged_latency.record(Duration::from_millis(7));
        let mut all = Tally::default();
        all.absorb(&part);
        all.absorb(&part);
        assert_eq!((all.planned, all.requests, all.replayed), (4, 6, 2));
        assert_eq!((all.committed(), all.unanswered()), (2, 2));
        assert_eq!(all.acknowledged_latency.count(), 2);
        assert_eq!(
            all.measured(),
            (Duration::from_secs(2), Duration::from_millis(10))
        );
    }

    #[test]
    fn percentiles_are_of_all_latencies() {
        let mut latencies = Latencies::default();
        for millis in 1..=100 {
            latencies.record(Duration::from_millis(millis));
        }
        assert!((latencies.ms(50.0) - 50.0).abs() < 0.1);
        assert!((latencies.ms(100.0) - 100.0).abs() < 0.1);
        let curve = latencies.curve();
        assert_eq!((curve.len(), curve[0].0), (61, 0.0));
        assert!((curve[20].0 - 90.0).abs() < 1e-9 && (curve[20].1 - 90.0).abs() < 0.1);
        latencies.clear();
        assert_eq!((latencies.count(), latencies.curve()), (0, Vec::new()));
    }
}
