//! What everybody does when, and what came of it.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::RulesOptions;
use super::errand::Errand;
use super::errands::{Comer, Errands};
use super::people::People;
use super::plan::{self, Party};
use super::wishes::{self, Wish};
use crate::clock;
use crate::drive::Driven;
use crate::history::{Asker, Outcome, Record};
use crate::model::is_guest;
use crate::report::RulesCommand;
use crate::scene::Scene;
use crate::seen::{SeenRsvp, SeenStatus};
use crate::tokens::Person;

/// Something to do.
#[derive(Clone, Debug)]
enum Job {
    /// The party with this index comes.
    Come(usize),
    /// Somebody wants something.
    Want(String, Wish),
}

/// What comes next.
pub(super) enum Next {
    Do {
        errand: Box<Errand>,
        due_us: u64,
    },
    /// There is nothing to do before this moment.
    Wait(u64),
    /// There will be nothing to do any more.
    Over,
}

/// Everybody, and all that they want.
pub(super) struct Crowd {
    /// Those with an account: the party with the same index, or its booker.
    accounts: Vec<Person>,
    /// Their indices by their ids.
    indices: HashMap<String, usize>,
    parties: Vec<Party>,
    pub(super) people: People,
    errands: Errands,
    /// By the moment when they are due, and a number of their own.
    jobs: BTreeMap<(u64, u64), Job>,
    jobs_made: u64,
    under_way: u64,
    arrived: u64,
    heirs: u64,
    random: SmallRng,
    is_closed: bool,
    time_is_up: bool,
    records: Vec<Record>,
    commands: BTreeMap<&'static str, RulesCommand>,
}

impl Crowd {
    /// A crowd whose parties come at a steady rate from now on.
    pub(super) fn new(scene: &Scene, options: &RulesOptions, seed: u64) -> Self {
        let mut crowd = Self {
            accounts: scene.people.clone(),
            indices: (scene.people.iter().enumerate())
                .map(|(index, person)| (person.id.clone(), index))
                .collect(),
            parties: plan::draw(options.parties, seed),
            people: People::default(),
            errands: Errands::new(scene.activity, scene.run_id, 'p', &options.vias),
            jobs: BTreeMap::new(),
            jobs_made: 0,
            under_way: 0,
            arrived: 0,
            heirs: 0,
            random: SmallRng::seed_from_u64(seed ^ 0xc40d),
            is_closed: false,
            time_is_up: false,
            records: Vec::new(),
            commands: BTreeMap::new(),
        };
        let now_us = clock::machine_us();
        for index in 0..crowd.parties.len() {
            let after_us = index as f64 / options.rate * 1e6;
            crowd.plan(now_us + after_us as u64, Job::Come(index));
        }
        crowd
    }

    fn plan(&mut self, due_us: u64, job: Job) {
        self.jobs_made += 1;
        self.jobs.insert((due_us, self.jobs_made), job);
    }

    /// Somebody wants something then. One thing at a time: whoever wants something already wants nothing else.
    pub(super) fn want(&mut self, person: &str, due_us: u64, wish: Wish) {
        if let Some(known) = self.people.get_mut(person)
            && !known.is_busy
        {
            known.is_busy = true;
            self.plan(due_us, Job::Want(person.to_owned(), wish));
        }
    }

    /// What is due now.
    pub(super) fn next(&mut self, now_us: u64) -> Next {
        loop {
            if self.time_is_up {
                return Next::Over;
            }
            let Some(((due_us, _), _)) = self.jobs.first_key_value().map(|(key, job)| (*key, job)) else {
                return if self.is_closed && self.under_way == 0 {
                    Next::Over
                } else {
                    Next::Wait(u64::MAX)
                };
            };
            if due_us > now_us {
                return Next::Wait(due_us);
            }
            if let Some((_, job)) = self.jobs.pop_first()
                && let Some(errand) = self.errand(job)
            {
                self.under_way += 1;
                let errand = Box::new(errand);
                return Next::Do { errand, due_us };
            }
        }
    }

    /// How a job is done; none where there is nothing to do any more.
    fn errand(&mut self, job: Job) -> Option<Errand> {
        match job {
            Job::Come(index) => {
                self.arrived += 1;
                Some(self.coming(index))
            }
            Job::Want(person, wish) => {
                let errand = self.wanting(&person, &wish);
                if errand.is_none()
                    && let Some(known) = self.people.get_mut(&person)
                {
                    known.is_busy = false;
                }
                errand
            }
        }
    }

    fn coming(&mut self, index: usize) -> Errand {
        let account = &self.accounts[index];
        match &self.parties[index] {
            Party::Account { guest_count } => self.errands.reserve(account, *guest_count),
            Party::Guest { guest_count } => {
                let comer = (
                    format!("guest-{index}@example.org"),
                    format!("Guest {index}"),
                    *guest_count,
                );
                self.errands.visit(&comer)
            }
            Party::Group {
                mode,
                guest_counts,
                has_double,
            } => {
                let comers = guest_counts.iter().enumerate();
                let mut comers: Vec<Comer> = comers
                    .map(|(member, guest_count)| {
                        let email = format!("member-{index}-{member}@example.org");
                        (email, format!("Member {index} {member}"), *guest_count)
                    })
                    .collect();
                if *has_double {
                    comers.push(comers[0].clone());
                }
                self.errands.group(account, &comers, *mode)
            }
        }
    }

