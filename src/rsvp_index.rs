//! Which activity an RSVP belongs to, for requests that name the RSVP alone.
//!
//! That never changes, so what was found once is kept, as long as there is room.

use moka::sync::Cache;
use turnout_actors::domain::{ActivityId, RsvpId};

use crate::store::{Db, StoreError, rsvps};

/// Entries that are kept, of about a hundred bytes each.
const CAPACITY: u64 = 200_000;

/// Finds the activity of an RSVP.
pub struct RsvpIndex {
    db: Db,
    known: Cache<RsvpId, ActivityId>,
}

impl RsvpIndex {
    /// An index that knows nothing yet.
    pub fn new(db: Db) -> Self {
        Self {
            db,
            known: Cache::new(CAPACITY),
        }
    }

    /// Notes what is known anyway.
    pub fn note(&self, rsvp: RsvpId, activity: ActivityId) {
        self.known.insert(rsvp, activity);
    }

    /// The activity of an RSVP, if there is such an RSVP.
    pub async fn activity_of(&self, rsvp: RsvpId) -> Result<Option<ActivityId>, StoreError> {
        if let Some(activity) = self.known.get(&rsvp) {
            return Ok(Some(activity));
        }
        let found = rsvps::activity_of(&self.db, rsvp).await?;
        if let Some(activity) = found {
            self.note(rsvp, activity);
        }
        Ok(found)
    }
}
