//! Writing batches: the guarded step of each activity, then all rows of all of them, many per statement.
//!
//! Rows are written in groups of a few fixed sizes, so that each statement is compiled once and kept.

use std::sync::LazyLock;

use sqlx::Arguments;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use turnout_actors::domain::{Event, Rsvp, Settings, Timestamp};
use turnout_actors::ports::Batch;

use super::statement;
use crate::store::journal::columns::{
    EventColumns, HeadColumns, RsvpColumns, SettingsColumns, changes_settings,
};

/// Rows per statement, largest first. The largest stays below SQLite's limit of 32,766 arguments.
const GROUPS: [usize; 4] = [256, 32, 4, 1];

const RSVP_INSERT: &str = "INSERT INTO rsvps (id, activity_id, user_id, name, email, status, \
     cancel_reason, guest_count, ticket, group_id, booked_by, special_requirements, checked_in_at, \
     offer_expires_at, version, generation, created_at, updated_at) VALUES ";
const RSVP_ARGUMENTS: usize = 18;
const RSVP_CONFLICT: &str = " ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, \
     cancel_reason = excluded.cancel_reason, guest_count = excluded.guest_count, ticket = excluded.ticket, \
     group_id = excluded.group_id, booked_by = excluded.booked_by, \
     special_requirements = excluded.special_requirements, checked_in_at = excluded.checked_in_at, \
     offer_expires_at = excluded.offer_expires_at, version = excluded.version, generation = excluded.generation, updated_at = excluded.updated_at";

const EVENT_INSERT: &str = "INSERT INTO activity_events (activity_id, seq, at, kind, actor, actor_kind, \
     rsvp_id, previous_status, status, spots, ticket, reason, key_digest, fingerprint, data) VALUES ";
const EVENT_ARGUMENTS: usize = 15;

static RSVP_STATEMENTS: LazyLock<[String; 4]> =
    LazyLock::new(|| GROUPS.map(|rows| rows_statement(RSVP_INSERT, RSVP_ARGUMENTS, rows, RSVP_CONFLICT)));
static EVENT_STATEMENTS: LazyLock<[String; 4]> =
    LazyLock::new(|| GROUPS.map(|rows| rows_statement(EVENT_INSERT, EVENT_ARGUMENTS, rows, "")));

fn rows_statement(insert: &str, arguments: usize, rows: usize, rest: &str) -> String {
    let row = format!("({})", vec!["?"; arguments].join(","));
    format!("{insert}{}{rest}", vec![row; rows].join(","))
}

/// Adds columns of a row to the arguments, in this order.
macro_rules! bind {
    ($arguments:ident, $row:ident: $($column:ident),* $(,)?) => {
        $($arguments.add($row.$column)?;)*
    };
}

type Bound = Result<(), sqlx::error::BoxDynError>;

/// Moves an activity's row from the state before a batch to that after it; `false` where the row is in another
/// state or has another owner.
pub(super) async fn advance(connection: &mut SqliteConnection, batch: &Batch) -> Result<bool, sqlx::Error> {
    const COUNTS: &str = "UPDATE activities SET seq = $4, last_batch = $5, stamped_at = $6, confirmed_spots = $7, \
         offered_spots = $8, checked_in_spots = $9, waitlisted_parties = $10, waitlisted_spots = $11, \
         capacity_limit = $12, last_ticket = $13 WHERE id = $1 AND seq = $2 AND owner_epoch = $3";
    const SETTINGS_TOO: &str = "UPDATE activities SET seq = $4, last_batch = $5, stamped_at = $6, \
         confirmed_spots = $7, offered_spots = $8, checked_in_spots = $9, waitlisted_parties = $10, \
         waitlisted_spots = $11, capacity_limit = $12, last_ticket = $13, version = $14, updated_at = $15, \
         cancelled_at = $16, title = $17, description = $18, venue = $19, time_zone = $20, starts_at = $21, \
         ends_at = $22, capacity = $23, max_guests = $24, opens_at = $25, closes_at = $26, cancel_until = $27, \
         promote_until = $28, waitlist_capacity = $29, waitlist_paused = $30, patience = $31, promotion = $32, \
         guests = $33, visibility = $34, attendees_visible = $35 \
         WHERE id = $1 AND seq = $2 AND owner_epoch = $3";
    let settings_too = changes_settings(batch);
    let mut arguments = SqliteArguments::default();
    let bind = |arguments: &mut SqliteArguments| -> Bound {
        let head = HeadColumns::of(batch);
        bind!(arguments, head: id, prev, owner_epoch, seq, last_batch, stamped_at, confirmed_spots, offered_spots,
            checked_in_spots, waitlisted_parties, waitlisted_spots, capacity_limit, last_ticket);
        if settings_too {
            arguments.add(i64::from(batch.head.version))?;
            arguments.add(batch.head.updated_at.micros())?;
            arguments.add(batch.head.cancelled_at.map(Timestamp::micros))?;
            bind_settings(arguments, &batch.head.settings)?;
        }
        Ok(())
    };
    bind(&mut arguments).map_err(sqlx::Error::Encode)?;
    let sql = if settings_too { SETTINGS_TOO } else { COUNTS };
    Ok(statement(sql, arguments)
        .execute(connection)
        .await?
        .rows_affected()
        == 1)
}

