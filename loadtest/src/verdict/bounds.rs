//! Where a moment of the client lies in the order of commands: what had certainly been carried out by then, and
//! what may have been.

use super::order::Step;
use crate::history::Tick;

/// The order as the client can have seen it.
pub(super) struct Bounds {
    /// Ticks of answers with the highest place answered up to then.
    answered: Vec<(Tick, usize)>,
    /// Ticks of sendings with the lowest place sent from then on.
    sent: Vec<(Tick, usize)>,
    steps: usize,
}

impl Bounds {
    pub(super) fn new(steps: &[Step<'_>]) -> Self {
        let mut answered: Vec<(Tick, usize)> = steps
            .iter()
            .enumerate()
            .filter_map(|(index, step)| Some((step.done_at?, index + 1)))
            .collect();
        answered.sort_unstable();
        let mut highest = 0;
        for (_, done) in &mut answered {
            highest = highest.max(*done);
            *done = highest;
        }
        let mut sent: Vec<(Tick, usize)> = steps
            .iter()
            .enumerate()
            .filter_map(|(index, step)| Some((step.first_sent()?, index)))
            .collect();
        sent.sort_unstable();
        let mut lowest = steps.len();
        for (_, begun) in sent.iter_mut().rev() {
            lowest = lowest.min(*begun);
            *begun = lowest;
        }
        Self {
            answered,
            sent,
            steps: steps.len(),
        }
    }

    /// How many commands had been carried out for certain when something was sent at `tick`.
    pub(super) fn done_before(&self, tick: Tick) -> usize {
        let index = self.answered.partition_point(|(at, _)| *at < tick);
        if index == 0 { 0 } else { self.answered[index - 1].1 }
    }

    /// How many commands may have been carried out when something was answered at `tick`.
    pub(super) fn begun_before(&self, tick: Tick) -> usize {
        let index = self.sent.partition_point(|(at, _)| *at <= tick);
        self.sent.get(index).map_or(self.steps, |(_, begun)| *begun)
    }
}
