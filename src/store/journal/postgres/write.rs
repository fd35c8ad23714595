//! Writing batches: one statement for all of them, with the guarded step of each activity in it.
//!
//! Rows travel as arrays, one per column, so the text of the statement never changes and is planned once.

use std::collections::HashSet;
use std::sync::LazyLock;

use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, Connection, Postgres};
use turnout_actors::ports::{Batch, Creation, NewActivity, Settled};
use uuid::Uuid;

use crate::store::journal::columns::{
    EventColumns, HeadColumns, RsvpColumns, SettingsColumns, changes_settings,
};
use crate::store::journal::creation::create_activity;
use crate::store::journal::{CONFIRM, FENCE, Standing, fenced, settled};

/// Columns of an activity's row that are written with every batch, and their types.
const HEAD: &[(&str, &str)] = &[
    ("seq", "BIGINT"),
    ("last_batch", "UUID"),
    ("stamped_at", "BIGINT"),
    ("confirmed_spots", "BIGINT"),
    ("offered_spots", "BIGINT"),
    ("checked_in_spots", "BIGINT"),
    ("waitlisted_parties", "BIGINT"),
    ("waitlisted_spots", "BIGINT"),
    ("capacity_limit", "BIGINT"),
    ("last_ticket", "BIGINT"),
];

/// Those that are written only when the host has changed something.
const SETTINGS: &[&str] = &[
    "version",
    "updated_at",
    "cancelled_at",
    "title",
    "description",
    "venue",
    "time_zone",
    "starts_at",
    "ends_at",
    "capacity",
    "max_guests",
    "opens_at",
    "closes_at",
    "cancel_until",
    "promote_until",
    "waitlist_capacity",
    "waitlist_paused",
    "patience",
    "promotion",
    "guests",
    "visibility",
    "attendees_visible",
];

const RSVPS: &[(&str, &str)] = &[
    ("id", "UUID"),
    ("activity_id", "UUID"),
    ("user_id", "UUID"),
    ("name", "TEXT"),
    ("email", "TEXT"),
    ("status", "TEXT"),
    ("cancel_reason", "TEXT"),
    ("guest_count", "BIGINT"),
    ("ticket", "BIGINT"),
    ("group_id", "UUID"),
    ("booked_by", "UUID"),
    ("special_requirements", "TEXT"),
    ("checked_in_at", "BIGINT"),
    ("offer_expires_at", "BIGINT"),
    ("version", "BIGINT"),
    ("generation", "BIGINT"),
    ("created_at", "BIGINT"),
    ("updated_at", "BIGINT"),
];

/// Of an RSVP that exists, what never changes.
const RSVP_FIXED: &[&str] = &["id", "activity_id", "user_id", "email", "created_at"];

const EVENTS: &[(&str, &str)] = &[
    ("activity_id", "UUID"),
    ("seq", "BIGINT"),
    ("at", "BIGINT"),
    ("kind", "TEXT"),
    ("actor", "UUID"),
    ("actor_kind", "TEXT"),
    ("rsvp_id", "UUID"),
    ("previous_status", "TEXT"),
    ("status", "TEXT"),
    ("spots", "BIGINT"),
    ("ticket", "BIGINT"),
    ("reason", "TEXT"),
    ("key_digest", "BYTEA"),
    ("fingerprint", "BIGINT"),
    ("data", "TEXT"),
];

/// The statement for batches that change no settings, which are nearly all, and the one for all others.
static STATEMENTS: LazyLock<[String; 2]> = LazyLock::new(|| [statement(false), statement(true)]);

