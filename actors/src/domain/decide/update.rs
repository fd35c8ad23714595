//! An RSVP changes its guests or its person's wishes.

use super::{in_time_to_cancel, promotions, reserve, target, terms, within_doors};
use crate::domain::command::{Request, Update};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::ids::Ticket;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::{Rsvp, Status};
use crate::domain::time::Timestamp;
use crate::domain::waitlist::Waiting;

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    update: &Update,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (slot, rsvp) = target(state, request, &update.target)?;
    let guest_count = update.guest_count.unwrap_or(rsvp.guest_count);
    let grows = guest_count > rsvp.guest_count;
    if grows {
        within_doors(state, &request.by, now)?;
    } else {
        in_time_to_cancel(state, &request.by, now)?;
    }
    if !rsvp.status.is_live() {
        return Err(Rejection::AlreadyCancelled);
    }
    if grows {
        reserve::party_size(state, guest_count)?;
    }
    let wishes = update
        .special_requirements
        .clone()
        .unwrap_or_else(|| rsvp.special_requirements().cloned());
    if guest_count == rsvp.guest_count && wishes.as_ref() == rsvp.special_requirements() {
        return Ok(Vec::new());
    }
    let spots = 1 + u32::from(guest_count);
    if rsvp.status == Status::Confirmed && grows {
        room_to_grow(state, spots - rsvp.spots())?;
    }
    let moves_to_tail = rsvp.status == Status::Waitlisted && grows;
    let ticket = if moves_to_tail {
        state.head().last_ticket.next()
    } else {
        rsvp.ticket
    };
    let mut facts = vec![Fact::Updated {
        rsvp: rsvp.id,
        status: rsvp.status,
        ticket,
        guest_count,
        special_requirements: wishes,
    }];
    if guest_count != rsvp.guest_count && state.head().promotes_at(now) {
        facts.extend(after(
            state,
            rsvp,
            Waiting {
                ticket,
                spots,
                lead: slot,
            },
        ));
    }
    Ok(facts)
}

/// A party that has its spots gets more only if they are free and nobody who could use them waits.
fn room_to_grow(state: State<'_>, more: u32) -> Result<(), Rejection> {
    let head = state.head();
    let somebody_waits = state
        .waitlist()
        .first_fitting(Ticket(0), head.settings.capacity)
        .is_some();
    if somebody_waits || more > head.free_spots() {
        Err(Rejection::NoFreeSpots)
    } else {
        Ok(())
    }
}

/// Who is promoted once the party has its new size.
fn after(state: State<'_>, before: &Rsvp, party: Waiting) -> Vec<Fact> {
    let mut line = state.waitlist().clone();
    if before.status == Status::Confirmed {
        let freed = before.spots().saturating_sub(party.spots);
        return if freed > 0 {
            promotions(state, &mut line, terms(state, freed)).collect()
        } else {
            Vec::new()
        };
    }
    if party.ticket == before.ticket {
        line.resize(party.ticket, party.spots);
    } else {
        line.leave(before.ticket);
        line.enter(party);
    }
    promotions(state, &mut line, terms(state, 0))
        .map(|fact| match fact {
            Fact::Promoted {
                rsvp, ticket, past, ..
            } if rsvp == before.id => Fact::Promoted {
                rsvp,
                ticket,
                spots: party.spots,
                past,
            },
            fact => fact,
        })
        .collect()
}
