//! The server is killed in the middle of a burst, again and again, and started on what it left behind. The load
//! test retries with its keys until everybody is answered, and then judges everything it was ever told.
//!
//! `TURNOUT_KILL_ROUNDS` sets how many bursts, `TURNOUT_KILL_SEED` where the kills fall.

use std::time::Duration;

use crate::support::Killable;

const KILLS_PER_ROUND: u64 = 3;
const PEOPLE: u64 = 6_000;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

/// The last event of the only activity.
async fn seq(server: &Killable) -> u64 {
    server.ask("/api/v1/activities").await["data"][0]["seq"]
        .as_u64()
        .unwrap_or_default()
}

/// Waits until that many events are committed, or the load test is over.
async fn until_committed(server: &Killable, events: u64, load_test: &mut crate::support::LoadTest) {
    let wait = async {
        while seq(server).await < events && !load_test.has_ended() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), wait)
        .await
        .expect("the burst goes on");
}

#[tokio::test]
async fn whatever_was_acknowledged_survives_kills_in_mid_burst_and_nothing_is_doubled() {
    let rounds = number("TURNOUT_KILL_ROUNDS", 2);
    // A plain linear congruential step is random enough to spread the kills.
    let mut random = number("TURNOUT_KILL_SEED", 1);
    let mut acknowledged = 0;
    for round in 1..=rounds {
        let mut server = Killable::start().await;
        let people = PEOPLE.to_string();
        let seed = round.to_string();
        let mut load_test = server.load_test(&[
            "burst",
            "--people",
            &people,
            "--seats",
            "600",
            "--connections",
            "200",
            "--cancel",
            "0.2",
            "--guests",
            "0.3",
            "--seed",
            &seed,
        ]);
        let mut kills = Vec::new();
        let mut after = 0;
        for _ in 0..KILLS_PER_ROUND {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            until_committed(
                &server,
                after + 200 + (random >> 33) % (PEOPLE / 3),
                &mut load_test,
            )
            .await;
            if load_test.has_ended() {
                break;
            }
            let before = seq(&server).await;
            server.kill();
            server.start_again().await;
            after = seq(&server).await;
            assert!(
                after >= before,
                "{before} events were committed before the kill, {after} are there after it"
            );
            kills.push(format!("{before}→{after}"));
        }
        let (status, said) = load_test.finish().await;
        let last = seq(&server).await;
        assert!(status.success(), "round {round}, kills at {kills:?}:\n{said}");
        assert!(said.contains("VERDICT: clean"), "{said}");
        println!(
            "round {round}: events before→after each kill {}, {last} at the end",
            kills.join(", ")
        );
        acknowledged += last;
    }
    println!("{rounds} rounds, {acknowledged} events, every verdict clean");
}
