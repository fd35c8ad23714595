//! `reserve`: take the next ticket, then scan; who is not promoted by that scan waits, or is refused.

use super::{EventKind, Model, Rejection, Rsvp, Status, WaitingParty};

impl Model {
    pub(super) fn judge_reserve(
        &self,
        now_us: i64,
        by_host: bool,
        person: &str,
        guest_count: u32,
    ) -> Result<(), Rejection> {
        self.judge_entering(now_us, by_host)?;
        if self.rsvps.get(person).is_some_and(|row| row.status.is_live()) {
            return Err(Rejection::AlreadyReserved);
        }
        self.judge_size(guest_count)?;
        if self.is_confirmed_at_once(now_us, 1 + u64::from(guest_count)) {
            return Ok(());
        }
        self.judge_waiting()
    }

    /// More guests than one may bring, or more spots than there are.
    pub(super) fn judge_size(&self, guest_count: u32) -> Result<(), Rejection> {
        let spots = 1 + u64::from(guest_count);
        if guest_count > self.settings.max_guests || spots > u64::from(self.settings.capacity) {
            Err(Rejection::PartyTooLarge)
        } else {
            Ok(())
        }
    }

    /// Whether a newcomer fits and passes nobody who guards; while nobody may be promoted, nobody at all.
    fn is_confirmed_at_once(&self, now_us: i64, spots: u64) -> bool {
        if spots > self.available_spots() {
            return false;
        }
        if self.promotes_at(now_us) {
            !self.waiting.iter().any(|party| self.guards(party))
        } else {
            self.waiting.is_empty()
        }
    }

    /// Whether one more party may wait.
    fn judge_waiting(&self) -> Result<(), Rejection> {
        match self.settings.waitlist_capacity {
            None => Ok(()),
            Some(0) => Err(Rejection::ActivityFull),
            Some(parties) if self.waiting.len() as u64 >= u64::from(parties) => Err(Rejection::WaitlistFull),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn reserve(&mut self, person: &str, guest_count: u32, special_requirements: Option<String>) {
        let ticket = self.take_ticket();
        let (version, generation) = self
            .rsvps
            .get(person)
            .map_or((0, 0), |row| (row.version, row.generation));
        let row = Rsvp {
            status: Status::Waitlisted,
            guest_count,
            special_requirements,
            ticket,
            version,
            generation: generation + 1,
        };
        let spots = row.spots();
        self.rsvps.insert(person.to_owned(), row);

        let mut promoted = Vec::new();
        if !self.promotes_at(self.now_us) && self.is_confirmed_at_once(self.now_us, spots) {
            self.row_mut(person).status = Status::Confirmed;
            self.confirmed_spots += spots;
        } else {
            self.waiting.push(WaitingParty {
                ticket,
                members: vec![person.to_owned()],
                spots,
                passed: 0,
            });
            promoted = self.scan();
        }

        // The newcomer's own event comes first, and a newcomer who did not wait was never seen waiting.
        match self.row_mut(person).status {
            Status::Confirmed => self.emit(EventKind::Confirmed, person),
            _ => self.emit(EventKind::Waitlisted, person),
        }
        for party in promoted.iter().filter(|party| party.ticket != ticket) {
            self.tell_promoted(party);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, EventKind, Rejection, Request, Status};

    #[test]
    fn who_fits_is_confirmed_and_who_does_not_waits_with_a_place() {
        let mut model = capacity(2);
        assert_eq!(
            kinds(&reserve(&mut model, "ada", 1).unwrap()),
            [EventKind::Confirmed]
        );
        let bob = reserve(&mut model, "bob", 1).unwrap();
        assert_eq!(kinds(&bob), [EventKind::Waitlisted]);
        let cyd = reserve(&mut model, "cyd", 0).unwrap().rsvp.unwrap();
        assert_eq!(cyd.status, Status::Waitlisted);
        assert_eq!(
            (cyd.position, cyd.parties_ahead, cyd.spots_ahead),
            (Some(2), Some(1), Some(2))
        );
    }

    #[test]
    fn rejections_come_in_their_order() {
        let mut model = with(|settings| {
            settings.capacity = 1;
            settings.max_guests = 3;
            settings.opens_at_us = Some(100);
            settings.waitlist_capacity = Some(0);
        });
        host(
            &mut model,
            0,
            Command::Reserve {
                person: "ada".into(),
                guest_count: 0,
                special_requirements: None,
            },
        )
        .unwrap();
        assert_eq!(
            reserve_at(&mut model, 0, "ada", 9).unwrap_err(),
            Rejection::NotOpenYet
        );
        assert_eq!(
            reserve_at(&mut model, 100, "ada", 9).unwrap_err(),
            Rejection::AlreadyReserved
        );
        assert_eq!(
            reserve_at(&mut model, 100, "bob", 9).unwrap_err(),
            Rejection::PartyTooLarge
        );
        assert_eq!(
            reserve_at(&mut model, 100, "bob", 0).unwrap_err(),
            Rejection::ActivityFull
        );
        cancel_activity(&mut model).unwrap();
        assert_eq!(
            reserve_at(&mut model, 100, "bob", 9).unwrap_err(),
            Rejection::ActivityCancelled
        );
    }

    #[test]
    fn a_party_is_too_large_for_the_guests_allowed_or_for_the_capacity() {
        let mut model = with(|settings| {
            settings.capacity = 3;
            settings.max_guests = 5;
        });
        assert_eq!(
            reserve(&mut model, "ada", 6).unwrap_err(),
            Rejection::PartyTooLarge
        );
        assert_eq!(
            reserve(&mut model, "ada", 3).unwrap_err(),
            Rejection::PartyTooLarge
        );
        reserve(&mut model, "ada", 2).unwrap();
    }

    #[test]
    fn a_full_waitlist_refuses_only_those_who_would_wait() {
        let mut model = with(|settings| {
            settings.capacity = 3;
            settings.waitlist_capacity = Some(1);
        });
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        assert_eq!(
            reserve(&mut model, "cyd", 1).unwrap_err(),
            Rejection::WaitlistFull
        );
        assert_eq!(
            kinds(&reserve(&mut model, "dan", 0).unwrap()),
            [EventKind::Confirmed]
        );
    }

    #[test]
    fn a_rejected_newcomer_takes_no_ticket_and_passes_nobody() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.waitlist_capacity = Some(1);
        });
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        reserve(&mut model, "cyd", 1).unwrap_err();
        assert_eq!(model.waiting()[0].passed, 0);
        assert_eq!(reserve(&mut model, "dan", 0).unwrap().rsvp.unwrap().ticket, 3);
    }

