//! `update`: another number of guests, another text. Growing is like entering, shrinking like leaving.

use super::{EventKind, Model, Rejection, Status, WaitingParty};

impl Model {
    pub(super) fn judge_update(
        &self,
        now_us: i64,
        by_host: bool,
        person: &str,
        guest_count: Option<u32>,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let row = self.rsvps.get(person).ok_or(Rejection::NotFound)?;
        if if_version.is_some_and(|version| version != row.version) {
            return Err(Rejection::VersionConflict);
        }
        let new_guest_count = guest_count.unwrap_or(row.guest_count);
        let grows = new_guest_count > row.guest_count;
        if grows {
            self.judge_entering(now_us, by_host)?;
        } else {
            self.judge_leaving(now_us, by_host)?;
        }
        if !row.status.is_live() {
            return Err(Rejection::AlreadyCancelled);
        }
        if grows {
            self.judge_size(new_guest_count)?;
        }
        if grows && row.status == Status::Confirmed {
            self.judge_growth_in_place(u64::from(new_guest_count - row.guest_count))?;
        }
        Ok(())
    }

    /// A confirmed party grows only into free spots that no feasible party waits for.
    fn judge_growth_in_place(&self, more_spots: u64) -> Result<(), Rejection> {
        let somebody_waits = self.waiting.iter().any(|party| self.is_feasible(party));
        if somebody_waits || more_spots > self.available_spots() {
            Err(Rejection::NoFreeSpots)
        } else {
            Ok(())
        }
    }

    pub(super) fn update(
        &mut self,
        person: &str,
        guest_count: Option<u32>,
        special_requirements: Option<&Option<String>>,
    ) {
        let old = self.row_mut(person).clone();
        let guest_count = guest_count.unwrap_or(old.guest_count);
        let text = special_requirements.unwrap_or(&old.special_requirements).clone();
        if guest_count == old.guest_count && text == old.special_requirements {
            return;
        }
        let spots = 1 + u64::from(guest_count);
        match old.status {
            Status::Confirmed => self.confirmed_spots = self.confirmed_spots - old.spots() + spots,
            _ if spots > old.spots() => self.grow_in_line(old.ticket, spots - old.spots()),
            _ => self.shrink_in_line(old.ticket, old.spots() - spots),
        }
        let row = self.row_mut(person);
        row.guest_count = guest_count;
        row.special_requirements = text;
        self.emit(EventKind::Updated, person);
        self.scan_and_tell();
    }

    /// The whole party goes to the tail with a new ticket, and nobody has passed it there yet.
    fn grow_in_line(&mut self, old_ticket: u64, more_spots: u64) {
        let party = self.leave_line(old_ticket);
        let ticket = self.take_ticket();
        for person in &party.members {
            self.row_mut(person).ticket = ticket;
        }
        self.waiting.push(WaitingParty {
            ticket,
            spots: party.spots + more_spots,
            passed: 0,
            ..party
        });
    }

