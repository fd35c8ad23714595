//! The figures of an overload, phase by phase, and how soon all was as before.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::measured::{median, write_columns};
use crate::chart::{Axis, Bar, BarChart, BarGroup, Chart, LineChart, Series};
use crate::course::Slot;
use crate::open_loop::Counted;
use crate::usage::Usage;

/// All is as before where p99 is at most so many times what it was, or so many milliseconds above it, for a while.
const AS_BEFORE_TIMES: f64 = 1.5;
const AS_BEFORE_MS: f64 = 2.0;
/// For how many seconds in a row.
const AS_BEFORE_SLOTS: usize = 3;

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub struct OverloadPhase {
    name: &'static str,
    share_of_peak: f64,
    /// People who came, each second.
    came_per_s: f64,
    /// People who should have come and could not, because this client had no line for them.
    unasked: u64,
    tries_per_s: f64,
    /// Commands that were carried out, each second of the phase.
    goodput_per_s: f64,
    /// Of those who came in this phase.
    acknowledged: u64,
    rejected: u64,
    gave_up: u64,
    refusals: BTreeMap<String, u64>,
    refused_p50_ms: f64,
    refused_p99_ms: f64,
    acknowledged_p50_ms: f64,
    acknowledged_p99_ms: f64,
    /// By how much this client sent later than it should have.
    late_p99_ms: f64,
    server_most_bytes: Option<u64>,
    usage: Usage,
    began_unix_ms: u64,
    #[serde(skip)]
    slots: Vec<Slot>,
}

/// All phases.
#[derive(Debug, Serialize)]
pub struct OverloadFigures {
    via: &'static str,
    peak_per_s: f64,
    phases: Vec<OverloadPhase>,
    /// Goodput of each overload by the peak.
    goodput_shares: Vec<f64>,
    /// Seconds after each overload until those who came had answers as soon as before; none where that was never so.
    as_before_after_s: Vec<Option<f64>>,
}

impl OverloadPhase {
    pub(crate) fn of(
        name: &'static str,
        share_of_peak: f64,
        counted: &Counted,
        usage: Usage,
        server_most_bytes: Option<u64>,
    ) -> Self {
        let per_s = |count: u64| count as f64 / usage.over_s.max(1e-6);
        Self {
            name,
            share_of_peak,
            came_per_s: per_s(counted.came),
            unasked: counted.unasked,
            tries_per_s: per_s(counted.tries),
            goodput_per_s: per_s(counted.carried_out_meanwhile),
            acknowledged: counted.acknowledged,
            rejected: counted.rejected,
            gave_up: counted.gave_up,
            refusals: counted.refusals.clone(),
            refused_p50_ms: counted.refused_latency.ms(50.0),
            refused_p99_ms: counted.refused_latency.ms(99.0),
            acknowledged_p50_ms: counted.acknowledged_latency.ms(50.0),
            acknowledged_p99_ms: counted.acknowledged_latency.ms(99.0),
            late_p99_ms: counted.lateness.ms(99.0),
            server_most_bytes,
            usage,
            began_unix_ms: counted.began_unix_ms,
            slots: counted.course.slots(),
        }
    }

    fn row(&self, peak_per_s: f64) -> Vec<String> {
        let rate = |per_s: f64| format!("{per_s:.0}");
        let ms = |figure: f64| format!("{figure:.1}");
        let refused: u64 = self.refusals.values().sum();
        let mib = |bytes: u64| format!("{:.0}", bytes as f64 / f64::from(1 << 20));
        vec![
            format!("{} {:.0} %", self.name, self.share_of_peak * 100.0),
            rate(self.came_per_s),
            rate(self.tries_per_s),
            rate(self.goodput_per_s),
            format!("{:.2}", self.goodput_per_s / peak_per_s.max(1e-9)),
            refused.to_string(),
            ms(self.refused_p50_ms),
            ms(self.refused_p99_ms),
            self.gave_up.to_string(),
            ms(self.acknowledged_p50_ms),
            ms(self.acknowledged_p99_ms),
            ms(self.late_p99_ms),
            self.unasked.to_string(),
            self.server_most_bytes.map_or("?".to_owned(), mib),
        ]
    }
}

