//! A journal in memory: as strict as a database, and with faults on demand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use super::faults::{Fault, Faults};
use crate::domain::{
    Activity, ActivityId, BatchId, CancelReason, Corrupt, Event, Fact, Head, History, KeyDigest, Keyed,
    OwnerEpoch, Rebuild, Rsvp, RsvpId, Seq, Status, Ticket, Timestamp, Why,
};
use crate::ports::{Batch, Creation, Journal, JournalError, Landing, Loaded, NewActivity, Recount, Settled};

/// Keeps everything in memory. Clones share what they keep, so one can look into what another has written.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    stored: Arc<Mutex<Stored>>,
    faults: Faults,
    traffic: Arc<watch::Sender<Traffic>>,
}

/// Commits so far.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    begun: usize,
    held: usize,
}

/// Everything that a [`MemoryJournal`] kept at some moment.
#[derive(Clone, Debug)]
pub struct Backup(Stored);

#[derive(Clone, Debug, Default)]
struct Stored {
    history: History,
    activities: HashMap<ActivityId, StoredActivity>,
    creations: HashMap<KeyDigest, (u64, ActivityId)>,
}

#[derive(Clone, Debug)]
struct StoredActivity {
    head: Head,
    epoch: OwnerEpoch,
    last_batch: Option<BatchId>,
    rows: BTreeMap<RsvpId, Rsvp>,
    events: Vec<Event>,
}

/// What the memory journal reports instead of a database's error.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
struct Simulated(&'static str);

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Orders faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// All durable events of an activity.
    pub fn events(&self, id: ActivityId) -> Vec<Event> {
        self.stored()
            .activities
            .get(&id)
            .map(|stored| stored.events.clone())
            .unwrap_or_default()
    }

    /// Everything that is kept.
    pub fn backup(&self) -> Backup {
        Backup(self.stored().clone())
    }

    /// Keeps nothing but this from now on.
    pub fn restore(&self, backup: Backup) {
        *self.stored() = backup.0;
    }

    /// By which epoch an activity is owned: each loading and each settling raises it by one.
    pub fn epoch(&self, id: ActivityId) -> Option<OwnerEpoch> {
        self.stored().activities.get(&id).map(|stored| stored.epoch)
    }

    /// How many commits were begun.
    pub fn commits(&self) -> usize {
        self.traffic.borrow().begun
    }

    /// Waits until a commit is held by [`Faults::hold_next_commit`].
    pub async fn until_held(&self) {
        let mut traffic = self.traffic.subscribe();
        traffic
            .wait_for(|traffic| traffic.held > 0)
            .await
            .expect("the journal outlives its own wait");
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        let mut stored = self.stored();
        let poisoned = |batch: &Batch| batch.rsvps.iter().any(|rsvp| self.faults.is_poison(&rsvp.name));
        let overbooked = |batch: &Batch| batch.head.held_spots() > batch.head.capacity_limit;
        if batches.iter().any(|batch| poisoned(batch) || overbooked(batch)) {
            return Err(JournalError::Aborted(
                Simulated("a constraint is violated").into(),
            ));
        }
        Ok(batches
            .iter()
            .map(|batch| {
                if self.faults.is_blocked(batch.activity) {
                    Landing::Blocked
                } else {
                    stored.land(batch)
                }
            })
            .collect())
    }
}

impl Stored {
    fn land(&mut self, batch: &Batch) -> Landing {
        let Some(stored) = self
            .activities
            .get_mut(&batch.activity)
            .filter(|stored| stored.head.seq == batch.prev && stored.epoch == batch.epoch)
        else {
            return Landing::Refused;
        };
        stored.head = batch.head.clone();
        stored.last_batch = Some(batch.id);
        stored
            .rows
            .extend(batch.rsvps.iter().map(|rsvp| (rsvp.id, rsvp.clone())));
        stored.events.extend(batch.events.iter().cloned());
        Landing::Written
    }

    fn settle(&mut self, batch: &Batch) -> Settled {
        let Some(stored) = self.activities.get_mut(&batch.activity) else {
            return Settled::Fenced;
        };
        let written = stored.last_batch == Some(batch.id);
        if stored.epoch != batch.epoch {
            return if written {
                Settled::WrittenAndFenced
            } else {
                Settled::Fenced
            };
        }
        let epoch = stored.epoch.next();
        stored.epoch = epoch;
        if written {
            Settled::Written { epoch }
        } else if stored.head.seq == batch.prev {
            Settled::NotWritten { epoch }
        } else {
            Settled::Fenced
        }
    }
}

