//! Replays one command through the model and compares what the server said.

use uuid::Uuid;

use super::Finding;
use super::ends::Ends;
use super::order::Step;
use super::shown::{ExpectedRsvp, compare_rsvp};
use crate::model::{Answer, Command, GroupMode, Model, Rejection, Status, Told};
use crate::seen::{SeenAnswer, SeenResult, SeenRsvp, SeenStatus, SeenTold};

/// Carries the command out in the model. Where the model refuses what the server accepted, the model goes on
/// without it.
pub(super) fn replay(
    step: &Step<'_>,
    ends: &mut Ends,
    activity: Uuid,
    model: &mut Model,
    findings: &mut Vec<Finding>,
) {
    let overbooking = step.answered.and_then(|(_, said)| overbooking(step, said, model));
    let stamp_us = ends.stamp_us(step, model);
    let outcome = model.submit(&step.request(stamp_us));
    if let Ok(answer) = &outcome {
        ends.refine(step, answer, model);
    }
    let Some((_, said)) = step.answered else {
        if let (Some(_), Err(refusal)) = (step.done_at, &outcome) {
            findings.push(Finding::WrongStatus {
                person: step.person(),
                seq: step.seq,
                said: "changed".to_owned(),
                expected: refusal.code().to_owned(),
            });
        }
        return;
    };
    let finding = match &outcome {
        Err(refusal) if *refusal == Rejection::AlreadyReserved => Some(Finding::DoubleSeat {
            person: step.person(),
            what: format!("a live RSVP already when seq {} is answered", said.seq),
        }),
        Err(refusal) => overbooking.or_else(|| {
            Some(Finding::WrongStatus {
                person: step.person(),
                seq: said.seq,
                said: statuses(said),
                expected: refusal.code().to_owned(),
            })
        }),
        Ok(answer) => overbooking.filter(|_| somebody_waits(answer)),
    };
    match (finding, outcome) {
        (Some(finding), _) => findings.push(finding),
        (None, Ok(answer)) => compare(step, said, &answer, activity, findings),
        (None, Err(_)) => {}
    }
}

fn somebody_waits(answer: &Answer) -> bool {
    let waits = |status: Status| status == Status::Waitlisted;
    match &answer.told {
        Told::Nothing => false,
        Told::One(rsvp) => waits(rsvp.status),
        Told::Several(rsvps) => rsvps.iter().any(|rsvp| waits(rsvp.status)),
        Told::Each(results) => results.iter().flatten().any(|rsvp| waits(rsvp.status)),
    }
}

fn statuses(said: &SeenAnswer) -> String {
    let told = said.told.rsvps();
    let statuses: Vec<&str> = told.iter().map(|rsvp| rsvp.status.as_str()).collect();
    statuses.join(", ")
}

/// What would be held if what is said were so, in case that is more than there is.
fn overbooking(step: &Step<'_>, said: &SeenAnswer, model: &Model) -> Option<Finding> {
    let (mut before, mut after) = (0, 0);
    for rsvp in said.told.rsvps() {
        if matches!(rsvp.status, SeenStatus::Confirmed | SeenStatus::Offered) {
            after += 1 + u64::from(rsvp.guest_count);
        }
        let row = model.rsvps().get(&step.whose(rsvp));
        let holds = row.filter(|row| matches!(row.status, Status::Confirmed | Status::Offered));
        before += holds.map_or(0, |row| row.spots());
    }
    let held = model.held_spots() - before + after;
    let limit = u64::from(model.settings().capacity);
    (after > before && held > limit).then_some(Finding::Overbooked {
        seq: said.seq,
        held,
        limit,
    })
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
    if let Some(head) = &said.head {
        check("http status", head.status.to_string(), status(step).to_string());
    }
    if said.replayed && step.sendings.is_some_and(|(first, last)| first == last) {
        check(
            "replayed",
            "true".to_owned(),
            "false: it was asked once".to_owned(),
        );
    }
    if matches!(step.command, Command::CheckIn { .. }) {
        check(
            "already",
            said.already.to_string(),
            (!expected.changed).to_string(),
        );
    }
    if let (Some(head), Some(rsvp)) = (&said.head, expected.rsvp()) {
        let etag = Some(format!("\"{}\"", rsvp.version));
        check("etag", format!("{:?}", head.etag), format!("{etag:?}"));
    }
    compare_told(step, said, &expected.told, activity, findings);
}

