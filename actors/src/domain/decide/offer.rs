//! A party answers an offer, or its time is over. Whoever answers does it for the whole party.

use super::{ended, in_time_to_cancel, live, target};
use crate::domain::command::{Request, Target};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::{CancelReason, Rsvp, Status};
use crate::domain::rsvp_table::Slot;
use crate::domain::time::Timestamp;

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

/// Every offer ends whose time is over.
pub(super) fn expire(state: State<'_>, now: Timestamp) -> Vec<Fact> {
    let expired = |slot| ended(state.row(slot), CancelReason::OfferExpired);
    state.due(now).into_iter().map(expired).collect()
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
