//! What a comparison is told as: the medians of all rounds with their spread, the targets, and the verdicts.
//!
//! Ratios are taken within a round, between measurements that are seconds apart, and their median is told: what drifts from
//! minute to minute is not in them.

mod findings;
mod table;
mod targets;

use serde::Serialize;

use super::measured::median;
use crate::compare::{Contender, Design};

pub use self::findings::{Findings, Verdict};
pub use self::targets::Target;

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What was asked for.
    pub asked: ComparisonAsked,
    /// Each design with each pool.
    pub sweep: Vec<Swept>,
    /// The medians, in the order of odd rounds.
    pub medians: Vec<Median>,
    /// Turnout at half of its rate.
    pub open_loop: OpenLoop,
    /// What is to be reached.
    pub targets: Vec<Target>,
    /// Whether answers hold.
    pub verdicts: Vec<Verdict>,
    /// Every measurement, in the order in which they were taken.
    pub rounds: Vec<Taken>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the words of the command line")]
pub struct ComparisonAsked {
    pub connections: usize,
    pub rounds: u32,
    pub duration_s: f64,
    pub pools: Vec<u32>,
    pub contest_people: u32,
    pub contest_seats: u32,
    pub seed: u64,
}

/// A design with one pool.
#[derive(Clone, Debug, Serialize)]
pub struct Swept {
    /// The design.
    pub design: Design,
    /// Its connections to Postgres.
    pub pool: u32,
    /// Reservations per second.
    pub per_s: f64,
    /// How long the middle one of them waited.
    pub p50_ms: Option<f64>,
    /// How long 99 in 100 of them waited at most.
    pub p99_ms: Option<f64>,
    /// Tries within the server that were in vain.
    pub tries_in_vain: u64,
}

/// CPU time in microseconds for each item.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CpuUs {
    /// Of whoever asks; none where nobody does.
    pub client: Option<f64>,
    /// Of the server, or of the process that is a limit.
    pub server: Option<f64>,
    /// Of all processes of Postgres.
    pub postgres: Option<f64>,
    /// Of Redis.
    pub redis: Option<f64>,
}

/// One measurement.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Taken {
    /// Whose; none outside of the rounds.
    pub contender: Option<Contender>,
    /// In which round, from 1.
    pub round: u32,
    /// Its connections to Postgres, of a design.
    pub pool: Option<u32>,
    /// What was carried out.
    pub count: u64,
    /// The same per second, to the last answer.
    pub per_s: f64,
    /// How long the middle one waited.
    pub p50_ms: Option<f64>,
    /// How long 99 in 100 waited at most.
    pub p99_ms: Option<f64>,
    /// Requests that the client sent again.
    pub retries: u64,
    /// Tries within the server that were in vain.
    pub tries_in_vain: u64,
    /// CPU time.
    pub cpu_us: CpuUs,
    /// Transactions of Turnout's database meanwhile, where that is looked at.
    pub transactions: Option<u64>,
}

/// A ratio over all rounds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Ratio {
    /// In the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// The middle of all rounds of one contender.
#[derive(Clone, Debug, Serialize)]
pub struct Median {
    /// Whose.
    pub contender: Contender,
    /// Its connections to Postgres, of a design.
    pub pool: Option<u32>,
    /// What was carried out per second.
    pub per_s: f64,
    /// Beside the bare handler.
    pub of_bare: Option<Ratio>,
    /// Beside the row-lock design; only of who sells seats.
    pub of_row_lock: Option<Ratio>,
    /// How long the middle one waited.
    pub p50_ms: Option<f64>,
    /// How long 99 in 100 waited at most.
    pub p99_ms: Option<f64>,
    /// CPU time.
    pub cpu_us: CpuUs,
    /// Transactions of Turnout's database meanwhile, where that is looked at.
    pub transactions: Option<f64>,
}

/// Turnout over REST on Postgres in an open loop.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OpenLoop {
    /// Reservations per second that were due.
    pub rate_per_s: f64,
    /// What was carried out.
    pub count: u64,
    /// How long the middle one waited from when it was due.
    pub p50_ms: f64,
    /// How long 99 in 100 waited at most.
    pub p99_ms: f64,
}

impl OpenLoop {
    pub(crate) fn of(rate_per_s: f64, taken: &Taken) -> Self {
        Self {
            rate_per_s,
            count: taken.count,
            p50_ms: taken.p50_ms.unwrap_or_default(),
            p99_ms: taken.p99_ms.unwrap_or_default(),
        }
    }
}

