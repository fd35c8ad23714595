//! The counts of the activity and of its waitlist in the end.

use uuid::Uuid;

use super::Finding;
use crate::model::Model;
use crate::seen::LastState;

/// Compares each count that everybody may see.
pub(super) fn compare(model: &Model, activity: Uuid, last: &LastState, findings: &mut Vec<Finding>) {
    if last.activity.id != activity {
        findings.push(Finding::CountsDiffer {
            field: "id",
            said: last.activity.id.to_string(),
            expected: activity.to_string(),
        });
    }
    let expected = model.counts();
    let said = &last.activity.counts;
    let fields = [
        ("capacity", said.capacity, expected.capacity),
        ("confirmed_spots", said.confirmed_spots, expected.confirmed_spots),
        ("offered_spots", said.offered_spots, expected.offered_spots),
        ("available_spots", said.available_spots, expected.available_spots),
        (
            "waitlisted_parties",
            said.waitlisted_parties,
            expected.waitlisted_parties,
        ),
        (
            "waitlisted_spots",
            said.waitlisted_spots,
            expected.waitlisted_spots,
        ),
        ("seq", said.seq, expected.seq),
        (
            "waitlist.parties",
            last.waitlist.parties,
            expected.waitlisted_parties,
        ),
        ("waitlist.spots", last.waitlist.spots, expected.waitlisted_spots),
    ];
    for (field, said, expected) in fields {
        if said != expected {
            findings.push(Finding::CountsDiffer {
                field,
                said: said.to_string(),
                expected: expected.to_string(),
            });
        }
    }
    let at_the_door = model.checked_in_spots();
    if let Some(said) = last.activity.checked_in_spots.filter(|said| *said != at_the_door) {
        findings.push(Finding::CountsDiffer {
            field: "checked_in_spots",
            said: said.to_string(),
            expected: at_the_door.to_string(),
        });
    }
    let status = if model.is_cancelled() {
        "cancelled"
    } else {
        "scheduled"
    };
    if last.activity.status != status {
        findings.push(Finding::CountsDiffer {
            field: "status",
            said: last.activity.status.clone(),
            expected: status.to_owned(),
        });
    }
    if last.waitlist.paused != model.is_waitlist_paused() {
        findings.push(Finding::CountsDiffer {
            field: "waitlist.paused",
            said: last.waitlist.paused.to_string(),
            expected: model.is_waitlist_paused().to_string(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::SeenWaitlist;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    #[test]
    fn each_count_that_differs_is_named() {
        let mut evidence = Evidence::of(3, |run| {
            run.reserve("ada", 1);
            run.reserve("bob", 1);
        });
        assert_eq!(judge(&evidence.history, &evidence.last), []);
        evidence.last.activity.counts.confirmed_spots = 3;
        evidence.last.activity.counts.available_spots = 0;
        let findings = judge(&evidence.history, &evidence.last);
        assert_eq!(
            findings,
            [
                Finding::CountsDiffer {
                    field: "confirmed_spots",
                    said: "3".into(),
                    expected: "2".into()
                },
                Finding::CountsDiffer {
                    field: "available_spots",
                    said: "0".into(),
                    expected: "1".into()
                },
            ]
        );
    }
    #[test]
    fn another_activity_than_the_one_asked_for_is_named() {
        let mut evidence = Evidence::of(3, |run| run.reserve("ada", 1));
        evidence.last.activity.id = Uuid::from_u128(66);
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            matches!(&findings[..], [Finding::CountsDiffer { field: "id", .. }]),
            "{findings:?}"
        );
    }

    #[test]
    fn what_is_said_of_the_waitlist_as_a_whole_is_compared() {
        let forgeries: [Forgery<SeenWaitlist>; 3] = [
            ("waitlist.parties", |waitlist| waitlist.parties += 1),
            ("waitlist.spots", |waitlist| waitlist.spots += 1),
            ("waitlist.paused", |waitlist| waitlist.paused = true),
        ];
        for (forged, forge) in forgeries {
            let mut evidence = Evidence::of(1, |run| {
                run.reserve("ada", 0);
                run.reserve("bob", 0);
            });
            forge(&mut evidence.last.waitlist);
            let findings = judge(&evidence.history, &evidence.last);
            assert!(
                matches!(&findings[..], [Finding::CountsDiffer { field, .. }] if *field == forged),
                "{findings:?}"
            );
        }
    }
}
