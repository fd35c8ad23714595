//! Decisions that are not durable yet: changes beside the committed state, seen by their activity's actor alone.
//!
//! A draft costs what it changes, never the size of the activity. Dropping it undoes everything.

mod apply;

use std::collections::HashMap;

use super::activity::{self, Activity};
use super::event::{Answered, Event, Outcome};
use super::head::Head;
use super::ids::{ActivityId, GroupId, RsvpId, Seq, Ticket};
use super::keys::{KeyDigest, KeyHash};
use super::overview::Overview;
use super::party;
use super::person::Person;
use super::rsvp::{Rsvp, Status};
use super::rsvp_table::Slot;
use super::time::Timestamp;
use super::waitlist::Waitlist;

/// Changes on top of a committed [`Activity`].
#[derive(Debug)]
pub struct Draft {
    activity: ActivityId,
    pub(super) head: Head,
    pub(super) waitlist: Waitlist,
    /// The slot that the first fresh RSVP will get.
    first_fresh: u32,
    fresh: Vec<Rsvp>,
    fresh_by_id: HashMap<RsvpId, Slot>,
    fresh_by_person: HashMap<Person, Slot>,
    changed: HashMap<Slot, Rsvp>,
    /// Who came to belong to a party.
    grouped: HashMap<GroupId, Vec<Slot>>,
    pub(super) keyed: HashMap<KeyDigest, KeyedOutcome>,
    /// When the first of the offers made ends.
    next_offer_end: Option<Timestamp>,
    events: Vec<Event>,
    moves: Moves,
}

/// A key that this draft has recorded.
#[derive(Debug)]
pub(super) struct KeyedOutcome {
    pub(super) fingerprint: u64,
    pub(super) recorded_by: Seq,
    pub(super) outcome: Outcome,
}

/// How the waitlist moved, for those who wait and follow their place. Each entry carries the number of its
/// event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Moves {
    /// Parties that left, with their spots on leaving.
    pub left: Vec<(Ticket, u32, Seq)>,
    /// Parties that stayed, with the change of their spots.
    pub resized: Vec<(Ticket, i64, Seq)>,
    /// Parties that came, with their spots.
    pub joined: Vec<(Ticket, u32, Seq)>,
}

/// What a draft leaves to the committed state.
pub(super) struct Changes {
    pub(super) head: Head,
    pub(super) waitlist: Waitlist,
    pub(super) fresh: Vec<Rsvp>,
    pub(super) changed: HashMap<Slot, Rsvp>,
    pub(super) keyed: Vec<(KeyHash, Seq)>,
}

impl Draft {
    /// A draft without changes on `base`.
    pub fn on(base: &Activity) -> Self {
        Self {
            activity: base.id(),
            head: base.head.clone(),
            waitlist: base.waitlist.clone(),
            first_fresh: u32::try_from(base.rsvps.len()).expect("an activity holds fewer than 2^32 RSVPs"),
            fresh: Vec::new(),
            fresh_by_id: HashMap::new(),
            fresh_by_person: HashMap::new(),
            changed: HashMap::new(),
            grouped: HashMap::new(),
            keyed: HashMap::new(),
            next_offer_end: None,
            events: Vec::new(),
            moves: Moves::default(),
        }
    }

    /// Settings, sums and counters with the changes made.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The events decided so far, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Hands over the events decided so far, for writing.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// How the waitlist moved so far.
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// When the first of the offers ends that were made so far.
    pub fn next_offer_end(&self) -> Option<Timestamp> {
        self.next_offer_end
    }

    /// The RSVPs that are new or have changed, each once, as they are now.
    pub fn rows(&self) -> impl Iterator<Item = &Rsvp> {
        self.fresh.iter().chain(self.changed.values())
    }

    /// The activity as a whole with the changes made.
    pub fn overview(&self) -> Overview {
        activity::overview(self.activity, &self.head, &self.waitlist)
    }

