//! Rejections have no place in the order. Each must have been right at some moment between its last sending and
//! its answer: after what was acknowledged before it was sent, and before what was sent after it was answered.
//! Earlier sendings explain nothing: a rejection is not recorded, so each sending is judged anew.

use super::Finding;
use super::bounds::Bounds;
use super::order::{request, told};
use crate::history::{Asker, History, Outcome};
use crate::model::{Command, Model};

/// A rejection that no moment has explained yet.
struct Open<'a> {
    command: &'a Command,
    asker: &'a Asker,
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
    pub(super) fn new(history: &'a History, bounds: &Bounds) -> Self {
        let mut all: Vec<Open<'a>> = history
            .records
            .iter()
            .filter_map(|record| match &record.outcome {
                Outcome::Rejected { at, code } => Some(Open {
                    command: &record.command,
                    asker: &record.asker,
                    code,
                    from: bounds.done_before(record.last_sent),
                    to: bounds.begun_before(*at),
                }),
                Outcome::Acknowledged { .. } | Outcome::Changed { .. } | Outcome::Unanswered => None,
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
            let judgement = model.judge(&request(open.command, Some(open.asker), i64::MIN));
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
                person: told(open.command),
                code: open.code.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Tick;
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
        evidence.sent(1, Tick(100), Tick(100));
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
        evidence.sent(1, Tick(0), Tick(0));
        evidence.history.records[1].outcome = Outcome::Rejected {
            at: Tick(101),
            code: "activity_full".into(),
        };
        assert_eq!(judge(&evidence.history, &evidence.last), []);
    }

    #[test]
    fn a_rejection_that_only_an_earlier_sending_explains_is_wrong() {
        let mut evidence = without_waitlist();
        // Asked before everything, sent again after everything: by then there was a seat, and then it was bob's.
        evidence.sent(1, Tick(0), Tick(100));
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
