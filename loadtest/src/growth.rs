//! One activity that grows from nothing to very many RSVPs: whether an RSVP costs more when there are many already, and
//! what each takes in memory.
//!
//! It owns the windows. Those around the full size take turns with windows around a small size on fresh activities, in
//! the same minutes of the same run, because machines drift.

use std::sync::Arc;

use indicatif::ProgressBar;

use crate::field::{Field, FieldJudged};
use crate::report::{Grown, GrowthFigures, Measured, Stretch, Window};
use crate::run::{Effort, Outcome, RunError, Server, faults, tell};
use crate::shared::SharedTally;
use crate::usage::Watched;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct GrowthOptions {
    /// How many RSVPs the large activity has in the middle of its windows.
    pub rsvps: u32,
    /// How many a small one has in the middle of its window.
    pub small: u32,
    /// How many RSVPs a window has.
    pub window: u32,
    /// How many windows of either size.
    pub rounds: u32,
    /// The database's first process, where it is known.
    pub database: Option<u32>,
}

/// How many steps the large activity grows in, at the ends of which memory is looked at.
const STEPS: u64 = 20;

/// Fills, measures and judges.
pub async fn run(
    server: &Server,
    options: &GrowthOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let growth = Growth {
        server,
        options,
        effort,
        progress,
        tally,
        watched: Watched {
            server: server.pid,
            database: options.database,
        },
    };
    let (window, rounds) = (u64::from(options.window), u64::from(options.rounds));
    let measured_in_all = window * rounds;
    let before_windows = u64::from(options.rsvps).saturating_sub(measured_in_all / 2);
    let seats = u32::try_from(before_windows + measured_in_all).unwrap_or(u32::MAX);
    let large = Field::set(server, effort, "Growth", 1, seats).await?;
    progress.set_length(before_windows + measured_in_all);
    let grown = growth.grow(&large, before_windows).await?;

    let mut judged = FieldJudged::none();
    let mut windows = Vec::new();
    for round in 0..rounds {
        tell(
            progress,
            &format!("window {} of {rounds} of either size …", round + 1),
        );
        let from = before_windows + round * window;
        let mut turns = [true, false];
        if round % 2 == 1 {
            turns.reverse();
        }
        for is_large in turns {
            let (at, stretch) = if is_large {
                (from, growth.fill(&large, from..from + window).await?)
            } else {
                let (at, stretch, round) = growth.small().await?;
                judged.add(round);
                (at, stretch)
            };
            windows.push(Window {
                is_large,
                around: at + window / 2,
                stretch,
            });
        }
    }
    tell(progress, "reading back and judging …");
    judged.add(large.judged().await?);
    judged.findings.splice(0..0, faults(tally));
    let name_bytes = average_name_bytes(&large, before_windows)?;
    Ok(Outcome {
        activities: judged.activities,
        end: judged.end,
        findings: judged.findings,
        measured: Some(Measured::Growth(Box::new(GrowthFigures::of(
            windows, grown, name_bytes,
        )))),
    })
}

struct Growth<'a> {
    server: &'a Server,
    options: &'a GrowthOptions,
    effort: &'a Effort,
    progress: &'a ProgressBar,
    tally: &'a SharedTally,
    watched: Watched,
}

impl Growth<'_> {
    async fn fill(&self, field: &Arc<Field>, people: std::ops::Range<u64>) -> Result<Stretch, RunError> {
        field.fill(people, self.watched, self.progress, self.tally).await
    }

    /// Lets the large activity grow to this size, and looks at the server's memory on the way.
    async fn grow(&self, field: &Arc<Field>, to: u64) -> Result<Vec<Grown>, RunError> {
        let look = |rsvps: u64, per_s: f64| Grown {
            rsvps,
            per_s,
            server_bytes: self.watched.server_bytes(),
        };
        let mut grown = vec![look(0, 0.0)];
        tell(self.progress, &format!("growing to {to} RSVPs …"));
        let mut from = 0;
        for step in 1..=STEPS {
            let until = to * step / STEPS;
            if until > from {
                let stretch = self.fill(field, from..until).await?;
                grown.push(look(until, stretch.per_s));
                from = until;
            }
        }
        Ok(grown)
    }

    /// One window on a small activity of its own; answers where it began, too.
    async fn small(&self) -> Result<(u64, Stretch, FieldJudged), RunError> {
        let window = u64::from(self.options.window);
        let from = u64::from(self.options.small).saturating_sub(window / 2);
        let seats = u32::try_from(from + window).unwrap_or(u32::MAX);
        let field = Field::set(self.server, self.effort, "Small", 1, seats).await?;
        if from > 0 {
            self.fill(&field, 0..from).await?;
        }
        let stretch = self.fill(&field, from..from + window).await?;
        Ok((from, stretch, field.judged().await?))
    }
}

/// How long the names are that the server keeps, the only texts of these RSVPs.
fn average_name_bytes(field: &Field, people: u64) -> Result<f64, RunError> {
    let probes = 100.min(people.max(1));
    let mut bytes = 0;
    for probe in 0..probes {
        bytes += field.person(people * probe / probes)?.name.len();
    }
    Ok(bytes as f64 / probes as f64)
}
