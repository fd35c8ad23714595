//! Black-box tests: a real server on a port of its own with a fresh database, over real HTTP.
//!
//! One binary for all of them, so that they link once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod accounts;
mod bad_input;
mod configuration;
mod connections;
mod journals;
mod program;
mod support;
