//! When watchers learned of what had happened. Which commands that covers is known only afterwards, when those have been
//! answered.

use std::collections::HashMap;

use super::{Finished, Watched};
use crate::tally::Latencies;

/// How a watcher learns of what has happened since it was told last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum By {
    Difference,
    /// It had fallen behind, and was sent all there is. Without these the slowest arrivals would be left out.
    Snapshot,
}

/// From where to where a watcher came at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Step {
    /// The index of what it follows.
    pub(super) activity: usize,
    pub(super) prev: u64,
    pub(super) seq: u64,
    pub(super) by: By,
}

/// The arrivals at all watchers of a process.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// Arrivals are kept from here on, in half the space. It is enough for an hour.
    began_us: u64,
    /// Most watchers come by the same steps.
    by_step: HashMap<Step, Vec<u32>>,
    bytes: u64,
}

impl Arrivals {
    pub(super) fn since(began_us: u64) -> Self {
        Self {
            began_us,
            by_step: HashMap::new(),
            bytes: 0,
        }
    }

    /// Somebody came a step further.
    pub(super) fn note(&mut self, step: Step, at_us: u64) {
        let since = at_us.saturating_sub(self.began_us);
        let arrivals = self.by_step.entry(step).or_default();
        arrivals.push(u32::try_from(since).unwrap_or(u32::MAX));
    }

    /// The frame of a difference was so large.
    pub(super) fn note_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Adds up how long each command took to each watcher. `readers` is how many read all the time, of each activity.
    pub(super) fn add_up(&self, finished: &[Finished], readers: &[u64], watched: &mut Watched) {
        let mut latencies = Latencies::default();
        watched.difference_bytes = self.bytes;
        for (step, arrivals) in &self.by_step {
            let covered = |sent: &&super::Sending| step.prev < sent.seq && sent.seq <= step.seq;
            let mut covers = 0;
            for sending in finished[step.activity].sendings.iter().filter(covered) {
                covers += 1;
                for arrival in arrivals {
                    let at_us = self.began_us + u64::from(*arrival);
                    latencies.record_us(at_us.saturating_sub(sending.due_us));
                }
            }
            if step.by == By::Difference {
                watched.differences += arrivals.len() as u64;
                watched.merged += if covers > 1 { arrivals.len() as u64 } else { 0 };
            }
        }
        watched.latencies_us = latencies.pairs();
        let commands = finished.iter().map(|finished| finished.sendings.len() as u64);
        watched.to_hear = commands
            .zip(readers)
            .map(|(commands, readers)| commands * readers)
            .sum();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::watch::Sending;

    fn step(prev: u64, seq: u64, by: By) -> Step {
        Step {
            activity: 0,
            prev,
            seq,
            by,
        }
    }

    /// Two commands, of which the second led to two events.
    fn finished() -> Finished {
        let sendings = [(1, 1_000), (3, 1_020)].map(|(seq, due_us)| Sending { seq, due_us });
        Finished {
            seq: 3,
            fields: Map::new(),
            sendings: sendings.to_vec(),
        }
    }

    #[test]
    fn a_difference_counts_for_every_command_that_it_covers() {
        let mut arrivals = Arrivals::since(1_000);
        // Two commands in a range of their own each, for one watcher; both in one, for another.
        arrivals.note(step(0, 1, By::Difference), 1_010);
        arrivals.note(step(1, 3, By::Difference), 1_030);
        arrivals.note(step(0, 3, By::Difference), 1_040);
        let mut watched = Watched::default();
        arrivals.add_up(&[finished()], &[2], &mut watched);
        assert_eq!((watched.differences, watched.merged), (3, 1));
        assert_eq!(watched.latencies_us, [(10, 2), (20, 1), (40, 1)]);
        assert_eq!(watched.to_hear, 4);
    }

    #[test]
    fn whoever_learns_of_commands_by_a_snapshot_has_waited_for_them_as_well() {
        let mut arrivals = Arrivals::since(1_000);
        arrivals.note(step(0, 3, By::Snapshot), 1_500);
        let mut watched = Watched::default();
        arrivals.add_up(&[finished()], &[3], &mut watched);
        assert_eq!((watched.differences, watched.merged), (0, 0));
        assert_eq!(watched.latencies_us, [(480, 1), (500, 1)]);
        // Two watchers heard of nothing.
        assert_eq!(watched.to_hear, 6);
    }
}
