//! The load test of Turnout: a client that drives bursts and real histories against a running server, and an
//! auditor that judges what it saw by a plain model of the booking rules.
//!
//! It shares no code with the server. Whatever the server does wrong, it does wrong alone.

pub mod alternate;
pub mod attempt;
pub mod burst;
pub mod cancellation;
pub mod chart;
pub mod client;
pub mod clock;
pub mod cold;
pub mod compare;
pub mod course;
pub mod drive;
pub mod fanout;
mod field;
pub mod growth;
pub mod health;
pub mod history;
pub mod host;
mod ledger;
pub mod line;
pub mod many;
pub mod model;
mod open_loop;
pub mod opening_burst;
pub mod overload;
mod pace;
mod peak;
pub mod place;
mod process;
pub mod reconnect;
pub mod replay;
pub mod report;
pub mod rules;
pub mod run;
mod scene;
pub mod seen;
pub mod shared;
pub mod soak;
pub mod steady;
pub mod tally;
pub mod target;
#[cfg(test)]
mod testing;
pub mod throwaway;
pub mod tokens;
pub mod usage;
pub mod utc;
pub mod verdict;
pub mod watch;
pub mod ws;
