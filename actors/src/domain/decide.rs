//! Judging a command: what it leads to by itself, or why it is refused. Changes nothing.
//!
//! The order of judgement is the same for every command and is a promise to clients: forbidden, replay (see
//! [`super::judge`]), activity cancelled, not found, version, time, already reserved or cancelled, party size,
//! status, capacity and waitlist. The promotions that follow are not decided here but found by the scan.

mod cancel;
mod change;
mod check_in;
mod group;
mod offer;
mod permit;
mod reassign;
mod reserve;
mod transfer;
mod update;

use super::activity::{is_host, is_own};
use super::command::{Command, Request, Target};
use super::draft::State;
use super::event::Fact;
use super::person::{Person, Principal, Who};
use super::rejection::{Current, Rejection};
use super::rsvp::{CancelReason, Rsvp};
use super::rsvp_table::Slot;
use super::time::Timestamp;

pub(super) use group::{decide_each, open_for_each};
pub(super) use permit::permit;

/// What the command leads to at time `now`: nothing at all where it changes nothing.
pub(super) fn decide(state: State<'_>, request: &Request, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    still_on(state)?;
    match &request.command {
        Command::Reserve(reserve) => reserve::decide(state, request, reserve, now),
        Command::ReserveGroup(group) => group::decide_all(state, request, group, now),
        Command::Update(update) => update::decide(state, request, update, now),
        Command::Cancel(target) => cancel::decide(state, request, target, now),
        Command::Accept(target) => offer::accept(state, request, target, now),
        Command::Decline(target) => offer::decline(state, request, target, now),
        Command::Transfer(transfer) => transfer::decide(state, request, transfer, now),
        Command::CheckIn(check_in) => check_in::decide(state, request, check_in),
        Command::UndoCheckIn(rsvp) => check_in::undo(state, request, *rsvp),
        Command::Reassign(reassign) => reassign::decide(state, reassign, now),
        Command::Change(change) => change::decide(state, request, change),
        Command::CancelActivity => change::cancel_activity(state, request),
        Command::ExpireOffers => Ok(offer::expire(state, now)),
    }
}

/// A cancelled activity takes no commands.
fn still_on(state: State<'_>) -> Result<(), Rejection> {
    match state.head().cancelled_at {
        None => Ok(()),
        Some(_) => Err(Rejection::ActivityCancelled),
    }
}

/// The RSVP that the principal has proved to be theirs.
fn own(state: State<'_>, by: &Principal) -> Option<Slot> {
    match &by.who {
        Who::User(user) => state.find_person(&Person::User(*user)),
        Who::Guest { rsvp, .. } => state.find(*rsvp).filter(|slot| is_own(state.row(*slot), by)),
        Who::Visitor(_) | Who::System => None,
    }
}

/// The RSVP that a command means, if there is one.
pub(super) fn meant(state: State<'_>, by: &Principal, target: &Target) -> Option<Slot> {
    match target {
        Target::Own => own(state, by),
        Target::Rsvp(id) => state.find(*id),
    }
}

/// The RSVP that a command is about, at the version that the caller expects.
fn target<'a>(state: State<'a>, request: &Request, target: &Target) -> Result<(Slot, &'a Rsvp), Rejection> {
    let slot = meant(state, &request.by, target).ok_or(Rejection::NotFound)?;
    let rsvp = state.row(slot);
    match request.if_version {
        Some(expected) if expected != rsvp.version => Err(Rejection::VersionConflict(Box::new(
            Current::Rsvp(state.answered(slot)),
        ))),
        _ => Ok((slot, rsvp)),
    }
}

/// Entering and growing are allowed between opening and closing.
fn within_doors(state: State<'_>, by: &Principal, now: Timestamp) -> Result<(), Rejection> {
    let settings = &state.head().settings;
    if is_host(state.head(), by) {
        return Ok(());
    }
    match settings.opens_at {
        Some(opens_at) if now < opens_at => Err(Rejection::NotOpenYet {
            opens_in_ms: opens_at.millis_after(now),
        }),
        _ if now >= settings.closes_at() => Err(Rejection::Closed),
        _ => Ok(()),
    }
}

/// Giving spots back is allowed until the activity's own limit.
fn in_time_to_cancel(state: State<'_>, by: &Principal, now: Timestamp) -> Result<(), Rejection> {
    if now < state.head().settings.cancel_until() || is_host(state.head(), by) {
        Ok(())
    } else {
        Err(Rejection::TooLate)
    }
}

/// Only what still stands can be changed.
fn live(rsvp: &Rsvp) -> Result<(), Rejection> {
    if rsvp.status.is_live() {
        Ok(())
    } else {
        Err(Rejection::AlreadyCancelled)
    }
}

/// The end of an RSVP as it stands.
fn ended(rsvp: &Rsvp, reason: CancelReason) -> Fact {
    Fact::Cancelled {
        rsvp: rsvp.id,
        previous: rsvp.status,
        reason,
        ticket: rsvp.ticket,
        spots: rsvp.spots(),
    }
}
