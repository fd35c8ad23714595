//! What is to be reached, and whether it is.

use serde::Serialize;

use super::{OpenLoop, Taken, of, ratio};
use crate::compare::{Contender, Design};

/// The most transactions of the database for each read: what goes on beside reads, and nothing because of them.
const TRANSACTIONS_PER_READ_MAX: f64 = 0.001;

/// Something that is to be reached.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// Its number.
    pub id: &'static str,
    /// In words.
    pub what: &'static str,
    /// Whether less is better.
    pub at_most: bool,
    /// What is to be reached.
    pub target: f64,
    /// What would be better still.
    pub stretch: Option<f64>,
    /// What was measured; none where there is nothing to compare with.
    pub measured: Option<f64>,
    /// Whether that is enough.
    pub reached: bool,
    /// Whether it is better still.
    pub stretch_reached: bool,
}

impl Target {
    fn new(
        id: &'static str,
        what: &'static str,
        target: f64,
        stretch: Option<f64>,
        measured: Option<f64>,
    ) -> Self {
        let reaches = |bound: f64| measured.is_some_and(|measured| measured >= bound);
        Self {
            id,
            what,
            at_most: false,
            target,
            stretch,
            measured,
            reached: reaches(target),
            stretch_reached: stretch.is_some_and(reaches),
        }
    }

    fn at_most(id: &'static str, what: &'static str, target: f64, measured: Option<f64>) -> Self {
        Self {
            id,
            what,
            at_most: true,
            target,
            stretch: None,
            measured,
            reached: measured.is_some_and(|measured| measured <= target),
            stretch_reached: false,
        }
    }
}

/// All of them.
pub(super) fn targets(rounds: &[Taken], open_loop: OpenLoop, connections: usize) -> Vec<Target> {
    let beside = |contender, other| ratio(rounds, contender, other).map(|ratio| ratio.median);
    let rest = Contender::RestPostgres;
    // The tail of a closed loop is judged by how long everybody would wait if all were served in turn.
    let tails = of(rounds, rest).filter_map(|taken| {
        let turn_ms = connections as f64 / taken.per_s.max(1.0) * 1_000.0;
        Some(taken.p99_ms? / turn_ms)
    });
    let per_read = of(rounds, Contender::Reads)
        .filter_map(|taken| Some(taken.transactions? as f64 / taken.count.max(1) as f64));
    vec![
        Target::new(
            "P1",
            "REST on Postgres beside the bare handler",
            0.4,
            Some(0.5),
            beside(rest, Contender::Bare),
        ),
        Target::new(
            "P1",
            "REST on Postgres beside the row lock at its best pool",
            18.0,
            Some(25.0),
            beside(rest, Contender::Design(Design::RowLock)),
        ),
        Target::at_most(
            "P1",
            "p99 of the worst round beside connections / throughput",
            2.0,
            tails.reduce(f64::max),
        ),
        Target::at_most(
            "P1",
            "p99 in ms at half of that rate, open loop",
            25.0,
            Some(open_loop.p99_ms),
        ),
        Target::new(
            "P2",
            "WebSockets beside REST, on Postgres",
            1.5,
            Some(2.0),
            beside(Contender::WsPostgres, rest),
        ),
        Target::new(
            "P3",
            "SQLite (synchronous=FULL) beside Postgres, REST",
            0.9,
            Some(1.2),
            beside(Contender::RestSqlite, rest),
        ),
        Target::new(
            "P4",
            "Turnout's journal beside batches straight into Postgres",
            0.8,
            Some(0.95),
            beside(Contender::CommitterPostgres, Contender::Straight),
        ),
        Target::new(
            "P9",
            "reads of a live activity beside the bare handler",
            0.85,
            None,
            beside(Contender::Reads, Contender::Bare),
        ),
        Target::at_most(
            "P9",
            "transactions of the database for each such read",
            TRANSACTIONS_PER_READ_MAX,
            per_read.reduce(f64::max),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::testing::comparison;
    use super::super::{Findings, testing};
    use super::*;

    #[test]
    fn each_target_is_judged_by_its_own_ratio() {
        let reached: Vec<(&str, bool, bool)> = comparison(Findings::default())
            .targets
            .iter()
            .map(|target| (target.id, target.reached, target.stretch_reached))
            .collect();
        assert_eq!(
            reached,
            [
                ("P1", true, false),
                ("P1", true, false),
                ("P1", true, false),
                ("P1", true, false),
                ("P2", false, false),
                ("P3", true, false),
                ("P4", true, false),
                ("P9", true, false),
                ("P9", true, false),
            ]
        );
    }

    #[test]
    fn the_worst_tail_counts_and_what_was_not_measured_is_not_reached() {
        let open = OpenLoop {
            rate_per_s: 1.0,
            count: 1,
            p50_ms: 1.0,
            p99_ms: 30.0,
        };
        let mut slow = testing::taken(Contender::RestPostgres, 1, 20_000.0);
        slow.p99_ms = Some(150.0);
        let targets = targets(&[slow], open, 1_000);
        assert_eq!(targets[2].measured, Some(3.0));
        assert!(targets.iter().all(|target| !target.reached), "{targets:?}");
    }
}
