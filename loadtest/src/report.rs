//! What a run is told as: a table for people, in three blocks, and one JSON document for machines with all of it.

mod about;
mod asked;
mod cancellation;
mod charts;
mod cold;
pub mod comparison;
mod fanout;
mod growth;
mod many;
mod measured;
mod memory;
mod opening;
mod opening_burst;
mod overload;
mod page;
mod reconnect;
mod rounds;
mod rules;
mod soak;
mod steady;
mod stretch;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

pub use self::asked::{Asked, AskedKind};
pub use self::cancellation::CancellationFigures;
pub(crate) use self::cancellation::{CancelledBeside, Paired};
pub use self::cold::{ColdFigures, ColdStart};
pub use self::fanout::{Fanout, FanoutRound};
pub use self::growth::{Grown, GrowthFigures, Window};
pub use self::many::{ManyFigures, Spread};
pub use self::measured::Measured;
pub use self::memory::{Held, Memory};
pub use self::opening::OpeningFigures;
pub(crate) use self::opening::{Came, Range, Told};
pub use self::opening_burst::OpeningBurstFigures;
pub use self::overload::{OverloadFigures, OverloadPhase};
pub use self::reconnect::Reconnect;
pub use self::rounds::{Round, Rounds};
pub(crate) use self::rules::RulesCommand;
pub use self::rules::RulesFigures;
pub use self::soak::{SoakFigures, SoakMinute};
pub use self::steady::{ReadKind, SteadyFigures};
pub use self::stretch::Stretch;
use crate::course::Slot;
use crate::run::{ActivityFinding, End, Outcome};
use crate::tally::{Latencies, Tally};
use crate::verdict::Finding;

/// How many findings the JSON document holds: when everything is wrong, more would say nothing more.
const FINDINGS_WRITTEN: usize = 1_000;

