//! What the host does to the line by hand: promote whom it likes, and take others out for it. It ignores the
//! pause, guards and `promote_until`, and passing by hand does not count.

use std::collections::BTreeSet;

use super::{Model, Refusal, Rejection, Status, Which};

/// The most RSVPs that one command promotes.
const PROMOTED_MAX: usize = 1_000;

impl Model {
    /// All parties must fit together into what is free.
    pub(super) fn judge_promotion(&self, which: &Which) -> Result<(), Refusal> {
        let tickets = self.tickets_to_promote(which)?;
        let chosen = self
            .waiting
            .iter()
            .filter(|party| tickets.contains(&party.ticket));
        let (mut spots, mut people) = (0, 0);
        for party in chosen {
            spots += party.spots;
            people += party.members.len();
        }
        if people > PROMOTED_MAX {
            return Err(Rejection::Invalid.into());
        }
        if spots > self.available_spots() {
            return Err(Rejection::NoFreeSpots.into());
        }
        Ok(())
    }

    /// A member stands for the whole party; naming a party twice is naming it once.
    fn tickets_to_promote(&self, which: &Which) -> Result<BTreeSet<u64>, Refusal> {
        let mut tickets = BTreeSet::new();
        match which {
            Which::Next(parties) => {
                let first = self.waiting.iter().take(*parties as usize);
                tickets.extend(first.map(|party| party.ticket));
            }
            Which::These(people) => {
                for person in people {
                    let ticket = self
                        .waiting_ticket(person)
                        .map_err(|rejection| rejection.of_person(person))?;
                    tickets.insert(ticket);
                }
            }
        }
        Ok(tickets)
    }

    fn waiting_ticket(&self, person: &str) -> Result<u64, Rejection> {
        let row = self.row_at(person, None)?;
        row.judge_live()?;
        if row.status == Status::Waitlisted {
            Ok(row.ticket)
        } else {
            Err(Rejection::NotWaitlisted)
        }
    }

    /// Promotes parties by ticket. Answers who was promoted, in the order of the events.
    pub(super) fn promote_by_hand(&mut self, which: &Which) -> Vec<String> {
        let tickets = self.tickets_to_promote(which);
        let mut promoted = Vec::new();
        for ticket in tickets.expect("it was judged") {
            let party = self.leave_line(ticket);
            self.give_spots(&party, false);
            self.tell_promoted(&party, Some("by_host"));
            promoted.extend(party.members);
        }
        promoted
    }

    /// Judged on what would be there without those who are removed.
    pub(super) fn judge_bulk(&self, promote: &[String], remove: &[String]) -> Result<(), Refusal> {
        let mut after = self.clone();
        after.remove(remove)?;
        after.judge_promotion(&Which::These(promote.to_vec()))
    }

    pub(super) fn bulk(&mut self, promote: &[String], remove: &[String]) -> Vec<String> {
        self.remove(remove).expect("it was judged");
        let promoted = self.promote_by_hand(&Which::These(promote.to_vec()));
        remove.iter().cloned().chain(promoted).collect()
    }

