//! Ports that panic, once each: a journal in every verb, a clock, a source of identifiers. Whoever is hit gets an
//! answer, nobody else notices, and the same activity serves again.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use turnout_actors::domain::{ActivityId, History, Keyed, RsvpId, Seq, Timestamp};
use turnout_actors::ports::{
    Batch, Clock, Creation, IdSource, Journal, JournalError, Landing, Loaded, NewActivity, Ports, Recount,
    Settled,
};
use turnout_actors::testing::{CountingIds, Fault, ManualClock, MemoryJournal, settings};
use turnout_actors::{Engine, EngineError, Made, Options};
use uuid::Uuid;

use super::support::{House, host, key, pass, sent, until_idle};

/// Where a journal can panic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verb {
    Create,
    Load,
    /// Before anything is written.
    Commit,
    /// When everything is written.
    Committed,
    Settle,
    Recall,
    Recount,
    Overdue,
    FollowCancellation,
    HistoryAfter,
}

/// The journal in memory, which panics once where it is told to.
#[derive(Default)]
struct PanickingJournal {
    journal: MemoryJournal,
    /// Where it panics next, and how often it comes by there before.
    next: Mutex<Option<(Verb, usize)>>,
}

impl PanickingJournal {
    fn panics_once_in(&self, verb: Verb) {
        self.panics_once_after(0, verb);
    }

    fn panics_once_after(&self, times: usize, verb: Verb) {
        *self.next.lock().unwrap() = Some((verb, times));
    }

    fn comes_to(&self, verb: Verb) {
        let mut next = self.next.lock().unwrap();
        if let Some((_, times @ 1..)) = next.as_mut().filter(|(here, _)| *here == verb) {
            *times -= 1;
            return;
        }
        let panics = next.take_if(|(here, _)| *here == verb).is_some();
        drop(next);
        assert!(!panics, "the journal panics in {verb:?}");
    }

    fn has_panicked(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }
}

#[async_trait]
impl Journal for PanickingJournal {
    async fn history_after(&self, known: History) -> Result<History, JournalError> {
        self.comes_to(Verb::HistoryAfter);
        self.journal.history_after(known).await
    }

    async fn create(&self, new: NewActivity) -> Result<Creation, JournalError> {
        self.comes_to(Verb::Create);
        self.journal.create(new).await
    }

    async fn load(&self, id: ActivityId) -> Result<Option<Loaded>, JournalError> {
        self.comes_to(Verb::Load);
        self.journal.load(id).await
    }

    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Landing>, JournalError> {
        self.comes_to(Verb::Commit);
        let landings = self.journal.commit(batches).await;
        self.comes_to(Verb::Committed);
        landings
    }

    async fn settle(&self, batch: &Batch) -> Result<Settled, JournalError> {
        self.comes_to(Verb::Settle);
        self.journal.settle(batch).await
    }

    async fn recall(&self, id: ActivityId, seq: Seq) -> Result<Option<Keyed>, JournalError> {
        self.comes_to(Verb::Recall);
        self.journal.recall(id, seq).await
    }

    async fn recount(&self, id: ActivityId) -> Result<Option<Recount>, JournalError> {
        self.comes_to(Verb::Recount);
        self.journal.recount(id).await
    }

    async fn overdue(&self, before: Timestamp, most: u32) -> Result<Vec<ActivityId>, JournalError> {
        self.comes_to(Verb::Overdue);
        self.journal.overdue(before, most).await
    }

    async fn follow_cancellation(
        &self,
        id: ActivityId,
        after: Option<RsvpId>,
        most: u32,
    ) -> Result<Option<RsvpId>, JournalError> {
        self.comes_to(Verb::FollowCancellation);
        self.journal.follow_cancellation(id, after, most).await
    }
}

/// A clock and a source of identifiers that panic once when they are armed.
struct Panicking<T> {
    inner: Arc<T>,
    armed: AtomicBool,
}

impl<T> Panicking<T> {
    fn new(inner: &Arc<T>) -> Arc<Self> {
        Arc::new(Self {
            inner: inner.clone(),
            armed: AtomicBool::new(false),
        })
    }

