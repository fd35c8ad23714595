//! HTTP: routes, what they take and what they answer. No booking rules and no SQL.
//!
//! [`server`] accepts connections, [`edge`] does what holds for every request, [`router`] lists the routes,
//! [`extract`] turns requests into types, and [`Problem`] is every answer that is not a success.

mod activities;
mod auth_routes;
mod caller;
mod code;
pub mod edge;
pub mod extract;
mod health;
mod host;
mod orders;
pub mod page;
mod problem;
mod refusal;
mod request_id;
pub mod router;
mod rsvps;
pub mod server;
mod state;
pub mod time;
mod views;
mod waitlist;

pub use caller::MaybeCaller;
pub use code::Code;
pub use problem::{FieldError, Problem};
pub use state::{AppState, Parts};
