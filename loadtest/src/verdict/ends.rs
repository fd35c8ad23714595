//! When offers end, within a millisecond. The log tells no finer times, but two offers that two steps have made in the
//! same millisecond may end in two steps, and which of them was first is their order in the log. Or they end at the very
//! same time: what time itself does before a command has that command's stamp.

use super::moments::Moments;
use super::order::Step;
use crate::model::{Answer, EventKind, Model};
use crate::seen::LastState;

const MS: i64 = 1_000;

/// Stamps for the model that are true to the log's, and that let time end those offers that it has ended there.
pub(super) struct Ends {
    moments: Moments,
    /// The latest millisecond in which an offer was made, and how many steps in it have made some.
    made: (i64, i64),
}

impl Ends {
    pub(super) fn of(last: &LastState) -> Self {
        Self {
            moments: Moments::of(last),
            made: (i64::MIN, 0),
        }
    }

    /// What the step was judged by. Time itself came when the last of those offers was over that it has ended, and not
    /// later in that millisecond.
    pub(super) fn stamp_us(&self, step: &Step<'_>, model: &mut Model) -> i64 {
        let at_us = self.moments.at_us(step.seq);
        join_those_of_one_time(&step.ended, model);
        let ends = step.ended.iter().filter_map(|person| {
            let row = model.rsvps().get(person)?;
            row.offer_expires_at_us
                .filter(|end_us| (at_us..at_us.saturating_add(MS)).contains(end_us))
        });
        ends.max().unwrap_or(at_us)
    }

    /// Offers that one step has made end together, and after those that an earlier step has made.
    pub(super) fn refine(&mut self, step: &Step<'_>, answer: &Answer, model: &mut Model) {
        let at_us = self.moments.at_us(step.seq);
        let offers = answer.events.iter().filter(|event| {
            event.kind == EventKind::Offered && event.reason.as_deref() != Some("transferred")
        });
        let people: Vec<&str> = offers.filter_map(|event| event.person.as_deref()).collect();
        if people.is_empty() {
            return;
        }
        let before = if self.made.0 == at_us { self.made.1 } else { 0 };
        self.made = (at_us, before + 1);
        for person in people {
            model.postpone_offer(person, self.made.1.min(MS - 1));
        }
    }
}

/// Offers that end together are told in the order of their ends, and of one end in that of their people. Where the log
/// has some of the same millisecond in the latter, they have one end.
fn join_those_of_one_time(ended: &[String], model: &mut Model) {
    let end_us = |person: &String| model.rsvps().get(person)?.offer_expires_at_us;
    let ends: Vec<(i64, &String)> = ended
        .iter()
        .filter_map(|person| Some((end_us(person)?, person)))
        .collect();
    for same in ends.chunk_by(|(one, _), (other, _)| one.div_euclid(MS) == other.div_euclid(MS)) {
        let earliest = same.iter().map(|(end_us, _)| *end_us).min().unwrap_or_default();
        if !same.is_sorted() && same.is_sorted_by_key(|(_, person)| *person) {
            for (end_us, person) in same {
                model.postpone_offer(person, earliest - end_us);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::history::Asker;
    use crate::model::{Command, Promotion};
    use crate::verdict::testing::*;
    use crate::verdict::{Finding, judge};

    /// Two have a spot each and two wait; whoever leaves leaves the spot to somebody, for ten seconds, within one
    /// millisecond. Nobody answers.
    fn two_offers(expire: fn(&mut Run)) -> Evidence {
        let change = |settings: &mut crate::model::Settings| {
            settings.capacity = 2;
            settings.promotion = Promotion::Offer { ttl_s: 10 };
        };
        Evidence::with(change, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
            for person in ["zoe@x.org", "amy@x.org"] {
                let visit = Command::Reserve {
                    person: person.into(),
                    guest_count: 0,
                    special_requirements: None,
                };
                run.submit(Asker::Own, visit);
            }
            run.cancel("ada");
            run.cancel("bob");
            run.wait(10);
            expire(run);
        })
    }

    fn findings(evidence: &Evidence) -> Vec<Finding> {
        judge(&evidence.history, &evidence.last)
    }

    fn expired(evidence: &Evidence) -> Vec<usize> {
        let events = evidence.last.events.iter().enumerate();
        let expired = events.filter(|(_, event)| event.kind == "expired");
        expired.map(|(index, _)| index).collect()
    }

    #[test]
    fn offers_of_one_millisecond_end_in_the_order_in_which_they_were_made_or_at_one_time() {
        let evidence = two_offers(Run::expire);
        assert_eq!(findings(&evidence), []);
        let [first, second] = expired(&evidence)[..] else {
            panic!("both expire");
        };
        let mut swapped = evidence;
        let events = &mut swapped.last.events;
        events.swap(first, second);
        (events[first].seq, events[second].seq) = (events[second].seq, events[first].seq);
        assert_eq!(findings(&swapped), []);
    }

    #[test]
    fn offers_of_one_millisecond_may_end_in_two_steps_with_an_answer_between() {
        let mut evidence = two_offers(|run| {
            run.postpone_offer("amy@x.org", 1);
            run.expire();
            let unchanged = Command::Update {
                person: "amy@x.org".into(),
                guest_count: Some(0),
                special_requirements: None,
                name: None,
                if_version: None,
            };
            run.submit(Asker::Own, unchanged);
            run.postpone_offer("amy@x.org", -1);
            run.expire();
        });
        assert_eq!(expired(&evidence).len(), 2);
        assert_eq!(findings(&evidence), []);
        let between = evidence.history.records.len() - 1;
        evidence.answer_mut(between).counts.offered_spots += 1;
        assert!(!findings(&evidence).is_empty(), "it is still compared");
    }

    #[test]
    fn an_offer_that_ends_a_millisecond_before_its_time_is_named() {
        let mut evidence = two_offers(Run::expire);
        for index in expired(&evidence) {
            evidence.last.events[index].at = "2026-11-21T05:01:28.376Z".into();
        }
        assert!(!findings(&evidence).is_empty());
    }
}
