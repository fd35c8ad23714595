//! Replays one command through the model and compares what the server said.

use uuid::Uuid;

use super::Finding;
use super::order::Step;
use crate::model::{Answer, Command, Model, Rejection, Request, RsvpView};
use crate::seen::{SeenAnswer, SeenRsvp, SeenStatus};

/// Carries the command out in the model. Where the model refuses what the server accepted, the model goes on
/// without it.
pub(super) fn replay(step: &Step<'_>, activity: Uuid, model: &mut Model, findings: &mut Vec<Finding>) {
    let held_spots = model.held_spots();
    let capacity = u64::from(model.settings().capacity);
    let available_spots = capacity.saturating_sub(held_spots);
    let outcome = model.submit(&Request::new(0, step.command.clone()));
    let Some((_, said)) = step.answered else { return };
    let finding = match &outcome {
        Err(refusal) if *refusal == Rejection::AlreadyReserved => Some(Finding::DoubleSeat {
            person: step.person(),
            what: format!("a live RSVP already when seq {} is answered", said.seq),
        }),
        Err(_) if takes_too_much(said, available_spots) => Some(overbooked(said, held_spots, capacity)),
        Err(rejection) => Some(Finding::WrongStatus {
            person: step.person(),
            seq: said.seq,
            said: said.rsvp.status.to_string(),
            expected: rejection.code().to_owned(),
        }),
        Ok(answer) => {
            let is_waiting = answer.rsvp().is_some_and(|rsvp| rsvp.position.is_some());
            if is_waiting && takes_too_much(said, available_spots) {
                Some(overbooked(said, held_spots, capacity))
            } else {
                None
            }
        }
    };
    match (finding, outcome) {
        (Some(finding), _) => findings.push(finding),
        (None, Ok(answer)) => compare(step, said, &answer, activity, findings),
        (None, Err(_)) => {}
    }
}

/// Whether a confirmation was given for spots that were not there.
fn takes_too_much(said: &SeenAnswer, available_spots: u64) -> bool {
    said.rsvp.status == SeenStatus::Confirmed && 1 + u64::from(said.rsvp.guest_count) > available_spots
}

fn overbooked(said: &SeenAnswer, held_spots: u64, capacity: u64) -> Finding {
    let held = held_spots + 1 + u64::from(said.rsvp.guest_count);
    Finding::Overbooked {
        seq: said.seq,
        held,
        limit: capacity,
    }
}

fn compare(
    step: &Step<'_>,
    said: &SeenAnswer,
    expected: &Answer,
    activity: Uuid,
    findings: &mut Vec<Finding>,
) {
    if said.seq != expected.seq {
        findings.push(Finding::WrongSeq {
            person: step.person(),
            said: said.seq,
            expected: expected.seq,
        });
    }
    let mut check = |field: &'static str, said_value: String, expected: String| {
        if said_value != expected {
            findings.push(Finding::WrongAnswer {
                person: step.person(),
                seq: said.seq,
                field,
                said: said_value,
                expected,
            });
        }
    };
    let status = if matches!(step.command, Command::Reserve { .. }) {
        201
    } else {
        200
    };
    if let Some(head) = &said.head {
        check("http status", head.status.to_string(), status.to_string());
    }
    if said.replayed && step.sent == step.last_sent {
        check(
            "replayed",
            "true".to_owned(),
            "false: it was asked once".to_owned(),
        );
    }
    if let Some(rsvp) = expected.rsvp() {
        let etag = Some(format!("\"{}\"", rsvp.version));
        if let Some(head) = &said.head {
            check("etag", format!("{:?}", head.etag), format!("{etag:?}"));
        }
        let expected = ExpectedRsvp {
            rsvp,
            name: step.name,
            activity,
        };
        compare_rsvp(said.seq, &said.rsvp, &expected, findings);
    }
}

/// What an RSVP must be shown as.
pub(super) struct ExpectedRsvp<'a> {
    pub(super) rsvp: &'a RsvpView,
    pub(super) name: &'a str,
    pub(super) activity: Uuid,
}

/// Compares what is shown of one RSVP with what must be; the first difference is enough.
pub(super) fn compare_rsvp(
    seq: u64,
    said: &SeenRsvp,
    expected: &ExpectedRsvp<'_>,
    findings: &mut Vec<Finding>,
) {
    let rsvp = expected.rsvp;
    let person = rsvp.person.clone();
    let said_place = (said.position, said.parties_ahead, said.spots_ahead);
    let expected_place = (rsvp.position, rsvp.parties_ahead, rsvp.spots_ahead);
    if said.status.as_str() != rsvp.status.as_str() {
        findings.push(Finding::WrongStatus {
            person,
            seq,
            said: said.status.to_string(),
            expected: rsvp.status.as_str().to_owned(),
        });
    } else if said_place != expected_place {
        findings.push(Finding::WrongPosition {
            person,
            seq,
            said: place(said_place),
            expected: place(expected_place),
        });
    } else if let Some((field, said, expected)) = first_difference(said, expected) {
        findings.push(Finding::WrongAnswer {
            person,
            seq,
            field,
            said,
            expected,
        });
    }
}

