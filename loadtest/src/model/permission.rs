//! Who may know of the activity, and who may ask what of it. It is judged before everything else.

use super::{CancelReason, Command, Model, Rejection, Request, Status, is_guest};

impl Model {
    /// A private activity is there for its hosts and for whoever has an RSVP in it, also if they cancelled it
    /// themselves. One that the host cancelled does not count.
    pub fn is_visible_to(&self, person: Option<&str>, by_host: bool) -> bool {
        let own = person.and_then(|person| self.rsvps.get(person));
        !self.settings.private
            || by_host
            || own.is_some_and(|row| row.status != Status::Cancelled(CancelReason::ByHost))
    }

    /// People may act on what is their own, or what they booked; the activity is its hosts' own. Whether an RSVP
    /// exists at all is no matter of permission.
    pub(super) fn permit(&self, request: &Request) -> Result<(), Rejection> {
        if request.by_system {
            let may = request.command == Command::Expire;
            return if may { Ok(()) } else { Err(Rejection::Forbidden) };
        }
        let Some(by) = request.by.as_deref() else {
            return Ok(());
        };
        let present = self.rsvps.get(by).map(|row| row.generation);
        if let (Some(generation), Some(present)) = (request.generation, present)
            && generation != present
        {
            return Err(Rejection::TokenRevoked);
        }
        // A visitor has proved nothing: whoever knows the address of somebody is not that person.
        let is_visitor = is_guest(by) && request.generation.is_none();
        let holder = Some(by).filter(|_| !is_visitor);
        if !self.is_visible_to(holder, request.by_host) {
            return Err(Rejection::NotFound);
        }
        let enters = matches!(
            request.command,
            Command::Reserve { .. } | Command::ReserveGroup { .. }
        );
        // The manage token of an RSVP of another activity proves nothing here, not even an address.
        let is_nobody = request.generation.is_some() && present.is_none();
        if (is_visitor && !enters)
            || (is_nobody && enters)
            || !self.may(by, request.by_host, &request.command)
        {
            return Err(Rejection::Forbidden);
        }
        Ok(())
    }

