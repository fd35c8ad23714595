//! The committed state of one activity: what everybody may read.
//!
//! It changes in one way only: it absorbs a [`Draft`] whose events are durable.

use super::draft::{Changes, Draft};
use super::event::{Answered, Event};
use super::head::Head;
use super::ids::{ActivityId, RsvpId};
use super::keys::KeyTable;
use super::overview::{Counts, Overview};
use super::party;
use super::person::{Person, Principal, Who};
use super::rsvp::{CancelReason, Rsvp, Status};
use super::rsvp_table::{RsvpTable, Slot};
use super::settings::{SharedSettings, Visibility};
use super::time::Timestamp;
use super::waitlist::Waitlist;

/// One activity with all its RSVPs, as committed.
#[derive(Debug)]
pub struct Activity {
    id: ActivityId,
    pub(super) head: Head,
    pub(super) waitlist: Waitlist,
    pub(super) rsvps: RsvpTable,
    pub(super) keys: KeyTable,
}

impl Activity {
    /// A new activity that nobody has reserved yet.
    pub fn new(id: ActivityId, settings: SharedSettings, created_at: Timestamp) -> Self {
        Self::from_parts(
            id,
            Head::new(settings, created_at),
            Waitlist::default(),
            RsvpTable::default(),
            KeyTable::default(),
        )
    }

    pub(super) fn from_parts(
        id: ActivityId,
        head: Head,
        waitlist: Waitlist,
        rsvps: RsvpTable,
        keys: KeyTable,
    ) -> Self {
        Self {
            id,
            head,
            waitlist,
            rsvps,
            keys,
        }
    }

    /// Which activity.
    pub fn id(&self) -> ActivityId {
        self.id
    }

    /// Settings, sums and counters.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The parties that wait. A clone of it is cheap and keeps what it shows.
    pub fn waitlist(&self) -> &Waitlist {
        &self.waitlist
    }

    /// How many idempotency keys are known.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// How many RSVPs there are, cancelled ones included.
    pub fn rsvp_count(&self) -> usize {
        self.rsvps.len()
    }

    /// How full it is.
    pub fn counts(&self) -> Counts {
        counts(&self.head, &self.waitlist)
    }

    /// All that can be told without its RSVPs.
    pub fn overview(&self) -> Overview {
        overview(self.id, &self.head, &self.waitlist)
    }

    /// Whether `by` may act as its host.
    pub fn is_host(&self, by: &Principal) -> bool {
        is_host(&self.head, by)
    }

    /// Whether `by` may see this RSVP: its person, whoever booked it, and the host.
    pub fn shows(&self, rsvp: &Rsvp, by: &Principal) -> bool {
        self.is_host(by) || is_own(rsvp, by) || rsvp.is_booked_by(by)
    }

    /// Whether `by` may see this RSVP because they have booked it for somebody else, and for no other reason: what its
    /// person says of themselves is not for them.
    pub fn shows_as_booker(&self, rsvp: &Rsvp, by: &Principal) -> bool {
        rsvp.is_booked_by(by) && !is_own(rsvp, by) && !self.is_host(by)
    }

    /// Whether `by` may know of it; `None` is somebody without an account.
    pub fn is_visible_to(&self, by: Option<&Principal>) -> bool {
        let is_let_in = |by: &Principal| self.own(by).is_some_and(|slot| lets_in(self.rsvps.row(slot)));
        self.head.settings.visibility != Visibility::Private
            || by.is_some_and(|by| self.is_host(by) || is_let_in(by))
    }

    /// Whether `by` comes with the manage token of an RSVP of which the person has left and come back since.
    pub fn has_outlived(&self, by: &Principal) -> bool {
        match by.who {
            Who::Guest { rsvp, generation } => self
                .rsvps
                .find(rsvp)
                .is_some_and(|slot| self.rsvps.row(slot).generation != generation),
            Who::User(_) | Who::Visitor(_) | Who::System => false,
        }
    }

    /// The RSVP that `by` has proved to be theirs, whatever its status.
    pub fn own_rsvp(&self, by: &Principal) -> Option<Answered> {
        self.own(by).map(|slot| self.answered(slot))
    }

    fn own(&self, by: &Principal) -> Option<Slot> {
        match &by.who {
            Who::User(user) => self.rsvps.find_person(&Person::User(*user)),
            Who::Guest { rsvp, .. } => {
                let slot = self.rsvps.find(*rsvp)?;
                is_own(self.rsvps.row(slot), by).then_some(slot)
            }
            Who::Visitor(_) | Who::System => None,
        }
    }

    /// The RSVP with this identifier.
    pub fn rsvp(&self, id: RsvpId) -> Option<Answered> {
        self.rsvps.find(id).map(|slot| self.answered(slot))
    }

    /// The RSVP of this person, whatever its status.
    pub fn rsvp_of(&self, person: &Person) -> Option<Answered> {
        self.rsvps.find_person(person).map(|slot| self.answered(slot))
    }

    /// Those who are confirmed, the last to have come first: their RSVPs lie in the order of first arrival.
    pub fn confirmed_last_first(&self) -> impl Iterator<Item = &Rsvp> {
        let confirmed = self.rsvps.roll().confirmed();
        confirmed
            .last_first()
            .take(self.confirmed_count())
            .map(|slot| self.rsvps.row(slot))
    }

