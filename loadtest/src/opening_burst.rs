//! The burst that a booking system is there for: everybody wants a seat at the moment when sales open, there are far too
//! few, and some change their mind. It tells how long it takes until the last of them has an answer.

use indicatif::ProgressBar;

use crate::burst::{self, BurstOptions};
use crate::report::{Measured, OpeningBurstFigures};
use crate::run::{Effort, Outcome, RunError, Server};
use crate::shared::{SharedTally, lock};
use crate::usage::Watched;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct OpeningBurstOptions {
    /// Who wants what.
    pub burst: BurstOptions,
    /// The database's first process, where it is known.
    pub database: Option<u32>,
}

/// Runs it against `server` and judges everything.
pub async fn run(
    server: &Server,
    options: &OpeningBurstOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let watched = Watched {
        server: server.pid,
        database: options.database,
    };
    let (outcome, usage) = burst::measured(server, &options.burst, effort, progress, tally, watched).await?;
    let figures = OpeningBurstFigures::of(options.burst.people, &lock(tally), usage);
    Ok(Outcome {
        measured: Some(Measured::OpeningBurst(figures)),
        ..outcome
    })
}
