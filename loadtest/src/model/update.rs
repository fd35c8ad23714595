//! `update`: another number of guests, another text, another name. Growing is like entering, shrinking like
//! leaving.

use super::{Command, EventKind, Model, Rejection, Rsvp, Status, WaitingParty, is_guest};

impl Model {
    pub(super) fn judge_update(
        &self,
        now_us: i64,
        by_host: bool,
        command: &Command,
    ) -> Result<(), Rejection> {
        let Command::Update {
            person,
            guest_count,
            name,
            if_version,
            ..
        } = command
        else {
            return Ok(());
        };
        let row = self.row_at(person, *if_version)?;
        let new_guest_count = guest_count.unwrap_or(row.guest_count);
        let grows = new_guest_count > row.guest_count;
        if grows {
            self.judge_entering(now_us, by_host)?;
        } else {
            self.judge_leaving(now_us, by_host)?;
        }
        row.judge_live()?;
        if name.is_some() && !is_guest(person) {
            return Err(Rejection::Invalid);
        }
        if grows {
            self.judge_growth(row, new_guest_count)?;
        }
        Ok(())
    }

    fn judge_growth(&self, row: &Rsvp, new_guest_count: u32) -> Result<(), Rejection> {
        let more_spots = u64::from(new_guest_count - row.guest_count);
        self.judge_guests(new_guest_count)?;
        if row.status == Status::Waitlisted {
            let party = self.waiting.iter().find(|party| party.ticket == row.ticket);
            let spots = party.map_or(0, |party| party.spots);
            return self.judge_spots(spots + more_spots);
        }
        self.judge_spots(1 + u64::from(new_guest_count))?;
        self.judge_growth_in_place(more_spots)
    }

    /// Whoever holds spots grows only into free ones that no feasible party waits for.
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
        name: Option<&str>,
    ) {
        let old = self.row_mut(person).clone();
        let mut new = old.clone();
        new.guest_count = guest_count.unwrap_or(old.guest_count);
        if let Some(text) = special_requirements {
            new.special_requirements.clone_from(text);
        }
        if let Some(name) = name {
            new.name = Some(name.to_owned());
        }
        if new == old {
            return;
        }
        *self.row_mut(person) = new.clone();
        let (spots, old_spots) = (new.spots(), old.spots());
        let mut moved = Vec::new();
        match old.status {
            Status::Confirmed => self.confirmed_spots = self.confirmed_spots - old_spots + spots,
            Status::Offered => self.offered_spots = self.offered_spots - old_spots + spots,
            _ if spots > old_spots => moved = self.grow_in_line(old.ticket, spots - old_spots),
            _ => self.shrink_in_line(old.ticket, old_spots - spots),
        }
        self.emit(EventKind::Updated, person, None);
        for other in moved.iter().filter(|other| *other != person) {
            self.emit(EventKind::Updated, other, None);
        }
    }

    /// The whole party goes to the tail with a new ticket, and nobody has passed it there yet. Answers its
    /// members.
    fn grow_in_line(&mut self, old_ticket: u64, more_spots: u64) -> Vec<String> {
        let party = self.leave_line(old_ticket);
        let ticket = self.take_ticket();
        for person in &party.members {
            self.row_mut(person).ticket = ticket;
        }
        let members = party.members.clone();
        self.waiting.push(WaitingParty {
            ticket,
            spots: party.spots + more_spots,
            passed: 0,
            ..party
        });
        members
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
    use crate::model::{Command, EventKind, Refusal, Rejection, Request, Status};

    fn update_if(
        model: &mut crate::model::Model,
        at_us: i64,
        person: &str,
        guest_count: u32,
        if_version: u64,
    ) -> Result<crate::model::Answer, Refusal> {
        let command = Command::Update {
            person: person.into(),
            guest_count: Some(guest_count),
            special_requirements: None,
            name: None,
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
            Rejection::PartyTooLarge { limit: 2 }
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
        assert_eq!(
            ada.rsvp().unwrap().clone().ticket,
            1,
            "a confirmed party keeps its ticket"
        );
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
        let bob = bob.rsvp().unwrap().clone();
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
            Rejection::PartyTooLarge { limit: 2 }
        );
    }

    #[test]
    fn shrinking_a_waiting_party_keeps_its_place_and_how_often_it_was_passed() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 2).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(model.waiting()[0].passed, 1);
        let bob = update(&mut model, "bob", Some(1), None)
            .unwrap()
            .rsvp()
            .unwrap()
            .clone();
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
        let bob = bob.rsvp().unwrap().clone();
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
        assert_eq!((ada.seq, ada.rsvp().unwrap().clone().version), (2, 1));
    }

    #[test]
    fn a_text_changes_without_moving_anybody() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        let bob = update(&mut model, "bob", None, Some(Some("aisle")))
            .unwrap()
            .rsvp()
            .unwrap()
            .clone();
        assert_eq!(
            (bob.ticket, bob.version, bob.special_requirements),
            (2, 2, Some("aisle".into()))
        );
    }

    fn rename(person: &str, name: &str, guest_count: Option<u32>) -> Command {
        Command::Update {
            person: person.into(),
            guest_count,
            special_requirements: None,
            name: Some(name.into()),
            if_version: None,
        }
    }

    #[test]
    fn the_name_of_a_guest_changes_like_a_text() {
        let mut model = with(|settings| {
            settings.closes_at_us = Some(50);
            settings.cancel_until_us = Some(100);
        });
        reserve(&mut model, "ada@x.org", 0).unwrap();
        let answer = ask(&mut model, 99, rename("ada@x.org", "Ada", None)).unwrap();
        assert_eq!(kinds(&answer), [EventKind::Updated]);
        let ada = answer.rsvp().unwrap();
        assert_eq!((ada.name.as_deref(), ada.version), (Some("Ada"), 2));
        let again = ask(&mut model, 99, rename("ada@x.org", "Ada", None)).unwrap();
        assert!(!again.changed);
        let late = ask(&mut model, 100, rename("ada@x.org", "Eve", None));
        assert_eq!(late.unwrap_err(), Rejection::TooLate);
    }

    #[test]
    fn the_name_of_an_account_does_not_change_here() {
        let mut model = capacity(9);
        let ask = |model: &mut crate::model::Model| {
            let refusal = model.submit(&Request::new(0, rename("ada", "Ada", Some(99))));
            refusal.unwrap_err().rejection
        };
        assert_eq!(ask(&mut model), Rejection::NotFound);
        reserve(&mut model, "ada", 0).unwrap();
        assert_eq!(
            ask(&mut model),
            Rejection::Invalid,
            "before the guests are counted"
        );
        cancel(&mut model, "ada").unwrap();
        assert_eq!(ask(&mut model), Rejection::AlreadyCancelled);
    }
}