    fn wanting(&mut self, person: &str, wish: &Wish) -> Option<Errand> {
        let by_booker = !matches!(wish, Wish::Transfer { .. }) && self.random.random_bool(0.3);
        if let Wish::Return = wish {
            let known = self.people.get(person)?;
            return Some(match self.indices.get(person) {
                Some(index) => self.errands.reserve(&self.accounts[*index], 0),
                None => self.errands.visit(&(person.to_owned(), known.name.clone(), 0)),
            });
        }
        let by = self.people.by(person, &self.accounts, by_booker)?;
        let errands = &mut self.errands;
        Some(match wish {
            Wish::Cancel => errands.cancel(&by),
            Wish::Resize(guest_count) => errands.resize(&by, *guest_count),
            Wish::Require => errands.require(&by, "a seat at the aisle"),
            // Only whoever has no account has a name that changes here.
            Wish::Rename if is_guest(person) => {
                let name = format!("{} the Second", by.known.name);
                errands.rename(&by, &name)
            }
            Wish::Rename => errands.require(&by, "a name tag"),
            Wish::Accept => errands.accept(&by),
            Wish::Decline => errands.decline(&by),
            Wish::Transfer { to_self: true } if is_guest(person) => {
                let name = by.known.name.clone();
                errands.transfer(&by, person, &name)
            }
            Wish::Transfer { .. } => {
                self.heirs += 1;
                let to = format!("heir-{}@example.org", self.heirs);
                errands.transfer(&by, &to, &format!("Heir {}", self.heirs))
            }
            Wish::Return => unreachable!("done above"),
        })
    }

    /// Takes in what came of an errand, and what those want next who were told of it.
    pub(super) fn settle(&mut self, errand: &Errand, driven: Driven, due_us: u64) {
        self.under_way -= 1;
        if let Some(known) = errand.person().and_then(|person| self.people.get_mut(person)) {
            known.is_busy = false;
        }
        let now_us = driven.answered_us;
        let told = self.take_in(errand.op, driven, due_us);
        for (person, status) in told {
            if let Some((after_us, wish)) = wishes::next(&mut self.random, errand.op, status) {
                self.want(&person, now_us + after_us, wish);
            }
        }
    }

    /// Keeps the record of an errand, also of one of the host. Answers who was told of their RSVP, and where it stands.
    pub(super) fn take_in(
        &mut self,
        op: &'static str,
        driven: Driven,
        due_us: u64,
    ) -> Vec<(String, SeenStatus)> {
        let command = self.commands.entry(op).or_insert_with(|| RulesCommand::new(op));
        command.count(&driven.record.outcome, driven.answered_us.saturating_sub(due_us));
        let mut told = Vec::new();
        match &driven.record.outcome {
            Outcome::Acknowledged { answer, .. } => {
                let account = self.account_of(&driven.record);
                for rsvp in answer.told.rsvps() {
                    told.push((self.people.learn(rsvp, account), rsvp.status));
                }
            }
            // Whoever had no answer until time was up will have none.
            Outcome::Unanswered => self.time_is_up = true,
            Outcome::Rejected { .. } | Outcome::Changed { .. } => {}
        }
        self.records.push(driven.record);
        told
    }

    /// The account of whoever came or booked.
    fn account_of(&self, record: &Record) -> Option<usize> {
        let by = match (&record.asker, record.command.person()) {
            (Asker::Account(account), _) => account.as_str(),
            (Asker::Own, Some(person)) if !is_guest(person) => person,
            _ => return None,
        };
        self.indices.get(by).copied()
    }

    /// Somebody sees that this RSVP is an offer, and its person makes up their mind.
    pub(super) fn see_offer(&mut self, said: &SeenRsvp, ttl_us: u64) {
        let Some(known) = self.people.get_mut(&said.person()) else {
            // The answer to whoever brought them in is still on its way.
            return;
        };
        if known.is_busy || known.minds_offer == said.offer_expires_at {
            return;
        }
        known.minds_offer.clone_from(&said.offer_expires_at);
        if let Some((after_us, wish)) = wishes::about_offer(&mut self.random, ttl_us) {
            self.want(&said.person(), clock::machine_us() + after_us, wish);
        }
    }

    /// How many parties have come.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Whether all have come and want nothing any more.
    pub(super) fn is_idle(&self) -> bool {
        self.time_is_up || (self.jobs.is_empty() && self.under_way == 0)
    }

    /// Nothing new will be wanted.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// All records, the number of commands that nobody gave because time was up, and what there was of each kind.
    pub(super) fn taken(&mut self) -> (Vec<Record>, u64, Vec<RulesCommand>) {
        let commands = std::mem::take(&mut self.commands).into_values().collect();
        (
            std::mem::take(&mut self.records),
            self.jobs.len() as u64,
            commands,
        )
    }
}
