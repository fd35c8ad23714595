//! Offers: a promotion that waits to be accepted. It is the party's: whoever answers, answers for all.

use std::collections::HashSet;

use super::{CancelReason, EventKind, Model, Rejection, Status};

/// So many offers end with one command, and whoever is with them; the next end with the next.
const ENDED_AT_ONCE: usize = 1_000;

impl Model {
    /// Lets an offer end a little later. It is for whoever knows its time to the millisecond alone, and which of two
    /// of the same millisecond was made first.
    pub(crate) fn postpone_offer(&mut self, person: &str, by_us: i64) {
        if let Some(row) = self.rsvps.get_mut(person)
            && let Some(end_us) = &mut row.offer_expires_at_us
        {
            *end_us += by_us;
        }
    }

    /// When an offer that is made now ends: after its time, and at the latest when promotion ends. By hand one may
    /// be made later than that.
    pub(super) fn offer_end_us(&self, ttl_s: u32) -> i64 {
        let end_us = self.now_us.saturating_add(i64::from(ttl_s) * 1_000_000);
        let promote_until_us = self.promote_until_us();
        if self.now_us < promote_until_us {
            end_us.min(promote_until_us)
        } else {
            end_us
        }
    }

    /// When the offer ends that ends first.
    pub fn first_offer_end_us(&self) -> Option<i64> {
        self.rsvps
            .values()
            .filter_map(|row| row.offer_expires_at_us)
            .min()
    }

    pub(super) fn judge_accept(
        &self,
        now_us: i64,
        person: &str,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let row = self.row_at(person, if_version)?;
        row.judge_live()?;
        if row.offer_expires_at_us.is_some_and(|end_us| now_us < end_us) {
            Ok(())
        } else {
            Err(Rejection::NotOffered)
        }
    }

    pub(super) fn judge_decline(
        &self,
        now_us: i64,
        by_host: bool,
        person: &str,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let row = self.row_at(person, if_version)?;
        self.judge_leaving(now_us, by_host)?;
        row.judge_live()?;
        if row.status == Status::Offered {
            Ok(())
        } else {
            Err(Rejection::NotOffered)
        }
    }

    pub(super) fn accept(&mut self, person: &str) {
        for member in self.party_of(person) {
            let now_us = self.now_us;
            let row = self.row_mut(&member);
            let was_over = row.offer_expires_at_us.is_none_or(|end_us| end_us <= now_us);
            row.status = Status::Confirmed;
            row.offer_expires_at_us = None;
            let spots = row.spots();
            self.offered_spots -= spots;
            self.confirmed_spots += spots;
            self.emit(EventKind::Accepted, &member, None);
            if was_over {
                self.breaches.push(format!("{member} accepted what was over"));
            }
        }
    }

    pub(super) fn decline(&mut self, person: &str) {
        for member in self.party_of(person) {
            self.end(&member, EventKind::Declined, CancelReason::OfferDeclined);
        }
    }

