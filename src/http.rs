//! HTTP: routes, what they take and what they answer. No booking rules and no SQL.
//!
//! [`server`] accepts connections, [`edge`] does what holds for every request, [`router`] lists the routes,
//! [`extract`] turns requests into types, and a [`Problem`](crate::api::Problem) is every answer that is not a success.

mod activities;
mod attendees;
mod auth_routes;
mod caching;
mod caller;
pub mod csv_table;
mod documents;
pub mod edge;
pub mod extract;
mod health;
mod host;
mod json;
mod orders;
pub mod page;
mod participants;
mod peer;
mod problem_response;
mod request_id;
pub mod router;
mod rsvps;
pub mod server;
mod sight;
mod sockets;
mod waitlist;

pub use caller::MaybeBearer;
pub use peer::Peer;
