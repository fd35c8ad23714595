//! Which activity an RSVP belongs to, for requests that name the RSVP alone.
//!
//! That never changes, so what was found once is kept, as long as there is room.

use std::sync::{Mutex, MutexGuard, PoisonError};

use turnout_actors::domain::{ActivityId, RsvpId};
use uuid::Uuid;

use crate::store::{Db, StoreError, rsvps};

/// Parts with a lock each, so that those who note at once seldom meet. A power of two.
const PARTS: usize = 64;
/// Places of a part; 4 MiB in all once they have been used. A power of two.
const PLACES: usize = 2_048;

/// Finds the activity of an RSVP.
pub struct RsvpIndex {
    db: Db,
    known: Known,
}

impl RsvpIndex {
    /// An index that knows nothing yet.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            known: Known::new(),
        }
    }

    /// Notes what is known anyway.
    pub fn note(&self, rsvp: RsvpId, activity: ActivityId) {
        self.known.note(rsvp, activity);
    }

    /// The activity of an RSVP, if there is such an RSVP.
    pub async fn activity_of(&self, rsvp: RsvpId) -> Result<Option<ActivityId>, StoreError> {
        if let Some(activity) = self.known.activity_of(rsvp) {
            return Ok(Some(activity));
        }
        let found = rsvps::activity_of(&self.db, rsvp).await?;
        if let Some(activity) = found {
            self.note(rsvp, activity);
        }
        Ok(found)
    }
}

/// A table in which every RSVP has one place, and the latest one that has it stays.
///
/// It is written with every answer, and a cache that minds who was asked for costs ten times as much there. Whoever lost
/// their place is looked up once more.
struct Known(Box<[Mutex<Part>]>);

/// Pairs of an RSVP and its activity, as numbers: all zeros need no memory.
type Part = Box<[(u128, u128)]>;

impl Known {
    fn new() -> Self {
        let part = || Mutex::new(vec![(0, 0); PLACES].into());
        Self((0..PARTS).map(|_| part()).collect())
    }

    fn note(&self, rsvp: RsvpId, activity: ActivityId) {
        let (mut part, place) = self.place(rsvp);
        part[place] = (rsvp.uuid().as_u128(), activity.uuid().as_u128());
    }

    fn activity_of(&self, rsvp: RsvpId) -> Option<ActivityId> {
        let (part, place) = self.place(rsvp);
        let (noted, activity) = part[place];
        let is_noted = noted != 0 && noted == rsvp.uuid().as_u128();
        is_noted.then(|| ActivityId::from(Uuid::from_u128(activity)))
    }

    /// The last bits of an identifier are drawn by chance, by the server.
    fn place(&self, rsvp: RsvpId) -> (MutexGuard<'_, Part>, usize) {
        let bits = rsvp.uuid().as_u128() as usize;
        let part = self.0[bits % PARTS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (part, bits / PARTS % PLACES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_one_has_the_place_and_nobody_is_taken_for_another() {
        let known = Known::new();
        let rsvp = |n: usize| RsvpId::from(Uuid::from_u128(n as u128));
        let activity = |n: u128| ActivityId::from(Uuid::from_u128(n));
        let beside = |n: usize| n + PARTS * PLACES;
        assert_eq!(known.activity_of(rsvp(0)), None);
        for n in 1..1_000 {
            known.note(rsvp(n), activity(7));
        }
        known.note(rsvp(beside(3)), activity(9));
        assert_eq!(known.activity_of(rsvp(2)), Some(activity(7)));
        assert_eq!(known.activity_of(rsvp(3)), None);
        assert_eq!(known.activity_of(rsvp(beside(3))), Some(activity(9)));
        assert_eq!(known.activity_of(rsvp(beside(2))), None);
    }
}
