//! What a host's commands about RSVPs are given with: the body of a request, the `args` of a message.

use serde::Deserialize;
use turnout_actors::domain::{Command, Promote, Reassign, RsvpId};

use super::{Problem, present};

/// The most RSVPs or parties that one command names.
const NAMED_MAX: usize = 1_000;

/// Who is promoted, as a request says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromoteBody {
    #[serde(default, deserialize_with = "present")]
    rsvp_ids: Option<Vec<RsvpId>>,
    #[serde(default, deserialize_with = "present")]
    count: Option<u32>,
}

/// Who is promoted, as a message says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromoteArgs {
    #[serde(default, deserialize_with = "present")]
    rsvps: Option<Vec<RsvpId>>,
    #[serde(default, deserialize_with = "present")]
    count: Option<u32>,
}

/// Who is removed, as a message says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveArgs {
    rsvps: Vec<RsvpId>,
}

/// Who is removed, and who is promoted then, as a request says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    #[serde(default)]
    promote: Vec<RsvpId>,
    #[serde(default)]
    remove: Vec<RsvpId>,
}

/// An RSVP, as a message says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RsvpArgs {
    /// Which one.
    pub rsvp: RsvpId,
}

impl PromoteBody {
    /// The command.
    pub fn command(self) -> Result<Command, Problem> {
        promotion("rsvp_ids", self.rsvp_ids, self.count)
    }
}

impl PromoteArgs {
    /// The command.
    pub fn command(self) -> Result<Command, Problem> {
        promotion("rsvps", self.rsvps, self.count)
    }
}

impl RemoveArgs {
    /// The command.
    pub fn command(self) -> Result<Command, Problem> {
        some("rsvps", self.rsvps.len())?;
        Ok(reassign(self.rsvps, Promote::These(Vec::new())))
    }
}

impl BulkBody {
    /// The command.
    pub fn command(self) -> Result<Command, Problem> {
        some("promote", self.promote.len() + self.remove.len())
            .map_err(|problem| problem.detail("Together, promote and remove must name 1 to 1000 RSVPs."))?;
        Ok(reassign(self.remove, Promote::These(self.promote)))
    }
}

fn promotion(
    field: &'static str,
    rsvps: Option<Vec<RsvpId>>,
    count: Option<u32>,
) -> Result<Command, Problem> {
    let promote = match (rsvps, count) {
        (Some(rsvps), None) => {
            some(field, rsvps.len())?;
            Promote::These(rsvps)
        }
        (None, Some(count)) => {
            if !(1..=NAMED_MAX).contains(&(count as usize)) {
                return Err(Problem::field("count", format!("must be 1 to {NAMED_MAX}")));
            }
            Promote::Next(count)
        }
        _ => return Err(Problem::field(field, "or count must be given, and not both")),
    };
    Ok(reassign(Vec::new(), promote))
}

fn reassign(remove: Vec<RsvpId>, promote: Promote) -> Command {
    Command::Reassign(Reassign { remove, promote })
}

fn some(field: &'static str, named: usize) -> Result<(), Problem> {
    if (1..=NAMED_MAX).contains(&named) {
        Ok(())
    } else {
        Err(Problem::field(
            field,
            format!("must have 1 to {NAMED_MAX} entries"),
        ))
    }
}
