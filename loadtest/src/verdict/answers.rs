//! Replays one command through the model and compares what the server said.

use super::Finding;
use super::order::Step;
use crate::model::{Answer, Model, Rejection, Request, RsvpView};
use crate::seen::{SeenAnswer, SeenRsvp, SeenStatus};

/// Carries the command out in the model. Where the model refuses what the server accepted, the model goes on
/// without it.
pub(super) fn replay(step: &Step<'_>, model: &mut Model, findings: &mut Vec<Finding>) {
    let before = model.counts();
    let outcome = model.submit(&Request::new(0, step.command.clone()));
    let Some((_, said)) = step.answered else { return };
    let finding = match &outcome {
        Err(Rejection::AlreadyReserved) => Some(Finding::DoubleSeat {
            person: step.person(),
            what: format!("a live RSVP already when seq {} is answered", said.seq),
        }),
        Err(_) if takes_too_much(said, before.available_spots) => {
            Some(overbooked(said, before.confirmed_spots, before.capacity))
        }
        Err(rejection) => Some(Finding::WrongStatus {
            person: step.person(),
            seq: said.seq,
            said: said.rsvp.status.to_string(),
            expected: rejection.code().to_owned(),
        }),
        Ok(answer) => {
            let is_waiting = answer.rsvp.as_ref().is_some_and(|rsvp| rsvp.position.is_some());
            if is_waiting && takes_too_much(said, before.available_spots) {
                Some(overbooked(said, before.confirmed_spots, before.capacity))
            } else {
                None
            }
        }
    };
    match (finding, outcome) {
        (Some(finding), _) => findings.push(finding),
        (None, Ok(answer)) => compare(&step.person(), said, &answer, findings),
        (None, Err(_)) => {}
    }
}

/// Whether a confirmation was given for spots that were not there.
fn takes_too_much(said: &SeenAnswer, available_spots: u64) -> bool {
    said.rsvp.status == SeenStatus::Confirmed && 1 + u64::from(said.rsvp.guest_count) > available_spots
}

fn overbooked(said: &SeenAnswer, confirmed_spots: u64, capacity: u64) -> Finding {
    let held = confirmed_spots + 1 + u64::from(said.rsvp.guest_count);
    Finding::Overbooked {
        seq: said.seq,
        held,
        limit: capacity,
    }
}

fn compare(person: &str, said: &SeenAnswer, expected: &Answer, findings: &mut Vec<Finding>) {
    if said.seq != expected.seq {
        findings.push(Finding::WrongSeq {
            person: person.to_owned(),
            said: said.seq,
            expected: expected.seq,
        });
    }
    if let Some(rsvp) = &expected.rsvp {
        compare_rsvp(said.seq, &said.rsvp, rsvp, findings);
    }
}

/// Compares what is shown of one RSVP with the model's; the first difference is enough.
pub(super) fn compare_rsvp(seq: u64, said: &SeenRsvp, expected: &RsvpView, findings: &mut Vec<Finding>) {
    let person = expected.person.clone();
    let wrong = |field: &'static str, said: String, expected: String| Finding::WrongAnswer {
        person: person.clone(),
        seq,
        field,
        said,
        expected,
    };
    let said_place = (said.position, said.parties_ahead, said.spots_ahead);
    let expected_place = (expected.position, expected.parties_ahead, expected.spots_ahead);
    if said.status.as_str() != expected.status.as_str() {
        findings.push(Finding::WrongStatus {
            person: person.clone(),
            seq,
            said: said.status.to_string(),
            expected: expected.status.as_str().to_owned(),
        });
    } else if said_place != expected_place {
        findings.push(Finding::WrongPosition {
            person: person.clone(),
            seq,
            said: place(said_place),
            expected: place(expected_place),
        });
    } else if said.guest_count != expected.guest_count {
        findings.push(wrong(
            "guest_count",
            said.guest_count.to_string(),
            expected.guest_count.to_string(),
        ));
    } else if said.version != expected.version {
        findings.push(wrong(
            "version",
            said.version.to_string(),
            expected.version.to_string(),
        ));
    } else if said.cancel_reason.as_deref() != expected.status.cancel_reason() {
        let expected = expected.status.cancel_reason();
        findings.push(wrong(
            "cancel_reason",
            format!("{:?}", said.cancel_reason),
            format!("{expected:?}"),
        ));
    } else if said
        .user_id
        .is_some_and(|user_id| user_id.to_string() != expected.person)
    {
        findings.push(wrong(
            "user_id",
            format!("{:?}", said.user_id),
            expected.person.clone(),
        ));
    }
}