impl OverloadFigures {
    pub(crate) fn of(via: &'static str, peak_per_s: f64, phases: Vec<OverloadPhase>) -> Self {
        let overloads = || phases.iter().filter(|phase| phase.name == "overload");
        let shares = overloads().map(|phase| phase.goodput_per_s / peak_per_s.max(1e-9));
        let as_before = phases.windows(3).filter_map(|phases| match phases {
            [before, during, after] if during.name == "overload" => Some(as_before_after_s(
                &before.slots,
                &after.slots,
                after.began_unix_ms,
            )),
            _ => None,
        });
        Self {
            via,
            peak_per_s,
            goodput_shares: shares.collect(),
            as_before_after_s: as_before.collect(),
            phases,
        }
    }

    pub(super) fn charts(&self) -> Vec<Chart> {
        let first_ms = self.phases.iter().find_map(|phase| phase.slots.first());
        let first_ms = first_ms.map_or(0, |slot| slot.unix_ms);
        let at_s = move |slot: &Slot| slot.unix_ms.saturating_sub(first_ms) as f64 / 1_000.0 + 0.5;
        let of = |name: &str| {
            let name = name.to_owned();
            let phases = self.phases.iter().filter(move |phase| phase.name == name);
            phases.flat_map(move |phase| {
                let slots = phase.slots.iter().filter(|slot| slot.acknowledged > 0);
                let points = slots.map(move |slot| (at_s(slot), slot.p99_ms));
                points
                    .chain([(0.0, f64::NAN)])
                    .filter(|(at_s, ms)| *at_s > 0.0 || ms.is_nan())
            })
        };
        let groups = self.phases.iter().enumerate().map(|(number, phase)| BarGroup {
            label: format!(
                "{}. {} {:.0} %",
                number + 1,
                phase.name,
                phase.share_of_peak * 100.0
            ),
            bars: vec![
                Bar::new("people who came", phase.came_per_s),
                Bar::new("carried out", phase.goodput_per_s),
            ],
        });
        vec![
            Chart::Bars(BarChart {
                title: "How much work was still done when more came than could be?".to_owned(),
                unit: format!("per second; the peak is {:.0}", self.peak_per_s),
                groups: groups.collect(),
            }),
            Chart::Line(LineChart {
                title: "How long did those who were carried out wait, tries and pauses together?".to_owned(),
                x: Axis::linear("seconds since the first answer"),
                y: Axis::log("p99 in ms, by when they were answered"),
                series: vec![
                    Series::new("came in a normal phase", of("normal")),
                    Series::new("came in an overload", of("overload")),
                ],
            }),
        ]
    }
}

/// Seconds from the end of an overload until p99 is as it was before, and stays so for a while.
fn as_before_after_s(before: &[Slot], after: &[Slot], began_ms: u64) -> Option<f64> {
    let there = |slots: &[Slot]| -> Vec<(u64, f64)> {
        let slots = slots.iter().filter(|slot| slot.acknowledged > 0);
        slots.map(|slot| (slot.unix_ms, slot.p99_ms)).collect()
    };
    let usual = median(there(before).into_iter().map(|(_, p99_ms)| p99_ms));
    let limit = (usual * AS_BEFORE_TIMES).max(usual + AS_BEFORE_MS);
    let after = there(after);
    let calm = after.windows(AS_BEFORE_SLOTS.min(after.len()).max(1));
    let mut calm = calm.filter(|slots| slots.iter().all(|(_, p99_ms)| *p99_ms <= limit));
    calm.next()
        .map(|slots| slots[0].0.saturating_sub(began_ms) as f64 / 1_000.0)
}

