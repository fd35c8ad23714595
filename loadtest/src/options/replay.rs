//! A replay on the command line.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use turnout_loadtest::replay::plan::{EventPlan, plan};
use turnout_loadtest::replay::{row, synthetic};
use turnout_loadtest::report::{Asked, AskedKind};

use super::every_run::{CONNECTIONS, EveryRunArgs};

/// How many events a made-up history has unless told.
const SYNTHETIC_EVENTS: usize = 200;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("history").required(true).args(["file", "synthetic"]))]
pub(crate) struct ReplayArgs {
    /// The history: a CSV file with rsvp_id, event_id, member_id, guests, response, created, mtime.
    pub(super) file: Option<PathBuf>,
    /// Make a history up from this seed.
    #[arg(long, value_name = "SEED")]
    pub(crate) synthetic: Option<u64>,
    /// How many events [default: all of the file, or 200 made-up ones].
    #[arg(long)]
    pub(crate) events: Option<usize>,
    #[command(flatten)]
    pub(crate) every: EveryRunArgs,
}

impl ReplayArgs {
    /// The events to be replayed.
    pub(crate) fn plans(&self) -> anyhow::Result<Vec<EventPlan>> {
        let rows = match (&self.file, self.synthetic) {
            (Some(file), _) => {
                let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
                row::read_rows(input).with_context(|| format!("{} is no history", file.display()))?
            }
            (None, Some(seed)) => synthetic::rows(seed, self.events.unwrap_or(SYNTHETIC_EVENTS)),
            (None, None) => bail!("a replay needs a file or --synthetic"),
        };
        let mut plans = plan(&rows);
        plans.truncate(self.events.unwrap_or(usize::MAX));
        Ok(plans)
    }

    pub(crate) fn asked(&self, plans: &[EventPlan]) -> Asked {
        let history = match (&self.file, self.synthetic) {
            (None, Some(seed)) => format!("made up from seed {seed}"),
            (file, _) => file.as_deref().unwrap_or(Path::new("")).display().to_string(),
        };
        let steps = || plans.iter().flat_map(|plan| &plan.steps);
        let kind = AskedKind::Replay {
            history,
            events: plans.len(),
            people: steps().map(|step| step.member_id).collect::<HashSet<_>>().len(),
            seats: plans.iter().map(|plan| u64::from(plan.capacity)).sum(),
            commands: steps().count(),
        };
        self.every.asked(kind, CONNECTIONS)
    }
}
