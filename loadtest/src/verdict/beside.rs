//! The counts beside each answer. They are those after some command that was committed together with it, or
//! later: which one, the answer says itself.

use std::collections::HashMap;

use super::Finding;
use super::bounds::Bounds;
use super::order::Step;
use crate::model::{Counts, Model};
use crate::seen::SeenCounts;

/// The model's counts at the moments that answers name. There are far fewer of them than commands.
pub(super) struct CountsBeside {
    /// By `seq`; `None` until a command is found that ends there. Commands without effect may follow it.
    named: HashMap<u64, Option<Moment>>,
}

/// From one number of commands carried out to another nothing changes.
struct Moment {
    from: usize,
    to: usize,
    counts: Counts,
}

impl CountsBeside {
    pub(super) fn named_in(steps: &[Step<'_>]) -> Self {
        let answers = steps.iter().filter_map(|step| step.answered);
        Self {
            named: answers.map(|(_, answer)| (answer.counts.seq, None)).collect(),
        }
    }

    /// Keeps the model's counts if an answer names this moment, at which `done` commands have been carried out.
    pub(super) fn note(&mut self, done: usize, model: &Model) {
        if let Some(found) = self.named.get_mut(&model.seq()) {
            let moment = found.get_or_insert_with(|| Moment {
                from: done,
                to: done,
                counts: model.counts(),
            });
            moment.to = done;
        }
    }

    /// Compares the counts of every answer; of each, the first difference is enough.
    pub(super) fn compare(&self, steps: &[Step<'_>], bounds: &Bounds, findings: &mut Vec<Finding>) {
        for step in steps {
            let (Some((at, answer)), Some((_, last_sent))) = (step.answered, step.sendings) else {
                continue;
            };
            let said = answer.counts;
            let wrong_seq = |expected: String| Some(("counts.seq", said.seq.to_string(), expected));
            let wrong = match self.named.get(&said.seq).and_then(Option::as_ref) {
                _ if said.seq < answer.seq => wrong_seq(format!("at least {}", answer.seq)),
                None => wrong_seq("the last event of some command".to_owned()),
                Some(Moment { from, to, .. })
                    if *to < bounds.done_before(last_sent) || *from > bounds.begun_before(at) =>
                {
                    wrong_seq("a moment between asking and answer".to_owned())
                }
                Some(Moment { counts, .. }) => first_difference(&said, counts),
            };
            if let Some((field, said, expected)) = wrong {
                findings.push(Finding::WrongAnswer {
                    person: step.person(),
                    seq: answer.seq,
                    field,
                    said,
                    expected,
                });
            }
        }
    }
}

fn first_difference(said: &SeenCounts, expected: &Counts) -> Option<(&'static str, String, String)> {
    [
        ("counts.capacity", said.capacity, expected.capacity),
        (
            "counts.confirmed_spots",
            said.confirmed_spots,
            expected.confirmed_spots,
        ),
        ("counts.offered_spots", said.offered_spots, expected.offered_spots),
        (
            "counts.available_spots",
            said.available_spots,
            expected.available_spots,
        ),
        (
            "counts.waitlisted_parties",
            said.waitlisted_parties,
            expected.waitlisted_parties,
        ),
        (
            "counts.waitlisted_spots",
            said.waitlisted_spots,
            expected.waitlisted_spots,
        ),
    ]
    .into_iter()
    .find(|(_, said, expected)| said != expected)
    .map(|(field, said, expected)| (field, said.to_string(), expected.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Tick;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    /// Somebody confirmed, somebody waiting, and a cancel that promotes: seq 1, 2 and 4.
    fn moved() -> Evidence {
        Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
            run.cancel("ada");
        })
    }

    #[test]
    fn each_count_beside_an_answer_is_compared() {
        let forgeries: [Forgery<SeenCounts>; 6] = [
            ("counts.capacity", |counts| counts.capacity += 1),
            ("counts.confirmed_spots", |counts| counts.confirmed_spots += 1),
            ("counts.offered_spots", |counts| counts.offered_spots += 1),
            ("counts.available_spots", |counts| counts.available_spots += 1),
            ("counts.waitlisted_parties", |counts| {
                counts.waitlisted_parties += 1;
            }),
            ("counts.waitlisted_spots", |counts| counts.waitlisted_spots += 1),
        ];
        for (forged, forge) in forgeries {
            let mut evidence = moved();
            forge(&mut evidence.answer_mut(1).counts);
            let findings = judge(&evidence.history, &evidence.last);
            assert!(
                matches!(&findings[..], [Finding::WrongAnswer { seq: 2, field, .. }] if *field == forged),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn counts_of_a_whole_batch_may_be_those_after_a_later_command() {
        let mut evidence = moved();
        // All three were on their way together, so they may have been committed together.
        evidence.all_at_once();
        let after_the_batch = evidence.answer_mut(2).counts;
        for index in 0..2 {
            evidence.answer_mut(index).counts = after_the_batch;
        }
        assert_eq!(judge(&evidence.history, &evidence.last), []);
    }

    #[test]
    fn counts_from_before_the_command_or_from_after_the_answer_or_from_within_a_command_are_named() {
        let named = |index: usize, seq: u64, person: &str, expected: &str| {
            let mut evidence = moved();
            evidence.answer_mut(index).counts.seq = seq;
            let findings = judge(&evidence.history, &evidence.last);
            let wrong = Finding::WrongAnswer {
                person: user(person).to_string(),
                seq: evidence.answer_mut(index).seq,
                field: "counts.seq",
                said: seq.to_string(),
                expected: expected.into(),
            };
            assert_eq!(findings, [wrong]);
        };
        named(1, 1, "bob", "at least 2");
        named(0, 2, "ada", "a moment between asking and answer");
        // The cancel and the promotion are one command.
        named(1, 3, "bob", "the last event of some command");
    }

    #[test]
    fn a_replay_tells_the_counts_of_its_own_time() {
        let mut evidence = moved();
        // Ada's first answer was lost; she asked again after everything else was answered.
        let latest = evidence.answer_mut(2).counts;
        evidence.asked_again(0, Tick(100));
        let stale = evidence.clone();
        evidence.answer_mut(0).counts = latest;
        assert_eq!(judge(&evidence.history, &evidence.last), []);
        let findings = judge(&stale.history, &stale.last);
        assert!(
            matches!(
                &findings[..],
                [Finding::WrongAnswer {
                    seq: 1,
                    field: "counts.seq",
                    ..
                }]
            ),
            "{findings:?}"
        );
    }
}
