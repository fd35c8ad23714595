//! Who is there, as far as they were told themselves.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::SmallRng;
use uuid::Uuid;

use crate::history::Asker;
use crate::seen::{SeenRsvp, SeenStatus};
use crate::tokens::Person;

use super::errands::By;

/// What is known of somebody.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) rsvp: Uuid,
    pub(super) status: SeenStatus,
    pub(super) guest_count: u32,
    version: u64,
    /// The name that this person came with.
    pub(super) name: String,
    /// The manage token of somebody without an account.
    token: Option<String>,
    /// The index of the account that this person has, or that has booked for them.
    account: Option<usize>,
    /// Whether a command of theirs is planned or on its way.
    pub(super) is_busy: bool,
    /// The end of the offer that they have made up their mind about.
    pub(super) minds_offer: Option<String>,
}

/// Everybody who was told of an RSVP of theirs.
#[derive(Debug, Default)]
pub(super) struct People {
    known: HashMap<String, Known>,
    /// By the ids of their RSVPs: whoever booked for somebody else is not told for whom.
    by_rsvp: HashMap<Uuid, String>,
    /// In the order in which they came.
    order: Vec<String>,
}

impl People {
    pub(super) fn get(&self, person: &str) -> Option<&Known> {
        self.known.get(person)
    }

    pub(super) fn get_mut(&mut self, person: &str) -> Option<&mut Known> {
        self.known.get_mut(person)
    }

    /// Takes over what somebody was told, and answers about whom. `account` is that of whoever gave the command that
    /// brought them in.
    pub(super) fn learn(&mut self, said: &SeenRsvp, account: Option<usize>) -> String {
        let person = self.by_rsvp.get(&said.id).cloned();
        let person = person.unwrap_or_else(|| said.person());
        let Some(known) = self.known.get_mut(&person) else {
            self.order.push(person.clone());
            self.by_rsvp.insert(said.id, person.clone());
            let known = Known {
                rsvp: said.id,
                status: said.status,
                guest_count: said.guest_count,
                version: said.version,
                name: said.name.clone(),
                token: said.manage_token.clone(),
                account,
                is_busy: false,
                minds_offer: None,
            };
            self.known.insert(person.clone(), known);
            return person;
        };
        if said.manage_token.is_some() {
            known.token.clone_from(&said.manage_token);
        }
        if said.version > known.version {
            known.version = said.version;
            known.status = said.status;
            known.guest_count = said.guest_count;
        }
        person
    }

    /// Somebody for whom `fits` holds, at random; nobody where a few tries find nobody.
    pub(super) fn pick(
        &self,
        random: &mut SmallRng,
        fits: impl Fn(&Known) -> bool,
    ) -> Option<(String, Uuid)> {
        for _ in 0..20 {
            let person = self.order.get(random.random_range(0..self.order.len().max(1)))?;
            let known = &self.known[person];
            if fits(known) {
                return Some((person.clone(), known.rsvp));
            }
        }
        None
    }

    /// How somebody acts on the own RSVP: by account or by manage token; with `by_booker`, by whoever booked it, if
    /// somebody did.
    pub(super) fn by<'a>(
        &'a self,
        person: &'a str,
        accounts: &'a [Person],
        by_booker: bool,
    ) -> Option<By<'a>> {
        let known = self.known.get(person)?;
        let account = known.account.and_then(|index| accounts.get(index));
        let by = |asker, token, has_manage_token| By {
            person,
            known,
            asker,
            token,
            has_manage_token,
        };
        match (account, &known.token) {
            (Some(account), _) if account.id == person => Some(by(Asker::Own, &account.token, false)),
            (Some(booker), _) if by_booker => {
                Some(by(Asker::Account(booker.id.clone()), &booker.token, false))
            }
            (_, Some(token)) => Some(by(Asker::Own, token, true)),
            _ => None,
        }
    }
}
