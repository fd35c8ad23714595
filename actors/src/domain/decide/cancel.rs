//! An RSVP ends, and whoever can use its spots is promoted in the same step.

use super::{in_time_to_cancel, promotions, target, terms};
use crate::domain::command::{Request, Target};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::person::Person;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::{CancelReason, Status};
use crate::domain::time::Timestamp;

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    which: &Target,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (_, rsvp) = target(state, request, which)?;
    in_time_to_cancel(state, &request.by, now)?;
    if !rsvp.status.is_live() {
        return Err(Rejection::AlreadyCancelled);
    }
    let own = rsvp.person == Person::User(request.by.user) || rsvp.booked_by() == Some(request.by.user);
    let mut facts = vec![Fact::Cancelled {
        rsvp: rsvp.id,
        previous: rsvp.status,
        reason: if own {
            CancelReason::ByAttendee
        } else {
            CancelReason::ByHost
        },
        ticket: rsvp.ticket,
        spots: rsvp.spots(),
    }];
    if state.head().promotes_at(now) && !state.waitlist().is_empty() {
        let mut line = state.waitlist().clone();
        let freed = match rsvp.status {
            Status::Waitlisted => {
                line.leave(rsvp.ticket);
                0
            }
            Status::Confirmed | Status::Cancelled(_) => rsvp.spots(),
        };
        facts.extend(promotions(state, &mut line, terms(state, freed)));
    }
    Ok(facts)
}
