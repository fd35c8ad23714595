//! An RSVP goes over to somebody else, with the seat or the place in the line that it has.

use super::{ended, in_time_to_cancel, live, target};
use crate::domain::activity::{is_host, lets_in};
use crate::domain::command::{Request, Transfer};
use crate::domain::draft::State;
use crate::domain::event::{Entered, Fact, PlaceOf};
use crate::domain::person::Person;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::CancelReason;
use crate::domain::settings::{GuestPolicy, Visibility};
use crate::domain::time::Timestamp;

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    transfer: &Transfer,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (_, giver) = target(state, request, &transfer.target)?;
    in_time_to_cancel(state, &request.by, now)?;
    live(giver)?;
    let person = Person::Guest(transfer.to.clone());
    let settings = &state.head().settings;
    if settings.guests == GuestPolicy::Off && !is_host(state.head(), &request.by) {
        return Err(Rejection::Forbidden);
    }
    let earlier = state.find_person(&person).map(|slot| state.row(slot));
    // Why not is never said: whoever gives need not know about whoever gets.
    if let Some(earlier) = earlier
        && (earlier.status.is_live() || settings.visibility == Visibility::Private && !lets_in(earlier))
    {
        return Err(Rejection::Forbidden);
    }
    let received = Entered {
        rsvp: earlier.map_or(transfer.fresh, |rsvp| rsvp.id),
        person,
        name: transfer.name.clone(),
        status: giver.status,
        previous: earlier.map(|rsvp| rsvp.status),
        guest_count: giver.guest_count,
        special_requirements: None,
        ticket: giver.ticket,
        group: giver.group(),
        booked_by: giver.booked_by(),
        place_of: Some(PlaceOf {
            rsvp: giver.id,
            offer_expires_at: giver.offer_expires_at(),
        }),
    };
    Ok(vec![
        ended(giver, CancelReason::Transferred),
        Fact::Entered(Box::new(received)),
    ])
}
