//! An activity put together again from what a journal kept.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::activity::Activity;
use super::head::Head;
use super::ids::{ActivityId, GroupId, Seq, Ticket};
use super::keys::{KeyHash, KeyTable};
use super::rsvp::{Rsvp, Status};
use super::rsvp_table::RsvpTable;
use super::waitlist::{Waiting, Waitlist};

/// What a journal kept does not add up to an activity.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Corrupt {
    /// The spots of the confirmed rows are not those of the activity's row.
    #[error("{rows} confirmed spots in the rows, {head} in the activity")]
    ConfirmedSpots {
        /// The sum over the rows.
        rows: u64,
        /// What the activity's row says.
        head: u32,
    },
    /// The spots of the offered rows are not those of the activity's row.
    #[error("{rows} offered spots in the rows, {head} in the activity")]
    OfferedSpots {
        /// The sum over the rows.
        rows: u64,
        /// What the activity's row says.
        head: u32,
    },
    /// The spots of the rows that are checked in are not those of the activity's row.
    #[error("{rows} checked-in spots in the rows, {head} in the activity")]
    CheckedInSpots {
        /// The sum over the rows.
        rows: u64,
        /// What the activity's row says.
        head: u32,
    },
    /// Two rows wait with one ticket that did not come together.
    #[error("ticket {0} waits twice")]
    TicketTwice(Ticket),
    /// One person has two rows.
    #[error("two rows for the person of RSVP {0}")]
    PersonTwice(super::ids::RsvpId),
}

/// An activity in the making: rows in any order that has first arrivals first, then promoted tickets and keys.
#[derive(Debug)]
pub struct Rebuild {
    id: ActivityId,
    head: Head,
    rsvps: RsvpTable,
    waiting: BTreeMap<Ticket, (Waiting, Option<GroupId>)>,
    promoted: Vec<Ticket>,
    keys: KeyTable,
    confirmed_spots: u64,
    offered_spots: u64,
    checked_in_spots: u64,
}

impl Rebuild {
    /// Begins with the activity's own row.
    pub fn new(id: ActivityId, head: Head) -> Self {
        Self {
            id,
            head,
            rsvps: RsvpTable::default(),
            waiting: BTreeMap::new(),
            promoted: Vec::new(),
            keys: KeyTable::default(),
            confirmed_spots: 0,
            offered_spots: 0,
            checked_in_spots: 0,
        }
    }

    /// Adds an RSVP.
    pub fn rsvp(&mut self, rsvp: Rsvp) -> Result<(), Corrupt> {
        if self.rsvps.find_person(&rsvp.person).is_some() {
            return Err(Corrupt::PersonTwice(rsvp.id));
        }
        let (status, ticket, spots, group) = (rsvp.status, rsvp.ticket, rsvp.spots(), rsvp.group());
        // The activity's row may be older than its memory of tickets. Then nothing was transferred yet, and the
        // RSVPs have them all.
        self.head.last_ticket = self.head.last_ticket.max(ticket);
        self.checked_in_spots += u64::from(rsvp.checked_in_spots());
        let lead = self.rsvps.push(rsvp);
        match status {
            Status::Confirmed => self.confirmed_spots += u64::from(spots),
            Status::Offered => self.offered_spots += u64::from(spots),
            Status::Waitlisted => match self.waiting.entry(ticket) {
                Entry::Vacant(place) => {
                    place.insert((Waiting { ticket, spots, lead }, group));
                }
                Entry::Occupied(mut place) if group.is_some() && place.get().1 == group => {
                    place.get_mut().0.spots += spots;
                }
                Entry::Occupied(_) => return Err(Corrupt::TicketTwice(ticket)),
            },
            Status::Cancelled(_) => {}
        }
        Ok(())
    }

    /// The earliest ticket that waits. Only tickets promoted by the scan that are later can matter.
    pub fn first_waiting(&self) -> Option<Ticket> {
        self.waiting.keys().next().copied()
    }

    /// Adds a ticket that the scan promoted.
    pub fn promoted(&mut self, ticket: Ticket) {
        self.promoted.push(ticket);
    }

    /// Adds a key by its hash and the event that recorded it.
    pub fn key(&mut self, hash: KeyHash, seq: Seq) {
        self.keys.insert(hash, seq);
    }

    /// The activity, if everything adds up.
    pub fn finish(self) -> Result<Activity, Corrupt> {
        let mut waitlist = Waitlist::default();
        // Rows of a cancelled activity may still be on their way to being cancelled; nothing waits there.
        if self.head.cancelled_at.is_none() {
            if self.confirmed_spots != u64::from(self.head.confirmed_spots) {
                return Err(Corrupt::ConfirmedSpots {
                    rows: self.confirmed_spots,
                    head: self.head.confirmed_spots,
                });
            }
            if self.offered_spots != u64::from(self.head.offered_spots) {
                return Err(Corrupt::OfferedSpots {
                    rows: self.offered_spots,
                    head: self.head.offered_spots,
                });
            }
            if self.checked_in_spots != u64::from(self.head.checked_in_spots) {
                return Err(Corrupt::CheckedInSpots {
                    rows: self.checked_in_spots,
                    head: self.head.checked_in_spots,
                });
            }
            self.waiting
                .into_values()
                .for_each(|(party, _)| waitlist.enter(party));
            self.promoted.into_iter().for_each(|ticket| waitlist.pass(ticket));
        }
        Ok(Activity::from_parts(
            self.id, self.head, waitlist, self.rsvps, self.keys,
        ))
    }
}
