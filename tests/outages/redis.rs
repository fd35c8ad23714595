//! Redis is killed in mid-burst and comes back empty. It holds nothing that cannot be written again, so nobody notices.

use std::time::Duration;

use super::{ALONE, Outages};
use crate::support::{Burst, Killable, PostgresServer, RedisServer};

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn redis_killed_in_mid_burst_and_back_empty_troubles_nobody() {
    let _alone = ALONE.lock().await;
    let mut redis = RedisServer::start().await;
    let settings = [("TURNOUT_REDIS_URL", redis.url())];
    let mut outages = Outages::new("Redis killed").await;
    for _ in 0..outages.rounds {
        let killed = async |_: &mut PostgresServer, _: &mut Killable| {
            redis.kill();
            redis.start_again().await;
        };
        let (server, bursts) = outages.round(&settings, killed).await;
        for burst in &bursts {
            until_mirrored(&redis, burst, burst.seq(&server).await).await;
        }
    }
    outages.tell();
}

/// Waits until Redis holds an activity as it is after its last event.
async fn until_mirrored(redis: &RedisServer, burst: &Burst, seq: u64) {
    let ask = format!("HGET turnout:activity:{} seq", burst.activity);
    let mirrored = async {
        while !redis.ask(&ask).unwrap().ends_with(&format!("\r\n{seq}\r\n")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, mirrored)
        .await
        .expect("the counts are there again");
}
