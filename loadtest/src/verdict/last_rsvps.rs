//! The RSVPs and the waitlist that were read back in the end.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::Finding;
use super::order::Step;
use super::shown::{ExpectedRsvp, compare_rsvp};
use crate::history::History;
use crate::model::{Command, Model, RsvpView};
use crate::seen::{LastState, SeenRsvp, SeenTold};

/// Compares every row, looks for rows that are missing or double, and compares the line.
pub(super) fn compare(
    model: &Model,
    history: &History,
    steps: &[Step<'_>],
    last: &LastState,
    findings: &mut Vec<Finding>,
) {
    let rows = rows_by_person(last);
    let all = All {
        rsvps: model.all_rsvps(),
        ids: rows
            .iter()
            .map(|(person, rows)| (person.as_str(), rows[0].id))
            .collect(),
        names: known_names(steps),
        activity: history.activity,
        seq: model.seq(),
    };
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
        match rows.first() {
            Some(said) if all.rsvps.contains_key(person.as_str()) => all.compare(person, said, findings),
            Some(said) => findings.push(Finding::WrongStatus {
                person: person.clone(),
                seq: last.activity.counts.seq,
                said: said.status.to_string(),
                expected: "nothing: no command of theirs was carried out".to_owned(),
            }),
            None => {}
        }
    }
    find_lost(steps, &rows, last, findings);
    compare_groups(&all, last, findings);
    compare_line(model, &all, last, findings);
}

/// What everybody's RSVP must be shown as.
struct All<'a> {
    rsvps: BTreeMap<&'a str, RsvpView>,
    /// The RSVPs' own ids, as the rows have them.
    ids: HashMap<&'a str, Uuid>,
    names: HashMap<&'a str, &'a str>,
    activity: Uuid,
    seq: u64,
}

impl All<'_> {
    /// Compares what is shown of somebody's RSVP, if there should be one.
    fn compare(&self, person: &str, said: &SeenRsvp, findings: &mut Vec<Finding>) {
        if let Some(rsvp) = self.rsvps.get(person) {
            let expected = ExpectedRsvp {
                rsvp,
                name: rsvp.name.as_deref().or_else(|| self.names.get(person).copied()),
                activity: self.activity,
                to_booker: false,
            };
            compare_rsvp(self.seq, said, &expected, findings);
        }
    }
}

/// The names under which people came by themselves. Whoever else brought somebody in said another.
fn known_names<'a>(steps: &[Step<'a>]) -> HashMap<&'a str, &'a str> {
    let mut names = HashMap::new();
    for step in steps {
        names.extend(step.own_name());
        match step.command {
            Command::Transfer { to, .. } => {
                names.remove(to.as_str());
            }
            Command::ReserveGroup { members, .. } => {
                for member in members {
                    names.remove(member.person.as_str());
                }
            }
            _ => {}
        }
    }
    names
}

