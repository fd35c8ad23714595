//! The runs that measure: each in small, on a server that keeps the rules, and on one that does not.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::Value;
use turnout_loadtest::growth::{self, GrowthOptions};
use turnout_loadtest::many::{self, ManyOptions};
use turnout_loadtest::opening_burst::{self, OpeningBurstOptions};
use turnout_loadtest::overload::{self, OverloadOptions};
use turnout_loadtest::place::Place;
use turnout_loadtest::report::{Asked, AskedKind, Report};
use turnout_loadtest::run::{Outcome, RunError, Server, Via};
use turnout_loadtest::shared::{SharedTally, lock};
use turnout_loadtest::soak::{self, SoakOptions};
use turnout_loadtest::steady::{self, SteadyOptions};
use turnout_loadtest::tally::Tally;
use turnout_loadtest::verdict::Finding;
use turnout_loadtest::ws::Encoding;

use crate::stand_in::{Fault, StandIn};
use crate::{BURST, EFFORT};

const MS: Duration = Duration::from_millis(1);

/// What a run brought home, and what it told.
struct Scene {
    outcome: Outcome,
    tally: Tally,
    told: Value,
}

impl Scene {
    fn of(outcome: Result<Outcome, RunError>, tally: &SharedTally) -> Self {
        let outcome = outcome.unwrap();
        let measured = outcome.measured.as_ref().unwrap();
        assert!(!measured.to_string().is_empty());
        Self {
            told: serde_json::to_value(measured).unwrap(),
            outcome,
            tally: lock(tally).clone(),
        }
    }

    fn findings(&self) -> Vec<&Finding> {
        self.outcome.findings.iter().map(|found| &found.finding).collect()
    }

    #[track_caller]
    fn assert_clean(&self) {
        assert_eq!(self.findings(), Vec::<&Finding>::new());
        assert_eq!(self.tally.unanswered(), 0);
    }
}

/// Runs one scenario on a server with this fault, whose process is this one so that there is something to be measured.
async fn run<F: AsyncFnOnce(&Server, &ProgressBar, &SharedTally) -> Result<Outcome, RunError>>(
    fault: Fault,
    scenario: F,
) -> Scene {
    let stand_in = StandIn::start(fault).await;
    let server = Server {
        pid: Some(std::process::id()),
        ..stand_in.server()
    };
    let tally = SharedTally::default();
    let outcome = scenario(&server, &ProgressBar::hidden(), &tally).await;
    Scene::of(outcome, &tally)
}

async fn many(fault: Fault) -> Scene {
    let options = ManyOptions {
        activities: 12,
        rsvps_each: 3,
        rounds: 2,
        database: None,
    };
    run(fault, async |server, hidden, tally| {
        many::run(server, &options, &EFFORT, hidden, tally).await
    })
    .await
}

async fn soak(fault: Fault) -> Scene {
    let options = SoakOptions {
        rate: None,
        share: 0.3,
        peak_connections: 4,
        peak_for: 100 * MS,
        duration: 400 * MS,
        turn: 150 * MS,
        people: 50,
        database: None,
    };
    run(fault, async |server, hidden, tally| {
        soak::run(server, &options, &EFFORT, hidden, tally).await
    })
    .await
}

async fn overload(fault: Fault, via: Via, patience: Duration) -> Scene {
    let options = OverloadOptions {
        via,
        peak_connections: 4,
        peak_for: 100 * MS,
        duration: 150 * MS,
        shares: vec![1.5],
        normal: 0.3,
        patience,
        people: 40,
        database: None,
    };
    run(fault, async |server, hidden, tally| {
        overload::run(server, &options, &EFFORT, hidden, tally).await
    })
    .await
}

#[tokio::test]
async fn the_burst_of_an_opening_tells_when_the_last_one_was_answered() {
    let options = OpeningBurstOptions {
        burst: BURST,
        database: None,
    };
    let scene = run(Fault::None, async |server, hidden, tally| {
        opening_burst::run(server, &options, &EFFORT, hidden, tally).await
    })
    .await;
    scene.assert_clean();
    assert!(scene.told["opening_burst"]["last_answer_after_s"].as_f64() > Some(0.0));
}

#[tokio::test]
async fn a_steady_stream_tells_reads_and_writes_apart_and_is_judged() {
    let options = SteadyOptions {
        rate: 1_000.0,
        duration: 303 * MS,
        people: 20,
        database: None,
    };
    for fault in [Fault::None, Fault::RefusesAndBreaks] {
        let scene = run(fault, async |server, hidden, tally| {
            steady::run(server, &options, &EFFORT, hidden, tally).await
        })
        .await;
        scene.assert_clean();
        assert_eq!(scene.tally.committed(), 3);
        let kinds = scene.told["steady"]["kinds"].as_array().unwrap();
        let counts: Vec<u64> = kinds
            .iter()
            .map(|kind| kind["latency_ms"]["count"].as_u64().unwrap())
            .collect();
        assert_eq!((counts[0], counts[4]), (300, 3), "{kinds:?}");
    }
}