fn first_difference(said: &SeenRsvp, expected: &ExpectedRsvp<'_>) -> Option<(&'static str, String, String)> {
    let rsvp = expected.rsvp;
    let number = |number: u64| number.to_string();
    let text = |text: Option<&str>| text.map_or("null".to_owned(), |text| format!("{text:?}"));
    let user_id = said.user_id.map(|id| id.to_string());
    // Comparing is cheap and telling is not, and nearly always there is nothing to tell.
    if said.guest_count != rsvp.guest_count {
        let (said, expected) = (u64::from(said.guest_count), u64::from(rsvp.guest_count));
        return Some(("guest_count", number(said), number(expected)));
    }
    let total_spots = 1 + u64::from(rsvp.guest_count);
    if said.total_spots != total_spots {
        return Some(("total_spots", number(said.total_spots), number(total_spots)));
    }
    if said.version != rsvp.version {
        return Some(("version", number(said.version), number(rsvp.version)));
    }
    if said.activity_id != expected.activity {
        let (said, expected) = (said.activity_id.to_string(), expected.activity.to_string());
        return Some(("activity_id", said, expected));
    }
    let texts = [
        ("user_id", user_id.as_deref(), Some(rsvp.person.as_str())),
        ("name", Some(said.name.as_str()), Some(expected.name)),
        (
            "special_requirements",
            said.special_requirements.as_deref(),
            rsvp.special_requirements.as_deref(),
        ),
        (
            "cancel_reason",
            said.cancel_reason.as_deref(),
            rsvp.status.cancel_reason(),
        ),
    ];
    texts
        .into_iter()
        .find(|(_, said, expected)| said != expected)
        .map(|(field, said, expected)| (field, text(said), text(expected)))
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
    fn every_field_of_an_answer_is_compared() {
        let evidence = Evidence::of(5, |run| {
            run.reserve("ada", 1);
            run.cancel("ada");
        });
        let forgeries: [Forgery<SeenAnswer>; 10] = [
            ("guest_count", |answer| answer.rsvp.guest_count = 0),
            ("total_spots", |answer| answer.rsvp.total_spots = 1),
            ("version", |answer| answer.rsvp.version = 7),
            ("cancel_reason", |answer| {
                answer.rsvp.cancel_reason = Some("by_host".into());
            }),
            ("user_id", |answer| answer.rsvp.user_id = Some(user("eve"))),
            ("user_id", |answer| answer.rsvp.user_id = None),
            ("activity_id", |answer| {
                answer.rsvp.activity_id = Uuid::from_u128(66);
            }),
            ("name", |answer| answer.rsvp.name = "Eve".into()),
            ("special_requirements", |answer| {
                answer.rsvp.special_requirements = Some("an aisle".into());
            }),
            ("etag", |answer| {
                answer.head.as_mut().unwrap().etag = Some("\"1\"".into());
            }),
        ];
        for (forged, forge) in forgeries {
            let mut evidence = evidence.clone();
            forge(evidence.answer_mut(1));
            let findings = judge(&evidence.history, &evidence.last);
            assert!(
                matches!(&findings[..], [Finding::WrongAnswer { seq: 2, field, .. }] if *field == forged),
                "{forged}: {findings:?}"
            );
        }
    }

    #[test]
    fn whoever_reserves_is_told_201_and_whoever_cancels_200() {
        let evidence = Evidence::of(5, |run| {
            run.reserve("ada", 0);
            run.cancel("ada");
        });
        assert_eq!(judge(&evidence.history, &evidence.last), []);
        for (index, other) in [(0, 200), (1, 201)] {
            let mut evidence = evidence.clone();
            evidence.answer_mut(index).head.as_mut().unwrap().status = other;
            let findings = judge(&evidence.history, &evidence.last);
            assert!(
                matches!(
                    &findings[..],
                    [Finding::WrongAnswer {
                        field: "http status",
                        ..
                    }]
                ),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn only_who_asked_again_is_told_an_answer_again() {
        let mut evidence = Evidence::of(5, |run| run.reserve("ada", 0));
        evidence.answer_mut(0).replayed = true;
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(
                &findings[..],
                [Finding::WrongAnswer {
                    field: "replayed",
                    ..
                }]
            ),
            "{findings:?}"
        );
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
