//! The time windows: when one may enter, grow, cancel, shrink, and be promoted. Hosts are exempt from all but
//! the last, which is no rule about who may ask.

use super::{Model, Rejection};

impl Model {
    /// Entering and growing: `opens_at ≤ t < closes_at`.
    pub(super) fn judge_entering(&self, now_us: i64, by_host: bool) -> Result<(), Rejection> {
        let opens_at_us = self.settings.opens_at_us;
        let closes_at_us = self.settings.closes_at_us.unwrap_or(self.settings.starts_at_us);
        if by_host {
            Ok(())
        } else if opens_at_us.is_some_and(|opens_at_us| now_us < opens_at_us) {
            Err(Rejection::NotOpenYet)
        } else if now_us >= closes_at_us {
            Err(Rejection::Closed)
        } else {
            Ok(())
        }
    }

    /// Cancelling, shrinking, and changing nothing but texts: `t < cancel_until`.
    pub(super) fn judge_leaving(&self, now_us: i64, by_host: bool) -> Result<(), Rejection> {
        let cancel_until_us = self.settings.cancel_until_us.unwrap_or(self.settings.ends_at_us);
        if !by_host && now_us >= cancel_until_us {
            Err(Rejection::TooLate)
        } else {
            Ok(())
        }
    }

    /// Whether those who wait may be promoted: not while paused, and not from `promote_until` on.
    pub(super) fn promotes_at(&self, now_us: i64) -> bool {
        !self.cancelled && !self.waitlist_paused && now_us < self.promote_until_us()
    }

    pub(super) fn promote_until_us(&self) -> i64 {
        let settings = &self.settings;
        settings.promote_until_us.unwrap_or(settings.starts_at_us)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, Rejection};

    #[test]
    fn entering_is_open_from_opens_at_until_just_before_closes_at() {
        let mut model = with(|settings| {
            settings.opens_at_us = Some(100);
            settings.closes_at_us = Some(200);
        });
        assert_eq!(
            reserve_at(&mut model, 99, "ada", 0).unwrap_err(),
            Rejection::NotOpenYet
        );
        reserve_at(&mut model, 100, "ada", 0).unwrap();
        reserve_at(&mut model, 199, "bob", 0).unwrap();
        assert_eq!(
            reserve_at(&mut model, 200, "cyd", 0).unwrap_err(),
            Rejection::Closed
        );
    }

    #[test]
    fn closes_at_is_the_start_unless_set() {
        let mut model = capacity(9);
        reserve_at(&mut model, STARTS_AT_US - 1, "ada", 0).unwrap();
        assert_eq!(
            reserve_at(&mut model, STARTS_AT_US, "bob", 0).unwrap_err(),
            Rejection::Closed
        );
    }

    #[test]
    fn cancelling_is_allowed_until_just_before_cancel_until() {
        let mut model = with(|settings| settings.cancel_until_us = Some(200));
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        cancel_at(&mut model, 199, "ada").unwrap();
        assert_eq!(cancel_at(&mut model, 200, "bob").unwrap_err(), Rejection::TooLate);
    }

    #[test]
    fn cancel_until_is_the_end_unless_set() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        cancel_at(&mut model, ENDS_AT_US - 1, "ada").unwrap();
        assert_eq!(
            cancel_at(&mut model, ENDS_AT_US, "bob").unwrap_err(),
            Rejection::TooLate
        );
    }

    #[test]
    fn growing_is_bound_by_entering_and_shrinking_by_leaving() {
        let mut model = with(|settings| {
            settings.closes_at_us = Some(100);
            settings.cancel_until_us = Some(200);
        });
        reserve_at(&mut model, 0, "ada", 1).unwrap();
        assert_eq!(
            update_at(&mut model, 100, "ada", Some(2), None).unwrap_err(),
            Rejection::Closed
        );
        update_at(&mut model, 199, "ada", Some(0), None).unwrap();
        assert_eq!(
            update_at(&mut model, 200, "ada", None, Some(Some("x"))).unwrap_err(),
            Rejection::TooLate
        );
    }

    #[test]
    fn growing_with_a_text_is_judged_as_growing_alone() {
        let mut model = with(|settings| settings.cancel_until_us = Some(100));
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        update_at(&mut model, 100, "ada", Some(1), Some(Some("x"))).unwrap();
    }

    #[test]
    fn a_text_may_change_before_opening_and_after_closing() {
        let mut model = with(|settings| settings.closes_at_us = Some(100));
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        update_at(&mut model, 150, "ada", None, Some(Some("x"))).unwrap();
    }

    #[test]
    fn hosts_are_exempt_from_time_windows() {
        let mut model = capacity(9);
        let ada = Command::Reserve {
            person: "ada".into(),
            guest_count: 0,
            special_requirements: None,
        };
        host(&mut model, ENDS_AT_US, ada).unwrap();
        let grow = Command::Update {
            person: "ada".into(),
            guest_count: Some(1),
            special_requirements: None,
            name: None,
            if_version: None,
        };
        host(&mut model, ENDS_AT_US, grow).unwrap();
        let cancel = Command::Cancel {
            person: "ada".into(),
            by_host: true,
            if_version: None,
        };
        host(&mut model, ENDS_AT_US, cancel).unwrap();
    }

    #[test]
    fn a_stamp_never_goes_backwards() {
        let mut model = with(|settings| settings.closes_at_us = Some(200));
        assert_eq!(
            reserve_at(&mut model, 200, "ada", 0).unwrap_err(),
            Rejection::Closed
        );
        assert_eq!(
            reserve_at(&mut model, 100, "bob", 0).unwrap_err(),
            Rejection::Closed
        );
    }
}
