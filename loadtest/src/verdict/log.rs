//! The decision log: dense, and the model's.

use std::collections::{BTreeMap, HashMap};

use super::Finding;
use super::order::Step;
use super::people::People;
use crate::model::{Event, EventKind, Model};
use crate::seen::{LastState, SeenEvent};
use crate::utc::is_utc_with_millis;

/// Who caused each event.
#[derive(Default)]
pub(super) struct Causes {
    /// By `seq`, from 1. There is nobody where the command is the host's: the history does not name the host.
    by_seq: Vec<Option<String>>,
}

impl Causes {
    /// Notes the events that the model has added for `step`.
    pub(super) fn note(&mut self, step: &Step<'_>, model: &Model) {
        if self.by_seq.len() < model.events().len() {
            self.by_seq.resize(model.events().len(), step.actor());
        }
    }
}

/// What the log has to say about one event.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    seq: u64,
    kind: String,
    person: Option<String>,
    actor: Option<String>,
    previous_status: Option<String>,
    status: Option<String>,
    ticket: Option<u64>,
    spots: Option<u64>,
    reason: Option<String>,
}

impl Line {
    fn seen(event: &SeenEvent, people: &People) -> Self {
        Self {
            seq: event.seq,
            kind: event.kind.clone(),
            person: event.rsvp_id.map(|id| people.person(id)),
            actor: Some(people.actor(&event.actor)),
            previous_status: event.previous_status.clone(),
            status: event.status.clone(),
            ticket: event.ticket,
            spots: event.spots,
            reason: event.reason.clone(),
        }
    }

    /// In words; fields that do not apply are left out.
    fn told(&self) -> String {
        let mut told = format!("#{} {}", self.seq, self.kind);
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        for (name, value) in [
            ("of", self.person.clone()),
            ("by", self.actor.clone()),
            ("from", self.previous_status.clone()),
            ("to", self.status.clone()),
            ("with ticket", number(self.ticket)),
            ("for spots", number(self.spots)),
            ("reason:", self.reason.clone()),
        ] {
            if let Some(value) = value {
                told = format!("{told} {name} {value}");
            }
        }
        told
    }
}

/// Where everybody stands and who waits, as the events up to one moment tell it. What the log says beside kind,
/// ticket and spots follows from it.
#[derive(Default)]
struct Standing<'a> {
    /// Everybody's status, and the ticket they have it with.
    people: HashMap<&'a str, (&'static str, u64)>,
    /// The tickets of those who wait, and how many wait with each.
    waiting: BTreeMap<u64, u32>,
}

impl<'a> Standing<'a> {
    /// The line for an event, after which everybody stands as it says.
    fn line(&mut self, event: &'a Event, actor: Option<&String>) -> Line {
        let mut line = Line {
            seq: event.seq,
            kind: event.kind.as_str().to_owned(),
            person: event.person.clone(),
            actor: actor.cloned(),
            previous_status: None,
            status: None,
            ticket: event.ticket,
            spots: event.spots,
            reason: event.reason.clone(),
        };
        let (Some(person), Some(ticket)) = (event.person.as_deref(), event.ticket) else {
            return line;
        };
        let before = self.people.get(person).map(|(status, _)| *status);
        let after = status_after(event.kind).or(before).unwrap_or_default();
        // Whoever waited waits no longer, or waits again below, perhaps with another ticket.
        if let Some(("waitlisted", old_ticket)) = self.people.insert(person, (after, ticket)) {
            self.leave(old_ticket);
        }
        if after == "waitlisted" {
            *self.waiting.entry(ticket).or_default() += 1;
        }
        line.previous_status = before.map(str::to_owned);
        line.status = Some(after.to_owned());
        line
    }

    fn leave(&mut self, ticket: u64) {
        if let Some(members) = self.waiting.get_mut(&ticket) {
            *members -= 1;
            if *members == 0 {
                self.waiting.remove(&ticket);
            }
        }
    }
}

/// The status that an event leads to; none where it leaves it as it was.
fn status_after(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::Confirmed | EventKind::Promoted | EventKind::Accepted => Some("confirmed"),
        EventKind::Waitlisted => Some("waitlisted"),
        EventKind::Offered => Some("offered"),
        EventKind::Cancelled | EventKind::Declined | EventKind::Expired | EventKind::Transferred => {
            Some("cancelled")
        }
        _ => None,
    }
}

/// Compares the log with the model's events one by one.
pub(super) fn compare(model: &Model, causes: &Causes, last: &LastState, findings: &mut Vec<Finding>) {
    let people = People::of(last);
    let mut standing = Standing::default();
    for index in 0..model.events().len().max(last.events.len()) {
        let expected = model.events().get(index).map(|event| {
            let actor = causes.by_seq[index].as_ref();
            standing.line(event, actor)
        });
        let said = last.events.get(index).map(|event| {
            let line = Line::seen(event, &people);
            let nobody_knows_who = expected.as_ref().is_some_and(|expected| expected.actor.is_none());
            Line {
                actor: line.actor.filter(|_| !nobody_knows_who),
                ..line
            }
        });
        if said != expected {
            let told = |line: Option<Line>| line.map_or("nothing".to_owned(), |line| line.told());
            findings.push(Finding::EventsDiffer {
                seq: index as u64 + 1,
                said: told(said),
                expected: told(expected),
            });
        }
    }
    check_times(last, findings);
}

