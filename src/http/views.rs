//! How activities, RSVPs and answers look to clients. Field names and their meaning are a contract.

mod activity;
mod rsvp;

pub(super) use activity::{ActivityView, CountsView};
pub(super) use rsvp::{CommandView, LogEntryView, PositionView, RsvpView, TicketedRsvpView};
