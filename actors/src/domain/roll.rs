//! What is asked of all RSVPs of an activity at once: who is confirmed, whose offer ends next, who came together.
//! Kept beside the rows, and changed whenever one of them does.

use std::collections::{BTreeSet, HashMap};

use super::ids::GroupId;
use super::rsvp::{Rsvp, Status};
use super::rsvp_table::Slot;
use super::slot_set::SlotSet;
use super::time::Timestamp;

/// Some RSVPs of an activity by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Roll {
    confirmed: SlotSet,
    offers: BTreeSet<(Timestamp, Slot)>,
    groups: HashMap<GroupId, Vec<Slot>>,
}

impl Roll {
    /// Takes over that an RSVP is new or has changed.
    pub(super) fn change(&mut self, slot: Slot, before: Option<&Rsvp>, after: &Rsvp) {
        let was_confirmed = before.is_some_and(|before| before.status == Status::Confirmed);
        let is_confirmed = after.status == Status::Confirmed;
        if was_confirmed != is_confirmed {
            self.confirmed.set(slot, is_confirmed);
        }
        // What few RSVPs have.
        let (offer, group) = before.map_or((None, None), |before| (offer(before), before.group()));
        if offer != self::offer(after) {
            offer.map(|end| self.offers.remove(&(end, slot)));
            self::offer(after).map(|end| self.offers.insert((end, slot)));
        }
        if group != after.group() {
            if let Some(group) = group {
                self.leave(group, slot);
            }
            if let Some(group) = after.group() {
                self.groups.entry(group).or_default().push(slot);
            }
        }
    }

    fn leave(&mut self, group: GroupId, slot: Slot) {
        if let Some(members) = self.groups.get_mut(&group) {
            members.retain(|member| *member != slot);
            if members.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// Those who are confirmed.
    pub(super) fn confirmed(&self) -> &SlotSet {
        &self.confirmed
    }

    /// When the next offer ends.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.offers.first().map(|(end, _)| *end)
    }

    /// The RSVPs whose offers end at `now` or have ended before.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = Slot> + '_ {
        self.offers.range(..=(now, Slot(u32::MAX))).map(|(_, slot)| *slot)
    }

    /// All who ever belonged to a party and have not come back without it.
    pub(super) fn group(&self, group: GroupId) -> &[Slot] {
        self.groups.get(&group).map_or(&[], Vec::as_slice)
    }
}

/// Until when an RSVP's offer can be accepted.
fn offer(rsvp: &Rsvp) -> Option<Timestamp> {
    rsvp.offer_expires_at().filter(|_| rsvp.status == Status::Offered)
}
