//! A process full of watchers: it takes an order, watches, and reports.

use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use serde_json::Map;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Bytes;

use super::arrivals::{Arrivals, distribution, pairs};
use super::feed::{Difference, Feed, Mode, News, State};
use super::watcher::{Common, Watcher};
use super::{CameBack, Finished, Order, Report, Tell, TroubleKind, Watched, note};
use crate::client::TransportError;
use crate::clock;
use crate::shared::lock;
use crate::target::Target;
use crate::ws::Sources;

/// How many may be opening their first socket at once.
const OPENING: usize = 64;

/// What goes on.
#[derive(Clone)]
pub(super) enum Phase {
    Watch,
    /// Everybody comes back, counted from then on.
    ComeBack {
        since_us: u64,
    },
    /// How each activity has ended.
    Finish(Arc<[State]>),
}

/// Does what it is told on standard input, and reports on standard output.
pub async fn run() -> anyhow::Result<()> {
    let mut told = listen();
    let order = told.recv().await.context("there is no order")?;
    let order: Order = serde_json::from_str(&order)?;
    let ledger = Arc::new(Ledger::new(&order));
    let common = Arc::new(Common {
        target: Target::at(order.server),
        sources: Sources::starting_at(order.first),
        ledger: Arc::clone(&ledger),
        opening: Semaphore::new(OPENING),
        order,
    });
    let (phases, phase) = watch::channel(Phase::Watch);
    let mut watchers = JoinSet::new();
    for number in common.order.first..common.order.first + common.order.watchers {
        watchers.spawn(Watcher::new(Arc::clone(&common), number, phase.clone()).run());
    }
    ledger.all(|counts| counts.there).await;
    report(&match ledger.failure() {
        None => Report::Ready,
        Some(why) => Report::Failed(why),
    })?;
    let mut cpu_before = clock::cpu_time();
    while let Some(line) = told.recv().await {
        match serde_json::from_str(&line)? {
            Tell::Begin => cpu_before = clock::cpu_time(),
            Tell::ComeBack => {
                ledger.send_away();
                let since_us = clock::machine_us();
                phases.send_replace(Phase::ComeBack { since_us });
                ledger.all(|counts| counts.back).await;
                report(&Report::CameBack(ledger.came_back_all()))?;
            }
            Tell::Finish(finished) => {
                if finished.len() != common.order.activities.len() {
                    bail!("not every activity is told how it has ended");
                }
                // What comes after this is not measured.
                let cpu = clock::cpu_time().saturating_sub(cpu_before);
                let last = finished
                    .iter()
                    .map(|finished| State::new(finished.seq, finished.fields.clone()));
                phases.send_replace(Phase::Finish(last.collect()));
                while let Some(ended) = watchers.join_next().await {
                    ended?;
                }
                return report(&Report::Watched(Box::new(ledger.add_up(&finished, cpu))));
            }
        }
    }
    Ok(())
}

/// Lines of standard input, read beside everything else; none any more once nobody is there to write them.
fn listen() -> UnboundedReceiver<String> {
    let (heard, told) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if heard.send(line).is_err() {
                return;
            }
        }
    });
    told
}

fn report(report: &Report) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}

/// What the watchers of a process know together.
pub(super) struct Ledger {
    watchers: u32,
    feed: Mutex<Feed>,
    arrivals: Mutex<Arrivals>,
    counts: Mutex<Counts>,
    /// Whenever one of the counts may have become that of all.
    changed: Notify,
    /// Where those begin who are not told where they are.
    nothing: Arc<State>,
}

struct Counts {
    there: u32,
    failure: Option<String>,
    back: u32,
    came_back: CameBack,
    current: Histogram<u64>,
    watched: Watched,
}

