//! Who may know of the activity, and who may ask what of it. It is judged before everything else.

use super::{CancelReason, Command, Model, Rejection, Request, Status};

impl Model {
    /// A private activity is there for its hosts and for whoever has an RSVP in it, also if they cancelled it
    /// themselves. One that the host cancelled does not count.
    pub fn is_visible_to(&self, person: Option<&str>, by_host: bool) -> bool {
        let own = person.and_then(|person| self.rsvps.get(person));
        !self.settings.private
            || by_host
            || own.is_some_and(|row| row.status != Status::Cancelled(CancelReason::ByHost))
    }

    /// People may act on what is their own; the activity is its hosts' own. Whether an RSVP exists at all is no
    /// matter of permission.
    pub(super) fn permit(&self, request: &Request) -> Result<(), Rejection> {
        let Some(by) = request.by.as_deref().filter(|_| !request.by_host) else {
            return Ok(());
        };
        if !self.is_visible_to(Some(by), false) {
            return Err(Rejection::NotFound);
        }
        let allowed = match &request.command {
            Command::Reserve { person, .. } => person == by,
            Command::Update { person, .. } | Command::Cancel { person, .. } => {
                person == by || !self.rsvps.contains_key(person)
            }
            Command::ChangeSettings(_) | Command::CancelActivity => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(Rejection::Forbidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, Model, Rejection, Request, SettingsChange};

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

    fn ask(model: &mut Model, by: &str, command: Command) -> Option<Rejection> {
        model.submit(&Request::new(0, command).by(by)).err()
    }

    #[test]
    fn people_act_on_their_own_rsvp_alone() {
        let mut model = capacity(9);
        assert_eq!(ask(&mut model, "ada", coming("ada")), None);
        assert_eq!(ask(&mut model, "bob", coming("cyd")), Some(Rejection::Forbidden));
        assert_eq!(ask(&mut model, "bob", leaving("ada")), Some(Rejection::Forbidden));
        assert_eq!(ask(&mut model, "bob", leaving("cyd")), Some(Rejection::NotFound));
        assert_eq!(ask(&mut model, "ada", leaving("ada")), None);
    }

    #[test]
    fn the_activity_is_its_hosts_own() {
        let mut model = capacity(9);
        let change = Command::ChangeSettings(SettingsChange::default());
        for command in [change, Command::CancelActivity] {
            assert_eq!(
                ask(&mut model, "ada", command.clone()),
                Some(Rejection::Forbidden)
            );
            let by_host = Request::new(0, command).by("hal").by_host();
            assert!(model.submit(&by_host).is_ok());
        }
    }

    #[test]
    fn a_private_activity_is_not_there_for_whoever_has_no_rsvp_in_it() {
        let mut model = private();
        assert_eq!(ask(&mut model, "ada", coming("ada")), Some(Rejection::NotFound));
        assert_eq!(
            ask(&mut model, "ada", Command::CancelActivity),
            Some(Rejection::NotFound)
        );
        assert!(!model.is_visible_to(Some("ada"), false));
        assert!(!model.is_visible_to(None, false));
        assert!(model.is_visible_to(Some("hal"), true));
    }

    #[test]
    fn a_private_activity_stays_there_for_its_people_also_after_they_cancelled() {
        let mut model = capacity(9);
        assert_eq!(ask(&mut model, "ada", coming("ada")), None);
        let private = SettingsChange {
            private: Some(true),
            ..SettingsChange::default()
        };
        change(&mut model, private).unwrap();
        assert_eq!(ask(&mut model, "ada", leaving("ada")), None);
        assert!(model.is_visible_to(Some("ada"), false));
        assert_eq!(ask(&mut model, "ada", coming("ada")), None);
    }

    #[test]
    fn a_private_activity_is_gone_for_whoever_the_host_has_put_out() {
        let mut model = capacity(9);
        assert_eq!(ask(&mut model, "ada", coming("ada")), None);
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
        assert_eq!(ask(&mut model, "ada", coming("ada")), Some(Rejection::NotFound));
    }

    #[test]
    fn permission_comes_before_everything_else() {
        let mut model = capacity(9);
        assert_eq!(ask(&mut model, "ada", coming("ada")), None);
        let keyed = |command| Request::new(0, command).by("bob").with_key("bob", "k");
        model.submit(&keyed(coming("bob"))).unwrap();
        cancel_activity(&mut model).unwrap();
        assert_eq!(
            model.submit(&keyed(leaving("ada"))).unwrap_err(),
            Rejection::Forbidden
        );
    }
}