/// What the host can change, from `title` to `attendees_visible`.
fn bind_settings(arguments: &mut SqliteArguments, settings: &Settings) -> Bound {
    let columns = SettingsColumns::of(settings);
    bind!(arguments, columns: title, description, venue, time_zone, starts_at, ends_at, capacity, max_guests, opens_at,
        closes_at, cancel_until, promote_until, waitlist_capacity, waitlist_paused, patience, promotion, guests,
        visibility, attendees_visible);
    Ok(())
}

/// Writes the RSVPs of all batches.
pub(super) async fn rsvps(connection: &mut SqliteConnection, batches: &[&Batch]) -> Result<(), sqlx::Error> {
    let rows: Vec<(&Batch, &Rsvp)> = batches
        .iter()
        .flat_map(|batch| batch.rsvps.iter().map(|rsvp| (*batch, rsvp)))
        .collect();
    in_groups(connection, &rows, &RSVP_STATEMENTS, |arguments, (batch, rsvp)| {
        bind_rsvp(arguments, batch, rsvp)
    })
    .await
}

/// Writes the events of all batches.
pub(super) async fn events(connection: &mut SqliteConnection, batches: &[&Batch]) -> Result<(), sqlx::Error> {
    let rows: Vec<(&Batch, &Event)> = batches
        .iter()
        .flat_map(|batch| batch.events.iter().map(|event| (*batch, event)))
        .collect();
    in_groups(
        connection,
        &rows,
        &EVENT_STATEMENTS,
        |arguments, (batch, event)| bind_event(arguments, batch, event),
    )
    .await
}

async fn in_groups<T>(
    connection: &mut SqliteConnection,
    rows: &[T],
    statements: &'static [String; 4],
    bind: impl Fn(&mut SqliteArguments, &T) -> Bound,
) -> Result<(), sqlx::Error> {
    let mut rest = rows;
    for (size, sql) in GROUPS.into_iter().zip(statements) {
        while rest.len() >= size {
            let (group, later) = rest.split_at(size);
            let mut arguments = SqliteArguments::default();
            for row in group {
                bind(&mut arguments, row).map_err(sqlx::Error::Encode)?;
            }
            statement(sql, arguments).execute(&mut *connection).await?;
            rest = later;
        }
    }
    Ok(())
}

fn bind_rsvp(arguments: &mut SqliteArguments, batch: &Batch, rsvp: &Rsvp) -> Bound {
    let row = RsvpColumns::of(batch, rsvp);
    bind!(arguments, row: id, activity_id, user_id, name, email, status, cancel_reason, guest_count,
        ticket, group_id, booked_by, special_requirements, checked_in_at, offer_expires_at, version,
        generation, created_at, updated_at);
    Ok(())
}

fn bind_event(arguments: &mut SqliteArguments, batch: &Batch, event: &Event) -> Bound {
    let row = EventColumns::of(batch, event);
    bind!(arguments, row: activity_id, seq, at, kind, actor, actor_kind, rsvp_id, previous_status, status, spots, ticket,
        reason, key_digest, fingerprint, data);
    Ok(())
}
