//! The decision log, for reading.

use sqlx::FromRow;
use turnout_actors::domain::{ActivityId, Actor, RsvpId, Seq, Ticket, Timestamp, UserId};
use uuid::Uuid;

use super::journal::{EventData, GUEST};
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
    pub actor: Actor,
    /// Where the RSVP stood before.
    pub previous_status: Option<String>,
    /// Where it stands since.
    pub status: Option<String>,
    /// Its spots.
    pub spots: Option<i64>,
    /// Its ticket.
    pub ticket: Option<Ticket>,
    /// Why it was cancelled, or by whom it was promoted, where that was not the line's turn.
    pub reason: Option<String>,
    /// The earlier ticket that a promotion went past.
    pub past: Option<Ticket>,
    /// How many spots that ticket needs, and how many were free.
    pub needs_of_free: Option<(u32, u32)>,
}

#[derive(FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    kind: String,
    actor: Uuid,
    actor_kind: Option<String>,
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
            actor: match self.actor_kind.as_deref() {
                None => Actor::User(UserId::from(self.actor)),
                Some(GUEST) => Actor::Guest(RsvpId::from(self.actor)),
                Some(_) => Actor::System,
            },
            previous_status: self.previous_status,
            status: self.status,
            spots: self.spots,
            ticket: self.ticket.map(|ticket| Ticket(ticket as u64)),
            reason: self.reason,
            past: data.as_ref().and_then(|data| data.past),
            needs_of_free: data.and_then(|data| data.needs.zip(data.free)),
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
    let select = "SELECT seq, at, kind, actor, actor_kind, rsvp_id, previous_status, status, spots, ticket, \
                  reason, data \
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
