//! Several servers on one Postgres database: only one of them speaks for an activity.
//!
//! `TURNOUT_TAKEOVER_ROUNDS` sets how often a server is stopped beyond its lease.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use turnout::ids::TimeOrderedIds;
use turnout::store::Node;
use turnout_actors::domain::Timestamp;
use turnout_actors::ports::{IdSource, Journal, JournalError};
use turnout_actors::testing::{Drive, ManualClock, settings};

use crate::support::{
    self, Killable, Person, Proxy, audit, by_way_of, host, number, postgres_of, server_of, until,
};

const LEASE_S: u64 = 1;
const DEADLINE: Duration = Duration::from_secs(30);
/// Commands and questions that wait for the server that is stopped.
const WAITING: u128 = 8;

/// A node of its own on this database.
async fn node(database: &str) -> Killable {
    let settings = [
        ("TURNOUT_NODE_ID", TimeOrderedIds.next().to_string()),
        ("TURNOUT_LEASE_TTL_S", LEASE_S.to_string()),
    ];
    Killable::start_on(database, &settings).await
}

/// What a server said: its status, and the body.
struct Told(u16, Value);

async fn send(request: reqwest::RequestBuilder) -> Told {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status == 503 {
        assert!(response.headers().contains_key("retry-after"));
    }
    Told(status, response.json().await.unwrap())
}

fn request(server: &Killable, method: reqwest::Method, path: &str, by: &Person) -> reqwest::RequestBuilder {
    // No connection of one request serves another: some of them wait for long.
    reqwest::Client::new()
        .request(method, format!("{}/api/v1{path}", server.url()))
        .bearer_auth(&by.token)
}

async fn open(server: &Killable) -> String {
    server.open(&host(), 1_000).await
}

async fn show(server: &Killable, activity: &str) -> Told {
    send(request(server, reqwest::Method::GET, activity, &host())).await
}

async fn reserve(server: &Killable, activity: &str, person: u128) -> Told {
    let by = Person::member(person);
    let reserve = request(server, reqwest::Method::POST, &format!("{activity}/rsvp"), &by);
    send(
        reserve
            .header("idempotency-key", format!("k{person}"))
            .json(&json!({})),
    )
    .await
}

/// Asks until the server answers for the activity.
async fn until_served(server: &Killable, activity: &str) -> Value {
    let asking = async {
        loop {
            match show(server, activity).await {
                Told(200, body) => return body,
                Told(503, _) => tokio::time::sleep(Duration::from_millis(20)).await,
                Told(status, body) => panic!("{status}: {body}"),
            }
        }
    };
    tokio::time::timeout(DEADLINE, asking)
        .await
        .expect("somebody serves it")
}

#[tokio::test]
async fn a_node_does_not_answer_for_what_another_owns_until_that_one_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let (mut first, second) = (node(&database).await, node(&database).await);
    let activity = open(&first).await;
    assert_eq!(reserve(&first, &activity, 1).await.0, 201);

    let Told(status, body) = show(&second, &activity).await;
    assert_eq!((status, &body["code"]), (503, &json!("unavailable")));
    assert_eq!(reserve(&second, &activity, 2).await.0, 503);

    first.kill();
    let seen = until_served(&second, &activity).await;
    assert_eq!(seen["confirmed_spots"], 1, "what was acknowledged is there");
    assert_eq!(reserve(&second, &activity, 2).await.0, 201);
}

