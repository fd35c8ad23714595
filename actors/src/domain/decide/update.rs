//! An RSVP changes its guests, its person's wishes, or the name of somebody without an account.

use super::{in_time_to_cancel, live, reserve, target, within_doors};
use crate::domain::command::{Request, Update};
use crate::domain::draft::State;
use crate::domain::event::{Fact, Updated};
use crate::domain::ids::Ticket;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::{Rsvp, Status};
use crate::domain::rsvp_table::Slot;
use crate::domain::settings::FieldError;
use crate::domain::time::Timestamp;

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
    live(rsvp)?;
    if update.name.is_some() && !rsvp.person.is_guest() {
        return Err(Rejection::Invalid(vec![FieldError {
            field: "name",
            message: "must not be given: it is that of the account".into(),
        }]));
    }
    let updated = Updated {
        rsvp: rsvp.id,
        status: rsvp.status,
        ticket: rsvp.ticket,
        guest_count,
        special_requirements: update
            .special_requirements
            .clone()
            .unwrap_or_else(|| rsvp.special_requirements().cloned()),
        name: update.name.clone().unwrap_or_else(|| rsvp.name.clone()),
    };
    if grows {
        grow(state, slot, updated)
    } else if changes(rsvp, &updated) {
        Ok(vec![Fact::Updated(Box::new(updated))])
    } else {
        Ok(Vec::new())
    }
}

fn changes(rsvp: &Rsvp, updated: &Updated) -> bool {
    updated.guest_count != rsvp.guest_count
        || updated.special_requirements.as_ref() != rsvp.special_requirements()
        || updated.name != rsvp.name
}

/// More people come along: into free spots, or with the whole party to the end of the line.
fn grow(state: State<'_>, slot: Slot, updated: Updated) -> Result<Vec<Fact>, Rejection> {
    let rsvp = state.row(slot);
    let more = u32::from(updated.guest_count - rsvp.guest_count);
    if rsvp.status != Status::Waitlisted {
        reserve::party_size(state, updated.guest_count, rsvp.spots() + more)?;
        room_to_grow(state, more)?;
        return Ok(vec![Fact::Updated(Box::new(updated))]);
    }
    let party = state.party(slot);
    let party_spots: u32 = party.iter().map(|member| state.row(*member).spots()).sum();
    reserve::party_size(state, updated.guest_count, party_spots + more)?;
    let ticket = state.head().last_ticket.next();
    let others = party.into_iter().filter(|member| *member != slot);
    let grown = Updated { ticket, ..updated };
    let moved = others.map(|member| {
        let rsvp = state.row(member);
        Updated {
            rsvp: rsvp.id,
            status: rsvp.status,
            ticket,
            guest_count: rsvp.guest_count,
            special_requirements: rsvp.special_requirements().cloned(),
            name: rsvp.name.clone(),
        }
    });
    Ok(std::iter::once(grown)
        .chain(moved)
        .map(|updated| Fact::Updated(Box::new(updated)))
        .collect())
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
