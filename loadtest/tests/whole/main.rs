//! Whole runs over real sockets against a small stand-in server that keeps the rules, or breaks one on
//! purpose.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, and so may its helpers")]

mod cancellation;
mod fanout;
mod opening;
mod rules;
mod scenarios;
mod stand_in;

use std::time::Duration;

use indicatif::ProgressBar;
use stand_in::{Fault, StandIn};
use turnout_loadtest::alternate::{self, AlternateOptions};
use turnout_loadtest::burst::{self, BurstOptions};
use turnout_loadtest::replay;
use turnout_loadtest::replay::plan::plan;
use turnout_loadtest::replay::synthetic;
use turnout_loadtest::run::{Effort, Outcome, Via};
use turnout_loadtest::shared::{SharedTally, lock};
use turnout_loadtest::tally::Tally;
use turnout_loadtest::verdict::Finding;
use turnout_loadtest::ws::Encoding;

const EFFORT: Effort = Effort {
    connections: 8,
    deadline: Duration::from_secs(60),
    request_timeout: Duration::from_secs(10),
    seed: 5,
};

const BURST: BurstOptions = BurstOptions {
    via: Via::Rest,
    people: 300,
    seats: 60,
    cancel_share: 0.3,
    guest_share: 0.3,
    waitlist: None,
    rate: None,
    opening: None,
};

/// What a run brought home, and what was counted on the way.
struct Ran {
    outcome: Outcome,
    tally: Tally,
}

async fn run_burst(fault: Fault, options: BurstOptions) -> Ran {
    run_with(fault, options, EFFORT).await
}

async fn run_with(fault: Fault, options: BurstOptions, effort: Effort) -> Ran {
    let stand_in = StandIn::start(fault).await;
    let tally = SharedTally::default();
    let hidden = ProgressBar::hidden();
    let outcome = burst::run(&stand_in.server(), &options, &effort, &hidden, &tally).await;
    Ran {
        outcome: outcome.unwrap(),
        tally: lock(&tally).clone(),
    }
}

impl Ran {
    fn findings(&self) -> Vec<&Finding> {
        self.outcome.findings.iter().map(|found| &found.finding).collect()
    }
}

#[tokio::test]
async fn a_burst_on_a_server_that_keeps_the_rules_is_clean() {
    let ran = run_burst(Fault::None, BURST).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.tally.unanswered(), 0);
    assert!(ran.tally.acknowledged["confirmed"] > 0);
    assert!(ran.tally.acknowledged["waitlisted"] > 0);
    assert!(ran.tally.acknowledged["cancelled"] > 0);
}

#[tokio::test]
async fn a_burst_without_a_waitlist_is_clean_and_counts_who_was_refused() {
    let ran = run_burst(
        Fault::None,
        BurstOptions {
            waitlist: Some(0),
            ..BURST
        },
    )
    .await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert!(ran.tally.rejected["activity_full"] > 0);
}

#[tokio::test]
async fn a_burst_over_websockets_is_judged_like_one_over_rest() {
    for encoding in [Encoding::Json, Encoding::Msgpack] {
        let options = BurstOptions {
            via: Via::Ws(encoding),
            ..BURST
        };
        let ran = run_burst(Fault::None, options).await;
        assert_eq!(ran.findings(), Vec::<&Finding>::new());
        assert_eq!(ran.tally.unanswered(), 0);
        assert!(ran.tally.acknowledged["waitlisted"] > 0);

        let ran = run_burst(Fault::Miscounts, options).await;
        assert_eq!(ran.findings().len() as u64, ran.tally.committed());
    }
}

#[tokio::test]
async fn over_websockets_too_refused_and_lost_answers_are_tried_again_until_all_is_clean() {
    let options = BurstOptions {
        via: Via::Ws(Encoding::Json),
        ..BURST
    };
    let ran = run_burst(Fault::RefusesAndBreaks, options).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.tally.unanswered(), 0);
    assert!(ran.tally.refusals["overloaded"] > 0);
    assert!(ran.tally.transport_errors["closed"] > 0);
    assert!(ran.tally.replayed > 0, "a lost answer is answered again");
}

#[tokio::test]
async fn an_open_loop_is_clean_and_takes_as_long_as_its_rate_says() {
    let ran = run_burst(
        Fault::None,
        BurstOptions {
            people: 100,
            rate: Some(1_000.0),
            ..BURST
        },
    )
    .await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    let (elapsed, _) = ran.tally.measured();
    assert!(elapsed >= Duration::from_millis(99));
}

