//! What each event does to the state. Decides nothing.

use super::{Draft, State};
use crate::domain::activity::Activity;
use crate::domain::event::{Entered, Event, Fact};
use crate::domain::ids::{RsvpId, Ticket};
use crate::domain::rsvp::{Rsvp, Status};
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
            Fact::Entered(entered) => self.enter(base, event, entered),
            Fact::Promoted { rsvp, ticket, .. } => self.promote(base, event, *rsvp, *ticket),
            Fact::Updated {
                rsvp,
                ticket,
                guest_count,
                special_requirements,
                ..
            } => {
                let slot = self.slot(base, *rsvp);
                let before = State { base, draft: self }.row(slot).clone();
                let row = self.touch(base, slot, event.at);
                row.guest_count = *guest_count;
                row.ticket = *ticket;
                row.set_special_requirements(special_requirements.clone());
                let after = row.spots();
                self.resize(event, slot, &before, *ticket, after);
            }
            Fact::Cancelled { rsvp, reason, .. } => {
                let slot = self.slot(base, *rsvp);
                let row = self.touch(base, slot, event.at);
                let (previous, ticket, spots) = (row.status, row.ticket, row.spots());
                row.status = Status::Cancelled(*reason);
                match previous {
                    Status::Confirmed => self.head.free(spots),
                    Status::Waitlisted => {
                        self.waitlist.leave(ticket);
                        self.moves.left.push((ticket, spots, event.seq));
                    }
                    Status::Cancelled(_) => unreachable!("only a live RSVP is cancelled"),
                }
            }
            whole => {
                self.head.change(event.at, whole);
                if matches!(whole, Fact::ActivityCancelled) {
                    self.waitlist = Waitlist::default();
                }
            }
        }
    }

    fn enter(&mut self, base: &Activity, event: &Event, entered: &Entered) {
        let known = State { base, draft: self }.find_person(&entered.person);
        let slot = match known {
            Some(slot) => {
                let row = self.touch(base, slot, event.at);
                row.generation += 1;
                row.extras = None;
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
        let row = self.row_mut(base, slot);
        row.set_special_requirements(entered.special_requirements.clone());
        let spots = row.spots();
        self.head.last_ticket = entered.ticket;
        if entered.status == Status::Confirmed {
            self.head.take_spots(spots);
            self.waitlist.pass(entered.ticket);
        } else {
            self.join(
                event,
                Waiting {
                    ticket: entered.ticket,
                    spots,
                    lead: slot,
                },
            );
        }
    }

    fn promote(&mut self, base: &Activity, event: &Event, rsvp: RsvpId, ticket: Ticket) {
        let slot = self.slot(base, rsvp);
        let row = self.touch(base, slot, event.at);
        row.status = Status::Confirmed;
        let spots = row.spots();
        self.head.take_spots(spots);
        self.waitlist.promote(ticket);
        self.moves.left.push((ticket, spots, event.seq));
    }

    /// Takes over the changed size of an RSVP, which for a waiting one may mean a new ticket.
    fn resize(&mut self, event: &Event, slot: Slot, before: &Rsvp, ticket: Ticket, spots: u32) {
        match before.status {
            Status::Confirmed if spots > before.spots() => self.head.take_spots(spots - before.spots()),
            Status::Confirmed => self.head.free(before.spots() - spots),
            Status::Waitlisted if ticket != before.ticket => {
                self.waitlist.leave(before.ticket);
                self.moves.left.push((before.ticket, before.spots(), event.seq));
                self.head.last_ticket = ticket;
                self.join(
                    event,
                    Waiting {
                        ticket,
                        spots,
                        lead: slot,
                    },
                );
            }
            Status::Waitlisted if spots != before.spots() => {
                self.waitlist.resize(ticket, spots);
                self.moves
                    .resized
                    .push((ticket, i64::from(spots) - i64::from(before.spots()), event.seq));
            }
            Status::Waitlisted => {}
            Status::Cancelled(_) => unreachable!("only a live RSVP is updated"),
        }
    }

    fn join(&mut self, event: &Event, party: Waiting) {
        self.waitlist.enter(party);
        self.moves.joined.push((party.ticket, party.spots, event.seq));
    }

    fn slot(&self, base: &Activity, rsvp: RsvpId) -> Slot {
        State { base, draft: self }
            .find(rsvp)
            .expect("an event names an RSVP that exists")
    }

    fn touch(&mut self, base: &Activity, slot: Slot, at: Timestamp) -> &mut Rsvp {
        let row = self.row_mut(base, slot);
        row.version += 1;
        row.updated_at = at;
        row
    }
}
