//! One watcher: a socket that follows one activity, from its first snapshot to the last difference.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_tungstenite::tungstenite::Bytes;

use super::arrivals::{By, Step};
use super::feed::{Difference, Mode, News, State, Subscribed};
use super::squad::{Ledger, Phase};
use super::{Order, Service, TroubleKind};
use crate::client::TransportError;
use crate::clock;
use crate::line::fault;
use crate::target::Target;
use crate::ws::{CLOSED_SLOW, Opening, PATH, Say, Socket, Sources, Subscription};

/// What the kernel takes in for somebody who does not read: as little as it can.
const SLOW_RECEIVE_BYTES: u32 = 4_096;
/// How many may be opening their first socket at once.
const OPENING: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What all watchers of a process share.
pub(super) struct Common {
    pub(super) order: Order,
    pub(super) target: Target,
    pub(super) sources: Sources,
    pub(super) ledger: Arc<Ledger>,
    /// Whose turn it is to open its first socket.
    pub(super) opening: Semaphore,
}

impl Common {
    pub(super) fn new(order: Order) -> Self {
        Self {
            target: Target::at(order.server),
            sources: Sources::starting_at(order.first),
            ledger: Arc::new(Ledger::new(&order)),
            opening: Semaphore::new(OPENING),
            order,
        }
    }
}

pub(super) struct Watcher {
    common: Arc<Common>,
    number: u32,
    /// The index of what it follows.
    activity: usize,
    is_slow: bool,
    phases: watch::Receiver<Phase>,
    /// `None` while it is cut off.
    socket: Option<Socket>,
    /// Where it is; `None` before its first snapshot.
    position: Option<Position>,
    snapshots: u64,
    /// How it came to be where it is, the last time that it had to be told.
    mode: Mode,
    /// Whether it is back after the kill.
    is_back: bool,
}

struct Position {
    epoch: i64,
    state: Arc<State>,
    /// Where a replay ends that is still under way.
    replays_until: u64,
}

/// What happens next to somebody who watches.
enum Next {
    Frame(Result<Bytes, TransportError>),
    Phase,
}

impl Watcher {
    pub(super) fn new(common: Arc<Common>, number: u32, phases: watch::Receiver<Phase>) -> Self {
        Self {
            activity: common.order.activity_of(number),
            is_slow: common.order.is_slow(number),
            phases,
            socket: None,
            position: None,
            snapshots: 0,
            mode: Mode::Live,
            is_back: false,
            number,
            common,
        }
    }

    /// From its first socket to the end.
    pub(super) async fn run(mut self) {
        self.watch().await;
        self.common.ledger.has_ended(self.number);
    }

    async fn watch(&mut self) {
        let ledger = Arc::clone(&self.common.ledger);
        let opened = {
            let common = Arc::clone(&self.common);
            let _turn = common.opening.acquire().await;
            self.open(clock::now() + common.order.opens_within()).await
        };
        if let Err(error) = opened {
            return ledger.stays_away(error.told());
        }
        self.snapshots = 0;
        ledger.is_there(self.number);
        loop {
            match self.next().await {
                Next::Frame(Ok(frame)) => {
                    if let Err(error) = self.take(&frame) {
                        return self.is_lost(&error);
                    }
                }
                Next::Frame(Err(error)) => {
                    self.socket = None;
                    if !self.is_excused(&error) {
                        return self.is_lost(&error);
                    }
                }
                Next::Phase => {
                    let phase = self.phases.borrow_and_update().clone();
                    match phase {
                        Phase::Watch | Phase::Braced => {}
                        Phase::ComeBack { since_us } => {
                            if let Err(error) = self.come_back(since_us).await {
                                return ledger.trouble(TroubleKind::Behind, || error.told());
                            }
                        }
                        Phase::Finish(last) => {
                            let activity = self.activity;
                            return self.finish(&last[activity]).await;
                        }
                    }
                }
            }
        }
    }