    fn panics_once(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    fn is_asked(&self) {
        assert!(!self.armed.swap(false, Ordering::SeqCst), "the port panics");
    }
}

impl Clock for Panicking<ManualClock> {
    fn now(&self) -> Timestamp {
        self.is_asked();
        self.inner.now()
    }
}

impl IdSource for Panicking<CountingIds> {
    fn next(&self) -> Uuid {
        self.is_asked();
        self.inner.next()
    }
}

/// A house whose ports can panic.
struct Shaky {
    house: House,
    journal: Arc<PanickingJournal>,
    clock: Arc<Panicking<ManualClock>>,
    ids: Arc<Panicking<CountingIds>>,
}

impl Shaky {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let journal = Arc::new(PanickingJournal::default());
        let still = Arc::new(ManualClock::at(Timestamp::from_millis(10_000)));
        let counting = Arc::new(CountingIds::default());
        let (clock, ids) = (Panicking::new(&still), Panicking::new(&counting));
        let ports = Ports {
            journal: journal.clone(),
            sink: Arc::new(()),
            mirror: None,
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let engine = Engine::start(ports, options).await.unwrap();
        let house = House {
            journal: journal.journal.clone(),
            clock: still,
            ids: counting,
            engine,
        };
        Self {
            house,
            journal,
            clock,
            ids,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_makes_an_activity_hears_that_the_outcome_is_unknown_and_can_ask_again() {
    let Shaky { house, journal, .. } = Shaky::new().await;
    journal.panics_once_in(Verb::Create);
    let create = || async {
        let key = key("k");
        house.engine.create(&host(), settings(2), key.as_ref()).await
    };
    assert_eq!(create().await, Err(EngineError::UnknownOutcome));
    let made = create().await.unwrap();
    assert!(matches!(made, Made::New(_)));
    assert!(house.reserve(made.id(), 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_activity_whose_loading_panics_is_unavailable_and_loads_the_next_time() {
    let Shaky { house, journal, .. } = Shaky::new().await;
    let other = house.seats(2).await;
    let id = house
        .engine
        .create(&host(), settings(2), None)
        .await
        .unwrap()
        .id();
    journal.panics_once_in(Verb::Load);
    assert_eq!(house.reserve(id, 1).await, Err(EngineError::Unavailable));
    assert!(house.reserve(other, 1).await.is_ok());
    assert_eq!(house.reserve(id, 1).await.unwrap().answer.seq, Seq(1));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_panics_is_settled_and_answered_once() {
    for verb in [Verb::Commit, Verb::Committed] {
        let Shaky { house, journal, .. } = Shaky::new().await;
        let (id, other) = (house.seats(2).await, house.seats(2).await);
        journal.panics_once_in(verb);
        let told = house.reserve(id, 1).await.map(|reply| reply.answer.seq);
        assert_eq!(told, Ok(Seq(1)), "{verb:?}");
        assert!(journal.has_panicked());
        assert!(house.reserve(other, 1).await.is_ok(), "{verb:?}");
        assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(2));
        assert_eq!(house.journal.events(id).len(), 2, "{verb:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_of_several_activities_that_panics_is_settled_for_each_of_them() {
    // The commit that is held has passed its beginning, but not its end. What was not written is submitted again, for
    // each activity alone.
    for (verb, earlier, commits) in [(Verb::Commit, 0, 3), (Verb::Committed, 1, 2)] {
        let Shaky { house, journal, .. } = Shaky::new().await;
        let (one, two, other) = (house.seats(2).await, house.seats(2).await, house.seats(2).await);
        let gate = house.journal.faults().hold_next_commit();
        let mut held = pin!(house.reserve(other, 1));
        sent(held.as_mut()).await;
        house.journal.until_held().await;
        let (mut first, mut second) = (pin!(house.reserve(one, 1)), pin!(house.reserve(two, 1)));
        sent(first.as_mut()).await;
        sent(second.as_mut()).await;
        until_idle().await;
        journal.panics_once_after(earlier, verb);
        gate.add_permits(1);
        assert!(held.await.is_ok());
        assert_eq!(first.await.unwrap().answer.seq, Seq(1), "{verb:?}");
        assert_eq!(second.await.unwrap().answer.seq, Seq(1), "{verb:?}");
        assert!(journal.has_panicked());
        assert_eq!(house.journal.commits(), commits, "{verb:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn settling_that_panics_is_tried_again_until_the_outcome_is_known() {
    for fault in [Fault::UnknownWritten, Fault::UnknownNotWritten] {
        let Shaky { house, journal, .. } = Shaky::new().await;
        let (id, other) = (house.seats(2).await, house.seats(2).await);
        house.journal.faults().next_commit(fault.clone());
        journal.panics_once_in(Verb::Settle);
        let told = house.reserve(id, 1).await.map(|reply| reply.answer.seq);
        assert_eq!(told, Ok(Seq(1)), "{fault:?}");
        assert!(journal.has_panicked());
        assert!(house.reserve(other, 1).await.is_ok());
        assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(2));
    }
}

#[tokio::test(start_paused = true)]
async fn who_repeats_a_key_is_sent_away_when_looking_it_up_panics_and_gets_the_answer_the_next_time() {
    let Shaky { house, journal, .. } = Shaky::new().await;
    let id = house.seats(2).await;
    let order = || house.reserve_order(1, "Ada", 0, key("k"));
    house.engine.command(id, order()).await.unwrap();
    journal.panics_once_in(Verb::Recall);
    assert_eq!(
        house.engine.command(id, order()).await,
        Err(EngineError::Unavailable)
    );
    assert!(house.reserve(id, 2).await.is_ok());
    let again = house.engine.command(id, order()).await.unwrap().answer;
    assert_eq!((again.seq, again.replayed), (Seq(1), true));
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_cancelled_activity_whose_following_panics_follow_at_the_next_start() {
    let Shaky { house, journal, .. } = Shaky::new().await;
    let (id, other) = (house.seats(2).await, house.seats(2).await);
    house.reserve(id, 1).await.unwrap();
    journal.panics_once_in(Verb::FollowCancellation);
    house.cancel_activity(id).await;
    until_idle().await;
    assert!(journal.has_panicked());
    assert_eq!(
        house.confirmed(id).await,
        0,
        "every read shows it cancelled anyway"
    );
    assert!(house.reserve(other, 1).await.is_ok());

    let house = house.restarted().await;
    house.confirmed(id).await;
    until_idle().await;
    let left = house.journal.follow_cancellation(id, None, 10).await.unwrap();
    assert_eq!(left, None, "all have followed");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_panics_takes_down_nobody_but_who_asked_and_leaves_no_permit_behind() {
    let options = Options {
        commands_max: 1,
        ..Options::default()
    };
    let Shaky { house, clock, .. } = Shaky::with(options).await;
    let id = house.seats(2).await;
    let (engine, order) = (house.engine.clone(), house.reserve_order(1, "Ada", 0, None));
    clock.panics_once();
    let asked = tokio::spawn(async move { engine.command(id, order).await });
    assert!(asked.await.unwrap_err().is_panic());
    let engine = house.engine.clone();
    clock.panics_once();
    let asked = tokio::spawn(async move { engine.create(&host(), settings(2), None).await });
    assert!(asked.await.unwrap_err().is_panic());
    assert_eq!(house.reserve(id, 1).await.unwrap().answer.seq, Seq(1));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_panics_before_its_batch_is_on_its_way_has_done_nothing_and_is_started_again() {
    let Shaky { house, ids, .. } = Shaky::new().await;
    let (id, other) = (house.seats(2).await, house.seats(2).await);
    house.reserve(id, 1).await.unwrap();
    ids.panics_once();
    assert_eq!(house.reserve(id, 2).await, Err(EngineError::Unavailable));
    assert!(house.reserve(other, 1).await.is_ok());
    assert_eq!(house.confirmed(id).await, 1);
    assert_eq!(house.reserve(id, 2).await.unwrap().answer.seq, Seq(2));
}

#[tokio::test(start_paused = true)]
async fn a_search_for_offers_that_are_over_that_panics_is_made_again() {
    let Shaky { house, journal, .. } = Shaky::new().await;
    journal.panics_once_in(Verb::Overdue);
    pass(std::time::Duration::from_secs(5)).await;
    assert!(journal.has_panicked());
    journal.panics_once_in(Verb::Overdue);
    pass(std::time::Duration::from_secs(5)).await;
    assert!(journal.has_panicked(), "it goes on looking");
    assert!(house.reserve(house.seats(1).await, 1).await.is_ok());
}
