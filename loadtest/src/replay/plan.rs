//! From rows to commands: one activity per event, its commands in the order of time.

use std::collections::HashMap;

use super::row::{Response, Row};
use crate::drive::Deed;

/// One event to be replayed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventPlan {
    /// The event's id in the history.
    pub event_id: String,
    /// Spots: fewer than were wanted, so that a waitlist forms.
    pub capacity: u32,
    /// Who does what, in order.
    pub steps: Vec<PlannedDeed>,
}

/// One command of the history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedDeed {
    /// Whose.
    pub member_id: u64,
    /// What.
    pub deed: Deed,
}

/// The plans of all events, in the order in which the events first appear.
pub fn plan(rows: &[Row]) -> Vec<EventPlan> {
    let mut index_of: HashMap<&str, usize> = HashMap::new();
    let mut rows_of: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        let index = *index_of.entry(&row.event_id).or_insert_with(|| {
            rows_of.push((&row.event_id, Vec::new()));
            rows_of.len() - 1
        });
        rows_of[index].1.push(row);
    }
    rows_of
        .into_iter()
        .map(|(event_id, rows)| EventPlan {
            event_id: event_id.to_owned(),
            capacity: capacity(&rows),
            steps: steps(&rows),
        })
        .collect()
}

/// `max(1, floor(0.6 × Σ(1 + guests)))` over those who came or waited.
fn capacity(rows: &[&Row]) -> u32 {
    let wanted: u64 = rows
        .iter()
        .filter(|row| row.response != Response::No)
        .map(|row| 1 + u64::from(row.guests))
        .sum();
    u32::try_from((wanted * 6 / 10).max(1)).unwrap_or(u32::MAX)
}

/// By time, ties by row, reserving before cancelling; what is still tied stays in the order of the rows.
fn steps(rows: &[&Row]) -> Vec<PlannedDeed> {
    let mut steps = Vec::new();
    for row in rows {
        let changed_mind = row.response == Response::No && row.changed_ms > row.created_ms;
        if row.response != Response::No || changed_mind {
            steps.push((
                row.created_ms,
                row,
                Deed::Reserve {
                    guest_count: row.guests,
                },
            ));
        }
        if changed_mind {
            steps.push((row.changed_ms, row, Deed::Cancel));
        }
    }
    steps.sort_by_key(|(at_ms, row, deed)| (*at_ms, row.rsvp_id, *deed == Deed::Cancel));
    steps
        .into_iter()
        .map(|(_, row, deed)| PlannedDeed {
            member_id: row.member_id,
            deed,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(member_id: u64, response: Response, guests: u32, created_ms: i64, changed_ms: i64) -> Row {
        Row {
            rsvp_id: member_id as i64,
            event_id: "e".into(),
            member_id,
            guests,
            response,
            created_ms,
            changed_ms,
        }
    }

    fn deeds(plan: &EventPlan) -> Vec<(u64, Deed)> {
        plan.steps
            .iter()
            .map(|step| (step.member_id, step.deed))
            .collect()
    }

    #[test]
    fn a_no_from_the_beginning_does_nothing_and_a_later_one_cancels() {
        let rows = [row(1, Response::No, 0, 5, 5), row(2, Response::No, 1, 5, 6)];
        let plans = plan(&rows);
        assert_eq!(
            deeds(&plans[0]),
            [(2, Deed::Reserve { guest_count: 1 }), (2, Deed::Cancel)]
        );
    }

    #[test]
    fn commands_go_by_time_then_by_row() {
        let rows = [
            row(3, Response::Yes, 0, 9, 9),
            row(2, Response::Waitlist, 0, 9, 9),
            row(1, Response::No, 0, 1, 9),
        ];
        let reserve = Deed::Reserve { guest_count: 0 };
        assert_eq!(
            deeds(&plan(&rows)[0]),
            [(1, reserve), (1, Deed::Cancel), (2, reserve), (3, reserve)]
        );
    }

    #[test]
    fn rows_that_tie_in_everything_stay_in_their_order() {
        let without_id = |member_id, guests| Row {
            rsvp_id: -1,
            ..row(member_id, Response::Yes, guests, 0, 0)
        };
        let plans = plan(&[without_id(9, 2), without_id(5, 0), without_id(7, 1)]);
        assert_eq!(
            plans[0]
                .steps
                .iter()
                .map(|step| step.member_id)
                .collect::<Vec<_>>(),
            [9, 5, 7]
        );
    }

    #[test]
    fn the_capacity_is_six_tenths_of_what_was_wanted_and_at_least_one() {
        let rows = [
            row(1, Response::Yes, 2, 0, 0),
            row(2, Response::Waitlist, 0, 0, 0),
        ];
        assert_eq!(plan(&rows)[0].capacity, 2);
        assert_eq!(plan(&[row(1, Response::No, 9, 0, 1)])[0].capacity, 1);
    }

    #[test]
    fn events_are_kept_apart() {
        let other = Row {
            event_id: "f".into(),
            ..row(2, Response::Yes, 0, 0, 0)
        };
        let plans = plan(&[row(1, Response::Yes, 0, 0, 0), other]);
        assert_eq!(
            plans
                .iter()
                .map(|plan| plan.event_id.as_str())
                .collect::<Vec<_>>(),
            ["e", "f"]
        );
    }
}
