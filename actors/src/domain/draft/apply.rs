//! What each event does to the state. Decides nothing.

use super::{Draft, State};
use crate::domain::activity::Activity;
use crate::domain::event::{Entered, Event, Fact, PlaceOf, Promoted, Updated, Why};
use crate::domain::ids::{RsvpId, Ticket};
use crate::domain::rsvp::{CancelReason, Extras, Rsvp, Status};
use crate::domain::rsvp_table::Slot;
use crate::domain::time::Timestamp;
use crate::domain::waitlist::{Waiting, Waitlist};

impl Draft {
    /// Applies one event on top of the changes so far, and keeps it.
    pub fn apply(&mut self, base: &Activity, event: &Event) {
        self.enact(base, event);
        self.record(event.clone());
    }

    /// Applies one event without keeping it: whoever calls this records it once its answer is known.
    pub(in crate::domain) fn enact(&mut self, base: &Activity, event: &Event) {
        self.head.number(event);
        match &event.fact {
            Fact::Entered(entered) => match entered.place_of {
                None => self.enter(base, event, entered),
                Some(place) => self.take_over(base, event, entered, place),
            },
            Fact::Promoted(promoted) => self.promote(base, event, promoted),
            Fact::Accepted { rsvp, spots, .. } => {
                let row = self.touch(base, *rsvp, event.at);
                row.status = Status::Confirmed;
                row.change_extras(|extras| extras.offer_expires_at = None);
                self.head.confirm(*spots);
            }
            Fact::Updated(updated) => self.update(base, event, updated),
            Fact::Cancelled { rsvp, reason, .. } => self.cancel(base, event, *rsvp, *reason),
            Fact::CheckedIn { rsvp, spots, .. } => {
                let row = self.touch(base, *rsvp, event.at);
                row.change_extras(|extras| extras.checked_in_at = Some(event.at));
                self.head.checked_in_spots += spots;
            }
            Fact::CheckInUndone { rsvp, spots, .. } => {
                let row = self.touch(base, *rsvp, event.at);
                row.change_extras(|extras| extras.checked_in_at = None);
                self.head.checked_in_spots -= spots;
            }
            whole => {
                self.head.change(event.at, whole);
                if matches!(whole, Fact::ActivityCancelled) {
                    self.waitlist = Waitlist::default();
                }
            }
        }
    }

    /// The person's RSVP as they come in: a new one, or the earlier one, which then has nothing of its earlier life.
    fn arrive(&mut self, base: &Activity, event: &Event, entered: &Entered) -> Slot {
        let slot = match (State { base, draft: self }).find_person(&entered.person) {
            Some(slot) => {
                let row = self.row_mut(base, slot);
                row.version += 1;
                row.generation += 1;
                row.updated_at = event.at;
                row.name = entered.name.clone();
                row.guest_count = entered.guest_count;
                row.status = entered.status;
                row.ticket = entered.ticket;
                slot
            }
            None => self.insert(Rsvp {
                id: entered.rsvp,
                person: entered.person.clone(),
                name: entered.name.clone(),
                extras: None,
                ticket: entered.ticket,
                created_at: event.at,
                updated_at: event.at,
                version: 1,
                generation: 1,
                guest_count: entered.guest_count,
                status: entered.status,
            }),
        };
        if let Some(group) = entered.group {
            self.grouped.entry(group).or_default().push(slot);
        }
        self.row_mut(base, slot).set_extras(Extras {
            special_requirements: entered.special_requirements.clone(),
            group: entered.group,
            booked_by: entered.booked_by,
            checked_in_at: None,
            offer_expires_at: entered.place_of.and_then(|place| place.offer_expires_at),
        });
        slot
    }

    fn enter(&mut self, base: &Activity, event: &Event, entered: &Entered) {
        let lead = self.arrive(base, event, entered);
        let (ticket, spots) = (entered.ticket, 1 + u32::from(entered.guest_count));
        self.head.last_ticket = ticket;
        if entered.status == Status::Confirmed {
            self.head.take(Status::Confirmed, spots);
            self.waitlist.pass(ticket);
            return;
        }
        match self.waitlist.party(ticket) {
            None => self.join(event, Waiting { ticket, spots, lead }),
            // Another member of the same party.
            Some(party) => self.resize_party(event, ticket, party.spots + spots),
        }
    }

    /// Somebody else stands where the RSVP of the event before stood: the line and the sums stay as they are.
    fn take_over(&mut self, base: &Activity, event: &Event, entered: &Entered, place: PlaceOf) {
        let lead = self.arrive(base, event, entered);
        let giver = self.slot(base, place.rsvp);
        if self
            .waitlist
            .party(entered.ticket)
            .is_some_and(|party| party.lead == giver)
        {
            self.waitlist.hand_over(entered.ticket, lead);
        }
    }

