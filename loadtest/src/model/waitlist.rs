//! The line and the scan: who is promoted, in which order, and past whom.

use super::{EventKind, Model, Promotion, Status};

/// One or more people who wait together with one ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingParty {
    /// Its place in the line is the order of tickets.
    pub ticket: u64,
    /// Who waits, in the order of their e-mail addresses; alone, with an account, the one who does.
    pub members: Vec<String>,
    /// Spots of all members together.
    pub spots: u64,
    /// How many parties with a later ticket the scan has promoted while this one waited.
    pub passed: u64,
}

/// A party that the scan has promoted.
pub(super) struct Turn {
    pub(super) party: WaitingParty,
    /// Past whom and why, in the words of the log: the first who still waited.
    pub(super) past: Option<String>,
}

impl Model {
    /// Promotes every party that fits and passes nobody who guards, in the order of tickets. The party with the
    /// ticket `newcomer` has just entered: to it nothing is offered. Answers who was promoted; telling of it is
    /// left to the command that caused it.
    pub(super) fn scan(&mut self, newcomer: Option<u64>) -> Vec<Turn> {
        let mut promoted = Vec::new();
        if !self.promotes_at(self.now_us) {
            return promoted;
        }
        while let Some(index) = self.next_to_promote() {
            let first = &self.waiting[0];
            let past = (index > 0).then(|| {
                let (ticket, needs, free) = (first.ticket, first.spots, self.available_spots());
                format!("promoted past ticket {ticket}, which needs {needs} of {free} free")
            });
            self.pass(index);
            let party = self.waiting.remove(index);
            self.give_spots(&party, newcomer == Some(party.ticket));
            promoted.push(Turn { party, past });
        }
        promoted
    }

    /// The first party in the line that fits into what is free, unless somebody before it guards.
    pub(super) fn next_to_promote(&self) -> Option<usize> {
        let available_spots = self.available_spots();
        if available_spots == 0 {
            return None;
        }
        for (index, party) in self.waiting.iter().enumerate() {
            if party.spots <= available_spots {
                return Some(index);
            }
            if self.guards(party) {
                return None;
            }
        }
        None
    }

    /// A party that could be seated at all, but was passed as often as it has patience for.
    pub(super) fn guards(&self, party: &WaitingParty) -> bool {
        self.is_feasible(party) && party.passed >= u64::from(self.settings.patience)
    }

    /// Whether the party fits into the whole capacity.
    pub(super) fn is_feasible(&self, party: &WaitingParty) -> bool {
        party.spots <= u64::from(self.settings.capacity)
    }

    /// Everybody before this place in the line is passed once more. Without patience every feasible party guards,
    /// so that only those at the front are promoted.
    pub(super) fn pass(&mut self, index: usize) {
        for before in 0..index {
            if self.guards(&self.waiting[before]) {
                self.breaches.push(format!(
                    "ticket {} guarded and was passed",
                    self.waiting[before].ticket
                ));
            }
            self.waiting[before].passed += 1;
        }
    }

    /// A party that is in the line no longer gets its spots: for certain or, where the activity offers them and
    /// it was not confirmed on arrival, until the offer ends.
    pub(super) fn give_spots(&mut self, party: &WaitingParty, is_newcomer: bool) {
        let end_us = match self.settings.promotion {
            Promotion::Offer { ttl_s } if !is_newcomer => Some(self.offer_end_us(ttl_s)),
            Promotion::Offer { .. } | Promotion::Auto => None,
        };
        for person in &party.members {
            let row = self.row_mut(person);
            row.offer_expires_at_us = end_us;
            row.status = if end_us.is_some() {
                Status::Offered
            } else {
                Status::Confirmed
            };
        }
        if end_us.is_some() {
            self.offered_spots += party.spots;
        } else {
            self.confirmed_spots += party.spots;
        }
    }

    /// Scans, and tells of everybody who was promoted.
    pub(super) fn scan_and_tell(&mut self) {
        for Turn { party, past } in self.scan(None) {
            self.tell_promoted(&party, past.as_deref());
        }
    }

    /// One event for each member of a promoted party.
    pub(super) fn tell_promoted(&mut self, party: &WaitingParty, reason: Option<&str>) {
        for person in &party.members {
            let kind = if self.row_mut(person).status == Status::Offered {
                EventKind::Offered
            } else {
                EventKind::Promoted
            };
            self.emit(kind, person, reason);
        }
    }

