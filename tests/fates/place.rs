//! A server whose connections to its database can be lost, bursts on it, and what the database holds after them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::seen::{Seen, note_batches, seen};
use crate::support::{
    Burst, Crowd, Killable, MERGED_COMMIT, Proxy, Tap, audit, by_way_of, postgres_of, server_of,
};

const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);
/// Bursts at once, each on an activity of its own: more than commits at once, so that batches are merged.
const BURSTS: u64 = 4;
const PEOPLE: u64 = 1_500;
const SEATS: u64 = 200;
/// Few, so that there are many commits.
const CONNECTIONS: u64 = 12;

pub(super) struct Place {
    /// The database's own address.
    pub(super) database: String,
    pub(super) proxy: Proxy,
    pub(super) tap: Arc<Tap>,
    server: Killable,
    /// Connections that ended while the server started.
    ended: usize,
    bursts: u64,
    /// What was acknowledged in all bursts together.
    reservations: u64,
    cancellations: u64,
    _folder: TempDir,
}

pub(super) fn are_going_on(bursts: &mut [Burst]) -> bool {
    bursts.iter_mut().any(|burst| !burst.is_over())
}

impl Place {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = postgres_of(folder.path());
        let tap = Arc::new(Tap::default());
        let ears = tap.clone();
        let proxy = Proxy::overheard(server_of(&database), move |port| ears.ear(port)).await;
        let server = Killable::start_on(&by_way_of(proxy.address, &database), &[]).await;
        let place = Self {
            database,
            proxy,
            tap,
            server,
            ended: 0,
            bursts: 0,
            reservations: 0,
            cancellations: 0,
            _folder: folder,
        };
        note_batches(&mut place.direct().await).await;
        place
    }

    /// A connection past the proxy.
    async fn direct(&self) -> PgConnection {
        PgConnection::connect(&self.database).await.unwrap()
    }

    /// Starts bursts on new activities.
    pub(super) async fn start_bursts(&mut self) -> Vec<Burst> {
        let mut bursts = Vec::new();
        for _ in 0..BURSTS {
            self.bursts += 1;
            let crowd = Crowd {
                people: PEOPLE,
                seats: SEATS,
                connections: CONNECTIONS,
                seed: self.bursts,
                via: "rest",
            };
            bursts.push(Burst::start(&self.server, &crowd).await);
        }
        if self.strikes() == 0 {
            self.ended = self.proxy.ended();
        }
        bursts
    }

    /// Waits for the end of bursts, and compares what was acknowledged so far with what the database holds.
    pub(super) async fn judge(&mut self, bursts: Vec<Burst>) {
        for mut burst in bursts {
            let said = burst.finish().await;
            assert!(said.status.success(), "{}", said.text);
            assert!(said.text.contains("VERDICT: clean"), "{}", said.text);
            assert_eq!(said.number("/answered/unanswered"), 0, "{}", said.text);
            let reservations = said.number("/answered/reservations");
            let cancellations = said.number("/answered/acknowledged/cancelled");
            let acknowledged = said.number("/answered/committed");
            assert_eq!(acknowledged, reservations + cancellations, "{}", said.text);
            self.reservations += reservations;
            self.cancellations += cancellations;
        }
        let mut direct = self.direct().await;
        until_all_commits_have_ended(&mut direct).await;
        let held = "SELECT (SELECT count(*) FROM rsvps), \
                      count(*) FILTER (WHERE kind IN ('confirmed', 'waitlisted')), \
                      count(*) FILTER (WHERE kind = 'cancelled') FROM activity_events";
        let (rsvps, entered, cancelled): (i64, i64, i64) =
            sqlx::query_as(held).fetch_one(&mut direct).await.unwrap();
        assert_eq!(
            [rsvps as u64, entered as u64, cancelled as u64],
            [self.reservations, self.reservations, self.cancellations],
            "nothing is lost and nothing is doubled"
        );
        audit(&self.database).await;
        // With each that is cut, the server gives up idle ones beside it.
        assert!(
            self.proxy.ended() - self.ended >= self.strikes(),
            "every cut ends a connection"
        );
    }

    pub(super) fn strikes(&self) -> usize {
        self.tap.strikes().len()
    }

    /// Whether what was struck last has been followed by a commit that was acknowledged.
    pub(super) fn has_recovered(&self) -> bool {
        let strikes = self.tap.strikes();
        strikes.last().is_none_or(|strike| strike.recovery.is_some())
    }

    /// What became of all strikes but those that do not count.
    pub(super) async fn seen(&self, uncounted: &HashSet<usize>) -> Seen {
        println!(
            "{} bursts, {} reservations and {} cancellations acknowledged: all of them there, and none doubled",
            self.bursts, self.reservations, self.cancellations
        );
        seen(&mut self.direct().await, &self.tap.strikes(), uncounted).await
    }
}

/// Also those whose connection is gone, which nobody waits for any more.
async fn until_all_commits_have_ended(direct: &mut PgConnection) {
    let running = format!(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                   AND state <> 'idle' AND starts_with(query, '{MERGED_COMMIT}'))"
    );
    let wait = async {
        while sqlx::query_scalar(sqlx::AssertSqlSafe(running.as_str()))
            .fetch_one(&mut *direct)
            .await
            .unwrap()
        {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("commits end");
}
