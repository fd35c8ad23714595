//! A long time at a rate below the peak: whether memory grows, answers become slower, or something is lost.
//!
//! It owns the turns: every now and then people go on to a new activity, so that nothing has a reason to grow. Histories
//! of that length are not kept: each activity has a ledger, and is judged by its log when everybody has left it, page by
//! page while the run goes on, at a pace that leaves room for it. The last ones are judged at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::Stage;
use crate::field::FieldJudged;
use crate::history::Ticks;
use crate::host::{Host, NewActivity, open_settings};
use crate::ledger::Ledger;
use crate::open_loop::OpenLoop;
use crate::peak::{self, Search};
use crate::process::Process;
use crate::report::{Measured, SoakFigures, SoakMinute};
use crate::run::{ActivityFinding, Effort, Outcome, RunError, Server, Via, faults, open_all, tell};
use crate::shared::{SharedTally, lock};
use crate::tokens::{Mint, Person};
use crate::usage::{Meter, Watched};

/// How long somebody comes again.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause after each page of a log of 1,000 events: at the most some 20,000 events are read each second.
const PAGE_PAUSE: Duration = Duration::from_millis(50);

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct SoakOptions {
    /// Commands per second; where it is not said, a share of the peak, which is found first.
    pub rate: Option<f64>,
    /// That share.
    pub share: f64,
    /// Connections of the closed loop that finds the peak.
    pub peak_connections: usize,
    /// How long that loop takes.
    pub peak_for: Duration,
    /// For how long people come.
    pub duration: Duration,
    /// After how long they go on to another activity; memory and latencies are told for each such turn.
    pub turn: Duration,
    /// How many people there are, each with a seat.
    pub people: u32,
    /// The database's first process, where it is known.
    pub database: Option<u32>,
}

/// Runs it against `server` and judges every activity.
pub async fn run(
    server: &Server,
    options: &SoakOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let mut judged = FieldJudged::none();
    let mut peak_per_s = None;
    let rate = match options.rate {
        Some(rate) => rate,
        None => {
            let search = Search {
                via: Via::Rest,
                connections: options.peak_connections,
                duration: options.peak_for,
            };
            let peak = peak::find(server, &search, effort, progress, tally).await?;
            judged.activities += 1;
            judged.end = judged.end.and(peak.end);
            judged.findings.extend(peak.findings);
            let found = peak.round.committed_per_s().max(1.0);
            peak_per_s = Some(found);
            found * options.share
        }
    };
    let soak = Soak::begin(server, options, effort, progress, tally).await?;
    let watched = Watched {
        server: server.pid,
        database: options.database,
    };
    let (minutes, rest) = soak.play(rate, watched).await?;
    judged.add(rest);
    judged.findings.splice(0..0, faults(tally));
    let figures = SoakFigures::of(rate, peak_per_s, minutes, watched.database_bytes());
    Ok(Outcome {
        activities: judged.activities,
        end: judged.end,
        findings: judged.findings,
        measured: Some(Measured::Soak(Box::new(figures))),
    })
}

struct Soak<'a> {
    server: &'a Server,
    options: &'a SoakOptions,
    effort: &'a Effort,
    progress: &'a ProgressBar,
    tally: &'a SharedTally,
    host: Person,
    run_id: Uuid,
    /// What is asked beside the commands.
    around: SharedTally,
    crowd: OpenLoop<Attempts>,
    ledgers: BTreeMap<u64, Ledger>,
    to_judge: UnboundedSender<Ledger>,
    judge: JoinHandle<Result<FieldJudged, RunError>>,
}

impl<'a> Soak<'a> {
    async fn begin(
        server: &'a Server,
        options: &'a SoakOptions,
        effort: &'a Effort,
        progress: &'a ProgressBar,
        tally: &'a SharedTally,
    ) -> Result<Self, RunError> {
        let run_id = clock::run_id();
        let mint = Mint::new(&server.secret, clock::unix_s());
        let host = mint.host(run_id)?;
        let people: Result<Vec<Person>, _> = (0..u64::from(options.people))
            .map(|number| mint.member(effort.seed, number))
            .collect();
        let effort_in_all = Effort {
            deadline: effort.deadline + options.duration,
            ..*effort
        };
        let mut lines = effort_in_all.connections(&server.target, tally);
        open_all(&mut lines).await?;
        let around = SharedTally::default();
        let stage = Arc::new(Stage {
            ticks: Ticks::default(),
            tally: Arc::clone(tally),
        });
        let people = Arc::new(people?);
        let crowd = OpenLoop::new(stage, people, run_id, lines, false, PATIENCE, effort.seed);
        let (to_judge, ledgers) = unbounded_channel();
        let line = effort_in_all.backstage(&server.target, &around).swap_remove(0);
        let judge = tokio::spawn(judge_all(line, host.clone(), ledgers));
        Ok(Self {
            server,
            options,
            effort,
            progress,
            tally,
            host,
            run_id,
            around,
            crowd,
            ledgers: BTreeMap::new(),
            to_judge,
            judge,
        })
    }