/// What the answer is called in HTTP.
fn status(step: &Step<'_>) -> u16 {
    match step.command {
        Command::Reserve { .. }
        | Command::ReserveGroup {
            mode: GroupMode::All, ..
        } => 201,
        _ => 200,
    }
}

/// Compares every RSVP that is told with the one that must be.
fn compare_told(
    step: &Step<'_>,
    said: &SeenAnswer,
    expected: &Told,
    activity: Uuid,
    findings: &mut Vec<Finding>,
) {
    let expected: Vec<Result<&_, Rejection>> = match expected {
        Told::Nothing => Vec::new(),
        Told::One(rsvp) => vec![Ok(rsvp)],
        Told::Several(rsvps) => rsvps.iter().map(Ok).collect(),
        Told::Each(results) => {
            let results = results.iter();
            results
                .map(|result| result.as_ref().map_err(|rejection| *rejection))
                .collect()
        }
    };
    let told = results(&said.told);
    if told.len() != expected.len() {
        return findings.push(Finding::WrongAnswer {
            person: step.person(),
            seq: said.seq,
            field: "how many",
            said: told.len().to_string(),
            expected: expected.len().to_string(),
        });
    }
    for (result, expected) in told.into_iter().zip(expected) {
        match (result, expected) {
            (Ok(rsvp), Ok(expected)) => {
                let own_name = step
                    .own_name()
                    .filter(|(person, _)| *person == expected.person)
                    .map(|(_, name)| name);
                let expected = ExpectedRsvp {
                    rsvp: expected,
                    name: expected.name.as_deref().or(own_name),
                    activity,
                    to_booker: step.is_by_booker(),
                };
                compare_rsvp(said.seq, rsvp, &expected, findings);
            }
            (result, expected) => {
                let code = |result: Result<&str, &str>| result.unwrap_or_else(|code| code).to_owned();
                let said_code = code(result.map(|rsvp| rsvp.status.as_str()));
                let expected = code(expected.map(|rsvp| rsvp.status.as_str()).map_err(Rejection::code));
                if said_code != expected {
                    findings.push(Finding::WrongStatus {
                        person: step.person(),
                        seq: said.seq,
                        said: said_code,
                        expected,
                    });
                }
            }
        }
    }
}

/// What is told of each, or the code with which it was refused.
fn results(told: &SeenTold) -> Vec<Result<&SeenRsvp, &str>> {
    match told {
        SeenTold::Each(results) => {
            let results = results.iter();
            results
                .map(|result| match result {
                    SeenResult::Done { rsvp } => Ok(&**rsvp),
                    SeenResult::Refused { error } => Err(error.code.as_str()),
                })
                .collect()
        }
        told => told.rsvps().into_iter().map(Ok).collect(),
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
        let bob = evidence.rsvp_mut(1);
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
        let bob = evidence.rsvp_mut(1);
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
        evidence.rsvp_mut(1).position = Some(2);
        let findings = judge(&evidence.history, &evidence.last);
        let [Finding::WrongPosition { person, seq: 2, .. }] = &findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!(*person, user("bob").to_string());
    }

    #[test]
    fn a_wrong_status_is_named() {
        let mut evidence = Evidence::of(5, |run| run.reserve("ada", 0));
        evidence.rsvp_mut(0).status = SeenStatus::Cancelled;
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
            ("guest_count", |answer| one(answer).guest_count = 0),
            ("total_spots", |answer| one(answer).total_spots = 1),
            ("version", |answer| one(answer).version = 7),
            ("cancel_reason", |answer| {
                one(answer).cancel_reason = Some("by_host".into());
            }),
            ("user_id", |answer| one(answer).user_id = Some(user("eve"))),
            ("user_id", |answer| one(answer).user_id = None),
            ("activity_id", |answer| {
                one(answer).activity_id = Uuid::from_u128(66);
            }),
            ("name", |answer| one(answer).name = "Eve".into()),
            ("special_requirements", |answer| {
                one(answer).special_requirements = Some("an aisle".into());
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
