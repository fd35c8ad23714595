//! Watchers in processes of their own, of a stand-in server that tells everybody everything, or not.

use std::time::Duration;

use indicatif::ProgressBar;
use turnout_loadtest::fanout::{self, FanoutOptions};
use turnout_loadtest::shared::{SharedTally, lock};
use turnout_loadtest::verdict::Finding;
use turnout_loadtest::ws::Encoding;

use crate::stand_in::{Fault, StandIn};
use crate::{EFFORT, Ran};

fn options() -> FanoutOptions {
    FanoutOptions {
        watchers: 30,
        activities: 2,
        rate: 100.0,
        duration: Duration::from_secs(1),
        encoding: Encoding::Json,
        slow_share: 0.0,
        within: Duration::from_secs(20),
        rounds: 1,
        against: None,
        program: env!("CARGO_BIN_EXE_turnout-loadtest").into(),
    }
}

async fn run(fault: Fault, options: &FanoutOptions) -> Ran {
    let stand_in = StandIn::start(fault).await;
    let tally = SharedTally::default();
    let hidden = ProgressBar::hidden();
    let outcome = fanout::run(&stand_in.server(), options, &EFFORT, &hidden, &tally).await;
    Ran {
        outcome: outcome.unwrap(),
        tally: lock(&tally).clone(),
    }
}

#[tokio::test]
async fn every_watcher_is_told_of_every_command_in_either_encoding() {
    for encoding in [Encoding::Json, Encoding::Msgpack] {
        let ran = run(
            Fault::None,
            &FanoutOptions {
                encoding,
                ..options()
            },
        )
        .await;
        assert_eq!(ran.findings(), Vec::<&Finding>::new());
        let told = serde_json::to_value(ran.outcome.measured.unwrap()).unwrap();
        let round = &told["fanout"]["rounds"][0];
        // The stand-in merges nothing, and half of the watchers follow each activity.
        assert_eq!(round["heard"], ran.tally.committed() * 15, "{told}");
        assert_eq!(round["to_hear"], round["heard"]);
        assert_eq!(round["differences"], round["heard"]);
        assert_eq!((&round["merged"], &round["snapshots"]), (&0.into(), &0.into()));
    }
}

#[tokio::test]
async fn what_watchers_learn_by_a_snapshot_is_heard_as_well() {
    let ran = run(Fault::SendsSnapshots, &options()).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    let told = serde_json::to_value(ran.outcome.measured.unwrap()).unwrap();
    let round = &told["fanout"]["rounds"][0];
    assert_eq!(round["heard"], ran.tally.committed() * 15, "{told}");
    assert_eq!(round["to_hear"], round["heard"]);
    let snapshots = round["snapshots"].as_u64().unwrap();
    assert!(snapshots > 0, "{told}");
    assert_eq!(round["differences"], ran.tally.committed() * 15 - snapshots);
}

#[tokio::test]
async fn those_who_stop_reading_are_counted_apart_and_end_with_the_same() {
    let ran = run(
        Fault::None,
        &FanoutOptions {
            slow_share: 0.2,
            ..options()
        },
    )
    .await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    let told = serde_json::to_value(ran.outcome.measured.unwrap()).unwrap();
    let round = &told["fanout"]["rounds"][0];
    assert_eq!(round["slow"]["kept_up"], 6, "{told}");
    assert_eq!(round["heard"], ran.tally.committed() * 12);
}

#[tokio::test]
async fn a_server_that_leaves_differences_out_is_found_out() {
    // The last difference may be among them, and is waited for. Opening has a limit of its own.
    let within = Duration::from_secs(1);
    let ran = run(Fault::SkipsDifferences, &FanoutOptions { within, ..options() }).await;
    let gap =
        |found: &&Finding| matches!(found, Finding::Watching { what, .. } if what.contains("elsewhere"));
    assert!(ran.findings().iter().any(gap), "{:?}", ran.findings());
}

#[tokio::test]
async fn a_server_that_tells_watchers_something_else_is_found_out() {
    let ran = run(Fault::MiscountsDifferences, &options()).await;
    let findings = ran.findings();
    let [Finding::Watching { count, what, first }] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!(
        (*count, *what),
        (30, "watchers end with something else than there is")
    );
    assert!(first.starts_with("confirmed_spots is 0, expected "), "{first}");
}
