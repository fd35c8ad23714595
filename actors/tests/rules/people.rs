//! Who there is: the host, people with accounts, people known by an e-mail address alone, and an administrator who
//! never comes; and how each of them gives a command.

use std::sync::LazyLock;

use turnout_actors::domain::{Email, Person, Principal, RsvpId, UserId, Who};
use turnout_actors::testing::HOST;
use uuid::Uuid;

/// How many people may come. The first of them is the host.
pub const PEOPLE: u8 = 16;
/// How many of them have accounts; those are the first.
pub const ACCOUNTS: u8 = 6;

/// The administrator who never comes.
const ADMINISTRATOR: u128 = 0xADAD;

/// The shortest key that counts of somebody who has proved nothing.
const VISITORS_KEY_MIN_CHARS: usize = 22;

/// One who may come.
pub struct Somebody {
    pub person: Person,
    /// What the model calls them.
    pub key: String,
    /// The name by which they come, always the same.
    pub name: String,
}

static ALL: LazyLock<Vec<Somebody>> = LazyLock::new(|| {
    let people = (0..PEOPLE).map(|number| {
        let person = if number < ACCOUNTS {
            Person::User(user(number))
        } else {
            Person::Guest(email(number))
        };
        Somebody {
            key: key_of(&person),
            person,
            name: format!("Person {number}"),
        }
    });
    people.collect()
});

pub fn somebody(number: u8) -> &'static Somebody {
    &ALL[usize::from(number)]
}

/// The number of whom the model calls so.
pub fn number_of(key: &str) -> u8 {
    let mut numbers = (0..PEOPLE).filter(|number| somebody(*number).key == key);
    numbers.next().expect("only these people come")
}

/// What the model calls somebody.
pub fn key_of(person: &Person) -> String {
    match person {
        Person::User(user) => user.to_string(),
        Person::Guest(email) => email.to_string(),
    }
}

fn user(number: u8) -> UserId {
    let id = if number == 0 { HOST } else { u128::from(number) };
    UserId::from(Uuid::from_u128(id))
}

/// The address of somebody without an account.
pub fn email(number: u8) -> Email {
    let address = format!("g{number}@example.org");
    address.parse().expect("it is an address")
}

/// Who gives a command, for the domain and for the model.
#[derive(Clone)]
pub struct Caller {
    pub principal: Principal,
    /// What the model calls them; nobody if it is time.
    pub key: Option<String>,
    /// The generation that their manage token is for.
    pub token: Option<u64>,
}

impl Caller {
    /// By an account.
    pub fn user(user: UserId) -> Self {
        Self {
            principal: Principal::user(user),
            key: Some(user.to_string()),
            token: None,
        }
    }

    /// By the account of one of the people.
    pub fn account(number: u8) -> Self {
        Self::user(user(number))
    }

    /// By an administrator's account.
    pub fn administrator() -> Self {
        Self::user(UserId::from(Uuid::from_u128(ADMINISTRATOR))).elevated()
    }

    /// By the manage token of an RSVP.
    pub fn token(number: u8, rsvp: RsvpId, generation: u32) -> Self {
        Self {
            principal: Principal::guest(rsvp, generation),
            key: Some(somebody(number).key.clone()),
            token: Some(u64::from(generation)),
        }
    }

    /// By an address alone.
    pub fn visitor(number: u8) -> Self {
        Self {
            principal: Principal::visitor(email(number)),
            key: Some(somebody(number).key.clone()),
            token: None,
        }
    }

    /// Nobody: time has passed.
    pub fn system() -> Self {
        Self {
            principal: Principal::system(),
            key: None,
            token: None,
        }
    }

    pub fn elevated(mut self) -> Self {
        self.principal.elevated = true;
        self
    }

    pub fn is_host(&self) -> bool {
        self.principal.elevated || self.principal.who == Who::User(user(0))
    }

    /// Whether they are this person, or at least say so.
    pub fn is(&self, number: u8) -> bool {
        self.key.as_ref() == Some(&somebody(number).key)
    }

    /// To whom a key belongs that they send; to nobody where it does not count.
    pub fn scope(&self, key: &str) -> Option<String> {
        let name = self.key.as_ref()?;
        match self.principal.who {
            Who::User(_) => Some(name.clone()),
            Who::Guest { .. } => Some(format!("token of {name}")),
            Who::Visitor(_) if key.len() < VISITORS_KEY_MIN_CHARS => None,
            Who::Visitor(_) => Some(format!("visitor {name}")),
            Who::System => None,
        }
    }
}
