//! What commands about RSVPs are given with: the body of a request, the `args` of a message.

use std::sync::Arc;

use serde::Deserialize;
use turnout_actors::domain::{Command, Person, Reserve, RsvpId, Target, Update, is_blank};

use super::{Lines, Problem, clearable, present};
use crate::accounts::Caller;

const WISHES_MAX_CHARS: usize = 1_000;

/// With what somebody comes in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReserveArgs {
    #[serde(default, deserialize_with = "present")]
    guest_count: Option<u16>,
    special_requirements: Option<Lines>,
}

/// What is to change of an RSVP; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateArgs {
    #[serde(default, deserialize_with = "present")]
    guest_count: Option<u16>,
    #[serde(default, deserialize_with = "clearable")]
    special_requirements: Option<Option<Lines>>,
}

impl ReserveArgs {
    /// The command of somebody with an account; `fresh` is for the case that they have no RSVP here yet.
    pub fn command(self, fresh: RsvpId, caller: &Caller) -> Result<Command, Problem> {
        Ok(Command::Reserve(Reserve {
            fresh,
            person: Person::User(caller.user),
            name: caller.name.shared(),
            guest_count: self.guest_count.unwrap_or_default(),
            special_requirements: wishes(self.special_requirements)?,
        }))
    }
}

impl UpdateArgs {
    /// The command that changes this RSVP.
    pub fn command(self, target: Target) -> Result<Command, Problem> {
        Ok(Command::Update(Update {
            target,
            guest_count: self.guest_count,
            special_requirements: self.special_requirements.map(wishes).transpose()?,
            name: None,
        }))
    }
}

/// Wishes as they are kept; a text of which nothing can be seen is none.
fn wishes(lines: Option<Lines>) -> Result<Option<Arc<str>>, Problem> {
    let Some(text) = lines.map(Lines::into_text) else {
        return Ok(None);
    };
    if text.chars().count() > WISHES_MAX_CHARS {
        return Err(Problem::field(
            "special_requirements",
            "must have at most 1000 characters",
        ));
    }
    let text = text.trim();
    Ok((!is_blank(text)).then(|| text.into()))
}
