//! What the kinds of runs share: the server they are aimed at, how hard they try, and what they bring home.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::attempt::{Attempts, TimeLimits};
use crate::client::TransportError;
use crate::clock;
use crate::host::HostError;
use crate::shared::SharedTally;
use crate::tally::Tally;
use crate::target::Target;
use crate::verdict::Finding;

/// A server and the secret that it checks tokens by.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is.
    pub target: Target,
    /// Its secret.
    pub secret: String,
}

/// How a run goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// How long the commands may take all together before what is unanswered is given up.
    pub deadline: Duration,
    /// How long one try may take.
    pub request_timeout: Duration,
    /// What randomness is drawn from.
    pub seed: u64,
}

impl Effort {
    /// The connections of one phase, which has the whole deadline for itself.
    pub(crate) fn connections(&self, target: &Target, tally: &SharedTally) -> Vec<Attempts> {
        let limits = TimeLimits {
            request_timeout: self.request_timeout,
            give_up_at: clock::now() + self.deadline,
        };
        (0..self.connections as u64)
            .map(|index| Attempts::new(target.clone(), limits, Arc::clone(tally), self.seed ^ index))
            .collect()
    }
}

/// What a run found out.
#[derive(Debug)]
pub struct Outcome {
    /// What was counted.
    pub tally: Tally,
    /// From the first command to the last answer.
    pub elapsed: Duration,
    /// CPU time that the client used in that time.
    pub client_cpu: Duration,
    /// How many activities were judged.
    pub activities: usize,
    /// What the verdict found.
    pub findings: Vec<ActivityFinding>,
}

/// A finding, and about what.
#[derive(Clone, Debug)]
pub struct ActivityFinding {
    /// The activity in words.
    pub activity: String,
    /// What is wrong.
    pub finding: Finding,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Creating or reading back failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Connecting failed before the clock started.
    #[error("{connected} connections are open, the next one failed")]
    Connect {
        /// How many there are.
        connected: usize,
        /// Why there are no more.
        source: TransportError,
    },
    /// Minting tokens failed.
    #[error("cannot mint tokens")]
    Tokens(#[from] jsonwebtoken::errors::Error),
    /// A connection's task ended without its result.
    #[error("a task of the load test failed")]
    Task(#[from] tokio::task::JoinError),
    /// There is nothing to do.
    #[error("the history has no events")]
    NothingToReplay,
}

/// Wall clock and CPU clock of the part of a run that is measured.
pub(crate) struct Stopwatch {
    pub(crate) started: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            started: clock::now(),
            cpu: clock::cpu_time(),
        }
    }

    /// Elapsed time and CPU time.
    pub(crate) fn stop(&self) -> (Duration, Duration) {
        (
            clock::now() - self.started,
            clock::cpu_time().saturating_sub(self.cpu),
        )
    }
}

/// Opens every connection before the clock starts.
pub(crate) async fn open_all(connections: &mut [Attempts]) -> Result<(), RunError> {
    for (connected, attempts) in connections.iter_mut().enumerate() {
        attempts
            .open()
            .await
            .map_err(|source| RunError::Connect { connected, source })?;
    }
    Ok(())
}

/// The path of a person's own RSVP.
pub(crate) fn rsvp_path(activity: Uuid) -> String {
    format!("/api/v1/activities/{activity}/rsvp")
}