fn place((position, parties_ahead, spots_ahead): (Option<u64>, Option<u64>, Option<u64>)) -> String {
    match (position, parties_ahead, spots_ahead) {
        (None, None, None) => "no place in the line".to_owned(),
        (Some(position), Some(parties), Some(spots)) => {
            format!("position {position} with {parties} parties and {spots} spots ahead")
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    fn two_on_one_spot() -> Evidence {
        Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        })
    }

    #[test]
    fn a_confirmation_without_a_free_spot_is_an_overbooking() {
        let mut evidence = two_on_one_spot();
        let bob = &mut evidence.answer_mut(1).rsvp;
        bob.status = SeenStatus::Confirmed;
        (bob.position, bob.parties_ahead, bob.spots_ahead) = (None, None, None);
        let findings = judge(&evidence.history, &evidence.last);
        assert_eq!(
            findings,
            [Finding::Overbooked {
                seq: 2,
                held: 2,
                limit: 1
            }]
        );
    }

    #[test]
    fn a_confirmation_where_there_is_no_waitlist_is_an_overbooking() {
        let mut evidence = two_on_one_spot();
        let bob = &mut evidence.answer_mut(1).rsvp;
        bob.status = SeenStatus::Confirmed;
        evidence.history.settings.waitlist_capacity = Some(0);
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

    #[test]
    fn a_wrong_position_is_named() {
        let mut evidence = two_on_one_spot();
        evidence.answer_mut(1).rsvp.position = Some(2);
        let findings = judge(&evidence.history, &evidence.last);
        let [Finding::WrongPosition { person, seq: 2, .. }] = &findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!(*person, user("bob").to_string());
    }

    #[test]
    fn a_wrong_status_is_named() {
        let mut evidence = Evidence::of(5, |run| run.reserve("ada", 0));
        evidence.answer_mut(0).rsvp.status = SeenStatus::Cancelled;
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::WrongStatus { seq: 1, .. }]),
            "{findings:?}"
        );
    }

    #[test]
    fn a_second_seat_for_the_same_person_is_named() {
        let mut evidence = Evidence::of(5, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        });
        evidence.history.records[1].command = reserve("ada", 0);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[0], Finding::DoubleSeat { person, .. } if *person == user("ada").to_string()),
            "{findings:?}"
        );
    }

    #[test]
    fn guests_version_and_reason_are_compared() {
        let evidence = Evidence::of(5, |run| {
            run.reserve("ada", 1);
            run.cancel("ada");
        });
        let forgeries: [fn(&mut SeenRsvp); 3] = [
            |rsvp| rsvp.guest_count = 0,
            |rsvp| rsvp.version = 7,
            |rsvp| rsvp.cancel_reason = Some("by_host".into()),
        ];
        for forge in forgeries {
            let mut evidence = evidence.clone();
            forge(&mut evidence.answer_mut(1).rsvp);
            let findings = judge(&evidence.history, &evidence.last);
            assert!(
                matches!(&findings[..], [Finding::WrongAnswer { seq: 2, .. }]),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn a_seq_that_jumps_is_named() {
        let mut evidence = Evidence::of(5, |run| run.reserve("ada", 0));
        evidence.answer_mut(0).seq = 3;
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            findings.contains(&Finding::WrongSeq {
                person: user("ada").to_string(),
                said: 3,
                expected: 1
            }),
            "{findings:?}"
        );
    }
}
