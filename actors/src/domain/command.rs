//! What can be ordered of an activity.

use std::sync::Arc;

use serde::Serialize;

use super::ids::RsvpId;
use super::keys::KeyDigest;
use super::person::{Person, Principal};
use super::settings::SettingsChange;
use super::time::Timestamp;

/// A command on its way to be judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Who gives it.
    pub by: Principal,
    /// When it arrived. The owner of the activity stamps it, never the caller.
    pub at: Timestamp,
    /// What is ordered.
    pub command: Command,
    /// The version that the caller acts on, if it named one.
    pub if_version: Option<u32>,
    /// The caller's idempotency key, if it sent one.
    pub key: Option<KeyUse>,
}

/// An idempotency key and what it was sent with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyUse {
    /// The key, scoped to its principal.
    pub digest: KeyDigest,
    /// Stands for the operation and its arguments; the same key with another fingerprint is an error.
    pub fingerprint: u64,
}

/// What is ordered. What is serialized is exactly what a fingerprint covers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A person wants in.
    Reserve(Reserve),
    /// An RSVP is to change.
    Update(Update),
    /// An RSVP is to end.
    Cancel(Target),
    /// The host sets something, the capacity and the waitlist's pause included.
    Change(Box<SettingsChange>),
    /// The host ends the activity.
    CancelActivity,
}

/// A person wants in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reserve {
    /// The identifier for the RSVP if the person has none here yet.
    #[serde(skip)]
    pub fresh: RsvpId,
    /// Who wants in.
    pub person: Person,
    /// The name of the person: of an account it comes from the token, so it is no argument.
    #[serde(skip)]
    pub name: Arc<str>,
    /// People who come along.
    pub guest_count: u16,
    /// Wishes, in the person's own words.
    pub special_requirements: Option<Arc<str>>,
}

/// An RSVP is to change; what is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Update {
    /// Which RSVP.
    pub target: Target,
    /// How many people come along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_count: Option<u16>,
    /// New wishes, or none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub special_requirements: Option<Option<Arc<str>>>,
}

/// Which RSVP is meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The one of the principal.
    Own,
    /// The one with this identifier.
    Rsvp(RsvpId),
}