    pub(super) fn into_changes(self) -> Changes {
        let keyed = self
            .keyed
            .iter()
            .map(|(digest, outcome)| (digest.hash(), outcome.recorded_by))
            .collect();
        Changes {
            head: self.head,
            waitlist: self.waitlist,
            fresh: self.fresh,
            changed: self.changed,
            keyed,
        }
    }

    pub(super) fn record(&mut self, event: Event) {
        if let Some(keyed) = &event.keyed {
            let outcome = KeyedOutcome {
                fingerprint: keyed.key.fingerprint,
                recorded_by: event.seq,
                outcome: keyed.outcome.clone(),
            };
            self.keyed.insert(keyed.key.digest, outcome);
        }
        self.events.push(event);
    }

    fn insert(&mut self, rsvp: Rsvp) -> Slot {
        let slot = Slot(self.first_fresh + self.fresh.len() as u32);
        self.fresh_by_id.insert(rsvp.id, slot);
        self.fresh_by_person.insert(rsvp.person.clone(), slot);
        self.fresh.push(rsvp);
        slot
    }

    fn row_mut(&mut self, base: &Activity, slot: Slot) -> &mut Rsvp {
        match slot.0.checked_sub(self.first_fresh) {
            Some(index) => &mut self.fresh[index as usize],
            None => self
                .changed
                .entry(slot)
                .or_insert_with(|| base.rsvps.row(slot).clone()),
        }
    }
}

/// What a command is judged on: the committed state with a draft on top.
#[derive(Clone, Copy)]
pub(super) struct State<'a> {
    pub(super) base: &'a Activity,
    pub(super) draft: &'a Draft,
}

impl<'a> State<'a> {
    pub(super) fn head(self) -> &'a Head {
        &self.draft.head
    }

    pub(super) fn waitlist(self) -> &'a Waitlist {
        &self.draft.waitlist
    }

    pub(super) fn row(self, slot: Slot) -> &'a Rsvp {
        match slot.0.checked_sub(self.draft.first_fresh) {
            Some(index) => &self.draft.fresh[index as usize],
            None => self
                .draft
                .changed
                .get(&slot)
                .unwrap_or_else(|| self.base.rsvps.row(slot)),
        }
    }

    pub(super) fn find(self, id: RsvpId) -> Option<Slot> {
        self.draft
            .fresh_by_id
            .get(&id)
            .copied()
            .or_else(|| self.base.rsvps.find(id))
    }

    pub(super) fn find_person(self, person: &Person) -> Option<Slot> {
        self.draft
            .fresh_by_person
            .get(person)
            .copied()
            .or_else(|| self.base.rsvps.find_person(person))
    }

    /// The RSVPs of this one's party, in the order in which they are told.
    pub(super) fn party(self, slot: Slot) -> Vec<Slot> {
        let listed = |group| {
            let lately = self.draft.grouped.get(&group);
            let before = self.base.rsvps.roll().group(group);
            before.iter().chain(lately.into_iter().flatten()).copied()
        };
        party::members(slot, |slot| self.row(slot), listed)
    }

    /// The RSVPs whose offers are over at `now`, in the order in which they are told.
    pub(super) fn due(self, now: Timestamp) -> Vec<Slot> {
        let is_over = |slot: &Slot| {
            let row = self.row(*slot);
            row.status == Status::Offered && row.offer_expires_at().is_some_and(|end| end <= now)
        };
        let fresh = (self.draft.first_fresh..).map(Slot).take(self.draft.fresh.len());
        let mut due: Vec<Slot> = self
            .base
            .rsvps
            .roll()
            .due(now)
            .chain(self.draft.changed.keys().copied())
            .chain(fresh)
            .filter(is_over)
            .collect();
        due.sort_unstable_by(|one, other| {
            let told = |slot: &Slot| (self.row(*slot).offer_expires_at(), &self.row(*slot).person);
            told(one).cmp(&told(other))
        });
        due.dedup();
        due
    }

    pub(super) fn answered(self, slot: Slot) -> Answered {
        activity::answered(self.head(), self.waitlist(), self.row(slot).clone())
    }
}
