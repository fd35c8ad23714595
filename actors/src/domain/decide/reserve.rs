//! A person wants in: the next ticket, then the scan. Who fits and passes nobody who guards is confirmed at
//! once and never seen waiting.

use super::within_doors;
use crate::domain::command::{Request, Reserve};
use crate::domain::draft::State;
use crate::domain::event::{Entered, Fact};
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::Status;
use crate::domain::scan;
use crate::domain::time::Timestamp;

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    reserve: &Reserve,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    within_doors(state, &request.by, now)?;
    let earlier = state.find_person(&reserve.person).map(|slot| state.row(slot));
    if earlier.is_some_and(|rsvp| rsvp.status.is_live()) {
        return Err(Rejection::AlreadyReserved);
    }
    party_size(state, reserve.guest_count)?;
    let spots = 1 + u32::from(reserve.guest_count);
    let status = if is_confirmed_on_arrival(state, spots, now) {
        Status::Confirmed
    } else {
        room_to_wait(state)?;
        Status::Waitlisted
    };
    // Nobody else's turn comes by a newcomer: the scan has ended every command before this one, and a party
    // with the last ticket frees nothing.
    Ok(vec![Fact::Entered(Box::new(Entered {
        rsvp: earlier.map_or(reserve.fresh, |rsvp| rsvp.id),
        person: reserve.person.clone(),
        name: reserve.name.clone(),
        status,
        previous: earlier.map(|rsvp| rsvp.status),
        guest_count: reserve.guest_count,
        special_requirements: reserve.special_requirements.clone(),
        ticket: state.head().last_ticket.next(),
    }))])
}

/// A party may bring no more guests than the host allows, and never needs more spots than there are in all.
pub(super) fn party_size(state: State<'_>, guest_count: u16) -> Result<(), Rejection> {
    let settings = &state.head().settings;
    if guest_count > settings.max_guests {
        return Err(Rejection::PartyTooLarge {
            limit: u32::from(settings.max_guests),
        });
    }
    if 1 + u32::from(guest_count) > settings.capacity {
        return Err(Rejection::PartyTooLarge {
            limit: settings.capacity,
        });
    }
    Ok(())
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

fn room_to_wait(state: State<'_>) -> Result<(), Rejection> {
    match state.head().settings.waitlist_capacity {
        Some(0) => Err(Rejection::ActivityFull),
        Some(most) if state.waitlist().parties() >= u64::from(most) => Err(Rejection::WaitlistFull),
        _ => Ok(()),
    }
}
