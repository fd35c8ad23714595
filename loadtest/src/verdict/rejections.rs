//! Rejections have no place in the order. Each must have been right at some moment between its sending and
//! its answer: after what was acknowledged before it was sent, and before what was sent after it was
//! answered.

use super::Finding;
use super::order::Step;
use crate::history::{History, Outcome, Tick};
use crate::model::{Command, Model, Request};

/// A rejection that no moment has explained yet.
struct Open<'a> {
    command: &'a Command,
    code: &'a str,
    /// The number of commands that had certainly been carried out before it was judged.
    from: usize,
    /// The number of commands that may have been.
    to: usize,
}

/// The rejections of a history, in the order in which they may first be judged.
pub(super) struct Rejections<'a> {
    waiting: std::iter::Peekable<std::vec::IntoIter<Open<'a>>>,
    open: Vec<Open<'a>>,
    wrong: Vec<Open<'a>>,
}

impl<'a> Rejections<'a> {
    pub(super) fn new(history: &'a History, steps: &[Step<'_>]) -> Self {
        let bounds = Bounds::new(steps);
        let mut all: Vec<Open<'a>> = history
            .records
            .iter()
            .filter_map(|record| match &record.outcome {
                Outcome::Rejected { at, code } => Some(Open {
                    command: &record.command,
                    code,
                    from: bounds.done_before(record.sent),
                    to: bounds.begun_before(*at),
                }),
                Outcome::Acknowledged { .. } | Outcome::Unanswered => None,
            })
            .collect();
        all.sort_by_key(|open| open.from);
        Self {
            waiting: all.into_iter().peekable(),
            open: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Looks for rejections that are right now that `done` commands have been carried out.
    pub(super) fn check(&mut self, done: usize, model: &Model) {
        while let Some(open) = self.waiting.next_if(|open| open.from <= done) {
            self.open.push(open);
        }
        self.open.retain(|open| {
            let judgement = model.judge(&Request::new(0, open.command.clone()));
            !judgement.is_err_and(|rejection| rejection.code() == open.code)
        });
        let (late, still_open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|open| open.to <= done);
        self.open = still_open;
        self.wrong.extend::<Vec<_>>(late);
    }

    /// Names those that no moment explained.
    pub(super) fn report(self, findings: &mut Vec<Finding>) {
        for open in self.wrong.into_iter().chain(self.open).chain(self.waiting) {
            findings.push(Finding::WrongRejection {
                person: open.command.person().unwrap_or("the activity").to_owned(),
                code: open.code.to_owned(),
            });
        }
    }
}

/// Where a moment of the client lies in the order of commands.
struct Bounds {
    /// Ticks of answers with the highest place answered up to then.
    answered: Vec<(Tick, usize)>,
    /// Ticks of sendings with the lowest place sent from then on.
    sent: Vec<(Tick, usize)>,
    steps: usize,
}

impl Bounds {
    fn new(steps: &[Step<'_>]) -> Self {
        let mut answered: Vec<(Tick, usize)> = steps
            .iter()
            .enumerate()
            .filter_map(|(index, step)| Some((step.answered?.0, index + 1)))
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
            .map(|(index, step)| (step.sent, index))
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
    fn done_before(&self, tick: Tick) -> usize {
        let index = self.answered.partition_point(|(at, _)| *at < tick);
        if index == 0 { 0 } else { self.answered[index - 1].1 }
    }

    /// How many commands may have been carried out when something was answered at `tick`.
    fn begun_before(&self, tick: Tick) -> usize {
        let index = self.sent.partition_point(|(at, _)| *at <= tick);
        self.sent.get(index).map_or(self.steps, |(_, begun)| *begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    fn without_waitlist() -> Evidence {
        Evidence::with(
            |settings| {
                settings.capacity = 1;
                settings.waitlist_capacity = Some(0);
            },
            |run| {
                run.reserve("ada", 0);
                run.reserve("bob", 0);
                run.cancel("ada");
                run.reserve("bob", 0);
            },
        )
    }

    #[test]
    fn a_rejection_that_was_right_when_it_was_given_is_fine() {
        let evidence = without_waitlist();
        let Outcome::Rejected { code, .. } = &evidence.history.records[1].outcome else {
            panic!("bob finds no seat");
        };
        assert_eq!(code, "activity_full");
        assert_eq!(judge(&evidence.history, &evidence.last), []);
    }

    #[test]
    fn a_rejection_that_was_right_only_before_it_was_asked_for_is_wrong() {
        let mut evidence = without_waitlist();
        evidence.history.records[1].sent = Tick(100);
        evidence.history.records[1].outcome = Outcome::Rejected {
            at: Tick(101),
            code: "activity_full".into(),
        };
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::WrongRejection { .. }]),
            "{findings:?}"
        );
    }

    #[test]
    fn a_rejection_that_may_have_been_judged_while_others_were_under_way_is_fine() {
        let mut evidence = without_waitlist();
        // Asked before everything, answered after everything: the moment before the cancel explains it.
        evidence.history.records[1].sent = Tick(0);
        evidence.history.records[1].outcome = Outcome::Rejected {
            at: Tick(101),
            code: "activity_full".into(),
        };
        assert_eq!(judge(&evidence.history, &evidence.last), []);
    }

    #[test]
    fn a_rejection_for_the_wrong_reason_is_wrong() {
        let mut evidence = without_waitlist();
        if let Outcome::Rejected { code, .. } = &mut evidence.history.records[1].outcome {
            *code = "waitlist_full".into();
        }
        let person = user("bob").to_string();
        assert_eq!(
            judge(&evidence.history, &evidence.last),
            [Finding::WrongRejection {
                person,
                code: "waitlist_full".into()
            }]
        );
    }
}
