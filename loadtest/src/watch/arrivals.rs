//! When differences arrived. What commands they cover is known only afterwards, when those have been answered.

use std::collections::HashMap;

use hdrhistogram::Histogram;

use super::{Finished, Watched};

/// The longest latency that is told apart from longer ones.
const MAX_US: u64 = 600_000_000;

/// The arrivals of all differences at all watchers of a process.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// Arrivals are kept from here on, in half the space.
    began_us: u64,
    /// By activity and range: most watchers are sent the same ranges.
    by_range: HashMap<(usize, u64, u64), Vec<u32>>,
    bytes: u64,
}

impl Arrivals {
    pub(super) fn since(began_us: u64) -> Self {
        Self {
            began_us,
            by_range: HashMap::new(),
            bytes: 0,
        }
    }

    /// A difference from `prev` to `seq` arrived.
    pub(super) fn note(&mut self, activity: usize, prev: u64, seq: u64, at_us: u64) {
        let since = at_us.saturating_sub(self.began_us);
        let arrivals = self.by_range.entry((activity, prev, seq)).or_default();
        arrivals.push(u32::try_from(since).unwrap_or(u32::MAX));
    }

    /// Its frame was so large.
    pub(super) fn note_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Adds up how long each command took to each watcher.
    pub(super) fn add_up(&self, finished: &[Finished], watched: &mut Watched) {
        let mut latencies = distribution();
        watched.difference_bytes = self.bytes;
        for ((activity, prev, seq), arrivals) in &self.by_range {
            let covered = |sent: &&super::Sending| *prev < sent.seq && sent.seq <= *seq;
            let mut covers = 0;
            for sending in finished[*activity].sendings.iter().filter(covered) {
                covers += 1;
                for arrival in arrivals {
                    let took = (self.began_us + u64::from(*arrival)).saturating_sub(sending.sent_us);
                    latencies.saturating_record(took.max(1));
                }
            }
            watched.differences += arrivals.len() as u64;
            watched.merged += if covers > 1 { arrivals.len() as u64 } else { 0 };
        }
        watched.latencies_us = pairs(&latencies);
    }
}

/// Room for microseconds, as finely as the latencies of answers.
pub(super) fn distribution() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, 3).expect("the bounds are constant and sound")
}

/// Each value, and how often it is there.
pub(super) fn pairs(distribution: &Histogram<u64>) -> Vec<(u64, u64)> {
    distribution
        .iter_recorded()
        .map(|step| (step.value_iterated_to(), step.count_at_value()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::watch::Sending;

    #[test]
    fn a_difference_counts_for_every_command_that_it_covers() {
        let mut arrivals = Arrivals::since(1_000);
        // Two commands in a range of their own each, for one watcher; both in one, for another.
        arrivals.note(0, 0, 1, 1_010);
        arrivals.note(0, 1, 3, 1_030);
        arrivals.note(0, 0, 3, 1_040);
        let sendings = [(1, 1_000), (3, 1_020)].map(|(seq, sent_us)| Sending { seq, sent_us });
        let finished = Finished {
            seq: 3,
            fields: Map::new(),
            sendings: sendings.to_vec(),
        };
        let mut watched = Watched::default();
        arrivals.add_up(&[finished], &mut watched);
        assert_eq!((watched.differences, watched.merged), (3, 1));
        assert_eq!(watched.latencies_us, [(10, 2), (20, 1), (40, 1)]);
    }
}
