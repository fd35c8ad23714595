//! The actor of an activity is made to panic under load, on a real database: it serves again from the journal,
//! nothing acknowledged is lost, and other activities never notice.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use turnout::clock::SystemClock;
use turnout::ids::TimeOrderedIds;
use turnout::store::Db;
use turnout_actors::domain::{
    ActivityId, Command, Difference, Person, Principal, Reserve, RsvpId, Seq, Settings, Timestamp, UserId,
};
use turnout_actors::ports::{FeedSink, IdSource, Ports, Touched};
use turnout_actors::testing::settings;
use turnout_actors::{Engine, EngineError, Key, Options, Order};
use uuid::Uuid;

use crate::support;

const ALREADY_THERE: u64 = 1_000;
const PANICS: usize = 5;
/// A panic may find nobody undecided. So there are more of them until one does, but no more than this.
const PANICS_MAX: usize = 50;
const CALLERS: u64 = 32;
const BANG: &str = "the bomb goes off";

/// Panics in the actor of one activity whenever it is armed.
struct Bomb {
    target: Mutex<Option<ActivityId>>,
    armed: AtomicBool,
    /// When, and the last event of the batch that was published just then: its callers have their answers.
    went_off: Mutex<Option<(Instant, Seq)>>,
}

impl FeedSink for Bomb {
    fn announce(&self, activity: ActivityId, difference: &Difference, _: &Touched) {
        if *self.target.lock().unwrap() == Some(activity) && self.armed.swap(false, Ordering::SeqCst) {
            *self.went_off.lock().unwrap() = Some((Instant::now(), difference.seq()));
            std::panic::panic_any(BANG);
        }
    }

    fn publish(&self, _: ActivityId) {}

    fn lost(&self, _: ActivityId) {}
}

fn order(person: u64) -> Order {
    let user = UserId::from(Uuid::from_u128(u128::from(person)));
    let reserve = Reserve {
        fresh: RsvpId::from(TimeOrderedIds.next()),
        person: Person::User(user),
        name: "Somebody".into(),
        guest_count: 0,
        special_requirements: None,
    };
    let key = Some(Key::parse(&format!("the key of {person}")).unwrap());
    Order {
        by: Principal::user(user),
        command: Command::Reserve(reserve),
        if_version: None,
        key,
    }
}

/// Reserves until there is a final answer; returns its `seq` and how often it was sent away.
async fn insist(engine: &Engine, id: ActivityId, person: u64) -> (Seq, u64) {
    let mut sent_away = 0;
    loop {
        match engine.command(id, order(person)).await {
            Ok(reply) => return (reply.answer.seq, sent_away),
            Err(EngineError::Unavailable) => {
                sent_away += 1;
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Keeps the panics of the bomb from being reported as others are: with `RUST_BACKTRACE` the first report takes a
/// tenth of a second, all of which would count as recovery.
fn report_no_bombs() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&BANG) {
            usual(info);
        }
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_under_load_loses_nothing_and_troubles_nobody_else() {
    report_no_bombs();
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&support::config(folder.path()).database, 2)
        .await
        .unwrap();
    let clock = Arc::new(SystemClock::default());
    let bomb = Arc::new(Bomb {
        target: Mutex::default(),
        armed: AtomicBool::new(false),
        went_off: Mutex::default(),
    });
    let ids = Arc::new(TimeOrderedIds);
    let journal = db.journal(support::node(), clock.clone()).await.unwrap();
    let ports = Ports {
        journal,
        sink: bomb.clone(),
        mirror: None,
        clock,
        ids,
    };
    let engine = Engine::start(ports, Options::default()).await.unwrap();
    let far = |years: i64| Timestamp::from_millis(years * 365 * 86_400_000);
    let open = Settings {
        starts_at: far(200),
        ends_at: far(201),
        ..settings(1_000_000)
    };
    let host = Principal::user(open.host_id);
    let id = engine.create(&host, open.clone(), None).await.unwrap().id();
    let other = engine.create(&host, open, None).await.unwrap().id();
    for person in 0..ALREADY_THERE {
        insist(&engine, id, person).await;
    }
    *bomb.target.lock().unwrap() = Some(id);

    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicU64::new(ALREADY_THERE));
    let acknowledged = Arc::new(Mutex::new(HashSet::new()));
    let refused = Arc::new(AtomicU64::new(0));
    let (first_answer, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (engine, stop, next, acknowledged, refused, first_answer) = (
            engine.clone(),
            stop.clone(),
            next.clone(),
            acknowledged.clone(),
            refused.clone(),
            first_answer.clone(),
        );
        callers.push(tokio::spawn(async move {
            let mut elsewhere = 0;
            while !stop.load(Ordering::SeqCst) {
                let person = next.fetch_add(1, Ordering::SeqCst);
                let (seq, again) = insist(&engine, id, person).await;
                let _ = first_answer.send((Instant::now(), seq));
                acknowledged.lock().unwrap().insert(person);
                refused.fetch_add(again, Ordering::SeqCst);
                elsewhere += insist(&engine, other, person).await.1;
            }
            elsewhere
        }));
    }

    let mut recoveries_ms = Vec::new();
    let is_enough =
        |panics: usize| panics >= PANICS && refused.load(Ordering::SeqCst) > 0 || panics == PANICS_MAX;
    while !is_enough(recoveries_ms.len()) {
        bomb.armed.store(true, Ordering::SeqCst);
        let recovery = async {
            loop {
                let (answered, seq) = answers.recv().await.unwrap();
                // What was decided before the panic is still being told after it. What the successor decides has
                // a later number.
                if let Some((went_off, last)) = *bomb.went_off.lock().unwrap()
                    && seq > last
                {
                    return answered - went_off;
                }
            }
        };
        let recovery = tokio::time::timeout(Duration::from_secs(20), recovery)
            .await
            .expect("it serves again");
        recoveries_ms.push(recovery.as_secs_f64() * 1_000.0);
        *bomb.went_off.lock().unwrap() = None;
    }
    stop.store(true, Ordering::SeqCst);
    let mut elsewhere = 0;
    for caller in callers {
        elsewhere += caller.await.unwrap();
    }
    let sent_away = refused.load(Ordering::SeqCst);

    let panics = recoveries_ms.len();
    assert_eq!(elsewhere, 0, "another activity does not notice");
    assert!(sent_away > 0, "whoever was not decided is sent away to come back");
    let acknowledged: Vec<u64> = acknowledged.lock().unwrap().iter().copied().collect();
    let missing = engine
        .read(id, |activity| {
            let there = |person: &&u64| {
                let user = UserId::from(Uuid::from_u128(u128::from(**person)));
                activity.rsvp_of(&Person::User(user)).is_none()
            };
            acknowledged.iter().filter(there).count()
        })
        .await
        .unwrap();
    assert_eq!(missing, 0, "everything acknowledged is there");
    recoveries_ms.sort_by(f64::total_cmp);
    println!(
        "{panics} panics under load at {} RSVPs: from the panic to the first answer of the successor {:.1} ms at \
         the median, {:.1} ms at most; {sent_away} callers sent away to come back with their keys",
        ALREADY_THERE + acknowledged.len() as u64,
        recoveries_ms[panics / 2],
        recoveries_ms[panics - 1],
    );
    assert!(engine.drain(Duration::from_secs(10)).await);
    db.close().await;
    let audited = support::audit(&support::database_of(folder.path())).await;
    assert_eq!(audited.activities, 2);
}