fn statement(settings_too: bool) -> String {
    let mut next = 0;
    let mut arrays = |columns: &[(&str, &str)]| {
        let types: Vec<String> = columns
            .iter()
            .map(|(_, kind)| {
                next += 1;
                format!("${next}::{kind}[]")
            })
            .collect();
        format!("UNNEST({}) AS t ({})", types.join(", "), names(columns))
    };
    let mut batch = vec![("id", "UUID"), ("prev", "BIGINT"), ("owner_epoch", "BIGINT")];
    batch.extend(HEAD);
    if settings_too {
        batch.push(("settings", "TEXT"));
    }
    let mut set: Vec<String> = HEAD
        .iter()
        .map(|(name, _)| format!("{name} = b.{name}"))
        .collect();
    let mut from = "batch AS b";
    if settings_too {
        // A batch without settings leaves the record empty and the row as it is.
        from =
            "batch AS b CROSS JOIN LATERAL jsonb_populate_record(NULL::activities, b.settings::JSONB) AS s";
        set.extend(
            SETTINGS
                .iter()
                .map(|name| format!("{name} = CASE WHEN b.settings IS NULL THEN a.{name} ELSE s.{name} END")),
        );
    }
    let changed: Vec<String> = RSVPS
        .iter()
        .filter(|(name, _)| !RSVP_FIXED.contains(name))
        .map(|(name, _)| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "WITH batch AS (SELECT * FROM {batch}), \
         advanced AS (UPDATE activities AS a SET {set} FROM {from} \
           WHERE a.id = b.id AND a.seq = b.prev AND a.owner_epoch = b.owner_epoch RETURNING a.id), \
         written AS (INSERT INTO rsvps ({rsvp_names}) \
           SELECT t.* FROM {rsvps} JOIN advanced ON advanced.id = t.activity_id \
           ON CONFLICT (id) DO UPDATE SET {changed}), \
         logged AS (INSERT INTO activity_events ({event_names}) \
           SELECT t.* FROM {events} JOIN advanced ON advanced.id = t.activity_id) \
         SELECT id FROM advanced",
        batch = arrays(&batch),
        set = set.join(", "),
        rsvp_names = names(RSVPS),
        rsvps = arrays(RSVPS),
        changed = changed.join(", "),
        event_names = names(EVENTS),
        events = arrays(EVENTS),
    )
}

fn names(columns: &[(&str, &str)]) -> String {
    columns
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Forgets some keys from before a time, but none that somebody else is just forgetting: they need not wait for each
/// other.
const FORGET_KEYS: &str = "DELETE FROM idempotency_keys WHERE key_digest IN \
     (SELECT key_digest FROM idempotency_keys WHERE created_at < $1 LIMIT 10 FOR UPDATE SKIP LOCKED)";

/// Makes an activity, in a transaction of its own.
pub(super) async fn creation(
    connection: &mut PgConnection,
    new: &NewActivity,
) -> Result<Creation, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let created = {
        let connection = &mut *transaction;
        create_activity!(connection, new, FORGET_KEYS)
    };
    transaction.commit().await?;
    Ok(created)
}

/// Adds one array to the arguments: this column of all rows.
macro_rules! bind {
    ($arguments:ident, $rows:ident: $($column:ident),* $(,)?) => {
        $($arguments.add($rows.iter().map(|row| row.$column.clone()).collect::<Vec<_>>())?;)*
    };
}

/// Writes batches of different activities, and returns which activities fitted.
pub(super) async fn batches(
    connection: &mut PgConnection,
    batches: &[&Batch],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let settings_too = batches.iter().any(|batch| changes_settings(batch));
    let arguments = arguments(batches, settings_too).map_err(sqlx::Error::Encode)?;
    let sql = STATEMENTS[usize::from(settings_too)].as_str();
    // All of it, because the rows come before the commit: only the end of the answer tells that it happened.
    let written = sqlx::query_scalar_with::<Postgres, Uuid, _>(sql, arguments)
        .fetch_all(connection)
        .await?;
    Ok(written.into_iter().collect())
}