fn rows_by_person(last: &LastState) -> BTreeMap<String, Vec<&SeenRsvp>> {
    let mut rows: BTreeMap<String, Vec<&SeenRsvp>> = BTreeMap::new();
    for rsvp in &last.rsvps {
        rows.entry(rsvp.person()).or_default().push(rsvp);
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
    let everybody: Vec<&SeenRsvp> = last.rsvps.iter().collect();
    for step in steps {
        let Some((_, answer)) = step.answered else {
            continue;
        };
        // Whose it is that several are told of was compared with the answer.
        let own = match &answer.told {
            SeenTold::One(_) => rows.get(&step.person()).map_or(&[][..], Vec::as_slice),
            SeenTold::Several(_) | SeenTold::Each(_) => &everybody,
        };
        let is_lost = |told: &&SeenRsvp| own.iter().all(|row| row.id != told.id);
        let what = if let Some(told) = answer.told.rsvps().into_iter().find(is_lost) {
            format!("there is no RSVP {} of theirs", told.id)
        } else if answer.seq > last_seq {
            format!("the log ends at seq {last_seq}")
        } else {
            continue;
        };
        findings.push(Finding::LostAcknowledgement {
            person: step.person(),
            seq: answer.seq,
            what,
        });
    }
}

/// One group has one id, and no other group has it.
fn compare_groups(all: &All<'_>, last: &LastState, findings: &mut Vec<Finding>) {
    let mut ids: HashMap<u32, Uuid> = HashMap::new();
    let mut groups: HashMap<Uuid, u32> = HashMap::new();
    for said in &last.rsvps {
        let expected = all.rsvps.get(said.person().as_str());
        let (Some(id), Some(group)) = (said.group_id, expected.and_then(|rsvp| rsvp.group)) else {
            continue;
        };
        let (first_id, first_group) = (
            *ids.entry(group).or_insert(id),
            *groups.entry(id).or_insert(group),
        );
        if (first_id, first_group) != (id, group) {
            findings.push(Finding::WrongAnswer {
                person: said.person(),
                seq: all.seq,
                field: "group_id",
                said: id.to_string(),
                expected: if first_id == id {
                    format!("another one than that of group {first_group}")
                } else {
                    first_id.to_string()
                },
            });
        }
    }
}

fn compare_line(model: &Model, all: &All<'_>, last: &LastState, findings: &mut Vec<Finding>) {
    let said_line = &last.waitlist.entries;
    // An entry for each member of a party.
    let parties = model.waiting().iter();
    let line: Vec<(String, u64)> = parties
        .flat_map(|party| party.members.iter().map(|person| (person.clone(), party.ticket)))
        .collect();
    for index in 0..line.len().max(said_line.len()) {
        let place = index as u64 + 1;
        let expected = line.get(index).cloned();
        let entry = said_line.get(index);
        let said = entry.map(|entry| (entry.rsvp.person(), entry.ticket));
        if said != expected {
            let (person, _) = said.clone().or_else(|| expected.clone()).unwrap_or_default();
            findings.push(Finding::WrongPosition {
                person,
                seq: all.seq,
                said: format!("{} at place {place} of the waitlist", in_line(said.as_ref())),
                expected: in_line(expected.as_ref()),
            });
        } else if let (Some(entry), Some((person, _))) = (entry, expected) {
            all.compare(&person, &entry.rsvp, findings);
            if let Some(id) = all.ids.get(person.as_str()).filter(|id| **id != entry.rsvp.id) {
                findings.push(Finding::WrongAnswer {
                    person,
                    seq: all.seq,
                    field: "id",
                    said: entry.rsvp.id.to_string(),
                    expected: id.to_string(),
                });
            }
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
        evidence.last.waitlist.entries.pop();
        evidence.last.waitlist.parties -= 1;
        evidence.last.waitlist.spots -= 1;
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
        evidence.last.waitlist.entries.swap(0, 1);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(matches!(
            &findings[..],
            [Finding::WrongPosition { .. }, Finding::WrongPosition { .. }]
        ));
    }

    #[test]
    fn every_field_of_a_row_and_of_an_entry_of_the_line_is_compared() {
        let forgeries: [Forgery<SeenRsvp>; 6] = [
            ("total_spots", |rsvp| rsvp.total_spots += 1),
            ("guest_count", |rsvp| rsvp.guest_count += 1),
            ("version", |rsvp| rsvp.version += 1),
            ("name", |rsvp| rsvp.name = " Eve ".into()),
            ("activity_id", |rsvp| rsvp.activity_id = Uuid::from_u128(66)),
            ("special_requirements", |rsvp| {
                rsvp.special_requirements = Some(String::new());
            }),
        ];
        for (forged, forge) in forgeries {
            let mut of_row = line_of_two();
            forge(&mut of_row.last.rsvps[1]);
            let mut of_entry = line_of_two();
            forge(&mut of_entry.last.waitlist.entries[1].rsvp);
            for evidence in [of_row, of_entry] {
                let findings = judge(&evidence.history, &evidence.last);
                assert!(
                    matches!(&findings[..], [Finding::WrongAnswer { field, .. }] if *field == forged),
                    "{forged}: {findings:?}"
                );
            }
        }
    }

    #[test]
    fn an_entry_of_the_line_that_names_another_rsvp_is_named() {
        let mut evidence = line_of_two();
        evidence.last.waitlist.entries[1].rsvp.id = Uuid::from_u128(77);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::WrongAnswer { field: "id", .. }]),
            "{findings:?}"
        );
    }

    #[test]
    fn a_wrong_place_in_the_line_itself_is_named() {
        let mut evidence = line_of_two();
        evidence.last.waitlist.entries[1].rsvp.position = None;
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::WrongPosition { .. }]),
            "{findings:?}"
        );
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