/// Time never falls from one event to the next.
fn check_times(last: &LastState, findings: &mut Vec<Finding>) {
    let mut latest = "";
    for event in &last.events {
        let expected = if !is_utc_with_millis(&event.at) {
            "a time in UTC with milliseconds".to_owned()
        } else if *event.at < *latest {
            format!("no earlier time than {latest}, that of the event before")
        } else {
            latest = &event.at;
            continue;
        };
        findings.push(Finding::EventsDiffer {
            seq: event.seq,
            said: format!("the time {}", event.at),
            expected,
        });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    fn moved() -> Evidence {
        Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
            run.cancel("ada");
        })
    }

    #[test]
    fn an_event_too_many_or_of_another_kind_is_named() {
        let mut evidence = moved();
        evidence.last.events[1].kind = "updated".into();
        let extra = SeenEvent {
            seq: 5,
            ..evidence.last.events[3].clone()
        };
        evidence.last.events.push(extra);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(
                &findings[..],
                [
                    Finding::EventsDiffer { seq: 2, .. },
                    Finding::EventsDiffer { seq: 5, .. }
                ]
            ),
            "{findings:?}"
        );
    }

    #[test]
    fn every_field_of_an_event_is_compared() {
        let forgeries: [fn(&mut SeenEvent); 8] = [
            |event| event.kind = "updated".into(),
            |event| event.rsvp_id = Some(Uuid::from_u128(9)),
            |event| event.actor = format!("user:{}", user("eve")),
            |event| event.previous_status = Some("offered".into()),
            |event| event.status = Some("offered".into()),
            |event| event.spots = event.spots.map(|spots| spots + 1),
            |event| event.ticket = event.ticket.map(|ticket| ticket + 1),
            |event| event.reason = Some("by_host".into()),
        ];
        // Somebody confirmed, somebody waiting, a cancel, and a promotion.
        for index in 0..4 {
            for forge in forgeries {
                let mut evidence = moved();
                forge(&mut evidence.last.events[index]);
                let findings = judge(&evidence.history, &evidence.last);
                let wrong = |found: &Finding| matches!(found, Finding::EventsDiffer { seq, .. } if *seq == index as u64 + 1);
                assert!(
                    findings.iter().any(wrong),
                    "{:?}: {findings:?}",
                    evidence.last.events[index]
                );
            }
        }
    }

    #[test]
    fn a_difference_is_told_in_words() {
        let mut evidence = moved();
        evidence.last.events[3].actor = format!("user:{}", user("bob"));
        let findings = judge(&evidence.history, &evidence.last);
        let (ada, bob) = (user("ada"), user("bob"));
        let told = |actor| {
            format!(
                "#4 promoted of {bob} by user:{actor} from waitlisted to confirmed with ticket 2 for spots 1"
            )
        };
        let wrong = Finding::EventsDiffer {
            seq: 4,
            said: told(bob),
            expected: told(ada),
        };
        assert_eq!(findings, [wrong]);
    }

    #[test]
    fn a_promotion_past_somebody_has_its_reason() {
        let mut evidence = Evidence::of(3, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 1);
            run.reserve("cyd", 2);
            run.reserve("dan", 0);
            run.cancel("ada");
        });
        assert_eq!(judge(&evidence.history, &evidence.last), []);
        let promotion = &mut evidence.last.events[5];
        let reason = promotion.reason.take();
        assert_eq!(
            reason.as_deref(),
            Some("promoted past ticket 3, which needs 3 of 1 free")
        );
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::EventsDiffer { seq: 6, .. }]),
            "{findings:?}"
        );
    }

    #[test]
    fn who_comes_back_comes_from_cancelled() {
        let evidence = Evidence::of(3, |run| {
            run.reserve("ada", 0);
            run.cancel("ada");
            run.reserve("ada", 1);
        });
        assert_eq!(
            evidence.last.events[2].previous_status.as_deref(),
            Some("cancelled")
        );
        assert_eq!(judge(&evidence.history, &evidence.last), []);
    }

    #[test]
    fn a_time_that_falls_or_is_none_is_named() {
        let mut evidence = moved();
        evidence.last.events[2].at = "2026-11-21T05:01:18.376Z".into();
        evidence.last.events[3].at = "2026-11-21T06:01:18.377+01:00".into();
        let findings = judge(&evidence.history, &evidence.last);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "events differ: at seq 3 there is the time 2026-11-21T05:01:18.376Z, expected no earlier time than \
                 2026-11-21T05:01:18.377Z, that of the event before",
                "events differ: at seq 4 there is the time 2026-11-21T06:01:18.377+01:00, expected a time in UTC \
                 with milliseconds",
            ]
        );
    }

    #[test]
    fn a_gap_in_the_log_is_named() {
        let mut evidence = moved();
        evidence.last.events.remove(1);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            findings
                .iter()
                .any(|finding| matches!(finding, Finding::EventsDiffer { seq: 2, .. }))
        );
    }
}
