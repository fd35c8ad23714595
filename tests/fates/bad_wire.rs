//! The way to Postgres is slow, or half open for a while: what callers see then, and that everything goes on by itself.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Killable, Person, Proxy, Weather, audit, by_way_of, host, postgres_of, server_of};

const LEASE: Duration = Duration::from_secs(4);
/// The longest that anybody waits, until the activity is there and the answer is.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);
/// How much later something is seen on a busy machine.
const SLACK: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(120);
const WRITERS: u128 = 8;
/// Activities that nobody has asked for.
const ASLEEP: u128 = 8;
/// How soon whoever was refused comes again.
const PAUSE: Duration = Duration::from_millis(50);

/// A server behind a wire.
struct Place {
    database: String,
    server: Killable,
    proxy: Proxy,
    _folder: TempDir,
}

/// What the server said, and how long it took.
struct Told {
    status: u16,
    body: Value,
    took: Duration,
}

impl Told {
    /// Whether it was sent away, in time and as the contract says.
    fn is_refusal(&self, codes: &[&str]) -> bool {
        assert!(self.took < ANSWER_LIMIT + SLACK, "{:?}: {}", self.took, self.body);
        let refused = self.status == 503;
        if refused {
            let code = self.body["code"].as_str().unwrap();
            assert!(codes.contains(&code), "{}", self.body);
        }
        refused
    }
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = postgres_of(folder.path());
        let proxy = Proxy::to(server_of(&database)).await;
        let lease = [("TURNOUT_LEASE_TTL_S", LEASE.as_secs().to_string())];
        let server = Killable::start_on(&by_way_of(proxy.address, &database), &lease).await;
        Self {
            database,
            server,
            proxy,
            _folder: folder,
        }
    }

    async fn ask(&self, method: Method, path: &str, by: &Person, body: Option<Value>) -> Told {
        // No connection of one request serves another: some of them wait for long.
        let mut request = reqwest::Client::new()
            .request(method, format!("{}/api/v1{path}", self.server.url()))
            .bearer_auth(&by.token)
            .header("idempotency-key", &by.id);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let began = Instant::now();
        let response = timeout(DEADLINE, request.send())
            .await
            .expect("nobody waits for ever")
            .unwrap();
        let status = response.status().as_u16();
        assert_eq!(
            response.headers().contains_key("retry-after"),
            status == 503,
            "whoever is sent away is told when to come again"
        );
        Told {
            status,
            body: response.json().await.unwrap(),
            took: began.elapsed(),
        }
    }

    /// Makes an activity of somebody who has not made one yet.
    async fn open(&self, host: u128) -> String {
        self.server.open(&Person::member(host), 100).await
    }

    async fn show(&self, activity: &str) -> Told {
        self.ask(Method::GET, activity, &host(), None).await
    }

    async fn reserve(&self, activity: &str, person: u128) -> Told {
        let path = format!("{activity}/rsvp");
        self.ask(Method::POST, &path, &Person::member(person), Some(json!({})))
            .await
    }

    /// Reserves until it is done, and returns how often that was refused.
    async fn insist(&self, activity: &str, person: u128) -> u32 {
        let began = Instant::now();
        let mut refusals = 0;
        loop {
            let told = self.reserve(activity, person).await;
            if told.is_refusal(&["unavailable", "unknown_outcome"]) {
                refusals += 1;
                assert!(began.elapsed() < DEADLINE, "it goes on by itself: {}", told.body);
                sleep(PAUSE).await;
            } else {
                assert_eq!(told.status, 201, "{}", told.body);
                return refusals;
            }
        }
    }

    /// Shows the activity until that is refused, and returns when it was shown for the last time.
    async fn watch(&self, activity: &str, since: Instant) -> Duration {
        let mut shown = Duration::ZERO;
        loop {
            let asked = since.elapsed();
            let told = self.show(activity).await;
            if told.is_refusal(&["unavailable"]) {
                return shown;
            }
            assert_eq!(
                (told.status, &told.body["seq"]),
                (200, &json!(1)),
                "{}",
                told.body
            );
            shown = asked;
            assert!(shown < LEASE + SLACK, "nobody reads what others may have changed");
            sleep(PAUSE).await;
        }
    }

    /// Shows the activity as soon as that is not refused.
    async fn until_shown(&self, activity: &str) -> Value {
        let began = Instant::now();
        loop {
            let told = self.show(activity).await;
            if !told.is_refusal(&["unavailable"]) {
                assert_eq!(told.status, 200, "{}", told.body);
                return told.body;
            }
            assert!(began.elapsed() < DEADLINE, "it goes on by itself: {}", told.body);
            sleep(PAUSE).await;
        }
    }

    /// Everybody who reserved is in, once.
    async fn everybody_is_in(&self, activity: &str, people: u128) {
        let seen = self.until_shown(activity).await;
        assert_eq!(seen["confirmed_spots"].as_u64(), Some(people as u64));
        assert_eq!(seen["seq"].as_u64(), Some(people as u64));
        audit(&self.database).await;
    }
}

