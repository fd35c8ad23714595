//! How activities, RSVPs and answers look to clients. Field names and their meaning are a contract.

mod activity;
mod attendee;
mod command;
mod rsvp;

pub(crate) use activity::{ActivityChanges, ActivityView, CountsView, LineView, SnapshotView};
pub(crate) use attendee::AttendeeView;
pub(crate) use command::CommandView;
pub(crate) use rsvp::{MeView, PositionView, RsvpView, TicketedRsvpView};
