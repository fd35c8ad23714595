//! `transfer`: somebody else has the seat, or the ticket and its place in the line. Nothing else moves.

use super::{CancelReason, EventKind, Model, Rejection, Rsvp, Status};

impl Model {
    pub(super) fn judge_transfer(
        &self,
        now_us: i64,
        by_host: bool,
        giver: &str,
        recipient: &str,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let row = self.row_at(giver, if_version)?;
        self.judge_leaving(now_us, by_host)?;
        row.judge_live()?;
        // Why a recipient may not is told to nobody.
        if recipient == giver
            || self.has_live_rsvp(recipient)
            || !(self.settings.guests || by_host)
            || !self.may_be_given(recipient)
        {
            return Err(Rejection::Forbidden);
        }
        Ok(())
    }

    /// Nobody gets back into a private activity whom the host has put out.
    fn may_be_given(&self, recipient: &str) -> bool {
        let old = self.rsvps.get(recipient);
        let was_put_out = old.is_some_and(|row| row.status == Status::Cancelled(CancelReason::ByHost));
        !(self.settings.private && was_put_out)
    }

    pub(super) fn transfer(&mut self, giver: &str, recipient: &str) {
        let given = self.row_mut(giver).clone();
        let row = self.row_mut(giver);
        row.status = Status::Cancelled(CancelReason::Transferred);
        row.offer_expires_at_us = None;
        let reason = CancelReason::Transferred.as_str();
        self.emit(EventKind::Transferred, giver, Some(reason));

        let kind = match given.status {
            Status::Waitlisted => EventKind::Waitlisted,
            Status::Offered => EventKind::Offered,
            Status::Confirmed | Status::Cancelled(_) => EventKind::Confirmed,
        };
        if given.status == Status::Waitlisted {
            self.change_member(given.ticket, giver, recipient);
        }
        let taken = Rsvp {
            special_requirements: None,
            name: None,
            checked_in_at_us: None,
            ..given
        };
        self.begin_life(recipient, taken);
        self.emit(kind, recipient, Some(reason));
    }