#[tokio::test]
async fn a_half_open_wire_makes_writes_unavailable_and_ends_reads_with_the_lease_until_it_is_well() {
    let place = Place::new().await;
    let activity = place.open(1).await;
    assert_eq!(place.reserve(&activity, 100).await.status, 201);

    place.proxy.set(Weather::HalfOpen);
    let since = Instant::now();
    let writers = futures::future::join_all((0..WRITERS).map(|person| place.insist(&activity, 200 + person)));
    let rest = async {
        let shown = place.watch(&activity, since).await;
        assert!(
            shown > Duration::ZERO,
            "the lease holds, and reads need nothing else: {shown:?}"
        );
        let late = place.reserve(&activity, 300).await;
        assert!(
            late.is_refusal(&["unavailable"]),
            "{}: {}",
            late.status,
            late.body
        );
        place.proxy.set(Weather::Well);
        let well = Instant::now();
        place.insist(&activity, 300).await;
        println!(
            "half open: shown for {shown:?}, refused after {:?}, and served again {:?} after the wire was well",
            late.took,
            well.elapsed()
        );
    };
    let (refusals, ()) = futures::join!(writers, rest);
    assert!(refusals.iter().all(|refusals| *refusals > 0), "{refusals:?}");
    place.everybody_is_in(&activity, WRITERS + 2).await;
}

#[tokio::test]
async fn connections_that_stay_half_open_for_good_are_given_up() {
    let place = Place::new().await;
    let activity = place.open(1).await;
    assert_eq!(place.reserve(&activity, 100).await.status, 201);
    // Several connections are there and idle.
    let asleep = futures::future::join_all((0..ASLEEP).map(|host| place.open(2 + host))).await;

    place.proxy.strand();
    let since = Instant::now();
    let commands = async {
        let writers = (0..WRITERS).map(|person| place.insist(&activity, 200 + person));
        futures::future::join_all(writers).await;
        since.elapsed()
    };
    let loads = async {
        let loads = asleep.iter().map(|activity| place.until_shown(activity));
        futures::future::join_all(loads).await;
        since.elapsed()
    };
    let (commands, loads) = futures::join!(commands, loads);
    println!("stranded: commands went on after {commands:?}, activities were loaded after {loads:?}");
    assert!(
        commands.max(loads) < ANSWER_LIMIT + SLACK,
        "one time-out is waited for, and not one for each connection"
    );
    place.everybody_is_in(&activity, WRITERS + 1).await;
}

#[tokio::test]
async fn a_burst_over_a_slow_wire_is_clean() {
    let place = Place::new().await;
    let delay = Duration::from_millis(10);
    place.proxy.set(Weather::Slow {
        delay,
        bytes_per_s: 200_000,
    });
    let mut load_test = place.server.load_test(&[
        "burst",
        "--people",
        "600",
        "--seats",
        "100",
        "--connections",
        "50",
        "--cancel",
        "0.2",
        "--guests",
        "0.3",
    ]);
    let said = load_test.finish().await;
    assert!(said.status.success(), "{}", said.text);
    assert!(said.text.contains("VERDICT: clean"), "{}", said.text);
    let median_ms = said.report["answered"]["latency_ms"]["committed"]["p50"].as_f64();
    let median = Duration::from_secs_f64(median_ms.unwrap() / 1e3);
    assert!(
        median >= 2 * delay,
        "every commit goes there and back: {median:?}"
    );
    println!(
        "slow wire: {} acknowledged, in {median:?} (median)",
        said.number("/answered/committed")
    );
}
