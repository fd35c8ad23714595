//! An order as the same command for the domain and for the plain model.

use turnout_actors::Key;
use turnout_actors::domain::{
    CheckIn, Command, GroupId, GroupMode, Promote, Reassign, Request, Reserve, ReserveGroup, RsvpId,
    SettingsChange, Target, Timestamp, Transfer, Update,
};
use turnout_loadtest::model;
use uuid::Uuid;

use super::changes::TICK_MS;
use super::history::{Order, Recipient, Version, What, Whom};
use super::people::{ACCOUNTS, Caller, email, somebody};
use super::same::{told_promotion, told_texts_of};
use super::world::World;

fn wishes(some: bool) -> Option<String> {
    some.then(|| "a seat at the aisle".to_owned())
}

fn new_name(one: bool) -> String {
    if one { "Ada" } else { "Bob" }.to_owned()
}

impl World {
    /// The same command for the domain and for the model. All whom the order names must be settled.
    pub fn translate(&mut self, at: Timestamp, order: &Order) -> (Request, model::Request) {
        let mut what = order.what.clone();
        let about = what.whoms().first().map_or(0, |whom| whom.number);
        let enters = matches!(what, What::Reserve { .. } | What::Group { .. });
        let caller = self.caller(order.asker, about, enters);
        let is_about_the_whole = matches!(
            what,
            What::Change(_) | What::Reschedule { .. } | What::CancelActivity
        );
        let if_version = if is_about_the_whole {
            asked(order.version, self.model.version())
        } else {
            let rsvp = self.model.rsvps().get(&somebody(about).key);
            asked(order.version, rsvp.map_or(1, |rsvp| rsvp.version))
        };
        let (command, told) = self.command(&what, at, &caller, if_version);
        // One's own by its identifier is to a key another operation than just one's own, and the model has no
        // identifiers.
        let is_own_by_identifier = caller.is(about)
            && matches!(
                command,
                Command::Update(Update {
                    target: Target::Rsvp(_),
                    ..
                }) | Command::Cancel(Target::Rsvp(_))
                    | Command::Accept(Target::Rsvp(_))
                    | Command::Decline(Target::Rsvp(_))
                    | Command::Transfer(Transfer {
                        target: Target::Rsvp(_),
                        ..
                    })
            );
        let key = order.key.filter(|_| !is_own_by_identifier);
        let (request, told) = both(at, &caller, command, if_version, key, told);
        match if_version.filter(|_| is_about_the_whole) {
            Some(version) => (request, told.if_version(u64::from(version))),
            None => (request, told),
        }
    }

    fn command(
        &mut self,
        what: &What,
        at: Timestamp,
        caller: &Caller,
        if_version: Option<u32>,
    ) -> (Command, model::Command) {
        let if_version = if_version.map(u64::from);
        let person = |whom: &Whom| somebody(whom.number).key.clone();
        match what {
            What::Reserve {
                whom,
                guests,
                wishes: some,
            } => (
                Command::Reserve(self.newcomer(*whom, *guests, *some)),
                model::Command::Reserve {
                    person: person(whom),
                    guest_count: u32::from(*guests),
                    special_requirements: wishes(*some),
                },
            ),
            What::Group { members, together } => self.group(members, *together),
            What::Update {
                whom,
                guests,
                wishes: some,
                name,
            } => {
                let update = Update {
                    target: self.target(caller, *whom),
                    guest_count: *guests,
                    special_requirements: some.map(|some| wishes(some).map(Into::into)),
                    name: name.map(|one| new_name(one).into()),
                };
                let told = model::Command::Update {
                    person: person(whom),
                    guest_count: guests.map(u32::from),
                    special_requirements: some.map(wishes),
                    name: name.map(new_name),
                    if_version,
                };
                (Command::Update(update), told)
            }
            What::Cancel(whom) => {
                let told = model::Command::Cancel {
                    person: person(whom),
                    by_host: caller.is_host() && !caller.is(whom.number),
                    if_version,
                };
                (Command::Cancel(self.target(caller, *whom)), told)
            }
            What::Accept(whom) => {
                let (person, target) = (person(whom), self.target(caller, *whom));
                (
                    Command::Accept(target),
                    model::Command::Accept { person, if_version },
                )
            }
            What::Decline(whom) => {
                let (person, target) = (person(whom), self.target(caller, *whom));
                (
                    Command::Decline(target),
                    model::Command::Decline { person, if_version },
                )
            }
            What::Transfer { whom, to } => {
                let to = match to {
                    Recipient::Whom(to) => to.number,
                    Recipient::Oneself => whom.number.max(ACCOUNTS),
                };
                let transfer = Transfer {
                    target: self.target(caller, *whom),
                    to: email(to),
                    name: somebody(to).name.as_str().into(),
                    fresh: self.fresh(),
                };
                let told = model::Command::Transfer {
                    person: person(whom),
                    to: somebody(to).key.clone(),
                    if_version,
                };
                (Command::Transfer(transfer), told)
            }
            _ => self.hosts_command(what, at, if_version),
        }
    }

