//! A run as a page for whoever was not there: what was run, where, the verdict, charts and tables, in one file that
//! needs nothing else.

use std::fmt::Write;

use super::{Report, charts};
use crate::chart::Chart;
use crate::place::Place;

/// How many findings are on the page; the rest are counted.
const FINDINGS_SHOWN: usize = 100;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2128; --soft: #667080; --back: #fff; --line: #d8dde4; --good: #1a7f4b; --bad: #c23b3b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa4b2; --back: #14171c; --line: #333a44; --good: #4cc38a; --bad: #f07c7c; }
}
body { max-width: 66rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.verdict { font-weight: 600; border-left: 5px solid; padding: .4rem .8rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; display: block; }
table { border-collapse: collapse; font-size: .92rem; } td { padding: .15rem 1.5rem .15rem 0; border-bottom: 1px solid var(--line); }
td:last-child { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
pre { overflow-x: auto; font-size: .76rem; line-height: 1.4; } footer { color: var(--soft); margin-top: 3rem; font-size: .88rem; }
";

impl Report {
    /// The page. Whatever was told by others is text there, never markup.
    pub fn page(&self, place: &Place) -> String {
        let mut page = String::new();
        let title = escaped(&self.run);
        let _ = write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\">\n<title>Turnout: {title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<h1>Turnout: {title}</h1>\n<p>{}</p>\n",
            escaped(self.asked.kind.about())
        );
        let (class, verdict) = self.verdict();
        let _ = writeln!(page, "<p class=\"verdict {class}\">{}</p>", escaped(&verdict));
        if let Some(measured) = &self.measured {
            let _ = write!(
                page,
                "<h2>What was measured</h2>\n<pre>{}</pre>\n",
                escaped(&measured.to_string())
            );
        }
        for chart in charts::of(self).iter().filter(|chart| chart.has_content()) {
            write_chart(&mut page, chart);
        }
        write_table(&mut page, "What was asked", &self.asked.rows());
        write_table(&mut page, "What was answered", &self.answered.rows());
        let latencies = self.answered.latencies();
        let _ = writeln!(page, "<pre>{}</pre>", escaped(&latencies));
        if let Some(at_the_end) = &self.at_the_end {
            write_table(&mut page, "How the activities were left", &at_the_end.rows());
        }
        self.write_findings(&mut page);
        write_table(&mut page, "Where and when", &place.rows());
        let _ = write!(
            page,
            "<footer>Written by turnout-loadtest {}. Only commands that the server acknowledged as durable count as \
             carried out. Figures of one run can be compared with each other; those of two machines cannot.</footer>\n\
             </body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        );
        page
    }

    fn verdict(&self) -> (&'static str, String) {
        match &self.no_verdict {
            Some(why) => ("bad", format!("No verdict: {why}")),
            None if self.clean => (
                "good",
                "Verdict: clean. Everybody was answered, and every answer, event and count is what the rules say."
                    .to_owned(),
            ),
            None if self.findings.is_empty() => ("bad", "Verdict: not everybody was answered.".to_owned()),
            None => ("bad", format!("Verdict: {} findings.", self.findings_total)),
        }
    }

    fn write_findings(&self, page: &mut String) {
        if self.findings.is_empty() {
            return;
        }
        page.push_str("<h2>What is wrong</h2>\n<ul>\n");
        for found in self.findings.iter().take(FINDINGS_SHOWN) {
            let (activity, message) = (escaped(&found.activity), escaped(&found.message));
            let _ = writeln!(page, "<li>{activity}: {message}</li>");
        }
        if self.findings_total > FINDINGS_SHOWN {
            let _ = writeln!(page, "<li>and {} more</li>", self.findings_total - FINDINGS_SHOWN);
        }
        page.push_str("</ul>\n");
    }
}

fn write_chart(page: &mut String, chart: &Chart) {
    let _ = writeln!(page, "<figure>\n{}</figure>", responsive(&chart.svg()));
}

/// The chart as part of a page, as wide as there is room.
fn responsive(svg: &str) -> String {
    svg.replacen("<svg ", "<svg role=\"img\" ", 1)
}

fn write_table(page: &mut String, title: &str, rows: &[(String, String)]) {
    let _ = writeln!(page, "<h2>{}</h2>\n<table>", escaped(title));
    for (name, value) in rows {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(value)
        );
    }
    page.push_str("</table>\n");
}

/// As text in a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn place() -> Place {
        Place {
            at: "2026-01-01T00:00:00.000Z".to_owned(),
            processor: "A & B".to_owned(),
            cores: 2,
            memory_gib: 24.0,
            kernel: "Linux 6".to_owned(),
            server: "<script>".to_owned(),
        }
    }

    #[test]
    fn a_page_has_everything_in_it_and_refers_to_nothing_outside() {
        let mut tally = tally();
        tally.planned = 3;
        let page = Report::new(asked(), &tally, Ok(outcome(0))).page(&place());
        for part in [
            "burst of 4 people on 10 seats",
            "Verdict: clean.",
            "What was asked",
            "What was answered",
            "A &amp; B",
            "&lt;script&gt;",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        for outside in ["<script", "<link", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn what_is_wrong_is_listed_and_is_text() {
        let mut outcome = outcome(1);
        outcome.findings[0].activity = "<img src=x>".to_owned();
        let page = Report::new(asked(), &tally(), Ok(outcome)).page(&place());
        assert!(page.contains("Verdict: 1 findings."), "{page}");
        assert!(page.contains("<li>&lt;img src=x&gt;: overbooked"), "{page}");
    }

    #[test]
    fn without_a_verdict_the_page_says_why() {
        let page = Report::new(asked(), &tally(), Err("the server is gone".into())).page(&place());
        assert!(page.contains("No verdict: the server is gone"), "{page}");
    }
}
