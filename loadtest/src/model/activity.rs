//! Commands about the activity as a whole: other settings, pausing and resuming, the end of it all.

use super::{CancelReason, EventKind, Model, Rejection, Settings, SettingsChange, Status};

impl Model {
    pub(super) fn judge_change(
        &self,
        change: &SettingsChange,
        if_version: Option<u64>,
    ) -> Result<(), Rejection> {
        self.judge_version(if_version)?;
        if change.applied_to(&self.settings).are_valid() {
            Ok(())
        } else {
            Err(Rejection::Invalid)
        }
    }

    pub(super) fn judge_version(&self, if_version: Option<u64>) -> Result<(), Rejection> {
        if if_version.is_some_and(|version| version != self.version) {
            Err(Rejection::VersionConflict)
        } else {
            Ok(())
        }
    }

    pub(super) fn change_settings(&mut self, change: &SettingsChange) {
        let new = change.applied_to(&self.settings);
        let paused = change.waitlist_paused.unwrap_or(self.waitlist_paused);
        let capacity_changed = new.capacity != self.settings.capacity;
        let others_changed = new
            != Settings {
                capacity: new.capacity,
                ..self.settings.clone()
            };
        let pause_changed = paused != self.waitlist_paused;
        if capacity_changed {
            // Nobody is evicted: what is held now may go on being held.
            self.spots_limit = self.held_spots().max(u64::from(new.capacity));
        }
        self.settings = new;
        self.waitlist_paused = paused;

        if others_changed {
            self.emit_for_activity(EventKind::ActivityUpdated);
        }
        if capacity_changed {
            self.emit_for_activity(EventKind::CapacityChanged);
        }
        if pause_changed {
            let kind = if paused {
                EventKind::WaitlistPaused
            } else {
                EventKind::WaitlistResumed
            };
            self.emit_for_activity(kind);
        }
    }

    /// One event ends it for everybody.
    pub(super) fn cancel_activity(&mut self) {
        self.cancelled = true;
        for row in self.rsvps.values_mut().filter(|row| row.status.is_live()) {
            row.status = Status::Cancelled(CancelReason::ActivityCancelled);
            row.offer_expires_at_us = None;
            row.version += 1;
        }
        self.waiting.clear();
        self.confirmed_spots = 0;
        self.offered_spots = 0;
        self.emit_for_activity(EventKind::ActivityCancelled);
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{
        CancelReason, Command, EventKind, Promotion, Rejection, Request, SettingsChange, Status, Told,
    };

    #[test]
    fn raising_the_capacity_promotes_at_once() {
        let mut model = capacity(1);
        for person in ["ada", "bob", "cyd"] {
            reserve(&mut model, person, 0).unwrap();
        }
        let answer = set_capacity(&mut model, 3).unwrap();
        assert_eq!(
            kinds(&answer),
            [
                EventKind::CapacityChanged,
                EventKind::Promoted,
                EventKind::Promoted
            ]
        );
        assert_eq!((answer.seq, answer.told), (6, Told::Nothing));
    }

    #[test]
    fn lowering_the_capacity_evicts_nobody_and_promotes_nobody_until_there_is_room() {
        let mut model = capacity(3);
        for person in ["ada", "bob", "cyd", "dan"] {
            reserve(&mut model, person, 0).unwrap();
        }
        assert_eq!(
            kinds(&set_capacity(&mut model, 1).unwrap()),
            [EventKind::CapacityChanged]
        );
        assert_eq!(model.counts().confirmed_spots, 3);
        assert_eq!(model.counts().available_spots, 0);
        assert!(promoted(&cancel(&mut model, "ada").unwrap()).is_empty());
        assert!(promoted(&cancel(&mut model, "bob").unwrap()).is_empty());
        assert_eq!(promoted(&cancel(&mut model, "cyd").unwrap()), ["dan"]);
    }

    #[test]
    fn a_change_tells_of_settings_then_capacity_then_pause_then_promotions() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        pause(&mut model).unwrap();
        let everything = SettingsChange {
            capacity: Some(2),
            patience: Some(0),
            waitlist_paused: Some(false),
            ..SettingsChange::default()
        };
        let answer = change(&mut model, everything).unwrap();
        assert_eq!(
            kinds(&answer),
            [
                EventKind::ActivityUpdated,
                EventKind::CapacityChanged,
                EventKind::WaitlistResumed,
                EventKind::Promoted
            ]
        );
    }

    #[test]
    fn a_change_to_what_already_is_has_no_effect() {
        let mut model = capacity(1);
        let same = SettingsChange {
            capacity: Some(1),
            patience: Some(3),
            waitlist_paused: Some(false),
            opens_at_us: Some(None),
            ..SettingsChange::default()
        };
        assert!(change(&mut model, same).unwrap().events.is_empty());
    }

    #[test]
    fn a_later_promote_until_promotes_those_who_stayed() {
        let mut model = with(|settings| {
            settings.capacity = 1;
            settings.promote_until_us = Some(100);
        });
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        reserve_at(&mut model, 0, "bob", 0).unwrap();
        cancel_at(&mut model, 100, "ada").unwrap();
        let later = SettingsChange {
            promote_until_us: Some(Some(200)),
            ..SettingsChange::default()
        };
        let answer = change(&mut model, later).unwrap();
        assert_eq!(kinds(&answer), [EventKind::ActivityUpdated, EventKind::Promoted]);
    }

