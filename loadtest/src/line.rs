//! A line to the server: what carries the commands of people, over REST or over a WebSocket.
//!
//! It owns what the two have in common: what is put on it and what comes back in the end. What a command is counted
//! as and how it is judged is the same for both, and not for here.

mod rest;
mod session;
mod socket;

use uuid::Uuid;

pub(crate) use self::rest::{said, said_of_activity};
pub(crate) use self::session::fault;
pub use self::socket::SocketLine;
use crate::attempt::Tried;
use crate::client::TransportError;
use crate::drive::Deed;
use crate::seen::SeenAnswer;
use crate::tokens::Person;
use crate::ws::Args;

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

/// A command as it is said on a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// About which activity.
    pub(crate) activity: Uuid,
    /// By whose token: the socket is that person's.
    pub(crate) token: &'a str,
    /// The idempotency key, the same in every try.
    pub(crate) key: &'a str,
    /// What to do.
    pub(crate) op: &'static str,
    /// With what.
    pub(crate) args: Option<Args<'a>>,
}

impl<'a> Call<'a> {
    /// How this command is said.
    fn of(put: &Put<'a>) -> Self {
        let (op, args) = match put.deed {
            Deed::Reserve { guest_count } => ("reserve", Some(Args::Guests { guest_count })),
            Deed::Cancel => ("cancel", None),
        };
        Self {
            activity: put.activity,
            token: &put.person.token,
            key: put.key,
            op,
            args,
        }
    }
}

/// What a command was answered in the end.
#[derive(Debug)]
pub enum Said {
    /// Done.
    Done(Box<SeenAnswer>),
    /// Done, and told by showing the activity, which has this version now.
    Changed(u64),
    /// Success in words that nobody understands, with what is wrong with them. It leaves the fate open.
    Unreadable(String),
    /// Refused for good.
    Rejected(Refused),
}

/// Why a command was refused for good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The stable code.
    pub code: String,
    /// In how many milliseconds the doors open, where that is the reason.
    pub opens_in_ms: Option<u64>,
}

impl From<String> for Refused {
    /// With this code, and nothing else to tell.
    fn from(code: String) -> Self {
        Self {
            code,
            opens_in_ms: None,
        }
    }
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

/// A line that takes one command to the server once, whatever comes of it. It is not counted.
pub(crate) trait Knock: Line {
    /// Puts the command once, and calls `before_sending` before.
    fn knock(
        &mut self,
        put: &Put<'_>,
        before_sending: impl FnMut() + Send,
    ) -> impl Future<Output = Result<Tried<Said>, TransportError>> + Send;
}

/// A line at which somebody can wait for the doors to open.
pub(crate) trait Doorstep: Line {
    /// Opens the line in the name of `person`, follows the activity where that is possible, and tells when its doors
    /// open.
    fn arrive(
        &mut self,
        activity: Uuid,
        person: &Person,
    ) -> impl Future<Output = Result<Opens, TransportError>> + Send;

    /// Stays there until then.
    fn linger(
        &mut self,
        person: &Person,
        until: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = ()> + Send;
}

/// When doors open by the clock of this machine, in microseconds: between these two, because a message takes its time
/// and tells milliseconds. At the later of them they are open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Opens {
    pub(crate) earliest_us: i64,
    pub(crate) latest_us: i64,
}

impl Opens {
    /// Where somebody was told that it would be so long until then. The server counted that between asking and
    /// hearing; what it told is `rounding_us` too long at most.
    pub(crate) fn told(asked_us: u64, heard_us: u64, in_us: i64, rounding_us: i64) -> Self {
        Self {
            earliest_us: asked_us.cast_signed() + in_us - rounding_us,
            latest_us: heard_us.cast_signed() + in_us,
        }
    }
}
