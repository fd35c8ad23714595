//! The verdict: whether what was answered, and what was read back, is what the rules say.
//!
//! It owns a pure function over evidence. It must not talk to a server, and it knows the rules only through
//! the [`model`](crate::model).
//!
//! Every command that changed the activity has a place in one order, its `seq`. The commands are replayed
//! through the model in that order; every answer, every event and the last state must be the model's. The
//! order must also be one that the client can have seen: what was answered before something else was sent
//! comes before it, and a rejection must be right at some moment between its last sending and its answer. What time
//! itself did, the end of offers, has its place where the log says so, and is judged by the time in the log.

mod answers;
mod beside;
mod bounds;
mod counts;
mod effects;
mod ends;
mod finding;
mod held;
mod last_rsvps;
mod log;
mod moments;
mod opening;
mod order;
mod people;
mod rejections;
mod shown;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;
mod unclaimed;

pub use finding::Finding;

use crate::history::{History, Outcome};
use crate::model::Model;
use crate::seen::LastState;

/// Judges everything that was done to one activity. No finding means that all is well. The findings come with
/// the gravest kind first.
pub fn judge(history: &History, last: &LastState) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked_in_vain = history
        .records
        .iter()
        .filter(|record| matches!(record.outcome, Outcome::Unanswered))
        .count() as u64;
    let unanswered = asked_in_vain + history.unasked;
    if unanswered > 0 {
        findings.push(Finding::Unanswered { count: unanswered });
    }
    let steps = order::steps(history, last, &mut findings);
    let bounds = bounds::Bounds::new(&steps);
    let mut ends = ends::Ends::of(last);
    let mut model = Model::new(history.settings.clone());
    let mut rejections = rejections::Rejections::new(history, &bounds);
    let mut counts_beside = beside::CountsBeside::named_in(&steps);
    let mut causes = log::Causes::default();
    rejections.check(0, &model);
    for (index, step) in steps.iter().enumerate() {
        answers::replay(step, &mut ends, history.activity, &mut model, &mut findings);
        causes.note(step, &model);
        counts_beside.note(index + 1, &model);
        rejections.check(index + 1, &model);
    }
    rejections.report(&mut findings);
    counts_beside.compare(&steps, &bounds, &mut findings);
    log::compare(&model, &causes, last, &mut findings);
    held::check(&history.settings, last, &mut findings);
    opening::check(history, last, &mut findings);
    last_rsvps::compare(&model, history, &steps, last, &mut findings);
    counts::compare(&model, history.activity, last, &mut findings);
    findings.sort_by_key(rank);
    findings
}

/// Nobody reads past the first page of findings, so the gravest come first.
fn rank(finding: &Finding) -> u8 {
    match finding {
        Finding::Overbooked { .. } => 0,
        Finding::DoubleSeat { .. } | Finding::BeforeOpening { .. } => 1,
        Finding::LostAcknowledgement { .. } | Finding::LostChange { .. } | Finding::LogDiffers { .. } => 2,
        Finding::Unanswered { .. } => 3,
        Finding::RepeatedSeq { .. } | Finding::OrderBroken { .. } => 4,
        Finding::WrongStatus { .. } | Finding::OffersRemain { .. } | Finding::NotCancelled { .. } => 5,
        Finding::WrongPosition { .. } | Finding::WrongAnswer { .. } => 6,
        Finding::WrongRejection { .. } | Finding::WrongWait { .. } => 7,
        Finding::Watching { .. } | Finding::CountsDiffer { .. } | Finding::ServerFault { .. } => 8,
        Finding::WrongSeq { .. } | Finding::EventsDiffer { .. } => 9,
    }
}
