//! The counts of the activity in the end.

use super::Finding;
use crate::model::Model;
use crate::seen::LastState;

/// Compares each count that everybody may see.
pub(super) fn compare(model: &Model, last: &LastState, findings: &mut Vec<Finding>) {
    let expected = model.counts();
    let said = &last.activity;
    let fields = [
        ("capacity", said.capacity, expected.capacity),
        ("confirmed_spots", said.confirmed_spots, expected.confirmed_spots),
        ("offered_spots", said.offered_spots, 0),
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
    let status = if model.is_cancelled() {
        "cancelled"
    } else {
        "scheduled"
    };
    if said.status != status {
        findings.push(Finding::CountsDiffer {
            field: "status",
            said: said.status.clone(),
            expected: status.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    #[test]
    fn each_count_that_differs_is_named() {
        let mut evidence = Evidence::of(3, |run| {
            run.reserve("ada", 1);
            run.reserve("bob", 1);
        });
        assert_eq!(judge(&evidence.history, &evidence.last), []);
        evidence.last.activity.confirmed_spots = 3;
        evidence.last.activity.available_spots = 0;
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
}
