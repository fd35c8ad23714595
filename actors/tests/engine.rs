//! The engine from outside, on the journal in memory: what callers and readers see whatever happens behind.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect has failed"
)]

#[path = "engine/bounds.rs"]
mod bounds;
#[path = "engine/counters.rs"]
mod counters;
#[path = "engine/faults.rs"]
mod faults;
#[path = "engine/history.rs"]
mod history;
#[path = "engine/keys.rs"]
mod keys;
#[path = "engine/life.rs"]
mod life;
#[path = "engine/mirror.rs"]
mod mirror;
#[path = "engine/offers.rs"]
mod offers;
#[path = "engine/panicking_journal.rs"]
mod panicking_journal;
#[path = "engine/permission.rs"]
mod permission;
#[path = "engine/settling.rs"]
mod settling;
#[path = "engine/support.rs"]
mod support;
#[path = "engine/suspects.rs"]
mod suspects;
#[path = "engine/tenure.rs"]
mod tenure;
#[path = "engine/versions.rs"]
mod versions;
#[path = "engine/visibility.rs"]
mod visibility;
#[path = "engine/watching.rs"]
mod watching;

use turnout_actors::testing::MemoryJournal;

turnout_actors::journal_conformance!(memory_journal, Box::new(MemoryJournal::new()));
