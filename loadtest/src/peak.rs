//! The most that a server carries, found out just before it is needed: a short closed loop, in which everybody reserves
//! and cancels in turn and the next command follows the answer.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::alternate::{self, AlternateOptions, Played};
use crate::run::{Effort, RunError, Server, Via, tell};
use crate::shared::{SharedTally, lock};

/// How it is found out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    pub(crate) via: Via,
    /// Connections or sockets, each with one command in flight.
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
}

/// Runs the loop, judges it, and adds what was counted to `tally`.
pub(crate) async fn find(
    server: &Server,
    search: &Search,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Played, RunError> {
    tell(progress, "looking for the peak …");
    let effort = Effort {
        connections: search.connections,
        ..*effort
    };
    let options = AlternateOptions {
        vias: vec![search.via],
        seats: None,
        duration: search.duration,
        rounds: 1,
    };
    let own = SharedTally::default();
    let played = alternate::play(server, &options, search.via, &effort, progress, &own).await;
    lock(tally).absorb(&lock(&own));
    played
}