    #[test]
    fn a_later_start_opens_the_doors_again_and_promotes_those_who_stayed() {
        let mut model = capacity(1);
        reserve_at(&mut model, 0, "ada", 0).unwrap();
        reserve_at(&mut model, 0, "bob", 0).unwrap();
        cancel_at(&mut model, STARTS_AT_US, "ada").unwrap();
        assert_eq!(
            reserve_at(&mut model, STARTS_AT_US, "cyd", 0).unwrap_err(),
            Rejection::Closed
        );
        let later = SettingsChange {
            starts_at_us: Some(STARTS_AT_US + 1),
            ..SettingsChange::default()
        };
        assert_eq!(promoted(&change(&mut model, later).unwrap()), ["bob"]);
        assert!(reserve_at(&mut model, STARTS_AT_US, "cyd", 0).is_ok());
    }

    #[test]
    fn the_version_of_the_activity_rises_with_each_event_about_it_and_with_no_other() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        assert_eq!(model.version(), 1);
        let two = SettingsChange {
            capacity: Some(2),
            patience: Some(0),
            ..SettingsChange::default()
        };
        assert_eq!(promoted(&change(&mut model, two).unwrap()), ["bob"]);
        assert_eq!(model.version(), 3);
        cancel_activity(&mut model).unwrap();
        assert_eq!(model.version(), 4);
    }

    #[test]
    fn whoever_acts_on_another_version_of_the_activity_is_refused_before_the_settings_are_looked_at() {
        let mut model = capacity(1);
        let invalid = Command::ChangeSettings(SettingsChange {
            capacity: Some(0),
            ..SettingsChange::default()
        });
        for (version, command, told) in [
            (2, invalid.clone(), Some(Rejection::VersionConflict)),
            (1, invalid, Some(Rejection::Invalid)),
            (2, Command::CancelActivity, Some(Rejection::VersionConflict)),
            (1, Command::CancelActivity, None),
        ] {
            let request = Request::new(0, command).by_host().if_version(version);
            let refusal = model.submit(&request).err();
            assert_eq!(refusal.map(|refusal| refusal.rejection), told);
        }
    }

    #[test]
    fn a_change_is_judged_by_the_settings_that_it_leads_to() {
        let mut model = capacity(1);
        let at_the_end = SettingsChange {
            starts_at_us: Some(ENDS_AT_US),
            ..SettingsChange::default()
        };
        assert_eq!(
            change(&mut model, at_the_end.clone()).unwrap_err(),
            Rejection::Invalid
        );
        let both = SettingsChange {
            ends_at_us: Some(ENDS_AT_US + 1),
            ..at_the_end
        };
        assert_eq!(
            kinds(&change(&mut model, both).unwrap()),
            [EventKind::ActivityUpdated]
        );
    }

    #[test]
    fn a_text_that_changes_is_told_and_moves_nobody() {
        let mut model = capacity(1);
        let title = |text: Option<&str>| SettingsChange {
            texts: [("title".to_owned(), text.map(Into::into))].into(),
            ..SettingsChange::default()
        };
        for (text, events) in [(Some("A"), 1), (Some("A"), 0), (None, 1), (None, 0)] {
            assert_eq!(change(&mut model, title(text)).unwrap().events.len(), events);
        }
    }

    #[test]
    fn cancelling_the_activity_cancels_every_live_rsvp_with_one_event() {
        let mut model = capacity(1);
        for person in ["ada", "bob", "cyd"] {
            reserve(&mut model, person, 0).unwrap();
        }
        cancel(&mut model, "cyd").unwrap();
        assert_eq!(
            kinds(&cancel_activity(&mut model).unwrap()),
            [EventKind::ActivityCancelled]
        );
        for person in ["ada", "bob"] {
            let view = model.rsvp(person).unwrap();
            assert_eq!(view.status, Status::Cancelled(CancelReason::ActivityCancelled));
            assert_eq!((view.version, view.position), (2, None));
        }
        let cyd = model.rsvp("cyd").unwrap();
        assert_eq!(
            (cyd.status, cyd.version),
            (Status::Cancelled(CancelReason::ByAttendee), 2)
        );
        assert_eq!(
            (model.counts().confirmed_spots, model.counts().waitlisted_parties),
            (0, 0)
        );
    }

    #[test]
    fn a_cancelled_activity_absorbs() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        cancel_activity(&mut model).unwrap();
        let seq = model.seq();
        assert_eq!(
            reserve(&mut model, "bob", 0).unwrap_err(),
            Rejection::ActivityCancelled
        );
        assert_eq!(
            cancel(&mut model, "ada").unwrap_err(),
            Rejection::ActivityCancelled
        );
        assert_eq!(
            set_capacity(&mut model, 9).unwrap_err(),
            Rejection::ActivityCancelled
        );
        assert_eq!(
            cancel_activity(&mut model).unwrap_err(),
            Rejection::ActivityCancelled
        );
        assert_eq!(model.seq(), seq);
    }

    #[test]
    fn how_promotion_goes_and_whether_guests_may_come_are_settings_like_others() {
        let mut model = capacity(1);
        let offer = |ttl_s| Promotion::Offer { ttl_s };
        for (promotion, events) in [(offer(5), 1), (offer(5), 0), (offer(6), 1), (Promotion::Auto, 1)] {
            let answer = set_promotion(&mut model, promotion).unwrap();
            assert_eq!(kinds(&answer), vec![EventKind::ActivityUpdated; events]);
        }
        let off = SettingsChange {
            guests: Some(false),
            ..SettingsChange::default()
        };
        assert_eq!(
            kinds(&change(&mut model, off).unwrap()),
            [EventKind::ActivityUpdated]
        );
    }

    #[test]
    fn an_offer_lasts_from_a_second_to_thirty_days() {
        let mut model = capacity(1);
        for (ttl_s, is_valid) in [(0, false), (1, true), (2_592_000, true), (2_592_001, false)] {
            let outcome = set_promotion(&mut model, Promotion::Offer { ttl_s });
            assert_eq!(outcome.is_ok(), is_valid, "{ttl_s}");
        }
    }
}
