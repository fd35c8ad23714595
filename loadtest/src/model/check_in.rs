//! Check-in at the door, and taking it back. No time window binds it.

use super::{EventKind, Model, Rejection, Status};

impl Model {
    /// `generation` is the one in the code that was shown, if one was.
    pub(super) fn judge_check_in(
        &self,
        person: &str,
        generation: Option<u64>,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let row = self.row_at(person, if_version)?;
        row.judge_live()?;
        if row.status != Status::Confirmed {
            return Err(Rejection::NotConfirmed);
        }
        if generation.is_some_and(|generation| generation != row.generation) {
            return Err(Rejection::InvalidCode);
        }
        Ok(())
    }

    /// Whoever is in already stays in, since the first time.
    pub(super) fn check_in(&mut self, person: &str) {
        let now_us = self.now_us;
        let row = self.row_mut(person);
        if row.checked_in_at_us.is_none() {
            row.checked_in_at_us = Some(now_us);
            self.emit(EventKind::CheckedIn, person, None);
        }
    }

    pub(super) fn undo_check_in(&mut self, person: &str) {
        if self.row_mut(person).checked_in_at_us.take().is_some() {
            self.emit(EventKind::CheckInUndone, person, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, EventKind, Rejection};

    fn undo_of(person: &str) -> Command {
        Command::UndoCheckIn {
            person: person.into(),
            if_version: None,
        }
    }

    #[test]
    fn whoever_acts_at_the_door_on_another_version_is_told_so_before_the_status_is_looked_at() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        let check_in = |if_version| Command::CheckIn {
            person: "ada".into(),
            generation: None,
            if_version,
        };
        let undo = |if_version| Command::UndoCheckIn {
            person: "ada".into(),
            if_version,
        };
        let conflict = host(&mut model, 0, check_in(Some(2))).unwrap_err();
        assert_eq!(conflict, Rejection::VersionConflict);
        host(&mut model, 0, check_in(Some(1))).unwrap();
        let conflict = host(&mut model, 0, undo(Some(1))).unwrap_err();
        assert_eq!(conflict, Rejection::VersionConflict);
        host(&mut model, 0, undo(Some(2))).unwrap();
        cancel(&mut model, "ada").unwrap();
        let conflict = host(&mut model, 0, check_in(Some(3))).unwrap_err();
        assert_eq!(conflict, Rejection::VersionConflict);
    }

    #[test]
    fn only_the_confirmed_are_checked_in_or_out() {
        let mut model = offering(1, 1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        cancel(&mut model, "ada").unwrap();
        for (person, told) in [
            ("ada", Rejection::AlreadyCancelled),
            ("bob", Rejection::NotConfirmed),
            ("cyd", Rejection::NotConfirmed),
            ("eve", Rejection::NotFound),
        ] {
            for command in [check_in_of(person, None), undo_of(person)] {
                assert_eq!(host(&mut model, 0, command).unwrap_err(), told, "{person}");
            }
        }
    }

    #[test]
    fn a_check_in_is_an_event_of_the_rsvp_and_no_time_window_binds_it() {
        let mut model = capacity(2);
        reserve(&mut model, "ada", 1).unwrap();
        let late_us = ENDS_AT_US + 1;
        let answer = host(&mut model, late_us, check_in_of("ada", None)).unwrap();
        assert_eq!(story(&answer), [(EventKind::CheckedIn, "ada")]);
        let ada = answer.rsvp().unwrap();
        assert_eq!((ada.checked_in_at_us, ada.version), (Some(late_us), 2));
        let answer = host(&mut model, late_us, undo_of("ada")).unwrap();
        assert_eq!(story(&answer), [(EventKind::CheckInUndone, "ada")]);
        let ada = answer.rsvp().unwrap();
        assert_eq!((ada.checked_in_at_us, ada.version), (None, 3));
    }

    #[test]
    fn a_second_check_in_is_fine_and_keeps_the_time_of_the_first() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        host(&mut model, 5, check_in_of("ada", None)).unwrap();
        let again = host(&mut model, 6, check_in_of("ada", Some(1))).unwrap();
        assert!(!again.changed);
        assert_eq!(again.rsvp().unwrap().checked_in_at_us, Some(5));
    }

    #[test]
    fn undoing_without_a_check_in_has_no_effect() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        assert!(!host(&mut model, 0, undo_of("ada")).unwrap().changed);
    }

    #[test]
    fn a_code_of_another_generation_is_invalid_where_the_status_is_fine() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        cancel(&mut model, "ada").unwrap();
        let old_code = || check_in_of("ada", Some(1));
        assert_eq!(
            host(&mut model, 0, check_in_of("ada", Some(9))).unwrap_err(),
            Rejection::AlreadyCancelled
        );
        reserve(&mut model, "ada", 0).unwrap();
        assert_eq!(
            host(&mut model, 0, old_code()).unwrap_err(),
            Rejection::InvalidCode
        );
        host(&mut model, 0, check_in_of("ada", Some(2))).unwrap();
        assert_eq!(
            host(&mut model, 0, old_code()).unwrap_err(),
            Rejection::InvalidCode,
            "also where somebody is in already"
        );
        cancel(&mut model, "ada").unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        reserve(&mut model, "ada", 0).unwrap();
        assert_eq!(
            host(&mut model, 0, old_code()).unwrap_err(),
            Rejection::NotConfirmed
        );
    }

    #[test]
    fn checked_in_spots_follow_the_guests_and_leave_with_a_cancel() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 2).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        host(&mut model, 7, check_in_of("ada", None)).unwrap();
        assert_eq!(model.checked_in_spots(), 3);
        host(&mut model, 7, check_in_of("bob", None)).unwrap();
        update(&mut model, "ada", Some(0), None).unwrap();
        assert_eq!(model.checked_in_spots(), 2);
        cancel(&mut model, "ada").unwrap();
        assert_eq!(model.checked_in_spots(), 1);
        assert_eq!(
            row(&model, "ada").checked_in_at_us,
            Some(7),
            "the row still tells it"
        );
        cancel_activity(&mut model).unwrap();
        assert_eq!(model.checked_in_spots(), 0);
    }

    #[test]
    fn whoever_comes_back_is_not_at_the_door_yet() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        host(&mut model, 0, check_in_of("ada", None)).unwrap();
        cancel(&mut model, "ada").unwrap();
        reserve(&mut model, "ada", 0).unwrap();
        assert_eq!(row(&model, "ada").checked_in_at_us, None);
        assert_eq!(model.checked_in_spots(), 0);
    }
}