    fn hosts_command(
        &mut self,
        what: &What,
        at: Timestamp,
        if_version: Option<u64>,
    ) -> (Command, model::Command) {
        let person = |whom: &Whom| somebody(whom.number).key.clone();
        let people = |whoms: &[Whom]| whoms.iter().map(person).collect::<Vec<_>>();
        let reassign = |remove, promote| Command::Reassign(Reassign { remove, promote });
        match what {
            What::CheckIn { whom, code } => {
                let row = self.model.rsvps().get(&person(whom));
                let current = row.map_or(1, |row| row.generation);
                let generation = code.and_then(|code| asked(code, current));
                let check_in = CheckIn {
                    rsvp: self.rsvp_of(whom.number),
                    generation,
                };
                let told = model::Command::CheckIn {
                    person: person(whom),
                    generation: generation.map(u64::from),
                    if_version,
                };
                (Command::CheckIn(check_in), told)
            }
            What::UndoCheckIn(whom) => {
                let told = model::Command::UndoCheckIn {
                    person: person(whom),
                    if_version,
                };
                (Command::UndoCheckIn(self.rsvp_of(whom.number)), told)
            }
            What::Promote(whoms) => {
                let these = Promote::These(self.rsvps_of(whoms));
                let told = model::Command::Promote(model::Which::These(people(whoms)));
                (reassign(Vec::new(), these), told)
            }
            What::PromoteNext(parties) => {
                let told = model::Command::Promote(model::Which::Next(*parties));
                (reassign(Vec::new(), Promote::Next(*parties)), told)
            }
            What::Bulk { promote, remove } => {
                let (removed, these) = (self.rsvps_of(remove), Promote::These(self.rsvps_of(promote)));
                let told = model::Command::Bulk {
                    promote: people(promote),
                    remove: people(remove),
                };
                (reassign(removed, these), told)
            }
            What::Change(change) => changing((**change).clone()),
            What::Reschedule { from_now, length } => {
                let starts_at = at.plus_millis(from_now * TICK_MS);
                changing(SettingsChange {
                    starts_at: Some(starts_at),
                    ends_at: Some(starts_at.plus_millis(length * TICK_MS)),
                    ..SettingsChange::default()
                })
            }
            What::CancelActivity => (Command::CancelActivity, model::Command::CancelActivity),
            What::Expire => (Command::ExpireOffers, model::Command::Expire),
            What::Reserve { .. }
            | What::Group { .. }
            | What::Update { .. }
            | What::Cancel(_)
            | What::Accept(_)
            | What::Decline(_)
            | What::Transfer { .. } => unreachable!("people give this themselves"),
        }
    }

    fn newcomer(&mut self, whom: Whom, guest_count: u16, some: bool) -> Reserve {
        Reserve {
            fresh: self.fresh(),
            person: somebody(whom.number).person.clone(),
            name: somebody(whom.number).name.as_str().into(),
            guest_count,
            special_requirements: wishes(some).map(Into::into),
        }
    }

    fn group(&mut self, members: &[(Whom, u16)], together: bool) -> (Command, model::Command) {
        let group = ReserveGroup {
            mode: if together { GroupMode::All } else { GroupMode::Each },
            members: members
                .iter()
                .map(|(whom, guests)| self.newcomer(*whom, *guests, false))
                .collect(),
            group: GroupId::from(self.fresh().uuid()),
        };
        let told = members.iter().map(|(whom, guests)| model::Member {
            person: somebody(whom.number).key.clone(),
            guest_count: u32::from(*guests),
        });
        let told = model::Command::ReserveGroup {
            members: told.collect(),
            mode: if together {
                model::GroupMode::All
            } else {
                model::GroupMode::Each
            },
        };
        (Command::ReserveGroup(group), told)
    }

