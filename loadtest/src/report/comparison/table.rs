//! A comparison as a table for people.

use std::fmt;

use super::super::measured::write_columns;
use super::{Comparison, Median, Ratio, Swept, Target, Verdict};

/// Where there is nothing to tell.
const NOTHING: &str = "-";

fn figure(figure: Option<f64>, digits: usize) -> String {
    figure.map_or(NOTHING.to_owned(), |figure| format!("{figure:.digits$}"))
}

/// The median, and the least and the most behind it.
fn spread(ratio: Option<Ratio>, digits: usize) -> [String; 2] {
    match ratio {
        None => [NOTHING.to_owned(), NOTHING.to_owned()],
        Some(Ratio { median, min, max }) => [
            format!("{median:.digits$}"),
            format!("{min:.digits$}..{max:.digits$}"),
        ],
    }
}

impl Median {
    fn row(&self) -> Vec<String> {
        let name = match self.pool {
            Some(pool) => format!("{} (pool {pool})", self.contender.name()),
            None => self.contender.name().to_owned(),
        };
        let [of_bare, bare_spread] = spread(self.of_bare, 2);
        let [of_row_lock, row_lock_spread] = spread(self.of_row_lock, 1);
        vec![
            name,
            format!("{:.0}", self.per_s),
            of_bare,
            bare_spread,
            of_row_lock,
            row_lock_spread,
            figure(self.p50_ms, 1),
            figure(self.p99_ms, 1),
            figure(self.cpu_us.client, 1),
            figure(self.cpu_us.server, 1),
            figure(self.cpu_us.postgres, 1),
            figure(self.cpu_us.redis, 1),
        ]
    }
}

impl Swept {
    fn row(&self) -> Vec<String> {
        vec![
            self.design.name().to_owned(),
            self.pool.to_string(),
            format!("{:.0}", self.per_s),
            figure(self.p50_ms, 1),
            figure(self.p99_ms, 1),
            self.tries_in_vain.to_string(),
        ]
    }
}

impl Target {
    fn row(&self) -> Vec<String> {
        let sign = if self.at_most { "<=" } else { ">=" };
        let digits = if self.target < 0.01 { 5 } else { 2 };
        let reached = match (self.reached, self.stretch_reached) {
            (_, true) => "reached, and the stretch",
            (true, false) => "reached",
            (false, false) => "NOT reached",
        };
        vec![
            format!("{} {}", self.id, self.what),
            format!("{sign} {}", self.target),
            figure(self.stretch, 2),
            figure(self.measured, digits),
            reached.to_owned(),
        ]
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.contender.name();
        if self.clean {
            return writeln!(f, "  {name}: clean, {} commands acknowledged", self.acknowledged);
        }
        writeln!(
            f,
            "  {name}: {} findings, {} commands acknowledged",
            self.findings_total, self.acknowledged
        )?;
        for found in &self.findings {
            writeln!(f, "    {found}")?;
        }
        let more = self.findings_total - self.findings.len();
        if more > 0 {
            writeln!(f, "    and {more} more")?;
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = &self.asked;
        writeln!(
            f,
            "Turnout beside the designs that it replaces, over {} connections; seconds of each measurement: {}, rounds: {}\n",
            asked.connections, asked.duration_s, asked.rounds
        )?;
        writeln!(f, "SWEEP: each design with each pool")?;
        let rows: Vec<Vec<String>> = self.sweep.iter().map(Swept::row).collect();
        let headings = ["design", "pool", "per s", "p50 ms", "p99 ms", "tries in vain"];
        write_columns(f, &headings, &rows)?;
        writeln!(
            f,
            "\nMEDIANS: ratios are taken within each round; CPU in us for each item"
        )?;
        let rows: Vec<Vec<String>> = self.medians.iter().map(Median::row).collect();
        let headings = [
            "",
            "per s",
            "x bare",
            "from..to",
            "x row lock",
            "from..to",
            "p50 ms",
            "p99 ms",
            "client",
            "server",
            "postgres",
            "redis",
        ];
        write_columns(f, &headings, &rows)?;
        let open = &self.open_loop;
        writeln!(
            f,
            "  Turnout, REST, at half of its rate ({:.0} per s, open loop): p50 {:.1} ms, p99 {:.1} ms",
            open.rate_per_s, open.p50_ms, open.p99_ms
        )?;
        let transactions = self.medians.iter().find_map(|median| median.transactions);
        if let Some(transactions) = transactions {
            writeln!(
                f,
                "  While Turnout was read its database had {transactions:.0} transactions (its lease, and looking for offers that are over)"
            )?;
        }
        writeln!(f, "\nTARGETS")?;
        let rows: Vec<Vec<String>> = self.targets.iter().map(Target::row).collect();
        write_columns(f, &["", "target", "stretch", "measured", ""], &rows)?;
        writeln!(
            f,
            "\nVERDICTS: nobody overbooked, every answer is in the rows, counts are what the rows add up to"
        )?;
        for verdict in &self.verdicts {
            verdict.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Findings;
    use super::super::testing::comparison;
    use crate::compare::{Contender, Design};

    #[test]
    fn the_table_has_everybody_and_says_what_is_not_reached_and_who_is_not_clean() {
        let mut findings = Findings::default();
        findings.add(Contender::RestPostgres, 5, Vec::new());
        let optimistic = Contender::Design(Design::Optimistic);
        findings.add(
            optimistic,
            3,
            vec!["overbooked: 2 seats are taken of 1".to_owned()],
        );
        let comparison = comparison(findings);
        assert!(comparison.is_clean() && !comparison.reaches_all());
        let told = comparison.to_string();
        for line in [
            "Turnout, REST 22000 0.44 0.44..0.44 22.0 22.0..22.0 1.0 2.0 - - - -",
            "P2 WebSockets beside REST, on Postgres >= 1.5 2.00 1.00 NOT reached",
            "P1 REST on Postgres beside the bare handler >= 0.4 0.50 0.44 reached",
            "Turnout, REST: clean, 5 commands acknowledged",
            "optimistic version: 1 findings, 3 commands acknowledged",
            "overbooked: 2 seats are taken of 1",
        ] {
            let is_told = |told: &str| told.split_whitespace().eq(line.split_whitespace());
            assert!(told.lines().any(is_told), "{line} in\n{told}");
        }
    }

    #[test]
    fn a_finding_about_turnout_is_not_clean_and_the_json_has_names() {
        let mut findings = Findings::default();
        findings.add(Contender::WsPostgres, 5, vec!["lost".to_owned()]);
        let comparison = comparison(findings);
        assert!(!comparison.is_clean());
        let json = serde_json::to_value(&comparison).unwrap();
        assert_eq!(json["medians"][2]["contender"], "Turnout, REST");
        assert_eq!(json["verdicts"][0]["findings"][0], "lost");
        assert_eq!(json["rounds"][0]["round"], 1);
    }
}
