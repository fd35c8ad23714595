//! The server: HTTP, storage and accounts around the booking engine of `turnout-actors`.
//!
//! No booking rules here. Only [`app`] sees everything; it builds the parts and wires them.

pub mod accounts;
pub mod api;
pub mod app;
pub mod attendee_pages;
pub mod clock;
pub mod codes;
pub mod config;
pub mod demo;
pub mod guest_limits;
pub mod http;
pub mod ids;
pub mod kept;
pub mod network;
pub mod redis;
pub mod rsvp_index;
pub mod secret;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod ws;
