//! More than a server can carry: what is left of its work then, how it sends away what it cannot do, and how soon it is
//! what it was before.
//!
//! It owns the phases: the peak is found in a closed loop, and then people come at a rate of their own, whatever is
//! answered: at half of the peak, above it, at half of it again, far above it, and at half of it to the end. All of that is
//! one activity, which is read back and judged.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::history::Record;
use crate::host::open_settings;
use crate::line::Knock;
use crate::open_loop::OpenLoop;
use crate::peak::{self, Search};
use crate::report::{Measured, OverloadFigures, OverloadPhase};
use crate::run::{Effort, Outcome, RunError, Server, Via, faults, open_all, open_sockets, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::tokens::Person;
use crate::usage::{Meter, Watched};

/// How much of everything.
#[derive(Clone, Debug)]
pub struct OverloadOptions {
    /// What carries the commands.
    pub via: Via,
    /// Connections or sockets of the closed loop that finds the peak.
    pub peak_connections: usize,
    /// How long that loop takes.
    pub peak_for: Duration,
    /// How long each phase takes.
    pub duration: Duration,
    /// The rates above the peak, as shares of it.
    pub shares: Vec<f64>,
    /// The normal rate, as a share of the peak.
    pub normal: f64,
    /// How long somebody comes again.
    pub patience: Duration,
    /// How many people there are over REST; over WebSockets as many as sockets.
    pub people: u32,
    /// The database's first process, where it is known.
    pub database: Option<u32>,
}

/// Runs all phases against `server` and judges what was done.
pub async fn run(
    server: &Server,
    options: &OverloadOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let search = Search {
        via: options.via,
        connections: options.peak_connections,
        duration: options.peak_for,
    };
    let peak = peak::find(server, &search, effort, progress, tally).await?;
    let peak_per_s = peak.round.committed_per_s().max(1.0);

    let people = match options.via {
        Via::Rest => options.people,
        Via::Ws(_) => u32::try_from(effort.connections).unwrap_or(u32::MAX),
    };
    let plan = Plan {
        title: "Overload".to_owned(),
        settings: open_settings(people),
        people,
    };
    let mut scene = Scene::set(server, effort, progress, tally, plan).await?;
    let cast = Arc::new(std::mem::take(&mut scene.people));
    tell(progress, &format!("opening {} lines …", effort.connections));
    let (phases, records) = match options.via {
        Via::Rest => {
            let mut lines = effort.connections(&server.target, tally);
            open_all(&mut lines).await?;
            let crowd = Crowd::new(&scene, cast, lines, false, options);
            crowd.play(peak_per_s).await
        }
        Via::Ws(encoding) => {
            let mut lines = effort.socket_lines(&server.target, encoding, tally);
            open_sockets(&mut lines, &cast).await?;
            let crowd = Crowd::new(&scene, cast, lines, true, options);
            crowd.play(peak_per_s).await
        }
    };
    let judged = scene.judged(records, 0).await?;
    let mut findings = faults(tally);
    findings.extend(peak.findings);
    findings.extend(judged.findings);
    let figures = OverloadFigures::of(options.via.as_str(), peak_per_s, phases);
    Ok(Outcome {
        activities: 2,
        end: peak.end.and(judged.end),
        findings,
        measured: Some(Measured::Overload(Box::new(figures))),
    })
}

/// Those who come, and how.
struct Crowd<'a, L> {
    scene: &'a Scene,
    options: &'a OverloadOptions,
    people: OpenLoop<L>,
    watched: Watched,
}

impl<'a, L: Knock> Crowd<'a, L> {
    fn new(
        scene: &'a Scene,
        cast: Arc<Vec<Person>>,
        lines: Vec<L>,
        bound: bool,
        options: &'a OverloadOptions,
    ) -> Self {
        let stage = Arc::clone(&scene.stage);
        let (run_id, seed) = (scene.run_id, scene.effort.seed);
        let mut people = OpenLoop::new(stage, cast, run_id, lines, bound, options.patience, seed);
        people.go_to(0, scene.activity);
        let watched = Watched {
            server: scene.server.pid,
            database: options.database,
        };
        Self {
            scene,
            options,
            people,
            watched,
        }
    }

    /// All phases, one after the other without a pause.
    async fn play(mut self, peak_per_s: f64) -> (Vec<OverloadPhase>, Vec<Record>) {
        let normal = ("normal", self.options.normal);
        let mut shares = vec![normal];
        for share in &self.options.shares {
            shares.extend([("overload", *share), normal]);
        }
        lock(&self.scene.stage.tally).start();
        let mut measured = Vec::new();
        for (name, share) in shares {
            let rate = peak_per_s * share;
            tell(
                &self.scene.progress,
                &format!(
                    "{name}: {rate:.0} people per s, {:.0} % of the peak …",
                    share * 100.0
                ),
            );
            let meter = Meter::start(self.watched);
            let mut most_bytes = self.watched.server_bytes();
            let watched = self.watched;
            let note = |_: &mut OpenLoop<L>| most_bytes = most_bytes.max(watched.server_bytes());
            self.people.phase(rate, self.options.duration, note).await;
            measured.push((name, share, meter.used(), most_bytes));
        }
        self.people.finish(|_| ()).await;
        lock(&self.scene.stage.tally).stop();
        let counted = self.people.phases();
        let phases = measured.into_iter().zip(counted);
        let phases = phases.map(|((name, share, usage, most_bytes), counted)| {
            OverloadPhase::of(name, share, counted, usage, most_bytes)
        });
        let phases = phases.collect();
        let records = self.people.take_records().into_iter().map(|(_, record)| record);
        (phases, records.collect())
    }
}
