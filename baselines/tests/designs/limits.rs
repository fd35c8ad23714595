//! The limits measure something, and what they have written is there: they look for it themselves.

use std::time::Duration;

use turnout_baselines::limits::{Limit, actor, committer, engine, straight};

use crate::support::database;

const SHORT: Duration = Duration::from_millis(50);

fn assert_measured(limit: &Limit) {
    assert!(limit.count > 0 && limit.per_s > 0.0, "{limit:?}");
    assert!(limit.elapsed_s >= SHORT.as_secs_f64(), "{limit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_written_straight_and_by_turnouts_journal() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("turnout.db").display());
    assert_measured(&straight(&database().await, SHORT).await.unwrap());
    assert_measured(&committer(&database().await, SHORT).await.unwrap());
    let limit = committer(&sqlite, SHORT).await.unwrap();
    assert_measured(&limit);
    assert_eq!((limit.limit, limit.database), ("committer", Some("sqlite")));
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_answered_by_turnouts_engine_and_by_a_bare_actor() {
    assert_measured(&engine(&database().await, 50, SHORT).await.unwrap());
    assert_measured(&actor(50, SHORT).await.unwrap());
}