    async fn play(mut self, rate: f64, watched: Watched) -> Result<(Vec<SoakMinute>, FieldJudged), RunError> {
        let own = Process::with_id(std::process::id());
        let mut left = self.options.duration;
        let mut minutes: Vec<SoakMinute> = Vec::new();
        let mut passed_s = 0.0;
        lock(self.tally).start();
        while left > Duration::ZERO {
            let number = minutes.len() as u64;
            let turn = left.min(self.options.turn);
            self.go_on(number).await?;
            tell(
                self.progress,
                &format!("activity {} at {rate:.0} commands per s …", number + 1),
            );
            let meter = Meter::start(watched);
            let (ledgers, tally) = (&mut self.ledgers, self.tally);
            let note = |crowd: &mut OpenLoop<_>| take_down(crowd, ledgers, tally);
            self.crowd.phase(rate, turn, note).await;
            for over in self.crowd.over() {
                self.hand_over(over);
            }
            passed_s += turn.as_secs_f64();
            let counted = self.crowd.phases().last();
            let Some(counted) = counted else { break };
            minutes.push(SoakMinute::of(
                passed_s,
                counted,
                meter.used(),
                watched.server_bytes(),
                // The server may be a child of this process.
                own.own_resident_bytes(),
            ));
            self.crowd.forget_phases();
            left -= turn;
        }
        let (ledgers, tally) = (&mut self.ledgers, self.tally);
        let note = |crowd: &mut OpenLoop<_>| take_down(crowd, ledgers, tally);
        self.crowd.finish(note).await;
        lock(self.tally).stop();
        tell(self.progress, "judging the last activities …");
        let all: Vec<u64> = self.ledgers.keys().copied().collect();
        for number in all {
            self.hand_over(number);
        }
        drop(self.to_judge);
        let mut judged = self.judge.await??;
        judged.findings.splice(0..0, faults(&self.around));
        Ok((minutes, judged))
    }

    /// From now on people come to a new activity.
    async fn go_on(&mut self, number: u64) -> Result<(), RunError> {
        let mut line = self
            .effort
            .backstage(&self.server.target, &self.around)
            .swap_remove(0);
        let seats = self.options.people;
        let new = NewActivity::of(format!("Soak {}", number + 1), &open_settings(seats));
        let key = format!("soak-{}-{number}", self.run_id);
        let activity = Host::new(&mut line, &self.host).create(&new, &key).await?;
        self.ledgers
            .insert(number, Ledger::of(activity, u64::from(seats)));
        self.crowd.go_to(number, activity);
        Ok(())
    }

    /// Whoever judges gets what was acknowledged there.
    fn hand_over(&mut self, number: u64) {
        if let Some(ledger) = self.ledgers.remove(&number) {
            // Where nobody takes it, judging has failed, which is told at the end.
            let _ = self.to_judge.send(ledger);
        }
    }
}

/// Puts what was answered into the ledgers, and forgets what a long run must not keep.
fn take_down(crowd: &mut OpenLoop<Attempts>, ledgers: &mut BTreeMap<u64, Ledger>, tally: &SharedTally) {
    for (number, record) in crowd.take_records() {
        if let Some(ledger) = ledgers.get_mut(&number) {
            ledger.note(&record);
        }
    }
    // The course has it, in longer slots.
    lock(tally).acknowledged_by_unix_ms.clear();
}

/// Judges one activity after the other, until there will be no more.
async fn judge_all(
    mut line: Attempts,
    host: Person,
    mut ledgers: UnboundedReceiver<Ledger>,
) -> Result<FieldJudged, RunError> {
    let mut judged = FieldJudged::none();
    while let Some(ledger) = ledgers.recv().await {
        let activity = ledger.activity().to_string();
        let mut host = Host::new(&mut line, &host);
        let (end, found) = ledger.judged(&mut host, || sleep(PAGE_PAUSE)).await?;
        judged.add(FieldJudged {
            activities: 1,
            end,
            findings: found
                .into_iter()
                .map(|finding| ActivityFinding {
                    activity: activity.clone(),
                    finding,
                })
                .collect(),
        });
    }
    Ok(judged)
}
