//! Writing batches: the guarded step of each activity, then all rows of all of them, many per statement.
//!
//! Rows are written in groups of a few fixed sizes, so that each statement is compiled once and kept.

use std::sync::LazyLock;

use sqlx::Arguments;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use turnout_actors::domain::{Event, Fact, Person, Rsvp, Settings, Status};
use turnout_actors::ports::{Batch, NewActivity};

use super::statement;
use crate::store::journal::EventData;

/// Rows per statement, largest first. The largest stays below SQLite's limit of 32,766 arguments.
const GROUPS: [usize; 4] = [256, 32, 4, 1];

const RSVP_INSERT: &str = "INSERT INTO rsvps (id, activity_id, attendee_key, user_id, name, email, status, \
     cancel_reason, guest_count, ticket, group_id, booked_by, special_requirements, checked_in_at, version, \
     generation, created_at, updated_at) VALUES ";
const RSVP_ARGUMENTS: usize = 18;
const RSVP_CONFLICT: &str = " ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, \
     cancel_reason = excluded.cancel_reason, guest_count = excluded.guest_count, ticket = excluded.ticket, \
     group_id = excluded.group_id, booked_by = excluded.booked_by, \
     special_requirements = excluded.special_requirements, checked_in_at = excluded.checked_in_at, \
     version = excluded.version, generation = excluded.generation, updated_at = excluded.updated_at";

const EVENT_INSERT: &str = "INSERT INTO activity_events (activity_id, seq, at, kind, actor, rsvp_id, \
     previous_status, status, spots, ticket, reason, key_digest, fingerprint, data) VALUES ";
const EVENT_ARGUMENTS: usize = 14;

static RSVP_STATEMENTS: LazyLock<[String; 4]> =
    LazyLock::new(|| GROUPS.map(|rows| rows_statement(RSVP_INSERT, RSVP_ARGUMENTS, rows, RSVP_CONFLICT)));
static EVENT_STATEMENTS: LazyLock<[String; 4]> =
    LazyLock::new(|| GROUPS.map(|rows| rows_statement(EVENT_INSERT, EVENT_ARGUMENTS, rows, "")));

fn rows_statement(insert: &str, arguments: usize, rows: usize, rest: &str) -> String {
    let row = format!("({})", vec!["?"; arguments].join(","));
    format!("{insert}{}{rest}", vec![row; rows].join(","))
}

type Bound = Result<(), sqlx::error::BoxDynError>;

/// Stores a new activity's row.
pub(super) async fn activity(
    connection: &mut SqliteConnection,
    new: &NewActivity,
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO activities (id, created_at, updated_at, stamped_at, version, capacity_limit, title, \
         description, venue, time_zone, starts_at, ends_at, capacity, max_guests, opens_at, closes_at, cancel_until, \
         promote_until, waitlist_capacity, waitlist_paused, patience, promotion, guests, visibility, \
         attendees_visible, host_id, organization_id) \
         VALUES ($1, $2, $2, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
         $20, $21, $22, $23, $24)";
    let mut arguments = SqliteArguments::default();
    let bind = |arguments: &mut SqliteArguments| -> Bound {
        arguments.add(new.id.uuid())?;
        arguments.add(new.at.micros())?;
        arguments.add(i64::from(new.settings.capacity))?;
        bind_settings(arguments, &new.settings)?;
        arguments.add(new.settings.host_id.uuid())?;
        arguments.add(
            new.settings
                .organization_id
                .map(turnout_actors::domain::OrganizationId::uuid),
        )
    };
    bind(&mut arguments).map_err(sqlx::Error::Encode)?;
    statement(insert, arguments).execute(connection).await?;
    Ok(())
}

