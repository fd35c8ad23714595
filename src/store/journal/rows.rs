//! Activities and RSVPs as rows, on every database.

use std::sync::Arc;

use sqlx::FromRow;
use turnout_actors::domain::Counts;
use turnout_actors::domain::{
    ActivityId, AttendeesVisible, Email, Extras, GroupId, GuestPolicy, Head, OrganizationId, Overview,
    Person, Promotion, Rsvp, RsvpId, Seq, Settings, Status, Ticket, Timestamp, UserId, Visibility,
};
use uuid::Uuid;

/// A row that no version of the server has written.
#[derive(Debug, thiserror::Error)]
#[error("column {0} holds a value that does not belong there")]
pub(in crate::store) struct Misfit(&'static str);

/// The columns of [`ActivityRow`], in order.
pub(in crate::store) const ACTIVITY_COLUMNS: &str = "id, title, description, venue, time_zone, starts_at, ends_at, \
     capacity, max_guests, opens_at, closes_at, cancel_until, promote_until, waitlist_capacity, waitlist_paused, \
     patience, promotion, guests, visibility, attendees_visible, host_id, organization_id, version, created_at, \
     updated_at, cancelled_at, confirmed_spots, offered_spots, checked_in_spots, waitlisted_parties, \
     waitlisted_spots, capacity_limit, last_ticket, seq, stamped_at";

/// An activity as its row has it.
#[derive(FromRow, Debug)]
pub(in crate::store) struct ActivityRow {
    id: Uuid,
    title: String,
    description: Option<String>,
    venue: Option<String>,
    time_zone: String,
    starts_at: i64,
    ends_at: i64,
    capacity: i64,
    max_guests: i64,
    opens_at: Option<i64>,
    closes_at: Option<i64>,
    cancel_until: Option<i64>,
    promote_until: Option<i64>,
    waitlist_capacity: Option<i64>,
    waitlist_paused: bool,
    patience: i64,
    promotion: String,
    guests: String,
    visibility: String,
    attendees_visible: String,
    host_id: Uuid,
    organization_id: Option<Uuid>,
    version: i64,
    created_at: i64,
    updated_at: i64,
    cancelled_at: Option<i64>,
    confirmed_spots: i64,
    offered_spots: i64,
    checked_in_spots: i64,
    waitlisted_parties: i64,
    waitlisted_spots: i64,
    capacity_limit: i64,
    last_ticket: i64,
    seq: i64,
    stamped_at: i64,
}

fn fit<T, N: TryFrom<T>>(column: &'static str, value: T) -> Result<N, Misfit> {
    N::try_from(value).map_err(|_| Misfit(column))
}

impl ActivityRow {
    /// Its head.
    pub(in crate::store) fn head(self) -> Result<Head, Misfit> {
        let time = Timestamp::from_micros;
        Ok(Head {
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
            version: fit("version", self.version)?,
            cancelled_at: self.cancelled_at.map(time),
            confirmed_spots: fit("confirmed_spots", self.confirmed_spots)?,
            offered_spots: fit("offered_spots", self.offered_spots)?,
            checked_in_spots: fit("checked_in_spots", self.checked_in_spots)?,
            capacity_limit: fit("capacity_limit", self.capacity_limit)?,
            seq: Seq(fit("seq", self.seq)?),
            last_ticket: Ticket(fit("last_ticket", self.last_ticket)?),
            stamped_at: time(self.stamped_at),
            settings: Arc::new(self.settings()?),
        })
    }

    /// All that can be told of it without its RSVPs, but for the ticket of the first who waits.
    pub(in crate::store) fn overview(self) -> Result<Overview, Misfit> {
        let id = ActivityId::from(self.id);
        let waitlisted_parties = fit("waitlisted_parties", self.waitlisted_parties)?;
        let waitlisted_spots = fit("waitlisted_spots", self.waitlisted_spots)?;
        let head = self.head()?;
        let counts = Counts {
            capacity: head.settings.capacity,
            confirmed_spots: head.confirmed_spots,
            offered_spots: head.offered_spots,
            available_spots: head.free_spots(),
            waitlisted_parties,
            waitlisted_spots,
            seq: head.seq,
        };
        Ok(Overview {
            id,
            counts,
            checked_in_spots: head.checked_in_spots,
            first_ticket: None,
            cancelled_at: head.cancelled_at,
            version: head.version,
            created_at: head.created_at,
            updated_at: head.updated_at,
            settings: head.settings,
        })
    }

    fn settings(self) -> Result<Settings, Misfit> {
        let time = Timestamp::from_micros;
        Ok(Settings {
            title: self.title,
            description: self.description,
            venue: self.venue,
            time_zone: self.time_zone,
            starts_at: time(self.starts_at),
            ends_at: time(self.ends_at),
            capacity: fit("capacity", self.capacity)?,
            max_guests: fit("max_guests", self.max_guests)?,
            opens_at: self.opens_at.map(time),
            closes_at: self.closes_at.map(time),
            cancel_until: self.cancel_until.map(time),
            promote_until: self.promote_until.map(time),
            waitlist_capacity: self
                .waitlist_capacity
                .map(|most| fit("waitlist_capacity", most))
                .transpose()?,
            waitlist_paused: self.waitlist_paused,
            patience: fit("patience", self.patience)?,
            promotion: serde_json::from_str::<Promotion>(&self.promotion).map_err(|_| Misfit("promotion"))?,
            guests: GuestPolicy::from_name(&self.guests).ok_or(Misfit("guests"))?,
            visibility: Visibility::from_name(&self.visibility).ok_or(Misfit("visibility"))?,
            attendees_visible: AttendeesVisible::from_name(&self.attendees_visible)
                .ok_or(Misfit("attendees_visible"))?,
            host_id: UserId::from(self.host_id),
            organization_id: self.organization_id.map(OrganizationId::from),
        })
    }
}

/// The columns of [`RsvpRow`], in order.
pub(in crate::store) const RSVP_COLUMNS: &str = "id, user_id, name, email, status, cancel_reason, guest_count, \
     ticket, group_id, booked_by, special_requirements, checked_in_at, \
     offer_expires_at, version, generation, created_at, updated_at";

/// An RSVP as its row has it.
#[derive(FromRow, Debug)]
pub(in crate::store) struct RsvpRow {
    id: Uuid,
    user_id: Option<Uuid>,
    name: String,
    email: Option<String>,
    status: String,
    cancel_reason: Option<String>,
    guest_count: i64,
    ticket: i64,
    group_id: Option<Uuid>,
    booked_by: Option<Uuid>,
    special_requirements: Option<String>,
    checked_in_at: Option<i64>,
    offer_expires_at: Option<i64>,
    version: i64,
    generation: i64,
    created_at: i64,
    updated_at: i64,
}

impl RsvpRow {
    pub(in crate::store) fn rsvp(self) -> Result<Rsvp, Misfit> {
        let person = match (self.user_id, self.email) {
            (Some(user), _) => Person::User(UserId::from(user)),
            (None, Some(email)) => Person::Guest(email.parse::<Email>().map_err(|_| Misfit("email"))?),
            (None, None) => return Err(Misfit("user_id")),
        };
        let extras = Extras {
            special_requirements: self.special_requirements.map(Into::into),
            group: self.group_id.map(GroupId::from),
            booked_by: self.booked_by.map(UserId::from),
            checked_in_at: self.checked_in_at.map(Timestamp::from_micros),
            offer_expires_at: self.offer_expires_at.map(Timestamp::from_micros),
        };
        Ok(Rsvp {
            id: RsvpId::from(self.id),
            person,
            name: self.name.into(),
            extras: (extras != Extras::default()).then(|| Box::new(extras)),
            ticket: Ticket(fit("ticket", self.ticket)?),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            version: fit("version", self.version)?,
            generation: fit("generation", self.generation)?,
            guest_count: fit("guest_count", self.guest_count)?,
            status: Status::from_names(&self.status, self.cancel_reason.as_deref())
                .ok_or(Misfit("status"))?,
        })
    }
}
