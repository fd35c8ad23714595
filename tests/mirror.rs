//! Counts in Redis, as readers outside see them: the same as the server tells, and right again soon after Redis was
//! not.
//!
//! `TURNOUT_MIRROR_ROUNDS` sets how often Redis comes back empty in mid-burst.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use turnout::config::{Config, Sources};
use turnout::ids::TimeOrderedIds;
use turnout::redis::{Link, RedisMirror};
use turnout_actors::domain::{ActivityId, History, Seq};
use turnout_actors::ports::{CountMirror, IdSource, MirrorCounts};

use crate::support::{Burst, Certificate, Crowd, Killable, Person, RedisServer, audit, host, id_of, number};

/// Within this time everything live is in Redis again after it came back empty.
const SOON: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(30);
/// Activities that nobody changes while Redis is away.
const IDLE: u64 = 60;

type Hash = HashMap<String, String>;

async fn connect(redis: &RedisServer) -> MultiplexedConnection {
    let client = Client::open(redis.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn mirrored(connection: &mut MultiplexedConnection, id: &str) -> Hash {
    connection
        .hgetall(format!("turnout:activity:{id}"))
        .await
        .unwrap()
}

/// What the mirror must hold of an activity that looks like this to clients.
fn hash_of(activity: &Value) -> Hash {
    let fields = [
        ("capacity", "capacity"),
        ("confirmed", "confirmed_spots"),
        ("offered", "offered_spots"),
        ("waitlisted", "waitlisted_spots"),
        ("available", "available_spots"),
        ("epoch", "epoch"),
        ("seq", "seq"),
    ];
    fields
        .into_iter()
        .map(|(field, told)| (field.to_owned(), activity[told].as_u64().unwrap().to_string()))
        .collect()
}

/// A new activity, whose identifier it returns.
async fn open(server: &Killable, capacity: u64) -> String {
    let path = server.open(&host(), capacity).await;
    id_of(&path).to_owned()
}

async fn reserve(server: &Killable, id: &str, person: u128) {
    let reserve = server.request(Method::POST, &format!("/activities/{id}/rsvp"));
    let reserve = reserve
        .by(&Person::member(person))
        .json(&json!({"guest_count": 1}));
    reserve.send().await.expect(201);
}

/// Waits until the mirror holds what the server tells of these activities, while nobody changes them.
async fn until_right(server: &Killable, connection: &mut MultiplexedConnection, ids: &[String]) {
    let right = async {
        for id in ids {
            let told = hash_of(&server.ask(&format!("/api/v1/activities/{id}")).await);
            while mirrored(connection, id).await != told {
                sleep(Duration::from_millis(5)).await;
            }
        }
    };
    timeout(DEADLINE, right).await.expect("the counts get there");
}

/// Waits until the mirror holds an activity, which is busy, as the server tells it at some moment after this event.
async fn until_caught_up(server: &Killable, connection: &mut MultiplexedConnection, id: &str, seq: u64) {
    let caught_up = async {
        loop {
            let told = server.ask(&format!("/api/v1/activities/{id}")).await;
            let told_seq = told["seq"].as_u64().unwrap_or_default();
            let mut held = mirrored(connection, id).await;
            while told_seq >= seq && mirrored_seq(&held) < told_seq {
                held = mirrored(connection, id).await;
            }
            // What changes again at once is never written, so not all that is told gets there.
            if told_seq >= seq && mirrored_seq(&held) == told_seq {
                return assert_eq!(held, hash_of(&told));
            }
        }
    };
    timeout(DEADLINE, caught_up).await.expect("the mirror catches up");
}

fn mirrored_seq(held: &Hash) -> u64 {
    held.get("seq").map_or(0, |seq| seq.parse().unwrap())
}

async fn server_with(redis: &RedisServer) -> Killable {
    Killable::start_with(&[("TURNOUT_REDIS_URL", redis.url())]).await
}

#[tokio::test]
async fn readers_of_redis_see_the_counts_that_clients_see() {
    let redis = RedisServer::start().await;
    let server = server_with(&redis).await;
    let mut connection = connect(&redis).await;
    let id = open(&server, 3).await;
    for person in 1..=3 {
        reserve(&server, &id, person).await;
    }
    until_right(&server, &mut connection, std::slice::from_ref(&id)).await;
    let hash = mirrored(&mut connection, &id).await;
    for (field, value) in [
        ("confirmed", "2"),
        ("waitlisted", "4"),
        ("available", "1"),
        ("seq", "3"),
    ] {
        assert_eq!(hash[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_server_reaches_redis_over_tls_where_it_trusts_the_certificate() {
    let redis = RedisServer::start_with_tls().await;
    let (url, authority) = redis.tls();
    let trusts = |authority: &Path| {
        let authority = authority.to_str().unwrap().to_owned();
        [("TURNOUT_REDIS_URL", url.clone()), ("SSL_CERT_FILE", authority)]
    };
    let server = Killable::start_with(&trusts(authority)).await;
    let id = open(&server, 3).await;
    reserve(&server, &id, 1).await;
    let mut connection = connect(&redis).await;
    until_right(&server, &mut connection, &[id]).await;

    let other = tempfile::tempdir().unwrap();
    let stranger = Certificate::make(other.path());
    let distrustful = Killable::start_with(&trusts(&stranger.authority)).await;
    let id = open(&distrustful, 3).await;
    let told = async {
        while !distrustful.log().contains("the mirror is away") {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, told)
        .await
        .expect("it says that it does not reach it");
    assert!(mirrored(&mut connection, &id).await.is_empty());
}

#[tokio::test]
async fn a_server_starts_and_serves_without_the_redis_it_was_told_of() {
    let mut redis = RedisServer::start().await;
    redis.kill();
    let server = server_with(&redis).await;
    let id = open(&server, 3).await;
    reserve(&server, &id, 1).await;
    redis.start_again().await;
    let mut connection = connect(&redis).await;
    until_right(&server, &mut connection, &[id]).await;
}

/// How many activities were found wrong in the mirror so far, as the server's log says.
fn repaired(server: &Killable) -> u64 {
    let log = server.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["message"] == "the mirror was wrong and is repaired")
        .map(|line| line["activities"].as_u64().unwrap())
        .sum()
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_under_load_holds_what_memory_holds_within_two_seconds() {
    let mut redis = RedisServer::start().await;
    let server = server_with(&redis).await;
    let mut idle = Vec::new();
    for capacity in 2..IDLE + 2 {
        let id = open(&server, capacity).await;
        reserve(&server, &id, 1).await;
        idle.push(id);
    }
    for round in 1..=number("TURNOUT_MIRROR_ROUNDS", 1) {
        let crowd = Crowd {
            people: 20_000,
            seats: 400,
            connections: 100,
            seed: round,
            via: "rest",
        };
        let mut burst = Burst::start(&server, &crowd).await;
        burst.until_committed(&server, 500).await;
        let before = repaired(&server);
        redis.kill();
        redis.start_again().await;
        let back = Instant::now();
        let told = burst.seq(&server).await;
        let mut connection = connect(&redis).await;
        until_right(&server, &mut connection, &idle).await;
        while mirrored_seq(&mirrored(&mut connection, &burst.activity).await) < told {}
        let took = back.elapsed();
        assert!(took < SOON, "{took:?}");
        until_caught_up(&server, &mut connection, &burst.activity, told).await;
        assert!(!burst.is_over(), "it was right again while it was under load");
        let said = burst.finish().await;
        assert!(said.text.contains("VERDICT: clean"), "{}", said.text);
        let all = [idle.as_slice(), std::slice::from_ref(&burst.activity)].concat();
        until_right(&server, &mut connection, &all).await;
        let repaired = repaired(&server) - before;
        // Those of earlier bursts, and this one if nothing of it was just on its way.
        let (least, most) = (IDLE + round - 1, IDLE + round);
        assert!((least..=most).contains(&repaired), "{repaired} were repaired");
        println!(
            "round {round}: {repaired} activities repaired, right again after {} ms",
            took.as_millis()
        );
    }
    audit(server.database()).await;
}

/// A mirror in this Redis, and the counts of something after so many events of a history.
fn mirror(redis: &RedisServer) -> RedisMirror {
    let environment = vec![("TURNOUT_REDIS_URL".into(), redis.url().into())];
    let config = Config::load(Sources {
        environment,
        ..Sources::default()
    })
    .unwrap();
    let link = Link::to(&config.redis.unwrap()).unwrap();
    RedisMirror::new(link, TimeOrderedIds.next(), TimeOrderedIds.next())
}

fn counts(history: u64, seq: u64) -> MirrorCounts {
    MirrorCounts {
        capacity: 10_000_000,
        confirmed: 1,
        offered: 2,
        waitlisted: 5_000_000_000,
        available: 9_999_997,
        history: History(history),
        seq: Seq(seq),
    }
}

#[tokio::test]
async fn only_newer_counts_are_written_unless_they_are_to_replace_what_is_there() {
    let redis = RedisServer::start().await;
    let (mirror, id) = (mirror(&redis), ActivityId::from(TimeOrderedIds.next()));
    assert_eq!(mirror.read(&[id]).await.unwrap(), [None]);
    for (write, held) in [
        (counts(1, 9), counts(1, 9)),
        (counts(1, 8), counts(1, 9)),
        (counts(1, 10), counts(1, 10)),
        (counts(2, 3), counts(2, 3)),
        (counts(1, 11), counts(2, 3)),
    ] {
        mirror.advance(&[(id, write)]).await.unwrap();
        assert_eq!(mirror.read(&[id]).await.unwrap(), [Some(held)]);
    }
    mirror.replace(&[(id, counts(1, 4))]).await.unwrap();
    assert_eq!(mirror.read(&[id]).await.unwrap(), [Some(counts(1, 4))]);
}

#[tokio::test]
async fn what_cannot_be_understood_counts_as_nothing_and_makes_way() {
    let redis = RedisServer::start().await;
    let (mirror, id) = (mirror(&redis), ActivityId::from(TimeOrderedIds.next()));
    let key = format!("turnout:activity:{id}");
    for nonsense in [
        format!("SET {key} text"),
        format!("HSET {key} seq 3"),
        format!("HSET {key} seq three epoch one"),
    ] {
        redis.ask(&format!("DEL {key}")).unwrap();
        redis.ask(&nonsense).unwrap();
        mirror.advance(&[(id, counts(1, 1))]).await.unwrap();
        assert_eq!(
            mirror.read(&[id]).await.unwrap(),
            [Some(counts(1, 1))],
            "{nonsense}"
        );
    }
    // One that cannot be read keeps nobody else from being read.
    let other = ActivityId::from(TimeOrderedIds.next());
    mirror.advance(&[(other, counts(1, 1))]).await.unwrap();
    for nonsense in [format!("HSET {key} confirmed many"), format!("SET {key} text")] {
        redis.ask(&nonsense).unwrap();
        let read = mirror.read(&[id, other]).await.unwrap();
        assert_eq!(read, [None, Some(counts(1, 1))], "{nonsense}");
    }
}

#[tokio::test]
async fn a_redis_that_stopped_answering_is_used_again_once_it_does() {
    let redis = RedisServer::start().await;
    let mirror = mirror(&redis);
    mirror.remembers().await.unwrap();
    redis.pause().await;
    assert!(mirror.remembers().await.is_err());
    redis.resume();
    assert!(
        mirror.remembers().await.unwrap(),
        "over a connection that answers"
    );
}

#[tokio::test]
async fn a_mirror_tells_that_redis_lost_its_memory() {
    let mut redis = RedisServer::start().await;
    let mirror = Arc::new(mirror(&redis));
    assert!(!mirror.remembers().await.unwrap());
    assert!(mirror.remembers().await.unwrap());
    redis.ask("FLUSHALL").unwrap();
    assert!(!mirror.remembers().await.unwrap());
    redis.kill();
    assert!(mirror.remembers().await.is_err());
    redis.start_again().await;
    let back = async {
        // The connection that was lost is noticed at the first use.
        while mirror.remembers().await.is_err() {}
    };
    timeout(DEADLINE, back).await.expect("it connects again");
    assert!(mirror.remembers().await.unwrap());
}
