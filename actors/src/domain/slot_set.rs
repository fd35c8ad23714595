//! A set of RSVPs by where they lie: one bit each, so that a million of them cost 125 kB.

use super::rsvp_table::Slot;

/// Some of an activity's RSVPs.
#[derive(Debug, Default)]
pub(super) struct SlotSet {
    words: Vec<u64>,
    len: usize,
}

impl SlotSet {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts one in, or takes it out.
    pub(super) fn set(&mut self, slot: Slot, within: bool) {
        let (index, bit) = (slot.0 as usize / 64, 1 << (slot.0 % 64));
        if index >= self.words.len() {
            if !within {
                return;
            }
            self.words.resize(index + 1, 0);
        }
        let word = &mut self.words[index];
        match (*word & bit != 0, within) {
            (false, true) => self.len += 1,
            (true, false) => self.len -= 1,
            _ => {}
        }
        *word = if within { *word | bit } else { *word & !bit };
    }

    /// All of them, the last first.
    pub(super) fn last_first(&self) -> impl Iterator<Item = Slot> + '_ {
        self.words.iter().enumerate().rev().flat_map(|(index, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.checked_ilog2()?;
                rest &= !(1 << bit);
                Some(Slot(index as u32 * 64 + bit))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_answers_like_a_plain_set(steps in prop::collection::vec((0..300_u32, any::<bool>()), 0..400)) {
            let (mut set, mut plain) = (SlotSet::default(), BTreeSet::new());
            for (slot, within) in steps {
                set.set(Slot(slot), within);
                if within { plain.insert(slot); } else { plain.remove(&slot); }
                prop_assert_eq!(set.len(), plain.len());
            }
            let last_first: Vec<u32> = set.last_first().map(|slot| slot.0).collect();
            prop_assert_eq!(last_first, plain.into_iter().rev().collect::<Vec<_>>());
        }
    }
}
