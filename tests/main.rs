//! Black-box tests: a real server on a port of its own with a fresh database, over real HTTP.
//!
//! One binary for all of them, so that they link once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

mod accounts;
mod activities;
mod attendees;
mod audits;
mod bad_commands;
mod bad_input;
mod bad_questions;
mod by_hand;
mod caching;
mod cancelled;
mod comparison;
mod configuration;
mod connections;
mod constraints;
mod database_away;
mod disk;
mod documents;
mod door;
mod durability;
mod fates;
mod groups;
mod guests;
mod histories;
mod host;
mod journals;
mod keys;
mod kills;
mod limits;
mod listing;
mod load_test;
mod migrations;
mod mirror;
mod mixed;
mod neighbours;
mod offers;
mod outages;
mod outcomes;
mod ownership;
mod panics;
mod program;
mod proxy;
mod rsvps;
mod scenarios;
mod sockets;
mod story;
mod support;
mod tidy;
mod token_answers;
mod transfers;
mod waitlist;