impl Ledger {
    fn new(order: &Order) -> Self {
        Self {
            watchers: order.watchers,
            feed: Mutex::new(Feed::new(order.encoding, order.activities.len())),
            arrivals: Mutex::new(Arrivals::since(clock::machine_us())),
            counts: Mutex::new(Counts {
                there: 0,
                failure: None,
                back: 0,
                came_back: CameBack::default(),
                current: distribution(),
                watched: Watched::default(),
            }),
            changed: Notify::new(),
            nothing: Arc::new(State::new(0, Map::new())),
        }
    }

    pub(super) fn nothing(&self) -> Arc<State> {
        Arc::clone(&self.nothing)
    }

    pub(super) fn read(&self, frame: &Bytes) -> Result<Arc<[News]>, TransportError> {
        lock(&self.feed).read(frame)
    }

    pub(super) fn adopt(&self, seq: u64, snapshot: &Map<String, serde_json::Value>) -> Arc<State> {
        lock(&self.feed).adopt(seq, snapshot)
    }

    pub(super) fn apply(&self, state: &Arc<State>, difference: &Arc<Difference>) -> Arc<State> {
        lock(&self.feed).apply(state, difference)
    }

    pub(super) fn arrived(&self, activity: usize, difference: &Difference, bytes: usize, at_us: u64) {
        let mut arrivals = lock(&self.arrivals);
        arrivals.note(activity, difference.prev, difference.seq, at_us);
        arrivals.note_bytes(bytes);
    }

    /// Somebody is there for the first time, or will not be.
    pub(super) fn is_there(&self, opened: Result<(), String>) {
        let mut counts = lock(&self.counts);
        counts.there += 1;
        if let Err(why) = opened {
            counts.failure.get_or_insert(why);
        }
        self.changed.notify_one();
    }

    pub(super) fn came_back(&self, since_us: u64, mode: Mode) {
        let mut counts = lock(&self.counts);
        counts.back += 1;
        let took = clock::machine_us().saturating_sub(since_us);
        counts.current.saturating_record(took.max(1));
        let came_back = &mut counts.came_back;
        match mode {
            Mode::Live => came_back.live += 1,
            Mode::Replay => came_back.replayed += 1,
            Mode::Snapshot => came_back.snapshots += 1,
        }
        self.changed.notify_one();
    }

    pub(super) fn stayed_away(&self) {
        lock(&self.counts).back += 1;
        self.changed.notify_one();
    }

    pub(super) fn failed_try(&self) {
        lock(&self.counts).came_back.failed_tries += 1;
    }

    pub(super) fn slow_closed(&self) {
        lock(&self.counts).watched.slow.closed += 1;
    }

    /// Somebody has read to the end.
    pub(super) fn ended(&self, is_slow: bool, snapshots: u64) {
        let watched = &mut lock(&self.counts).watched;
        match (is_slow, snapshots) {
            (false, _) => watched.snapshots += snapshots,
            (true, 0) => watched.slow.kept_up += 1,
            (true, _) => watched.slow.behind += 1,
        }
    }

    pub(super) fn trouble(&self, kind: TroubleKind, first: impl FnOnce() -> String) {
        note(&mut lock(&self.counts).watched.troubles, kind, 1, first);
    }

    /// Waits until this is the number of all watchers.
    async fn all(&self, count: impl Fn(&Counts) -> u32) {
        while count(&lock(&self.counts)) < self.watchers {
            self.changed.notified().await;
        }
    }

    fn failure(&self) -> Option<String> {
        lock(&self.counts).failure.clone()
    }

    /// Nobody is back yet.
    fn send_away(&self) {
        let mut counts = lock(&self.counts);
        counts.back = 0;
        counts.came_back = CameBack::default();
        counts.current.reset();
    }

    fn came_back_all(&self) -> CameBack {
        let mut counts = lock(&self.counts);
        let mut came_back = std::mem::take(&mut counts.came_back);
        came_back.current_us = pairs(&counts.current);
        came_back
    }

    fn add_up(&self, finished: &[Finished], cpu: Duration) -> Watched {
        let mut watched = std::mem::take(&mut lock(&self.counts).watched);
        lock(&self.arrivals).add_up(finished, &mut watched);
        watched.cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        watched
    }
}