    /// Takes the party with this ticket out of the line.
    pub(super) fn leave_line(&mut self, ticket: u64) -> WaitingParty {
        let index = self
            .waiting
            .iter()
            .position(|party| party.ticket == ticket)
            .expect("whoever is waitlisted has a party in the line");
        self.waiting.remove(index)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{EventKind, Rejection, SettingsChange};

    /// A full activity of 4 whose line is: a party of 3, then singles.
    fn three_then_singles(patience: u32) -> crate::model::Model {
        let mut model = with(|settings| {
            settings.capacity = 4;
            settings.patience = patience;
        });
        for person in ["h1", "h2", "h3", "h4"] {
            reserve(&mut model, person, 0).unwrap();
        }
        reserve(&mut model, "three", 2).unwrap();
        for person in ["s1", "s2", "s3", "s4"] {
            reserve(&mut model, person, 0).unwrap();
        }
        model
    }

    #[test]
    fn the_line_is_promoted_in_the_order_of_tickets() {
        let mut model = three_then_singles(3);
        update(&mut model, "three", Some(0), None).unwrap();
        assert_eq!(promoted(&cancel(&mut model, "h1").unwrap()), ["three"]);
        assert_eq!(promoted(&cancel(&mut model, "h2").unwrap()), ["s1"]);
    }

    #[test]
    fn a_party_that_does_not_fit_may_be_passed_until_its_patience_ends() {
        let mut model = three_then_singles(2);
        assert_eq!(promoted(&cancel(&mut model, "h1").unwrap()), ["s1"]);
        assert_eq!(model.waiting()[0].passed, 1);
        assert_eq!(promoted(&cancel(&mut model, "h2").unwrap()), ["s2"]);
        assert_eq!(model.waiting()[0].passed, 2);
        assert!(
            promoted(&cancel(&mut model, "h3").unwrap()).is_empty(),
            "it guards"
        );
    }

    #[test]
    fn freed_spots_gather_for_a_guard_until_it_fits() {
        let mut model = three_then_singles(1);
        cancel(&mut model, "h1").unwrap();
        cancel(&mut model, "h2").unwrap();
        cancel(&mut model, "h3").unwrap();
        assert_eq!(promoted(&cancel(&mut model, "h4").unwrap()), ["three"]);
    }

    #[test]
    fn patience_ends_in_the_middle_of_a_scan() {
        let mut model = three_then_singles(1);
        reserve(&mut model, "s5", 0).unwrap();
        pause(&mut model).unwrap();
        cancel(&mut model, "h1").unwrap();
        cancel(&mut model, "h2").unwrap();
        assert_eq!(
            promoted(&resume(&mut model).unwrap()),
            ["s1"],
            "the second spot is kept for the three"
        );
    }

    #[test]
    fn patience_zero_is_strict_first_come_first_served() {
        let mut model = three_then_singles(0);
        assert!(promoted(&cancel(&mut model, "h1").unwrap()).is_empty());
        assert!(promoted(&cancel(&mut model, "h2").unwrap()).is_empty());
        assert_eq!(promoted(&cancel(&mut model, "h3").unwrap()), ["three"]);
    }

    #[test]
    fn passed_counts_everybody_behind_and_only_behind() {
        let mut model = three_then_singles(3);
        reserve(&mut model, "two", 1).unwrap();
        reserve(&mut model, "s6", 0).unwrap();
        for person in ["s1", "s2", "s3", "s4"] {
            cancel(&mut model, person).unwrap();
        }
        assert_eq!(promoted(&cancel(&mut model, "h1").unwrap()), ["s6"]);
        let passed: Vec<u64> = model.waiting().iter().map(|party| party.passed).collect();
        assert_eq!(passed, [1, 1]);
        assert_eq!(promoted(&cancel(&mut model, "h2").unwrap()), [""; 0]);
        assert_eq!(promoted(&cancel(&mut model, "h3").unwrap()), ["two"]);
        assert_eq!(model.waiting()[0].passed, 2);
    }

    #[test]
    fn a_newcomer_who_is_confirmed_past_the_line_counts_as_passing() {
        let mut model = three_then_singles(1);
        for person in ["s1", "s2", "s3", "s4"] {
            cancel(&mut model, person).unwrap();
        }
        cancel(&mut model, "h1").unwrap();
        assert_eq!(
            kinds(&reserve(&mut model, "new", 0).unwrap()),
            [EventKind::Confirmed]
        );
        assert_eq!(model.waiting()[0].passed, 1);
        cancel(&mut model, "h2").unwrap();
        assert_eq!(
            kinds(&reserve(&mut model, "late", 0).unwrap()),
            [EventKind::Waitlisted],
            "the three guard"
        );
    }

    #[test]
    fn an_infeasible_party_keeps_its_ticket_does_not_guard_and_guards_again_later() {
        let mut model = three_then_singles(0);
        set_capacity(&mut model, 2).unwrap();
        let ticket = model.rsvp("three").unwrap().ticket;
        cancel(&mut model, "h1").unwrap();
        cancel(&mut model, "h2").unwrap();
        assert_eq!(
            promoted(&cancel(&mut model, "h3").unwrap()),
            ["s1"],
            "it does not guard"
        );
        assert_eq!(model.rsvp("three").unwrap().position, Some(1));
        assert_eq!(model.rsvp("three").unwrap().ticket, ticket);
        assert!(
            promoted(&set_capacity(&mut model, 3).unwrap()).is_empty(),
            "it guards"
        );
        assert_eq!(promoted(&set_capacity(&mut model, 5).unwrap()), ["three"]);
    }

    #[test]
    fn nobody_is_promoted_while_paused_and_everybody_who_may_on_resuming() {
        let mut model = three_then_singles(3);
        pause(&mut model).unwrap();
        assert!(promoted(&cancel(&mut model, "h1").unwrap()).is_empty());
        assert!(promoted(&cancel(&mut model, "h2").unwrap()).is_empty());
        assert_eq!(promoted(&resume(&mut model).unwrap()), ["s1", "s2"]);
    }

    #[test]
    fn nobody_is_promoted_from_promote_until_on() {
        let mut model = with(|settings| {
            settings.capacity = 1;
            settings.promote_until_us = Some(100);
        });
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        reserve_at(&mut model, 0, "bob", 0).unwrap();
        reserve_at(&mut model, 0, "cyd", 0).unwrap();
        assert_eq!(promoted(&cancel_at(&mut model, 99, "ada").unwrap()), ["bob"]);
        assert!(promoted(&cancel_at(&mut model, 100, "bob").unwrap()).is_empty());
    }

    #[test]
    fn promote_until_is_the_start_unless_set() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        assert!(promoted(&cancel_at(&mut model, STARTS_AT_US, "ada").unwrap()).is_empty());
    }