#[tokio::test]
async fn many_activities_and_one_have_as_many_rounds_and_all_are_judged() {
    let scene = many(Fault::None).await;
    scene.assert_clean();
    assert_eq!(scene.outcome.activities, 26);
    assert_eq!(scene.tally.committed(), 4 * 36);
    let rounds = scene.told["many"]["rounds"].as_array().unwrap();
    let spreads: Vec<&str> = rounds
        .iter()
        .map(|round| round["spread"].as_str().unwrap())
        .collect();
    assert_eq!(spreads, ["many", "one", "one", "many"]);
}

#[tokio::test]
async fn what_a_server_forgets_is_missed_in_every_one_of_many_activities() {
    let scene = many(Fault::Forgets).await;
    let is_missed = |finding: &&&Finding| matches!(finding, Finding::LogDiffers { .. });
    assert_eq!(scene.findings().iter().filter(is_missed).count(), 26);
}

#[tokio::test]
async fn growth_has_windows_of_either_size_and_is_judged() {
    let options = GrowthOptions {
        rsvps: 60,
        small: 10,
        window: 10,
        rounds: 2,
        database: None,
    };
    let scene = run(Fault::RefusesAndBreaks, async |server, hidden, tally| {
        growth::run(server, &options, &EFFORT, hidden, tally).await
    })
    .await;
    scene.assert_clean();
    assert_eq!(scene.outcome.activities, 3);
    let growth = &scene.told["growth"];
    let windows = growth["windows"].as_array().unwrap();
    let around: Vec<u64> = windows
        .iter()
        .map(|window| window["around"].as_u64().unwrap())
        .collect();
    assert_eq!(around, [55, 10, 10, 65]);
    assert!(growth["bytes_per_rsvp"].is_f64(), "{growth}");
}

#[tokio::test]
async fn a_soak_goes_from_one_activity_to_the_next_and_judges_each_by_its_log() {
    let scene = soak(Fault::None).await;
    scene.assert_clean();
    // The peak, two whole turns, and a short one.
    assert_eq!(scene.outcome.activities, 4);
    let turns = scene.told["soak"]["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 3);
    assert!(
        turns.iter().all(|turn| turn["carried_out"].as_u64() > Some(0)),
        "{turns:?}"
    );
    assert!(scene.tally.acknowledged["cancelled"] > 0);
}

#[tokio::test]
async fn a_soak_finds_out_that_a_server_forgets() {
    let scene = soak(Fault::Forgets).await;
    let is_missed = |finding: &&&Finding| matches!(finding, Finding::LogDiffers { .. });
    assert_eq!(
        scene.findings().iter().filter(is_missed).count(),
        3,
        "{:?}",
        scene.findings()
    );
}

#[tokio::test]
async fn in_an_overload_whoever_is_sent_away_comes_again_and_all_is_judged() {
    for via in [Via::Rest, Via::Ws(Encoding::Json)] {
        let scene = overload(Fault::RefusesAndBreaks, via, Duration::from_secs(30)).await;
        scene.assert_clean();
        assert!(scene.tally.refusals["overloaded"] > 0);
        let phases = scene.told["overload"]["phases"].as_array().unwrap();
        let names: Vec<&str> = phases
            .iter()
            .map(|phase| phase["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["normal", "overload", "normal"]);
        let sum = |field: &str| {
            phases
                .iter()
                .map(|phase| phase[field].as_u64().unwrap())
                .sum::<u64>()
        };
        assert!(sum("acknowledged") > 0);
        assert_eq!(sum("gave_up"), 0);
    }
}

#[tokio::test]
async fn a_run_is_a_page_that_needs_nothing_else() {
    let scene = many(Fault::None).await;
    let asked = Asked {
        kind: AskedKind::Many {
            activities: 12,
            rsvps_each: 3,
            rounds: 2,
        },
        connections: 8,
        rate_per_s: None,
        seed: 5,
        deadline_s: 60,
    };
    let report = Report::new(asked, &scene.tally, Ok(scene.outcome));
    let page = report.page(&Place::here("a stand-in".to_owned()));
    assert!(page.contains("Verdict: clean."), "{page}");
    assert!(page.matches("<svg ").count() >= 3, "{page}");
    assert!(!page.contains("<script"), "{page}");
}
