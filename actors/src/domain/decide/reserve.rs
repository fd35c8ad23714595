//! A person wants in: the next ticket, then the scan. Who fits and passes nobody who guards is confirmed at
//! once and never seen waiting.

use super::within_doors;
use crate::domain::command::{Request, Reserve};
use crate::domain::draft::State;
use crate::domain::event::{Entered, Fact};
use crate::domain::ids::{GroupId, Ticket, UserId};
use crate::domain::person::Person;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::Status;
use crate::domain::scan;
use crate::domain::time::Timestamp;

/// What all who come in with one ticket have in common.
#[derive(Clone, Copy)]
pub(super) struct Together {
    pub(super) ticket: Ticket,
    pub(super) status: Status,
    pub(super) group: Option<GroupId>,
    pub(super) booked_by: Option<UserId>,
}

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    reserve: &Reserve,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    within_doors(state, &request.by, now)?;
    Ok(vec![alone(state, reserve, None, now)?])
}

/// One person comes in as a party of their own.
pub(super) fn alone(
    state: State<'_>,
    reserve: &Reserve,
    booked_by: Option<UserId>,
    now: Timestamp,
) -> Result<Fact, Rejection> {
    not_here_yet(state, &reserve.person)?;
    party_size(state, reserve.guest_count, spots(reserve))?;
    let together = Together {
        ticket: state.head().last_ticket.next(),
        status: newcomer(state, spots(reserve), now)?,
        group: None,
        booked_by,
    };
    Ok(enters(state, reserve, together))
}

/// The spots that a person takes with all who come along.
pub(super) fn spots(reserve: &Reserve) -> u32 {
    1 + u32::from(reserve.guest_count)
}

pub(super) fn not_here_yet(state: State<'_>, person: &Person) -> Result<(), Rejection> {
    match state.find_person(person) {
        Some(slot) if state.row(slot).status.is_live() => Err(Rejection::AlreadyReserved),
        _ => Ok(()),
    }
}

/// Nobody brings more guests than the host allows, and no party needs more spots than there are in all.
pub(super) fn party_size(state: State<'_>, guest_count: u16, party_spots: u32) -> Result<(), Rejection> {
    let settings = &state.head().settings;
    if guest_count > settings.max_guests {
        return Err(Rejection::PartyTooLarge {
            limit: u32::from(settings.max_guests),
        });
    }
    if party_spots > settings.capacity {
        return Err(Rejection::PartyTooLarge {
            limit: settings.capacity,
        });
    }
    Ok(())
}

/// Where a party stands that comes in with the next ticket. Nobody else's turn comes by it: the scan has ended every
/// command before this one, and whoever has the last ticket frees nothing.
pub(super) fn newcomer(state: State<'_>, spots: u32, now: Timestamp) -> Result<Status, Rejection> {
    if is_confirmed_on_arrival(state, spots, now) {
        return Ok(Status::Confirmed);
    }
    match state.head().settings.waitlist_capacity {
        Some(0) => Err(Rejection::ActivityFull),
        Some(most) if state.waitlist().parties() >= u64::from(most) => Err(Rejection::WaitlistFull),
        _ => Ok(Status::Waitlisted),
    }
}

pub(super) fn enters(state: State<'_>, reserve: &Reserve, together: Together) -> Fact {
    let earlier = state.find_person(&reserve.person).map(|slot| state.row(slot));
    Fact::Entered(Box::new(Entered {
        rsvp: earlier.map_or(reserve.fresh, |rsvp| rsvp.id),
        person: reserve.person.clone(),
        name: reserve.name.clone(),
        status: together.status,
        previous: earlier.map(|rsvp| rsvp.status),
        guest_count: reserve.guest_count,
        special_requirements: reserve.special_requirements.clone(),
        ticket: together.ticket,
        group: together.group,
        booked_by: together.booked_by,
        place_of: None,
    }))
}

fn is_confirmed_on_arrival(state: State<'_>, spots: u32, now: Timestamp) -> bool {
    let (head, line) = (state.head(), state.waitlist());
    let settings = &head.settings;
    spots <= head.free_spots()
        && if head.promotes_at(now) {
            scan::guards(line, settings.capacity, settings.patience).is_none()
        } else {
            line.is_empty()
        }
}
