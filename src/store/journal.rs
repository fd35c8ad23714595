//! The journal on a real database: where the engine's decisions become durable.
//!
//! Committing is written by hand for each kind of database, because there each is driven at its best. What they
//! share is how domain types look as columns, and everything that is no hot path.

mod columns;
mod creation;
mod data;
mod errors;
mod loading;
mod postgres;
mod rows;
mod sqlite;

use turnout_actors::domain::OwnerEpoch;
use turnout_actors::ports::{Batch, Settled};
use uuid::Uuid;

pub use postgres::PostgresJournal;
pub use sqlite::SqliteJournal;

pub(super) use data::EventData;
pub(super) use rows::{ACTIVITY_COLUMNS, ActivityRow, RSVP_COLUMNS, RsvpRow};

/// The number of the present history, read in the statement that claims an activity.
const HISTORY: &str = "(SELECT epoch FROM meta WHERE only_row = 1) AS history";

/// The `actor_kind` of commands of people without an account, and of what time brought about.
pub(super) const GUEST: &str = "guest";
pub(super) const SYSTEM: &str = "system";

/// Lets rows of a cancelled activity follow it: status, reason, activity, the last one so far, how many at most.
const FOLLOW_CANCELLATION: &str = "UPDATE rsvps SET status = $1, cancel_reason = $2, offer_expires_at = NULL, version = rsvps.version + 1, \
     updated_at = a.cancelled_at FROM activities AS a \
     WHERE a.id = $3 AND a.cancelled_at IS NOT NULL AND rsvps.id IN \
       (SELECT id FROM rsvps WHERE activity_id = $3 AND id > $4 AND status <> 'cancelled' ORDER BY id LIMIT $5) \
     RETURNING rsvps.id";

/// Raises the epoch of an activity that is still under this one, and tells where it stands.
const FENCE: &str = "UPDATE activities SET owner_epoch = owner_epoch + 1 WHERE id = $1 AND owner_epoch = $2 \
     RETURNING seq, last_batch, owner_epoch";

/// Finds out whether a batch is the last one that was written, whoever owns its activity by now. It is a write, since
/// writes wait for a standby where Postgres is to have one: what is only read may be gone when the standby takes over.
const CONFIRM: &str =
    "UPDATE activities SET last_batch = last_batch WHERE id = $1 AND last_batch = $2 RETURNING id";

/// `seq`, `last_batch` and `owner_epoch` of an activity.
type Standing = (i64, Option<Uuid>, i64);

/// What became of a batch, from where its activity stands under the batch's own epoch or the one to go on with.
fn settled(batch: &Batch, (seq, last_batch, epoch): Standing) -> Settled {
    let epoch = OwnerEpoch(epoch as u64);
    if last_batch == Some(batch.id.uuid()) {
        Settled::Written { epoch }
    } else if seq as u64 == batch.prev.0 {
        Settled::NotWritten { epoch }
    } else {
        Settled::Fenced
    }
}

/// What became of a batch whose activity is under another epoch.
fn fenced(written: bool) -> Settled {
    if written {
        Settled::WrittenAndFenced
    } else {
        Settled::Fenced
    }
}