    #[test]
    fn a_shorter_waitlist_sends_nobody_away() {
        let mut model = capacity(1);
        for person in ["ada", "bob", "cyd", "dan"] {
            reserve(&mut model, person, 0).unwrap();
        }
        let shorter = SettingsChange {
            waitlist_capacity: Some(Some(1)),
            ..SettingsChange::default()
        };
        let answer = change(&mut model, shorter).unwrap();
        assert_eq!(kinds(&answer), [EventKind::ActivityUpdated]);
        assert_eq!(line(&model), [["bob"], ["cyd"], ["dan"]]);

        // Newcomers may wait again once fewer wait than may.
        for leaves in ["ada", "cyd"] {
            let refusal = reserve(&mut model, "eve", 0).unwrap_err();
            assert_eq!(refusal, Rejection::WaitlistFull);
            cancel(&mut model, leaves).unwrap();
        }
        assert_eq!(line(&model), [["dan"]]);
        let refusal = reserve(&mut model, "eve", 0).unwrap_err();
        assert_eq!(refusal, Rejection::WaitlistFull);
        cancel(&mut model, "bob").unwrap();
        reserve(&mut model, "eve", 0).unwrap();
        assert_eq!(line(&model), [["eve"]]);
    }

    #[test]
    fn lowering_the_patience_makes_a_passed_party_guard() {
        let mut model = three_then_singles(3);
        cancel(&mut model, "h1").unwrap();
        change(
            &mut model,
            SettingsChange {
                patience: Some(1),
                ..SettingsChange::default()
            },
        )
        .unwrap();
        assert!(promoted(&cancel(&mut model, "h2").unwrap()).is_empty());
    }
}
