//! `cancel`: give an RSVP back; what it held goes to the line.

use super::{CancelReason, EventKind, Model, Rejection};

impl Model {
    pub(super) fn judge_cancel(
        &self,
        now_us: i64,
        by_host: bool,
        person: &str,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        let row = self.row_at(person, if_version)?;
        self.judge_leaving(now_us, by_host)?;
        row.judge_live()
    }

    /// A member of a party that waits or has an offer leaves it to the others.
    pub(super) fn cancel(&mut self, person: &str, by_host: bool) {
        let reason = if by_host {
            CancelReason::ByHost
        } else {
            CancelReason::ByAttendee
        };
        self.end(person, EventKind::Cancelled, reason);
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{CancelReason, Command, EventKind, Rejection, Request, Status};

    #[test]
    fn cancelling_frees_the_spots_and_promotes_in_the_same_step() {
        let mut model = capacity(2);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        reserve(&mut model, "cyd", 0).unwrap();
        let answer = cancel(&mut model, "ada").unwrap();
        assert_eq!(
            kinds(&answer),
            [EventKind::Cancelled, EventKind::Promoted, EventKind::Promoted]
        );
        assert_eq!(promoted(&answer), ["bob", "cyd"]);
        let ada = answer.rsvp().unwrap();
        assert_eq!(ada.status, Status::Cancelled(CancelReason::ByAttendee));
        assert_eq!((ada.position, ada.version), (None, 2));
    }

    #[test]
    fn a_waiting_person_who_cancels_leaves_the_line() {
        let mut model = capacity(1);
        for person in ["ada", "bob", "cyd"] {
            reserve(&mut model, person, 0).unwrap();
        }
        assert_eq!(kinds(&cancel(&mut model, "bob").unwrap()), [EventKind::Cancelled]);
        assert_eq!(model.rsvp("cyd").unwrap().position, Some(1));
    }

    #[test]
    fn a_guard_that_cancels_frees_the_line_behind_it() {
        let mut model = with(|settings| {
            settings.capacity = 2;
            settings.patience = 0;
        });
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "two", 1).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        assert_eq!(promoted(&cancel(&mut model, "two").unwrap()), ["bob"]);
    }

    #[test]
    fn rejections_come_in_their_order() {
        let mut model = with(|settings| settings.cancel_until_us = Some(100));
        let cancel_if = |if_version| Command::Cancel {
            person: "ada".into(),
            by_host: false,
            if_version,
        };
        let first = model.submit(&Request::new(0, cancel_if(Some(9))));
        assert_eq!(first.unwrap_err(), Rejection::NotFound);
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        cancel_at(&mut model, 0, "ada").unwrap();
        let again = model.submit(&Request::new(0, cancel_if(Some(2))));
        assert_eq!(again.unwrap_err(), Rejection::AlreadyCancelled);
        let conflict = model.submit(&Request::new(100, cancel_if(Some(9))));
        assert_eq!(conflict.unwrap_err(), Rejection::VersionConflict);
        let late = model.submit(&Request::new(100, cancel_if(Some(2))));
        assert_eq!(late.unwrap_err(), Rejection::TooLate);
        cancel_activity(&mut model).unwrap();
        let over = model.submit(&Request::new(100, cancel_if(Some(9))));
        assert_eq!(over.unwrap_err(), Rejection::ActivityCancelled);
    }

    #[test]
    fn the_host_cancels_with_its_own_reason() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        let command = Command::Cancel {
            person: "ada".into(),
            by_host: true,
            if_version: None,
        };
        let ada = host(&mut model, ENDS_AT_US, command).unwrap();
        let ada = ada.rsvp().unwrap();
        assert_eq!(ada.status, Status::Cancelled(CancelReason::ByHost));
    }
}