/// The report of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was run, in words.
    run: String,
    asked: Asked,
    answered: Answered,
    /// How the activities were left; none where nobody could read that.
    at_the_end: Option<AtTheEnd>,
    /// What some kinds of runs measure beside the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
    /// What was answered when.
    course: Vec<Slot>,
    /// Percentiles of those who were carried out and of those who were refused for good.
    #[serde(skip)]
    curves: [(&'static str, Vec<(f64, f64)>); 2],
    clean: bool,
    /// Why there is no verdict, where there is none.
    no_verdict: Option<String>,
    findings_total: usize,
    findings: Vec<ReportedFinding>,
}

/// What came back.
#[derive(Debug, Serialize)]
struct Answered {
    /// Acknowledged commands: those that the server says are durably decided.
    committed: u64,
    /// Those of them that asked for seats.
    reservations: u64,
    acknowledged: BTreeMap<&'static str, u64>,
    acknowledged_by_unix_ms: BTreeMap<u64, u64>,
    rejected: BTreeMap<String, u64>,
    unanswered: u64,
    retries: u64,
    replayed: u64,
    refusals: BTreeMap<String, u64>,
    faults: BTreeMap<String, u64>,
    transport_errors: BTreeMap<&'static str, u64>,
    last_transport_error: Option<String>,
    elapsed_ms: u64,
    committed_per_s: f64,
    reservations_per_s: f64,
    answered_per_s: f64,
    latency_ms: LatencyMs,
    requests: u64,
    client_cpu_us_per_request: f64,
}

/// Durable answers and rejections apart: a rejection may cost no sync.
#[derive(Debug, Serialize)]
struct LatencyMs {
    counted_from: &'static str,
    committed: Percentiles,
    rejected: Percentiles,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    count: u64,
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct AtTheEnd {
    activities: usize,
    #[serde(flatten)]
    end: End,
}

#[derive(Debug, Serialize)]
struct ReportedFinding {
    activity: String,
    message: String,
    #[serde(flatten)]
    finding: Finding,
}

impl Report {
    /// The report of what a run brought home, or why it brought no verdict.
    pub fn new(asked: Asked, tally: &Tally, outcome: Result<Outcome, String>) -> Self {
        let answered = Answered::new(tally, asked.has_dues());
        let run = asked.title();
        let mut course = tally.course.slots();
        if !asked.kind.is_about_one_activity() {
            course.iter_mut().for_each(|slot| slot.seats = None);
        }
        let curves = [
            ("carried out", tally.acknowledged_latency.curve()),
            ("refused for good", tally.rejected_latency.curve()),
        ];
        match outcome {
            Ok(outcome) => Self {
                run,
                asked,
                clean: outcome.findings.is_empty() && answered.unanswered == 0,
                answered,
                at_the_end: Some(AtTheEnd {
                    activities: outcome.activities,
                    end: outcome.end,
                }),
                measured: outcome.measured,
                course,
                curves,
                no_verdict: None,
                findings_total: outcome.findings.len(),
                findings: outcome
                    .findings
                    .into_iter()
                    .take(FINDINGS_WRITTEN)
                    .map(ReportedFinding::from)
                    .collect(),
            },
            Err(why) => Self {
                run,
                asked,
                answered,
                at_the_end: None,
                measured: None,
                course,
                curves,
                clean: false,
                no_verdict: Some(why),
                findings_total: 0,
                findings: Vec::new(),
            },
        }
    }

    /// Whether everybody was answered and the verdict found nothing.
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    /// Whether there is a verdict at all.
    pub fn has_verdict(&self) -> bool {
        self.no_verdict.is_none()
    }
}

impl Answered {
    fn new(tally: &Tally, has_dues: bool) -> Self {
        let (elapsed, client_cpu) = tally.measured();
        let seconds = elapsed.max(Duration::from_micros(1)).as_secs_f64();
        Self {
            committed: tally.committed(),
            reservations: tally.reservations,
            acknowledged: tally.acknowledged.clone(),
            acknowledged_by_unix_ms: tally.acknowledged_by_unix_ms.clone(),
            rejected: tally.rejected.clone(),
            unanswered: tally.unanswered(),
            retries: tally.retries,
            replayed: tally.replayed,
            refusals: tally.refusals.clone(),
            faults: tally.faults.clone(),
            transport_errors: tally.transport_errors.clone(),
            last_transport_error: tally.last_transport_error.clone(),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            committed_per_s: tally.committed() as f64 / seconds,
            reservations_per_s: tally.reservations as f64 / seconds,
            answered_per_s: tally.answered() as f64 / seconds,
            latency_ms: LatencyMs {
                counted_from: if has_dues {
                    "the moment when it should have been asked"
                } else {
                    "asking for the first time"
                },
                committed: (&tally.acknowledged_latency).into(),
                rejected: (&tally.rejected_latency).into(),
            },
            requests: tally.requests,
            client_cpu_us_per_request: client_cpu.as_secs_f64() * 1e6 / tally.requests.max(1) as f64,
        }
    }
}

impl From<&Latencies> for Percentiles {
    fn from(latencies: &Latencies) -> Self {
        Self {
            count: latencies.count(),
            p50: latencies.ms(50.0),
            p90: latencies.ms(90.0),
            p99: latencies.ms(99.0),
            p99_9: latencies.ms(99.9),
            max: latencies.ms(100.0),
        }
    }
}

impl From<ActivityFinding> for ReportedFinding {
    fn from(found: ActivityFinding) -> Self {
        Self {
            message: found.finding.to_string(),
            activity: found.activity,
            finding: found.finding,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn asked() -> Asked {
        Asked {
            kind: AskedKind::Burst {
                via: "rest",
                people: 4,
                seats: 10,
                waitlist: None,
                guest_share: 0.3,
                cancel_share: 0.0,
                opens_in_s: None,
                early_share: None,
            },
            connections: 2,
            rate_per_s: None,
            seed: 7,
            deadline_s: 120,
        }
    }

    /// One reservation, one cancel, one rejection, and one command without an answer.
    pub(crate) fn tally() -> Tally {
        let mut tally = Tally {
            planned: 4,
            requests: 9,
            retries: 6,
            ..Tally::default()
        };
        tally.count_acknowledged("confirmed", true, false, 1_000);
        tally.count_acknowledged("cancelled", false, true, 1_010);
        tally.acknowledged_latency.record(Duration::from_millis(20));
        tally.rejected_latency.record(Duration::from_millis(1));
        tally.count_rejected("activity_full");
        tally.count_refusal("overloaded");
        tally.last_transport_error = Some("cannot connect: refused".into());
        tally
    }

    pub(crate) fn outcome(findings: usize) -> Outcome {
        let finding = Finding::Overbooked {
            seq: 9,
            held: 11,
            limit: 10,
        };
        Outcome {
            activities: 1,
            end: End {
                capacity: 10,
                confirmed_spots: 9,
                waitlisted_parties: 2,
                waitlisted_spots: 5,
                promoted: 3,
                cancelled: 4,
            },
            findings: vec![
                ActivityFinding {
                    activity: "a".into(),
                    finding
                };
                findings
            ],
            measured: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    #[test]
    fn the_json_names_the_kind_of_each_finding_with_its_numbers() {
        let json = serde_json::to_value(Report::new(asked(), &tally(), Ok(outcome(1)))).unwrap();
        assert_eq!(json["findings"][0]["finding"], "overbooked");
        assert_eq!(json["findings"][0]["held"], 11);
        assert_eq!(json["clean"], false);
    }

    #[test]
    fn the_json_has_what_was_asked_what_was_answered_and_how_it_ended() {
        let json = serde_json::to_value(Report::new(asked(), &tally(), Ok(outcome(0)))).unwrap();
        for (pointer, expected) in [
            ("/asked/kind", serde_json::json!("burst")),
            ("/asked/guest_share", serde_json::json!(0.3)),
            ("/asked/rate_per_s", serde_json::Value::Null),
            ("/answered/committed", serde_json::json!(2)),
            ("/answered/reservations", serde_json::json!(1)),
            ("/answered/replayed", serde_json::json!(1)),
            ("/answered/unanswered", serde_json::json!(1)),
            ("/answered/acknowledged_by_unix_ms/1010", serde_json::json!(1)),
            ("/answered/latency_ms/rejected/count", serde_json::json!(1)),
            ("/at_the_end/promoted", serde_json::json!(3)),
        ] {
            assert_eq!(json.pointer(pointer), Some(&expected), "{pointer} in {json}");
        }
    }

    #[test]
    fn somebody_unanswered_is_not_clean() {
        let mut tally = tally();
        assert!(!Report::new(asked(), &tally, Ok(outcome(0))).is_clean());
        tally.planned = 3;
        assert!(Report::new(asked(), &tally, Ok(outcome(0))).is_clean());
    }

    #[test]
    fn without_a_verdict_nothing_is_clean() {
        let mut tally = tally();
        tally.planned = 3;
        let report = Report::new(asked(), &tally, Err("the server is gone".into()));
        assert!(!report.is_clean() && !report.has_verdict());
        let json = serde_json::to_value(report).unwrap();
        assert_eq!(json["no_verdict"], "the server is gone");
        assert_eq!(json["answered"]["committed"], 2);
    }
}