/// Moves an activity's row from the state before a batch to that after it; `false` where the row is in another
/// state or has another owner.
pub(super) async fn advance(connection: &mut SqliteConnection, batch: &Batch) -> Result<bool, sqlx::Error> {
    const COUNTS: &str = "UPDATE activities SET seq = $4, last_batch = $5, stamped_at = $6, confirmed_spots = $7, \
         offered_spots = $8, checked_in_spots = $9, waitlisted_parties = $10, waitlisted_spots = $11, \
         capacity_limit = $12 WHERE id = $1 AND seq = $2 AND owner_epoch = $3";
    const SETTINGS_TOO: &str = "UPDATE activities SET seq = $4, last_batch = $5, stamped_at = $6, \
         confirmed_spots = $7, offered_spots = $8, checked_in_spots = $9, waitlisted_parties = $10, \
         waitlisted_spots = $11, capacity_limit = $12, version = $13, updated_at = $14, cancelled_at = $15, \
         title = $16, description = $17, venue = $18, time_zone = $19, starts_at = $20, ends_at = $21, \
         capacity = $22, max_guests = $23, opens_at = $24, closes_at = $25, cancel_until = $26, \
         promote_until = $27, waitlist_capacity = $28, waitlist_paused = $29, patience = $30, promotion = $31, \
         guests = $32, visibility = $33, attendees_visible = $34 \
         WHERE id = $1 AND seq = $2 AND owner_epoch = $3";
    let settings_too = batch
        .events
        .iter()
        .any(|event| event.fact.is_about_the_activity());
    let mut arguments = SqliteArguments::default();
    let bind = |arguments: &mut SqliteArguments| -> Bound {
        let head = &batch.head;
        arguments.add(batch.activity.uuid())?;
        arguments.add(batch.prev.0 as i64)?;
        arguments.add(batch.epoch.0 as i64)?;
        arguments.add(head.seq.0 as i64)?;
        arguments.add(batch.id.uuid())?;
        arguments.add(head.stamped_at.micros())?;
        arguments.add(i64::from(head.confirmed_spots))?;
        arguments.add(i64::from(head.offered_spots))?;
        arguments.add(i64::from(head.checked_in_spots))?;
        arguments.add(batch.waitlisted_parties as i64)?;
        arguments.add(batch.waitlisted_spots as i64)?;
        arguments.add(i64::from(head.capacity_limit))?;
        if settings_too {
            arguments.add(i64::from(head.version))?;
            arguments.add(head.updated_at.micros())?;
            arguments.add(head.cancelled_at.map(turnout_actors::domain::Timestamp::micros))?;
            bind_settings(arguments, &head.settings)?;
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
    let micros = |time: Option<turnout_actors::domain::Timestamp>| time.map(|time| time.micros());
    arguments.add(settings.title.clone())?;
    arguments.add(settings.description.clone())?;
    arguments.add(settings.venue.clone())?;
    arguments.add(settings.time_zone.clone())?;
    arguments.add(settings.starts_at.micros())?;
    arguments.add(settings.ends_at.micros())?;
    arguments.add(i64::from(settings.capacity))?;
    arguments.add(i64::from(settings.max_guests))?;
    arguments.add(micros(settings.opens_at))?;
    arguments.add(micros(settings.closes_at))?;
    arguments.add(micros(settings.cancel_until))?;
    arguments.add(micros(settings.promote_until))?;
    arguments.add(settings.waitlist_capacity.map(i64::from))?;
    arguments.add(settings.waitlist_paused)?;
    arguments.add(i64::from(settings.patience))?;
    arguments.add(serde_json::to_string(&settings.promotion).expect("a policy is always JSON"))?;
    arguments.add(settings.guests.name())?;
    arguments.add(settings.visibility.name())?;
    arguments.add(settings.attendees_visible.name())
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
    let (key, user, email) = match &rsvp.person {
        Person::User(user) => (user.to_string(), Some(user.uuid()), None),
        Person::Guest(email) => (email.to_string(), None, Some(email.to_string())),
    };
    arguments.add(rsvp.id.uuid())?;
    arguments.add(batch.activity.uuid())?;
    arguments.add(key)?;
    arguments.add(user)?;
    arguments.add(rsvp.name.to_string())?;
    arguments.add(email)?;
    arguments.add(rsvp.status.name())?;
    arguments.add(
        rsvp.status
            .cancel_reason()
            .map(turnout_actors::domain::CancelReason::name),
    )?;
    arguments.add(i64::from(rsvp.guest_count))?;
    arguments.add(rsvp.ticket.0 as i64)?;
    arguments.add(rsvp.group().map(turnout_actors::domain::GroupId::uuid))?;
    arguments.add(rsvp.booked_by().map(turnout_actors::domain::UserId::uuid))?;
    arguments.add(rsvp.special_requirements().map(|text| text.to_string()))?;
    arguments.add(
        rsvp.checked_in_at()
            .map(turnout_actors::domain::Timestamp::micros),
    )?;
    arguments.add(i64::from(rsvp.version))?;
    arguments.add(i64::from(rsvp.generation))?;
    arguments.add(rsvp.created_at.micros())?;
    arguments.add(rsvp.updated_at.micros())
}

fn bind_event(arguments: &mut SqliteArguments, batch: &Batch, event: &Event) -> Bound {
    let columns = EventColumns::of(&event.fact);
    let keyed = event.keyed.as_deref();
    arguments.add(batch.activity.uuid())?;
    arguments.add(event.seq.0 as i64)?;
    arguments.add(event.at.micros())?;
    arguments.add(event.fact.kind())?;
    arguments.add(event.actor.uuid())?;
    arguments.add(event.fact.rsvp().map(turnout_actors::domain::RsvpId::uuid))?;
    arguments.add(columns.previous.map(Status::name))?;
    arguments.add(columns.status.map(Status::name))?;
    arguments.add(columns.spots.map(i64::from))?;
    arguments.add(columns.ticket.map(|ticket| ticket as i64))?;
    arguments.add(
        columns
            .status
            .and_then(Status::cancel_reason)
            .map(turnout_actors::domain::CancelReason::name),
    )?;
    arguments.add(keyed.map(|keyed| keyed.key.digest.0.to_vec()))?;
    arguments.add(keyed.map(|keyed| keyed.key.fingerprint as i64))?;
    arguments.add(EventData::of(&event.fact, keyed).map(|data| data.text()))
}

/// What an event says about its RSVP, as columns.
#[derive(Default)]
struct EventColumns {
    previous: Option<Status>,
    status: Option<Status>,
    spots: Option<u32>,
    ticket: Option<u64>,
}

impl EventColumns {
    fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Entered(entered) => Self {
                previous: entered.previous,
                status: Some(entered.status),
                spots: Some(1 + u32::from(entered.guest_count)),
                ticket: Some(entered.ticket.0),
            },
            Fact::Promoted { ticket, spots, .. } => Self {
                previous: Some(Status::Waitlisted),
                status: Some(Status::Confirmed),
                spots: Some(*spots),
                ticket: Some(ticket.0),
            },
            Fact::Updated {
                status,
                ticket,
                guest_count,
                ..
            } => Self {
                previous: Some(*status),
                status: Some(*status),
                spots: Some(1 + u32::from(*guest_count)),
                ticket: Some(ticket.0),
            },
            Fact::Cancelled {
                previous,
                reason,
                ticket,
                spots,
                ..
            } => Self {
                previous: Some(*previous),
                status: Some(Status::Cancelled(*reason)),
                spots: Some(*spots),
                ticket: Some(ticket.0),
            },
            Fact::ActivityUpdated { .. }
            | Fact::CapacityChanged { .. }
            | Fact::WaitlistPaused
            | Fact::WaitlistResumed
            | Fact::ActivityCancelled => Self::default(),
        }
    }
}
