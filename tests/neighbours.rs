//! One activity in trouble while others are busy: its row is held by somebody outside, or every batch of it violates
//! a constraint. The others are served as if it were not there.
//!
//! `TURNOUT_NEIGHBOUR_EVENTS` sets how many others there are; more make the figures steadier.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{Killable, Outside, Person, audit, host, id_of, number, postgres_of};

/// Whoever keeps the activity in trouble busy, each with one command at a time.
const PESTERING: u128 = 8;
/// How long a statement of the server waits for a lock.
const LOCK_TIMEOUT_MS: f64 = 500.0;
/// The name by which a command is known that the database refuses.
const POISON: &str = "Mallory";

/// People who give commands to one activity until they are told to stop.
struct Pestering {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    people: Vec<JoinHandle<()>>,
}

impl Pestering {
    /// Every answer has this status.
    fn start(server: &Killable, activity: &str, name: &str, status: u16) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let url = format!("{}/api/v1/activities/{activity}/rsvp", server.url());
        let people = (0..PESTERING)
            .map(|lane| {
                let (stop, answered, url, name) =
                    (stop.clone(), answered.clone(), url.clone(), name.to_owned());
                tokio::spawn(async move {
                    let client = reqwest::Client::new();
                    let mut person = 1_000_000 * (lane + 1);
                    while !stop.load(Ordering::SeqCst) {
                        person += 1;
                        let token = Person::named(person, &name).token;
                        let request = client.post(&url).bearer_auth(token).json(&json!({}));
                        let response = request.send().await.unwrap();
                        let (told, body) = (response.status().as_u16(), response.text().await.unwrap());
                        assert_eq!(told, status, "{body}");
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        Self {
            stop,
            answered,
            people,
        }
    }

    /// How many answers there were.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        for person in self.people {
            person.await.unwrap();
        }
        self.answered.load(Ordering::SeqCst)
    }
}

/// Others at work, and how long they waited: the median and the slowest of a hundred, in milliseconds.
async fn others(server: &Killable, seed: u64) -> (f64, f64) {
    let (events, seed) = (
        number("TURNOUT_NEIGHBOUR_EVENTS", 60).to_string(),
        seed.to_string(),
    );
    let mut load_test = server.load_test(&[
        "replay",
        "--synthetic",
        "1",
        "--events",
        &events,
        "--connections",
        "32",
        "--seed",
        &seed,
    ]);
    let said = load_test.finish().await;
    assert!(
        said.status.success() && said.text.contains("VERDICT: clean"),
        "{}",
        said.text
    );
    let refused = said.report["answered"]["refusals"].as_object().unwrap();
    assert!(refused.is_empty(), "nobody was sent away: {refused:?}");
    let committed = &said.report["answered"]["latency_ms"]["committed"];
    (
        committed["p50"].as_f64().unwrap(),
        committed["p99"].as_f64().unwrap(),
    )
}

/// A new activity, whose identifier it returns.
async fn open(server: &Killable) -> String {
    let path = server.open(&host(), 1_000).await;
    id_of(&path).to_owned()
}

#[tokio::test]
async fn whoever_is_beside_an_activity_in_trouble_does_not_notice() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let server = Killable::start_on(&database, &[]).await;
    let mut outside = Outside::connect(&database).await;
    outside
        .run(&format!(
            "ALTER TABLE rsvps ADD CONSTRAINT poison CHECK (name <> '{POISON}')"
        ))
        .await;
    let (poisoned, held) = (open(&server).await, open(&server).await);

    others(&server, 1).await;
    let quiet = others(&server, 2).await;

    let pestering = Pestering::start(&server, &poisoned, POISON, 500);
    let beside_poison = others(&server, 3).await;
    let refused = pestering.end().await;

    outside
        .run(&format!(
            "BEGIN; SELECT FROM activities WHERE id = '{held}' FOR UPDATE"
        ))
        .await;
    let pestering = Pestering::start(&server, &held, "Somebody", 503);
    let beside_lock = others(&server, 4).await;
    let blocked = pestering.end().await;
    outside.run("ROLLBACK").await;

    let again = others(&server, 5).await;
    outside.close().await;
    audit(&database).await;
    assert!(
        refused > PESTERING as u64 && blocked > 0,
        "{refused} refused, {blocked} blocked"
    );
    // A lock is waited for by those alone whose rows are held.
    for (_, p99_ms) in [beside_poison, beside_lock] {
        assert!(
            p99_ms < quiet.1 + LOCK_TIMEOUT_MS,
            "{p99_ms} ms, and {} ms when it is quiet",
            quiet.1
        );
    }
    println!(
        "p50 and p99 in ms: quiet {quiet:?}, beside a poisoned activity {beside_poison:?} ({refused} commands of it refused), \
         beside a locked one {beside_lock:?} ({blocked} commands of it unavailable), quiet again {again:?}"
    );
}
