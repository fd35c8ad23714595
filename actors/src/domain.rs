//! The booking rules, pure and synchronous: no clock, no randomness, no logging, no input or output.
//!
//! Time, identifiers and the policy are arguments. A command is *decided* against a state that it does not
//! change, and yields facts or a rejection; numbered, they are events, and events are *applied*. Folding all
//! events of an activity gives its state, always.
//!
//! [`Activity`] is the committed state. A [`Draft`] holds decisions on top of it that are not durable yet:
//! [`Draft::judge`] takes one command, [`Activity::absorb`] makes a durable draft part of the state.

mod activity;
mod command;
mod decide;
mod difference;
mod draft;
mod event;
mod head;
mod ids;
mod judge;
mod keys;
mod overview;
mod party;
mod person;
mod rebuild;
mod rejection;
mod roll;
mod rsvp;
mod rsvp_table;
mod scan;
mod settings;
mod slot_set;
mod time;
mod visible;
mod waitlist;

pub use activity::Activity;
pub use command::{
    CheckIn, Command, GroupMode, KeyUse, Promote, Reassign, Request, Reserve, ReserveGroup, Target, Transfer,
    Update,
};
pub use difference::Difference;
pub use draft::{Draft, Moves};
pub use event::{
    Actor, Answer, Answered, Entered, Event, Fact, Keyed, Outcome, Passed, PlaceOf, Promoted, Snapshot, Told,
    Updated, Why,
};
pub use head::Head;
pub use ids::{
    ActivityId, BatchId, GroupId, History, OrganizationId, OwnerEpoch, RsvpId, Seq, Ticket, UserId,
};
pub use judge::{Judgement, KeyCheck};
pub use keys::{KeyDigest, KeyHash};
pub use overview::{Counts, Overview};
pub use person::{EMAIL_MAX_BYTES, Email, InvalidEmail, Person, Principal, Who};
pub use rebuild::{Corrupt, Rebuild};
pub use rejection::{Current, Rejection, Which};
pub use rsvp::{CancelReason, Extras, Rsvp, Status};
pub use rsvp_table::Slot;
pub use settings::{
    AttendeesVisible, CAPACITY_MAX, DESCRIPTION_MAX_CHARS, FieldError, GuestPolicy, MAX_GUESTS_MAX,
    OFFER_TTL_MAX_S, PATIENCE_MAX, Promotion, Settings, SettingsChange, SharedSettings, TITLE_MAX_CHARS,
    VENUE_MAX_CHARS, Visibility,
};
pub use time::Timestamp;
pub use visible::{is_blank, is_deceptive, is_invisible};
pub use waitlist::{Ahead, Waiting, Waitlist};