/// Finds out which activities cannot be written just now, because somebody else holds a row that their batches
/// change. It waits for nobody.
pub(super) async fn blocked(
    connection: &mut PgConnection,
    batches: &[&Batch],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let select = "WITH \
        free_activities AS (SELECT id FROM activities WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED), \
        free_rsvps AS (SELECT id FROM rsvps WHERE id = ANY($2) FOR NO KEY UPDATE SKIP LOCKED) \
        SELECT id FROM activities WHERE id = ANY($1) AND id NOT IN (SELECT id FROM free_activities) \
        UNION SELECT activity_id FROM rsvps WHERE id = ANY($2) AND id NOT IN (SELECT id FROM free_rsvps)";
    let activities: Vec<Uuid> = batches.iter().map(|batch| batch.activity.uuid()).collect();
    let rsvps = batches.iter().flat_map(|batch| &batch.rsvps);
    let rsvps: Vec<Uuid> = rsvps.map(|rsvp| rsvp.id.uuid()).collect();
    let held: Vec<Uuid> = sqlx::query_scalar(select)
        .bind(activities)
        .bind(rsvps)
        .fetch_all(connection)
        .await?;
    Ok(held.into_iter().collect())
}

/// Finds out what became of a batch, and makes sure that it cannot land later.
///
/// Taking the row waits for an old transaction that holds it; raising the epoch makes an old statement that is blocked
/// elsewhere write nothing when it wakes. If the epoch has been raised already, that is true without us.
pub(super) async fn settle(connection: &mut PgConnection, batch: &Batch) -> Result<Settled, sqlx::Error> {
    let ours: Option<Standing> = sqlx::query_as(FENCE)
        .bind(batch.activity.uuid())
        .bind(batch.epoch.0 as i64)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(standing) = ours {
        return Ok(settled(batch, standing));
    }
    let written: Option<Uuid> = sqlx::query_scalar(CONFIRM)
        .bind(batch.activity.uuid())
        .bind(batch.id.uuid())
        .fetch_optional(connection)
        .await?;
    Ok(fenced(written.is_some()))
}

fn arguments(batches: &[&Batch], settings_too: bool) -> Result<PgArguments, sqlx::error::BoxDynError> {
    let mut arguments = PgArguments::default();
    let heads: Vec<HeadColumns> = batches.iter().map(|batch| HeadColumns::of(batch)).collect();
    bind!(arguments, heads: id, prev, owner_epoch, seq, last_batch, stamped_at, confirmed_spots, offered_spots,
        checked_in_spots, waitlisted_parties, waitlisted_spots, capacity_limit, last_ticket);
    if settings_too {
        arguments.add(batches.iter().map(|batch| settings(batch)).collect::<Vec<_>>())?;
    }
    let rsvps: Vec<RsvpColumns<'_>> = batches
        .iter()
        .flat_map(|batch| batch.rsvps.iter().map(|rsvp| RsvpColumns::of(batch, rsvp)))
        .collect();
    bind!(arguments, rsvps: id, activity_id, user_id, name, email, status, cancel_reason, guest_count,
        ticket, group_id, booked_by, special_requirements, checked_in_at, offer_expires_at, version,
        generation, created_at, updated_at);
    let events: Vec<EventColumns> = batches
        .iter()
        .flat_map(|batch| batch.events.iter().map(|event| EventColumns::of(batch, event)))
        .collect();
    bind!(arguments, events: activity_id, seq, at, kind, actor, actor_kind, rsvp_id, previous_status, status, spots,
        ticket, reason, key_digest, fingerprint, data);
    Ok(arguments)
}

/// The settings of a batch that changes them, as JSON by column.
fn settings(batch: &Batch) -> Option<String> {
    changes_settings(batch).then(|| {
        let mut columns =
            serde_json::to_value(SettingsColumns::of(&batch.head.settings)).expect("columns are JSON");
        columns["version"] = batch.head.version.into();
        columns["updated_at"] = batch.head.updated_at.micros().into();
        columns["cancelled_at"] = batch.head.cancelled_at.map(|at| at.micros()).into();
        columns.to_string()
    })
}
