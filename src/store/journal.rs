//! The journal on a real database: where the engine's decisions become durable.
//!
//! Written by hand for each kind of database, because here each is driven at its best. What they share is how
//! domain types look as columns.

mod data;
mod rows;
mod sqlite;

pub use sqlite::SqliteJournal;

pub(super) use data::EventData;
pub(super) use rows::{ACTIVITY_COLUMNS, ActivityRow, RSVP_COLUMNS, RsvpRow};
