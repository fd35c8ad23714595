//! The decision log: dense, the model's, and never above what may be held.

use std::collections::HashMap;

use uuid::Uuid;

use super::Finding;
use crate::model::{Event, EventKind, Model, Settings};
use crate::seen::{LastState, SeenEvent};

/// Compares the log with the model's events one by one.
pub(super) fn compare(model: &Model, last: &LastState, findings: &mut Vec<Finding>) {
    let persons: HashMap<Uuid, String> = last
        .rsvps
        .iter()
        .filter_map(|rsvp| Some((rsvp.id, rsvp.user_id?.to_string())))
        .collect();
    for index in 0..model.events().len().max(last.events.len()) {
        let seq = index as u64 + 1;
        let expected = model.events().get(index);
        let said = last.events.get(index);
        if !said
            .zip(expected)
            .is_some_and(|(said, expected)| is_same(said, expected, &persons))
        {
            findings.push(Finding::EventsDiffer {
                seq,
                said: said.map_or("nothing".to_owned(), |event| describe_seen(event, &persons)),
                expected: expected.map_or("nothing".to_owned(), describe),
            });
        }
    }
}

fn is_same(said: &SeenEvent, expected: &Event, persons: &HashMap<Uuid, String>) -> bool {
    let person = said.rsvp_id.and_then(|id| persons.get(&id));
    said.seq == expected.seq
        && said.kind == expected.kind.as_str()
        && person.map(String::as_str) == expected.person.as_deref()
        && (expected.kind == EventKind::Cancelled
            || expected.person.is_none()
            || (said.ticket, said.spots) == (expected.ticket, expected.spots))
}

fn describe_seen(event: &SeenEvent, persons: &HashMap<Uuid, String>) -> String {
    let person = event
        .rsvp_id
        .and_then(|id| persons.get(&id))
        .map_or("", String::as_str);
    format!(
        "#{} {} {person} ticket {:?} spots {:?}",
        event.seq, event.kind, event.ticket, event.spots
    )
}

fn describe(event: &Event) -> String {
    let person = event.person.as_deref().unwrap_or_default();
    format!(
        "#{} {} {person} ticket {:?} spots {:?}",
        event.seq,
        event.kind.as_str(),
        event.ticket,
        event.spots
    )
}

/// Adds up who holds what, event by event, without the model: nobody may be added above the capacity. With a
/// capacity that changes on the way the log alone does not tell the limit, so there the comparison with the
/// model stands.
pub(super) fn check_overbooking(settings: &Settings, last: &LastState, findings: &mut Vec<Finding>) {
    if last.events.iter().any(|event| event.kind == "capacity_changed") {
        return;
    }
    let limit = u64::from(settings.capacity);
    let mut held_by: HashMap<Uuid, u64> = HashMap::new();
    let mut held = 0;
    for event in &last.events {
        let Some(id) = event.rsvp_id else { continue };
        let before = held_by.get(&id).copied().unwrap_or(0);
        let now = match event.kind.as_str() {
            "confirmed" | "promoted" | "offered" => event.spots.unwrap_or(1),
            "updated" if before > 0 => event.spots.unwrap_or(before),
            "cancelled" => 0,
            _ => before,
        };
        held = held + now - before;
        held_by.insert(id, now);
        if now > before && held > limit {
            findings.push(Finding::Overbooked {
                seq: event.seq,
                held,
                limit,
            });
        }
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_log_that_holds_more_than_the_capacity_is_an_overbooking() {
        let mut evidence = moved();
        evidence.last.events[1].kind = "confirmed".into();
        let findings = judge(&evidence.history, &evidence.last);
        assert_eq!(
            findings[0],
            Finding::Overbooked {
                seq: 2,
                held: 2,
                limit: 1
            }
        );
    }
}
