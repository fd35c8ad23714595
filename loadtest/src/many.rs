//! Very many activities at once, in turn, against one with as many RSVPs: what it costs a server that its work is spread.
//!
//! It owns the rounds. Both kinds have the same people, the same commands and fresh activities in each round, and take
//! turns in going first.

use indicatif::ProgressBar;

use crate::field::{Field, FieldJudged};
use crate::report::{ManyFigures, Measured, Spread, Stretch};
use crate::run::{Effort, Outcome, RunError, Server, faults, tell};
use crate::shared::SharedTally;
use crate::usage::Watched;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct ManyOptions {
    /// How many activities are live.
    pub activities: u32,
    /// How many RSVPs each of them has in the end.
    pub rsvps_each: u32,
    /// Rounds of each kind.
    pub rounds: u32,
    /// The database's first process, where it is known.
    pub database: Option<u32>,
}

/// Runs all rounds against `server` and judges every activity.
pub async fn run(
    server: &Server,
    options: &ManyOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let mut stretches: Vec<(Spread, Stretch)> = Vec::new();
    let mut judged = FieldJudged::none();
    for number in 1..=options.rounds {
        let mut kinds = [Spread::Many, Spread::One];
        if number.is_multiple_of(2) {
            kinds.reverse();
        }
        for kind in kinds {
            let what = format!("round {number} of {}, {} …", options.rounds, kind.as_str());
            tell(progress, &what);
            let (stretch, round) = play(server, options, kind, effort, progress, tally).await?;
            stretches.push((kind, stretch));
            judged.add(round);
        }
    }
    judged.findings.splice(0..0, faults(tally));
    Ok(Outcome {
        activities: judged.activities,
        end: judged.end,
        findings: judged.findings,
        measured: Some(Measured::Many(Box::new(ManyFigures::of(stretches)))),
    })
}

async fn play(
    server: &Server,
    options: &ManyOptions,
    kind: Spread,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<(Stretch, FieldJudged), RunError> {
    let rsvps = u64::from(options.activities) * u64::from(options.rsvps_each);
    let (activities, seats) = match kind {
        Spread::Many => (options.activities, options.rsvps_each),
        Spread::One => (1, u32::try_from(rsvps).unwrap_or(u32::MAX)),
    };
    let field = Field::set(server, effort, kind.as_str(), activities as usize, seats).await?;
    let watched = Watched {
        server: server.pid,
        database: options.database,
    };
    progress.set_length(rsvps);
    progress.set_position(0);
    let stretch = field.fill(0..rsvps, watched, progress, tally).await?;
    Ok((stretch, field.judged().await?))
}
