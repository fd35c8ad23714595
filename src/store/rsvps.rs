//! Which RSVPs there are. What they are now is asked of the engine, which has it in memory.

use sqlx::QueryBuilder;
use turnout_actors::domain::{ActivityId, RsvpId, Status, Timestamp};
use uuid::Uuid;

use super::{Db, StoreError, on_db};

/// The activity that an RSVP belongs to. That never changes.
pub async fn activity_of(db: &Db, id: RsvpId) -> Result<Option<ActivityId>, StoreError> {
    let select = "SELECT activity_id FROM rsvps WHERE id = $1";
    let found: Option<Uuid> = on_db!(db.lookup, |pool| sqlx::query_scalar(select)
        .bind(id.uuid())
        .fetch_optional(pool)
        .await)?;
    Ok(found.map(ActivityId::from))
}

/// Which RSVPs of an activity are asked for.
#[derive(Clone, Debug, Default)]
pub struct RsvpFilter {
    /// Those with this status, by name.
    pub status: Option<&'static str>,
    /// Part of the name or the e-mail address; the case of ASCII letters does not matter.
    pub search: Option<String>,
    /// Those after this one.
    pub after: Option<RsvpId>,
}

impl RsvpFilter {
    /// The names of the statuses that can be asked for.
    pub const STATUSES: [&'static str; 4] = [
        Status::Confirmed.name(),
        Status::Offered.name(),
        Status::Waitlisted.name(),
        "cancelled",
    ];
}

macro_rules! restrict {
    ($query:ident, $activity:ident, $filter:ident) => {
        $query.push(" FROM rsvps AS r JOIN activities AS a ON a.id = r.activity_id WHERE r.activity_id = ");
        $query.push_bind($activity.uuid());
        if let Some(status) = $filter.status {
            // All RSVPs of a cancelled activity are, whether or not their rows have followed yet.
            $query.push(" AND CASE WHEN a.cancelled_at IS NULL THEN r.status ELSE 'cancelled' END = ");
            $query.push_bind(status);
        }
        if let Some(search) = &$filter.search {
            let pattern = super::containing(search);
            $query
                .push(" AND (LOWER(r.name) LIKE LOWER(")
                .push_bind(pattern.clone())
                .push(") ESCAPE '\\'");
            // Addresses are kept in lower case, of whatever letters.
            $query
                .push(" OR r.email LIKE ")
                .push_bind(pattern.to_lowercase())
                .push(" ESCAPE '\\')");
        }
        if let Some(after) = $filter.after {
            $query.push(" AND r.id > ").push_bind(after.uuid());
        }
    };
}

/// The RSVPs of an activity in order of their identifiers, which is about that of their arrival.
pub async fn list(
    db: &Db,
    activity: ActivityId,
    filter: &RsvpFilter,
    offset: u64,
    limit: u32,
) -> Result<Vec<RsvpId>, StoreError> {
    let (offset, limit) = (i64::try_from(offset).unwrap_or(i64::MAX), i64::from(limit));
    let ids: Vec<Uuid> = on_db!(db.read, |pool| {
        let mut query = QueryBuilder::new("SELECT r.id");
        restrict!(query, activity, filter);
        query
            .push(" ORDER BY r.id LIMIT ")
            .push_bind(limit)
            .push(" OFFSET ")
            .push_bind(offset);
        query.build_query_scalar().fetch_all(pool).await
    })?;
    Ok(ids.into_iter().map(RsvpId::from).collect())
}

/// How many there are.
pub async fn count(db: &Db, activity: ActivityId, filter: &RsvpFilter) -> Result<u64, StoreError> {
    let total: i64 = on_db!(db.read, |pool| {
        let mut query = QueryBuilder::new("SELECT COUNT(*)");
        restrict!(query, activity, filter);
        query.build_query_scalar().fetch_one(pool).await
    })?;
    Ok(total as u64)
}

/// What of a confirmed RSVP everybody may see.
#[derive(Clone, Debug)]
pub struct ConfirmedRow {
    /// The name of its person.
    pub name: String,
    /// The spots that it takes.
    pub total_spots: u32,
    /// When it was first made.
    pub created_at: Timestamp,
}

/// The confirmed RSVPs of an activity, the newest first.
pub async fn confirmed(
    db: &Db,
    activity: ActivityId,
    offset: u64,
    limit: u32,
) -> Result<Vec<ConfirmedRow>, StoreError> {
    let select = "SELECT name, total_spots, created_at FROM rsvps \
                  WHERE activity_id = $1 AND status = 'confirmed' ORDER BY id DESC LIMIT $2 OFFSET $3";
    let rows: Vec<(String, i64, i64)> = on_db!(db.read, |pool| sqlx::query_as(select)
        .bind(activity.uuid())
        .bind(i64::from(limit))
        .bind(i64::try_from(offset).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await)?;
    let row = |(name, total_spots, created_at)| ConfirmedRow {
        name,
        total_spots: u32::try_from(total_spots).unwrap_or(u32::MAX),
        created_at: Timestamp::from_micros(created_at),
    };
    Ok(rows.into_iter().map(row).collect())
}
