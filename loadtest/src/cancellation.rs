//! Cancelling a large activity beside a burst on another: whether whoever has nothing to do with it notices.
//!
//! It owns the pairs: an activity is filled, then there is a burst on another one, and then the same again while the
//! full one is cancelled. Bursts are judged like others; of what is cancelled it is looked whether it is so at once.

mod filling;

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;

use self::filling::Filled;
use crate::burst::plan;
use crate::burst::rush::Rush;
use crate::host::open_settings;
use crate::report::{CancellationFigures, CancelledBeside, Measured, Paired};
use crate::run::{ActivityFinding, Effort, End, Outcome, RunError, Server, faults, open_all, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};

/// How long it is quiet before each burst, so that what was before has left the disk alone.
const QUIET: Duration = Duration::from_secs(2);

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct CancellationOptions {
    /// RSVPs of the activity that is cancelled: half of them confirmed, half of them waiting.
    pub rsvps: u32,
    /// How many people want seats in each burst.
    pub people: u32,
    /// How many seats there are for them.
    pub seats: u32,
    /// How many pairs of bursts.
    pub rounds: u32,
}

/// Runs all pairs against `server` and judges the bursts. What is counted is added to `tally` after every burst.
pub async fn run(
    server: &Server,
    options: &CancellationOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let (mut pairs, mut end, mut findings) = (Vec::new(), End::default(), Vec::new());
    for number in 1..=options.rounds {
        let rounds = options.rounds;
        tell(
            progress,
            &format!("round {number} of {rounds}: {} RSVPs …", options.rsvps),
        );
        let filled = Filled::with(server, effort, options.rsvps).await?;
        findings.extend(faults(filled.around()));
        for beside in [None, Some(filled)] {
            let what = if beside.is_some() {
                "beside the cancel"
            } else {
                "alone"
            };
            sleep(QUIET).await;
            tell(progress, &format!("round {number} of {rounds}: a burst {what} …"));
            let own = SharedTally::default();
            let played = play(server, options, beside, effort, progress, &own).await;
            lock(tally).absorb(&lock(&own));
            let played = played?;
            pairs.push(Paired::of(number, &lock(&own), played.cancelled));
            end = end.and(played.end);
            findings.extend(played.findings);
        }
    }
    findings.splice(0..0, faults(tally));
    Ok(Outcome {
        activities: pairs.len(),
        end,
        findings,
        measured: Some(Measured::Cancellation(Box::new(CancellationFigures::of(
            options.rsvps,
            pairs,
        )))),
    })
}

struct Played {
    cancelled: Option<CancelledBeside>,
    end: End,
    findings: Vec<ActivityFinding>,
}

/// One burst, at whose start the full activity is cancelled if there is one.
async fn play(
    server: &Server,
    options: &CancellationOptions,
    beside: Option<Filled>,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Played, RunError> {
    let plan = Plan {
        title: format!("Burst of {} people beside a cancel", options.people),
        settings: open_settings(options.seats),
        people: options.people,
    };
    let scene = Arc::new(Scene::set(server, effort, progress, tally, plan).await?);
    lock(tally).planned = u64::from(options.people);
    progress.set_length(u64::from(options.people));
    progress.set_position(0);
    let rush = Rush {
        parts: plan::draw(options.people, 0.0, 0.0, effort.seed),
        rate: None,
    };
    let mut lines = effort.connections(&server.target, tally);
    open_all(&mut lines).await?;
    lock(tally).start();
    let cancel = async {
        match beside {
            Some(filled) => filled.cancel().await.map(Some),
            None => Ok(None),
        }
    };
    let rushed = async {
        let rushed = rush.run(&scene, lines).await;
        lock(tally).stop();
        rushed
    };
    let (rushed, cancelled) = tokio::join!(rushed, cancel);
    let (rushed, cancelled) = (rushed?, cancelled?);
    let judged = scene.judged(rushed.records, rushed.unasked).await?;
    let mut findings = judged.findings;
    let beside = cancelled.as_ref().map(|cancelled| cancelled.beside);
    if let Some(cancelled) = cancelled {
        findings.extend(cancelled.findings().await?);
    }
    Ok(Played {
        cancelled: beside,
        end: judged.end,
        findings,
    })
}