    /// Ends what is over, in the order of ends and then of people: the first so many, and whoever is with them.
    pub(super) fn expire(&mut self) {
        let mut over: Vec<(i64, String)> = Vec::new();
        for (person, row) in &self.rsvps {
            if let Some(end_us) = row.offer_expires_at_us
                && end_us <= self.now_us
            {
                over.push((end_us, person.clone()));
            }
        }
        over.sort_unstable();
        if over.len() > ENDED_AT_ONCE {
            let first = over[..ENDED_AT_ONCE].iter();
            let chosen: HashSet<String> = first.flat_map(|(_, person)| self.party_of(person)).collect();
            over.retain(|(_, person)| chosen.contains(person));
        }
        for (_, person) in over {
            self.end(&person, EventKind::Expired, CancelReason::OfferExpired);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{
        CancelReason, EventKind, Model, Promotion, Rejection, Request, SettingsChange, Status,
    };

    const AMY: &str = "amy@x.org";
    const BEN: &str = "ben@x.org";

    /// Two spots, offers of ten seconds: Ada had both and left at 0, so they are offered to a group; Cyd waits.
    fn offered_to_two() -> Model {
        let mut model = offering(2, 10);
        reserve(&mut model, "ada", 1).unwrap();
        group(&mut model, &[(BEN, 0), (AMY, 0)]).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        let answer = cancel(&mut model, "ada").unwrap();
        assert_eq!(
            story(&answer),
            [
                (EventKind::Cancelled, "ada"),
                (EventKind::Offered, AMY),
                (EventKind::Offered, BEN)
            ]
        );
        model
    }

    #[test]
    fn in_offer_mode_a_promotion_holds_its_spots_until_it_is_answered() {
        let model = offered_to_two();
        for person in [AMY, BEN] {
            let row = row(&model, person);
            assert_eq!(
                (row.status, row.offer_expires_at_us, row.version),
                (Status::Offered, Some(10 * SECOND_US), 2)
            );
        }
        let counts = model.counts();
        assert_eq!(
            (
                counts.confirmed_spots,
                counts.offered_spots,
                counts.available_spots
            ),
            (0, 2, 0)
        );
        assert_eq!(line(&model), [["cyd"]]);
        assert_eq!(model.rsvp(AMY).unwrap().position, None);
    }

    #[test]
    fn an_offer_ends_after_its_time_and_at_the_latest_when_promotion_ends() {
        for (promote_until_s, end_s) in [(None, 15), (Some(12), 12), (Some(6), 6)] {
            let mut model = offering(1, 10);
            model.settings.promote_until_us = promote_until_s.map(|seconds| seconds * SECOND_US);
            reserve(&mut model, "ada", 0).unwrap();
            reserve(&mut model, "bob", 0).unwrap();
            cancel_at(&mut model, 5 * SECOND_US, "ada").unwrap();
            assert_eq!(row(&model, "bob").offer_expires_at_us, Some(end_s * SECOND_US));
            assert_eq!(model.first_offer_end_us(), Some(end_s * SECOND_US));
        }
    }

    #[test]
    fn a_newcomer_who_fits_is_confirmed_also_in_offer_mode() {
        let mut model = offering(2, 10);
        assert_eq!(
            kinds(&reserve(&mut model, "ada", 0).unwrap()),
            [EventKind::Confirmed]
        );
        reserve(&mut model, "two", 1).unwrap();
        let past_somebody = reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(kinds(&past_somebody), [EventKind::Confirmed]);
        assert_eq!(model.counts().offered_spots, 0);
    }

    #[test]
    fn an_offer_that_the_scan_makes_counts_as_passing() {
        let mut model = offering(3, 10);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        reserve(&mut model, "three", 2).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(
            kinds(&cancel(&mut model, "ada").unwrap())[1..],
            [EventKind::Offered]
        );
        assert_eq!(model.waiting()[0].passed, 1);
    }

    #[test]
    fn whoever_accepts_accepts_for_the_whole_party_and_nobody_moves() {
        let mut model = offered_to_two();
        let answer = accept(&mut model, 1, BEN).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Accepted, AMY), (EventKind::Accepted, BEN)]
        );
        assert_eq!(told(&answer), [BEN]);
        for person in [AMY, BEN] {
            let row = row(&model, person);
            assert_eq!((row.status, row.offer_expires_at_us), (Status::Confirmed, None));
            assert_eq!((row.ticket, row.version), (2, 3));
        }
        assert_eq!((model.confirmed_spots(), model.held_spots()), (2, 2));
        assert_eq!(line(&model), [["cyd"]]);
    }

    #[test]
    fn an_offer_is_accepted_before_its_end_and_not_from_then_on() {
        let mut late = offered_to_two();
        let mut in_time = late.clone();
        assert_eq!(
            accept(&mut late, 10 * SECOND_US, AMY).unwrap_err(),
            Rejection::NotOffered
        );
        accept(&mut in_time, 10 * SECOND_US - 1, AMY).unwrap();
        let nothing_is_over = expire(&mut in_time, 10 * SECOND_US).unwrap();
        assert!(!nothing_is_over.changed, "who accepted in time stays");
    }

    #[test]
    fn no_window_binds_accepting() {
        let mut model = offered_to_two();
        model.settings.closes_at_us = Some(1);
        model.settings.cancel_until_us = Some(1);
        accept(&mut model, 2, AMY).unwrap();
    }

    #[test]
    fn whoever_declines_declines_for_the_whole_party_and_the_spots_go_on() {
        let mut model = offered_to_two();
        let answer = decline(&mut model, SECOND_US, BEN).unwrap();
        assert_eq!(
            story(&answer),
            [
                (EventKind::Declined, AMY),
                (EventKind::Declined, BEN),
                (EventKind::Offered, "cyd")
            ]
        );
        assert_eq!(answer.events[0].reason.as_deref(), Some("offer_declined"));
        let amy = row(&model, AMY);
        assert_eq!(amy.status, Status::Cancelled(CancelReason::OfferDeclined));
        assert_eq!(amy.offer_expires_at_us, None);
        assert_eq!(row(&model, "cyd").offer_expires_at_us, Some(11 * SECOND_US));
    }

    #[test]
    fn declining_is_allowed_until_cancel_until_and_hosts_are_exempt() {
        let mut model = offered_to_two();
        model.settings.cancel_until_us = Some(100);
        assert_eq!(decline(&mut model, 100, AMY).unwrap_err(), Rejection::TooLate);
        host(&mut model, 100, decline_of(AMY)).unwrap();
    }

    #[test]
    fn only_what_is_offered_is_accepted_or_declined() {
        let mut model = offered_to_two();
        model.settings.cancel_until_us = Some(100);
        let answer = |model: &mut Model, at_us, person: &str| {
            let accepted = accept(model, at_us, person).map_err(|refusal| refusal.rejection);
            let declined = decline(model, at_us, person).map_err(|refusal| refusal.rejection);
            (accepted.unwrap_err(), declined.unwrap_err())
        };
        let nowhere = (Rejection::NotFound, Rejection::NotFound);
        assert_eq!(answer(&mut model, 0, "eve"), nowhere);
        let waits = (Rejection::NotOffered, Rejection::NotOffered);
        assert_eq!(answer(&mut model, 0, "cyd"), waits);
        let is_out = (Rejection::AlreadyCancelled, Rejection::AlreadyCancelled);
        assert_eq!(answer(&mut model, 0, "ada"), is_out);
        accept(&mut model, 0, AMY).unwrap();
        let is_in = (Rejection::NotOffered, Rejection::NotOffered);
        assert_eq!(answer(&mut model, 0, AMY), is_in);
        let too_late = (Rejection::AlreadyCancelled, Rejection::TooLate);
        assert_eq!(answer(&mut model, 100, "ada"), too_late);
    }

    #[test]
    fn an_offer_is_answered_at_the_version_asked_for() {
        let mut model = offered_to_two();
        model.settings.cancel_until_us = Some(0);
        for if_version in [Some(1), Some(3)] {
            let person = AMY.to_owned();
            let (other, command) = (
                person.clone(),
                crate::model::Command::Accept { person, if_version },
            );
            assert_eq!(
                ask(&mut model, 0, command).unwrap_err(),
                Rejection::VersionConflict
            );
            let command = crate::model::Command::Decline {
                person: other,
                if_version,
            };
            assert_eq!(
                ask(&mut model, 0, command).unwrap_err(),
                Rejection::VersionConflict
            );
        }
        let command = crate::model::Command::Accept {
            person: AMY.into(),
            if_version: Some(2),
        };
        ask(&mut model, 0, command).unwrap();
    }

    #[test]
    fn very_many_offers_end_in_pieces_and_parties_are_kept_whole() {
        const LAST: &str = "zoe@x.org";
        let mut model = offering(3, 10);
        reserve(&mut model, "ada", 2).unwrap();
        let people = |from: char, many: u32| (0..many).map(move |number| format!("{from}{number:03}"));
        for person in people('b', 999).chain(people('y', 9)) {
            reserve(&mut model, &person, 0).unwrap();
        }
        group(&mut model, &[("cyd@x.org", 0), (LAST, 0)]).unwrap();
        let raised = SettingsChange {
            capacity: Some(1_013),
            ..SettingsChange::default()
        };
        change(&mut model, raised).unwrap();
        let over = 20 * SECOND_US;
        let told = |model: &mut Model| -> Vec<String> {
            let answer = expire(model, over).unwrap();
            answer
                .events
                .into_iter()
                .map(|event| event.person.unwrap())
                .collect()
        };
        let first = told(&mut model);
        assert_eq!(
            (first.len(), &*first[999], &*first[1_000]),
            (1_001, "cyd@x.org", LAST)
        );
        assert_eq!(told(&mut model), people('y', 9).collect::<Vec<_>>());
        assert_eq!(told(&mut model), [""; 0]);
    }

    #[test]
    fn offers_that_are_over_expire_in_the_order_of_their_ends_and_then_the_scan_runs_once() {
        let mut model = offering(3, 10);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        group(&mut model, &[(BEN, 0), (AMY, 0)]).unwrap();
        reserve(&mut model, "dan", 0).unwrap();
        reserve(&mut model, "three", 2).unwrap();
        reserve(&mut model, "eve", 0).unwrap();
        cancel_at(&mut model, 0, "bob").unwrap();
        cancel_at(&mut model, SECOND_US, "ada").unwrap();
        assert_eq!(row(&model, "dan").offer_expires_at_us, Some(10 * SECOND_US));
        assert_eq!(row(&model, AMY).offer_expires_at_us, Some(11 * SECOND_US));
        let answer = expire(&mut model, 12 * SECOND_US).unwrap();
        assert_eq!(
            story(&answer),
            [
                (EventKind::Expired, "dan"),
                (EventKind::Expired, AMY),
                (EventKind::Expired, BEN),
                (EventKind::Offered, "three")
            ],
            "three spots at once are for the three"
        );
        assert_eq!(answer.events[0].reason.as_deref(), Some("offer_expired"));
        assert_eq!(
            row(&model, AMY).status,
            Status::Cancelled(CancelReason::OfferExpired)
        );
        assert_eq!(told(&answer), [""; 0]);
    }

    #[test]
    fn no_offer_expires_early_and_where_none_is_over_nothing_happens() {
        let mut model = offered_to_two();
        let answer = expire(&mut model, 10 * SECOND_US - 1).unwrap();
        assert!(!answer.changed && answer.events.is_empty());
        assert!(expire(&mut model, 10 * SECOND_US).unwrap().changed);
    }

    #[test]
    fn the_guests_of_an_offer_change_by_the_rules_for_confirmed() {
        let mut model = offered_to_two();
        assert_eq!(
            update(&mut model, AMY, Some(1), None).unwrap_err(),
            Rejection::NoFreeSpots
        );
        cancel(&mut model, "cyd").unwrap();
        set_capacity(&mut model, 4).unwrap();
        assert_eq!(
            update(&mut model, AMY, Some(3), None).unwrap_err(),
            Rejection::NoFreeSpots
        );
        let answer = update(&mut model, AMY, Some(2), None).unwrap();
        assert_eq!(story(&answer), [(EventKind::Updated, AMY)]);
        assert_eq!((row(&model, AMY).ticket, model.counts().offered_spots), (2, 4));
        reserve(&mut model, "dan", 0).unwrap();
        let answer = update(&mut model, AMY, Some(1), None).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Updated, AMY), (EventKind::Offered, "dan")]
        );
    }

    #[test]
    fn a_member_who_cancels_leaves_the_offer_to_the_others() {
        let mut model = offered_to_two();
        let answer = cancel(&mut model, AMY).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Cancelled, AMY), (EventKind::Offered, "cyd")]
        );
        let amy = row(&model, AMY);
        assert_eq!(amy.status, Status::Cancelled(CancelReason::ByAttendee));
        let answer = accept(&mut model, 0, BEN).unwrap();
        assert_eq!(story(&answer), [(EventKind::Accepted, BEN)]);
    }

    #[test]
    fn a_change_of_settings_changes_no_offer_that_was_made() {
        let mut model = offered_to_two();
        for promotion in [Promotion::Offer { ttl_s: 1 }, Promotion::Auto] {
            let answer = set_promotion(&mut model, promotion).unwrap();
            assert_eq!(kinds(&answer), [EventKind::ActivityUpdated]);
        }
        let sooner = SettingsChange {
            promote_until_us: Some(Some(1)),
            ..SettingsChange::default()
        };
        change(&mut model, sooner).unwrap();
        assert_eq!(row(&model, AMY).offer_expires_at_us, Some(10 * SECOND_US));
        accept(&mut model, 5 * SECOND_US, AMY).unwrap();
    }

    #[test]
    fn what_is_offered_is_held_when_the_capacity_is_cut() {
        let mut model = offered_to_two();
        set_capacity(&mut model, 1).unwrap();
        assert_eq!(model.counts().available_spots, 0);
        assert_eq!(
            cancel(&mut model, AMY).unwrap().events.len(),
            1,
            "nobody is promoted"
        );
        accept(&mut model, 0, BEN).unwrap();
        assert_eq!(model.invariants(), [""; 0]);
    }

    #[test]
    fn offers_end_with_the_activity_and_do_not_expire_then() {
        let mut model = offered_to_two();
        cancel_activity(&mut model).unwrap();
        let amy = row(&model, AMY);
        assert_eq!(amy.status, Status::Cancelled(CancelReason::ActivityCancelled));
        assert_eq!((amy.offer_expires_at_us, model.counts().offered_spots), (None, 0));
        let refusal = expire(&mut model, 99 * SECOND_US).unwrap_err();
        assert_eq!(refusal, Rejection::ActivityCancelled);
    }

    #[test]
    fn an_answer_to_an_offer_is_given_again_with_its_key() {
        let mut model = offered_to_two();
        let request = Request::new(1, accept_of(AMY)).with_key(AMY, "k");
        let first = model.submit(&request).unwrap();
        cancel(&mut model, AMY).unwrap();
        let again = model.submit(&request).unwrap();
        assert!(again.replayed && again.changed && again.events.is_empty());
        assert_eq!((again.seq, again.told), (first.seq, first.told));
    }
}
