//! Watchers: many sockets that follow activities, in processes of their own, and what they see.
//!
//! It owns what is said between the process that leads and those that watch: orders and reports, a line of JSON each.
//! Processes of their own, because one may not have so many files open, and because whoever sends the commands must not
//! wait behind ten thousand sockets. All of them are the same program, and end when nobody speaks to them any more.

mod arrivals;
mod feed;
mod fleet;
mod order;
mod roll;
mod squad;
mod trouble;
mod watcher;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use fleet::Fleet;
pub(crate) use order::{Order, Service};
pub use squad::run as run_squad;
use trouble::note;
pub(crate) use trouble::{Trouble, TroubleKind};

use crate::run::ActivityFinding;

/// What those who watch are told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tell {
    /// What is measured begins now.
    Begin,
    /// The server is about to be killed: from now on whoever is cut off is not lost.
    Brace,
    /// Come back, all at once.
    ComeBack,
    /// It is over: this is how it has ended.
    Finish(Vec<Finished>),
}

/// How an activity has ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) seq: u64,
    /// What everybody may see of it, but `seq` and `epoch`.
    pub(crate) fields: Map<String, Value>,
    pub(crate) sendings: Vec<Sending>,
}

/// When a command that was carried out was due.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sending {
    /// The `seq` of its last event.
    pub(crate) seq: u64,
    /// When it should have been sent, on the clock that all processes of the machine share.
    pub(crate) due_us: u64,
}

/// What those who watch have to say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// All are there.
    Ready,
    /// Not all are there, and why.
    Failed(String),
    /// All know that the server is about to be killed.
    Braced,
    /// All have come back, or will not.
    CameBack(CameBack),
    /// What they saw.
    Watched(Box<Watched>),
}

/// How watchers came back.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct CameBack {
    /// Microseconds from the word until each was current, and how many took so long.
    pub(crate) current_us: Vec<(u64, u64)>,
    pub(crate) live: u64,
    pub(crate) replayed: u64,
    pub(crate) snapshots: u64,
    /// Tries that failed.
    pub(crate) failed_tries: u64,
}

/// What watchers saw.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// CPU time of their process since it began.
    pub(crate) cpu_us: u64,
    /// Microseconds from when a command was due until a watcher knew of it, and how many took so long.
    pub(crate) latencies_us: Vec<(u64, u64)>,
    /// How many of those there should be: for each watcher that reads all the time, the commands of its activity.
    pub(crate) to_hear: u64,
    pub(crate) differences: u64,
    /// Those of them that cover more than one command.
    pub(crate) merged: u64,
    pub(crate) difference_bytes: u64,
    /// Snapshots for those who read all the time.
    pub(crate) snapshots: u64,
    pub(crate) slow: Slow,
    pub(crate) troubles: Vec<Trouble>,
}

/// What became of those who had stopped reading.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Slow {
    /// They were sent a snapshot once they read again.
    pub(crate) behind: u64,
    /// They were closed with 4108.
    pub(crate) closed: u64,
    /// All that they had missed was still on its way to them.
    pub(crate) kept_up: u64,
}

impl Watched {
    /// What they saw that must not be, as findings.
    pub(crate) fn findings(&self) -> impl Iterator<Item = ActivityFinding> {
        self.troubles.iter().map(Trouble::finding)
    }

    /// What others saw as well.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.cpu_us += other.cpu_us;
        self.latencies_us.extend(other.latencies_us);
        self.to_hear += other.to_hear;
        self.differences += other.differences;
        self.merged += other.merged;
        self.difference_bytes += other.difference_bytes;
        self.snapshots += other.snapshots;
        self.slow.behind += other.slow.behind;
        self.slow.closed += other.slow.closed;
        self.slow.kept_up += other.slow.kept_up;
        for trouble in other.troubles {
            note(&mut self.troubles, trouble.kind, trouble.count, || trouble.first);
        }
    }
}

impl CameBack {
    /// How others came back as well.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.current_us.extend(other.current_us);
        self.live += other.live;
        self.replayed += other.replayed;
        self.snapshots += other.snapshots;
        self.failed_tries += other.failed_tries;
    }
}

#[cfg(test)]
mod testing {
    use super::{Order, Service};
    use crate::target::Target;
    use crate::ws::Encoding;

    /// What is said to whoever follows an activity that has had four events.
    pub(super) const FOLLOWS: &str = "{\"type\":\"welcome\",\"session\":\"s\"}\n\
        {\"type\":\"subscribed\",\"epoch\":1,\"seq\":4,\"mode\":\"snapshot\",\"snapshot\":{}}";

    /// One watcher of one activity, which has an hour for everything.
    pub(super) fn order_of_one(target: &Target) -> Order {
        Order {
            server: target.address(),
            service: Service::Turnout,
            encoding: Encoding::Json,
            activities: vec![uuid::Uuid::from_u128(1)],
            first: 0,
            watchers: 1,
            slow_per_million: 0,
            within_ms: 3_600_000,
        }
    }
}
