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
    /// No complete answer in time.
    #[error("no answer in time")]
    Deadline,
    /// What came is not HTTP/1.1.
    #[error("the answer is not HTTP/1.1: {0}")]
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
            Self::Deadline => "deadline",
            Self::Malformed(_) => "malformed",
            Self::TooLarge { .. } => "too_large",
        }
    }
}
