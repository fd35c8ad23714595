//! Somebody who comes, as everybody may see them.

use serde::Serialize;
use turnout_actors::domain::Rsvp;

use crate::api::time::Time;
use crate::store::rsvps::ConfirmedRow;

/// Somebody who comes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AttendeeView {
    name: String,
    total_spots: u32,
    created_at: Time,
}

impl From<&Rsvp> for AttendeeView {
    fn from(rsvp: &Rsvp) -> Self {
        Self {
            name: rsvp.name.to_string(),
            total_spots: rsvp.spots(),
            created_at: Time(rsvp.created_at),
        }
    }
}

impl From<ConfirmedRow> for AttendeeView {
    fn from(row: ConfirmedRow) -> Self {
        Self {
            name: row.name,
            total_spots: row.total_spots,
            created_at: Time(row.created_at),
        }
    }
}
