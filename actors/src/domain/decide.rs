//! Judging a command: what it leads to, or why it is refused. Changes nothing.
//!
//! The order of judgement is the same for every command and is a promise to clients: forbidden, replay (see
//! [`super::judge`]), activity cancelled, not found, version, time, already reserved or cancelled, party size,
//! capacity and waitlist.

mod cancel;
mod change;
mod reserve;
mod update;

use super::activity::{is_host, lets_in};
use super::command::{Command, Request, Target};
use super::draft::State;
use super::event::Fact;
use super::person::{Person, Principal};
use super::rejection::{Current, Rejection};
use super::rsvp::Rsvp;
use super::rsvp_table::Slot;
use super::scan::{self, Terms};
use super::settings::Visibility;
use super::time::Timestamp;
use super::waitlist::Waitlist;

/// Whether the principal may give this command at all.
pub(super) fn permit(state: State<'_>, request: &Request) -> Result<(), Rejection> {
    let by = &request.by;
    if is_host(state.head(), by) {
        return Ok(());
    }
    let own = Person::User(by.user);
    if state.head().settings.visibility == Visibility::Private {
        let known = state
            .find_person(&own)
            .is_some_and(|slot| lets_in(state.row(slot)));
        if !known {
            return Err(Rejection::NotFound);
        }
    }
    let allowed = match &request.command {
        Command::Reserve(reserve) => reserve.person == own,
        Command::Update(update) => may_touch(state, by, &update.target),
        Command::Cancel(target) => may_touch(state, by, target),
        Command::Change(_) | Command::CancelActivity => false,
    };
    if allowed {
        Ok(())
    } else {
        Err(Rejection::Forbidden)
    }
}

/// What the command leads to at time `now`: nothing at all where it changes nothing.
pub(super) fn decide(state: State<'_>, request: &Request, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    if state.head().cancelled_at.is_some() {
        return Err(Rejection::ActivityCancelled);
    }
    match &request.command {
        Command::Reserve(reserve) => reserve::decide(state, request, reserve, now),
        Command::Update(update) => update::decide(state, request, update, now),
        Command::Cancel(target) => cancel::decide(state, request, target, now),
        Command::Change(change) => change::decide(state, request, change, now),
        Command::CancelActivity => change::cancel_activity(state, request),
    }
}

/// An RSVP may be touched by its person and by whoever booked it; whether it exists is judged later.
fn may_touch(state: State<'_>, by: &Principal, target: &Target) -> bool {
    match target {
        Target::Own => true,
        Target::Rsvp(id) => state.find(*id).is_none_or(|slot| {
            let rsvp = state.row(slot);
            rsvp.person == Person::User(by.user) || rsvp.booked_by() == Some(by.user)
        }),
    }
}

/// The RSVP that a command is about, at the version that the caller expects.
fn target<'a>(state: State<'a>, request: &Request, target: &Target) -> Result<(Slot, &'a Rsvp), Rejection> {
    let slot = match target {
        Target::Own => state.find_person(&Person::User(request.by.user)),
        Target::Rsvp(id) => state.find(*id),
    }
    .ok_or(Rejection::NotFound)?;
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

/// The facts that the scan adds at the end of a command which leaves `free` spots and this waitlist.
fn promotions(state: State<'_>, line: &mut Waitlist, terms: Terms) -> impl Iterator<Item = Fact> {
    scan::scan(line, terms).into_iter().map(move |promotion| {
        let rsvp = state.row(promotion.party.lead);
        Fact::Promoted {
            rsvp: rsvp.id,
            ticket: promotion.party.ticket,
            spots: rsvp.spots(),
            past: promotion.past,
        }
    })
}

/// What the scan goes by after a command that frees `freed` spots and changes no setting.
fn terms(state: State<'_>, freed: u32) -> Terms {
    let head = state.head();
    let held = head.held_spots() - freed;
    Terms {
        free: head.settings.capacity.saturating_sub(held),
        capacity: head.settings.capacity,
        patience: head.settings.patience,
    }
}
