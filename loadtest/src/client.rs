//! A lean HTTP/1.1 client: one request in flight on each kept-alive connection, everything bounded.
//!
//! It owns sockets and framing. It must not know the product, retry, or wait: what a failure means is for the
//! caller to say.

mod connection;
mod request;
mod response;

use std::io;

pub use connection::Connection;
pub use request::{Method, Request};
pub use response::Head;

/// Why there is no answer. A refusal is an answer; this is not.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Nobody accepted the connection.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The socket failed while sending or receiving.
    #[error("the connection failed")]
    Socket(#[source] io::Error),
    /// The server closed the connection before the answer was complete.
    #[error("the connection was closed before the answer was complete")]
    Closed,
    /// The server closed the WebSocket and said why.
    #[error("the socket was closed with {code}")]
    ClosedWith {
        /// The close code.
        code: u16,
    },
    /// The server answered the request for a WebSocket with something else.
    #[error("there is no WebSocket: {status} {code}")]
    NotUpgraded {
        /// The status code.
        status: u16,
        /// The stable code.
        code: String,
    },
    /// The server has something against whoever opens a WebSocket.
    #[error("the greeting was refused: {answer}")]
    Refused {
        /// What it said.
        answer: String,
    },
    /// No complete answer in time.
    #[error("no answer in time")]
    Deadline,
    /// What came is not what is spoken here.
    #[error("the answer cannot be understood: {0}")]
    Malformed(&'static str),
    /// The answer is larger than the bound.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
}

impl TransportError {
    /// What happened, and why, in one line.
    pub fn told(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// A short word for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Socket(_) => "socket",
            Self::Closed => "closed",
            Self::ClosedWith { code } => close_word(*code),
            Self::NotUpgraded { .. } => "not_upgraded",
            Self::Refused { .. } => "refused",
            Self::Deadline => "deadline",
            Self::Malformed(_) => "malformed",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

/// A short word for a close code; those that no sound server uses without cause are not told apart.
fn close_word(code: u16) -> &'static str {
    match code {
        1001 => "closed_going_away",
        4101 => "closed_draining",
        4102 => "closed_overloaded",
        4108 => "closed_slow",
        4109 => "closed_too_many_sockets",
        4200 => "closed_token_expired",
        _ => "closed_otherwise",
    }
}
