//! The figures of a run of all rules: what was asked how often and how soon it was answered, and what happened.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::measured::write_columns;
use crate::history::Outcome;
use crate::seen::SeenEvent;
use crate::tally::Latencies;
use crate::utc::micros;

/// Commands of one kind.
#[derive(Clone, Debug)]
pub(crate) struct RulesCommand {
    name: &'static str,
    done: u64,
    rejected: BTreeMap<String, u64>,
    latency: Latencies,
}

impl RulesCommand {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            done: 0,
            rejected: BTreeMap::new(),
            latency: Latencies::default(),
        }
    }

    /// One more, which took so long from when it was due.
    pub(crate) fn count(&mut self, outcome: &Outcome, took_us: u64) {
        match outcome {
            Outcome::Acknowledged { .. } | Outcome::Changed { .. } => self.done += 1,
            Outcome::Rejected { code, .. } => *self.rejected.entry(code.clone()).or_default() += 1,
            Outcome::Unanswered => return,
        }
        self.latency.record_us(took_us);
    }
}

#[derive(Debug, Serialize)]
struct CommandRow {
    command: &'static str,
    done: u64,
    rejected: BTreeMap<String, u64>,
    p50_ms: f64,
    p99_ms: f64,
}

/// All of it.
#[derive(Debug, Serialize)]
pub struct RulesFigures {
    commands: Vec<CommandRow>,
    /// How many events of each kind the log has.
    events: BTreeMap<String, u64>,
    /// How long after its time an offer has ended, at the most.
    offers_ended_late_ms: f64,
}

impl RulesFigures {
    pub(crate) fn of(commands: Vec<RulesCommand>, log: &[SeenEvent], ttl_s: u32) -> Self {
        let rows = commands.into_iter().map(|command| CommandRow {
            command: command.name,
            done: command.done,
            rejected: command.rejected,
            p50_ms: command.latency.ms(50.0),
            p99_ms: command.latency.ms(99.0),
        });
        let mut events: BTreeMap<String, u64> = BTreeMap::new();
        for event in log {
            *events.entry(event.kind.clone()).or_default() += 1;
        }
        Self {
            commands: rows.collect(),
            events,
            offers_ended_late_ms: late_us(log, ttl_s) as f64 / 1_000.0,
        }
    }
}

/// How late the latest offer has ended that nobody answered. Offers that were handed on are not looked at.
fn late_us(log: &[SeenEvent], ttl_s: u32) -> i64 {
    let mut made = BTreeMap::new();
    let mut latest = 0;
    for event in log {
        let Some(at_us) = micros(&event.at) else { continue };
        match event.kind.as_str() {
            "offered" if event.reason.as_deref() != Some("transferred") => {
                made.insert(event.rsvp_id, at_us);
            }
            "expired" => {
                if let Some(made_us) = made.remove(&event.rsvp_id) {
                    latest = latest.max(at_us - made_us - i64::from(ttl_s) * 1_000_000);
                }
            }
            _ => {}
        }
    }
    latest
}

impl fmt::Display for RulesFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "RULES")?;
        let rows: Vec<Vec<String>> = self
            .commands
            .iter()
            .map(|row| {
                vec![
                    row.command.to_owned(),
                    row.done.to_string(),
                    row.rejected.values().sum::<u64>().to_string(),
                    format!("{:.2}", row.p50_ms),
                    format!("{:.2}", row.p99_ms),
                ]
            })
            .collect();
        write_columns(f, &["command", "done", "rejected", "p50 ms", "p99 ms"], &rows)?;
        let events: Vec<String> = self
            .events
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        writeln!(f, "  events: {}", events.join(", "))?;
        writeln!(
            f,
            "  offers that nobody answered ended {:.0} ms after their time at the latest",
            self.offers_ended_late_ms
        )
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::history::Tick;

    fn event(seq: u64, kind: &str, at: &str) -> SeenEvent {
        SeenEvent {
            seq,
            at: format!("2026-11-21T05:01:{at}Z"),
            kind: kind.into(),
            rsvp_id: Some(Uuid::from_u128(1)),
            actor: "system".into(),
            previous_status: None,
            status: None,
            spots: None,
            ticket: None,
            reason: None,
        }
    }

    #[test]
    fn commands_are_counted_by_kind_and_events_by_theirs() {
        let mut accept = RulesCommand::new("accept");
        let at = Tick(1);
        accept.count(&Outcome::Changed { at, version: 2 }, 1_000);
        let code = "not_offered".to_owned();
        accept.count(&Outcome::Rejected { at, code }, 3_000);
        accept.count(&Outcome::Unanswered, 9_000_000);
        let log = [event(1, "offered", "10.000"), event(2, "expired", "12.007")];
        let figures = RulesFigures::of(vec![accept], &log, 2);
        let json = serde_json::to_value(&figures).unwrap();
        assert_eq!(json["commands"][0]["done"], 1);
        assert_eq!(json["commands"][0]["rejected"]["not_offered"], 1);
        assert_eq!(json["events"]["expired"], 1);
        assert_eq!(json["offers_ended_late_ms"], 7.0);
        let told = figures.to_string();
        assert!(told.contains("1 expired, 1 offered"), "{told}");
    }
}
