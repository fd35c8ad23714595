//! What must hold after every command, checked from the rows up.

use std::collections::BTreeMap;

use super::{Model, Rsvp, Status};

impl Model {
    /// Every rule about the state that does not hold, in words; none when all is well.
    pub fn invariants(&self) -> Vec<String> {
        let mut broken = self.breaches.clone();
        self.check_spots(&mut broken);
        self.check_tickets(&mut broken);
        self.check_line(&mut broken);
        self.check_positions(&mut broken);
        self.check_groups(&mut broken);
        self.check_offers(&mut broken);
        self.check_promotion(&mut broken);
        self.check_cancelled(&mut broken);
        self.check_events(&mut broken);
        broken
    }

    fn rows_that_are(&self, status: Status) -> impl Iterator<Item = (&String, &Rsvp)> {
        self.rsvps.iter().filter(move |(_, row)| row.status == status)
    }

    fn live_rows(&self) -> impl Iterator<Item = (&String, &Rsvp)> {
        self.rsvps.iter().filter(|(_, row)| row.status.is_live())
    }

    /// The counts equal the sums of the rows, and nothing was added above the capacity.
    fn check_spots(&self, broken: &mut Vec<String>) {
        let mut held = 0;
        for (status, counted) in [
            (Status::Confirmed, self.confirmed_spots),
            (Status::Offered, self.offered_spots),
        ] {
            let sum: u64 = self.rows_that_are(status).map(|(_, row)| row.spots()).sum();
            if sum != counted {
                broken.push(format!(
                    "{counted} spots are counted as {}, the rows hold {sum}",
                    status.as_str()
                ));
            }
            held += sum;
        }
        if held > self.spots_limit {
            broken.push(format!(
                "overbooked: {held} spots are held where {} may be",
                self.spots_limit
            ));
        }
        let at_the_door = self.checked_in_spots();
        if at_the_door > self.confirmed_spots {
            broken.push(format!(
                "{at_the_door} spots are at the door, {} are confirmed",
                self.confirmed_spots
            ));
        }
    }

    /// Tickets of people who live are unique but within groups, were issued, and rise along the line.
    fn check_tickets(&self, broken: &mut Vec<String>) {
        let mut holders: BTreeMap<u64, &Rsvp> = BTreeMap::new();
        for (_, row) in self.live_rows() {
            if let Some(other) = holders.insert(row.ticket, row)
                && (row.group.is_none() || row.group != other.group)
            {
                broken.push(format!("ticket {} was issued twice", row.ticket));
            }
        }
        if self.rsvps.values().any(|row| row.ticket >= self.next_ticket) {
            broken.push(format!(
                "a ticket at or above the next one, {}, is out",
                self.next_ticket
            ));
        }
        if let Some(pair) = self
            .waiting
            .windows(2)
            .find(|pair| pair[0].ticket >= pair[1].ticket)
        {
            broken.push(format!(
                "ticket {} stands before {}",
                pair[0].ticket, pair[1].ticket
            ));
        }
    }

    /// Whoever is waitlisted stands in the line once, with the ticket and the spots of the row and with the whole
    /// party; nobody else does.
    fn check_line(&self, broken: &mut Vec<String>) {
        let mut in_line = 0;
        for party in &self.waiting {
            let mut spots = 0;
            for person in &party.members {
                match self.rsvps.get(person) {
                    Some(row) if row.status == Status::Waitlisted && row.ticket == party.ticket => {
                        spots += row.spots();
                        in_line += 1;
                    }
                    other => broken.push(format!("{person} stands in the line as {other:?}")),
                }
            }
            if spots != party.spots || party.members.is_empty() {
                broken.push(format!(
                    "ticket {} waits for {} spots, its members for {spots}",
                    party.ticket, party.spots
                ));
            }
            if let Some(person) = party.members.first()
                && self.party_of(person) != party.members
            {
                broken.push(format!(
                    "ticket {} waits for {:?}, which is no whole party",
                    party.ticket, party.members
                ));
            }
        }
        let waitlisted = self.rows_that_are(Status::Waitlisted).count();
        if in_line != waitlisted {
            broken.push(format!(
                "{waitlisted} people are waitlisted, {in_line} stand in the line"
            ));
        }
    }

    /// The positions that people are told are 1 to n, one for each party.
    fn check_positions(&self, broken: &mut Vec<String>) {
        let mut tickets: BTreeMap<u64, u64> = BTreeMap::new();
        for rsvp in self.all_rsvps().values() {
            if let Some(position) = rsvp.position {
                tickets.insert(position, rsvp.ticket);
            }
        }
        let told: Vec<u64> = tickets.keys().copied().collect();
        let expected: Vec<u64> = (1..=self.waiting.len() as u64).collect();
        if told != expected {
            broken.push(format!("the positions are {told:?}"));
        }
        if !tickets.values().is_sorted() {
            broken.push(format!("positions do not follow tickets: {tickets:?}"));
        }
    }

    /// A group is never split: its members who live have one status, one ticket and one end of their offer.
    fn check_groups(&self, broken: &mut Vec<String>) {
        let mut groups: BTreeMap<u32, &Rsvp> = BTreeMap::new();
        for (person, row) in self.live_rows() {
            let Some(group) = row.group else { continue };
            let other = groups.entry(group).or_insert(row);
            let same = row.status == other.status
                && row.ticket == other.ticket
                && row.offer_expires_at_us == other.offer_expires_at_us;
            if !same {
                broken.push(format!(
                    "group {group} is split: {person} is {row:?}, another {other:?}"
                ));
            }
        }
    }

