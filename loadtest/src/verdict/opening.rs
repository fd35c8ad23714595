//! Nobody enters before the doors open, by the log alone.

use super::Finding;
use crate::history::{Asker, History};
use crate::model::Command;
use crate::seen::LastState;
use crate::utc::{micros, text};

/// Names every entry from before the opening. Where the host brought people in, or changed the activity, the log alone
/// does not tell what was allowed, so there the comparison with the model stands.
pub(super) fn check(history: &History, last: &LastState, findings: &mut Vec<Finding>) {
    let Some(opens_at_us) = history.settings.opens_at_us else {
        return;
    };
    let enters_by_host = history.records.iter().any(|record| {
        let enters = matches!(
            record.command,
            Command::Reserve { .. } | Command::ReserveGroup { .. }
        );
        enters && record.asker == Asker::Host
    });
    let changed = last.events.iter().any(|event| event.kind == "activity_updated");
    if enters_by_host || changed {
        return;
    }
    for event in &last.events {
        let enters = matches!(event.kind.as_str(), "confirmed" | "waitlisted");
        if enters && micros(&event.at).is_some_and(|at_us| at_us < opens_at_us) {
            findings.push(Finding::BeforeOpening {
                seq: event.seq,
                at: event.at.clone(),
                opens_at: text(opens_at_us),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::judge;
    use crate::verdict::testing::*;

    /// The doors open five seconds after the first has come.
    fn opening() -> Evidence {
        let opens_at_us = micros("2026-11-21T05:01:23.377Z");
        let change = |settings: &mut crate::model::Settings| {
            settings.capacity = 1;
            settings.opens_at_us = opens_at_us;
        };
        Evidence::with(change, |run| {
            run.reserve("ada", 0);
            run.wait(5);
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        })
    }

    #[test]
    fn whoever_comes_too_early_is_told_so_and_comes_again() {
        let evidence = opening();
        assert_eq!(judge(&evidence.history, &evidence.last), []);
        assert_eq!(evidence.last.events.len(), 2);
    }

    #[test]
    fn whoever_is_let_in_before_the_opening_is_named() {
        let mut evidence = opening();
        evidence.last.events[0].at = "2026-11-21T05:01:23.376Z".into();
        let findings = judge(&evidence.history, &evidence.last);
        let named = Finding::BeforeOpening {
            seq: 1,
            at: "2026-11-21T05:01:23.376Z".into(),
            opens_at: "2026-11-21T05:01:23.377Z".into(),
        };
        assert_eq!(findings[0], named, "{findings:?}");
    }

    #[test]
    fn to_be_told_that_doors_are_closed_which_are_open_is_wrong() {
        let mut evidence = opening();
        let code = "not_open_yet".to_owned();
        evidence.history.records.swap(0, 2);
        let record = &mut evidence.history.records[0];
        record.outcome = crate::history::Outcome::Rejected {
            at: crate::history::Tick(29),
            code,
        };
        evidence.last.events.pop();
        let findings = judge(&evidence.history, &evidence.last);
        assert!(
            findings
                .iter()
                .any(|finding| matches!(finding, Finding::WrongRejection { .. })),
            "{findings:?}"
        );
    }
}
