//! What the kinds of runs share: the server they are aimed at, how hard they try, and what they bring home.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::attempt::{Attempts, TimeLimits};
use crate::client::TransportError;
use crate::clock;
use crate::host::HostError;
use crate::line::SocketLine;
use crate::report::Measured;
use crate::seen::{LastState, SeenStatus};
use crate::shared::{SharedTally, lock};
use crate::target::Target;
use crate::throwaway::ThrowawayError;
use crate::tokens::Person;
use crate::verdict::Finding;
use crate::ws::{Encoding, Sources};

/// How long creating and reading back go on where nobody is there to answer: whatever happens to a server in
/// mid-run, it is over by then.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// A server and the secret that it checks tokens by.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it is.
    pub target: Target,
    /// Its secret.
    pub secret: String,
    /// Its process, where that is on this machine and known.
    pub pid: Option<u32>,
}

/// What carries the commands of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// Requests over kept-alive connections.
    Rest,
    /// A WebSocket for each person.
    Ws(Encoding),
}

impl Via {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Ws(Encoding::Json) => "ws",
            Self::Ws(Encoding::Msgpack) => "ws (msgpack)",
        }
    }
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
    /// The connections for the commands. A server may die and come back under them.
    pub(crate) fn connections(&self, target: &Target, tally: &SharedTally) -> Vec<Attempts> {
        self.attempts(target, tally, self.deadline)
    }

    /// The connections for what comes before and after the commands, which has the whole deadline for itself
    /// again, but not on a server that is gone.
    pub(crate) fn backstage(&self, target: &Target, tally: &SharedTally) -> Vec<Attempts> {
        self.attempts(target, tally, SILENCE_LIMIT)
    }

    /// The lines over WebSockets, for the commands as well.
    pub(crate) fn socket_lines(
        &self,
        target: &Target,
        encoding: Encoding,
        tally: &SharedTally,
    ) -> Vec<SocketLine> {
        let limits = self.limits(self.deadline);
        let sources = Sources::starting_at(0);
        (0..self.connections as u64)
            .map(|index| {
                let (target, sources) = (target.clone(), sources.clone());
                let seed = self.seed ^ index;
                SocketLine::new(target, encoding, sources, limits, Arc::clone(tally), seed)
            })
            .collect()
    }

    fn attempts(&self, target: &Target, tally: &SharedTally, silence_limit: Duration) -> Vec<Attempts> {
        let limits = self.limits(silence_limit);
        (0..self.connections as u64)
            .map(|index| Attempts::new(target.clone(), limits, Arc::clone(tally), self.seed ^ index))
            .collect()
    }

    fn limits(&self, silence_limit: Duration) -> TimeLimits {
        TimeLimits {
            request_timeout: self.request_timeout,
            give_up_at: clock::now() + self.deadline,
            silence_limit,
        }
    }
}

/// What a run found out, beside what was counted on the way.
#[derive(Debug)]
pub struct Outcome {
    /// How many activities were judged.
    pub activities: usize,
    /// How they were left.
    pub end: End,
    /// What the verdict found.
    pub findings: Vec<ActivityFinding>,
    /// What was measured beside the answers.
    pub measured: Option<Measured>,
}

/// How full activities were left, as the server shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct End {
    /// Spots in all.
    pub capacity: u64,
    /// Spots held.
    pub confirmed_spots: u64,
    /// Parties that wait.
    pub waitlisted_parties: u64,
    /// Spots that they wait for.
    pub waitlisted_spots: u64,
    /// RSVPs that came from the waitlist.
    pub promoted: u64,
    /// RSVPs that are cancelled.
    pub cancelled: u64,
}

impl End {
    /// How one activity was left.
    pub fn of(last: &LastState) -> Self {
        let counts = &last.activity.counts;
        let promoted = last.events.iter().filter(|event| event.kind == "promoted");
        let cancelled = last
            .rsvps
            .iter()
            .filter(|rsvp| rsvp.status == SeenStatus::Cancelled);
        Self {
            capacity: counts.capacity,
            confirmed_spots: counts.confirmed_spots,
            waitlisted_parties: counts.waitlisted_parties,
            waitlisted_spots: counts.waitlisted_spots,
            promoted: promoted.count() as u64,
            cancelled: cancelled.count() as u64,
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            capacity: self.capacity + other.capacity,
            confirmed_spots: self.confirmed_spots + other.confirmed_spots,
            waitlisted_parties: self.waitlisted_parties + other.waitlisted_parties,
            waitlisted_spots: self.waitlisted_spots + other.waitlisted_spots,
            promoted: self.promoted + other.promoted,
            cancelled: self.cancelled + other.cancelled,
        }
    }
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
    /// Too many came for the time that was given.
    #[error(
        "only {connected} of {people} people were at the door when it was about to open: let it open later"
    )]
    Opened {
        /// How many there are.
        connected: usize,
        /// How many there should be.
        people: usize,
    },
    /// Minting tokens failed.
    #[error("cannot mint tokens")]
    Tokens(#[from] jsonwebtoken::errors::Error),
    /// A connection's task ended without its result.
    #[error("a task of the load test failed")]
    Task(#[from] tokio::task::JoinError),
    /// Those who watch did not do what they were told.
    #[error("the watchers failed: {0}")]
    Watchers(String),
    /// The server could not be killed or started again.
    #[error(transparent)]
    Server(#[from] ThrowawayError),
    /// What was to be compared with does not work.
    #[error("Nchan failed: {0}")]
    Nchan(String),
    /// There is nothing to do.
    #[error("the history has no events")]
    NothingToReplay,
}

/// Wall clock and CPU clock of the part of a run that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    started: Instant,
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
    pub(crate) fn elapsed(&self) -> (Duration, Duration) {
        (
            clock::now() - self.started,
            clock::cpu_time().saturating_sub(self.cpu),
        )
    }
}

/// Says what goes on now, beside the progress that is shown.
pub(crate) fn tell(progress: &ProgressBar, what: &str) {
    progress.suspend(|| eprintln!("{what}"));
}

/// What the server said that no sound server says, whatever it was asked.
pub(crate) fn faults(tally: &SharedTally) -> Vec<ActivityFinding> {
    let tally = lock(tally);
    let faults = tally.faults.iter().map(|(answer, count)| ActivityFinding {
        activity: "the server".to_owned(),
        finding: Finding::ServerFault {
            answer: answer.clone(),
            count: *count,
        },
    });
    faults.collect()
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

/// Opens a socket for everybody before the clock starts.
pub(crate) async fn open_sockets(lines: &mut [SocketLine], people: &[Person]) -> Result<(), RunError> {
    for (connected, (line, person)) in lines.iter_mut().zip(people).enumerate() {
        line.open(person)
            .await
            .map_err(|source| RunError::Connect { connected, source })?;
    }
    Ok(())
}

/// The path of a person's own RSVP.
pub(crate) fn rsvp_path(activity: Uuid) -> String {
    format!("/api/v1/activities/{activity}/rsvp")
}
