//! Parties: who waits or has an offer together, and how RSVPs end.

use super::{CancelReason, EventKind, Model, Rejection, Rsvp, Status};

impl Rsvp {
    pub(super) fn judge_live(&self) -> Result<(), Rejection> {
        if self.status.is_live() {
            Ok(())
        } else {
            Err(Rejection::AlreadyCancelled)
        }
    }
}

impl Model {
    /// Somebody's row, if it has the version that is asked for.
    pub(super) fn row_at(&self, person: &str, if_version: Option<u64>) -> Result<&Rsvp, Rejection> {
        let row = self.rsvps.get(person).ok_or(Rejection::NotFound)?;
        if if_version.is_some_and(|version| version != row.version) {
            return Err(Rejection::VersionConflict);
        }
        Ok(row)
    }

    /// Whoever waits or has an offer together with this person, who is among them: all of the same group who live
    /// with the same ticket, in the order of their e-mail addresses.
    pub(super) fn party_of(&self, person: &str) -> Vec<String> {
        let Some(row) = self.rsvps.get(person).filter(|row| row.group.is_some()) else {
            return vec![person.to_owned()];
        };
        let members = self.rsvps.iter().filter(|(_, other)| {
            other.group == row.group && other.ticket == row.ticket && other.status.is_live()
        });
        members.map(|(person, _)| person.clone()).collect()
    }

    /// Ends one RSVP: what it held is free, and where it waited its party shrinks, but keeps its place and how
    /// often it was passed. The last member takes the party out of the line.
    pub(super) fn end(&mut self, person: &str, kind: EventKind, reason: CancelReason) {
        let row = self.row_mut(person).clone();
        let is_early = row.offer_expires_at_us.is_none_or(|end_us| self.now_us < end_us);
        if kind == EventKind::Expired && is_early {
            self.breaches.push(format!("the offer to {person} ended early"));
        }
        match row.status {
            Status::Confirmed => self.confirmed_spots -= row.spots(),
            Status::Offered => self.offered_spots -= row.spots(),
            Status::Waitlisted | Status::Cancelled(_) => self.leave_party(row.ticket, person, row.spots()),
        }
        let row = self.row_mut(person);
        row.status = Status::Cancelled(reason);
        row.offer_expires_at_us = None;
        self.emit(kind, person, Some(reason.as_str()));
    }

