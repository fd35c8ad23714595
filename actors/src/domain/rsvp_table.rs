//! All RSVPs of one activity in memory, found by number, by identifier and by person.
//!
//! Rows lie in blocks, so that growing never moves them; the two indexes hold four bytes per RSVP, because the
//! identifier and the person are in the row already.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::ids::RsvpId;
use super::person::Person;
use super::roll::Roll;
use super::rsvp::Rsvp;

/// Where an RSVP lies: 0 for the first of the activity, in order of first arrival, without gaps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot(pub u32);

/// Rows per block.
const BLOCK: usize = 1_024;

/// The RSVPs of one activity. None is ever removed: a cancelled one may come back.
#[derive(Debug, Default)]
pub(super) struct RsvpTable {
    blocks: Vec<Vec<Rsvp>>,
    by_id: HashTable<Slot>,
    by_person: HashTable<Slot>,
    roll: Roll,
    /// Keyed per table, because e-mail addresses are chosen by strangers.
    hasher: RandomState,
}

impl RsvpTable {
    /// How many RSVPs there are, cancelled ones included.
    pub(super) fn len(&self) -> usize {
        self.blocks
            .last()
            .map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// The RSVP in `slot`, which must exist.
    pub(super) fn row(&self, slot: Slot) -> &Rsvp {
        &self.blocks[slot.0 as usize / BLOCK][slot.0 as usize % BLOCK]
    }

    /// The slot of an RSVP.
    pub(super) fn find(&self, id: RsvpId) -> Option<Slot> {
        let hash = self.hasher.hash_one(id);
        self.by_id.find(hash, |&slot| self.row(slot).id == id).copied()
    }

    /// The slot of the RSVP of a person, whatever its status.
    pub(super) fn find_person(&self, person: &Person) -> Option<Slot> {
        let hash = self.hasher.hash_one(person);
        self.by_person
            .find(hash, |&slot| self.row(slot).person == *person)
            .copied()
    }

    /// What is asked of all of them at once.
    pub(super) fn roll(&self) -> &Roll {
        &self.roll
    }

    /// All RSVPs in order of first arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rsvp> {
        self.blocks.iter().flatten()
    }

    /// Adds an RSVP of a person who has none yet.
    pub(super) fn push(&mut self, rsvp: Rsvp) -> Slot {
        let slot = Slot(u32::try_from(self.len()).expect("an activity holds fewer than 2^32 RSVPs"));
        let (by_id, by_person) = (self.hasher.hash_one(rsvp.id), self.hasher.hash_one(&rsvp.person));
        self.roll.change(slot, None, &rsvp);
        match self.blocks.last_mut() {
            Some(last) if last.len() < BLOCK => last.push(rsvp),
            // The first block grows as it is needed, since most activities are small.
            None => self.blocks.push(vec![rsvp]),
            Some(_) => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(rsvp);
                self.blocks.push(block);
            }
        }
        let Self {
            blocks,
            by_id: ids,
            by_person: persons,
            hasher,
            ..
        } = self;
        let row = |slot: &Slot| &blocks[slot.0 as usize / BLOCK][slot.0 as usize % BLOCK];
        ids.insert_unique(by_id, slot, |slot| hasher.hash_one(row(slot).id));
        persons.insert_unique(by_person, slot, |slot| hasher.hash_one(&row(slot).person));
        slot
    }

    /// Replaces the RSVP in `slot` by a later state of the same RSVP.
    pub(super) fn replace(&mut self, slot: Slot, rsvp: Rsvp) {
        let row = &mut self.blocks[slot.0 as usize / BLOCK][slot.0 as usize % BLOCK];
        debug_assert!(
            row.id == rsvp.id && row.person == rsvp.person,
            "an RSVP keeps its identity"
        );
        self.roll.change(slot, Some(row), &rsvp);
        *row = rsvp;
    }
}
