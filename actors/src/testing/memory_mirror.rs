//! A mirror in memory, with faults on demand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::domain::ActivityId;
use crate::ports::{CountMirror, MirrorCounts, MirrorError};

/// What asking the mirror leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MirrorMood {
    /// It does what it is asked.
    #[default]
    Well,
    /// It answers every question with an error.
    Away,
    /// It answers nothing.
    Silent,
    /// It panics.
    Panics,
}

/// Keeps counts in memory. Clones share what they keep.
#[derive(Clone, Default)]
pub struct MemoryMirror {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    counts: HashMap<ActivityId, MirrorCounts>,
    remembers: bool,
    mood: MirrorMood,
    replaced: usize,
}

impl MemoryMirror {
    /// From now on it is like this.
    pub fn is(&self, mood: MirrorMood) {
        self.kept().mood = mood;
    }

    /// It loses its memory.
    pub fn forget(&self) {
        let mut kept = self.kept();
        kept.counts.clear();
        kept.remembers = false;
    }

    /// Somebody else writes into it.
    pub fn tamper(&self, id: ActivityId, counts: MirrorCounts) {
        self.kept().counts.insert(id, counts);
    }

    /// What it has of an activity.
    pub fn held(&self, id: ActivityId) -> Option<MirrorCounts> {
        self.kept().counts.get(&id).copied()
    }

    /// How many counts were written over whatever was there.
    pub fn replaced(&self) -> usize {
        self.kept().replaced
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn asked(&self) -> Result<MutexGuard<'_, Kept>, MirrorError> {
        let mood = self.kept().mood;
        match mood {
            MirrorMood::Well => Ok(self.kept()),
            MirrorMood::Away => Err(MirrorError("away".into())),
            MirrorMood::Silent => std::future::pending().await,
            MirrorMood::Panics => panic!("the mirror panics"),
        }
    }
}

#[async_trait]
impl CountMirror for MemoryMirror {
    async fn advance(&self, counts: &[(ActivityId, MirrorCounts)]) -> Result<(), MirrorError> {
        let mut kept = self.asked().await?;
        for (id, counts) in counts {
            let held = kept.counts.entry(*id).or_insert(*counts);
            if held.age() < counts.age() {
                *held = *counts;
            }
        }
        Ok(())
    }

    async fn replace(&self, counts: &[(ActivityId, MirrorCounts)]) -> Result<(), MirrorError> {
        let mut kept = self.asked().await?;
        kept.replaced += counts.len();
        kept.counts.extend(counts.iter().copied());
        Ok(())
    }

    async fn read(&self, ids: &[ActivityId]) -> Result<Vec<Option<MirrorCounts>>, MirrorError> {
        let kept = self.asked().await?;
        Ok(ids.iter().map(|id| kept.counts.get(id).copied()).collect())
    }

    async fn remembers(&self) -> Result<bool, MirrorError> {
        let mut kept = self.asked().await?;
        Ok(std::mem::replace(&mut kept.remembers, true))
    }
}
