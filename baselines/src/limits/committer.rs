//! Turnout's journal alone: batches that its domain has decided, each brought to the database by the same call by which
//! the engine's committer does, one after the other.

use std::sync::Arc;
use std::time::Duration;

use turnout::clock::SystemClock;
use turnout::config::{Config, Database, Sources};
use turnout::store::{Db, Node};
use turnout_actors::Key;
use turnout_actors::domain::{
    Activity, ActivityId, BatchId, Command, Draft, Judgement, KeyCheck, OwnerEpoch, Person, Principal,
    Request, Reserve, RsvpId, Settings, Timestamp, UserId,
};
use turnout_actors::ports::{Batch, Clock, Journal, Landing, NewActivity};

use super::{BATCH, BATCHES_AHEAD, Limit, Stopwatch};
use crate::source::fresh_id;

/// More seats than anybody fills.
const SEATS: u32 = 10_000_000;
/// How long the lease of this process lasts unless it is renewed.
const LEASE_TTL: Duration = Duration::from_secs(10);
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Turnout's database and its journal, as the server opens them.
pub(super) struct Opened {
    pub(super) db: Db,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) kind: &'static str,
}

impl Opened {
    pub(super) async fn at(url: &str) -> anyhow::Result<Self> {
        let config = Config::load(Sources {
            environment: vec![("TURNOUT_DATABASE_URL".into(), url.into())],
            ..Sources::default()
        })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let db = Db::open(&config.database, 1).await?;
        let node = Node {
            id: fresh_id(),
            address: None,
            ttl: LEASE_TTL,
        };
        Ok(Self {
            journal: db.journal(node, clock.clone()).await?,
            db,
            clock,
            kind: match config.database {
                Database::Sqlite(_) => "sqlite",
                Database::Postgres(_) => "postgres",
            },
        })
    }
}

/// An activity that everybody gets into.
pub(super) fn settings(now: Timestamp) -> Settings {
    let host = UserId::from(fresh_id());
    let (starts_at, ends_at) = (now.plus_millis(HOUR_MS), now.plus_millis(2 * HOUR_MS));
    Settings::new(host, "An evening".into(), starts_at, ends_at, SEATS)
}

/// A reservation of somebody who has not been there, with a key as every client sends one.
pub(super) fn reservation() -> (Principal, Command, Option<Key>) {
    let user = UserId::from(fresh_id());
    let reserve = Reserve {
        fresh: RsvpId::from(fresh_id()),
        person: Person::User(user),
        name: format!("Person {}", user.uuid().as_u128() % 1_000_000).into(),
        guest_count: 0,
        special_requirements: None,
    };
    let key = Key::parse(&fresh_id().to_string()).ok();
    (Principal::user(user), Command::Reserve(reserve), key)
}

/// Writes batches for so long.
pub async fn committer(url: &str, duration: Duration) -> anyhow::Result<Limit> {
    let Opened {
        db,
        journal,
        clock,
        kind,
    } = Opened::at(url).await?;
    let id = ActivityId::from(fresh_id());
    let new = NewActivity {
        id,
        settings: Arc::new(settings(clock.now())),
        at: clock.now(),
        key: None,
    };
    journal.create(new).await?;
    let loaded = journal.load(id).await?;
    let loaded = loaded.ok_or_else(|| anyhow::anyhow!("the activity is not there"))?;
    let (mut activity, epoch) = (loaded.activity, loaded.epoch);
    let mut stopwatch = Stopwatch::default();
    while stopwatch.elapsed < duration {
        let mut ahead = Vec::with_capacity(BATCHES_AHEAD);
        for _ in 0..BATCHES_AHEAD {
            ahead.push(decide(&mut activity, epoch, clock.as_ref())?);
        }
        for batch in ahead {
            if stopwatch.elapsed >= duration {
                break;
            }
            let commit = journal.commit(std::slice::from_ref(&batch));
            let landed = stopwatch.time(BATCH as u64, commit).await?;
            anyhow::ensure!(
                landed == [Landing::Written],
                "a batch was not written: {landed:?}"
            );
        }
    }
    check_rows(&*journal, id, stopwatch.count).await?;
    db.close().await;
    Ok(stopwatch.limit("committer", Some(kind)))
}

/// Makes sure that all that was counted is there.
pub(super) async fn check_rows(journal: &dyn Journal, id: ActivityId, counted: u64) -> anyhow::Result<()> {
    let recount = journal.recount(id).await?;
    let rows = recount.map_or(0, |recount| recount.confirmed_spots);
    anyhow::ensure!(rows == counted, "{rows} rows are there of {counted}");
    Ok(())
}

/// Decides a batch of reservations, and takes it for written.
fn decide(activity: &mut Activity, epoch: OwnerEpoch, clock: &dyn Clock) -> anyhow::Result<Batch> {
    let mut draft = Draft::on(activity);
    for _ in 0..BATCH {
        let (by, command, key) = reservation();
        let key = key.and_then(|key| key.used_for(&by, &command));
        let request = Request {
            by,
            at: clock.now(),
            command,
            if_version: None,
            key,
        };
        let judged = draft.judge(activity, &request, KeyCheck::Unknown(usize::MAX));
        anyhow::ensure!(
            matches!(judged, Judgement::Accepted(_)),
            "a reservation was refused"
        );
    }
    let counts = draft.overview().counts;
    let batch = Batch {
        id: BatchId::from(fresh_id()),
        activity: activity.id(),
        epoch,
        prev: activity.counts().seq,
        head: draft.head().clone(),
        waitlisted_parties: counts.waitlisted_parties,
        waitlisted_spots: counts.waitlisted_spots,
        rsvps: draft.rows().cloned().collect(),
        events: draft.take_events(),
    };
    activity.absorb(draft);
    Ok(batch)
}
