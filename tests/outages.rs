//! Things killed in mid-burst: the server, one process of Postgres, all of Postgres, Redis; and all of Postgres stopped
//! for a while, without its knowing. Whoever was acknowledged is in the database afterwards, nobody twice, and everybody
//! is answered.
//!
//! `TURNOUT_KILL_ROUNDS` sets how often each, `TURNOUT_KILL_SEED` where they fall, `TURNOUT_PAUSE_S` for how long
//! Postgres is stopped.

mod redis;

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::support::{
    Burst, Crowd, Killable, MERGED_COMMIT, PostgresServer, Random, Said, audit, number, unix_ms,
};

/// How many activities are busy at once: they share transactions.
const ACTIVITIES: u64 = 2;
const PEOPLE: u64 = 5_000;
const SEATS: u64 = 400;
const CONNECTIONS: u64 = 100;
/// What falls in mid-burst falls after at least this many events of each activity, and up to so many more, drawn
/// from the seed.
const EVENTS_MIN: u64 = 300;
const EVENTS_SPREAD: u64 = PEOPLE / 4;
/// And after up to this delay: what is seen of an activity has been answered, so without a delay nothing would fall
/// between a commit and its answers.
const DELAY_SPREAD_US: u64 = 20_000;

/// Two at once would be in each other's figures.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The rounds of one kind of outage, on one Postgres server.
struct Outages {
    what: &'static str,
    rounds: u64,
    random: Random,
    postgres: PostgresServer,
    recoveries_ms: Vec<f64>,
    acknowledged: u64,
    replayed: u64,
}

impl Outages {
    async fn new(what: &'static str) -> Self {
        let (rounds, seed) = (number("TURNOUT_KILL_ROUNDS", 1), number("TURNOUT_KILL_SEED", 1));
        println!("{what}: TURNOUT_KILL_ROUNDS={rounds} TURNOUT_KILL_SEED={seed}");
        Self {
            what,
            rounds,
            random: Random(seed),
            postgres: PostgresServer::start().await,
            recoveries_ms: Vec::new(),
            acknowledged: 0,
            replayed: 0,
        }
    }

