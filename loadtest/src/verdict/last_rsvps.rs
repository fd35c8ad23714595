//! The RSVPs and the waitlist that were read back in the end.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::Finding;
use super::answers::compare_rsvp;
use super::order::Step;
use crate::model::Model;
use crate::seen::{LastState, SeenRsvp};

/// Compares every row, looks for rows that are missing or double, and compares the line.
pub(super) fn compare(model: &Model, steps: &[Step<'_>], last: &LastState, findings: &mut Vec<Finding>) {
    let rows = rows_by_person(last);
    for (person, rows) in &rows {
        if let [first, second, ..] = rows[..] {
            let what = format!(
                "the RSVPs {} ({}) and {} ({})",
                first.id, first.status, second.id, second.status
            );
            findings.push(Finding::DoubleSeat {
                person: person.clone(),
                what,
            });
        }
        match (model.rsvp(person), rows.first()) {
            (Some(expected), Some(said)) => compare_rsvp(model.seq(), said, &expected, findings),
            (None, Some(said)) => findings.push(Finding::WrongStatus {
                person: person.clone(),
                seq: last.activity.seq,
                said: said.status.to_string(),
                expected: "nothing: no command of theirs was carried out".to_owned(),
            }),
            (_, None) => {}
        }
    }
    find_lost(steps, &rows, last, findings);
    compare_line(model, last, findings);
}

fn rows_by_person(last: &LastState) -> BTreeMap<String, Vec<&SeenRsvp>> {
    let mut rows: BTreeMap<String, Vec<&SeenRsvp>> = BTreeMap::new();
    for rsvp in &last.rsvps {
        let person = rsvp
            .user_id
            .map_or_else(|| rsvp.id.to_string(), |user_id| user_id.to_string());
        rows.entry(person).or_default().push(rsvp);
    }
    rows
}

/// What was acknowledged must have left its row, under the id that was answered, and its event.
fn find_lost(
    steps: &[Step<'_>],
    rows: &BTreeMap<String, Vec<&SeenRsvp>>,
    last: &LastState,
    findings: &mut Vec<Finding>,
) {
    let last_seq = last.events.last().map_or(0, |event| event.seq);
    for step in steps {
        let Some((_, answer)) = step.answered else {
            continue;
        };
        let person = step.person();
        let what = if !rows
            .get(&person)
            .is_some_and(|rows| rows.iter().any(|row| row.id == answer.rsvp.id))
        {
            format!("there is no RSVP {} of theirs", answer.rsvp.id)
        } else if answer.seq > last_seq {
            format!("the log ends at seq {last_seq}")
        } else {
            continue;
        };
        findings.push(Finding::LostAcknowledgement {
            person,
            seq: answer.seq,
            what,
        });
    }
}

fn compare_line(model: &Model, last: &LastState, findings: &mut Vec<Finding>) {
    let persons: HashMap<Uuid, String> = last
        .rsvps
        .iter()
        .filter_map(|rsvp| Some((rsvp.id, rsvp.user_id?.to_string())))
        .collect();
    for index in 0..model.waiting().len().max(last.waitlist.len()) {
        let place = index as u64 + 1;
        let expected = model
            .waiting()
            .get(index)
            .map(|party| (party.members.join(", "), party.ticket));
        let said = last.waitlist.get(index).map(|entry| {
            (
                persons
                    .get(&entry.id)
                    .cloned()
                    .unwrap_or_else(|| entry.id.to_string()),
                entry.ticket,
            )
        });
        let told_place = last.waitlist.get(index).and_then(|entry| entry.position);
        if said != expected || told_place.is_some_and(|told| told != place) {
            let (person, _) = said.clone().or_else(|| expected.clone()).unwrap_or_default();
            findings.push(Finding::WrongPosition {
                person,
                seq: last.activity.seq,
                said: format!("{} at place {place} of the waitlist", in_line(said.as_ref())),
                expected: in_line(expected.as_ref()),
            });
        }
    }
}

fn in_line(party: Option<&(String, u64)>) -> String {
    party.map_or("nobody".to_owned(), |(person, ticket)| {
        format!("{person} with ticket {ticket}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::SeenStatus;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    fn line_of_two() -> Evidence {
        Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
            run.reserve("cyd", 0);
        })
    }

    #[test]
    fn an_acknowledged_command_that_left_nothing_is_lost() {
        let mut evidence = line_of_two();
        evidence
            .last
            .rsvps
            .retain(|rsvp| rsvp.user_id != Some(user("cyd")));
        evidence.last.events.pop();
        evidence.last.waitlist.pop();
        let findings = judge(&evidence.history, &evidence.last);
        let Finding::LostAcknowledgement { person, seq: 3, .. } = &findings[0] else {
            panic!("{findings:?}")
        };
        assert_eq!(*person, user("cyd").to_string());
    }

    #[test]
    fn an_acknowledged_cancel_that_did_not_last_is_named() {
        let mut evidence = Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.cancel("ada");
        });
        evidence.last.events.pop();
        evidence.last.rsvps[0].status = SeenStatus::Confirmed;
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[0], Finding::LostAcknowledgement { seq: 2, .. }),
            "{findings:?}"
        );
        assert!(
            findings
                .iter()
                .any(|finding| matches!(finding, Finding::WrongStatus { .. }))
        );
    }

    #[test]
    fn two_rows_of_one_person_are_a_double_seat() {
        let mut evidence = line_of_two();
        let second = SeenRsvp {
            id: Uuid::from_u128(77),
            ..evidence.last.rsvps[0].clone()
        };
        evidence.last.rsvps.push(second);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::DoubleSeat { .. }]),
            "{findings:?}"
        );
    }

    #[test]
    fn somebody_who_never_asked_is_named() {
        let mut evidence = line_of_two();
        evidence.history.records.remove(2);
        let findings = judge(&evidence.history, &evidence.last);
        let cyd = user("cyd").to_string();
        let names_cyd =
            |found: &Finding| matches!(found, Finding::WrongStatus { person, .. } if *person == cyd);
        assert!(findings.iter().any(names_cyd), "{findings:?}");
    }

    #[test]
    fn a_line_in_another_order_is_named() {
        let mut evidence = line_of_two();
        evidence.last.waitlist.swap(0, 1);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(matches!(
            &findings[..],
            [Finding::WrongPosition { .. }, Finding::WrongPosition { .. }]
        ));
    }

    #[test]
    fn a_wrong_place_in_the_last_state_is_named() {
        let mut evidence = line_of_two();
        evidence.last.rsvps.iter_mut().for_each(|rsvp| {
            if rsvp.user_id == Some(user("cyd")) {
                rsvp.spots_ahead = Some(9);
            }
        });
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::WrongPosition { .. }]),
            "{findings:?}"
        );
    }
}
