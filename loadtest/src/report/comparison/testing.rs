//! Measurements for tests.

use super::{Comparison, ComparisonAsked, Findings, OpenLoop, Taken};
use crate::compare::{Contender, Design};

pub(super) fn taken(contender: Contender, round: u32, per_s: f64) -> Taken {
    Taken {
        contender: Some(contender),
        round,
        count: per_s as u64,
        per_s,
        p50_ms: Some(1.0),
        p99_ms: Some(2.0),
        ..Taken::default()
    }
}

/// A round in which everything is reached but what WebSockets carry.
pub(super) fn round() -> Vec<Taken> {
    let mut rounds: Vec<Taken> = Contender::all()
        .into_iter()
        .map(|contender| {
            let per_s = match contender {
                Contender::Bare => 50_000.0,
                Contender::Reads => 45_000.0,
                Contender::RestPostgres | Contender::RestSqlite | Contender::WsPostgres => 22_000.0,
                Contender::Design(Design::RowLock) => 1_000.0,
                Contender::Design(_) => 2_000.0,
                Contender::Straight => 70_000.0,
                _ => 60_000.0,
            };
            taken(contender, 1, per_s)
        })
        .collect();
    rounds[1].transactions = Some(3);
    rounds
}

pub(super) fn comparison(findings: Findings) -> Comparison {
    let asked = ComparisonAsked {
        connections: 1_000,
        rounds: 1,
        duration_s: 4.0,
        pools: vec![5],
        contest_people: 2_000,
        contest_seats: 200,
        seed: 1,
    };
    let open = OpenLoop {
        rate_per_s: 11_000.0,
        count: 44_000,
        p50_ms: 2.0,
        p99_ms: 12.0,
    };
    Comparison::of(asked, Vec::new(), round(), open, findings)
}
