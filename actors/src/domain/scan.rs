//! The promotion scan: who gets the spots that are free.

use super::event::Passed;
use super::ids::Ticket;
use super::waitlist::{Waiting, Waitlist};

/// What the scan goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Spots that are free.
    pub(super) free: u32,
    /// The capacity: a party that needs more is not feasible, and does not guard.
    pub(super) capacity: u32,
    /// How many later parties may be promoted past a feasible one.
    pub(super) patience: u32,
}

/// A party that the scan promotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Promotion {
    pub(super) party: Waiting,
    /// The first party that still waits and was passed, if any.
    pub(super) past: Option<Passed>,
}

/// Promotes every party that fits, by ticket, and takes it off `line`. Where a feasible party has been passed
/// as often as the patience allows, it guards: nobody later is promoted.
///
/// It is enough to look at the *first* feasible party: later tickets are issued later, so no other was passed
/// more often than it. Costs O((promoted + 1) log n).
pub(super) fn scan(line: &mut Waitlist, terms: Terms) -> Vec<Promotion> {
    let Terms {
        mut free,
        capacity,
        patience,
    } = terms;
    let mut promoted = Vec::new();
    let mut from = Ticket(0);
    while free > 0 {
        let Some(party) = line.first_fitting(from, free) else {
            break;
        };
        if guards(line, capacity, patience).is_some_and(|guard| guard < party.ticket) {
            break;
        }
        let past = line
            .first()
            .filter(|first| first.ticket < party.ticket)
            .map(|first| Passed {
                ticket: first.ticket,
                needs: first.spots,
                free,
            });
        line.promote(party.ticket);
        promoted.push(Promotion { party, past });
        free -= party.spots;
        from = party.ticket.next();
    }
    promoted
}

/// The party that nobody later may be promoted past, if there is one.
pub(super) fn guards(line: &Waitlist, capacity: u32, patience: u32) -> Option<Ticket> {
    let first = line.first_fitting(Ticket(0), capacity)?;
    (line.passed(first.ticket) >= u64::from(patience)).then_some(first.ticket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rsvp_table::Slot;

    fn line(spots: &[u32]) -> Waitlist {
        let mut line = Waitlist::default();
        for (ticket, &spots) in (1..).zip(spots) {
            line.enter(Waiting {
                ticket: Ticket(ticket),
                spots,
                lead: Slot(ticket as u32),
            });
        }
        line
    }

    fn promoted(line: &mut Waitlist, free: u32, capacity: u32, patience: u32) -> Vec<u64> {
        scan(
            line,
            Terms {
                free,
                capacity,
                patience,
            },
        )
        .iter()
        .map(|p| p.party.ticket.0)
        .collect()
    }

    #[test]
    fn parties_that_fit_are_promoted_by_ticket() {
        assert_eq!(promoted(&mut line(&[2, 3, 1]), 5, 10, 3), [1, 2]);
    }

    #[test]
    fn a_party_that_does_not_fit_is_passed_as_often_as_patience_allows() {
        let mut waiting = line(&[4, 1, 1, 1, 1]);
        assert_eq!(promoted(&mut waiting, 3, 10, 2), [2, 3]);
        assert_eq!(waiting.passed(Ticket(1)), 2);
        assert_eq!(promoted(&mut waiting, 3, 10, 2), [0; 0], "it guards now");
        assert_eq!(
            promoted(&mut waiting, 4, 10, 2),
            [1],
            "and is promoted once there is room"
        );
    }

    #[test]
    fn without_patience_only_a_prefix_is_promoted() {
        assert_eq!(promoted(&mut line(&[2, 4, 1]), 5, 10, 0), [1]);
    }

    #[test]
    fn a_party_larger_than_the_capacity_does_not_guard() {
        let mut waiting = line(&[9, 1, 1]);
        assert_eq!(promoted(&mut waiting, 1, 5, 0), [2]);
        assert_eq!(
            promoted(&mut waiting, 1, 9, 0),
            [0; 0],
            "feasible again, it guards"
        );
    }

    #[test]
    fn the_log_tells_who_was_passed() {
        let mut waiting = line(&[4, 1]);
        let promoted = scan(
            &mut waiting,
            Terms {
                free: 1,
                capacity: 10,
                patience: 3,
            },
        );
        let passed = Passed {
            ticket: Ticket(1),
            needs: 4,
            free: 1,
        };
        assert_eq!(promoted[0].past, Some(passed));
    }
}
