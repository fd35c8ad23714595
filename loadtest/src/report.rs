//! What a run is told as: one aligned table for people, one JSON document for machines.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::run::{ActivityFinding, Outcome};
use crate::verdict::Finding;

/// How many findings are printed; the rest are counted.
const FINDINGS_PRINTED: usize = 20;
/// How many findings the JSON document holds: when everything is wrong, more would say nothing more.
const FINDINGS_WRITTEN: usize = 1_000;

/// The report of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was run, in words.
    run: String,
    activities: usize,
    committed: u64,
    acknowledged: BTreeMap<&'static str, u64>,
    rejected: BTreeMap<String, u64>,
    unanswered: u64,
    retries: u64,
    replayed: u64,
    refusals: BTreeMap<String, u64>,
    transport_errors: BTreeMap<&'static str, u64>,
    elapsed_ms: u64,
    committed_per_s: f64,
    answered_per_s: f64,
    latency_ms: Latency,
    requests: u64,
    client_cpu_us_per_request: f64,
    clean: bool,
    findings_total: usize,
    findings: Vec<ReportedFinding>,
}

/// From asking to the final answer, all tries together; in an open loop from the scheduled moment.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct ReportedFinding {
    activity: String,
    message: String,
    #[serde(flatten)]
    finding: Finding,
}

impl Report {
    /// The report of what a run brought home.
    pub fn new(run: String, outcome: Outcome) -> Self {
        let Outcome {
            tally,
            elapsed,
            client_cpu,
            activities,
            findings,
        } = outcome;
        let seconds = elapsed.max(Duration::from_micros(1)).as_secs_f64();
        Self {
            run,
            activities,
            committed: tally.committed(),
            unanswered: tally.unanswered,
            retries: tally.retries,
            replayed: tally.replayed,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            committed_per_s: tally.committed() as f64 / seconds,
            answered_per_s: tally.answered() as f64 / seconds,
            latency_ms: Latency {
                p50: tally.latency_ms(50.0),
                p90: tally.latency_ms(90.0),
                p99: tally.latency_ms(99.0),
                p99_9: tally.latency_ms(99.9),
                max: tally.latency_ms(100.0),
            },
            requests: tally.requests,
            client_cpu_us_per_request: client_cpu.as_secs_f64() * 1e6 / tally.requests.max(1) as f64,
            clean: findings.is_empty() && tally.unanswered == 0,
            findings_total: findings.len(),
            findings: findings
                .into_iter()
                .take(FINDINGS_WRITTEN)
                .map(ReportedFinding::from)
                .collect(),
            acknowledged: tally.acknowledged,
            rejected: tally.rejected,
            refusals: tally.refusals,
            transport_errors: tally.transport_errors,
        }
    }

    /// Whether everybody was answered and the verdict found nothing.
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    fn rows(&self) -> Vec<(String, String)> {
        let mut rows = vec![("activities".to_owned(), self.activities.to_string())];
        let mut add = |name: &str, value: String| rows.push((name.to_owned(), value));
        for (status, count) in &self.acknowledged {
            add(status, count.to_string());
        }
        for (code, count) in &self.rejected {
            add(&format!("rejected: {code}"), count.to_string());
        }
        add("unanswered", self.unanswered.to_string());
        add("retries", self.retries.to_string());
        for (code, count) in &self.refusals {
            add(&format!("refusals: {code}"), count.to_string());
        }
        for (kind, count) in &self.transport_errors {
            add(&format!("transport errors: {kind}"), count.to_string());
        }
        add("elapsed s", format!("{:.3}", self.elapsed_ms as f64 / 1_000.0));
        add("committed RSVPs per s", format!("{:.0}", self.committed_per_s));
        add("answers per s", format!("{:.0}", self.answered_per_s));
        for (name, value) in [
            ("latency p50 ms", self.latency_ms.p50),
            ("latency p90 ms", self.latency_ms.p90),
            ("latency p99 ms", self.latency_ms.p99),
            ("latency p99.9 ms", self.latency_ms.p99_9),
            ("latency max ms", self.latency_ms.max),
        ] {
            add(name, format!("{value:.2}"));
        }
        add(
            "client CPU us per request",
            format!("{:.1}", self.client_cpu_us_per_request),
        );
        rows
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.run)?;
        let rows = self.rows();
        let names = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let values = rows.iter().map(|(_, value)| value.len()).max().unwrap_or(0);
        for (name, value) in &rows {
            writeln!(f, "  {name:<names$}  {value:>values$}")?;
        }
        if self.unanswered > 0 {
            writeln!(f, "UNANSWERED: {} commands have no final answer", self.unanswered)?;
        }
        if self.findings.is_empty() {
            return write!(
                f,
                "VERDICT: clean: every answer, event and count is what the rules say"
            );
        }
        write!(f, "VERDICT: {} findings", self.findings_total)?;
        for found in self.findings.iter().take(FINDINGS_PRINTED) {
            write!(f, "\n  {}: {}", found.activity, found.message)?;
        }
        if self.findings_total > FINDINGS_PRINTED {
            write!(f, "\n  and {} more", self.findings_total - FINDINGS_PRINTED)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::SeenStatus;
    use crate::tally::Tally;

    fn outcome(findings: usize) -> Outcome {
        let mut tally = Tally::default();
        tally.count_acknowledged(SeenStatus::Confirmed, false);
        tally.count_rejected("activity_full");
        tally.requests = 2;
        let finding = Finding::Overbooked {
            seq: 9,
            held: 11,
            limit: 10,
        };
        Outcome {
            tally,
            elapsed: Duration::from_millis(500),
            client_cpu: Duration::from_micros(20),
            activities: 1,
            findings: vec![
                ActivityFinding {
                    activity: "a".into(),
                    finding
                };
                findings
            ],
        }
    }

    #[test]
    fn a_clean_report_says_so_in_an_aligned_table() {
        let text = Report::new("a burst".into(), outcome(0)).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "a burst");
        assert!(lines.contains(&"  rejected: activity_full        1"), "{text}");
        assert!(lines.contains(&"  committed RSVPs per s          2"), "{text}");
        assert!(lines.contains(&"  client CPU us per request   10.0"), "{text}");
        assert!(text.ends_with("VERDICT: clean: every answer, event and count is what the rules say"));
    }

    #[test]
    fn the_first_findings_are_printed_and_the_rest_counted() {
        let report = Report::new("a burst".into(), outcome(25));
        assert!(!report.is_clean());
        let text = report.to_string();
        let line = "  a: overbooked: at seq 9 11 spots are held where 10 may be";
        assert_eq!(text.lines().filter(|told| *told == line).count(), 20);
        assert!(text.ends_with("and 5 more"), "{text}");
    }

    #[test]
    fn the_json_names_the_kind_of_each_finding_with_its_numbers() {
        let json = serde_json::to_value(Report::new("a burst".into(), outcome(1))).unwrap();
        assert_eq!(json["findings"][0]["finding"], "overbooked");
        assert_eq!(json["findings"][0]["held"], 11);
        assert_eq!(json["clean"], false);
    }

    #[test]
    fn somebody_unanswered_is_not_clean() {
        let mut outcome = outcome(0);
        outcome.tally.unanswered = 3;
        let report = Report::new("a burst".into(), outcome);
        assert!(!report.is_clean());
        assert!(report.to_string().contains("UNANSWERED: 3 commands"));
    }
}