    fn promote(&mut self, base: &Activity, event: &Event, promoted: &Promoted) {
        let (ticket, offer_expires_at) = (promoted.ticket, promoted.offer_expires_at);
        let row = self.touch(base, promoted.rsvp, event.at);
        row.status = promoted.status();
        if offer_expires_at.is_some() {
            row.change_extras(|extras| extras.offer_expires_at = offer_expires_at);
        }
        self.head.take(promoted.status(), promoted.spots);
        self.next_offer_end = self.next_offer_end.into_iter().chain(offer_expires_at).min();
        // The first member who is told takes the whole party out of the line.
        if let Some(party) = self.waitlist.party(ticket) {
            match promoted.why {
                Why::Turn | Why::Past(_) => self.waitlist.promote(ticket),
                Why::Host => self.waitlist.leave(ticket),
            };
            self.moves.left.push((ticket, party.spots, event.seq));
        }
    }

    fn update(&mut self, base: &Activity, event: &Event, updated: &Updated) {
        let slot = self.slot(base, updated.rsvp);
        let before = State { base, draft: self }.row(slot).clone();
        let row = self.touch(base, updated.rsvp, event.at);
        row.guest_count = updated.guest_count;
        row.ticket = updated.ticket;
        row.name = updated.name.clone();
        if row.special_requirements() != updated.special_requirements.as_ref() {
            let wishes = updated.special_requirements.clone();
            row.change_extras(|extras| extras.special_requirements = wishes);
        }
        let (spots, checked_in) = (row.spots(), row.checked_in_spots());
        self.head.checked_in_spots = self.head.checked_in_spots - before.checked_in_spots() + checked_in;
        self.resize(event, slot, &before, updated.ticket, spots);
    }

    /// Takes over the changed size of an RSVP, which for a waiting one may mean a new ticket of its whole party.
    fn resize(&mut self, event: &Event, slot: Slot, before: &Rsvp, ticket: Ticket, spots: u32) {
        match before.status {
            Status::Confirmed | Status::Offered if spots > before.spots() => {
                self.head.take(before.status, spots - before.spots());
            }
            Status::Confirmed | Status::Offered => {
                self.head.give_back(before.status, before.spots() - spots);
            }
            Status::Waitlisted if ticket != before.ticket => {
                // The first member who is told takes the whole party along.
                let Some(party) = self.waitlist.party(before.ticket) else {
                    return;
                };
                self.waitlist.leave(before.ticket);
                self.moves.left.push((before.ticket, party.spots, event.seq));
                self.head.last_ticket = ticket;
                let party = Waiting {
                    ticket,
                    spots: party.spots - before.spots() + spots,
                    lead: slot,
                };
                self.join(event, party);
            }
            Status::Waitlisted if spots != before.spots() => {
                let party = self.waitlist.party(ticket).expect("whoever waits is in the line");
                self.resize_party(event, ticket, party.spots - before.spots() + spots);
            }
            Status::Waitlisted => {}
            Status::Cancelled(_) => unreachable!("only a live RSVP is updated"),
        }
    }

    fn cancel(&mut self, base: &Activity, event: &Event, rsvp: RsvpId, reason: CancelReason) {
        let row = self.touch(base, rsvp, event.at);
        let (previous, ticket, spots) = (row.status, row.ticket, row.spots());
        let checked_in = row.checked_in_spots();
        row.status = Status::Cancelled(reason);
        if previous == Status::Offered {
            row.change_extras(|extras| extras.offer_expires_at = None);
        }
        self.head.checked_in_spots -= checked_in;
        match previous {
            // Whoever takes its place is told next.
            _ if reason == CancelReason::Transferred => {}
            Status::Confirmed | Status::Offered => self.head.give_back(previous, spots),
            Status::Waitlisted => self.leave_line(base, event, rsvp, ticket, spots),
            Status::Cancelled(_) => unreachable!("only a live RSVP is cancelled"),
        }
    }

    /// A member leaves its waiting party, which goes on without it, or leaves the line if it was the last.
    fn leave_line(&mut self, base: &Activity, event: &Event, rsvp: RsvpId, ticket: Ticket, spots: u32) {
        let slot = self.slot(base, rsvp);
        let party = self.waitlist.party(ticket).expect("whoever waits is in the line");
        if party.spots == spots {
            self.waitlist.leave(ticket);
            self.moves.left.push((ticket, spots, event.seq));
            return;
        }
        if party.lead == slot {
            let others = State { base, draft: self }.party(slot);
            let lead = *others.first().expect("a party of more spots has more members");
            self.waitlist.hand_over(ticket, lead);
        }
        self.resize_party(event, ticket, party.spots - spots);
    }

    fn join(&mut self, event: &Event, party: Waiting) {
        self.waitlist.enter(party);
        self.moves.joined.push((party.ticket, party.spots, event.seq));
    }

    fn resize_party(&mut self, event: &Event, ticket: Ticket, spots: u32) {
        let before = self.waitlist.resize(ticket, spots);
        let change = i64::from(spots) - i64::from(before);
        self.moves.resized.push((ticket, change, event.seq));
    }

    fn slot(&self, base: &Activity, rsvp: RsvpId) -> Slot {
        State { base, draft: self }
            .find(rsvp)
            .expect("an event names an RSVP that exists")
    }

    fn touch(&mut self, base: &Activity, rsvp: RsvpId, at: Timestamp) -> &mut Rsvp {
        let slot = self.slot(base, rsvp);
        let row = self.row_mut(base, slot);
        row.version += 1;
        row.updated_at = at;
        row
    }
}
