//! A step as the same command for the domain and for the plain model.

use turnout_actors::Key;
use turnout_actors::domain::{
    Command, Person, Principal, Request, Reserve, RsvpId, SettingsChange, Target, Timestamp, Update, UserId,
    Visibility,
};
use turnout_actors::testing::HOST;
use turnout_loadtest::model;
use uuid::Uuid;

use super::history::{Asker, Step, Version};
use super::world::World;

/// The administrator who never comes.
const ADMINISTRATOR: u128 = 0xADAD;

/// Person 0 is the host, who may come to the own activity.
pub fn user(person: u8) -> UserId {
    UserId::from(Uuid::from_u128(if person == 0 {
        HOST
    } else {
        u128::from(person)
    }))
}

pub fn name(user: UserId) -> String {
    user.to_string()
}

fn wishes(some: bool) -> Option<String> {
    some.then(|| "a seat at the aisle".to_owned())
}

/// Who gives the command; `person` is whom it is about.
fn principal(asker: Asker, person: u8) -> Principal {
    match asker {
        Asker::Own => Principal::user(user(person)),
        Asker::Elevated => Principal {
            elevated: true,
            ..Principal::user(user(person))
        },
        Asker::Host => Principal::user(user(0)),
        Asker::Administrator => Principal {
            elevated: true,
            ..Principal::user(UserId::from(Uuid::from_u128(ADMINISTRATOR)))
        },
        Asker::Other(other) => Principal::user(user(other)),
    }
}

impl World {
    /// The same command for the domain and for the model; `None` where the step is no command.
    pub fn translate(&mut self, at: Timestamp, step: &Step) -> Option<(Request, model::Request)> {
        match *step {
            Step::Reserve {
                person,
                asker,
                guests,
                wishes: some,
                key,
            } => {
                let reserve = Reserve {
                    fresh: self.fresh(),
                    person: Person::User(user(person)),
                    name: "Somebody".into(),
                    guest_count: guests,
                    special_requirements: wishes(some).map(Into::into),
                };
                let told = model::Command::Reserve {
                    person: name(user(person)),
                    guest_count: u32::from(guests),
                    special_requirements: wishes(some),
                };
                let by = principal(asker, person);
                Some(both(at, by, Command::Reserve(reserve), None, key, told))
            }
            Step::Update {
                person,
                asker,
                guests,
                wishes: some,
                version,
                key,
            } => {
                let (by, target, key) = self.target(asker, person, key);
                let if_version = self.version(person, version);
                let update = Update {
                    target,
                    guest_count: guests,
                    special_requirements: some.map(|some| wishes(some).map(Into::into)),
                };
                let told = model::Command::Update {
                    person: name(user(person)),
                    guest_count: guests.map(u32::from),
                    special_requirements: some.map(wishes),
                    if_version: if_version.map(u64::from),
                };
                Some(both(at, by, Command::Update(update), if_version, key, told))
            }
            Step::Cancel {
                person,
                asker,
                version,
                key,
            } => {
                let (by, target, key) = self.target(asker, person, key);
                let if_version = self.version(person, version);
                let told = model::Command::Cancel {
                    person: name(user(person)),
                    by_host: by.user != user(person),
                    if_version: if_version.map(u64::from),
                };
                Some(both(at, by, Command::Cancel(target), if_version, key, told))
            }
            Step::Change {
                ref change,
                asker,
                version,
                key,
            } => {
                let told = model::Command::ChangeSettings(told_change(change));
                Some(self.about_the_activity(at, asker, Command::Change(change.clone()), version, key, told))
            }
            Step::Reschedule {
                from_now,
                length,
                asker,
            } => {
                let starts_at = at.plus_millis(from_now);
                let change = SettingsChange {
                    starts_at: Some(starts_at),
                    ends_at: Some(starts_at.plus_millis(length)),
                    ..SettingsChange::default()
                };
                let told = model::Command::ChangeSettings(told_change(&change));
                let command = Command::Change(Box::new(change));
                Some(self.about_the_activity(at, asker, command, Version::Any, None, told))
            }
            Step::CancelActivity { asker, version, key } => {
                let told = model::Command::CancelActivity;
                Some(self.about_the_activity(at, asker, Command::CancelActivity, version, key, told))
            }
            Step::Again(_) | Step::Tick(_) | Step::Commit | Step::Abort | Step::Reload => None,
        }
    }

    fn about_the_activity(
        &self,
        at: Timestamp,
        asker: Asker,
        command: Command,
        version: Version,
        key: Option<u8>,
        told: model::Command,
    ) -> (Request, model::Request) {
        let if_version = asked(version, self.model.version());
        let (request, told) = both(at, principal(asker, 0), command, if_version, key, told);
        match if_version {
            Some(version) => (request, told.if_version(u64::from(version))),
            None => (request, told),
        }
    }

    fn fresh(&mut self) -> RsvpId {
        self.ids += 1;
        RsvpId::from(Uuid::from_u128(self.ids))
    }

    /// Who acts on which RSVP. One's own by its identifier is to a key another operation than just one's own, and
    /// the model has no identifiers; so that goes without a key.
    fn target(&mut self, asker: Asker, person: u8, key: Option<u8>) -> (Principal, Target, Option<u8>) {
        let by = principal(asker, person);
        if by.user == user(person) && !matches!(asker, Asker::Other(_)) {
            return (by, Target::Own, key);
        }
        let known = self
            .ids_by_person
            .get(&name(user(person)))
            .copied()
            .filter(|_| self.model.rsvp(&name(user(person))).is_some());
        let id = known.unwrap_or_else(|| self.fresh());
        let key = key.filter(|_| by.user != user(person));
        (by, Target::Rsvp(id), key)
    }

    fn version(&self, person: u8, version: Version) -> Option<u32> {
        let rsvp = self.model.rsvp(&name(user(person)));
        asked(version, rsvp.map_or(1, |rsvp| rsvp.version))
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
    by: Principal,
    command: Command,
    if_version: Option<u32>,
    key: Option<u8>,
    told: model::Command,
) -> (Request, model::Request) {
    let key = key.map(|key| format!("key-{key}"));
    let mut told = model::Request::new(at.micros(), told).by(name(by.user));
    if by.elevated || by.user == user(0) {
        told = told.by_host();
    }
    if let Some(key) = &key {
        told = told.with_key(name(by.user), key);
    }
    let key = key.map(|key| Key::parse(&key).unwrap().used_for(&by, &command));
    let request = Request {
        by,
        at,
        command,
        if_version,
        key,
    };
    (request, told)
}

fn told_change(change: &SettingsChange) -> model::SettingsChange {
    let micros = |time: Option<Option<Timestamp>>| time.map(|time| time.map(Timestamp::micros));
    let set = |text: Option<&str>| text.map(|text| Some(text.to_owned()));
    let texts = [
        ("title", set(change.title.as_deref())),
        ("description", change.description.clone()),
        ("venue", change.venue.clone()),
        ("time_zone", set(change.time_zone.as_deref())),
        ("guests", set(change.guests.map(|guests| guests.name()))),
        ("visibility", set(change.visibility.map(Visibility::name))),
        (
            "attendees_visible",
            set(change.attendees_visible.map(|visible| visible.name())),
        ),
    ];
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
            .map(|visibility| visibility == Visibility::Private),
        texts: texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.into(), text?)))
            .collect(),
        waitlist_paused: change.waitlist_paused,
    }
}