    /// Takes people out one by one, until one of them is not there.
    fn remove(&mut self, people: &[String]) -> Result<(), Refusal> {
        for person in people {
            self.row_at(person, None)
                .and_then(|row| row.judge_live())
                .map_err(|rejection| rejection.of_person(person))?;
            self.cancel(person, true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{
        About, CancelReason, Command, EventKind, Model, Promotion, Rejection, SettingsChange, Status, Which,
    };

    const AMY: &str = "amy@x.org";
    const BEN: &str = "ben@x.org";

    /// Four spots of which Ada has two, and one is kept free by whoever guards: three wait, then a group of two,
    /// then Cyd, who is alone.
    fn guarded_line() -> Model {
        let mut model = with(|settings| {
            settings.capacity = 4;
            settings.patience = 0;
        });
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "three", 2).unwrap();
        group(&mut model, &[(BEN, 0), (AMY, 0)]).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(line(&model), [vec!["three"], vec![AMY, BEN], vec!["cyd"]]);
        assert_eq!(model.counts().available_spots, 2);
        model
    }

    fn next(parties: u32) -> Command {
        Command::Promote(Which::Next(parties))
    }

    #[test]
    fn more_than_a_thousand_rsvps_are_not_promoted_at_once() {
        let mut model = with(|settings| {
            settings.capacity = 1_100;
            settings.max_guests = 1_099;
        });
        reserve(&mut model, "ada", 1_099).unwrap();
        for party in 0..11 {
            let names: Vec<String> = (0..100).map(|one| format!("{party}-{one}@x.org")).collect();
            let members: Vec<(&str, u32)> = names.iter().map(|name| (&**name, 0)).collect();
            group(&mut model, &members).unwrap();
        }
        let refused = |model: &mut Model, parties| host(model, 0, next(parties)).unwrap_err().rejection;
        assert_eq!(refused(&mut model, 11), Rejection::Invalid);
        assert_eq!(refused(&mut model, 10), Rejection::NoFreeSpots);
    }

    #[test]
    fn the_host_promotes_past_whom_it_likes_and_that_does_not_count() {
        let mut model = guarded_line();
        let answer = host(&mut model, 0, promote_of(&["cyd"])).unwrap();
        assert_eq!(story(&answer), [(EventKind::Promoted, "cyd")]);
        assert_eq!(answer.events[0].reason.as_deref(), Some("by_host"));
        assert_eq!(told(&answer), ["cyd"]);
        let passed: Vec<u64> = model.waiting().iter().map(|party| party.passed).collect();
        assert_eq!(passed, [0, 0]);
    }

    #[test]
    fn promoting_by_hand_ignores_guards_the_pause_and_promote_until() {
        let mut model = guarded_line();
        pause(&mut model).unwrap();
        let answer = host(&mut model, STARTS_AT_US, promote_of(&["cyd"])).unwrap();
        assert_eq!(promoted(&answer), ["cyd"]);
    }

    #[test]
    fn a_member_stands_for_the_whole_party_and_naming_it_twice_is_naming_it_once() {
        let mut model = guarded_line();
        let answer = host(&mut model, 0, promote_of(&[BEN, AMY, BEN])).unwrap();
        assert_eq!(promoted(&answer), [AMY, BEN]);
        assert_eq!(told(&answer), [AMY, BEN]);
    }

    #[test]
    fn promoting_by_hand_tells_parties_by_ticket_and_members_by_email() {
        let mut model = guarded_line();
        set_capacity(&mut model, 5).unwrap();
        assert_eq!(model.waiting().len(), 2, "the three are in");
        pause(&mut model).unwrap();
        cancel(&mut model, "ada").unwrap();
        set_capacity(&mut model, 6).unwrap();
        let answer = host(&mut model, 0, promote_of(&["cyd", BEN])).unwrap();
        assert_eq!(promoted(&answer), [AMY, BEN, "cyd"]);
        assert_eq!(told(&answer), [AMY, BEN, "cyd"]);
        assert!(
            answer
                .events
                .iter()
                .all(|event| event.reason.as_deref() == Some("by_host"))
        );
    }

    #[test]
    fn after_promoting_a_guard_by_hand_the_scan_goes_on() {
        let mut model = capacity(4);
        reserve(&mut model, "ada", 1).unwrap();
        pause(&mut model).unwrap();
        for (person, guest_count) in [("three", 2), ("two", 1), ("cyd", 0)] {
            reserve(&mut model, person, guest_count).unwrap();
        }
        // Where the patience ends while the line is paused, the first in it guards as soon as it goes on.
        let goes_on = SettingsChange {
            patience: Some(0),
            waitlist_paused: Some(false),
            ..SettingsChange::default()
        };
        assert_eq!(promoted(&change(&mut model, goes_on).unwrap()), [""; 0]);
        let answer = host(&mut model, 0, bulk_of(&["three"], &["ada"])).unwrap();
        assert_eq!(promoted(&answer), ["three"], "two now guard the last spot");
        let answer = host(&mut model, 0, bulk_of(&[], &["two"])).unwrap();
        assert_eq!(promoted(&answer), ["cyd"]);
        assert_eq!(
            answer.events[1].reason, None,
            "the scan has no reason of the host"
        );
        assert_eq!(told(&answer), ["two"]);
    }

    #[test]
    fn promoting_by_count_takes_the_first_parties_or_all_there_are() {
        let mut model = guarded_line();
        pause(&mut model).unwrap();
        set_capacity(&mut model, 9).unwrap();
        let answer = host(&mut model, 0, next(2)).unwrap();
        assert_eq!(promoted(&answer), ["three", AMY, BEN]);
        let answer = host(&mut model, 0, next(7)).unwrap();
        assert_eq!(promoted(&answer), ["cyd"]);
    }

    #[test]
    fn promoting_by_count_where_nobody_waits_has_no_effect() {
        let mut model = capacity(1);
        let answer = host(&mut model, 0, next(1)).unwrap();
        assert!(!answer.changed && answer.events.is_empty());
        assert_eq!(told(&answer), [""; 0]);
    }

    #[test]
    fn all_must_fit_together_into_what_is_free_or_nobody_is_promoted() {
        let mut model = guarded_line();
        for command in [promote_of(&[AMY, "cyd"]), next(1), next(2)] {
            let refusal = host(&mut model, 0, command).unwrap_err();
            assert_eq!((refusal.rejection, refusal.about), (Rejection::NoFreeSpots, None));
        }
        assert_eq!(model.waiting().len(), 3);
    }

    #[test]
    fn the_first_who_is_unknown_cancelled_or_not_waiting_is_named() {
        let mut model = guarded_line();
        reserve(&mut model, "gone", 0).unwrap();
        cancel(&mut model, "gone").unwrap();
        for (people, rejection, about) in [
            (["cyd", "eve", "gone"], Rejection::NotFound, "eve"),
            (["cyd", "gone", "eve"], Rejection::AlreadyCancelled, "gone"),
            (["cyd", "ada", "gone"], Rejection::NotWaitlisted, "ada"),
            (["three", "cyd", "ada"], Rejection::NotWaitlisted, "ada"),
        ] {
            let refusal = host(&mut model, 0, promote_of(&people)).unwrap_err();
            assert_eq!(refusal, rejection);
            assert_eq!(refusal.about, Some(About::Person(about.into())));
        }
    }

    #[test]
    fn in_offer_mode_promoting_by_hand_makes_offers_also_after_promotion_has_ended() {
        for (at_s, end_s) in [(5, 15), (995, 1_000), (1_000, 1_010), (1_500, 1_510)] {
            let mut model = offering(2, 10);
            reserve(&mut model, "ada", 0).unwrap();
            reserve(&mut model, "bob", 1).unwrap();
            pause(&mut model).unwrap();
            cancel(&mut model, "ada").unwrap();
            let answer = host(&mut model, at_s * SECOND_US, promote_of(&["bob"])).unwrap();
            assert_eq!(story(&answer), [(EventKind::Offered, "bob")]);
            assert_eq!(answer.events[0].reason.as_deref(), Some("by_host"));
            assert_eq!(row(&model, "bob").offer_expires_at_us, Some(end_s * SECOND_US));
        }
    }

    #[test]
    fn bulk_removes_first_and_promotes_into_what_became_free() {
        let mut model = guarded_line();
        pause(&mut model).unwrap();
        let answer = host(&mut model, 0, bulk_of(&["cyd", "three"], &["ada"])).unwrap();
        assert_eq!(
            story(&answer),
            [
                (EventKind::Cancelled, "ada"),
                (EventKind::Promoted, "three"),
                (EventKind::Promoted, "cyd")
            ]
        );
        assert_eq!(answer.events[0].reason.as_deref(), Some("by_host"));
        assert_eq!(told(&answer), ["ada", "three", "cyd"]);
        assert_eq!(row(&model, "ada").status, Status::Cancelled(CancelReason::ByHost));
    }

    #[test]
    fn bulk_removes_whoever_lives_in_the_order_given() {
        let mut model = guarded_line();
        pause(&mut model).unwrap();
        let answer = host(&mut model, 0, bulk_of(&[], &["cyd", "ada", BEN])).unwrap();
        assert_eq!(told(&answer), ["cyd", "ada", BEN]);
        assert_eq!(line(&model), [["three"], [AMY]]);
    }

    #[test]
    fn after_bulk_the_scan_runs() {
        let mut model = guarded_line();
        let answer = host(&mut model, 0, bulk_of(&[], &["ada"])).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Cancelled, "ada"), (EventKind::Promoted, "three")]
        );
        assert_eq!(told(&answer), ["ada"]);
    }

    #[test]
    fn bulk_is_all_or_nothing() {
        let mut model = guarded_line();
        let before = model.clone();
        for (promote, remove, rejection) in [
            (["three", AMY], ["ada"], Rejection::NoFreeSpots),
            (["three", "eve"], ["ada"], Rejection::NotFound),
            (["three", "cyd"], ["eve"], Rejection::NotFound),
        ] {
            let refusal = host(&mut model, 0, bulk_of(&promote, &remove)).unwrap_err();
            assert_eq!(refusal, rejection);
            assert_eq!(model.rsvps(), before.rsvps());
            assert_eq!(model.seq(), before.seq());
        }
    }

    #[test]
    fn whoever_is_removed_twice_or_removed_and_promoted_is_named_as_cancelled() {
        let mut model = guarded_line();
        for command in [bulk_of(&[], &["cyd", "cyd"]), bulk_of(&[AMY, "cyd"], &["cyd"])] {
            let refusal = host(&mut model, 0, command).unwrap_err();
            assert_eq!(refusal, Rejection::AlreadyCancelled);
            assert_eq!(refusal.about, Some(About::Person("cyd".into())));
        }
    }

    #[test]
    fn a_party_is_promoted_without_the_member_who_is_removed() {
        let mut model = guarded_line();
        set_capacity(&mut model, 3).unwrap();
        let answer = host(&mut model, 0, bulk_of(&[BEN], &[AMY])).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Cancelled, AMY), (EventKind::Promoted, BEN)]
        );
    }

    #[test]
    fn by_hand_an_offer_is_removed_like_any_other() {
        let mut model = guarded_line();
        set_promotion(&mut model, Promotion::Offer { ttl_s: 1 }).unwrap();
        host(&mut model, 0, promote_of(&["cyd"])).unwrap();
        let three_wait = SettingsChange {
            waitlist_paused: Some(true),
            ..SettingsChange::default()
        };
        change(&mut model, three_wait).unwrap();
        host(&mut model, 0, bulk_of(&[], &["cyd"])).unwrap();
        assert_eq!(model.held_spots(), 2);
    }
}
