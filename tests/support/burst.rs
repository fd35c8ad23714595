//! A burst that something happens to in the middle: where its middle is, and what was seen on both sides.

use std::time::Duration;

use super::{Killable, LoadTest, Said};

const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(1);

/// Who comes.
pub(crate) struct Crowd {
    pub(crate) people: u64,
    pub(crate) seats: u64,
    pub(crate) connections: u64,
    pub(crate) seed: u64,
    /// `rest` or `ws`.
    pub(crate) via: &'static str,
}

/// A load test on an activity of its own, in which some cancel and some bring guests.
pub(crate) struct Burst {
    load_test: LoadTest,
    /// The identifier of its activity.
    pub(crate) activity: String,
}

impl Burst {
    /// Starts it and waits for its activity.
    pub(crate) async fn start(server: &Killable, crowd: &Crowd) -> Self {
        let numbers =
            [crowd.people, crowd.seats, crowd.connections, crowd.seed].map(|number| number.to_string());
        let [people, seats, connections, seed] = numbers.each_ref().map(String::as_str);
        let arguments = [
            "burst",
            "--people",
            people,
            "--seats",
            seats,
            "--connections",
            connections,
            "--seed",
            seed,
            "--via",
            crowd.via,
            "--cancel",
            "0.2",
            "--guests",
            "0.3",
        ];
        Self::start_as(server, &arguments).await
    }

    /// Starts a load test with these arguments and waits for its activity.
    pub(crate) async fn start_as(server: &Killable, arguments: &[&str]) -> Self {
        let earlier = activities(server).await;
        let mut load_test = server.load_test(arguments);
        let made = async {
            loop {
                let now = activities(server).await;
                if let Some(activity) = now.into_iter().find(|id| !earlier.contains(id)) {
                    return activity;
                }
                if load_test.has_ended() {
                    panic!(
                        "the burst ended before it began: {}",
                        load_test.finish().await.text
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let activity = tokio::time::timeout(DEADLINE, made)
            .await
            .expect("the burst begins");
        Self { load_test, activity }
    }

    /// Its last event, once the server says which that is.
    pub(crate) async fn seq(&self, server: &Killable) -> u64 {
        let path = format!("/api/v1/activities/{}", self.activity);
        let asking = async {
            loop {
                // Whoever is not sure of it now says so, and says it later.
                if let Some(seq) = server.ask(&path).await["seq"].as_u64() {
                    return seq;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(DEADLINE, asking)
            .await
            .expect("the server answers for the activity")
    }

    /// Waits until that many events are committed, or it is over.
    pub(crate) async fn until_committed(&mut self, server: &Killable, events: u64) {
        let wait = async {
            while self.seq(server).await < events && !self.is_over() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .expect("the burst goes on");
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.load_test.has_ended()
    }

    /// Waits for its end.
    pub(crate) async fn finish(&mut self) -> Said {
        self.load_test.finish().await
    }
}

impl Said {
    /// Acknowledgements that came between these moments.
    pub(crate) fn acknowledged_between(&self, from_ms: u64, to_ms: u64) -> u64 {
        let by_ms = self.report["answered"]["acknowledged_by_unix_ms"].as_object();
        by_ms
            .unwrap()
            .iter()
            .filter(|(ms, _)| (from_ms..to_ms).contains(&ms.parse().unwrap()))
            .map(|(_, count)| count.as_u64().unwrap())
            .sum()
    }
}

/// The clock by which the load test tells when something was acknowledged.
pub(crate) fn unix_ms() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
}

/// The identifiers of all activities.
async fn activities(server: &Killable) -> Vec<String> {
    let list = server.ask("/api/v1/activities?limit=100").await;
    let ids = list["data"].as_array().into_iter().flatten();
    ids.map(|activity| activity["id"].as_str().unwrap().to_owned())
        .collect()
}
