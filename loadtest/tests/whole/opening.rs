//! Bursts at an opening: everybody is there before, some come too early, and all others at once.

use std::time::Duration;

use serde_json::Value;
use turnout_loadtest::burst::BurstOptions;
use turnout_loadtest::burst::opening::Opening;
use turnout_loadtest::run::Via;
use turnout_loadtest::verdict::Finding;
use turnout_loadtest::ws::Encoding;

use crate::stand_in::Fault;
use crate::{BURST, Ran, run_burst};

/// The server tells the time to the second, so up to one of them is over already.
const OPENING: BurstOptions = BurstOptions {
    people: 60,
    seats: 20,
    cancel_share: 0.0,
    opening: Some(Opening {
        after: Duration::from_millis(2_500),
        early_share: 0.2,
    }),
    ..BURST
};

const VIAS: [Via; 2] = [Via::Rest, Via::Ws(Encoding::Json)];

async fn run(fault: Fault, via: Via) -> (Ran, Value) {
    let mut ran = run_burst(fault, BurstOptions { via, ..OPENING }).await;
    let told = serde_json::to_value(ran.outcome.measured.take().unwrap()).unwrap();
    (ran, told["opening"].clone())
}

#[tokio::test]
async fn those_who_are_too_early_wait_as_they_are_told_and_everybody_comes_when_it_opens() {
    for via in VIAS {
        let (ran, told) = run(Fault::None, via).await;
        assert_eq!(ran.findings(), Vec::<&Finding>::new());
        assert_eq!(ran.tally.unanswered(), 0);
        assert_eq!(ran.tally.rejected["not_open_yet"], 12, "{told}");
        assert_eq!(
            (&told["early"], &told["told"]["answers"]),
            (&12.into(), &12.into())
        );
        assert_eq!(
            (&told["answers"], &told["let_in_before"]),
            (&60.into(), &0.into())
        );
        let least = told["told"]["told_ms"]["min"].as_f64().unwrap();
        assert!(least > 0.0, "{told}");
        assert!(told["fired_ms"]["min"].as_f64().unwrap() >= 0.0, "{told}");
        let first = told["first_answer_ms"].as_f64().unwrap();
        assert!(
            first >= 0.0 && told["last_answer_ms"].as_f64().unwrap() >= first,
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_server_that_lets_people_in_before_the_opening_is_found_out() {
    for via in VIAS {
        let (ran, told) = run(Fault::OpensEarly, via).await;
        let before = |finding: &&&Finding| matches!(finding, Finding::BeforeOpening { .. });
        let found = ran.findings();
        assert_eq!(found.iter().filter(before).count(), 12, "{found:?}");
        assert_eq!(told["let_in_before"], 12);
    }
}

#[tokio::test]
async fn a_server_that_tells_people_to_wait_too_long_is_found_out() {
    for via in VIAS {
        let (ran, told) = run(Fault::MistakesWaits, via).await;
        let found = ran.findings();
        assert_eq!(found.len(), 12, "{found:?}");
        assert!(
            found
                .iter()
                .all(|finding| matches!(finding, Finding::WrongWait { .. }))
        );
        let off_ms = told["told"]["most_off_ms"].as_f64().unwrap();
        assert!(off_ms > 10.0 && off_ms < 50.0, "{told}");
    }
}

#[tokio::test]
async fn whoever_is_not_at_the_door_in_time_ends_the_run() {
    let opening = Some(Opening {
        after: Duration::from_millis(300),
        early_share: 0.0,
    });
    let stand_in = crate::StandIn::start(Fault::None).await;
    let (tally, hidden) = (Default::default(), indicatif::ProgressBar::hidden());
    let options = BurstOptions { opening, ..OPENING };
    let ran =
        turnout_loadtest::burst::run(&stand_in.server(), &options, &crate::EFFORT, &hidden, &tally).await;
    let told = ran.unwrap_err().to_string();
    assert!(told.contains("let it open later"), "{told}");
}
