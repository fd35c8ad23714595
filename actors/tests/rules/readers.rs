//! What readers of the committed state see, and that the log of events tells it again.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prop_assert_eq;
use turnout_actors::domain::{Activity, Answered, GroupId, Person, Principal, Status, Ticket, Timestamp};
use turnout_loadtest::model;

use super::people::{PEOPLE, email, key_of, somebody};
use super::same::{Checked, same_counts, same_head, same_rsvp};
use super::world::World;

impl World {
    pub(super) fn readers_see_only_what_is_committed(&self) -> Checked {
        same_counts(&self.activity.overview(), &self.committed)?;
        same_head(self.activity.head(), &self.committed)?;
        let expected = self.committed.all_rsvps();
        prop_assert_eq!(self.activity.rsvp_count(), expected.len());
        for answered in self.activity.rsvps() {
            let expected = expected.get(key_of(&answered.rsvp.person).as_str());
            same_rsvp(
                &answered,
                expected.expect("only people who came have RSVPs"),
                false,
            )?;
        }
        self.the_same_people_came_together()?;
        self.the_same_parties_wait()?;
        let confirmed = self.committed.rsvps().values();
        let confirmed = confirmed.filter(|row| row.status == model::Status::Confirmed);
        prop_assert_eq!(self.activity.confirmed_count(), confirmed.count());
        prop_assert_eq!(
            self.activity.next_offer_end().map(Timestamp::micros),
            self.committed.first_offer_end_us()
        );
        Ok(())
    }

    /// A group has an identifier here and a number there, so what is compared is who belongs together.
    fn the_same_people_came_together(&self) -> Checked {
        let mut numbers: HashMap<GroupId, u32> = HashMap::new();
        let mut ids: HashMap<u32, GroupId> = HashMap::new();
        for answered in self.activity.rsvps() {
            let number = self.committed.rsvps()[&key_of(&answered.rsvp.person)].group;
            if let Some((id, number)) = answered.rsvp.group().zip(number) {
                prop_assert_eq!(*numbers.entry(id).or_insert(number), number);
                prop_assert_eq!(*ids.entry(number).or_insert(id), id);
            }
        }
        Ok(())
    }

    fn the_same_parties_wait(&self) -> Checked {
        let waiting: Vec<String> = self
            .activity
            .waiting()
            .map(|answered| key_of(&answered.rsvp.person))
            .collect();
        let parties = self.committed.waiting();
        let expected: Vec<String> = parties.iter().flat_map(|party| party.members.clone()).collect();
        prop_assert_eq!(waiting, expected);
        let line = self.activity.waitlist();
        let waiting: Vec<(u64, u64, u64)> = line
            .iter_from(Ticket(0))
            .map(|party| (party.ticket.0, u64::from(party.spots), line.passed(party.ticket)))
            .collect();
        let expected: Vec<(u64, u64, u64)> = parties
            .iter()
            .map(|party| (party.ticket, party.spots, party.passed))
            .collect();
        prop_assert_eq!(waiting, expected);
        Ok(())
    }

    pub(super) fn the_same_people_may_know_of_it(&self) -> Checked {
        let (activity, committed) = (&self.activity, &self.committed);
        prop_assert_eq!(activity.is_visible_to(None), committed.is_visible_to(None, false));
        for number in 0..PEOPLE {
            let somebody = somebody(number);
            let key = Some(somebody.key.as_str());
            match &somebody.person {
                Person::User(user) => {
                    for elevated in [false, true] {
                        let by = Principal {
                            elevated,
                            ..Principal::user(*user)
                        };
                        let expected = committed.is_visible_to(key, number == 0 || elevated);
                        prop_assert_eq!(activity.is_visible_to(Some(&by)), expected);
                    }
                }
                Person::Guest(_) => {
                    let visitor = Principal::visitor(email(number));
                    prop_assert_eq!(
                        activity.is_visible_to(Some(&visitor)),
                        committed.is_visible_to(None, false)
                    );
                    if let Some(Answered { rsvp, .. }) = activity.rsvp_of(&somebody.person) {
                        let holder = Principal::guest(rsvp.id, rsvp.generation);
                        prop_assert_eq!(
                            activity.is_visible_to(Some(&holder)),
                            committed.is_visible_to(key, false)
                        );
                        prop_assert_eq!(activity.has_outlived(&holder), false);
                        let former = Principal::guest(rsvp.id, rsvp.generation - 1);
                        prop_assert_eq!(activity.has_outlived(&former), true);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn folding_all_events_gives_the_state(&self) -> Checked {
        let head = self.activity.head();
        let mut folded = Activity::new(
            self.activity.id(),
            Arc::new(self.opening.clone()),
            head.created_at,
        );
        for event in &self.events {
            folded.apply(event);
        }
        prop_assert_eq!(folded.head(), head);
        prop_assert_eq!(folded.waitlist(), self.activity.waitlist());
        prop_assert_eq!(folded.next_offer_end(), self.activity.next_offer_end());
        let sorted = |activity: &Activity| {
            let mut rsvps: Vec<Answered> = activity.rsvps().collect();
            rsvps.sort_by_key(|answered| answered.rsvp.id);
            rsvps
        };
        prop_assert_eq!(sorted(&folded), sorted(&self.activity));
        let order = |activity: &Activity| {
            let confirmed = activity.confirmed_last_first();
            let mut confirmed: Vec<_> = confirmed.map(|rsvp| rsvp.id).collect();
            confirmed.sort_unstable();
            confirmed
        };
        prop_assert_eq!(order(&folded), order(&self.activity));
        let is_confirmed = |answered: &Answered| answered.rsvp.status == Status::Confirmed;
        prop_assert_eq!(order(&folded).len(), folded.rsvps().filter(is_confirmed).count());
        Ok(())
    }
}
