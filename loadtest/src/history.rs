//! What was asked of an activity and what was answered: the evidence that the verdict judges.
//!
//! One record is one command under one idempotency key, however often it was sent. A command whose fate was
//! unknown for a while, because a connection broke or the server was killed, and that was sent again until it
//! was answered, is one record with its first and its last sending and the last answer.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::model::{Command, Settings};
use crate::seen::SeenAnswer;

/// A point in the client's own order of sending and receiving.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Tick(pub u64);

/// Hands out ticks that rise. What is answered before something else is sent has the smaller tick.
#[derive(Debug, Default)]
pub struct Ticks(AtomicU64);

impl Ticks {
    /// The next tick.
    pub fn tick(&self) -> Tick {
        Tick(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// All that one client, or several sharing their ticks, did to one activity.
#[derive(Clone, Debug)]
pub struct History {
    /// The activity.
    pub activity: Uuid,
    /// The settings that it was created with.
    pub settings: Settings,
    /// Every command; the order does not matter.
    pub records: Vec<Record>,
    /// Commands that were meant to be asked, and were not because time was up.
    pub unasked: u64,
}

/// One command and what came of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was asked. Persons are user ids as text, or e-mail addresses.
    pub command: Command,
    /// Who asked.
    pub asker: Asker,
    /// The name in the token of whoever asked, or the one under which a guest came.
    pub name: String,
    /// Just before it was first sent.
    pub sent: Tick,
    /// Just before it was last sent; the same tick if it was sent once.
    pub last_sent: Tick,
    /// What came of it.
    pub outcome: Outcome,
}

/// Who gave a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asker {
    /// Whom it is about: by account, by manage token, or as a visitor.
    Own,
    /// Somebody with this account, for others.
    Account(String),
    /// The host. Who that is, nobody notes.
    Host,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server said that it was done.
    Acknowledged {
        /// Just after the answer.
        at: Tick,
        /// The answer.
        answer: Box<SeenAnswer>,
    },
    /// The server said that it may not be done.
    Rejected {
        /// Just after the answer.
        at: Tick,
        /// The stable code.
        code: String,
    },
    /// The server said that the activity was changed, and showed it as it is then. That does not tell the place in the
    /// order, but the version does: it rises with each event about the activity as a whole, and only its host causes
    /// them, one after the other.
    Changed {
        /// Just after the answer.
        at: Tick,
        /// The version of the activity then.
        version: u64,
    },
    /// It was sent and nothing final came back: it may have been done or not.
    Unanswered,
}