impl StoredActivity {
    fn rebuild(&self, id: ActivityId) -> Result<Activity, Corrupt> {
        let mut rebuild = Rebuild::new(id, self.head.clone());
        self.rows
            .values()
            .try_for_each(|rsvp| rebuild.rsvp(rsvp.clone()))?;
        for event in &self.events {
            match &event.fact {
                Fact::Entered(entered)
                    if entered.status == Status::Confirmed && entered.place_of.is_none() =>
                {
                    rebuild.promoted(entered.ticket);
                }
                Fact::Promoted(promoted) if promoted.why != Why::Host => rebuild.promoted(promoted.ticket),
                _ => {}
            }
            if let Some(keyed) = &event.keyed {
                rebuild.key(keyed.key.digest.hash(), event.seq);
            }
        }
        rebuild.finish()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn tenure(&self) -> Option<u64> {
        self.faults.tenure()
    }

    async fn history_after(&self, known: History) -> Result<History, JournalError> {
        let mut stored = self.stored();
        if stored.history <= known {
            stored.history = History(known.0 + 1);
        }
        Ok(stored.history)
    }

    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        let mut stored = self.stored();
        if let Some(key) = new.key {
            if let Some(&(fingerprint, earlier)) = stored.creations.get(&key.digest) {
                let same = fingerprint == key.fingerprint;
                return Ok(if same {
                    Creation::Replayed(earlier)
                } else {
                    Creation::KeyReused
                });
            }
            stored.creations.insert(key.digest, (key.fingerprint, new.id));
        }
        let activity = StoredActivity {
            head: Head::new(new.settings, new.at),
            epoch: OwnerEpoch(0),
            last_batch: None,
            rows: BTreeMap::new(),
            events: Vec::new(),
        };
        stored.activities.insert(new.id, activity);
        Ok(Creation::Created)
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        if let Some(gate) = self.faults.loads_held() {
            let released = gate.acquire().await;
            released.expect("nobody closes the gate").forget();
        }
        let mut stored = self.stored();
        let history = stored.history;
        let Some(stored) = stored.activities.get_mut(&id) else {
            return Ok(None);
        };
        stored.epoch = stored.epoch.next();
        let activity = stored
            .rebuild(id)
            .map_err(|corrupt| JournalError::Corrupt(corrupt.into()))?;
        Ok(Some(Loaded {
            activity,
            epoch: stored.epoch,
            history,
        }))
    }

    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        self.traffic.send_modify(|traffic| traffic.begun += 1);
        match self.faults.take_commit() {
            None => self.write(batches),
            Some(Fault::Abort) => Err(JournalError::Aborted(Simulated("refused").into())),
            Some(Fault::Unavailable) => Err(JournalError::Unavailable(Simulated("away").into())),
            Some(Fault::UnknownNotWritten) => Err(JournalError::Unknown(Simulated("connection lost").into())),
            Some(Fault::UnknownWritten) => {
                self.write(batches)?;
                Err(JournalError::Unknown(Simulated("connection lost").into()))
            }
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                self.write(batches)
            }
            Some(Fault::Held(gate)) => {
                self.traffic.send_modify(|traffic| traffic.held += 1);
                gate.acquire()
                    .await
                    .expect("a gate is opened, never closed")
                    .forget();
                self.traffic.send_modify(|traffic| traffic.held -= 1);
                self.write(batches)
            }
        }
    }

    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError> {
        if self.faults.take_settle_failure() {
            return Err(JournalError::Unavailable(Simulated("still away").into()));
        }
        let settled = self.stored().settle(batch);
        if self.faults.take_settle_unheard() {
            return Err(JournalError::Unknown(Simulated("connection lost").into()));
        }
        Ok(settled)
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        if self.faults.take_recall_failure() {
            return Err(JournalError::Unavailable(Simulated("away").into()));
        }
        let stored = self.stored();
        let index = (seq.0 as usize).checked_sub(1);
        let event = stored
            .activities
            .get(&id)
            .zip(index)
            .and_then(|(stored, index)| stored.events.get(index));
        Ok(event.and_then(|event| event.keyed.as_deref().cloned()))
    }

    async fn recount(&self, id: ActivityId) -> Result<Option<Recount>, JournalError> {
        Ok(self.stored().activities.get(&id).map(|stored| {
            let with = |status: Status| stored.rows.values().filter(move |rsvp| rsvp.status == status);
            let spots = |status: Status| with(status).map(|rsvp| u64::from(rsvp.spots())).sum::<u64>();
            let tickets: BTreeSet<Ticket> = with(Status::Waitlisted).map(|rsvp| rsvp.ticket).collect();
            Recount {
                seq: stored.events.last().map_or(Seq(0), |event| event.seq),
                confirmed_spots: spots(Status::Confirmed) + u64::from(self.faults.take_miscount()),
                offered_spots: spots(Status::Offered),
                waitlisted_parties: tickets.len() as u64,
                waitlisted_spots: spots(Status::Waitlisted),
            }
        }))
    }

    async fn overdue(&self, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError> {
        let is_overdue = |rsvp: &Rsvp| {
            rsvp.status == Status::Offered && rsvp.offer_expires_at().is_some_and(|end| end < before)
        };
        let stored = self.stored();
        Ok(stored
            .activities
            .iter()
            .filter(|(_, stored)| stored.head.cancelled_at.is_none())
            .filter(|(_, stored)| stored.rows.values().any(is_overdue))
            .map(|(id, _)| *id)
            .take(most as usize)
            .collect())
    }

    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError> {
        let mut stored = self.stored();
        let Some(stored) = stored.activities.get_mut(&id) else {
            return Ok(None);
        };
        let Some(cancelled_at) = stored.head.cancelled_at else {
            return Ok(None);
        };
        let live = stored
            .rows
            .values_mut()
            .filter(|rsvp| Some(rsvp.id) > after && rsvp.status.is_live())
            .take(most as usize);
        Ok(live
            .map(|rsvp| {
                rsvp.status = Status::Cancelled(CancelReason::ActivityCancelled);
                rsvp.version += 1;
                rsvp.updated_at = cancelled_at;
                rsvp.change_extras(|extras| extras.offer_expires_at = None);
                rsvp.id
            })
            .last())
    }
}
