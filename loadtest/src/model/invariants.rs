//! What must hold after every command, checked from the rows up.

use super::{Model, Rsvp, Status};

impl Model {
    /// Every rule about the state that does not hold, in words; none when all is well.
    pub fn invariants(&self) -> Vec<String> {
        let mut broken = self.breaches.clone();
        self.check_spots(&mut broken);
        self.check_tickets(&mut broken);
        self.check_line(&mut broken);
        self.check_promotion(&mut broken);
        self.check_cancelled(&mut broken);
        broken
    }

    fn rows_that_are(&self, status: Status) -> impl Iterator<Item = (&String, &Rsvp)> {
        self.rsvps.iter().filter(move |(_, row)| row.status == status)
    }

    /// The count equals the sum of the rows, and nothing was added above the capacity.
    fn check_spots(&self, broken: &mut Vec<String>) {
        let sum: u64 = self
            .rows_that_are(Status::Confirmed)
            .map(|(_, row)| row.spots())
            .sum();
        if sum != self.confirmed_spots {
            broken.push(format!(
                "{} spots are counted as confirmed, the rows hold {sum}",
                self.confirmed_spots
            ));
        }
        if sum > self.spots_limit {
            broken.push(format!(
                "overbooked: {sum} spots are held where {} may be",
                self.spots_limit
            ));
        }
    }

    /// Tickets of people are unique, were issued, and rise along the line.
    fn check_tickets(&self, broken: &mut Vec<String>) {
        let mut tickets: Vec<u64> = self.rsvps.values().map(|row| row.ticket).collect();
        tickets.sort_unstable();
        if let Some(twice) = tickets.windows(2).find(|pair| pair[0] == pair[1]) {
            broken.push(format!("ticket {} was issued twice", twice[0]));
        }
        if tickets.last().is_some_and(|last| *last >= self.next_ticket) {
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

    /// Whoever is waitlisted stands in the line once, with the ticket and the spots of the row; nobody else
    /// does.
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
        }
        let waitlisted = self.rows_that_are(Status::Waitlisted).count();
        if in_line != waitlisted {
            broken.push(format!(
                "{waitlisted} people are waitlisted, {in_line} stand in the line"
            ));
        }
    }

    /// Nobody who may be promoted is left waiting.
    fn check_promotion(&self, broken: &mut Vec<String>) {
        if !self.promotes_at(self.now_us) {
            return;
        }
        if let Some(index) = self.next_to_promote() {
            broken.push(format!(
                "ticket {} could be promoted and waits",
                self.waiting[index].ticket
            ));
        }
    }

    /// In a cancelled activity nobody holds or waits.
    fn check_cancelled(&self, broken: &mut Vec<String>) {
        let live = self.rsvps.values().filter(|row| row.status.is_live()).count();
        if self.cancelled && (live > 0 || !self.waiting.is_empty()) {
            broken.push(format!("{live} RSVPs live on in a cancelled activity"));
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    use crate::model::testing::*;
    use crate::model::{Command, EventKind, Model, Request, SettingsChange};

    fn any_command(random: &mut SmallRng) -> Command {
        let person = format!("p{}", random.random_range(0..12));
        match random.random_range(0..20) {
            0..9 => Command::Reserve {
                person,
                guest_count: random.random_range(0..4),
                special_requirements: None,
            },
            9..14 => Command::Cancel {
                person,
                by_host: random.random_bool(0.2),
                if_version: None,
            },
            14..17 => Command::Update {
                person,
                guest_count: Some(random.random_range(0..4)),
                special_requirements: None,
                if_version: None,
            },
            _ => Command::ChangeSettings(SettingsChange {
                capacity: random.random_bool(0.5).then(|| random.random_range(1..12)),
                patience: random.random_bool(0.3).then(|| random.random_range(0..4)),
                waitlist_paused: random.random_bool(0.3).then(|| random.random_bool(0.3)),
                waitlist_capacity: random
                    .random_bool(0.3)
                    .then(|| random.random_bool(0.4).then(|| random.random_range(0..4))),
                ..SettingsChange::default()
            }),
        }
    }

    #[test]
    fn every_prefix_of_any_history_keeps_every_invariant() {
        for seed in 0..200 {
            let mut random = SmallRng::seed_from_u64(seed);
            let mut model = capacity(random.random_range(1..8));
            for step in 0..150 {
                let command = any_command(&mut random);
                let before = model.clone();
                let at_us = step * STARTS_AT_US / 120;
                let request = Request::new(at_us, command.clone());
                let judgement = model.judge(&request);
                let outcome = model.submit(&request);
                assert_eq!(outcome.as_ref().err(), judgement.as_ref().err());
                assert_eq!(
                    model.invariants(),
                    Vec::<String>::new(),
                    "seed {seed}, step {step}: {command:?}"
                );
                if outcome.as_ref().is_ok_and(|answer| {
                    answer
                        .events
                        .first()
                        .is_some_and(|event| event.kind == EventKind::Waitlisted)
                }) {
                    let room = before.settings.waitlist_capacity.unwrap_or(u32::MAX);
                    assert!(
                        before.waiting.len() < room as usize,
                        "seed {seed}, step {step}: {command:?}"
                    );
                }
                if outcome.is_err() {
                    assert_eq!(
                        model.rsvps(),
                        before.rsvps(),
                        "seed {seed}, step {step}: {command:?}"
                    );
                    assert_eq!(model.waiting(), before.waiting());
                    assert_eq!(model.seq(), before.seq());
                    assert_eq!(model.next_ticket, before.next_ticket);
                }
            }
        }
    }

    /// One confirmed, one waiting.
    fn sound() -> Model {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        reserve(&mut model, "bob", 0).unwrap();
        assert!(model.invariants().is_empty());
        model
    }

    #[test]
    fn each_broken_invariant_is_told() {
        type Breaks = fn(&mut Model);
        let cases: [(&str, Breaks); 7] = [
            ("counted as confirmed", |model| model.confirmed_spots = 7),
            ("overbooked", |model| {
                model.row_mut("ada").guest_count = 1;
                model.confirmed_spots = 2;
            }),
            ("issued twice", |model| model.row_mut("ada").ticket = 2),
            ("at or above the next one", |model| model.next_ticket = 2),
            ("stands in the line as", |model| {
                model.waiting[0].members[0].clear();
            }),
            ("could be promoted", |model| model.settings.capacity = 2),
            ("live on", |model| model.cancelled = true),
        ];
        for (words, breaks) in cases {
            let mut model = sound();
            breaks(&mut model);
            assert!(
                model.invariants().iter().any(|told| told.contains(words)),
                "{words}"
            );
        }
    }
}
