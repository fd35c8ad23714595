//! What Turnout keeps in Redis. Nothing depends on it: it may be away, slow or empty at any time.

mod link;
mod mirror;

pub use link::{InvalidAddress, Link};
pub use mirror::RedisMirror;