    /// The party keeps its place, and how often it was passed.
    fn shrink_in_line(&mut self, ticket: u64, fewer_spots: u64) {
        for party in &mut self.waiting {
            if party.ticket == ticket {
                party.spots -= fewer_spots;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, EventKind, Rejection, Request, Status};

    fn update_if(
        model: &mut crate::model::Model,
        at_us: i64,
        person: &str,
        guest_count: u32,
        if_version: u64,
    ) -> Result<crate::model::Answer, Rejection> {
        let command = Command::Update {
            person: person.into(),
            guest_count: Some(guest_count),
            special_requirements: None,
            if_version: Some(if_version),
        };
        model.submit(&Request::new(at_us, command))
    }

    #[test]
    fn rejections_come_in_their_order() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.closes_at_us = Some(100);
        });
        assert_eq!(
            update_if(&mut model, 0, "ada", 9, 7).unwrap_err(),
            Rejection::NotFound
        );
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        reserve_at(&mut model, 0, "bob", 0).unwrap();
        cancel_at(&mut model, 0, "bob").unwrap();
        reserve_at(&mut model, 0, "cyd", 0).unwrap();
        assert_eq!(
            update_if(&mut model, 0, "bob", 9, 7).unwrap_err(),
            Rejection::VersionConflict
        );
        assert_eq!(
            update_if(&mut model, 0, "bob", 9, 2).unwrap_err(),
            Rejection::AlreadyCancelled
        );
        assert_eq!(
            update_if(&mut model, 0, "ada", 9, 1).unwrap_err(),
            Rejection::PartyTooLarge
        );
        assert_eq!(
            update_if(&mut model, 0, "ada", 1, 1).unwrap_err(),
            Rejection::NoFreeSpots
        );
        assert_eq!(
            update_if(&mut model, 100, "bob", 9, 7).unwrap_err(),
            Rejection::VersionConflict
        );
        assert_eq!(
            update_if(&mut model, 100, "bob", 9, 2).unwrap_err(),
            Rejection::Closed
        );
        cancel_activity(&mut model).unwrap();
        assert_eq!(
            update_if(&mut model, 0, "zoe", 9, 7).unwrap_err(),
            Rejection::ActivityCancelled
        );
    }

    #[test]
    fn a_confirmed_party_grows_into_free_spots() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 0).unwrap();
        let ada = update(&mut model, "ada", Some(2), None).unwrap();
        assert_eq!(kinds(&ada), [EventKind::Updated]);
        assert_eq!(ada.rsvp.unwrap().ticket, 1, "a confirmed party keeps its ticket");
        assert_eq!(model.counts().confirmed_spots, 3);
    }

    #[test]
    fn a_confirmed_party_may_not_grow_while_a_feasible_party_waits() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 2).unwrap();
        assert_eq!(
            update(&mut model, "ada", Some(1), None).unwrap_err(),
            Rejection::NoFreeSpots
        );
        set_capacity(&mut model, 2).unwrap();
        update(&mut model, "ada", Some(1), None).unwrap();
    }

    #[test]
    fn a_confirmed_party_may_not_grow_above_what_is_free() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        assert_eq!(
            update(&mut model, "ada", Some(2), None).unwrap_err(),
            Rejection::NoFreeSpots
        );
    }

    #[test]
    fn shrinking_a_confirmed_party_promotes() {
        let mut model = capacity(2);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        let answer = update(&mut model, "ada", Some(0), None).unwrap();
        assert_eq!(kinds(&answer), [EventKind::Updated, EventKind::Promoted]);
        assert_eq!(answer.seq, 4);
    }

    #[test]
    fn growing_a_waiting_party_moves_it_to_the_tail_with_a_new_ticket() {
        let mut model = capacity(2);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        let bob = update(&mut model, "bob", Some(1), None).unwrap();
        assert_eq!(bob.events[0].ticket, Some(4));
        let bob = bob.rsvp.unwrap();
        assert_eq!((bob.ticket, bob.position, bob.spots_ahead), (4, Some(2), Some(1)));
    }

    #[test]
    fn a_guard_that_grows_lets_those_behind_it_pass() {
        let mut model = with(|settings| {
            settings.capacity = 3;
            settings.patience = 0;
        });
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        reserve(&mut model, "two", 1).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(model.rsvp("cyd").unwrap().status, Status::Waitlisted);
        let answer = update(&mut model, "two", Some(2), None).unwrap();
        assert_eq!(promoted(&answer), ["cyd"]);
        assert_eq!(model.waiting()[0].passed, 0);
    }

    #[test]
    fn a_waiting_party_grows_no_further_than_the_capacity() {
        let mut model = capacity(2);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        assert_eq!(
            update(&mut model, "bob", Some(2), None).unwrap_err(),
            Rejection::PartyTooLarge
        );
    }

    #[test]
    fn shrinking_a_waiting_party_keeps_its_place_and_how_often_it_was_passed() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 2).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(model.waiting()[0].passed, 1);
        let bob = update(&mut model, "bob", Some(1), None).unwrap().rsvp.unwrap();
        assert_eq!((bob.ticket, bob.position), (2, Some(1)));
        assert_eq!(model.waiting()[0].passed, 1);
    }

    #[test]
    fn a_waiting_party_that_shrinks_until_it_fits_is_updated_then_promoted() {
        let mut model = capacity(2);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        let bob = update(&mut model, "bob", Some(0), None).unwrap();
        assert_eq!(kinds(&bob), [EventKind::Updated, EventKind::Promoted]);
        let bob = bob.rsvp.unwrap();
        assert_eq!((bob.status, bob.version), (Status::Confirmed, 3));
    }

    #[test]
    fn shrinking_is_never_too_large() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 5).unwrap();
        set_capacity(&mut model, 2).unwrap();
        update(&mut model, "ada", Some(4), None).unwrap();
    }

    #[test]
    fn an_update_that_changes_nothing_is_fine_and_has_no_effect() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        let ada = update(&mut model, "ada", Some(0), Some(None)).unwrap();
        assert!(ada.events.is_empty());
        assert_eq!((ada.seq, ada.rsvp.unwrap().version), (2, 1));
    }

    #[test]
    fn a_text_changes_without_moving_anybody() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        let bob = update(&mut model, "bob", None, Some(Some("aisle")))
            .unwrap()
            .rsvp
            .unwrap();
        assert_eq!(
            (bob.ticket, bob.version, bob.special_requirements),
            (2, 2, Some("aisle".into()))
        );
    }
}
