//! The first command to a large activity after the server was started: how long loading it takes, its keys included.
//!
//! It owns the starts. The server is stopped as its owner would and started again where it was; what it takes to serve is
//! told apart. Files are still in the machine's memory then, as after most restarts.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::{Deed, Stage, drive};
use crate::field::{Field, FieldJudged};
use crate::history::{Outcome as Fate, Record, Ticks};
use crate::line::Put;
use crate::report::{ColdFigures, ColdStart, Measured};
use crate::run::{ActivityFinding, Effort, Outcome, RunError, faults, tell};
use crate::shared::{SharedTally, lock};
use crate::throwaway::ThrowawayServer;
use crate::tokens::Person;
use crate::usage::Watched;
use crate::verdict::Finding;

/// How many come in one go.
const PIECE: usize = 50_000;

/// How much of everything.
#[derive(Clone, Debug)]
pub struct ColdOptions {
    /// How many RSVPs each activity has, one after the other.
    pub rsvps: Vec<u32>,
    /// How often the server is started for each.
    pub starts: u32,
}

/// Fills each activity, restarts the server, and times the first command.
pub async fn run(
    throwaway: &mut ThrowawayServer,
    options: &ColdOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let mut starts = Vec::new();
    let mut judged = FieldJudged::none();
    for rsvps in &options.rsvps {
        let server = throwaway.server().clone();
        let seats = rsvps.saturating_add(1);
        let field = Field::set(&server, effort, "Cold", 1, seats).await?;
        tell(progress, &format!("{rsvps} RSVPs, each with a key …"));
        progress.set_length(u64::from(*rsvps));
        progress.set_position(0);
        // In pieces, each of which has the whole deadline.
        for from in (0..u64::from(*rsvps)).step_by(PIECE) {
            let to = (from + PIECE as u64).min(u64::from(*rsvps));
            field.fill(from..to, Watched::default(), progress, tally).await?;
        }
        let late = Late {
            newcomer: field.person(u64::from(*rsvps))?,
            first: field.person(0)?,
            field: &field,
            stage: Stage {
                ticks: Ticks::default(),
                tally: SharedTally::clone(tally),
            },
        };
        for number in 0..options.starts {
            tell(progress, &format!("start {} of {} …", number + 1, options.starts));
            let start = throwaway.stop_and_start_again().await?;
            let mut line = effort.connections(&server.target, tally).swap_remove(0);
            line.open()
                .await
                .map_err(|source| RunError::Connect { connected: 0, source })?;
            let first_ms = late.come_or_go(&mut line, number * 2).await;
            let next_ms = late.come_or_go(&mut line, number * 2 + 1).await;
            starts.push(ColdStart {
                rsvps: *rsvps,
                start_ms: start.as_secs_f64() * 1_000.0,
                first_ms,
                next_ms,
            });
            judged.findings.extend(late.repeat(&mut line).await);
        }
        tell(progress, "reading back and judging …");
        judged.add(field.judged().await?);
    }
    judged.findings.splice(0..0, faults(tally));
    Ok(Outcome {
        activities: judged.activities,
        end: judged.end,
        findings: judged.findings,
        measured: Some(Measured::Cold(Box::new(ColdFigures::of(starts)))),
    })
}

/// Who comes after a start.
struct Late<'a> {
    newcomer: Person,
    /// The first who came when the activity was filled.
    first: Person,
    field: &'a Field,
    stage: Stage,
}

impl Late<'_> {
    /// The newcomer takes the last seat, or gives it back; in turn.
    async fn come_or_go(&self, line: &mut Attempts, number: u32) -> f64 {
        let deed = match number % 2 {
            0 => Deed::Reserve { guest_count: 0 },
            _ => Deed::Cancel,
        };
        let key = format!("{}-late-{number}", self.field.key(0));
        let (record, took) = self.put(line, &self.newcomer, deed, &key).await;
        self.field.note(&record);
        took.as_secs_f64() * 1_000.0
    }

    /// The first who came does so again, with the key of that time, which the server must know.
    async fn repeat(&self, line: &mut Attempts) -> Option<ActivityFinding> {
        let deed = Deed::Reserve { guest_count: 0 };
        let (record, _) = self.put(line, &self.first, deed, &self.field.key(0)).await;
        let is_known = matches!(&record.outcome, Fate::Acknowledged { answer, .. } if answer.replayed);
        (!is_known).then(|| ActivityFinding {
            activity: self.field.activity().unwrap_or_default().to_string(),
            finding: Finding::WrongAnswer {
                person: record.name,
                seq: 1,
                field: "replayed",
                said: format!("{:?}", record.outcome),
                expected: "the first answer again, for its key".to_owned(),
            },
        })
    }

    async fn put(&self, line: &mut Attempts, person: &Person, deed: Deed, key: &str) -> (Record, Duration) {
        let put = Put {
            activity: self.field.activity().unwrap_or_default(),
            person,
            deed,
            key,
        };
        lock(&self.stage.tally).planned += 1;
        let asked: Instant = clock::now();
        let record = drive(line, &self.stage, &put, asked).await.record;
        (record, clock::now() - asked)
    }
}
