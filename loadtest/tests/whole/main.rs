//! Whole runs over real sockets against a small stand-in server that keeps the rules, or breaks one on
//! purpose.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, and so may its helpers")]

mod stand_in;

use std::time::Duration;

use indicatif::ProgressBar;
use stand_in::{Fault, StandIn};
use turnout_loadtest::burst::{self, BurstOptions};
use turnout_loadtest::replay;
use turnout_loadtest::replay::plan::plan;
use turnout_loadtest::replay::synthetic;
use turnout_loadtest::run::{Effort, Outcome};
use turnout_loadtest::verdict::Finding;

const EFFORT: Effort = Effort {
    connections: 8,
    deadline: Duration::from_secs(60),
    request_timeout: Duration::from_secs(10),
    seed: 5,
};

const BURST: BurstOptions = BurstOptions {
    people: 300,
    seats: 60,
    cancel_share: 0.3,
    guest_share: 0.3,
    waitlist: None,
    rate: None,
};

async fn run_burst(fault: Fault, options: BurstOptions) -> Outcome {
    let stand_in = StandIn::start(fault).await;
    burst::run(&stand_in.server(), &options, &EFFORT, &ProgressBar::hidden())
        .await
        .unwrap()
}

fn findings(outcome: &Outcome) -> Vec<&Finding> {
    outcome.findings.iter().map(|found| &found.finding).collect()
}

#[tokio::test]
async fn a_burst_on_a_server_that_keeps_the_rules_is_clean() {
    let outcome = run_burst(Fault::None, BURST).await;
    assert_eq!(findings(&outcome), Vec::<&Finding>::new());
    assert_eq!(outcome.tally.unanswered, 0);
    assert!(outcome.tally.acknowledged["confirmed"] > 0);
    assert!(outcome.tally.acknowledged["waitlisted"] > 0);
    assert!(outcome.tally.acknowledged["cancelled"] > 0);
}

#[tokio::test]
async fn a_burst_without_a_waitlist_is_clean_and_counts_who_was_refused() {
    let outcome = run_burst(
        Fault::None,
        BurstOptions {
            waitlist: Some(0),
            ..BURST
        },
    )
    .await;
    assert_eq!(findings(&outcome), Vec::<&Finding>::new());
    assert!(outcome.tally.rejected["activity_full"] > 0);
}

#[tokio::test]
async fn an_open_loop_is_clean_and_takes_as_long_as_its_rate_says() {
    let outcome = run_burst(
        Fault::None,
        BurstOptions {
            people: 100,
            rate: Some(1_000.0),
            ..BURST
        },
    )
    .await;
    assert_eq!(findings(&outcome), Vec::<&Finding>::new());
    assert!(outcome.elapsed >= Duration::from_millis(99));
}

#[tokio::test]
async fn refused_and_lost_answers_are_tried_again_until_all_is_clean() {
    let outcome = run_burst(Fault::RefusesAndBreaks, BURST).await;
    assert_eq!(findings(&outcome), Vec::<&Finding>::new());
    assert_eq!(outcome.tally.unanswered, 0);
    assert!(outcome.tally.refusals["overloaded"] > 0);
    assert!(outcome.tally.transport_errors["closed"] > 0);
    assert!(outcome.tally.replayed > 0, "a lost answer is answered again");
}

#[tokio::test]
async fn a_server_that_overbooks_is_found_out() {
    let outcome = run_burst(Fault::Overbooks, BURST).await;
    assert!(
        findings(&outcome)
            .iter()
            .any(|finding| matches!(finding, Finding::Overbooked { .. }))
    );
}

#[tokio::test]
async fn a_server_that_forgets_is_found_out() {
    let outcome = run_burst(Fault::Forgets, BURST).await;
    assert!(
        findings(&outcome)
            .iter()
            .any(|finding| matches!(finding, Finding::LostAcknowledgement { .. }))
    );
}

#[tokio::test]
async fn a_server_that_never_answers_somebody_leaves_them_unanswered() {
    let stand_in = StandIn::start(Fault::RefusesForEver).await;
    let effort = Effort {
        deadline: Duration::from_millis(300),
        ..EFFORT
    };
    let outcome = burst::run(&stand_in.server(), &BURST, &effort, &ProgressBar::hidden())
        .await
        .unwrap();
    assert_eq!(outcome.tally.unanswered, u64::from(BURST.people));
    assert!(matches!(
        findings(&outcome)[..],
        [Finding::Unanswered { count: 8 }]
    ));
}

#[tokio::test]
async fn a_made_up_history_replays_clean() {
    let stand_in = StandIn::start(Fault::None).await;
    let plans = plan(&synthetic::rows(2, 25));
    let outcome = replay::run(&stand_in.server(), plans, &EFFORT, &ProgressBar::hidden())
        .await
        .unwrap();
    assert_eq!(findings(&outcome), Vec::<&Finding>::new());
    assert_eq!(outcome.activities, 25);
    assert!(outcome.tally.acknowledged["waitlisted"] > 0);
}
