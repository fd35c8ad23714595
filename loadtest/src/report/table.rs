//! The report as a table: what was asked, what was answered, how it was left, and the verdict.

use std::fmt;

use super::{Answered, AtTheEnd, Percentiles, Report};

/// How many findings are printed; the rest are counted.
const FINDINGS_PRINTED: usize = 20;

type Rows = Vec<(String, String)>;

impl Answered {
    pub(super) fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        let mut add = |name: &str, value: String| rows.push((name.to_owned(), value));
        let usual = ["confirmed", "waitlisted", "cancelled"];
        for status in usual {
            let count = self.acknowledged.get(status).copied().unwrap_or_default();
            add(status, count.to_string());
        }
        for (became, count) in &self.acknowledged {
            if !usual.contains(became) {
                add(became, count.to_string());
            }
        }
        for (code, count) in &self.rejected {
            add(&format!("rejected: {code}"), count.to_string());
        }
        add("without a final answer", self.unanswered.to_string());
        add("asked again, with the same key", self.retries.to_string());
        for (code, count) in &self.refusals {
            add(&format!("  because refused: {code}"), count.to_string());
        }
        for (kind, count) in &self.transport_errors {
            add(&format!("  because of the connection: {kind}"), count.to_string());
        }
        for (answer, count) in &self.faults {
            add(&format!("  because of a fault: {answer}"), count.to_string());
        }
        add("first answers told again (replays)", self.replayed.to_string());
        add("elapsed s", format!("{:.3}", self.elapsed_ms as f64 / 1_000.0));
        add("commands committed per s", format!("{:.0}", self.committed_per_s));
        add(
            "  reservations among them",
            format!("{:.0}", self.reservations_per_s),
        );
        add("answers per s", format!("{:.0}", self.answered_per_s));
        add(
            "client CPU us per request",
            format!("{:.1}", self.client_cpu_us_per_request),
        );
        rows
    }

    /// The table of latencies, as text.
    pub(super) fn latencies(&self) -> String {
        let mut written = String::new();
        // Writing into memory does not fail.
        let _ = self.write_latencies(&mut written);
        written
    }

    fn write_latencies(&self, f: &mut impl fmt::Write) -> fmt::Result {
        writeln!(
            f,
            "  latency in ms from {} to the final answer, all tries together",
            self.latency_ms.counted_from
        )?;
        writeln!(
            f,
            "    {:<24}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "answers", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for (name, percentiles) in [
            ("committed (durable)", &self.latency_ms.committed),
            ("rejected", &self.latency_ms.rejected),
        ] {
            let Percentiles {
                count,
                p50,
                p90,
                p99,
                p99_9,
                max,
            } = percentiles;
            if *count > 0 {
                writeln!(
                    f,
                    "    {name:<24}{count:>8}{p50:>10.2}{p90:>10.2}{p99:>10.2}{p99_9:>10.2}{max:>10.2}"
                )?;
            }
        }
        Ok(())
    }
}

impl AtTheEnd {
    pub(super) fn rows(&self) -> Rows {
        let end = self.end;
        [
            ("activities", self.activities.to_string()),
            (
                "spots held",
                format!("{} of {}", end.confirmed_spots, end.capacity),
            ),
            (
                "parties waiting",
                format!("{} for {} spots", end.waitlisted_parties, end.waitlisted_spots),
            ),
            ("promoted from the waitlist", end.promoted.to_string()),
            ("cancelled", end.cancelled.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

fn write_block(f: &mut fmt::Formatter<'_>, title: &str, rows: &Rows) -> fmt::Result {
    let width = |of: fn(&(String, String)) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (names, values) = (width(|row| row.0.len()), width(|row| row.1.len()));
    writeln!(f, "{title}")?;
    for (name, value) in rows {
        writeln!(f, "  {name:<names$}  {value:>values$}")?;
    }
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.run)?;
        write_block(f, "ASKED", &self.asked.rows())?;
        write_block(f, "\nANSWERED", &self.answered.rows())?;
        self.answered.write_latencies(f)?;
        if let Some(measured) = &self.measured {
            write!(f, "\n{measured}")?;
        }
        if let Some(at_the_end) = &self.at_the_end {
            write_block(f, "\nAT THE END", &at_the_end.rows())?;
        }
        if let Some(why) = &self.no_verdict {
            write!(f, "\nNO VERDICT: {why}")?;
            if let Some(error) = &self.answered.last_transport_error {
                write!(f, "\n  the last transport error: {error}")?;
            }
            return Ok(());
        }
        if self.findings.is_empty() {
            return if self.clean {
                write!(
                    f,
                    "\nVERDICT: clean: every answer, event and count is what the rules say"
                )
            } else {
                write!(f, "\nVERDICT: not everybody was answered")
            };
        }
        write!(f, "\nVERDICT: {} findings", self.findings_total)?;
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
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_clean_report_says_so_below_its_three_blocks() {
        let mut tally = tally();
        tally.planned = 3;
        let text = Report::new(asked(), &tally, Ok(outcome(0))).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "burst of 4 people on 10 seats over 2 connections");
        for line in [
            "ASKED",
            "  share who bring 1 to 3 guests                                    30 %",
            "ANSWERED",
            "  confirmed                                1",
            "  without a final answer                   0",
            "    committed (durable)            1     20.02     20.02     20.02     20.02     20.02",
            "    rejected                       1      1.00      1.00      1.00      1.00      1.00",
            "AT THE END",
            "  spots held                         9 of 10",
            "  parties waiting             2 for 5 spots",
        ] {
            let told = |told: &&str| told.split_whitespace().eq(line.split_whitespace());
            assert!(lines.iter().any(told), "{line} in\n{text}");
        }
        assert!(text.ends_with("VERDICT: clean: every answer, event and count is what the rules say"));
    }

    #[test]
    fn the_first_findings_are_printed_and_the_rest_counted() {
        let text = Report::new(asked(), &tally(), Ok(outcome(25))).to_string();
        let line = "  a: overbooked: at seq 9 11 spots are held where 10 may be";
        assert_eq!(text.lines().filter(|told| *told == line).count(), 20);
        assert!(text.ends_with("and 5 more"), "{text}");
    }

    #[test]
    fn an_open_loop_says_what_its_latencies_count_from() {
        let open = super::super::Asked {
            rate_per_s: Some(500.0),
            ..asked()
        };
        let text = Report::new(open, &tally(), Ok(outcome(0))).to_string();
        assert!(text.contains("open: 500 commands per s"), "{text}");
        assert!(
            text.contains("latency in ms from the moment when it should have been asked"),
            "{text}"
        );
    }

    #[test]
    fn without_a_verdict_the_table_is_there_and_says_why() {
        let text = Report::new(asked(), &tally(), Err("the server ended".into())).to_string();
        assert!(text.contains("\nANSWERED\n"), "{text}");
        assert!(!text.contains("AT THE END"), "{text}");
        assert!(
            text.ends_with(
                "NO VERDICT: the server ended\n  the last transport error: cannot connect: refused"
            ),
            "{text}"
        );
    }
}
