//! What commands about RSVPs are given with: the body of a request, the `args` of a message.

use std::sync::Arc;

use serde::Deserialize;
use turnout_actors::domain::{
    Command, Email, GroupId, GroupMode, Person, Reserve, ReserveGroup, RsvpId, Target, Transfer, Update,
    is_blank,
};

use super::{Fields, Lines, Object, Problem, Word, clearable, present};
use crate::accounts::{Caller, PersonName, account_email};

/// The field of wishes.
const WISHES: &str = "special_requirements";
const WISHES_MAX_CHARS: usize = 1_000;
/// How many may come in together.
const MEMBERS: std::ops::RangeInclusive<usize> = 2..=100;

/// With what somebody comes in who has an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReserveArgs {
    #[serde(default, deserialize_with = "present")]
    guest_count: Option<u16>,
    special_requirements: Option<Lines>,
}

/// With what somebody comes in who has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestArgs {
    name: String,
    email: String,
    #[serde(default, deserialize_with = "present")]
    guest_count: Option<u16>,
    special_requirements: Option<Lines>,
}

/// With what several come in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupArgs {
    mode: Word<Mode>,
    attendees: Vec<Object<Attendee>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    All,
    Each,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attendee {
    name: String,
    email: String,
    #[serde(default, deserialize_with = "present")]
    guest_count: Option<u16>,
}

/// What is to change of an RSVP; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateArgs {
    #[serde(default, deserialize_with = "present")]
    guest_count: Option<u16>,
    #[serde(default, deserialize_with = "clearable")]
    special_requirements: Option<Option<Lines>>,
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
}

/// Who gets an RSVP.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferArgs {
    email: String,
    name: String,
}

impl ReserveArgs {
    /// The command of somebody with an account; `fresh` is for the case that they have no RSVP here yet.
    pub fn command(self, fresh: RsvpId, caller: &Caller) -> Result<Command, Problem> {
        Ok(Command::Reserve(Reserve {
            fresh,
            person: Person::User(caller.user),
            name: caller.name.shared(),
            guest_count: self.guest_count.unwrap_or_default(),
            special_requirements: wishes_alone(self.special_requirements)?,
        }))
    }
}

impl GuestArgs {
    /// The command of somebody without an account, and the address that they come in by.
    pub fn command(self, fresh: RsvpId) -> Result<(Email, Command), Problem> {
        let mut fields = Fields::default();
        let contact = contact(&mut fields, "", &self.email, &self.name);
        let wishes = fields.check(WISHES, wishes(self.special_requirements));
        let Some(((email, name), special_requirements)) = contact.zip(wishes) else {
            return Err(fields.problem());
        };
        let reserve = Reserve {
            fresh,
            person: Person::Guest(email.clone()),
            name,
            guest_count: self.guest_count.unwrap_or_default(),
            special_requirements,
        };
        Ok((email, Command::Reserve(reserve)))
    }
}

impl GroupArgs {
    /// The command of whoever books for all of them; `fresh` makes identifiers.
    pub fn command(self, fresh: impl Fn() -> uuid::Uuid) -> Result<Command, Problem> {
        if !MEMBERS.contains(&self.attendees.len()) {
            let (fewest, most) = MEMBERS.into_inner();
            return Err(Problem::field(
                "attendees",
                format!("must have {fewest} to {most} entries"),
            ));
        }
        let mut fields = Fields::default();
        let members: Vec<Option<Reserve>> = (0_usize..)
            .zip(self.attendees)
            .map(|(index, Object(attendee))| {
                let place = format!("attendees[{index}].");
                let (email, name) = contact(&mut fields, &place, &attendee.email, &attendee.name)?;
                Some(Reserve {
                    fresh: RsvpId::from(fresh()),
                    person: Person::Guest(email),
                    name,
                    guest_count: attendee.guest_count.unwrap_or_default(),
                    special_requirements: None,
                })
            })
            .collect();
        let Some(members) = members.into_iter().collect::<Option<Vec<Reserve>>>() else {
            return Err(fields.problem());
        };
        let mode = match self.mode {
            Word(Mode::All) => GroupMode::All,
            Word(Mode::Each) => GroupMode::Each,
        };
        Ok(Command::ReserveGroup(ReserveGroup {
            mode,
            members,
            group: GroupId::from(fresh()),
        }))
    }
}

impl UpdateArgs {
    /// The command that changes this RSVP.
    pub fn command(self, target: Target) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let name = self.name.as_deref().map(PersonName::parse).transpose();
        let name = fields.check("name", name);
        let wishes = self.special_requirements.map(wishes).transpose();
        let wishes = fields.check(WISHES, wishes);
        let Some((name, special_requirements)) = name.zip(wishes) else {
            return Err(fields.problem());
        };
        Ok(Command::Update(Update {
            target,
            guest_count: self.guest_count,
            special_requirements,
            name: name.map(|name| name.shared()),
        }))
    }
}

impl TransferArgs {
    /// The command that hands this RSVP on; `fresh` is for the case that whoever gets it has none here yet.
    pub fn command(self, target: Target, fresh: RsvpId) -> Result<Command, Problem> {
        let mut fields = Fields::default();
        let Some((to, name)) = contact(&mut fields, "", &self.email, &self.name) else {
            return Err(fields.problem());
        };
        Ok(Command::Transfer(Transfer {
            target,
            to,
            name,
            fresh,
        }))
    }
}

/// Somebody without an account; what is wrong is kept in `fields`, by its place.
fn contact(fields: &mut Fields, place: &str, email: &str, name: &str) -> Option<(Email, Arc<str>)> {
    let email = fields.check(format!("{place}email"), account_email(email));
    let name = fields.check(format!("{place}name"), PersonName::parse(name));
    email.zip(name.map(|name| name.shared()))
}

/// Wishes where nothing else can be wrong.
fn wishes_alone(lines: Option<Lines>) -> Result<Option<Arc<str>>, Problem> {
    wishes(lines).map_err(|message| Problem::field(WISHES, message))
}

/// Wishes as they are kept; a text of which nothing can be seen is none.
fn wishes(lines: Option<Lines>) -> Result<Option<Arc<str>>, &'static str> {
    let Some(text) = lines.map(Lines::into_text) else {
        return Ok(None);
    };
    if text.chars().count() > WISHES_MAX_CHARS {
        return Err("must have at most 1000 characters");
    }
    let text = text.trim();
    Ok((!is_blank(text)).then(|| text.into()))
}
