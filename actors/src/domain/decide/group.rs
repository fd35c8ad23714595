//! Several people want in: as one party, which is never split, or each for themselves.

use std::collections::HashSet;

use super::reserve::{Together, alone, enters, newcomer, not_here_yet, party_size, spots};
use super::{still_on, within_doors};
use crate::domain::command::{Request, Reserve, ReserveGroup};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::rejection::{Rejection, Which};
use crate::domain::time::Timestamp;

/// All of them with one ticket, or none.
pub(super) fn decide_all(
    state: State<'_>,
    request: &Request,
    group: &ReserveGroup,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    within_doors(state, &request.by, now)?;
    let members = || (0..).map(Which::Member).zip(&group.members);
    let mut persons = HashSet::new();
    for (which, member) in members() {
        if !persons.insert(&member.person) {
            return Err(Rejection::AlreadyReserved.about(which));
        }
        not_here_yet(state, &member.person).map_err(|why| why.about(which))?;
    }
    let mut party_spots = 0;
    for (which, member) in members() {
        party_spots += spots(member);
        party_size(state, member.guest_count, party_spots).map_err(|why| why.about(which))?;
    }
    let together = Together {
        ticket: state.head().last_ticket.next(),
        status: newcomer(state, party_spots, now)?,
        group: Some(group.group),
        booked_by: request.by.account(),
    };
    let members = group.members.iter();
    Ok(members.map(|member| enters(state, member, together)).collect())
}

/// One of those who come in each for themselves.
pub(in crate::domain) fn decide_each(
    state: State<'_>,
    request: &Request,
    member: &Reserve,
    now: Timestamp,
) -> Result<Fact, Rejection> {
    alone(state, member, request.by.account(), now)
}

/// What concerns all of those who come in each for themselves.
pub(in crate::domain) fn open_for_each(
    state: State<'_>,
    request: &Request,
    now: Timestamp,
) -> Result<(), Rejection> {
    still_on(state)?;
    within_doors(state, &request.by, now)
}
