//! Bursts beside the cancelling of a full activity, and alone.

use indicatif::ProgressBar;
use serde_json::Value;
use turnout_loadtest::cancellation::{self, CancellationOptions};
use turnout_loadtest::shared::{SharedTally, lock};
use turnout_loadtest::verdict::Finding;

use crate::stand_in::{Fault, StandIn};
use crate::{EFFORT, Ran};

async fn run(fault: Fault) -> (Ran, Value) {
    let options = CancellationOptions {
        rsvps: 301,
        people: 100,
        seats: 30,
        rounds: 1,
    };
    let stand_in = StandIn::start(fault).await;
    let tally = SharedTally::default();
    let hidden = ProgressBar::hidden();
    let outcome = cancellation::run(&stand_in.server(), &options, &EFFORT, &hidden, &tally).await;
    let mut ran = Ran {
        outcome: outcome.unwrap(),
        tally: lock(&tally).clone(),
    };
    let told = serde_json::to_value(ran.outcome.measured.take().unwrap()).unwrap();
    (ran, told["cancellation"].clone())
}

#[tokio::test]
async fn each_round_has_a_burst_alone_and_one_beside_a_cancel_and_both_are_judged() {
    let (ran, told) = run(Fault::None).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.outcome.activities, 2);
    assert_eq!((ran.tally.committed(), ran.tally.unanswered()), (200, 0));
    let bursts = told["bursts"].as_array().unwrap();
    let is_beside = |burst: &Value| burst["cancelled"]["answered_ms"].is_f64();
    assert_eq!(bursts.iter().map(is_beside).collect::<Vec<_>>(), [false, true]);
    assert!(told["p99_ratio"].as_f64().unwrap() > 0.0, "{told}");
}

#[tokio::test]
async fn a_server_that_still_shows_rsvps_of_a_cancelled_activity_is_found_out() {
    let (ran, _) = run(Fault::CancelsSlowly).await;
    let told: Vec<String> = ran.findings().iter().map(ToString::to_string).collect();
    let after = "not cancelled: after the cancel was answered";
    assert_eq!(
        told,
        [
            format!("{after} the total of confirmed RSVPs is 301, expected 0"),
            format!("{after} the total of cancelled RSVPs is 0, expected 301"),
        ]
    );
}
