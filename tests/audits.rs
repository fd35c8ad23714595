//! The audit of a whole journal finds what is wrong: each kind of damage is planted once and named. Each is undone
//! by the end of its transaction, so that all of them meet the same good database.

use serde_json::{Value, json};

use crate::support::{Outside, Person, Server, audit, database_of, examine, host};

/// A history with every kind of event, in three activities: one that goes on, one that ended, and one that nobody
/// came to.
async fn history(server: &Server) {
    let kept = server.open(json!({"title": "Kept", "capacity": 3})).await;
    let rsvp = format!("{kept}/rsvp");
    let people: Vec<Person> = (0..8).map(Person::member).collect();
    for (person, guests) in [(2, 1), (3, 0), (4, 1), (5, 0)] {
        let reserve = server
            .post(&rsvp)
            .by(&people[person])
            .header("idempotency-key", "k");
        let reserve = reserve.json(&json!({"guest_count": guests}));
        reserve.send().await.expect(201);
        server.clock.advance_s(1);
    }
    let change = async |fields: Value| {
        let changed = server.patch(&kept).by(&host()).json(&fields);
        changed.send().await.expect(200);
        server.clock.advance_s(1);
    };
    let leave = async |person: &Person| {
        let left = server.delete(&rsvp).by(person).header("idempotency-key", "l");
        left.send().await.expect(200);
    };
    let grow = server
        .patch(&rsvp)
        .by(&people[5])
        .json(&json!({"guest_count": 1}));
    grow.send().await.expect(200);
    leave(&people[3]).await;
    server.reserve(&kept, &people[6], json!({})).await.expect(201);
    change(json!({"capacity": 5})).await;
    change(json!({"title": "Kept", "venue": "Hall 1"})).await;
    change(json!({"capacity": 2})).await;
    leave(&people[2]).await;
    server.reserve(&kept, &people[2], json!({})).await.expect(201);
    change(json!({"waitlist_paused": true})).await;
    change(json!({"waitlist_paused": false})).await;

    let ended = server.open(json!({"title": "Ended", "capacity": 4})).await;
    for person in &people[2..6] {
        server.reserve(&ended, person, json!({})).await.expect(201);
    }
    server.delete(&ended).by(&host()).send().await.expect(200);
    let create = server
        .post("/activities")
        .by(&host())
        .header("idempotency-key", "c");
    let empty = json!({
        "title": "Empty", "starts_at": "2026-05-08T18:00:00Z", "ends_at": "2026-05-08T22:00:00Z", "capacity": 2,
    });
    create.json(&empty).send().await.expect(201);
}

/// What the databases themselves would refuse, and what they cannot undo twice, must not keep damage out.
async fn allow_everything(outside: &mut Outside) {
    match outside {
        Outside::Sqlite(_) => outside.run("PRAGMA ignore_check_constraints = TRUE").await,
        Outside::Postgres(_) => {
            for (table, checks) in [
                (
                    "activities",
                    "check confirmed_spots_check offered_spots_check checked_in_spots_check \
                     waitlisted_parties_check waitlisted_spots_check capacity_check",
                ),
                ("rsvps", "check status_check guest_count_check"),
            ] {
                for check in checks.split_whitespace() {
                    let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {table}_{check}");
                    outside.run(&drop).await;
                }
            }
        }
    }
    outside.run("DROP INDEX rsvps_one_per_person").await;
}

/// Changes an RSVP that has followed its cancelled activity.
fn followed(change: &str, order: &str) -> String {
    format!(
        "UPDATE rsvps SET {change} WHERE id = \
         (SELECT id FROM rsvps WHERE cancel_reason = 'activity_cancelled' ORDER BY id {order} LIMIT 1)"
    )
}

/// Makes of such an RSVP one that is still to follow.
const UNDO: &str =
    "status = 'confirmed', cancel_reason = NULL, version = version - 1, updated_at = created_at";

