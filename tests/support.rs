//! What the tests share: a server to talk to, a clock to set, tokens to forge.

mod clock;
mod request;
mod server;
mod tokens;

pub(crate) use clock::TestClock;
pub(crate) use request::Answer;
pub(crate) use server::{Server, config};
pub(crate) use tokens::{SECRET, claims, forge, forge_with};
