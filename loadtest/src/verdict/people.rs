//! Who is who: the log names RSVPs, the model names people.

use std::collections::HashMap;

use uuid::Uuid;

use crate::model::is_guest;
use crate::seen::LastState;

/// The people of an activity by the ids of their RSVPs.
pub(super) struct People(HashMap<Uuid, String>);

impl People {
    pub(super) fn of(last: &LastState) -> Self {
        Self(last.rsvps.iter().map(|rsvp| (rsvp.id, rsvp.person())).collect())
    }

    /// Whose RSVP it is; of one that nobody has, the id.
    pub(super) fn person(&self, rsvp: Uuid) -> String {
        self.0.get(&rsvp).cloned().unwrap_or_else(|| rsvp.to_string())
    }

    /// Who did something in the words of the log, but with a guest's address in place of the RSVP.
    pub(super) fn actor(&self, said: &str) -> String {
        let rsvp = said.strip_prefix("guest:").and_then(|id| id.parse().ok());
        rsvp.map_or_else(|| said.to_owned(), |id| actor(&self.person(id)))
    }
}

/// Somebody as who did something.
pub(super) fn actor(person: &str) -> String {
    let kind = if is_guest(person) { "guest" } else { "user" };
    format!("{kind}:{person}")
}
