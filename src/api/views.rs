//! How activities, RSVPs and answers look to clients. Field names and their meaning are a contract.

mod activity;
mod rsvp;

pub(crate) use activity::{ActivityView, CountsView};
pub(crate) use rsvp::{CommandView, LogEntryView, PositionView, RsvpView, TicketedRsvpView};
