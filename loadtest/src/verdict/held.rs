//! What is held by the log alone: never more than there is.

use std::collections::HashMap;

use uuid::Uuid;

use super::Finding;
use crate::model::Settings;
use crate::seen::LastState;

/// Adds up who holds what, event by event, without the model: nobody may be added above the capacity. With a
/// capacity that changes on the way the log alone does not tell the limit, so there the comparison with the
/// model stands.
pub(super) fn check(settings: &Settings, last: &LastState, findings: &mut Vec<Finding>) {
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
            "confirmed" | "promoted" | "offered" | "accepted" => event.spots.unwrap_or(1),
            "updated" if before > 0 => event.spots.unwrap_or(before),
            "cancelled" | "declined" | "expired" | "transferred" => 0,
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

    #[test]
    fn a_log_that_holds_more_than_the_capacity_is_an_overbooking() {
        let mut evidence = Evidence::of(1, |run| {
            run.reserve("ada", 0);
            run.reserve("bob", 0);
        });
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
