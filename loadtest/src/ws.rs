//! The WebSocket contract from a client's side: sockets, encodings, and the words that are said.
//!
//! It owns sockets and their framing, and what a message looks like. It must not retry or wait, and what an answer
//! means is for the caller to say.

mod encoding;
mod socket;
mod source;
mod words;

pub use encoding::Encoding;
pub(crate) use encoding::Heard;
pub(crate) use socket::{Opening, Socket};
pub use source::Sources;
pub(crate) use words::{Args, HeardError, HeardOk, HeardSubscribed, HeardWelcome, Retry, Say, Subscription};

/// Where sessions are.
pub(crate) const PATH: &str = "/api/v1/ws";
/// The server has given up on a reader that does not read.
pub(crate) const CLOSED_SLOW: u16 = 4108;
