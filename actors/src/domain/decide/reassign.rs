//! The host takes RSVPs away and promotes others by hand, all of it or nothing. Passes whom it likes.

use std::collections::{BTreeMap, HashSet};

use super::{ended, live};
use crate::domain::command::{Promote, Reassign};
use crate::domain::draft::State;
use crate::domain::event::{Fact, Promoted, Why};
use crate::domain::ids::{RsvpId, Ticket};
use crate::domain::rejection::{Rejection, Which};
use crate::domain::rsvp::{CancelReason, Status};
use crate::domain::rsvp_table::Slot;
use crate::domain::settings::FieldError;
use crate::domain::time::Timestamp;

/// The most RSVPs that one command promotes: all of them are told.
const PROMOTED_MAX: usize = 1_000;

pub(super) fn decide(state: State<'_>, reassign: &Reassign, now: Timestamp) -> Result<Vec<Fact>, Rejection> {
    let mut removed = HashSet::new();
    let mut freed = 0;
    let mut facts = Vec::new();
    for id in &reassign.remove {
        let slot = still_there(state, &removed, *id)?;
        let rsvp = state.row(slot);
        if rsvp.status.holds_spots() {
            freed += rsvp.spots();
        }
        facts.push(ended(rsvp, CancelReason::ByHost));
        removed.insert(slot);
    }
    let parties = match &reassign.promote {
        Promote::These(ids) => named(state, &removed, ids)?,
        Promote::Next(parties) => next(state, &removed, *parties),
    };
    if parties.values().map(Vec::len).sum::<usize>() > PROMOTED_MAX {
        return Err(too_many(&reassign.promote));
    }
    let needs: u64 = parties
        .values()
        .flatten()
        .map(|slot| u64::from(state.row(*slot).spots()))
        .sum();
    let head = state.head();
    let free = head.settings.capacity.saturating_sub(head.held_spots() - freed);
    if needs > u64::from(free) {
        return Err(Rejection::NoFreeSpots);
    }
    let offer_expires_at = head.settings.offer_made_at(now);
    facts.extend(parties.values().flatten().map(|slot| {
        let rsvp = state.row(*slot);
        Fact::Promoted(Promoted {
            rsvp: rsvp.id,
            ticket: rsvp.ticket,
            spots: rsvp.spots(),
            offer_expires_at,
            why: Why::Host,
        })
    }));
    Ok(facts)
}

/// Parties to be promoted, by ticket, without those of their members who are removed.
type Parties = BTreeMap<Ticket, Vec<Slot>>;

fn named(state: State<'_>, removed: &HashSet<Slot>, ids: &[RsvpId]) -> Result<Parties, Rejection> {
    let mut parties = Parties::new();
    for id in ids {
        let slot = still_there(state, removed, *id)?;
        let rsvp = state.row(slot);
        if rsvp.status != Status::Waitlisted {
            return Err(Rejection::NotWaitlisted.about(Which::Rsvp(*id)));
        }
        parties
            .entry(rsvp.ticket)
            .or_insert_with(|| staying(state, removed, slot));
    }
    Ok(parties)
}

fn next(state: State<'_>, removed: &HashSet<Slot>, parties: u32) -> Parties {
    state
        .waitlist()
        .iter_from(Ticket(0))
        .map(|party| (party.ticket, staying(state, removed, party.lead)))
        .filter(|(_, members)| !members.is_empty())
        .take(parties as usize)
        .collect()
}

fn too_many(promote: &Promote) -> Rejection {
    let field = match promote {
        Promote::These(_) => "promote",
        Promote::Next(_) => "count",
    };
    Rejection::Invalid(vec![FieldError {
        field,
        message: format!("the parties have more than {PROMOTED_MAX} RSVPs in all; promote fewer at once"),
    }])
}

/// An RSVP that stands and is not about to be removed.
fn still_there(state: State<'_>, removed: &HashSet<Slot>, id: RsvpId) -> Result<Slot, Rejection> {
    let about = |why: Rejection| why.about(Which::Rsvp(id));
    let slot = state.find(id).ok_or_else(|| about(Rejection::NotFound))?;
    live(state.row(slot)).map_err(about)?;
    if removed.contains(&slot) {
        return Err(about(Rejection::AlreadyCancelled));
    }
    Ok(slot)
}

fn staying(state: State<'_>, removed: &HashSet<Slot>, slot: Slot) -> Vec<Slot> {
    let mut members = state.party(slot);
    members.retain(|member| !removed.contains(member));
    members
}
