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
//!
//! Beside that way, and in nobody's: the newest counts go to a `CountMirror`, and what is in memory is compared with
//! what the mirror and the journal have.
//!
//! ```text
//! ActivityActor ── newest counts ──▶ Outgoing ── Mirroring ──▶ CountMirror
//! ```

mod activity_actor;
mod answers;
mod callers;
mod committer;
mod directory;
pub mod domain;
mod engine;
mod error;
mod expiring;
pub mod feed;
mod guarded;
mod key;
mod live;
pub mod metrics;
mod mirror;
mod options;
pub mod ports;
mod recount;
mod reply_port;
mod submission;
#[cfg(feature = "testing")]
pub mod testing;

pub use answers::Answers;
pub use callers::Reply;
pub use engine::{Engine, Made, Order, Seen, StartFailed};
pub use error::EngineError;
pub use key::{InvalidKey, Key};
pub use options::Options;
pub use reply_port::CommandResult;
pub use submission::Submission;
