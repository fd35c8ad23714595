//! For tests of the engine and of journals: a journal and a mirror in memory with faults on demand, clocks and identifiers
//! that tests set, and the suite that every journal must pass.

mod clock;
mod conformance;
mod drive;
mod faults;
mod memory_journal;
mod memory_mirror;

pub use clock::{CountingIds, ManualClock};
pub use conformance::{CASES, run_case};
pub use drive::{Drive, HOST, settings};
pub use faults::{Fault, Faults};
pub use memory_journal::{Backup, MemoryJournal};
pub use memory_mirror::{MemoryMirror, MirrorMood};

/// Stamps the conformance suite onto a journal, one test per case:
/// `journal_conformance!(memory, Box::new(MemoryJournal::new()))`.
///
/// The second argument is an expression that makes a pointer to an empty journal; it is
/// evaluated once per case, within a tokio runtime. The journal's clock must show the first hour of 1970.
#[macro_export]
macro_rules! journal_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[tokio::test]
            async fn passes_the_conformance_suite() {
                for case in $crate::testing::CASES {
                    println!("conformance of {}: {case}", stringify!($name));
                    let journal = $make;
                    $crate::testing::run_case(case, &*journal).await;
                }
            }
        }
    };
}