#[tokio::test]
async fn refused_and_lost_answers_are_tried_again_until_all_is_clean() {
    let ran = run_burst(Fault::RefusesAndBreaks, BURST).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.tally.unanswered(), 0);
    assert!(ran.tally.refusals["overloaded"] > 0);
    assert!(ran.tally.transport_errors["closed"] > 0);
    assert!(ran.tally.replayed > 0, "a lost answer is answered again");
}

#[tokio::test]
async fn a_server_that_overbooks_is_found_out() {
    let ran = run_burst(Fault::Overbooks, BURST).await;
    assert!(
        ran.findings()
            .iter()
            .any(|finding| matches!(finding, Finding::Overbooked { .. }))
    );
}

#[tokio::test]
async fn a_server_that_forgets_is_found_out() {
    let ran = run_burst(Fault::Forgets, BURST).await;
    assert!(
        ran.findings()
            .iter()
            .any(|finding| matches!(finding, Finding::LostAcknowledgement { .. }))
    );
}

#[tokio::test]
async fn a_server_that_stumbles_is_found_out_although_everybody_is_answered() {
    let ran = run_burst(Fault::Stumbles, BURST).await;
    assert_eq!(ran.tally.unanswered(), 0);
    let stumbled = ran.tally.faults["500 internal"];
    let wrong = Finding::ServerFault {
        answer: "500 internal".into(),
        count: stumbled,
    };
    assert_eq!(ran.findings(), [&wrong]);
}

#[tokio::test]
async fn a_server_that_miscounts_in_its_answers_alone_is_found_out() {
    let ran = run_burst(Fault::Miscounts, BURST).await;
    let findings = ran.findings();
    assert_eq!(findings.len() as u64, ran.tally.committed());
    let wrong = |found: &&Finding| matches!(found, Finding::WrongAnswer { field, .. } if *field == "counts.available_spots");
    assert!(findings.iter().all(wrong), "{findings:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_somebody_leaves_them_unanswered() {
    let effort = Effort {
        deadline: Duration::from_millis(300),
        ..EFFORT
    };
    let ran = run_with(Fault::RefusesForEver, BURST, effort).await;
    let count = u64::from(BURST.people);
    assert_eq!(ran.tally.unanswered(), count);
    assert_eq!(ran.findings(), [&Finding::Unanswered { count }]);
}

#[tokio::test]
async fn what_is_told_of_the_end_adds_up() {
    let ran = run_burst(Fault::None, BURST).await;
    let end = ran.outcome.end;
    assert_eq!(end.capacity, u64::from(BURST.seats));
    assert_eq!(end.cancelled, ran.tally.acknowledged["cancelled"]);
    assert!(end.promoted > 0 && end.confirmed_spots <= end.capacity, "{end:?}");
    assert!(end.waitlisted_spots >= end.waitlisted_parties, "{end:?}");
}

#[tokio::test]
async fn an_alternation_has_rounds_of_either_way_and_is_judged() {
    let stand_in = StandIn::start(Fault::RefusesAndBreaks).await;
    let options = AlternateOptions {
        vias: vec![Via::Ws(Encoding::Json), Via::Rest],
        seats: Some(5),
        duration: Duration::from_millis(200),
        rounds: 2,
    };
    let tally = SharedTally::default();
    let hidden = ProgressBar::hidden();
    let outcome = alternate::run(&stand_in.server(), &options, &EFFORT, &hidden, &tally).await;
    let ran = Ran {
        outcome: outcome.unwrap(),
        tally: lock(&tally).clone(),
    };
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.outcome.activities, 4);
    assert_eq!(ran.tally.unanswered(), 0);
    assert!(ran.tally.acknowledged["waitlisted"] > 0);
    assert!(ran.tally.acknowledged["cancelled"] > 0);
    let told = ran.outcome.measured.unwrap().to_string();
    assert!(told.contains("ws carries "), "{told}");
}

#[tokio::test]
async fn a_made_up_history_replays_clean() {
    let stand_in = StandIn::start(Fault::None).await;
    let plans = plan(&synthetic::rows(2, 25));
    let tally = SharedTally::default();
    let hidden = ProgressBar::hidden();
    let outcome = replay::run(&stand_in.server(), plans, &EFFORT, &hidden, &tally).await;
    let ran = Ran {
        outcome: outcome.unwrap(),
        tally: lock(&tally).clone(),
    };
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.outcome.activities, 25);
    assert!(ran.tally.acknowledged["waitlisted"] > 0);
}
