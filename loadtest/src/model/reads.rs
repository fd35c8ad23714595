//! What can be read of an activity: RSVPs with their places, the line, the counts. It changes nothing.

use std::collections::BTreeMap;

use super::{Counts, Event, Model, Rsvp, RsvpView, Settings, Status, WaitingParty};

impl Model {
    /// The number of the last event; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.events.len() as u64
    }

    /// Every event so far, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The settings as they are now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the host has paused promotion.
    pub fn is_waitlist_paused(&self) -> bool {
        self.waitlist_paused
    }

    /// Whether the activity was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// The activity's own version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Everybody who ever reserved, by person.
    pub fn rsvps(&self) -> &BTreeMap<String, Rsvp> {
        &self.rsvps
    }

    /// Who waits, in the order of tickets: the party at index `i` has the position `i + 1`.
    pub fn waiting(&self) -> &[WaitingParty] {
        &self.waiting
    }

    /// One person's RSVP with its place in the line.
    pub fn rsvp(&self, person: &str) -> Option<RsvpView> {
        let row = self.rsvps.get(person)?;
        let mut place = None;
        if row.status == Status::Waitlisted {
            let mut spots_ahead = 0;
            for (parties_ahead, party) in (0..).zip(&self.waiting) {
                if party.ticket == row.ticket {
                    place = Some((parties_ahead, spots_ahead));
                    break;
                }
                spots_ahead += party.spots;
            }
        }
        Some(row.view(person, place))
    }

    /// Everybody's RSVP as [`rsvp`](Self::rsvp) has it; the line is walked only once for all of them.
    pub fn all_rsvps(&self) -> BTreeMap<&str, RsvpView> {
        let mut places = BTreeMap::new();
        let mut spots_ahead = 0;
        for (parties_ahead, party) in (0..).zip(&self.waiting) {
            places.insert(party.ticket, (parties_ahead, spots_ahead));
            spots_ahead += party.spots;
        }
        let view = |(person, row): (&'_ String, &'_ Rsvp)| {
            let waits = row.status == Status::Waitlisted;
            row.view(person, places.get(&row.ticket).copied().filter(|_| waits))
        };
        self.rsvps
            .iter()
            .map(|entry| (entry.0.as_str(), view(entry)))
            .collect()
    }

    /// The spots that are taken.
    pub fn confirmed_spots(&self) -> u64 {
        self.confirmed_spots
    }

    /// The spots that are taken or held by offers.
    pub fn held_spots(&self) -> u64 {
        self.confirmed_spots + self.offered_spots
    }

    /// The spots of those who are at the door.
    pub fn checked_in_spots(&self) -> u64 {
        let at_the_door = self
            .rsvps
            .values()
            .filter(|row| row.status == Status::Confirmed && row.checked_in_at_us.is_some());
        at_the_door.map(Rsvp::spots).sum()
    }

    /// The counts that everybody may see.
    pub fn counts(&self) -> Counts {
        Counts {
            capacity: u64::from(self.settings.capacity),
            confirmed_spots: self.confirmed_spots,
            offered_spots: self.offered_spots,
            available_spots: self.available_spots(),
            waitlisted_parties: self.waiting.len() as u64,
            waitlisted_spots: self.waiting.iter().map(|party| party.spots).sum(),
            seq: self.seq(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Counts;
    use crate::model::testing::*;

    #[test]
    fn counts_are_what_everybody_may_see() {
        let mut model = capacity(3);
        reserve(&mut model, "ada", 1).unwrap();
        reserve(&mut model, "bob", 2).unwrap();
        assert_eq!(
            model.counts(),
            Counts {
                capacity: 3,
                confirmed_spots: 2,
                offered_spots: 0,
                available_spots: 1,
                waitlisted_parties: 1,
                waitlisted_spots: 3,
                seq: 2
            }
        );
    }

    #[test]
    fn everybody_together_is_everybody_alone() {
        let mut model = capacity(2);
        for (person, guest_count) in [("ada", 0), ("bob", 1), ("cyd", 1), ("dan", 1)] {
            reserve(&mut model, person, guest_count).unwrap();
        }
        cancel(&mut model, "cyd").unwrap();
        for (person, together) in model.all_rsvps() {
            assert_eq!(Some(together), model.rsvp(person));
        }
        assert_eq!(model.all_rsvps()["dan"].spots_ahead, Some(2));
    }
}
