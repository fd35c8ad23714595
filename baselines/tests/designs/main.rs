//! The designs over real HTTP on a database of their own: `scripts/with-services` says where Postgres and Redis are.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, and so may its helpers")]

mod limits;
mod selling;
mod support;
