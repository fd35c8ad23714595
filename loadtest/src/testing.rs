//! What the crate's own tests share.

pub(crate) mod scripted_server;
pub(crate) mod scripted_sessions;
