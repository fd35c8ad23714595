//! What is counted in an open loop, phase by phase.

use std::collections::BTreeMap;

use crate::course::Course;
use crate::tally::Latencies;

/// What came of those who came in one phase.
#[derive(Debug)]
pub(crate) struct Counted {
    /// When the phase began.
    pub(crate) began_unix_ms: u64,
    /// Commands that were asked.
    pub(crate) came: u64,
    /// Commands that should have been asked, for which there was no line.
    pub(crate) unasked: u64,
    /// Tries, first ones and others.
    pub(crate) tries: u64,
    pub(crate) acknowledged: u64,
    pub(crate) rejected: u64,
    /// Those whose patience was over.
    pub(crate) gave_up: u64,
    pub(crate) refusals: BTreeMap<String, u64>,
    /// Of those who were carried out, from when they were due.
    pub(crate) acknowledged_latency: Latencies,
    /// Of each try that was refused, from its sending.
    pub(crate) refused_latency: Latencies,
    /// By how much tries were sent later than they were due.
    pub(crate) lateness: Latencies,
    pub(crate) course: Course,
    /// Answers in the time of this phase, whenever their people came: those who were carried out.
    pub(crate) carried_out_meanwhile: u64,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            began_unix_ms: 0,
            came: 0,
            unasked: 0,
            tries: 0,
            acknowledged: 0,
            rejected: 0,
            gave_up: 0,
            refusals: BTreeMap::new(),
            acknowledged_latency: Latencies::default(),
            refused_latency: Latencies::default(),
            lateness: Latencies::default(),
            course: Course::by_seconds(),
            carried_out_meanwhile: 0,
        }
    }
}
