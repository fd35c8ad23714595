//! A process full of watchers: it takes an order, watches, and reports.

use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Map;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Bytes;

use super::arrivals::{Arrivals, Step};
use super::feed::{Difference, Feed, Mode, News, State};
use super::roll::Roll;
use super::watcher::{Common, Watcher};
use super::{CameBack, Finished, Order, Report, Tell, TroubleKind, Watched, note};
use crate::client::TransportError;
use crate::clock;
use crate::shared::lock;
use crate::tally::Latencies;

/// What goes on.
#[derive(Clone)]
pub(super) enum Phase {
    Watch,
    /// Whoever is cut off is not lost.
    Braced,
    /// Everybody comes back, counted from then on.
    ComeBack {
        since_us: u64,
    },
    /// How each activity has ended.
    Finish(Arc<[State]>),
}

/// Does what it is told on standard input, and reports on standard output.
pub async fn run() -> anyhow::Result<()> {
    let report = |report: Report| {
        println!("{}", serde_json::to_string(&report)?);
        Ok(())
    };
    serve(listen(), report).await
}

/// Does what it is told, and ends at once when nobody is there any more to tell it anything.
async fn serve(
    mut told: UnboundedReceiver<String>,
    mut report: impl FnMut(Report) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let order = told.recv().await.context("there is no order")?;
    let order: Order = serde_json::from_str(&order)?;
    let common = Arc::new(Common::new(order));
    let ledger = &common.ledger;
    let (phases, phase) = watch::channel(Phase::Watch);
    let mut watchers = JoinSet::new();
    for number in common.order.first..common.order.first + common.order.watchers {
        watchers.spawn(Watcher::new(Arc::clone(&common), number, phase.clone()).run());
    }
    if while_led(&mut told, ledger.nobody_awaited()).await?.is_none() {
        return Ok(());
    }
    report(match ledger.failure() {
        None => Report::Ready,
        Some(why) => Report::Failed(why),
    })?;
    let mut cpu_before = clock::cpu_time();
    while let Some(line) = told.recv().await {
        match serde_json::from_str(&line)? {
            Tell::Begin => cpu_before = clock::cpu_time(),
            Tell::Brace => {
                phases.send_replace(Phase::Braced);
                report(Report::Braced)?;
            }
            Tell::ComeBack => {
                ledger.send_away();
                let since_us = clock::machine_us();
                phases.send_replace(Phase::ComeBack { since_us });
                if while_led(&mut told, ledger.nobody_awaited()).await?.is_none() {
                    return Ok(());
                }
                report(Report::CameBack(ledger.came_back_all()))?;
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
                let all_ended = async {
                    while let Some(ended) = watchers.join_next().await {
                        ended?;
                    }
                    anyhow::Ok(())
                };
                return match while_led(&mut told, all_ended).await? {
                    None => Ok(()),
                    Some(ended) => {
                        ended?;
                        report(Report::Watched(Box::new(ledger.add_up(&finished, cpu))))
                    }
                };
            }
        }
    }
    Ok(())
}