#[tokio::test]
async fn a_server_that_was_stopped_beyond_its_lease_says_nothing_that_contradicts_its_successor() {
    let rounds = number("TURNOUT_TAKEOVER_ROUNDS", 2);
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let (first, second) = (node(&database).await, node(&database).await);
    let (mut told, mut refused) = (0, 0);
    let mut audited = audit(&database).await;
    for round in 0..rounds {
        // Whoever owned the last one has nothing to do with this one.
        let (old, new) = if round % 2 == 0 {
            (&first, &second)
        } else {
            (&second, &first)
        };
        let activity = open(old).await;
        assert_eq!(reserve(old, &activity, 1).await.0, 201);

        old.pause();
        let taken = until_served(new, &activity).await;
        assert_eq!(taken["seq"], 1);
        for person in 2..=5 {
            assert_eq!(reserve(new, &activity, person).await.0, 201);
        }
        // These are on their way while the old owner sleeps, and are the first that it sees.
        let questions = (0..WAITING).map(|_| show(old, &activity));
        let commands = (0..WAITING).map(|person| reserve(old, &activity, 100 + person));
        let waiting = async {
            futures::join!(
                futures::future::join_all(questions),
                futures::future::join_all(commands)
            )
        };
        let wake = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            old.resume();
        };
        let ((shown, done), ()) = futures::join!(waiting, wake);

        for Told(status, body) in shown {
            // All of the successor's events were acknowledged before any of these was asked.
            match status {
                503 => refused += 1,
                200 => assert!(body["seq"].as_u64().unwrap() >= 5, "a stale answer: {body}"),
                _ => panic!("{status}: {body}"),
            }
        }
        let mut acknowledged = 5;
        for Told(status, body) in done {
            match status {
                503 => refused += 1,
                201 => acknowledged += 1,
                _ => panic!("{status}: {body}"),
            }
        }
        let Told(_, seen) = show(new, &activity).await;
        assert_eq!(seen["confirmed_spots"], acknowledged, "in round {round}");
        let log = request(
            new,
            reqwest::Method::GET,
            &format!("{activity}/events?limit=1000"),
            &host(),
        );
        let Told(_, log) = send(log).await;
        let seqs: Vec<u64> = log["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, (1..=acknowledged).collect::<Vec<u64>>(), "in round {round}");
        told += acknowledged;
        let now = audit(&database).await;
        now.follows(&audited);
        audited = now;
    }
    println!(
        "{rounds} takeovers: {told} acknowledgements, all of them there; the old owner refused {refused} times"
    );
}

#[tokio::test]
async fn whoever_watches_at_a_server_that_slept_learns_only_what_they_may_of_what_happened_since() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let (first, mut second) = (node(&database).await, node(&database).await);
    let activity = open(&first).await;
    let (mut stranger, mut hosting) = (first.socket(None).await, first.socket(Some(&host())).await);
    for socket in [&mut stranger, &mut hosting] {
        assert_eq!(socket.subscribe(&activity).await["seq"], 0);
    }

    first.pause();
    until_served(&second, &activity).await;
    let hide = request(&second, reqwest::Method::PATCH, &activity, &host());
    let Told(status, hidden) = send(hide.json(&json!({"visibility": "private"}))).await;
    assert_eq!((status, &hidden["visibility"]), (200, &json!("private")));
    assert!(second.stop_gently().success());
    first.resume();

    let told = hosting.wait_for("subscribed").await;
    assert_eq!(told["mode"], "snapshot");
    assert_eq!(
        (&told["seq"], &told["snapshot"]["visibility"]),
        (&hidden["seq"], &json!("private"))
    );
    let told = stranger.next().await.unwrap();
    assert_eq!(
        (&told["type"], &told["code"]),
        (&json!("error"), &json!("not_found")),
        "{told}"
    );
}

/// The journal of a node that nobody else is, or of this one.
async fn journal_of(database: &str, node: Node) -> Arc<dyn Journal> {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
    support::open(database).await.journal(node, clock).await.unwrap()
}

