//! `reserve`: take the next ticket, then scan; who is not promoted by that scan waits, or is refused.

use super::{EventKind, Model, Rejection, Rsvp, Status, WaitingParty};

/// Somebody who enters.
pub(super) struct Newcomer<'a> {
    pub(super) person: &'a str,
    pub(super) guest_count: u32,
    pub(super) special_requirements: Option<String>,
}

impl Model {
    pub(super) fn judge_reserve(
        &self,
        now_us: i64,
        by_host: bool,
        person: &str,
        guest_count: u32,
    ) -> Result<(), Rejection> {
        self.judge_entering(now_us, by_host)?;
        self.judge_newcomer(now_us, person, guest_count)
    }

    /// All but the time window.
    pub(super) fn judge_newcomer(
        &self,
        now_us: i64,
        person: &str,
        guest_count: u32,
    ) -> Result<(), Rejection> {
        if self.has_live_rsvp(person) {
            return Err(Rejection::AlreadyReserved);
        }
        let spots = 1 + u64::from(guest_count);
        self.judge_guests(guest_count)?;
        self.judge_spots(spots)?;
        self.judge_place(now_us, spots)
    }

    pub(super) fn has_live_rsvp(&self, person: &str) -> bool {
        self.rsvps.get(person).is_some_and(|row| row.status.is_live())
    }

    /// More guests than one may bring.
    pub(super) fn judge_guests(&self, guest_count: u32) -> Result<(), Rejection> {
        let limit = self.settings.max_guests;
        if guest_count > limit {
            Err(Rejection::PartyTooLarge { limit })
        } else {
            Ok(())
        }
    }

    /// More spots than there are.
    pub(super) fn judge_spots(&self, spots: u64) -> Result<(), Rejection> {
        let limit = self.settings.capacity;
        if spots > u64::from(limit) {
            Err(Rejection::PartyTooLarge { limit })
        } else {
            Ok(())
        }
    }

    /// Whether a party of newcomers finds spots, or may wait for them.
    pub(super) fn judge_place(&self, now_us: i64, spots: u64) -> Result<(), Rejection> {
        if self.is_confirmed_at_once(now_us, spots) {
            Ok(())
        } else {
            self.judge_waiting()
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
        let newcomer = Newcomer {
            person,
            guest_count,
            special_requirements,
        };
        self.enter(&[newcomer], None, None);
    }

    /// One party takes the next ticket, and the scan runs.
    pub(super) fn enter(&mut self, newcomers: &[Newcomer<'_>], group: Option<u32>, booked_by: Option<&str>) {
        let ticket = self.take_ticket();
        let mut party = WaitingParty {
            ticket,
            members: Vec::new(),
            spots: 0,
            passed: 0,
        };
        for newcomer in newcomers {
            let row = Rsvp {
                status: Status::Waitlisted,
                guest_count: newcomer.guest_count,
                special_requirements: newcomer.special_requirements.clone(),
                name: None,
                ticket,
                group,
                booked_by: booked_by.map(str::to_owned),
                offer_expires_at_us: None,
                checked_in_at_us: None,
                version: 0,
                generation: 0,
            };
            party.members.push(newcomer.person.to_owned());
            party.spots += row.spots();
            self.begin_life(newcomer.person, row);
        }
        party.members.sort_unstable();

        let mut promoted = Vec::new();
        if !self.promotes_at(self.now_us) && self.is_confirmed_at_once(self.now_us, party.spots) {
            self.give_spots(&party, true);
        } else {
            self.waiting.push(party);
            promoted = self.scan(Some(ticket));
        }

        // The newcomers' own events come first, and newcomers who did not wait were never seen waiting.
        for newcomer in newcomers {
            match self.row_mut(newcomer.person).status {
                Status::Confirmed => self.emit(EventKind::Confirmed, newcomer.person, None),
                _ => self.emit(EventKind::Waitlisted, newcomer.person, None),
            }
        }
        for turn in promoted.iter().filter(|turn| turn.party.ticket != ticket) {
            self.tell_promoted(&turn.party, turn.past.as_deref());
        }
    }

    /// A new row for whoever comes for the first time; otherwise the old one, with everything in it new but the
    /// version, which goes on, and the generation, which is the next.
    pub(super) fn begin_life(&mut self, person: &str, row: Rsvp) {
        let old = self.rsvps.get(person);
        let (version, generation) = old.map_or((0, 0), |old| (old.version, old.generation));
        let row = Rsvp {
            version,
            generation: generation + 1,
            ..row
        };
        self.rsvps.insert(person.to_owned(), row);
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
        let cyd = reserve(&mut model, "cyd", 0).unwrap().rsvp().unwrap().clone();
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
            Rejection::PartyTooLarge { limit: 3 }
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
            Rejection::PartyTooLarge { limit: 5 }
        );
        assert_eq!(
            reserve(&mut model, "ada", 3).unwrap_err(),
            Rejection::PartyTooLarge { limit: 3 }
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
        assert_eq!(
            reserve(&mut model, "dan", 0)
                .unwrap()
                .rsvp()
                .unwrap()
                .clone()
                .ticket,
            3
        );
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
        let ada = reserve(&mut model, "ada", 1).unwrap().rsvp().unwrap().clone();
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
