//! The audit of a whole journal finds what is wrong: each kind of damage is planted once and named. Each is undone
//! by the end of its transaction, so that all of them meet the same good database.

mod damages;
mod history;

use serde_json::json;

use crate::support::{Outside, Person, Server, audit, database_of, examine};
use damages::{UNDO, allow_everything, damages, followed};
use history::history;

/// A good database, and its address.
async fn good() -> (Server, String) {
    let server = Server::start().await;
    history(&server).await;
    let database = database_of(server.folder());
    let server = server.restart().await;
    until_followed(&database).await;
    (server, database)
}

/// Waits until the rows of what ended have followed.
async fn until_followed(database: &str) {
    let live = "SELECT COUNT(*) FROM rsvps JOIN activities AS a ON a.id = activity_id \
                WHERE a.cancelled_at IS NOT NULL AND status <> 'cancelled'";
    let followed = async {
        loop {
            let mut outside = Outside::look(database).await;
            let [(count,)] = outside.all::<(i64,)>(live).await[..] else {
                panic!("it is a count");
            };
            outside.close().await;
            if count == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let deadline = std::time::Duration::from_secs(20);
    tokio::time::timeout(deadline, followed)
        .await
        .expect("rows follow");
}

#[tokio::test]
async fn every_damage_to_a_journal_is_found_and_named() {
    let (server, database) = good().await;
    let good = audit(&database).await;
    assert_eq!((good.activities, good.events, good.rsvps), (4, 55, 20));
    let mut outside = Outside::connect(&database).await;
    if matches!(outside, Outside::Sqlite(_)) {
        allow_everything(&mut outside).await;
    }
    let mut missed = Vec::new();
    for (damage, name) in damages() {
        outside.run("BEGIN").await;
        if matches!(outside, Outside::Postgres(_)) {
            allow_everything(&mut outside).await;
        }
        outside.run(&damage).await;
        let (_, findings) = examine(&mut outside).await;
        if !findings.iter().any(|finding| finding.contains(name)) {
            missed.push(format!("{damage}\nshould be found as {name:?}: {findings:#?}"));
        }
        outside.run("ROLLBACK").await;
    }
    outside.close().await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    audit(&database).await.follows(&good);
    server.stop().await;
}

#[tokio::test]
async fn what_an_audit_has_seen_must_be_there_unchanged_at_the_next() {
    let (server, database) = good().await;
    let earlier = audit(&database).await;
    for (damage, name) in [
        (
            "UPDATE activities SET owner_epoch = 0 WHERE title = 'Kept'",
            "the epoch fell from",
        ),
        (
            "DELETE FROM activity_events WHERE seq = 35",
            "the log fell from event 35 to 34",
        ),
        (
            "UPDATE activity_events SET at = at + 1 WHERE seq = 17",
            "an event up to 35 has changed",
        ),
        ("DELETE FROM activities WHERE title = 'Empty'", "is gone"),
    ] {
        let mut outside = Outside::connect(&database).await;
        outside.run("BEGIN").await;
        outside.run(damage).await;
        let (later, _) = examine(&mut outside).await;
        let found = later.contradictions(&earlier);
        assert!(found.len() == 1 && found[0].contains(name), "{damage}: {found:?}");
        outside.run("ROLLBACK").await;
        outside.close().await;
    }
    let path = server.open(json!({})).await;
    server
        .reserve(&path, &Person::member(2), json!({}))
        .await
        .expect(201);
    let later = audit(&database).await;
    later.follows(&earlier);
    assert!(earlier.contradictions(&later)[0].contains("is gone"));
    server.stop().await;
}

#[tokio::test]
async fn rows_of_a_cancelled_activity_may_still_have_to_follow() {
    let (server, database) = good().await;
    let mut outside = Outside::connect(&database).await;
    outside.run("BEGIN").await;
    for _ in 0..2 {
        outside.run(&followed(UNDO, "DESC")).await;
        let (_, findings) = examine(&mut outside).await;
        assert!(findings.is_empty(), "{findings:#?}");
    }
    outside.run("ROLLBACK").await;
    outside.close().await;
    server.stop().await;
}
