//! Whom an order names and who gives it, out of those who are there.

use turnout_actors::domain::UserId;
use turnout_loadtest::model;

use super::history::{Asker, Order, Standing, Whom};
use super::people::{ACCOUNTS, Caller, PEOPLE, number_of, somebody};
use super::world::World;

impl World {
    /// The same order with nobody left open, so that it stays the same if it comes again.
    pub fn settle(&self, order: &Order) -> Order {
        let mut order = order.clone();
        let mut taken = Vec::new();
        for whom in order.what.whoms() {
            let number = self.pick(*whom, &taken);
            *whom = Whom::exactly(number);
            taken.push(number);
        }
        order.asker = self.role(order.asker, taken.first().copied().unwrap_or(0));
        order
    }

    /// In which role somebody gives an order about this person, where not everybody has every role.
    fn role(&self, asker: Asker, number: u8) -> Asker {
        let is_guest = number >= ACCOUNTS;
        match asker {
            Asker::Elevated if is_guest => Asker::Administrator,
            Asker::Token | Asker::OldToken | Asker::Unproved if !is_guest => Asker::Own,
            Asker::Booker if self.booker(number).is_none() => Asker::Own,
            Asker::Companion if self.companion(number).is_none() => Asker::Own,
            role => role,
        }
    }

    /// Somebody who stands like that and was not taken, if there is one.
    fn pick(&self, whom: Whom, taken: &[u8]) -> u8 {
        let who = |standing| -> Vec<u8> {
            (0..PEOPLE)
                .filter(|number| self.stands(standing, *number))
                .collect()
        };
        let mut fitting = who(whom.standing);
        if whom.standing == Standing::Absent {
            fitting.retain(|number| !taken.contains(number));
        }
        if fitting.is_empty() {
            fitting = who(whom.standing.otherwise());
        }
        if fitting.is_empty() {
            fitting = (0..PEOPLE).collect();
        }
        fitting[usize::from(whom.number) % fitting.len()]
    }

    fn stands(&self, standing: Standing, number: u8) -> bool {
        let row = self.model.rsvps().get(&somebody(number).key);
        let is = |status: model::Status| row.is_some_and(|row| row.status == status);
        let waits_or_offered = is(model::Status::Waitlisted) || is(model::Status::Offered);
        let is_live = row.is_some_and(|row| row.status.is_live());
        let is_guest = number >= ACCOUNTS;
        match standing {
            Standing::Anyhow => true,
            Standing::Confirmed => is(model::Status::Confirmed),
            Standing::Waiting => is(model::Status::Waitlisted),
            Standing::Offered => is(model::Status::Offered),
            Standing::Accompanied => waits_or_offered && row.is_some_and(|row| row.group.is_some()),
            Standing::Cancelled => row.is_some() && !is_live,
            Standing::Out => !is_live,
            Standing::Guest => is_guest,
            Standing::Absent => is_guest && !is_live,
            Standing::Live => is_live,
            Standing::Gone => is_guest && row.is_some() && !is_live,
            Standing::PutOut => is_guest && is(model::Status::Cancelled(model::CancelReason::ByHost)),
        }
    }

    /// Who gives an order that is about this person.
    pub fn caller(&mut self, asker: Asker, number: u8, enters: bool) -> Caller {
        let is_guest = number >= ACCOUNTS;
        match asker {
            Asker::Own if is_guest && enters => Caller::visitor(number),
            Asker::Own => self.any(number),
            Asker::Token => self.token(number, 0),
            Asker::OldToken => self.token(number, -1),
            Asker::Unproved => Caller::visitor(number),
            Asker::Elevated => Caller::account(number).elevated(),
            Asker::Booker => match self.booker(number) {
                Some(booker) => Caller::user(booker),
                None => self.any(number),
            },
            Asker::Companion => {
                let companion = self.companion(number).unwrap_or(number);
                self.any(companion)
            }
            Asker::Host => Caller::account(0),
            Asker::Administrator => Caller::administrator(),
            Asker::Other(other) => self.any(other),
            Asker::System => Caller::system(),
        }
    }

    /// Somebody, with the best proof that they have.
    fn any(&mut self, number: u8) -> Caller {
        if number < ACCOUNTS {
            Caller::account(number)
        } else if self.model.rsvps().contains_key(&somebody(number).key) {
            self.token(number, 0)
        } else {
            Caller::visitor(number)
        }
    }

    /// Somebody by a manage token of the present generation or so many later; by one of another activity where
    /// they have no RSVP here.
    fn token(&mut self, number: u8, later: i64) -> Caller {
        let row = self.model.rsvps().get(&somebody(number).key);
        let generation = row.map_or(1, |row| row.generation as i64 + later);
        Caller::token(number, self.rsvp_of(number), generation as u32)
    }

    /// Whoever booked for somebody.
    fn booker(&self, number: u8) -> Option<UserId> {
        let row = self.model.rsvps().get(&somebody(number).key)?;
        let booker = row.booked_by.as_ref()?;
        Some(booker.parse().expect("only accounts book"))
    }

    /// Another member of somebody's party.
    fn companion(&self, number: u8) -> Option<u8> {
        let rows = self.model.rsvps();
        let own = rows.get(&somebody(number).key)?;
        own.group?;
        let is_other = |key: &str, row: &model::Rsvp| {
            key != somebody(number).key && row.group == own.group && row.status.is_live()
        };
        let mut others = rows.iter().filter(|(key, row)| is_other(key, row));
        others.next().map(|(key, _)| number_of(key))
    }
}
