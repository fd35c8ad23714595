//! What happened in random histories, so that a rule that no history meets is noticed.

use std::collections::BTreeMap;

use turnout_loadtest::model::{Answer, EventKind, Rejection};

use super::history::{Asker, Step};

/// How often each thing happened.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Counts one command. `was_over` tells that nobody was promoted any more before it.
    pub fn count(&mut self, step: &Step, outcome: &Result<Answer, Rejection>, was_over: bool) {
        let (command, asker) = match step {
            Step::Reserve { asker, .. } => ("reserve", asker),
            Step::Update { asker, .. } => ("update", asker),
            Step::Cancel { asker, .. } => ("cancel", asker),
            Step::Change { asker, .. } => ("change", asker),
            Step::Reschedule { asker, .. } => ("reschedule", asker),
            Step::CancelActivity { asker, .. } => ("cancel_activity", asker),
            Step::Again(_) | Step::Tick(_) | Step::Commit | Step::Abort | Step::Reload => return,
        };
        let outcome_name = match outcome {
            Ok(answer) if answer.replayed => "replayed",
            Ok(answer) if answer.events.is_empty() => "nothing",
            Ok(_) => "done",
            Err(rejection) => rejection.code(),
        };
        self.add(format!("{command}: {outcome_name}"), 1);
        if matches!(asker, Asker::Elevated | Asker::Administrator) {
            self.add(format!("{command} by an administrator: {outcome_name}"), 1);
        }
        let promoted = |answer: &Answer| {
            let mut events = answer.events.iter();
            events.any(|event| event.kind == EventKind::Promoted)
        };
        if was_over && matches!(step, Step::Reschedule { .. }) && outcome.as_ref().is_ok_and(promoted) {
            self.add("reschedule: promoted again".into(), 1);
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (what, times) in other.0 {
            self.add(what, times);
        }
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(what, times)| (what.as_str(), *times))
    }

    fn add(&mut self, what: String, times: u64) {
        *self.0.entry(what).or_default() += times;
    }
}
