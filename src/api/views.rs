//! How activities, RSVPs and answers look to clients. Field names and their meaning are a contract.

mod activity;
mod rsvp;

pub(crate) use activity::{ActivityChanges, ActivityView, CountsView, LineView, SnapshotView};
pub(crate) use rsvp::{CommandView, MeView, PositionView, RsvpView, TicketedRsvpView};
