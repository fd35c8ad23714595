//! A line to the server: what carries the commands of people, over REST or over a WebSocket.
//!
//! It owns what the two have in common: what is put on it and what comes back in the end. What a command is counted
//! as and how it is judged is the same for both, and not for here.

mod rest;
mod session;
mod socket;

use uuid::Uuid;

pub(crate) use self::session::fault;
pub use self::socket::SocketLine;
use crate::drive::Deed;
use crate::seen::SeenAnswer;
use crate::tokens::Person;

/// A command of one person.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// About which activity.
    pub activity: Uuid,
    /// Whose command.
    pub person: &'a Person,
    /// What to do.
    pub deed: Deed,
    /// The idempotency key, the same in every try.
    pub key: &'a str,
}

/// What a command was answered in the end.
#[derive(Debug)]
pub enum Said {
    /// Done.
    Done(Box<SeenAnswer>),
    /// Success in words that nobody understands, with what is wrong with them. It leaves the fate open.
    Unreadable(String),
    /// Refused for good, with the stable code.
    Rejected(String),
}

/// A line that does not take "come again" for an answer. It carries one command at a time.
pub trait Line: Send + 'static {
    /// Gets ready to speak for `person`, as far as that takes the server and no command. What fails here is tried
    /// again with the command.
    fn get_ready(&mut self, person: &Person) -> impl Future<Output = ()> + Send;

    /// Puts the command, however many tries it takes, and calls `before_sending` before each; `None` when time is up.
    fn put(
        &mut self,
        put: &Put<'_>,
        before_sending: impl FnMut() + Send,
    ) -> impl Future<Output = Option<Said>> + Send;
}
