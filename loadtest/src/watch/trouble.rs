//! What watchers see that must not be.

use serde::{Deserialize, Serialize};

use crate::run::ActivityFinding;
use crate::verdict::Finding;

/// Something that must not be, how often, and an example.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    pub(crate) count: u64,
    pub(crate) first: String,
}

/// What must not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TroubleKind {
    /// A difference did not begin where its watcher was.
    Gap,
    /// A watcher ends with something else than there is.
    Differs,
    /// A watcher was not current in time.
    Behind,
    /// A watcher was cut off.
    Lost,
}

impl Trouble {
    /// As a finding.
    pub(super) fn finding(&self) -> ActivityFinding {
        ActivityFinding {
            activity: "the watchers".to_owned(),
            finding: Finding::Watching {
                count: self.count,
                what: self.kind.told(),
                first: self.first.clone(),
            },
        }
    }
}

impl TroubleKind {
    /// In words, after how often.
    fn told(self) -> &'static str {
        match self {
            Self::Gap => "differences began elsewhere than their watcher was",
            Self::Differs => "watchers end with something else than there is",
            Self::Behind => "watchers were not current in time",
            Self::Lost => "watchers were cut off",
        }
    }
}

/// Notes that something must not be.
pub(super) fn note(
    troubles: &mut Vec<Trouble>,
    kind: TroubleKind,
    count: u64,
    first: impl FnOnce() -> String,
) {
    match troubles.iter_mut().find(|trouble| trouble.kind == kind) {
        Some(trouble) => trouble.count += count,
        None => {
            let first = first();
            troubles.push(Trouble { kind, count, first });
        }
    }
}