impl fmt::Display for OverloadFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peak = self.peak_per_s;
        writeln!(
            f,
            "OVERLOAD over {}; the peak is {peak:.0} commands per s",
            self.via
        )?;
        let headings = [
            "phase",
            "came/s",
            "tries/s",
            "goodput/s",
            "of peak",
            "refused",
            "its p50",
            "its p99",
            "gave up",
            "done p50",
            "done p99",
            "late p99",
            "unasked",
            "MiB most",
        ];
        let rows: Vec<Vec<String>> = self.phases.iter().map(|phase| phase.row(peak)).collect();
        write_columns(f, &headings, &rows)?;
        writeln!(f, "  cores used by")?;
        let rows: Vec<Vec<String>> = self
            .phases
            .iter()
            .map(|phase| [vec![phase.row(peak).swap_remove(0)], phase.usage.cores().to_vec()].concat())
            .collect();
        write_columns(f, &["phase", "client", "server", "database", "machine"], &rows)?;
        let mut refusals: BTreeMap<&str, u64> = BTreeMap::new();
        for (code, count) in self.phases.iter().flat_map(|phase| &phase.refusals) {
            *refusals.entry(code).or_default() += count;
        }
        for (code, count) in refusals {
            writeln!(f, "  refused with {code}: {count}")?;
        }
        for (share, after) in self.goodput_shares.iter().zip(&self.as_before_after_s) {
            let after = after.map_or("was not as before again".to_owned(), |after_s| {
                format!("was as before after {after_s:.0} s")
            });
            writeln!(
                f,
                "  overload: goodput {share:.2} of the peak; p99 of the normal rate {after}"
            )?;
        }
        writeln!(
            f,
            "  times are in ms: of a refusal that of the try, of what was done all tries and pauses together; `late` is by how \
             much this client sent later than it should, and `unasked` whom it had no line for"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(p99_ms: &[f64]) -> Vec<Slot> {
        let slot = |(second, p99_ms): (usize, &f64)| Slot {
            unix_ms: 7_000 + second as u64 * 1_000,
            length_ms: 1_000,
            acknowledged: 1,
            p99_ms: *p99_ms,
            ..Slot::default()
        };
        p99_ms.iter().enumerate().map(slot).collect()
    }

    #[test]
    fn all_is_as_before_when_it_stays_so_and_not_at_the_first_good_second() {
        let before = slots(&[4.0, 6.0, 5.0]);
        let after = slots(&[900.0, 5.0, 80.0, 7.0, 5.0, 7.5, 5.0]);
        assert_eq!(as_before_after_s(&before, &after, 7_000), Some(3.0));
        assert_eq!(as_before_after_s(&before, &after, 5_000), Some(5.0));
        assert_eq!(
            as_before_after_s(&before, &slots(&[900.0, 5.0, 80.0]), 7_000),
            None
        );
        assert_eq!(as_before_after_s(&before, &slots(&[5.0, 5.0]), 7_000), Some(0.0));
        assert_eq!(as_before_after_s(&before, &[], 7_000), None);
    }

    #[test]
    fn goodput_is_what_was_carried_out_in_the_time_of_the_phase_by_the_peak() {
        let usage = Usage {
            over_s: 10.0,
            ..Usage::default()
        };
        let mut counted = Counted {
            came: 30_000,
            carried_out_meanwhile: 9_000,
            ..Counted::default()
        };
        counted.refusals.insert("overloaded".to_owned(), 21_000);
        let normal = || OverloadPhase::of("normal", 0.5, &Counted::default(), usage, None);
        let overload = OverloadPhase::of("overload", 3.0, &counted, usage, Some(64 << 20));
        let told = OverloadFigures::of("rest", 1_000.0, vec![normal(), overload, normal()]).to_string();
        assert!(told.contains("refused with overloaded: 21000"), "{told}");
        assert!(told.contains("overload: goodput 0.90 of the peak"), "{told}");
        assert!(told.contains("overload 300 %"), "{told}");
    }
}