    /// Lets something fall into the middle of bursts on a server with these settings. `fault` returns when the cause
    /// is over. Returns the server, which still runs, and its activities.
    async fn round(
        &mut self,
        settings: &[(&'static str, String)],
        mut fault: impl AsyncFnMut(&mut PostgresServer, &mut Killable),
    ) -> (Killable, Vec<Burst>) {
        let folder = tempfile::tempdir().unwrap();
        let database = self.postgres.database_of(folder.path());
        let mut server = Killable::start_on(&database, settings).await;
        let mut bursts = Vec::new();
        for number in 0..ACTIVITIES {
            let crowd = Crowd {
                people: PEOPLE,
                seats: SEATS,
                connections: CONNECTIONS,
                seed: self.recoveries_ms.len() as u64 + number,
                via: "rest",
            };
            bursts.push(Burst::start(&server, &crowd).await);
        }
        let least = EVENTS_MIN + self.random.below(EVENTS_SPREAD);
        let mut told = Vec::new();
        for burst in &mut bursts {
            burst.until_committed(&server, least).await;
            told.push(burst.seq(&server).await);
        }
        assert!(
            bursts.iter_mut().all(|burst| !burst.is_over()),
            "{}: a burst was over before its middle",
            self.what
        );

        let before = audit(&database).await;
        // Nothing waits for anything here: this is where it falls. It blocks because a timer of the runtime has no
        // finer grain than a millisecond.
        std::thread::sleep(Duration::from_micros(self.random.below(DELAY_SPREAD_US)));
        let hit_ms = unix_ms();
        fault(&mut self.postgres, &mut server).await;
        let (back, back_ms) = (Instant::now(), unix_ms());
        let mut connection = PgConnection::connect(&database).await.unwrap();
        let mut kept = Vec::new();
        for (burst, told) in bursts.iter().zip(&told) {
            let seq = Truth::of(&mut connection, burst).await.seq as u64;
            assert!(
                seq >= *told,
                "{}: {told} events were told, {seq} are there",
                self.what
            );
            kept.push(seq);
        }
        // What is committed beyond that was committed after the cause was over. It is seen when it is acknowledged.
        let newly = bursts.iter_mut().zip(&kept).map(async |(burst, kept)| {
            burst.until_committed(&server, kept + 1).await;
            back.elapsed().as_secs_f64() * 1_000.0
        });
        let recoveries_ms = futures::future::join_all(newly).await;

        for (number, burst) in bursts.iter_mut().enumerate() {
            let said = burst.finish().await;
            let shown = format!(
                "{}, {} → {} events:\n{}",
                self.what, told[number], kept[number], said.text
            );
            assert!(
                said.status.success() && said.text.contains("VERDICT: clean"),
                "{shown}"
            );
            let sides = [(0, hit_ms), (back_ms, u64::MAX)]
                .map(|(from_ms, to_ms)| said.acknowledged_between(from_ms, to_ms));
            assert!(
                sides.iter().all(|acknowledged| *acknowledged > 0),
                "there are acknowledgements on both sides: {sides:?}, {shown}"
            );
            Truth::of(&mut connection, burst).await.agrees_with(&said, &shown);
            println!(
                "{}: {} events told before, {} there after it; acknowledged before and after it {sides:?}, {} of them \
                 again; serves again after {:.0} ms",
                self.what,
                told[number],
                kept[number],
                said.number("/answered/replayed"),
                recoveries_ms[number],
            );
            self.acknowledged += said.number("/answered/committed");
            self.replayed += said.number("/answered/replayed");
        }
        connection.close().await.unwrap();
        audit(&database).await.follows(&before);
        self.recoveries_ms.extend(recoveries_ms);
        (server, bursts)
    }

    /// Says what came of all rounds.
    fn tell(mut self) {
        self.recoveries_ms.sort_by(f64::total_cmp);
        println!(
            "{}, {} times with {ACTIVITIES} busy activities: {} acknowledgements, all of them there and none doubled, {} \
             told again; from the end of the cause to an activity's first new acknowledgement {:.0} ms at the median, \
             {:.0} ms at most",
            self.what,
            self.rounds,
            self.acknowledged,
            self.replayed,
            self.recoveries_ms[self.recoveries_ms.len() / 2],
            self.recoveries_ms[self.recoveries_ms.len() - 1],
        );
    }
}

/// What the database holds of an activity, to be compared with what the load test says of it. Whether all of it adds up
/// is for the audit.
#[derive(sqlx::FromRow)]
struct Truth {
    seq: i64,
    capacity: i64,
    confirmed_spots: i64,
    waitlisted_parties: i64,
    commands: i64,
}

impl Truth {
    async fn of(connection: &mut PgConnection, burst: &Burst) -> Self {
        let look = "SELECT seq, capacity, confirmed_spots, waitlisted_parties, \
                      (SELECT count(key_digest) FROM activity_events WHERE activity_id = $1) AS commands \
                    FROM activities WHERE id = $1";
        let id: Uuid = burst.activity.parse().unwrap();
        sqlx::query_as(look).bind(id).fetch_one(connection).await.unwrap()
    }

    fn agrees_with(&self, said: &Said, shown: &str) {
        // Each command recorded its key once, however often it was sent.
        for (is, pointer) in [
            (self.commands, "/answered/committed"),
            (self.capacity, "/at_the_end/capacity"),
            (self.confirmed_spots, "/at_the_end/confirmed_spots"),
            (self.waitlisted_parties, "/at_the_end/waitlisted_parties"),
        ] {
            assert_eq!(is as u64, said.number(pointer), "{pointer}, {shown}");
        }
    }
}

#[tokio::test]
async fn a_server_killed_in_mid_burst_serves_again_once_it_is_started() {
    let _alone = ALONE.lock().await;
    let mut outages = Outages::new("the server killed").await;
    for _ in 0..outages.rounds {
        let killed = async |_: &mut PostgresServer, server: &mut Killable| {
            server.kill();
            server.start_again().await;
        };
        outages.round(&[], killed).await;
    }
    outages.tell();
}

#[tokio::test]
async fn one_process_of_postgres_killed_in_mid_burst_ends_all_sessions_and_is_survived() {
    let _alone = ALONE.lock().await;
    let mut outages = Outages::new("one backend of Postgres killed").await;
    for _ in 0..outages.rounds {
        let killed = async |postgres: &mut PostgresServer, _: &mut Killable| {
            postgres.kill_backend(MERGED_COMMIT).await;
            postgres.until_accepting().await;
        };
        outages.round(&[], killed).await;
    }
    outages.tell();
}

#[tokio::test]
async fn all_of_postgres_killed_in_mid_burst_is_survived() {
    let _alone = ALONE.lock().await;
    let mut outages = Outages::new("all of Postgres killed").await;
    for _ in 0..outages.rounds {
        let killed = async |postgres: &mut PostgresServer, _: &mut Killable| {
            postgres.kill().await;
            postgres.start_again().await;
        };
        outages.round(&[], killed).await;
    }
    outages.tell();
}

#[tokio::test]
async fn postgres_stopped_for_a_while_in_mid_burst_is_survived() {
    let _alone = ALONE.lock().await;
    let mut outages = Outages::new("Postgres stopped for a while").await;
    let pause = Duration::from_secs(number("TURNOUT_PAUSE_S", 2));
    for _ in 0..outages.rounds {
        let stopped = async |postgres: &mut PostgresServer, _: &mut Killable| {
            postgres.pause().await;
            // This is the outage itself.
            tokio::time::sleep(pause).await;
            postgres.resume();
        };
        outages.round(&[], stopped).await;
    }
    outages.tell();
}
