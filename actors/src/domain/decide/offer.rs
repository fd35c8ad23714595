//! A party answers an offer, or its time is over. Whoever answers does it for the whole party.

use std::collections::HashSet;

use super::{ended, in_time_to_cancel, live, target};
use crate::domain::command::{Request, Target};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::{CancelReason, Rsvp, Status};
use crate::domain::rsvp_table::Slot;
use crate::domain::time::Timestamp;

/// So many offers end with one command. All that were made at once end at once, and the end of very many is not to be
/// written in one piece: the next command ends the next.
const ENDED_AT_ONCE: usize = 1_000;

pub(super) fn accept(
    state: State<'_>,
    request: &Request,
    which: &Target,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (slot, rsvp) = target(state, request, which)?;
    live(rsvp)?;
    // Its end may not have been decided yet.
    if !is_offered(rsvp) || rsvp.offer_expires_at().is_some_and(|end| end <= now) {
        return Err(Rejection::NotOffered);
    }
    let accepted = |slot: Slot| {
        let rsvp = state.row(slot);
        Fact::Accepted {
            rsvp: rsvp.id,
            ticket: rsvp.ticket,
            spots: rsvp.spots(),
        }
    };
    Ok(offered_with(state, slot).map(accepted).collect())
}

pub(super) fn decline(
    state: State<'_>,
    request: &Request,
    which: &Target,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (slot, rsvp) = target(state, request, which)?;
    in_time_to_cancel(state, &request.by, now)?;
    live(rsvp)?;
    if !is_offered(rsvp) {
        return Err(Rejection::NotOffered);
    }
    let declined = |slot| ended(state.row(slot), CancelReason::OfferDeclined);
    Ok(offered_with(state, slot).map(declined).collect())
}

/// Offers end whose time is over: the first of them, and whoever has them together with others.
pub(super) fn expire(state: State<'_>, now: Timestamp) -> Vec<Fact> {
    let mut due = state.due(now);
    if due.len() > ENDED_AT_ONCE {
        let first = &due[..ENDED_AT_ONCE];
        let chosen: HashSet<Slot> = first.iter().flat_map(|slot| offered_with(state, *slot)).collect();
        due.retain(|slot| chosen.contains(slot));
    }
    let expired = |slot| ended(state.row(slot), CancelReason::OfferExpired);
    due.into_iter().map(expired).collect()
}

fn is_offered(rsvp: &Rsvp) -> bool {
    rsvp.status == Status::Offered
}

/// All who share an offer.
fn offered_with(state: State<'_>, slot: Slot) -> impl Iterator<Item = Slot> {
    state
        .party(slot)
        .into_iter()
        .filter(move |slot| is_offered(state.row(*slot)))
}