    /// Every offer has an end, and nothing else does; whoever waits or may accept is not at the door.
    fn check_offers(&self, broken: &mut Vec<String>) {
        for (person, row) in &self.rsvps {
            let is_offered = row.status == Status::Offered;
            if row.offer_expires_at_us.is_some() != is_offered {
                broken.push(format!(
                    "{person} is {}, the offer ends at {:?}",
                    row.status.as_str(),
                    row.offer_expires_at_us
                ));
            }
            let may_not_be_in = is_offered || row.status == Status::Waitlisted;
            if may_not_be_in && row.checked_in_at_us.is_some() {
                broken.push(format!("{person} is at the door, but {}", row.status.as_str()));
            }
        }
    }

    /// Nobody who may be promoted is left waiting, and least of all a guard.
    fn check_promotion(&self, broken: &mut Vec<String>) {
        if !self.promotes_at(self.now_us) {
            return;
        }
        for party in &self.waiting {
            let fits = party.spots <= self.available_spots();
            if fits {
                broken.push(format!("ticket {} could be promoted and waits", party.ticket));
            }
            if self.guards(party) {
                break;
            }
        }
    }

    /// In a cancelled activity nobody holds or waits.
    fn check_cancelled(&self, broken: &mut Vec<String>) {
        let live = self.live_rows().count();
        if self.cancelled && (live > 0 || !self.waiting.is_empty()) {
            broken.push(format!("{live} RSVPs live on in a cancelled activity"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{CancelReason, EventKind, Model, Promotion, Status};

    /// One confirmed, one waiting, and a group of two that waits.
    fn sound() -> Model {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        set_capacity(&mut model, 2).unwrap();
        group(&mut model, &[("cyd@x.org", 0), ("dan@x.org", 0)]).unwrap();
        assert_eq!(model.invariants(), Vec::<String>::new());
        model
    }

    /// The same, with an offer to the group.
    fn sound_offer() -> Model {
        let mut model = sound();
        set_promotion(&mut model, Promotion::Offer { ttl_s: 1 }).unwrap();
        set_capacity(&mut model, 4).unwrap();
        assert_eq!(model.invariants(), Vec::<String>::new());
        model
    }

    #[test]
    fn each_broken_invariant_is_told() {
        type Breaks = fn(&mut Model);
        let cases: [(&str, Breaks); 20] = [
            ("counted as confirmed", |model| model.confirmed_spots = 7),
            ("counted as offered", |model| model.offered_spots = 7),
            ("overbooked", |model| {
                model.row_mut("ada").guest_count = 1;
                model.confirmed_spots = 3;
            }),
            ("issued twice", |model| model.row_mut("ada").ticket = 2),
            ("issued twice", |model| model.row_mut("ada").ticket = 3),
            ("at or above the next one", |model| model.next_ticket = 2),
            ("stands in the line as", |model| {
                model.waiting[0].members[0].clear();
            }),
            ("which is no whole party", |model| {
                model.waiting[0].members.swap(0, 1);
            }),
            ("the positions are", |model| model.waiting[0].ticket = 9),
            ("group 1 is split", |model| {
                model.row_mut("cyd@x.org").status = Status::Confirmed;
            }),
            ("group 1 is split", |model| model.row_mut("cyd@x.org").ticket = 9),
            ("the offer ends at", |model| {
                model.row_mut("ada").offer_expires_at_us = Some(1);
            }),
            ("the offer ends at None", |model| {
                model.row_mut("ada").status = Status::Offered;
            }),
            ("is at the door, but", |model| {
                model.row_mut("cyd@x.org").checked_in_at_us = Some(1);
            }),
            ("could be promoted", |model| model.settings.capacity = 4),
            ("live on", |model| model.cancelled = true),
            ("has the seq", |model| model.events[1].seq = 9),
            ("happened in a cancelled activity", |model| {
                model.events[1].kind = EventKind::ActivityCancelled;
            }),
            ("the events tell", |model| model.row_mut("bob").version = 9),
            ("who has no row", |model| {
                model.events[0].person = Some("eve".into());
            }),
        ];
        for (words, breaks) in cases {
            let mut model = sound();
            breaks(&mut model);
            let told = model.invariants();
            assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:?}");
        }
    }

    #[test]
    fn each_breach_of_the_moment_is_told() {
        type Breaks = fn(&mut Model);
        let cases: [(&str, Breaks); 7] = [
            ("entered while the doors were closed", |model| {
                model.now_us = STARTS_AT_US;
                reserve(model, "eve", 0).unwrap_err();
                model.reserve("eve", 0, None);
            }),
            ("grew while the doors were closed", |model| {
                model.now_us = STARTS_AT_US;
                model.update("ada", Some(1), None, None);
            }),
            ("left too late", |model| {
                model.now_us = ENDS_AT_US;
                model.cancel("ada", false);
            }),
            ("promoted while nobody may be promoted", |model| {
                model.waitlist_paused = true;
                model.emit(EventKind::Promoted, "ada", None);
            }),
            ("guarded and was passed", |model| {
                model.settings.patience = 0;
                reserve(model, "eve", 0).unwrap();
                model.pass(1);
            }),
            ("ended early", |model| {
                model.end("cyd@x.org", EventKind::Expired, CancelReason::OfferExpired);
            }),
            ("accepted what was over", |model| {
                model.now_us = STARTS_AT_US;
                model.accept("cyd@x.org");
            }),
        ];
        for (words, breaks) in cases {
            let mut model = if words.contains("guarded") {
                sound()
            } else {
                sound_offer()
            };
            let events_before = model.events.len();
            breaks(&mut model);
            model.witness(&crate::model::Request::new(0, accept_of("ada")), events_before);
            let told = model.invariants();
            assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:?}");
        }
    }
}
