//! A server whose database is away: it says so in time, tells from memory what it is sure of, takes on no more than
//! it can hold, and resumes by itself.

use std::process::{Command, Stdio};
use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    Answer, Killable, Person, PostgresServer, allow_connections, host, memory_bytes, usual_activity, with,
};

const LEASE_S: u64 = 6;
/// How late anybody may be told that the database is away.
const LATE: Duration = Duration::from_secs(20);
/// How long the server may take to notice that it is back.
const RESUME_DEADLINE: Duration = Duration::from_secs(30);
/// People who come all at once while the database is away.
const FLOOD: u128 = 2_000;
/// What the server may take for them beyond what it has in use before.
const FLOOD_BYTES: u64 = 64 * 1_024 * 1_024;

/// A request with its body, and who sends it.
type Question = (Method, String, Value, Person);

/// A server on a database that can be taken away.
struct Place {
    postgres: PostgresServer,
    server: Killable,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let (postgres, folder) = (PostgresServer::start().await, tempfile::tempdir().unwrap());
        let database = postgres.database_of(folder.path());
        let settings = [("TURNOUT_LEASE_TTL_S", LEASE_S.to_string())];
        let server = Killable::start_on(&database, &settings).await;
        Self {
            postgres,
            server,
            _folder: folder,
        }
    }

    /// An activity, an RSVP for it, and an account: what the questions are about.
    async fn touched(&self) -> (String, String, Value) {
        let activity = self.open(10).await;
        let rsvp = self.reserve(&activity, 2).await.expect(201);
        let rsvp = format!("/rsvps/{}", rsvp["rsvp"]["id"].as_str().unwrap());
        let register = json!({"name": "Ada", "email": "ada@example.com", "password": "correct horse"});
        let register = self
            .server
            .request(Method::POST, "/auth/register")
            .json(&register);
        (activity, rsvp, register.send().await.expect(201))
    }

    /// The path of a new activity of [`host`].
    async fn open(&self, capacity: u128) -> String {
        self.server.open(&host(), capacity as u64).await
    }

    /// Reserves for one, always under the same key.
    async fn reserve(&self, activity: &str, person: u128) -> Answer {
        let reserve = self.server.request(Method::POST, &format!("{activity}/rsvp"));
        let reserve = reserve.by(&Person::member(person));
        let keyed = reserve.header("idempotency-key", &format!("key of {person}"));
        keyed.json(&json!({})).send().await
    }

    /// Reserves until there is a place, however often that is refused for now.
    async fn insist(&self, activity: &str, person: u128) -> Value {
        let insisting = async {
            loop {
                let answer = self.reserve(activity, person).await;
                if answer.status != 503 {
                    return answer.expect(201);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(RESUME_DEADLINE, insisting)
            .await
            .expect("the server resumes by itself")
    }

    /// Asks until the server is sure of what it owns, which it may not be for a moment after all that.
    async fn insist_to_see(&self, path: &str) -> Value {
        let insisting = async {
            loop {
                let answer = self.ask(path, &host()).await;
                if answer.status != 503 {
                    return answer.expect(200);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(RESUME_DEADLINE, insisting)
            .await
            .expect("the server resumes by itself")
    }

    /// Asks all of these at once, each of which must be refused in time, and returns how long the last one waited.
    async fn ask_all(&self, questions: &[Question]) -> Duration {
        let asked = Instant::now();
        let answers = questions.iter().map(async |(method, path, body, by)| {
            let request = self.server.request(method.clone(), path).by(by);
            let request = if body.is_null() {
                request
            } else {
                request.json(body)
            };
            expect_away(&request.send().await, &format!("{method} {path}"));
        });
        futures::future::join_all(answers).await;
        assert!(asked.elapsed() < LATE, "they waited for {:?}", asked.elapsed());
        asked.elapsed()
    }

    async fn ask(&self, path: &str, by: &Person) -> Answer {
        self.server.request(Method::GET, path).by(by).send().await
    }
}

/// Checks that this says that the database is away, or that it went away in the middle.
#[track_caller]
fn expect_away(answer: &Answer, asked: &str) {
    assert_eq!(answer.status, 503, "{asked}: {answer:?}");
    assert!(
        ["unavailable", "unknown_outcome"].contains(&answer.code()),
        "{asked}: {answer:?}"
    );
    let retry_after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=LATE.as_secs()).contains(&retry_after), "{asked}: {answer:?}");
}

/// Everything that anybody can ask of the server that needs its database. Whichever comes first, it would change
/// something: what changes nothing is answered from memory.
fn questions(activity: &str, rsvp: &str, account: &Value) -> Vec<Question> {
    let (own, ada) = (format!("{activity}/rsvp"), Person::member(2));
    let signed_in = Person {
        id: account["user"]["id"].as_str().unwrap().to_owned(),
        token: account["token"].as_str().unwrap().to_owned(),
    };
    let anybody = || Person::member(3);
    let activity_body = with(
        usual_activity(),
        json!({"starts_at": "2090-01-01T00:00:00Z", "ends_at": "2090-01-01T01:00:00Z"}),
    );
    let register = json!({"name": "Bob", "email": "bob@example.com", "password": "correct horse"});
    let login = json!({"email": "ada@example.com", "password": "correct horse"});
    let refresh = json!({"refresh_token": account["refresh_token"]});
    let questions = [
        (Method::POST, "/activities", activity_body, host()),
        (Method::PATCH, activity, json!({"capacity": 11}), host()),
        (Method::PUT, activity, json!({"capacity": 12}), host()),
        (Method::DELETE, activity, json!({}), host()),
        (Method::POST, &own, json!({}), anybody()),
        (Method::PATCH, &own, json!({"guest_count": 1}), Person::member(2)),
        (Method::PUT, &own, json!({"guest_count": 2}), Person::member(2)),
        (Method::PATCH, rsvp, json!({"guest_count": 1}), Person::member(2)),
        (Method::PUT, rsvp, json!({"guest_count": 2}), host()),
        (Method::DELETE, rsvp, json!({}), host()),
        (Method::DELETE, &own, json!({}), ada),
        (Method::POST, "/auth/register", register, anybody()),
        (Method::POST, "/auth/login", login, anybody()),
        (Method::POST, "/auth/refresh", refresh, anybody()),
        (Method::GET, "/auth/verify", Value::Null, signed_in),
        (Method::GET, "/activities", Value::Null, anybody()),
        (Method::GET, &format!("{activity}/rsvps"), Value::Null, host()),
        (Method::GET, &format!("{activity}/events"), Value::Null, host()),
        // Nobody has asked for these yet, so nothing of them is in memory.
        (
            Method::GET,
            "/activities/00000000-0000-4000-8000-000000000009",
            Value::Null,
            host(),
        ),
        (
            Method::DELETE,
            "/rsvps/00000000-0000-4000-8000-000000000009",
            json!({}),
            host(),
        ),
    ];
    questions
        .into_iter()
        .map(|(method, path, body, by)| (method, path.to_owned(), body, by))
        .collect()
}

#[tokio::test]
async fn a_server_without_its_database_reads_while_its_lease_holds_and_refuses_everything_else_in_time() {
    let mut place = Place::new().await;
    let kept = place.open(10).await;
    let ada = Person::member(2);
    let first = place.reserve(&kept, 2).await.expect(201);
    let (touched, rsvp, account) = place.touched().await;

    let own = format!("/rsvps/{}", first["rsvp"]["id"].as_str().unwrap());
    let reads = [
        kept.clone(),
        format!("{kept}/rsvp"),
        own,
        format!("{kept}/waitlist"),
    ];
    let mut before = Vec::new();
    for path in &reads {
        before.push(place.ask(path, &ada).await.expect(200));
    }

    place.postgres.stop().await;
    let stopped = Instant::now();
    for (path, before) in reads.iter().zip(&before) {
        assert_eq!(
            place.ask(path, &ada).await.expect(200)["seq"],
            before["seq"],
            "{path}"
        );
    }
    let questions = questions(&touched, &rsvp, &account);
    let at_once = place.ask_all(&questions);
    let later = async {
        let until_over = async {
            let mut read_for = Duration::ZERO;
            loop {
                let asked = stopped.elapsed();
                if place.ask(&kept, &ada).await.status != 200 {
                    return read_for;
                }
                read_for = asked;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let read_for = tokio::time::timeout(LATE, until_over)
            .await
            .expect("the lease ends");
        assert!(read_for < Duration::from_secs(LEASE_S), "{read_for:?}");
        for path in &reads {
            expect_away(&place.ask(path, &ada).await, path);
        }
        (read_for, place.ask_all(&questions).await)
    };
    let (waited, (read_for, waited_later)) = futures::join!(at_once, later);
    println!(
        "without a database: reads from memory for {:.1} s; {} kinds of questions refused after {:.1} s at most, and \
         after {:.1} s without a lease",
        read_for.as_secs_f64(),
        questions.len(),
        waited.as_secs_f64(),
        waited_later.as_secs_f64(),
    );
    let health = place.server.request(Method::GET, "//health").send().await;
    health.expect(200);

    place.postgres.start_again().await;
    let again = place.insist(&kept, 2).await;
    assert_eq!((&again["replayed"], &again["seq"]), (&json!(true), &first["seq"]));
    assert_eq!(place.insist(&kept, 3).await["seq"], 2);
    let events = place.ask(&format!("{kept}/events"), &host()).await.expect(200);
    assert_eq!(events["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_flood_while_the_database_is_away_is_refused_within_bounds_and_served_once_it_is_back() {
    allow_connections();
    let mut place = Place::new().await;
    let activity = place.open(2 * FLOOD).await;
    place.reserve(&activity, 1).await.expect(201);
    // Everybody has a connection and has been refused for good, so all that a flood takes anyway is there.
    let nowhere = "/activities/00000000-0000-4000-8000-000000000009";
    let crowd = || 2..2 + FLOOD;
    let warm = crowd().map(async |person| place.reserve(nowhere, person).await.expect(404));
    futures::future::join_all(warm).await;
    let before_bytes = memory_bytes(place.server.id());

    place.postgres.stop().await;
    let asked = Instant::now();
    let flood = crowd().map(async |person| {
        let answer = place.reserve(&activity, person).await;
        expect_away(&answer, "a flood");
        asked.elapsed()
    });
    let waited = futures::future::join_all(flood).await.into_iter().max().unwrap();
    let grown_bytes = memory_bytes(place.server.id()).saturating_sub(before_bytes);
    println!(
        "{FLOOD} people at once without a database: all refused after {:.1} s at most; {} MiB before it, {} MiB more \
         after it",
        waited.as_secs_f64(),
        before_bytes >> 20,
        grown_bytes >> 20,
    );
    assert!(waited < LATE, "they waited for {waited:?}");
    assert!(grown_bytes < FLOOD_BYTES, "{grown_bytes} bytes more");

    place.postgres.start_again().await;
    let back = Instant::now();
    place.insist(&activity, 2 + FLOOD).await;
    println!(
        "served again {:.0} ms after it was back",
        back.elapsed().as_secs_f64() * 1_000.0
    );
    let served = futures::stream::iter(crowd())
        .map(async |person| place.insist(&activity, person).await)
        .buffer_unordered(200);
    let seqs: std::collections::BTreeSet<u64> =
        served.map(|told| told["seq"].as_u64().unwrap()).collect().await;
    assert_eq!(seqs.len() as u128, FLOOD, "each got a place of their own");
    let shown = place.insist_to_see(&activity).await;
    let everybody = json!(FLOOD as u64 + 2);
    assert_eq!(
        (&shown["confirmed_spots"], &shown["seq"]),
        (&everybody, &everybody)
    );
}

#[tokio::test]
async fn a_server_that_starts_without_its_database_says_so_in_one_line_and_ends() {
    let mut place = Place::new().await;
    let folder = tempfile::tempdir().unwrap();
    let database = place.postgres.database_of(folder.path());
    place.postgres.stop().await;
    let started = Command::new(env!("CARGO_BIN_EXE_turnout"))
        .arg("serve")
        .env_clear()
        .env("TURNOUT_LISTEN", "127.0.0.1:0")
        .env(
            "TURNOUT_DATABASE_URL",
            database.replace("turnout@", "turnout:hush@"),
        )
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(started.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&started.stdout), "");
    let told = String::from_utf8_lossy(&started.stderr).into_owned();
    let shown = database.replace("turnout@", "");
    assert!(
        told.starts_with(&format!("turnout: cannot open {shown}: ")),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(!told.contains("hush"), "{told}");
}

#[tokio::test]
async fn a_server_whose_database_hangs_refuses_everything_in_time_and_resumes_by_itself() {
    let place = Place::new().await;
    let kept = place.open(10).await;
    place.reserve(&kept, 2).await.expect(201);
    let (touched, rsvp, account) = place.touched().await;
    let questions = questions(&touched, &rsvp, &account);

    place.postgres.pause().await;
    let waited = place.ask_all(&questions).await;
    place.postgres.resume();
    let back = Instant::now();
    assert_eq!(place.insist(&kept, 3).await["seq"], 2);
    println!(
        "{} kinds of questions to a database that hangs refused after {:.1} s at most; served again {:.0} ms after it \
         went on",
        questions.len(),
        waited.as_secs_f64(),
        back.elapsed().as_secs_f64() * 1_000.0
    );
}
