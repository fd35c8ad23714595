//! The decision log, for reading.

use sqlx::FromRow;
use turnout_actors::domain::{ActivityId, RsvpId, Seq, Ticket, Timestamp, UserId};
use uuid::Uuid;

use super::journal::EventData;
use super::{Db, StoreError, on_db};

/// One entry of the decision log.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Its number within the activity.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// To which RSVP.
    pub rsvp: Option<RsvpId>,
    /// By whose command.
    pub actor: UserId,
    /// Where the RSVP stood before.
    pub previous_status: Option<String>,
    /// Where it stands since.
    pub status: Option<String>,
    /// Its spots.
    pub spots: Option<i64>,
    /// Its ticket.
    pub ticket: Option<Ticket>,
    /// Why it was cancelled.
    pub reason: Option<String>,
    /// The earlier ticket that a promotion went past.
    pub past: Option<Ticket>,
}

#[derive(FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    kind: String,
    actor: Uuid,
    rsvp_id: Option<Uuid>,
    previous_status: Option<String>,
    status: Option<String>,
    spots: Option<i64>,
    ticket: Option<i64>,
    reason: Option<String>,
    data: Option<String>,
}

impl EventRow {
    fn entry(self) -> Result<LogEntry, serde_json::Error> {
        let data: Option<EventData> = self.data.as_deref().map(serde_json::from_str).transpose()?;
        Ok(LogEntry {
            seq: Seq(self.seq as u64),
            at: Timestamp::from_micros(self.at),
            kind: self.kind,
            rsvp: self.rsvp_id.map(RsvpId::from),
            actor: UserId::from(self.actor),
            previous_status: self.previous_status,
            status: self.status,
            spots: self.spots,
            ticket: self.ticket.map(|ticket| Ticket(ticket as u64)),
            reason: self.reason,
            past: data.and_then(|data| data.past),
        })
    }
}

/// The entries after `after`, oldest first.
pub async fn after(
    db: &Db,
    activity: ActivityId,
    after: Seq,
    limit: u32,
) -> Result<Vec<LogEntry>, StoreError> {
    let select = "SELECT seq, at, kind, actor, rsvp_id, previous_status, status, spots, ticket, reason, data \
                  FROM activity_events WHERE activity_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let rows: Vec<EventRow> = on_db!(db.read, |pool| sqlx::query_as(select)
        .bind(activity.uuid())
        .bind(i64::try_from(after.0).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await)?;
    let entries = rows.into_iter().map(EventRow::entry).collect::<Result<_, _>>();
    Ok(entries.map_err(|error| sqlx::Error::Decode(error.into()))?)
}