    fn may(&self, by: &str, by_host: bool, command: &Command) -> bool {
        let guests_are_fine = self.settings.guests || by_host;
        let is_unknown = |person: &str| !self.rsvps.contains_key(person);
        let is_booker = |person: &str| {
            let row = self.rsvps.get(person);
            row.is_some_and(|row| row.booked_by.as_deref() == Some(by))
        };
        match command {
            Command::Reserve { person, .. } => {
                by_host || (person == by && (guests_are_fine || !is_guest(by)))
            }
            // Into a private activity the host alone brings people.
            Command::ReserveGroup { .. } => {
                guests_are_fine && !is_guest(by) && (by_host || !self.settings.private)
            }
            Command::Update { person, .. } | Command::Cancel { person, .. } => {
                by_host || person == by || is_booker(person) || is_unknown(person)
            }
            Command::Accept { person, .. } | Command::Decline { person, .. } => {
                person == by || is_booker(person) || is_unknown(person)
            }
            Command::Transfer { person, .. } => person == by || is_unknown(person),
            Command::CheckIn { .. }
            | Command::UndoCheckIn { .. }
            | Command::Promote(_)
            | Command::Bulk { .. }
            | Command::ChangeSettings(_)
            | Command::CancelActivity => by_host,
            Command::Expire => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{
        Answer, Command, EventKind, GroupMode, Model, Refusal, Rejection, Request, SettingsChange, Which,
    };

    fn private() -> Model {
        with(|settings| settings.private = true)
    }

    fn coming(person: &str) -> Command {
        Command::Reserve {
            person: person.into(),
            guest_count: 0,
            special_requirements: None,
        }
    }

    fn leaving(person: &str) -> Command {
        Command::Cancel {
            person: person.into(),
            by_host: false,
            if_version: None,
        }
    }

    fn ask_by(model: &mut Model, by: &str, command: Command) -> Option<Rejection> {
        let refusal = model.submit(&Request::new(0, command).by(by)).err();
        refusal.map(|refusal| refusal.rejection)
    }

    #[test]
    fn people_act_on_their_own_rsvp_alone() {
        let mut model = capacity(9);
        assert_eq!(ask_by(&mut model, "ada", coming("ada")), None);
        assert_eq!(
            ask_by(&mut model, "bob", coming("cyd")),
            Some(Rejection::Forbidden)
        );
        assert_eq!(
            ask_by(&mut model, "bob", leaving("ada")),
            Some(Rejection::Forbidden)
        );
        assert_eq!(
            ask_by(&mut model, "bob", leaving("cyd")),
            Some(Rejection::NotFound)
        );
        assert_eq!(ask_by(&mut model, "ada", leaving("ada")), None);
    }

    #[test]
    fn the_activity_is_its_hosts_own() {
        let mut model = capacity(9);
        let change = Command::ChangeSettings(SettingsChange::default());
        for command in [change, Command::CancelActivity] {
            assert_eq!(
                ask_by(&mut model, "ada", command.clone()),
                Some(Rejection::Forbidden)
            );
            let by_host = Request::new(0, command).by("hal").by_host();
            assert!(model.submit(&by_host).is_ok());
        }
    }

    #[test]
    fn a_private_activity_is_not_there_for_whoever_has_no_rsvp_in_it() {
        let mut model = private();
        assert_eq!(
            ask_by(&mut model, "ada", coming("ada")),
            Some(Rejection::NotFound)
        );
        assert_eq!(
            ask_by(&mut model, "ada", Command::CancelActivity),
            Some(Rejection::NotFound)
        );
        assert!(!model.is_visible_to(Some("ada"), false));
        assert!(!model.is_visible_to(None, false));
        assert!(model.is_visible_to(Some("hal"), true));
    }

    #[test]
    fn a_private_activity_stays_there_for_its_people_also_after_they_cancelled() {
        let mut model = capacity(9);
        assert_eq!(ask_by(&mut model, "ada", coming("ada")), None);
        let private = SettingsChange {
            private: Some(true),
            ..SettingsChange::default()
        };
        change(&mut model, private).unwrap();
        assert_eq!(ask_by(&mut model, "ada", leaving("ada")), None);
        assert!(model.is_visible_to(Some("ada"), false));
        assert_eq!(ask_by(&mut model, "ada", coming("ada")), None);
    }

    #[test]
    fn a_private_activity_is_gone_for_whoever_the_host_has_put_out() {
        let mut model = capacity(9);
        assert_eq!(ask_by(&mut model, "ada", coming("ada")), None);
        let put_out = Command::Cancel {
            person: "ada".into(),
            by_host: true,
            if_version: None,
        };
        host(&mut model, 0, put_out).unwrap();
        assert!(
            model.is_visible_to(Some("ada"), false),
            "while everybody may know"
        );
        let private = SettingsChange {
            private: Some(true),
            ..SettingsChange::default()
        };
        change(&mut model, private).unwrap();
        assert!(!model.is_visible_to(Some("ada"), false));
        assert_eq!(
            ask_by(&mut model, "ada", coming("ada")),
            Some(Rejection::NotFound)
        );
    }

    #[test]
    fn whoever_the_host_has_booked_and_cancels_is_put_out() {
        let mut model = private();
        let book = group_of(&[("amy@x.org", 0)], GroupMode::All);
        model.submit(&Request::new(0, book).by("hal").by_host()).unwrap();
        let cancel = Command::Cancel {
            person: "amy@x.org".into(),
            by_host: true,
            if_version: None,
        };
        model
            .submit(&Request::new(0, cancel).by("hal").by_host())
            .unwrap();
        assert!(!model.is_visible_to(Some("amy@x.org"), false));
    }

    #[test]
    fn into_a_private_activity_the_host_alone_books_others() {
        let mut model = private();
        host(&mut model, 0, coming("ada")).unwrap();
        let book = group_of(&[("amy@x.org", 0)], GroupMode::Each);
        assert!(model.is_visible_to(Some("ada"), false));
        assert_eq!(
            ask_by(&mut model, "ada", book.clone()),
            Some(Rejection::Forbidden)
        );
        assert!(model.submit(&Request::new(0, book).by("hal").by_host()).is_ok());
    }

    #[test]
    fn permission_comes_before_everything_else() {
        let mut model = capacity(9);
        assert_eq!(ask_by(&mut model, "ada", coming("ada")), None);
        let keyed = |command| Request::new(0, command).by("bob").with_key("bob", "k");
        model.submit(&keyed(coming("bob"))).unwrap();
        cancel_activity(&mut model).unwrap();
        assert_eq!(
            model.submit(&keyed(leaving("ada"))).unwrap_err(),
            Rejection::Forbidden
        );
    }

    const AMY: &str = "amy@x.org";
    const BEN: &str = "ben@x.org";
    const ZOE: &str = "zoe@x.org";

    fn refused(outcome: Result<Answer, Refusal>) -> Option<Rejection> {
        outcome.err().map(|refusal| refusal.rejection)
    }

    /// Who asks, in which way.
    #[derive(Clone, Copy)]
    enum Asker {
        Account(&'static str),
        Token(&'static str),
        Visitor(&'static str),
        Host,
        System,
    }

    fn request(asker: Asker, command: Command) -> Request {
        let request = Request::new(0, command);
        match asker {
            Asker::Account(by) | Asker::Visitor(by) => request.by(by),
            Asker::Token(by) => request.by(by).with_token_of(1),
            Asker::Host => request.by("hal").by_host(),
            Asker::System => request.by_system(),
        }
    }

    /// Everybody who may not give the command; of those who may it does not matter what becomes of it.
    fn forbidden(model: &Model, command: &Command) -> Vec<bool> {
        let askers = [
            Asker::Token(AMY),
            Asker::Token(BEN),
            Asker::Account(BOOKER),
            Asker::Host,
            Asker::Account("eve"),
            Asker::Visitor(AMY),
            Asker::System,
        ];
        let is_forbidden = |asker| {
            refused(model.clone().submit(&request(asker, command.clone()))) == Some(Rejection::Forbidden)
        };
        askers.map(is_forbidden).into()
    }

    /// Amy and Ben came as a group and have an offer.
    fn offered_group() -> Model {
        let mut model = offering(2, 10);
        reserve(&mut model, "ada", 1).unwrap();
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        cancel(&mut model, "ada").unwrap();
        assert!(row(&model, AMY).offer_expires_at_us.is_some());
        model
    }

    #[test]
    fn an_rsvp_is_changed_and_cancelled_by_its_person_its_booker_and_the_host() {
        let model = offered_group();
        let update = Command::Update {
            person: AMY.into(),
            guest_count: None,
            special_requirements: None,
            name: None,
            if_version: None,
        };
        for command in [update, leaving(AMY)] {
            let told = forbidden(&model, &command);
            assert_eq!(told, [false, true, false, false, true, true, true]);
        }
    }

    #[test]
    fn an_offer_is_answered_by_any_member_and_the_booker_but_not_by_the_host_as_such() {
        let mut model = offered_group();
        for command in [accept_of(AMY), decline_of(AMY)] {
            let told = forbidden(&model, &command);
            assert_eq!(told, [false, true, false, true, true, true, true]);
        }
        let by_the_other_member = request(Asker::Token(BEN), accept_of(BEN));
        let answer = model.submit(&by_the_other_member).unwrap();
        assert_eq!(
            story(&answer),
            [(EventKind::Accepted, AMY), (EventKind::Accepted, BEN)]
        );
    }

    #[test]
    fn a_host_who_comes_answers_the_own_offer() {
        let mut model = offering(1, 10);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "hal", 0).unwrap();
        cancel(&mut model, "ada").unwrap();
        model.submit(&request(Asker::Host, accept_of("hal"))).unwrap();
    }

    #[test]
    fn only_its_person_gives_an_rsvp_away() {
        let told = forbidden(&offered_group(), &transfer_of(AMY, ZOE));
        assert_eq!(told, [false, true, true, true, true, true, true]);
    }

    #[test]
    fn the_door_the_line_and_the_activity_are_the_hosts() {
        let undo = Command::UndoCheckIn {
            person: AMY.into(),
            if_version: None,
        };
        for command in [
            check_in_of(AMY, None),
            undo,
            promote_of(&[AMY]),
            Command::Promote(Which::Next(1)),
            bulk_of(&[], &[AMY]),
            Command::ChangeSettings(SettingsChange::default()),
            Command::CancelActivity,
        ] {
            let told = forbidden(&offered_group(), &command);
            assert_eq!(told, [true, true, true, false, true, true, true]);
        }
    }

    #[test]
    fn only_time_lets_offers_expire_and_it_does_nothing_else() {
        let told = forbidden(&offered_group(), &Command::Expire);
        assert_eq!(told, [true, true, true, true, true, true, false]);
        let told = forbidden(&offered_group(), &coming("new"));
        assert!(told[6]);
    }

    #[test]
    fn any_account_books_for_others_and_nobody_without_one() {
        let command = group_of(&[("new@x.org", 0), ("old@x.org", 0)], GroupMode::Each);
        let told = forbidden(&offered_group(), &command);
        assert_eq!(told, [true, true, false, false, false, true, true]);
    }

    #[test]
    fn a_visitor_may_enter_under_the_own_address_and_do_nothing_else() {
        let mut model = capacity(9);
        for (person, told) in [(BEN, Some(Rejection::Forbidden)), (AMY, None)] {
            let outcome = model.submit(&request(Asker::Visitor(AMY), coming(person)));
            assert_eq!(refused(outcome), told);
        }
        for command in [leaving(AMY), leaving(ZOE), accept_of(AMY), transfer_of(AMY, ZOE)] {
            let outcome = model.submit(&request(Asker::Visitor(AMY), command));
            assert_eq!(refused(outcome), Some(Rejection::Forbidden));
        }
    }

    #[test]
    fn a_token_of_another_generation_is_revoked_before_everything_else() {
        let mut model = capacity(9);
        reserve(&mut model, AMY, 0).unwrap();
        let keyed = request(Asker::Token(AMY), leaving(AMY)).with_key(AMY, "k");
        model.submit(&keyed).unwrap();
        assert!(
            model.submit(&keyed).unwrap().replayed,
            "the token outlives the cancel"
        );
        reserve(&mut model, AMY, 0).unwrap();
        cancel_activity(&mut model).unwrap();
        for command in [leaving(AMY), leaving(BEN), Command::CancelActivity] {
            let outcome = model.submit(&request(Asker::Token(AMY), command));
            assert_eq!(refused(outcome), Some(Rejection::TokenRevoked));
        }
        assert_eq!(refused(model.submit(&keyed)), Some(Rejection::TokenRevoked));
    }

    #[test]
    fn the_token_of_an_rsvp_of_another_activity_is_good_for_nothing_here_and_not_revoked() {
        let mut model = capacity(9);
        reserve(&mut model, AMY, 0).unwrap();
        for (command, told) in [
            (coming(ZOE), Rejection::Forbidden),
            (leaving(AMY), Rejection::Forbidden),
            (leaving(ZOE), Rejection::NotFound),
        ] {
            let outcome = model.submit(&request(Asker::Token(ZOE), command));
            assert_eq!(refused(outcome), Some(told));
        }
    }

    #[test]
    fn a_guest_comes_back_by_address_alone_or_by_manage_token() {
        for asker in [Asker::Visitor(AMY), Asker::Token(AMY)] {
            let mut model = capacity(9);
            reserve(&mut model, AMY, 0).unwrap();
            cancel(&mut model, AMY).unwrap();
            assert_eq!(
                refused(model.submit(&request(asker, coming(BEN)))),
                Some(Rejection::Forbidden)
            );
            model.submit(&request(asker, coming(AMY))).unwrap();
            assert_eq!(row(&model, AMY).generation, 2);
        }
    }

    #[test]
    fn whoever_may_not_know_of_a_private_activity_is_not_told_that_only_time_ends_offers() {
        let mut model = private();
        for asker in [Asker::Account("ada"), Asker::Visitor(AMY), Asker::Token(AMY)] {
            let outcome = model.submit(&request(asker, Command::Expire));
            assert_eq!(refused(outcome), Some(Rejection::NotFound));
        }
        let outcome = model.submit(&request(Asker::Host, Command::Expire));
        assert_eq!(refused(outcome), Some(Rejection::Forbidden));
    }

    #[test]
    fn where_guests_are_off_nobody_without_an_account_enters_but_by_the_host() {
        let mut model = capacity(9);
        reserve(&mut model, AMY, 0).unwrap();
        cancel(&mut model, AMY).unwrap();
        reserve(&mut model, BEN, 0).unwrap();
        model.settings.guests = false;
        let everybody = group_of(&[(AMY, 0), (ZOE, 0)], GroupMode::All);
        for (asker, command) in [
            (Asker::Visitor(AMY), coming(AMY)),
            (Asker::Token(AMY), coming(AMY)),
            (Asker::Account(BOOKER), everybody.clone()),
        ] {
            let outcome = model.submit(&request(asker, command));
            assert_eq!(refused(outcome), Some(Rejection::Forbidden));
        }
        model
            .submit(&request(Asker::Account("ada"), coming("ada")))
            .unwrap();
        model.submit(&request(Asker::Host, everybody)).unwrap();
        let stays = request(Asker::Token(BEN), leaving(BEN));
        model.submit(&stays).unwrap();
    }

    #[test]
    fn a_guest_knows_of_a_private_activity_by_the_token_until_the_host_puts_the_guest_out() {
        let mut model = private();
        let everybody = group_of(&[(AMY, 0), (ZOE, 0)], GroupMode::All);
        model.submit(&request(Asker::Host, everybody)).unwrap();
        let amy = request(Asker::Token(AMY), check_in_of(AMY, None));
        assert_eq!(refused(model.submit(&amy)), Some(Rejection::Forbidden));
        for asker in [Asker::Visitor(AMY), Asker::Account("eve")] {
            let outcome = model.submit(&request(asker, leaving(AMY)));
            assert_eq!(refused(outcome), Some(Rejection::NotFound));
        }
        let put_out = Command::Cancel {
            person: AMY.into(),
            by_host: true,
            if_version: None,
        };
        model.submit(&request(Asker::Host, put_out)).unwrap();
        assert_eq!(refused(model.submit(&amy)), Some(Rejection::NotFound));
    }

    #[test]
    fn having_booked_for_others_lets_nobody_know_of_a_private_activity() {
        let mut model = capacity(9);
        group(&mut model, &[(AMY, 0), (BEN, 0)]).unwrap();
        model.settings.private = true;
        let outcome = model.submit(&request(Asker::Account(BOOKER), leaving(AMY)));
        assert_eq!(refused(outcome), Some(Rejection::NotFound));
    }

    #[test]
    fn the_host_brings_people_into_a_private_activity_and_nobody_else_who_does_not_know_of_it() {
        let mut model = private();
        let everybody = group_of(&[(AMY, 0), (ZOE, 0)], GroupMode::All);
        let outcome = model.submit(&request(Asker::Account(BOOKER), everybody.clone()));
        assert_eq!(refused(outcome), Some(Rejection::NotFound));
        model.submit(&request(Asker::Host, everybody)).unwrap();
        assert!(model.is_visible_to(Some(AMY), false));
    }
}