/// Statements that change an activity, an event or an RSVP, and what is found then.
fn damages() -> Vec<(String, &'static str)> {
    let kept = "activity_id = (SELECT id FROM activities WHERE title = 'Kept')";
    let activity = |change: &str| format!("UPDATE activities SET {change} WHERE title = 'Kept'");
    let ended = |change: &str| format!("UPDATE activities SET {change} WHERE title = 'Ended'");
    let event =
        |seq: u32, change: &str| format!("UPDATE activity_events SET {change} WHERE {kept} AND seq = {seq}");
    // The party that was promoted.
    let rsvp = |change: &str| format!("UPDATE rsvps SET {change} WHERE {kept} AND ticket = 3");
    let data =
        |seq: u32, from: &str, to: &str| event(seq, &format!("data = REPLACE(data, '{from}', '{to}')"));
    vec![
        // The log itself.
        (
            format!("DELETE FROM activity_events WHERE {kept} AND seq = 4"),
            "it comes where event 4 was due",
        ),
        (
            format!("DELETE FROM activity_events WHERE {kept} AND seq = 15"),
            "seq is 15, not 14",
        ),
        (event(3, "at = at - 1000000000"), "event 3 (waitlisted): its time"),
        (event(1, "at = 1"), "is before"),
        (event(8, "kind = 'seen'"), "the audit does not know this kind"),
        (event(3, "previous_status = 'confirmed'"), "stood at None before"),
        (
            event(6, "previous_status = 'waitlisted'"),
            "stood at Some(\"confirmed\") before",
        ),
        (
            event(2, "status = 'offered'"),
            "nothing leads from None to offered",
        ),
        (event(9, "spots = 1"), "1 spots, where there were 2"),
        (event(4, "ticket = 9"), "ticket 9, where 4 was due"),
        (event(5, "ticket = 4"), "ticket 4, where 5 was due"),
        (event(6, "reason = NULL"), "the reason None for cancelled"),
        (event(6, "spots = NULL"), "it says too little of its RSVP"),
        (event(8, "spots = 2"), "it says something of an RSVP"),
        (event(8, "data = '{}'"), "it does not say to what"),
        (data(8, "5", "4"), "5 spots are taken of 4"),
        (
            data(10, "\"capacity\":5", "\"capacity\":6"),
            "it changes capacity, which has an event of its own",
        ),
        (data(10, "Hall 1", "Hall 2"), "venue is "),
        (event(7, "kind = 'promoted'"), "it went past Some(3)"),
        (
            format!(
                "UPDATE activity_events SET activity_id = (SELECT id FROM activities WHERE title = 'Ended'), seq = 6 \
                 WHERE {kept} AND seq = 15"
            ),
            "the activity was cancelled before",
        ),
        // Keys and answers.
        (
            event(
                4,
                &format!(
                    "key_digest = (SELECT e.key_digest FROM activity_events AS e WHERE e.{kept} AND e.seq = 3)"
                ),
            ),
            "its key was recorded before",
        ),
        (
            event(2, "data = NULL"),
            "it has a key, and no answer that could be its",
        ),
        (
            event(2, "key_digest = NULL"),
            "it has an answer to a key, and no key",
        ),
        (event(2, "fingerprint = NULL"), "its key has no fingerprint"),
        (data(4, "\"a\":[1,2]", "\"a\":[0,0]"), "an answer told"),
        (data(4, "\"v\":1", "\"v\":2"), "an answer told"),
        (
            data(4, "\"seq\":4", "\"seq\":5"),
            "belongs to the command before it",
        ),
        (data(12, "\"seq\":12", "\"seq\":99"), "which does not exist"),
        // The activity's own row.
        (activity("seq = 16"), "seq is 16, not 15"),
        (activity("last_batch = NULL"), "last_batch.is_some() is false"),
        (activity("stamped_at = stamped_at + 1"), "stamped_at is"),
        (activity("version = version + 1"), "version is"),
        (activity("updated_at = updated_at - 1"), "updated_at is"),
        (activity("capacity = 4"), "capacity is 4, not 2"),
        (activity("capacity_limit = 5"), "capacity_limit is 5, not 3"),
        (
            activity("capacity_limit = 2"),
            "overbooked: 3 spots are taken, and the limit is 2",
        ),
        (
            activity("waitlist_paused = TRUE"),
            "waitlist_paused is true, not false",
        ),
        (activity("owner_epoch = 0"), "its log was written under epoch 0"),
        (
            activity("max_guests = 3"),
            "max_guests is Number(3), not Number(10)",
        ),
        (activity("confirmed_spots = 2"), "confirmed_spots is 2, not 3"),
        (activity("offered_spots = 1"), "offered_spots is 1, not 0"),
        (activity("checked_in_spots = 1"), "checked_in_spots is 1, not 0"),
        (
            activity("waitlisted_parties = 0"),
            "waitlisted_parties is 0, not 2",
        ),
        (activity("waitlisted_spots = 2"), "waitlisted_spots is 2, not 3"),
        (ended("cancelled_at = NULL"), "cancelled_at is None"),
        (ended("confirmed_spots = 1"), "confirmed_spots is 1, not 0"),
        // RSVPs.
        (
            rsvp("status = 'waitlisted'"),
            "status is \"waitlisted\", not \"confirmed\"",
        ),
        (rsvp("cancel_reason = 'by_host'"), "cancel_reason is"),
        (rsvp("guest_count = 0"), "total_spots is 1, not 2"),
        (rsvp("ticket = 4"), "ticket is 4, not 3"),
        (rsvp("version = 1"), "version is 1, not 2"),
        (rsvp("generation = 2"), "generation is 2, not 1"),
        (rsvp("created_at = 1"), "created_at is 1"),
        (rsvp("updated_at = 1"), "updated_at is 1"),
        (rsvp("checked_in_at = 1"), "checked_in_spots is 0, not 2"),
        (rsvp("email = 'a@example.com'"), "it is not clear whose it is"),
        (
            rsvp(&format!(
                "attendee_key = (SELECT r.attendee_key FROM rsvps AS r WHERE r.{kept} AND r.ticket = 5)"
            )),
            "its person has another one",
        ),
        (
            format!("DELETE FROM rsvps WHERE {kept} AND ticket = 3"),
            "it has no row",
        ),
        (
            "INSERT INTO rsvps (id, activity_id, attendee_key, name, status, guest_count, ticket, version, \
             generation, created_at, updated_at) \
             SELECT host_id, id, 'x', 'x', 'confirmed', 0, 1, 1, 1, 1, 1 FROM activities WHERE title = 'Kept'"
                .to_owned(),
            "no event tells of it",
        ),
        (rsvp("activity_id = id"), "1 RSVPs of activity"),
        (event(15, "activity_id = actor"), "1 events of activity"),
        (followed("updated_at = 1", "DESC"), "updated_at is 1"),
        (followed(UNDO, "ASC"), "it followed before an earlier one"),
        (
            "DELETE FROM activities WHERE title = 'Empty'".to_owned(),
            "which it has not made",
        ),
    ]
}

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
    assert_eq!((good.activities, good.events, good.rsvps), (3, 20, 9));
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
            "DELETE FROM activity_events WHERE seq = 15",
            "the log fell from event 15 to 14",
        ),
        (
            "UPDATE activity_events SET at = at + 1 WHERE seq = 7",
            "an event up to 15 has changed",
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