    /// How many RSVPs are confirmed.
    pub fn confirmed_count(&self) -> usize {
        match self.head.cancelled_at {
            None => self.rsvps.roll().confirmed().len(),
            Some(_) => 0,
        }
    }

    /// When the next offer ends, if there is one.
    pub fn next_offer_end(&self) -> Option<Timestamp> {
        let end = self.rsvps.roll().next_end();
        end.filter(|_| self.head.cancelled_at.is_none())
    }

    /// All RSVPs in order of first arrival.
    pub fn rsvps(&self) -> impl Iterator<Item = Answered> + '_ {
        self.rsvps
            .iter()
            .map(|rsvp| answered(&self.head, &self.waitlist, rsvp.clone()))
    }

    /// The RSVPs that wait, in order: those of up to `parties` parties from the one with `ahead` before it.
    pub fn waiting_from(&self, ahead: u64, parties: usize) -> impl Iterator<Item = Answered> + '_ {
        let listed = |group| self.rsvps.roll().group(group).iter().copied();
        let first = self.waitlist.nth(ahead);
        first
            .into_iter()
            .flat_map(|party| self.waitlist.iter_from(party.ticket))
            .take(parties)
            .flat_map(move |party| party::members(party.lead, |slot| self.rsvps.row(slot), listed))
            .map(|slot| self.answered(slot))
    }

    /// The RSVPs that wait, in order.
    pub fn waiting(&self) -> impl Iterator<Item = Answered> + '_ {
        self.waiting_from(0, usize::MAX)
    }

    /// Takes over the changes of a draft that was made on this very state and is now durable.
    pub fn absorb(&mut self, draft: Draft) {
        let Changes {
            head,
            waitlist,
            fresh,
            changed,
            keyed,
        } = draft.into_changes();
        for (slot, rsvp) in changed {
            self.rsvps.replace(slot, rsvp);
        }
        for rsvp in fresh {
            self.rsvps.push(rsvp);
        }
        for (hash, seq) in keyed {
            self.keys.insert(hash, seq);
        }
        self.head = head;
        self.waitlist = waitlist;
    }

    /// Applies one durable event: how a history is folded into a state.
    pub fn apply(&mut self, event: &Event) {
        let mut draft = Draft::on(self);
        draft.apply(self, event);
        self.absorb(draft);
    }

    fn answered(&self, slot: Slot) -> Answered {
        answered(&self.head, &self.waitlist, self.rsvps.row(slot).clone())
    }
}

pub(super) fn is_host(head: &Head, by: &Principal) -> bool {
    by.elevated || by.who == Who::User(head.settings.host_id)
}

/// Whether `by` has proved that this RSVP is theirs.
pub(super) fn is_own(rsvp: &Rsvp, by: &Principal) -> bool {
    match by.who {
        Who::User(user) => rsvp.person == Person::User(user),
        Who::Guest { rsvp: id, generation } => rsvp.id == id && rsvp.generation == generation,
        Who::Visitor(_) | Who::System => false,
    }
}

/// Whether this RSVP lets its person know of a private activity. One that its person has cancelled still does; one
/// that the host has taken away does not.
pub(super) fn lets_in(rsvp: &Rsvp) -> bool {
    rsvp.status != Status::Cancelled(CancelReason::ByHost)
}

pub(super) fn counts(head: &Head, waitlist: &Waitlist) -> Counts {
    Counts {
        capacity: head.settings.capacity,
        confirmed_spots: head.confirmed_spots,
        offered_spots: head.offered_spots,
        available_spots: head.free_spots(),
        waitlisted_parties: waitlist.parties(),
        waitlisted_spots: waitlist.spots(),
        seq: head.seq,
    }
}

pub(super) fn overview(id: ActivityId, head: &Head, waitlist: &Waitlist) -> Overview {
    Overview {
        id,
        settings: head.settings.clone(),
        counts: counts(head, waitlist),
        checked_in_spots: head.checked_in_spots,
        first_ticket: waitlist.first().map(|party| party.ticket),
        cancelled_at: head.cancelled_at,
        version: head.version,
        created_at: head.created_at,
        updated_at: head.updated_at,
    }
}

/// The RSVP as it reads now. Cancelling an activity ends all its RSVPs by one event, so those that were live
/// then are told as cancelled, whether or not their rows have followed.
pub(super) fn answered(head: &Head, waitlist: &Waitlist, mut rsvp: Rsvp) -> Answered {
    if let Some(cancelled_at) = head.cancelled_at.filter(|_| rsvp.status.is_live()) {
        rsvp.status = Status::Cancelled(CancelReason::ActivityCancelled);
        rsvp.version += 1;
        rsvp.updated_at = cancelled_at;
        if rsvp.offer_expires_at().is_some() {
            rsvp.change_extras(|extras| extras.offer_expires_at = None);
        }
    }
    let ahead = (rsvp.status == Status::Waitlisted).then(|| waitlist.ahead(rsvp.ticket));
    Answered { rsvp, ahead }
}
