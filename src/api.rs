//! What clients and server tell each other, whatever way it takes: the codes and problems, how things look, what
//! commands are given with. No HTTP and no sockets: [`crate::http`] and [`crate::ws`] carry it.

mod code;
mod fields;
mod host_args;
mod problem;
mod rate_limit;
pub(crate) mod refusal;
mod rsvp_args;
pub mod time;
mod values;
pub(crate) mod views;
mod words;

pub use code::Code;
pub use fields::Fields;
pub use host_args::{BulkBody, PromoteArgs, PromoteBody, RemoveArgs, RsvpArgs};
pub use problem::{FieldError, Problem};
pub use rate_limit::{RateLimit, RatePolicy};
pub use rsvp_args::{GroupArgs, GuestArgs, ReserveArgs, TransferArgs, UpdateArgs};
pub use values::{Lines, Object, Search, Word, clearable, present};
pub(crate) use words::validation_problem;
