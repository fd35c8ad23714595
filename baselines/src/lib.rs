//! The usual designs for selling seats, as small servers that are as good as an able engineer would make them, and the
//! limits that hold for all of them and for Turnout.
//!
//! Every design uses the libraries, the Postgres schema and the tokens that Turnout uses. It writes one RSVP's row and
//! one row of the decision log for each reservation, and answers only once both are committed. What it leaves out flatters
//! it: there are no idempotency keys, no groups, no offers, no feed, and nobody looks for what was missed after a crash.
//!
//! [`designs`] must not know Turnout; only [`limits`] may, to drive its journal and its engine without a network.

pub mod bare;
pub mod database;
pub mod design;
pub mod designs;
pub mod http;
pub mod limits;
pub mod serve;
pub mod source;
pub mod tokens;
