//! Turnout's whole engine without a network: callers who each have one reservation in flight, the actor that decides, the
//! committer that merges, the journal that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use turnout::ids::TimeOrderedIds;
use turnout_actors::domain::{ActivityId, Principal};
use turnout_actors::ports::Ports;
use turnout_actors::{Engine, Options, Order};

use super::committer::{Opened, check_rows, reservation, settings};
use super::{Limit, Stopwatch};

/// How long the engine may take to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Lets so many callers reserve for so long.
pub async fn engine(url: &str, callers: usize, duration: Duration) -> anyhow::Result<Limit> {
    let Opened {
        db,
        journal,
        clock,
        kind,
    } = Opened::at(url).await?;
    let ports = Ports {
        journal: journal.clone(),
        sink: Arc::new(()),
        mirror: None,
        clock: clock.clone(),
        ids: Arc::new(TimeOrderedIds),
    };
    let options = Options {
        statements_max: db.statements_max(),
        ..Options::default()
    };
    let engine = Engine::start(ports, options).await?;
    let settings = settings(clock.now());
    let host = Principal::user(settings.host_id);
    let id = engine.create(&host, settings, None).await?.id();
    let done = Arc::new(AtomicU64::new(0));
    let mut stopwatch = Stopwatch::default();
    // The first of them calls while the last is not there yet, so the clock starts before.
    let calling = async {
        let until = Instant::now() + duration;
        join_all((0..callers).map(|_| {
            let (engine, done) = (engine.clone(), done.clone());
            tokio::spawn(async move { call(&engine, id, until, &done).await })
        }))
        .await
    };
    for called in stopwatch.time(0, calling).await {
        called??;
    }
    stopwatch.count = done.load(Ordering::SeqCst);
    engine.drain(DRAIN_LIMIT).await;
    check_rows(&*journal, id, stopwatch.count).await?;
    db.close().await;
    Ok(stopwatch.limit("engine", Some(kind)))
}

/// One caller, until time is up.
async fn call(engine: &Engine, id: ActivityId, until: Instant, done: &AtomicU64) -> anyhow::Result<()> {
    while Instant::now() < until {
        let (by, command, key) = reservation();
        let order = Order {
            by,
            command,
            if_version: None,
            key,
        };
        engine.command(id, order).await?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
