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
pub mod course;
pub mod drive;
pub mod fanout;
pub mod health;
pub mod history;
pub mod host;
pub mod line;
pub mod model;
mod pace;
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
pub mod tally;
pub mod target;
#[cfg(test)]
mod testing;
pub mod throwaway;
pub mod tokens;
pub mod utc;
pub mod verdict;
pub mod watch;
pub mod ws;