/// Waits for something as long as somebody leads; `None` once nobody does.
async fn while_led<T>(
    told: &mut UnboundedReceiver<String>,
    work: impl Future<Output = T>,
) -> anyhow::Result<Option<T>> {
    tokio::select! {
        biased;
        done = work => Ok(Some(done)),
        word = told.recv() => match word {
            None => Ok(None),
            Some(word) => bail!("told {word} before there was an answer to the last word"),
        },
    }
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

/// What the watchers of a process know together.
pub(super) struct Ledger {
    feed: Mutex<Feed>,
    arrivals: Mutex<Arrivals>,
    counts: Mutex<Counts>,
    /// Whenever somebody may have been the last who was awaited.
    changed: Notify,
    /// How many read all the time, of each activity.
    readers: Vec<u64>,
    /// Where those begin who are not told where they are.
    nothing: Arc<State>,
}

struct Counts {
    roll: Roll,
    failure: Option<String>,
    came_back: CameBack,
    current: Latencies,
    watched: Watched,
}

impl Ledger {
    pub(super) fn new(order: &Order) -> Self {
        Self {
            feed: Mutex::new(Feed::new(order.encoding, order.activities.len())),
            arrivals: Mutex::new(Arrivals::since(clock::machine_us())),
            counts: Mutex::new(Counts {
                roll: Roll::new(order.first, order.watchers),
                failure: None,
                came_back: CameBack::default(),
                current: Latencies::default(),
                watched: Watched::default(),
            }),
            changed: Notify::new(),
            readers: order.readers(),
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

    /// Somebody came a step further.
    pub(super) fn stepped(&self, step: Step, at_us: u64) {
        lock(&self.arrivals).note(step, at_us);
    }

    /// The frame of a difference was so large.
    pub(super) fn read_bytes(&self, bytes: usize) {
        lock(&self.arrivals).note_bytes(bytes);
    }

    /// Somebody is there for the first time.
    pub(super) fn is_there(&self, number: u32) {
        lock(&self.counts).roll.is_there(number);
        self.changed.notify_one();
    }

    /// Somebody will not be there.
    pub(super) fn stays_away(&self, why: String) {
        lock(&self.counts).failure.get_or_insert(why);
    }

    /// Somebody watches no more.
    pub(super) fn has_ended(&self, number: u32) {
        lock(&self.counts).roll.has_ended(number);
        self.changed.notify_one();
    }

    /// Somebody is current again.
    pub(super) fn came_back(&self, number: u32, since_us: u64, mode: Mode) {
        let mut counts = lock(&self.counts);
        counts.roll.is_there(number);
        let took = clock::machine_us().saturating_sub(since_us);
        counts.current.record_us(took);
        let came_back = &mut counts.came_back;
        match mode {
            Mode::Live => came_back.live += 1,
            Mode::Replay => came_back.replayed += 1,
            Mode::Snapshot => came_back.snapshots += 1,
        }
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

    /// Waits until everybody is there or has ended.
    pub(super) async fn nobody_awaited(&self) {
        while !lock(&self.counts).roll.is_complete() {
            self.changed.notified().await;
        }
    }

    fn failure(&self) -> Option<String> {
        lock(&self.counts).failure.clone()
    }

    /// Nobody is back yet.
    pub(super) fn send_away(&self) {
        let mut counts = lock(&self.counts);
        counts.roll.send_away();
        counts.came_back = CameBack::default();
        counts.current = Latencies::default();
    }

    pub(super) fn came_back_all(&self) -> CameBack {
        let mut counts = lock(&self.counts);
        let mut came_back = std::mem::take(&mut counts.came_back);
        came_back.current_us = counts.current.pairs();
        came_back
    }

    pub(super) fn add_up(&self, finished: &[Finished], cpu: Duration) -> Watched {
        let mut watched = std::mem::take(&mut lock(&self.counts).watched);
        lock(&self.arrivals).add_up(finished, &self.readers, &mut watched);
        watched.cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        watched
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::UnboundedSender;
    use tokio::time::timeout;

    use super::*;
    use crate::testing::scripted_sessions::Reply::{self, Add, Hang, Say};
    use crate::testing::scripted_sessions::ScriptedSessions;
    use crate::watch::testing::{FOLLOWS, order_of_one};

    /// Far more than anything here takes.
    const IN_TIME: Duration = Duration::from_secs(30);

    struct Led {
        tell: UnboundedSender<String>,
        reports: UnboundedReceiver<Report>,
        squad: tokio::task::JoinHandle<anyhow::Result<()>>,
    }

    /// A squad of one who watches a server that follows a script.
    async fn lead(script: Vec<Vec<Reply>>) -> Led {
        let server = ScriptedSessions::start(script).await;
        let (tell, told) = unbounded_channel();
        let (reported, reports) = unbounded_channel();
        let squad = tokio::spawn(serve(told, move |report| Ok(reported.send(report)?)));
        let led = Led { tell, reports, squad };
        led.tell(&order_of_one(&server.target()));
        led
    }

    impl Led {
        fn tell(&self, word: &impl serde::Serialize) {
            self.tell.send(serde_json::to_string(word).unwrap()).unwrap();
        }

        async fn report(&mut self) -> Report {
            let report = timeout(IN_TIME, self.reports.recv()).await;
            report.expect("there is a report in time").unwrap()
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_watcher_that_has_ended_and_its_trouble_is_told() {
        let refused = r#"{"type":"error","code":"internal","detail":"","retry":"never"}"#;
        // The second is for whoever is told to come back before it has read the refusal.
        let refuses = vec![Say(FOLLOWS), Add(refused)];
        let mut led = lead(vec![refuses.clone(), refuses]).await;
        assert!(matches!(led.report().await, Report::Ready));
        led.tell(&Tell::Brace);
        assert!(matches!(led.report().await, Report::Braced));
        led.tell(&Tell::ComeBack);
        assert!(matches!(led.report().await, Report::CameBack(_)));
        let further = Finished {
            seq: 5,
            ..Finished::default()
        };
        led.tell(&Tell::Finish(vec![further]));
        let Report::Watched(watched) = led.report().await else {
            panic!("this is the end");
        };
        assert_eq!(watched.troubles.len(), 1, "{watched:?}");
        led.squad.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_squad_does_not_outlive_whoever_leads_it() {
        let mut led = lead(vec![vec![Say(FOLLOWS), Hang]]).await;
        assert!(matches!(led.report().await, Report::Ready));
        // The server is gone for good, and there is an hour to come back.
        led.tell(&Tell::Brace);
        led.tell(&Tell::ComeBack);
        drop(led.tell);
        let ended = timeout(IN_TIME, led.squad).await;
        ended.expect("it ends in time").unwrap().unwrap();
    }
}
