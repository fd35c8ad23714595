//! Making an activity: the same statements on every database.

/// Stores a new activity, unless its key was used before: an expression of type `Result<Creation, sqlx::Error>`, to
/// be evaluated within a transaction. A macro, because each kind of database has its own type of connection, and its own
/// way to forget the oldest keys, up to a time.
macro_rules! create_activity {
    ($connection:expr, $new:expr, $forget_keys:expr) => {{
        let (connection, new): (_, &turnout_actors::ports::NewActivity) = ($connection, $new);
        let columns = $crate::store::journal::columns::SettingsColumns::of(&new.settings);
        let mut earlier: Option<(i64, uuid::Uuid)> = None;
        if let Some(key) = new.key {
            // The oldest go, a few at a time, so that the table stays as large as a day is busy.
            sqlx::query($forget_keys)
                .bind(
                    new.at
                        .plus_millis(-$crate::store::journal::loading::KEYS_KEPT_MS)
                        .micros(),
                )
                .execute(&mut *connection)
                .await?;
            let noted = sqlx::query($crate::store::journal::creation::NOTE_KEY)
                .bind(&key.digest.0[..])
                .bind(key.fingerprint as i64)
                .bind(new.id.uuid())
                .bind(new.at.micros())
                .execute(&mut *connection)
                .await?;
            if noted.rows_affected() == 0 {
                let used = sqlx::query_as($crate::store::journal::creation::USED_KEY)
                    .bind(&key.digest.0[..])
                    .fetch_one(&mut *connection)
                    .await?;
                earlier = Some(used);
            }
        }
        match earlier {
            Some((fingerprint, id)) if new.key.is_some_and(|key| key.fingerprint == fingerprint as u64) => {
                turnout_actors::ports::Creation::Replayed(id.into())
            }
            Some(_) => turnout_actors::ports::Creation::KeyReused,
            None => {
                sqlx::query($crate::store::journal::creation::INSERT)
                    .bind(new.id.uuid())
                    .bind(new.at.micros())
                    .bind(columns.capacity)
                    .bind(columns.title)
                    .bind(columns.description)
                    .bind(columns.venue)
                    .bind(columns.time_zone)
                    .bind(columns.starts_at)
                    .bind(columns.ends_at)
                    .bind(columns.capacity)
                    .bind(columns.max_guests)
                    .bind(columns.opens_at)
                    .bind(columns.closes_at)
                    .bind(columns.cancel_until)
                    .bind(columns.promote_until)
                    .bind(columns.waitlist_capacity)
                    .bind(columns.waitlist_paused)
                    .bind(columns.patience)
                    .bind(columns.promotion)
                    .bind(columns.guests)
                    .bind(columns.visibility)
                    .bind(columns.attendees_visible)
                    .bind(new.settings.host_id.uuid())
                    .bind(
                        new.settings
                            .organization_id
                            .map(turnout_actors::domain::OrganizationId::uuid),
                    )
                    .execute(&mut *connection)
                    .await?;
                turnout_actors::ports::Creation::Created
            }
        }
    }};
}

pub(super) use create_activity;

/// Two that bring the same key at once meet here: the second waits for the first, and then notes nothing.
pub(super) const NOTE_KEY: &str = "INSERT INTO idempotency_keys (key_digest, fingerprint, result_id, created_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (key_digest) DO NOTHING";

pub(super) const USED_KEY: &str = "SELECT fingerprint, result_id FROM idempotency_keys WHERE key_digest = $1";

pub(super) const INSERT: &str = "INSERT INTO activities (id, created_at, updated_at, stamped_at, version, \
     capacity_limit, title, description, venue, time_zone, starts_at, ends_at, capacity, max_guests, opens_at, \
     closes_at, cancel_until, promote_until, waitlist_capacity, waitlist_paused, patience, promotion, guests, \
     visibility, attendees_visible, host_id, organization_id) \
     VALUES ($1, $2, $2, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
     $21, $22, $23, $24)";
