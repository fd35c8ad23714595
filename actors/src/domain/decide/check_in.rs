//! The host lets somebody in at the door, or takes that back.

use super::{live, target};
use crate::domain::command::{CheckIn, Request, Target};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::ids::RsvpId;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::{Rsvp, Status};

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    check_in: &CheckIn,
) -> Result<Vec<Fact>, Rejection> {
    let rsvp = confirmed(state, request, check_in.rsvp, check_in.generation)?;
    Ok(match rsvp.checked_in_at() {
        Some(_) => Vec::new(),
        None => vec![Fact::CheckedIn {
            rsvp: rsvp.id,
            ticket: rsvp.ticket,
            spots: rsvp.spots(),
        }],
    })
}

pub(super) fn undo(state: State<'_>, request: &Request, rsvp: RsvpId) -> Result<Vec<Fact>, Rejection> {
    let rsvp = confirmed(state, request, rsvp, None)?;
    Ok(match rsvp.checked_in_at() {
        None => Vec::new(),
        Some(_) => vec![Fact::CheckInUndone {
            rsvp: rsvp.id,
            ticket: rsvp.ticket,
            spots: rsvp.spots(),
        }],
    })
}

/// An RSVP that is confirmed, at the generation that a code was made for.
fn confirmed<'a>(
    state: State<'a>,
    request: &Request,
    rsvp: RsvpId,
    generation: Option<u32>,
) -> Result<&'a Rsvp, Rejection> {
    let (_, rsvp) = target(state, request, &Target::Rsvp(rsvp))?;
    live(rsvp)?;
    if rsvp.status != Status::Confirmed {
        return Err(Rejection::NotConfirmed);
    }
    if generation.is_some_and(|generation| generation != rsvp.generation) {
        return Err(Rejection::InvalidCode);
    }
    Ok(rsvp)
}