    fn leave_party(&mut self, ticket: u64, person: &str, spots: u64) {
        for party in &mut self.waiting {
            if party.ticket == ticket {
                party.members.retain(|member| member != person);
                party.spots -= spots;
            }
        }
        self.waiting.retain(|party| !party.members.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, EventKind, Model, Rejection, Status};

    const AMY: &str = "amy@x.org";
    const BEN: &str = "ben@x.org";
    const CAM: &str = "cam@x.org";

    /// Six spots of which Ada has four; a group of five waits, and behind it Bob.
    fn group_in_line() -> Model {
        let mut model = capacity(6);
        reserve(&mut model, "ada", 3).unwrap();
        group(&mut model, &[(CAM, 1), (AMY, 1), (BEN, 0)]).unwrap();
        reserve(&mut model, "bob", 1).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(line(&model), [vec![AMY, BEN, CAM], vec!["cyd"]]);
        model
    }

    #[test]
    fn a_party_is_promoted_together_in_the_order_of_email_addresses() {
        let mut model = group_in_line();
        let answer = cancel(&mut model, "ada").unwrap();
        assert_eq!(
            promoted(&answer),
            ["cyd"],
            "four and two are less than five and two"
        );
        let answer = cancel(&mut model, "bob").unwrap();
        assert_eq!(promoted(&answer), [AMY, BEN, CAM]);
        assert!(model.waiting().is_empty());
        assert_eq!(model.invariants(), [""; 0]);
    }

    #[test]
    fn a_member_who_cancels_shrinks_the_waiting_party_which_keeps_its_place_and_how_often_it_was_passed() {
        let mut model = group_in_line();
        assert_eq!(model.waiting()[0].passed, 1);
        let answer = cancel(&mut model, CAM).unwrap();
        assert_eq!(story(&answer), [(EventKind::Cancelled, CAM)]);
        let party = &model.waiting()[0];
        assert_eq!((party.ticket, party.spots, party.passed), (2, 3, 1));
        assert_eq!(party.members, [AMY, BEN]);
        assert_eq!(model.rsvp(BEN).unwrap().position, Some(1));
        assert_eq!(row(&model, BEN).version, 1, "nothing happened to the others");
    }

    #[test]
    fn a_party_that_a_member_has_left_is_promoted_as_soon_as_it_fits() {
        let mut model = group_in_line();
        cancel(&mut model, "bob").unwrap();
        let answer = cancel(&mut model, CAM).unwrap();
        assert_eq!(promoted(&answer), [""; 0], "one is free, cyd has the other");
        let answer = cancel(&mut model, AMY).unwrap();
        assert_eq!(promoted(&answer), [BEN]);
    }

    #[test]
    fn the_last_member_who_leaves_takes_the_party_out_of_the_line() {
        let mut model = group_in_line();
        for person in [AMY, CAM] {
            cancel(&mut model, person).unwrap();
        }
        assert_eq!(model.rsvp("cyd").unwrap().position, Some(2));
        cancel(&mut model, BEN).unwrap();
        assert_eq!(line(&model), [["cyd"]]);
        assert_eq!(model.rsvp("cyd").unwrap().position, Some(1));
    }

    #[test]
    fn a_member_who_shrinks_shrinks_the_waiting_party_in_place() {
        let mut model = group_in_line();
        let answer = update(&mut model, CAM, Some(0), None).unwrap();
        assert_eq!(story(&answer), [(EventKind::Updated, CAM)]);
        let party = &model.waiting()[0];
        assert_eq!((party.ticket, party.spots, party.passed), (2, 4, 1));
    }

    #[test]
    fn a_member_who_grows_moves_the_whole_party_to_the_tail_with_one_new_ticket() {
        let mut model = group_in_line();
        let answer = update(&mut model, BEN, Some(1), None).unwrap();
        assert_eq!(
            story(&answer),
            [BEN, AMY, CAM].map(|person| (EventKind::Updated, person))
        );
        assert!(answer.events.iter().all(|event| event.ticket == Some(5)));
        assert_eq!(line(&model), [vec!["cyd"], vec![AMY, BEN, CAM]]);
        for person in [AMY, BEN, CAM] {
            assert_eq!((row(&model, person).ticket, row(&model, person).version), (5, 2));
        }
        assert_eq!(model.waiting()[1].passed, 0);
        assert_eq!(told(&answer), [BEN]);
    }

    #[test]
    fn a_waiting_member_grows_no_further_than_its_guests_are_allowed_and_its_party_than_the_capacity() {
        let mut model = group_in_line();
        let too_many_guests = update(&mut model, BEN, Some(11), None).unwrap_err();
        assert_eq!(too_many_guests, Rejection::PartyTooLarge { limit: 10 });
        let too_many_spots = update(&mut model, BEN, Some(2), None).unwrap_err();
        assert_eq!(too_many_spots, Rejection::PartyTooLarge { limit: 6 });
        update(&mut model, BEN, Some(1), None).unwrap();
    }

    #[test]
    fn confirmed_members_are_each_on_their_own() {
        let mut model = capacity(5);
        group(&mut model, &[(AMY, 0), (BEN, 1)]).unwrap();
        let answer = update(&mut model, AMY, Some(1), None).unwrap();
        assert_eq!(story(&answer), [(EventKind::Updated, AMY)]);
        assert_eq!(row(&model, AMY).ticket, 1);
        cancel(&mut model, BEN).unwrap();
        assert_eq!(row(&model, AMY).status, Status::Confirmed);
        assert_eq!(model.confirmed_spots(), 2);
    }

    #[test]
    fn the_waitlist_counts_parties() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.waitlist_capacity = Some(2);
        });
        reserve(&mut model, "ada", 0).unwrap();
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        let bob = reserve(&mut model, "bob", 1).unwrap().rsvp().unwrap().clone();
        assert_eq!(
            (bob.position, bob.parties_ahead, bob.spots_ahead),
            (Some(2), Some(1), Some(2))
        );
        assert_eq!(model.counts().waitlisted_parties, 2);
        let refusal = reserve(&mut model, "cyd", 1).unwrap_err();
        assert_eq!(refusal, Rejection::WaitlistFull);
    }

    #[test]
    fn a_party_that_passes_counts_once_however_many_its_members() {
        let mut model = capacity(4);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "three", 2).unwrap();
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        assert_eq!(row(&model, AMY).status, Status::Confirmed);
        assert_eq!(model.waiting()[0].passed, 1);
    }

    #[test]
    fn coming_back_starts_without_wishes_name_group_booker_and_check_in() {
        let mut model = capacity(9);
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        update(&mut model, AMY, None, Some(Some("aisle"))).unwrap();
        host(&mut model, 0, check_in_of(AMY, None)).unwrap();
        cancel(&mut model, AMY).unwrap();
        let left = row(&model, AMY);
        assert_eq!((left.group, left.generation, left.version), (Some(1), 1, 4));
        assert!(left.booked_by.is_some() && left.checked_in_at_us.is_some());
        reserve(&mut model, AMY, 1).unwrap();
        let back = row(&model, AMY);
        assert_eq!((back.group, back.generation, back.version), (None, 2, 5));
        assert_eq!((&back.booked_by, back.checked_in_at_us), (&None, None));
        assert_eq!((&back.special_requirements, &back.name), (&None, &None));
        assert_eq!(model.invariants(), [""; 0]);
    }

    #[test]
    fn whoever_left_a_waiting_party_comes_back_as_a_party_of_its_own() {
        let mut model = group_in_line();
        cancel(&mut model, AMY).unwrap();
        let amy = Command::Reserve {
            person: AMY.into(),
            guest_count: 1,
            special_requirements: None,
        };
        ask(&mut model, 0, amy).unwrap();
        assert_eq!(line(&model), [vec![BEN, CAM], vec!["cyd"], vec![AMY]]);
    }
}
