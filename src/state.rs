//! What handlers of requests and messages share.

use std::ops::Deref;
use std::sync::Arc;

use turnout_actors::domain::ActivityId;
use turnout_actors::ports::{Clock, IdSource};
use turnout_actors::{Engine, EngineError};

use crate::accounts::Accounts;
use crate::api::{Problem, refusal};
use crate::attendee_pages::AttendeePages;
use crate::codes::CheckInCodes;
use crate::config::Config;
use crate::guest_limits::GuestLimits;
use crate::rsvp_index::RsvpIndex;
use crate::store::Db;
use crate::ws::Sockets;

/// The parts that handlers use. One pointer, so that handing it to each request costs next to nothing.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// What there is in the state.
pub struct Parts {
    /// What the operator chose.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Accounts and sessions.
    pub accounts: Accounts,
    /// What guests show at the door.
    pub codes: CheckInCodes,
    /// How often guests may come.
    pub guest_limits: GuestLimits,
    /// The booking engine.
    pub engine: Engine,
    /// WebSockets, and who watches what.
    pub sockets: Arc<Sockets>,
    /// Later pages of who comes to an activity.
    pub attendee_pages: AttendeePages,
    /// Which activity an RSVP belongs to.
    pub rsvps: RsvpIndex,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn IdSource>,
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl AppState {
    /// An engine's error, as it is told now to whoever asked for this activity.
    pub(crate) fn refusal(&self, error: EngineError, activity: ActivityId) -> Problem {
        refusal::problem(error, activity, self.clock.now())
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