    pub fn fresh(&mut self) -> RsvpId {
        self.ids += 1;
        RsvpId::from(Uuid::from_u128(self.ids))
    }

    /// On which RSVP a caller acts: their own or, by its identifier, that of somebody else.
    fn target(&mut self, caller: &Caller, whom: Whom) -> Target {
        // Now and then one's own by its identifier, too.
        if caller.is(whom.number) && !self.ids.is_multiple_of(8) {
            Target::Own
        } else {
            Target::Rsvp(self.rsvp_of(whom.number))
        }
    }

    /// The RSVP of somebody, or one that does not exist.
    pub fn rsvp_of(&mut self, number: u8) -> RsvpId {
        let key = &somebody(number).key;
        let known = self.ids_by_person.get(key).copied();
        known
            .filter(|_| self.model.rsvps().contains_key(key))
            .unwrap_or_else(|| {
                let unknown = self.fresh();
                self.persons_by_id.insert(unknown, key.clone());
                unknown
            })
    }

    fn rsvps_of(&mut self, whoms: &[Whom]) -> Vec<RsvpId> {
        whoms.iter().map(|whom| self.rsvp_of(whom.number)).collect()
    }
}

fn asked(version: Version, current: u64) -> Option<u32> {
    match version {
        Version::Any => None,
        Version::Current => Some(current as u32),
        Version::Stale => Some(current as u32 + 1),
    }
}

fn both(
    at: Timestamp,
    caller: &Caller,
    command: Command,
    if_version: Option<u32>,
    key: Option<u8>,
    told: model::Command,
) -> (Request, model::Request) {
    let by = caller.principal.clone();
    let mut told = model::Request::new(at.micros(), told);
    if let Some(name) = &caller.key {
        told = told.by(name.clone());
    } else {
        told = told.by_system();
    }
    if let Some(generation) = caller.token {
        told = told.with_token_of(generation);
    }
    if caller.is_host() {
        told = told.by_host();
    }
    // Some are long enough to count of those who have proved nothing.
    let key = key.map(|key| {
        if key % 2 == 0 {
            format!("key {key}, which nobody can guess")
        } else {
            format!("key {key}")
        }
    });
    if let Some(key) = &key
        && let Some(scope) = caller.scope(key)
    {
        told = told.with_key(scope, key);
    }
    let key = key.and_then(|key| Key::parse(&key).unwrap().used_for(&by, &command));
    let request = Request {
        by,
        at,
        command,
        if_version,
        key,
    };
    (request, told)
}

/// The end of all offers that are over, as the activity orders it itself.
pub fn expiry(at: Timestamp) -> (Request, model::Request) {
    let told = model::Command::Expire;
    both(at, &Caller::system(), Command::ExpireOffers, None, None, told)
}

fn changing(change: SettingsChange) -> (Command, model::Command) {
    let told = model::Command::ChangeSettings(told_change(&change));
    (Command::Change(Box::new(change)), told)
}

fn told_change(change: &SettingsChange) -> model::SettingsChange {
    let micros = |time: Option<Option<Timestamp>>| time.map(|time| time.map(Timestamp::micros));
    model::SettingsChange {
        capacity: change.capacity,
        max_guests: change.max_guests.map(u32::from),
        patience: change.patience,
        waitlist_capacity: change.waitlist_capacity,
        opens_at_us: micros(change.opens_at),
        closes_at_us: micros(change.closes_at),
        cancel_until_us: micros(change.cancel_until),
        promote_until_us: micros(change.promote_until),
        starts_at_us: change.starts_at.map(Timestamp::micros),
        ends_at_us: change.ends_at.map(Timestamp::micros),
        private: change
            .visibility
            .map(|visibility| visibility == turnout_actors::domain::Visibility::Private),
        guests: change
            .guests
            .map(|guests| guests == turnout_actors::domain::GuestPolicy::Open),
        promotion: change.promotion.map(told_promotion),
        texts: told_texts_of(change),
        waitlist_paused: change.waitlist_paused,
    }
}
