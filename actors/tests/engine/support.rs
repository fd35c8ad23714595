//! An engine on the journal in memory, and people who give commands.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use turnout_actors::domain::{
    ActivityId, Command, Person, Principal, Reserve, RsvpId, Settings, Status, Target, Timestamp, UserId,
};
use turnout_actors::ports::{FeedSink, IdSource, Ports};
use turnout_actors::testing::{CountingIds, HOST, ManualClock, MemoryJournal, settings};
use turnout_actors::{Engine, EngineError, Key, Options, Order, Reply};
use uuid::Uuid;

pub struct House {
    pub journal: MemoryJournal,
    pub clock: Arc<ManualClock>,
    pub ids: Arc<CountingIds>,
    pub engine: Engine,
}

pub fn user(n: u128) -> UserId {
    UserId::from(Uuid::from_u128(n))
}

pub fn host() -> Principal {
    Principal::user(user(HOST))
}

pub fn key(text: &str) -> Option<Key> {
    Some(Key::parse(text).unwrap())
}

pub async fn engine_on(
    journal: &MemoryJournal,
    clock: &Arc<ManualClock>,
    ids: &Arc<CountingIds>,
    sink: Arc<dyn FeedSink>,
    options: Options,
) -> Engine {
    let ports = Ports {
        journal: Arc::new(journal.clone()),
        sink,
        mirror: None,
        clock: clock.clone(),
        ids: ids.clone(),
    };
    Engine::start(ports, options).await.unwrap()
}

impl House {
    pub async fn new() -> Self {
        Self::with(Options::default(), Arc::new(())).await
    }

    pub async fn with(options: Options, sink: Arc<dyn FeedSink>) -> Self {
        let journal = MemoryJournal::new();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(10_000)));
        let ids = Arc::new(CountingIds::default());
        let engine = engine_on(&journal, &clock, &ids, sink, options).await;
        Self {
            journal,
            clock,
            ids,
            engine,
        }
    }

    /// A new engine on the same journal, as after a restart of the process. Nothing of the old one is left, not even
    /// its alarms.
    pub async fn restarted(self) -> Self {
        self.engine.drain(std::time::Duration::from_secs(1)).await;
        let engine = engine_on(
            &self.journal,
            &self.clock,
            &self.ids,
            Arc::new(()),
            Options::default(),
        )
        .await;
        Self { engine, ..self }
    }

    /// An activity that is live, so that a command is on its way as soon as it is sent.
    pub async fn activity(&self, settings: Settings) -> ActivityId {
        let id = self.engine.create(&host(), settings, None).await.unwrap().id();
        self.engine.read(id, |_| ()).await.unwrap();
        id
    }

    pub async fn seats(&self, capacity: u32) -> ActivityId {
        self.activity(settings(capacity)).await
    }

    pub fn order(&self, by: u128, command: Command, key: Option<Key>) -> Order {
        Order {
            by: Principal::user(user(by)),
            command,
            if_version: None,
            key,
        }
    }

    pub fn reserve_order(&self, by: u128, name: &str, guest_count: u16, key: Option<Key>) -> Order {
        let reserve = Reserve {
            fresh: RsvpId::from(self.ids.next()),
            person: Person::User(user(by)),
            name: name.into(),
            guest_count,
            special_requirements: None,
        };
        self.order(by, Command::Reserve(reserve), key)
    }

    pub async fn reserve(&self, id: ActivityId, by: u128) -> Result<Reply, EngineError> {
        self.engine
            .command(id, self.reserve_order(by, "Somebody", 0, None))
            .await
    }

    pub async fn cancel(&self, id: ActivityId, by: u128) -> Result<Reply, EngineError> {
        self.engine
            .command(id, self.order(by, Command::Cancel(Target::Own), None))
            .await
    }

    pub async fn cancel_activity(&self, id: ActivityId) {
        let order = Order {
            by: host(),
            command: Command::CancelActivity,
            if_version: None,
            key: None,
        };
        self.engine.command(id, order).await.unwrap();
    }

    pub async fn confirmed(&self, id: ActivityId) -> u32 {
        self.engine
            .read(id, |activity| activity.counts().confirmed_spots)
            .await
            .unwrap()
    }
}

pub fn status(reply: &Reply) -> Status {
    reply
        .answer
        .rsvp()
        .expect("the command was about an RSVP")
        .rsvp
        .status
}

/// Runs a future up to its first wait, which is where a command has been sent and its answer is awaited.
pub async fn sent<F: Future>(mut command: std::pin::Pin<&mut F>) {
    let first =
        std::future::poll_fn(|context| Poll::Ready(command.as_mut().poll(context).is_pending())).await;
    assert!(first, "the answer came at once");
}

/// Lets everything happen that can happen by itself. Only for tests whose clock is paused: it moves when nobody
/// has anything left to do, so no real time passes and nothing depends on how fast the machine is.
pub async fn until_idle() {
    pass(std::time::Duration::from_millis(1)).await;
}

/// Lets that much time pass on the clock of a test that has paused it.
pub async fn pass(time: std::time::Duration) {
    tokio::time::sleep(time).await;
}

/// Waits for a condition, and fails the test if it does not come.
pub async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), wait)
        .await
        .expect("the condition comes true");
}
