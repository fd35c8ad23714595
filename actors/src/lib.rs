//! The booking engine of Turnout: one supervised actor per activity.
//!
//! [`domain`] holds the rules and knows nothing of the rest; [`ports`] are the few traits that the engine needs
//! from outside; the actors use both. Outside, only [`Engine`] is seen.
//!
//! ```text
//! Engine ── permit, lookup ──▶ ActivityActor ── batch ──▶ Committer ── transaction ──▶ Journal
//!    ▲                             │  ▲                       │
//!    └──────── replies ────────────┘  └────── outcome ────────┘
//! ```

mod activity_actor;
mod callers;
mod committer;
mod directory;
pub mod domain;
mod engine;
mod error;
pub mod feed;
mod guarded;
mod key;
mod live;
pub mod metrics;
mod options;
pub mod ports;
#[cfg(feature = "testing")]
pub mod testing;

pub use callers::Reply;
pub use engine::{Engine, Made, Order, StartFailed};
pub use error::EngineError;
pub use key::{InvalidKey, Key};
pub use options::Options;