    /// Whoever is slow or cut off waits to be told.
    async fn next(&mut self) -> Next {
        let changed = self.phases.changed();
        let socket = self.socket.as_mut().filter(|_| !self.is_slow);
        let frame = async {
            match socket {
                Some(socket) => socket.hear().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = frame => Next::Frame(frame),
            _ = changed => Next::Phase,
        }
    }

    /// Whether being cut off like this is what a kill does that was announced. Nothing excuses what no sound server says.
    fn is_excused(&self, error: &TransportError) -> bool {
        let is_announced = matches!(*self.phases.borrow(), Phase::Braced | Phase::ComeBack { .. });
        is_announced && !self.is_back && fault(error).is_none()
    }

    fn is_lost(&self, error: &TransportError) {
        self.common.ledger.trouble(TroubleKind::Lost, || error.told());
    }

    /// Opens a socket and follows the activity from where it is, until it is current.
    async fn open(&mut self, give_up_at: Instant) -> Result<(), TransportError> {
        let common = Arc::clone(&self.common);
        let order = &common.order;
        let opened = timeout_at(give_up_at, async {
            let activity = order.activities[self.activity];
            let pushed = format!("/sub/{activity}");
            let (path, encoding) = match order.service {
                Service::Turnout => (PATH, Some(order.encoding)),
                Service::Nchan => (&*pushed, None),
            };
            let mut socket = Socket::open(&Opening {
                target: &common.target,
                path,
                encoding,
                source: common.sources.next_to(order.server),
                receive_bytes: self.is_slow.then_some(SLOW_RECEIVE_BYTES),
                deadline: give_up_at - clock::now(),
            })
            .await?;
            if order.service == Service::Nchan {
                self.position = Some(Position {
                    epoch: 0,
                    state: common.ledger.nothing(),
                    replays_until: 0,
                });
                return Ok(socket);
            }
            let from = self.position.as_ref();
            let subscription = Subscription {
                activity,
                epoch: from.map(|position| position.epoch),
                seq: from.map(|position| position.state.seq),
            };
            let hello = Say::Hello {
                token: None,
                subscribe: &[subscription],
            };
            socket.say(&hello).await?;
            let mut is_subscribed = false;
            while !is_subscribed || self.is_replaying() {
                let frame = socket.hear().await?;
                is_subscribed |= self.take(&frame)?;
            }
            Ok(socket)
        });
        self.socket = Some(opened.await.map_err(|_| TransportError::Deadline)??);
        Ok(())
    }

    fn is_replaying(&self) -> bool {
        self.position
            .as_ref()
            .is_some_and(|position| position.state.seq < position.replays_until)
    }

    /// Takes a frame in; says whether it told where the subscription stands.
    fn take(&mut self, frame: &Bytes) -> Result<bool, TransportError> {
        let at_us = clock::machine_us();
        let news = self.common.ledger.read(frame)?;
        let mut is_subscribed = false;
        for news in &*news {
            match news {
                News::Difference(difference) => self.apply(difference, frame.len(), at_us),
                News::Subscribed(told) => {
                    self.subscribed(told, at_us);
                    is_subscribed = true;
                }
                News::Refused(code) => {
                    return Err(TransportError::Refused { answer: code.clone() });
                }
                News::Other => {}
            }
        }
        Ok(is_subscribed)
    }

    fn subscribed(&mut self, told: &Subscribed, at_us: u64) {
        let ledger = Arc::clone(&self.common.ledger);
        self.mode = told.mode;
        let before = self.position.take();
        let state = match (&told.snapshot, told.mode, before) {
            (Some(snapshot), Mode::Snapshot, before) => {
                self.snapshots += 1;
                // While a socket is being opened, it is the answer to what was asked.
                let is_unasked = self.socket.is_some();
                if let Some(before) = before.filter(|_| is_unasked) {
                    self.stepped(before.state.seq, told.seq, By::Snapshot, at_us);
                }
                ledger.adopt(told.seq, snapshot)
            }
            (None, Mode::Live, Some(position))
                if position.state.seq == told.seq && position.epoch == told.epoch =>
            {
                position.state
            }
            (None, Mode::Replay, Some(position)) if position.epoch == told.epoch => position.state,
            (_, mode, before) => {
                ledger.trouble(TroubleKind::Gap, || {
                    let seq = before.as_ref().map(|position| position.state.seq);
                    format!("subscribed with {mode:?} at {} for one at {seq:?}", told.seq)
                });
                before.map_or_else(|| ledger.nothing(), |position| position.state)
            }
        };
        self.position = Some(Position {
            epoch: told.epoch,
            state,
            replays_until: told.seq,
        });
    }

    fn apply(&mut self, difference: &Arc<Difference>, frame_bytes: usize, at_us: u64) {
        let ledger = &self.common.ledger;
        let Some(position) = &mut self.position else {
            ledger.trouble(TroubleKind::Gap, || {
                "a difference before the first snapshot".to_owned()
            });
            return;
        };
        let mine = position.state.seq;
        if difference.seq <= mine {
            return;
        }
        if difference.prev != mine || difference.activity != self.common.order.activities[self.activity] {
            ledger.trouble(TroubleKind::Gap, || {
                format!("{} to {} for one at {mine}", difference.prev, difference.seq)
            });
        }
        position.state = ledger.apply(&position.state, difference);
        if !self.is_slow {
            ledger.read_bytes(frame_bytes);
            self.stepped(difference.prev, difference.seq, By::Difference, at_us);
        }
    }

    /// Notes when it learned of what had happened; whoever does not read all the time says nothing about the server.
    fn stepped(&self, prev: u64, seq: u64, by: By, at_us: u64) {
        if !self.is_slow {
            let activity = self.activity;
            let step = Step {
                activity,
                prev,
                seq,
                by,
            };
            self.common.ledger.stepped(step, at_us);
        }
    }

    /// Opens a new socket and tries until it is current, or until time is up.
    async fn come_back(&mut self, since_us: u64) -> Result<(), TransportError> {
        let ledger = Arc::clone(&self.common.ledger);
        let give_up_at = clock::now() + self.common.order.within();
        self.socket = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.open(give_up_at).await {
                Ok(()) => {
                    self.is_back = true;
                    ledger.came_back(self.number, since_us, self.mode);
                    return Ok(());
                }
                Err(error) => error,
            };
            if fault(&error).is_some() {
                self.is_lost(&error);
            }
            if clock::now() + pause >= give_up_at {
                return Err(error);
            }
            ledger.failed_try();
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads to the end, also if it has not read for a while, and compares.
    async fn finish(&mut self, last: &State) {
        let ledger = Arc::clone(&self.common.ledger);
        let give_up_at = clock::now() + self.common.order.within();
        let read = self.read_until(last.seq, give_up_at).await;
        let is_slow = self.is_slow;
        match read {
            Err(TransportError::ClosedWith { code: CLOSED_SLOW }) if is_slow => return ledger.slow_closed(),
            // What the kernel had kept for it is lost with the connection, the close frame included.
            Err(TransportError::Closed | TransportError::Socket(_)) if is_slow => {
                return ledger.slow_closed();
            }
            Err(TransportError::Deadline) => ledger.trouble(TroubleKind::Behind, || {
                let seq = self.position.as_ref().map(|position| position.state.seq);
                format!("at {seq:?} where the last is {}", last.seq)
            }),
            Err(error) => self.is_lost(&error),
            Ok(()) => {
                let state = self.position.as_ref().map(|position| &position.state);
                if let Some(wrong) = state.and_then(|state| state.first_difference(last)) {
                    ledger.trouble(TroubleKind::Differs, || wrong);
                }
                ledger.ended(is_slow, self.snapshots);
            }
        }
        if let Some(socket) = self.socket.take() {
            socket.leave().await;
        }
    }

    async fn read_until(&mut self, seq: u64, give_up_at: Instant) -> Result<(), TransportError> {
        while self
            .position
            .as_ref()
            .is_none_or(|position| position.state.seq < seq)
        {
            let socket = self.socket.as_mut().ok_or(TransportError::Closed)?;
            let frame = timeout_at(give_up_at, socket.hear())
                .await
                .map_err(|_| TransportError::Deadline)??;
            self.take(&frame)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::testing::scripted_sessions::Reply::{self, Hang, Leave, Say};
    use crate::testing::scripted_sessions::ScriptedSessions;
    use crate::watch::testing::{FOLLOWS, order_of_one};
    use crate::watch::{CameBack, Finished, Watched};

    /// Far more than anything here takes.
    const IN_TIME: Duration = Duration::from_secs(30);
    /// The answer to whoever comes back to where it was.
    const MISSED_NOTHING: Reply = Say("{\"type\":\"welcome\",\"session\":\"s\"}\n\
        {\"type\":\"subscribed\",\"epoch\":1,\"seq\":4,\"mode\":\"live\"}");

    /// What one watcher saw from `phase` on, and how it came back if it was told to.
    async fn watch(script: Vec<Vec<Reply>>, begins: Phase, comes_back: bool) -> (Watched, CameBack) {
        let server = ScriptedSessions::start(script).await;
        let common = Arc::new(Common::new(order_of_one(&server.target())));
        let ledger = Arc::clone(&common.ledger);
        let (phases, phase) = watch::channel(begins);
        let watcher = tokio::spawn(Watcher::new(common, 0, phase).run());
        ledger.nobody_awaited().await;
        if comes_back {
            ledger.send_away();
            phases.send_replace(Phase::ComeBack { since_us: 0 });
            timeout(IN_TIME, ledger.nobody_awaited())
                .await
                .expect("it is back in time");
            let last = ledger.adopt(4, &serde_json::Map::new());
            phases.send_replace(Phase::Finish([State::clone(&last)].into()));
        }
        timeout(IN_TIME, watcher).await.expect("it ends in time").unwrap();
        let watched = ledger.add_up(&[Finished::default()], Duration::ZERO);
        let came_back = ledger.came_back_all();
        ledger.send_away();
        let all_back = timeout(IN_TIME, ledger.nobody_awaited()).await;
        all_back.expect("nobody waits for a watcher that has ended");
        (watched, came_back)
    }

    fn troubles(watched: &Watched) -> Vec<(TroubleKind, u64, &str)> {
        let troubles = watched.troubles.iter();
        troubles
            .map(|trouble| (trouble.kind, trouble.count, &*trouble.first))
            .collect()
    }

    #[tokio::test]
    async fn whoever_is_cut_off_before_a_kill_is_announced_is_lost() {
        for (cut, told) in [
            (Leave(4108), "the socket was closed with 4108"),
            (Leave(4000), "the socket was closed with 4000"),
            (Hang, "the connection was closed before the answer was complete"),
        ] {
            let (watched, _) = watch(vec![vec![Say(FOLLOWS), cut]], Phase::Watch, false).await;
            assert_eq!(troubles(&watched), [(TroubleKind::Lost, 1, told)]);
        }
    }

    #[tokio::test]
    async fn what_no_sound_server_says_is_not_excused_by_a_kill() {
        let script = vec![vec![Say(FOLLOWS), Leave(4000)]];
        let (watched, _) = watch(script, Phase::Braced, false).await;
        let told = "the socket was closed with 4000";
        assert_eq!(troubles(&watched), [(TroubleKind::Lost, 1, told)]);
    }

    #[tokio::test]
    async fn whoever_is_killed_comes_back_and_nothing_is_wrong() {
        for cut in [Hang, Leave(4101)] {
            let script = vec![vec![Say(FOLLOWS), cut], vec![MISSED_NOTHING]];
            let (watched, came_back) = watch(script, Phase::Braced, true).await;
            assert_eq!(troubles(&watched), []);
            assert_eq!((came_back.live, came_back.failed_tries), (1, 0));
        }
    }

    #[tokio::test]
    async fn what_is_said_to_whoever_comes_back_may_be_a_fault() {
        let script = vec![
            vec![Say(FOLLOWS), Hang],
            vec![Reply::Close(4000)],
            vec![MISSED_NOTHING],
        ];
        let (watched, came_back) = watch(script, Phase::Braced, true).await;
        let told = "the socket was closed with 4000";
        assert_eq!(troubles(&watched), [(TroubleKind::Lost, 1, told)]);
        assert_eq!((came_back.live, came_back.failed_tries), (1, 1));
    }
}