impl Comparison {
    pub(crate) fn of(
        asked: ComparisonAsked,
        sweep: Vec<Swept>,
        rounds: Vec<Taken>,
        open_loop: OpenLoop,
        findings: Findings,
    ) -> Self {
        let medians = Contender::all()
            .into_iter()
            .map(|contender| Median::of(&rounds, contender))
            .collect();
        let targets = targets::targets(&rounds, open_loop, asked.connections);
        Self {
            asked,
            sweep,
            medians,
            open_loop,
            targets,
            verdicts: findings.verdicts(),
            rounds,
        }
    }

    /// The median rate of one contender.
    pub(crate) fn median_per_s(rounds: &[Taken], contender: Contender) -> f64 {
        median(of(rounds, contender).map(|taken| taken.per_s))
    }

    /// Whether everything that must be clean is: what Turnout answered.
    pub fn is_clean(&self) -> bool {
        let ours = self.verdicts.iter().filter(|verdict| verdict.must_be_clean);
        ours.into_iter().all(|verdict| verdict.clean)
    }

    /// Whether all targets are reached.
    pub fn reaches_all(&self) -> bool {
        self.targets.iter().all(|target| target.reached)
    }
}

fn of(rounds: &[Taken], contender: Contender) -> impl Iterator<Item = &Taken> {
    rounds
        .iter()
        .filter(move |taken| taken.contender == Some(contender))
}

/// One contender beside another, round by round.
fn ratio(rounds: &[Taken], contender: Contender, beside: Contender) -> Option<Ratio> {
    let ratios: Vec<f64> = of(rounds, contender)
        .filter_map(|taken| {
            let other = of(rounds, beside).find(|other| other.round == taken.round)?;
            (other.per_s > 0.0).then(|| taken.per_s / other.per_s)
        })
        .collect();
    let min = ratios.iter().copied().reduce(f64::min)?;
    let max = ratios.iter().copied().reduce(f64::max)?;
    Some(Ratio {
        median: median(ratios),
        min,
        max,
    })
}

impl Median {
    fn of(rounds: &[Taken], contender: Contender) -> Self {
        let some = |figure: fn(&Taken) -> Option<f64>| {
            let figures: Vec<f64> = of(rounds, contender).filter_map(figure).collect();
            (!figures.is_empty()).then(|| median(figures))
        };
        Self {
            contender,
            pool: of(rounds, contender).find_map(|taken| taken.pool),
            per_s: Comparison::median_per_s(rounds, contender),
            of_bare: ratio(rounds, contender, Contender::Bare),
            // Only whoever sells seats is to be compared with a way to sell seats.
            of_row_lock: contender
                .is_judged()
                .then(|| ratio(rounds, contender, Contender::Design(Design::RowLock)))
                .flatten(),
            p50_ms: some(|taken| taken.p50_ms),
            p99_ms: some(|taken| taken.p99_ms),
            cpu_us: CpuUs {
                client: some(|taken| taken.cpu_us.client),
                server: some(|taken| taken.cpu_us.server),
                postgres: some(|taken| taken.cpu_us.postgres),
                redis: some(|taken| taken.cpu_us.redis),
            },
            transactions: some(|taken| taken.transactions.map(|count| count as f64)),
        }
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::testing::taken;
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let rounds = [
            taken(Contender::Bare, 1, 100.0),
            taken(Contender::RestPostgres, 1, 50.0),
            // The machine was three times as fast by then.
            taken(Contender::RestPostgres, 2, 120.0),
            taken(Contender::Bare, 2, 300.0),
            taken(Contender::Bare, 3, 100.0),
            taken(Contender::RestPostgres, 3, 60.0),
        ];
        let ratio = ratio(&rounds, Contender::RestPostgres, Contender::Bare).unwrap();
        assert_eq!(
            ratio,
            Ratio {
                median: 0.5,
                min: 0.4,
                max: 0.6
            }
        );
        assert_eq!(Comparison::median_per_s(&rounds, Contender::RestPostgres), 60.0);
    }

    #[test]
    fn who_was_not_there_has_no_ratio() {
        let rounds = [taken(Contender::Bare, 1, 100.0)];
        assert_eq!(ratio(&rounds, Contender::Actor, Contender::Bare), None);
        assert_eq!(ratio(&rounds, Contender::Bare, Contender::Actor), None);
    }
}
