//! The domain against the plain model of the load test, over random histories: every answer, every event and
//! every state must agree, whatever is committed, dropped or loaded again in between.
//!
//! `TURNOUT_RULE_CASES` sets the number of histories, of up to 250 steps each.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

#[path = "rules/changes.rs"]
mod changes;
#[path = "rules/expected.rs"]
mod expected;
#[path = "rules/followers.rs"]
mod followers;
#[path = "rules/history.rs"]
mod history;
#[path = "rules/moment.rs"]
mod moment;
#[path = "rules/people.rs"]
mod people;
#[path = "rules/readers.rs"]
mod readers;
#[path = "rules/roles.rs"]
mod roles;
#[path = "rules/same.rs"]
mod same;
#[path = "rules/tally.rs"]
mod tally;
#[path = "rules/translate.rs"]
mod translate;
#[path = "rules/world.rs"]
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::changes::Opening;
use self::expected::expected;
use self::history::Step;
use self::tally::Tally;
use self::world::World;

/// Enough for 200,000 steps.
const CASES: u32 = 1_800;

#[test]
fn the_domain_agrees_with_the_plain_model_over_random_histories() {
    let cases = std::env::var("TURNOUT_RULE_CASES").map_or(CASES, |cases| {
        cases.parse().expect("TURNOUT_RULE_CASES is a number")
    });
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let steps = std::cell::Cell::new(0_u64);
    let tally = std::cell::RefCell::new(Tally::default());
    let mut runner = TestRunner::new(config);
    let result = runner.run(
        &(Opening::any(), prop::collection::vec(Step::any(), 1..250)),
        |(opening, history)| {
            let mut world = World::new(&opening);
            for step in &history {
                world.take(step)?;
                steps.set(steps.get() + 1);
            }
            tally.borrow_mut().merge(world.finish()?);
            Ok(())
        },
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{} steps without difference", steps.get());
    let tally = tally.into_inner();
    for (what, times) in tally.iter() {
        println!("{times:>8} {what}");
    }
    if cases >= CASES {
        let missing: Vec<String> = expected().filter(|what| tally.of(what) == 0).collect();
        assert!(missing.is_empty(), "no history meets this: {missing:#?}");
    }
}