fn node_for(ttl: Duration) -> Node {
    Node {
        ttl,
        ..support::node()
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_by_the_databases_clock_alone_begins_a_new_tenure() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let journal = journal_of(&database, node_for(Duration::from_secs(LEASE_S))).await;
    assert_eq!(journal.tenure(), Some(0));
    // As if this machine had slept, and its clock with it.
    let mut outside = PgConnection::connect(&database).await.unwrap();
    sqlx::query("UPDATE nodes SET expires_at = 0")
        .execute(&mut outside)
        .await
        .unwrap();
    until("a new tenure", || {
        let tenure = journal.tenure();
        tenure.is_some_and(|number| number > 0)
    })
    .await;
}

#[tokio::test]
async fn a_process_that_finds_a_younger_one_of_its_node_is_sure_of_nothing_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let node = node_for(Duration::from_secs(6));
    let older = journal_of(&database, node.clone()).await;
    let began = tokio::time::Instant::now();
    let younger = journal_of(&database, node.clone()).await;
    until("the older one notices", || older.tenure().is_none()).await;
    // It renews after a third of that time, and would otherwise have gone on until its end.
    assert!(began.elapsed() < node.ttl * 3 / 4, "{:?}", began.elapsed());
    assert_eq!(younger.tenure(), Some(0));
}

#[tokio::test]
async fn a_renewal_that_hangs_leaves_time_for_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let proxy = Proxy::to(server_of(&database)).await;
    let node = node_for(Duration::from_secs(4));
    let journal = journal_of(&by_way_of(proxy.address, &database), node.clone()).await;
    proxy.strand();
    let stranded = tokio::time::Instant::now();
    while stranded.elapsed() < node.ttl * 3 / 2 {
        assert_eq!(journal.tenure(), Some(0), "after {:?}", stranded.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_claim_that_waited_takes_nothing_from_a_node_that_has_renewed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let owner = journal_of(&database, node_for(Duration::from_secs(60))).await;
    let other = journal_of(&database, node_for(Duration::from_secs(50))).await;
    let mut drive = Drive::create(owner.as_ref(), 1, settings(3)).await;
    drive.reserve(1, 0).expect("there is room");
    let id = drive.batch().activity;
    assert!(owner.load(id).await.unwrap().is_some());

    let mut outside = PgConnection::connect(&database).await.unwrap();
    let of_owner = "WHERE id = (SELECT owner_node FROM activities WHERE owner_node IS NOT NULL)";
    let run = |sql: String| sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
    run(format!("UPDATE nodes SET expires_at = 0 {of_owner}"))
        .execute(&mut outside)
        .await
        .unwrap();
    // The owner renews and claims again, and the other one's claim begins before that is there to see.
    run(format!(
        "BEGIN; UPDATE nodes SET expires_at = 9000000000000000 {of_owner}; \
         UPDATE activities SET owner_epoch = owner_epoch + 1"
    ))
    .execute(&mut outside)
    .await
    .unwrap();
    let claiming = tokio::spawn(async move { other.load(id).await });
    let mut looking = PgConnection::connect(&database).await.unwrap();
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity \
                 WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let waiting = async {
        while !sqlx::query_scalar::<_, bool>(waits)
            .fetch_one(&mut looking)
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.expect("it waits");
    run("COMMIT".to_owned()).execute(&mut outside).await.unwrap();
    let claimed = claiming.await.unwrap();
    assert!(
        matches!(&claimed, Err(JournalError::Unavailable(reason)) if reason.to_string().contains("another node")),
        "{:?}",
        claimed.map(|loaded| loaded.map(|loaded| loaded.epoch))
    );
}

#[tokio::test]
async fn two_servers_in_one_folder_are_not_one_node() {
    let first = Killable::start_on(&postgres_of(tempfile::tempdir().unwrap().path()), &[]).await;
    let second = tokio::process::Command::new(env!("CARGO_BIN_EXE_turnout"))
        .arg("serve")
        .env_clear()
        .env("TURNOUT_LISTEN", "127.0.0.1:0")
        .env("TURNOUT_DATABASE_URL", first.database())
        .current_dir(first.folder())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let refused = tokio::time::timeout(DEADLINE, second).await;
    let refused = refused.expect("it does not serve").unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr).trim_end(),
        "turnout: another server is using data/node-id (it holds data/node-id.lock); set node_id, or start this one \
         in another folder"
    );
}