    fn change_member(&mut self, ticket: u64, giver: &str, recipient: &str) {
        for party in &mut self.waiting {
            if party.ticket == ticket {
                party.members.retain(|member| member != giver);
                party.members.push(recipient.to_owned());
                party.members.sort_unstable();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{CancelReason, Command, EventKind, Model, Rejection, Request, SettingsChange, Status};

    const AMY: &str = "amy@x.org";
    const BEN: &str = "ben@x.org";
    const ZOE: &str = "zoe@x.org";

    /// One spot, which Ada has; a group of two waits for it, and then Cyd; the group was passed once.
    fn passed_group() -> Model {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 1).unwrap();
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        reserve(&mut model, "dan", 0).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        assert_eq!(line(&model), [vec![AMY, BEN], vec!["cyd"]]);
        assert_eq!(model.waiting()[0].passed, 1);
        model
    }

    #[test]
    fn the_recipient_has_the_seat_and_the_giver_nothing_any_more() {
        let mut model = capacity(3);
        let ada = Command::Reserve {
            person: "ada".into(),
            guest_count: 1,
            special_requirements: Some("aisle".into()),
        };
        ask(&mut model, 0, ada).unwrap();
        host(&mut model, 0, check_in_of("ada", None)).unwrap();
        let answer = transfer(&mut model, "ada", ZOE).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Transferred, "ada"), (EventKind::Confirmed, ZOE)]
        );
        assert!(
            answer
                .events
                .iter()
                .all(|event| event.reason.as_deref() == Some("transferred") && event.spots == Some(2))
        );
        assert_eq!(told(&answer), ["ada", ZOE]);
        let giver = row(&model, "ada");
        assert_eq!(giver.status, Status::Cancelled(CancelReason::Transferred));
        assert_eq!(giver.version, 3);
        let recipient = row(&model, ZOE);
        assert_eq!(
            (recipient.status, recipient.ticket, recipient.guest_count),
            (Status::Confirmed, 1, 1)
        );
        assert_eq!((recipient.version, recipient.generation), (1, 1));
        assert_eq!(
            (&recipient.special_requirements, recipient.checked_in_at_us),
            (&None, None),
            "wishes and the check-in are the giver's"
        );
        assert_eq!((model.confirmed_spots(), model.checked_in_spots()), (2, 0));
        assert_eq!(model.invariants(), [""; 0]);
    }

    #[test]
    fn the_recipient_of_a_place_stands_where_the_giver_stood() {
        let mut model = passed_group();
        let answer = transfer(&mut model, AMY, ZOE).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Transferred, AMY), (EventKind::Waitlisted, ZOE)]
        );
        assert_eq!(line(&model), [vec![BEN, ZOE], vec!["cyd"]]);
        let party = &model.waiting()[0];
        assert_eq!((party.ticket, party.spots, party.passed), (2, 2, 1));
        let zoe = row(&model, ZOE);
        assert_eq!((zoe.group, zoe.booked_by.as_deref()), (Some(1), Some(BOOKER)));
        assert_eq!(promoted(&cancel(&mut model, "ada").unwrap()), [BEN, ZOE]);
    }

    #[test]
    fn the_recipient_of_an_offer_has_what_is_left_of_its_time() {
        let mut model = offering(1, 10);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        cancel(&mut model, "ada").unwrap();
        let answer = ask(&mut model, 5 * SECOND_US, transfer_of("bob", ZOE)).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Transferred, "bob"), (EventKind::Offered, ZOE)]
        );
        assert_eq!(row(&model, ZOE).offer_expires_at_us, Some(10 * SECOND_US));
        assert_eq!(row(&model, "bob").offer_expires_at_us, None);
        assert_eq!(model.counts().offered_spots, 1);
        accept(&mut model, 6 * SECOND_US, ZOE).unwrap();
    }

    #[test]
    fn a_recipient_who_was_there_before_comes_back_in_the_old_row() {
        let mut model = capacity(3);
        reserve(&mut model, ZOE, 2).unwrap();
        cancel(&mut model, ZOE).unwrap();
        reserve(&mut model, "ada", 0).unwrap();
        transfer(&mut model, "ada", ZOE).unwrap();
        let zoe = row(&model, ZOE);
        assert_eq!((zoe.version, zoe.generation, zoe.ticket), (3, 2, 2));
        assert_eq!(zoe.guest_count, 0);
    }

    #[test]
    fn what_was_transferred_can_be_transferred_back() {
        let mut model = capacity(3);
        reserve(&mut model, AMY, 0).unwrap();
        transfer(&mut model, AMY, ZOE).unwrap();
        transfer(&mut model, ZOE, AMY).unwrap();
        assert_eq!((row(&model, AMY).generation, row(&model, AMY).version), (2, 3));
        assert_eq!(model.invariants(), [""; 0]);
    }

    #[test]
    fn nobody_else_moves_with_a_transfer() {
        let mut model = passed_group();
        let before: Vec<_> = ["ada", BEN, "cyd", "dan"].map(|person| model.rsvp(person)).into();
        let counts = model.counts();
        transfer(&mut model, AMY, ZOE).unwrap();
        let after: Vec<_> = ["ada", BEN, "cyd", "dan"].map(|person| model.rsvp(person)).into();
        assert_eq!(after, before);
        let seq = counts.seq + 2;
        assert_eq!(model.counts(), crate::model::Counts { seq, ..counts });
    }

    #[test]
    fn a_recipient_who_may_not_is_plainly_forbidden() {
        let mut model = capacity(9);
        reserve(&mut model, AMY, 0).unwrap();
        reserve(&mut model, BEN, 0).unwrap();
        reserve(&mut model, ZOE, 0).unwrap();
        let put_out = Command::Cancel {
            person: ZOE.into(),
            by_host: true,
            if_version: None,
        };
        host(&mut model, 0, put_out).unwrap();
        for to in [AMY, BEN] {
            let refusal = transfer(&mut model, AMY, to).unwrap_err();
            assert_eq!(refusal, Rejection::Forbidden);
        }
        let mut private = model.clone();
        private.settings.private = true;
        assert_eq!(
            transfer(&mut private, AMY, ZOE).unwrap_err(),
            Rejection::Forbidden
        );
        transfer(&mut private, AMY, "new@x.org").unwrap();
        transfer(&mut model, AMY, ZOE).unwrap();
    }

    #[test]
    fn where_guests_are_off_only_the_host_gives_a_seat_away() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "hal", 0).unwrap();
        let off = SettingsChange {
            guests: Some(false),
            ..SettingsChange::default()
        };
        change(&mut model, off).unwrap();
        assert_eq!(
            transfer(&mut model, "ada", ZOE).unwrap_err(),
            Rejection::Forbidden
        );
        let own = Request::new(0, transfer_of("hal", ZOE)).by("hal").by_host();
        model.submit(&own).unwrap();
    }

    #[test]
    fn a_transfer_is_allowed_until_cancel_until_but_for_the_host() {
        let mut model = with(|settings| settings.cancel_until_us = Some(100));
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "hal", 0).unwrap();
        let late = ask(&mut model, 100, transfer_of("ada", ZOE));
        assert_eq!(late.unwrap_err(), Rejection::TooLate);
        let own = Request::new(100, transfer_of("hal", ZOE)).by("hal").by_host();
        model.submit(&own).unwrap();
    }

    #[test]
    fn why_a_recipient_may_not_is_told_after_everything_else() {
        let mut model = with(|settings| settings.cancel_until_us = Some(100));
        reserve(&mut model, AMY, 0).unwrap();
        let to_oneself = |if_version| Command::Transfer {
            person: AMY.into(),
            to: AMY.into(),
            if_version,
        };
        let told = |model: &mut Model, at_us, if_version| {
            ask(model, at_us, to_oneself(if_version)).unwrap_err().rejection
        };
        assert_eq!(told(&mut model, 0, None), Rejection::Forbidden);
        cancel(&mut model, AMY).unwrap();
        assert_eq!(told(&mut model, 0, None), Rejection::AlreadyCancelled);
        assert_eq!(told(&mut model, 100, None), Rejection::TooLate);
        assert_eq!(told(&mut model, 100, Some(9)), Rejection::VersionConflict);
        let nobody = ask(&mut model, 100, transfer_of(ZOE, ZOE)).unwrap_err();
        assert_eq!(nobody, Rejection::NotFound);
    }
}
