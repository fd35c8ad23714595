//! All rules at once: guests, groups, offers, transfers and a host at work, against a stand-in that keeps them or not.

use indicatif::ProgressBar;
use serde_json::Value;
use turnout_loadtest::rules::{self, RulesOptions};
use turnout_loadtest::run::Via;
use turnout_loadtest::shared::{SharedTally, lock};
use turnout_loadtest::verdict::Finding;
use turnout_loadtest::ws::Encoding;

use crate::stand_in::{Fault, StandIn};
use crate::{EFFORT, Ran};

const WS: Via = Via::Ws(Encoding::Json);

const RULES: RulesOptions = RulesOptions {
    vias: Vec::new(),
    parties: 150,
    seats: 60,
    rate: 100.0,
    host_rate: 40.0,
    offer_ttl_s: 1,
    // So few that all is over soon.
    waitlist: Some(25),
};

/// What came of it, what the report tells, and what was said on sockets.
async fn run(fault: Fault, vias: &[Via]) -> (Ran, Value, Vec<String>) {
    let options = RulesOptions {
        vias: vias.to_vec(),
        ..RULES
    };
    let stand_in = StandIn::start(fault).await;
    let tally = SharedTally::default();
    let hidden = ProgressBar::hidden();
    let outcome = rules::run(&stand_in.server(), &options, &EFFORT, &hidden, &tally).await;
    let mut ran = Ran {
        outcome: outcome.unwrap(),
        tally: lock(&tally).clone(),
    };
    let told = serde_json::to_value(ran.outcome.measured.take().unwrap()).unwrap();
    (ran, told["rules"].clone(), stand_in.ops())
}

#[tokio::test]
async fn whatever_the_rules_know_happens_and_is_judged_clean() {
    let ops = everything_is_clean(&[Via::Rest]).await;
    assert_eq!(ops, Vec::<String>::new());
}

#[tokio::test]
async fn the_same_over_sockets_where_there_are_words_for_it() {
    let ops = everything_is_clean(&[WS]).await;
    let all = "accept cancel check_in decline pause_waitlist promote remove reserve set_capacity undo_check_in update";
    assert_eq!(ops.join(" "), all);
}

/// Answers what was said on sockets.
async fn everything_is_clean(vias: &[Via]) -> Vec<String> {
    let (ran, told, ops) = run(Fault::None, vias).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.tally.unanswered(), 0);
    for kind in [
        "confirmed",
        "waitlisted",
        "offered",
        "accepted",
        "declined",
        "expired",
        "updated",
        "cancelled",
        "transferred",
        "checked_in",
        "check_in_undone",
        "capacity_changed",
        "waitlist_paused",
        "waitlist_resumed",
    ] {
        assert!(told["events"][kind].as_u64() > Some(0), "{kind} in {told}");
    }
    let commands = told["commands"].as_array().unwrap();
    for name in [
        "reserve",
        "reserve as a guest",
        "group, all",
        "group, each",
        "update",
        "cancel",
        "accept",
        "decline",
        "transfer",
        "check in",
        "undo check-in",
        "promote",
        "bulk",
        "remove",
        "capacity",
        "pause, resume",
    ] {
        let done = |command: &Value| command["command"] == name && command["done"].as_u64() > Some(0);
        assert!(commands.iter().any(done), "{name} in {told}");
    }
    ops
}

#[tokio::test]
async fn what_was_refused_or_lost_is_asked_again_with_its_key_also_by_guests_groups_and_hosts() {
    let (ran, ..) = run(Fault::RefusesAndBreaks, &[Via::Ws(Encoding::Msgpack), Via::Rest]).await;
    assert_eq!(ran.findings(), Vec::<&Finding>::new());
    assert_eq!(ran.tally.unanswered(), 0);
    assert!(ran.tally.refusals["overloaded"] > 0);
    assert!(ran.tally.replayed > 0, "a lost answer is answered again");
}

#[tokio::test]
async fn offers_that_end_too_early_are_found_out() {
    let (ran, ..) = run(Fault::ExpiresEarly, &[Via::Rest]).await;
    let differs = |finding: &&Finding| matches!(finding, Finding::EventsDiffer { .. });
    assert!(ran.findings().iter().any(differs), "{:?}", ran.findings());
}

#[tokio::test]
async fn offers_that_never_end_are_found_out() {
    let (ran, ..) = run(Fault::KeepsOffers, &[WS]).await;
    let remain = |finding: &&Finding| matches!(finding, Finding::OffersRemain { .. });
    assert!(ran.findings().iter().any(remain), "{:?}", ran.findings());
}

#[tokio::test]
async fn groups_that_are_taken_apart_are_found_out() {
    let (ran, ..) = run(Fault::SplitsGroups, &[Via::Rest]).await;
    let wrong = |finding: &&Finding| {
        matches!(
            finding,
            Finding::WrongAnswer {
                field: "how many" | "group_id",
                ..
            }
        )
    };
    assert!(!ran.findings().is_empty());
    let lost = |finding: &&Finding| matches!(finding, Finding::EventsDiffer { .. });
    assert!(
        ran.findings()
            .iter()
            .any(|finding| wrong(finding) || lost(finding))
    );
}
