//! Which idempotency keys an activity has seen.
//!
//! Sixteen bytes per key: a hash, and the number of the event that recorded the key in full. A hit is only a
//! hint; whoever finds one checks it against that event.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::ids::Seq;

/// A key, its scope already mixed in: the first 128 bits of a cryptographic digest of principal and key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyDigest(pub [u8; 16]);

impl KeyDigest {
    /// The part that is kept in memory.
    pub fn hash(self) -> KeyHash {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        KeyHash(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// The first half of a [`KeyDigest`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyHash(pub u64);

/// All keys seen, by hash.
#[derive(Debug, Default)]
pub(super) struct KeyTable {
    seen: HashTable<(KeyHash, Seq)>,
    /// Keyed per table, because keys are chosen by strangers.
    hasher: RandomState,
}

impl KeyTable {
    /// How many keys are known.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Notes that the event `seq` recorded a key with this hash.
    pub(super) fn insert(&mut self, hash: KeyHash, seq: Seq) {
        let hasher = &self.hasher;
        self.seen
            .insert_unique(hasher.hash_one(hash), (hash, seq), |(hash, _)| {
                hasher.hash_one(hash)
            });
    }

    /// The events that may have recorded this key: almost always none or one.
    pub(super) fn find(&self, hash: KeyHash) -> Vec<Seq> {
        self.seen
            .iter_hash(self.hasher.hash_one(hash))
            .filter(|(seen, _)| *seen == hash)
            .map(|&(_, seq)| seq)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_one_hash_are_all_found_and_others_are_not() {
        let mut keys = KeyTable::default();
        (0..1_000).for_each(|n| keys.insert(KeyHash(n), Seq(n)));
        keys.insert(KeyHash(7), Seq(5_000));
        let mut found = keys.find(KeyHash(7));
        found.sort();
        assert_eq!(found, [Seq(7), Seq(5_000)]);
        assert_eq!(keys.find(KeyHash(1_000)), []);
    }
}
