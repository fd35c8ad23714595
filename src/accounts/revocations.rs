//! Sessions whose access tokens are no longer accepted, in memory: asked for every request.
//!
//! The database has them too, for the next start. An entry is dropped when the last token that it concerns has
//! expired, so there are never many.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

use turnout_actors::domain::Timestamp;
use uuid::Uuid;

/// Below this number it is not worth looking for what may be dropped.
const FEW: usize = 64;

#[derive(Default)]
pub(super) struct Revocations {
    /// Read for every request and held for one look-up, written at a log-out.
    inner: RwLock<Inner>,
    /// Who is told of each.
    told: OnceLock<Told>,
}

/// Takes the session that was ended.
pub(super) type Told = Box<dyn Fn(Uuid) + Send + Sync>;

#[derive(Default)]
struct Inner {
    forget_at: HashMap<Uuid, Timestamp>,
    /// How many entries there may be before the next look for what is over. It grows with what was left by the
    /// last one, so that adding stays cheap on average.
    clean_at: usize,
}

impl From<Vec<(Uuid, Timestamp)>> for Revocations {
    fn from(stored: Vec<(Uuid, Timestamp)>) -> Self {
        let inner = Inner {
            forget_at: stored.into_iter().collect(),
            clean_at: 0,
        };
        Self {
            inner: RwLock::new(inner),
            told: OnceLock::new(),
        }
    }
}

impl Revocations {
    pub(super) fn contains(&self, sid: Uuid) -> bool {
        // No code between lock and unlock can panic, so what a poisoned lock holds is sound.
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .forget_at
            .contains_key(&sid)
    }

    /// Has somebody told of each from now on; there is one place for that.
    pub(super) fn tell(&self, told: Told) {
        let is_first = self.told.set(told).is_ok();
        assert!(is_first, "only one is told");
    }

    /// Refuses a session's access tokens until `forget_at`.
    pub(super) fn add(&self, sid: Uuid, forget_at: Timestamp, now: Timestamp) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.forget_at.entry(sid).or_insert(forget_at);
        *entry = forget_at.max(*entry);
        if inner.forget_at.len() > inner.clean_at {
            inner.forget_at.retain(|_, forget_at| *forget_at > now);
            inner.clean_at = FEW.max(2 * inner.forget_at.len());
        }
        drop(inner);
        if let Some(told) = self.told.get() {
            told(sid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_kept_while_they_matter_and_never_pile_up() {
        let revocations = Revocations::default();
        let hour = Timestamp::from_millis(3_600_000);
        revocations.add(Uuid::nil(), hour, Timestamp::from_millis(0));
        for n in 1..10_000_u64 {
            let now = Timestamp::from_millis(n as i64);
            revocations.add(Uuid::from_u64_pair(0, n), now.plus_millis(10), now);
        }
        assert!(revocations.contains(Uuid::nil()));
        assert!(!revocations.contains(Uuid::from_u64_pair(0, 1)));
        assert!(revocations.inner.read().unwrap().forget_at.len() <= FEW + 1);
    }

    #[test]
    fn a_longer_revocation_is_never_shortened() {
        let revocations = Revocations::default();
        let at = Timestamp::from_millis;
        revocations.add(Uuid::nil(), at(500), at(0));
        revocations.add(Uuid::nil(), at(100), at(0));
        assert_eq!(revocations.inner.read().unwrap().forget_at[&Uuid::nil()], at(500));
    }
}