    #[test]
    fn coming_back_keeps_the_row_with_a_new_ticket_and_without_its_text() {
        let mut model = capacity(2);
        let request = Command::Reserve {
            person: "ada".into(),
            guest_count: 0,
            special_requirements: Some("aisle".into()),
        };
        model.submit(&Request::new(0, request)).unwrap();
        cancel(&mut model, "ada").unwrap();
        let ada = reserve(&mut model, "ada", 1).unwrap().rsvp.unwrap();
        assert_eq!((ada.version, ada.generation, ada.ticket), (3, 2, 2));
        assert_eq!(ada.special_requirements, None);
    }

    #[test]
    fn while_paused_a_newcomer_is_confirmed_only_if_nobody_waits() {
        let mut model = capacity(2);
        pause(&mut model).unwrap();
        assert_eq!(
            kinds(&reserve(&mut model, "ada", 0).unwrap()),
            [EventKind::Confirmed]
        );
        assert_eq!(
            kinds(&reserve(&mut model, "bob", 1).unwrap()),
            [EventKind::Waitlisted],
            "does not fit"
        );
        assert_eq!(
            kinds(&reserve(&mut model, "cyd", 0).unwrap()),
            [EventKind::Waitlisted],
            "somebody waits"
        );
        assert!(model.waiting().iter().all(|party| party.passed == 0));
    }

    #[test]
    fn from_promote_until_on_a_newcomer_is_confirmed_only_if_nobody_waits() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.promote_until_us = Some(100);
        });
        assert_eq!(
            kinds(&reserve_at(&mut model, 100, "ada", 0).unwrap()),
            [EventKind::Confirmed]
        );
        assert_eq!(
            kinds(&reserve_at(&mut model, 100, "bob", 1).unwrap()),
            [EventKind::Waitlisted]
        );
        assert_eq!(
            kinds(&reserve_at(&mut model, 100, "cyd", 0).unwrap()),
            [EventKind::Waitlisted]
        );
    }

    #[test]
    fn while_paused_a_newcomer_who_would_wait_behind_somebody_needs_a_waitlist() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.waitlist_capacity = Some(1);
        });
        reserve(&mut model, "ada", 0).unwrap();
        pause(&mut model).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        assert_eq!(
            reserve(&mut model, "cyd", 0).unwrap_err(),
            Rejection::WaitlistFull
        );
    }
}
