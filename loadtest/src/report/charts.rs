//! The charts of a run: what every run has, from its course, and what its kind has beside that.

use super::{Measured, Report};
use crate::chart::{Axis, Chart, LineChart, Series};
use crate::course::Slot;

/// One of the counts of a slot.
type Count = fn(&Slot) -> u64;

/// How many slots without anything part a line.
const GAP: u64 = 2;

/// All charts, the most telling first.
pub(super) fn of(report: &Report) -> Vec<Chart> {
    let mut charts = report.measured.as_ref().map(Measured::charts).unwrap_or_default();
    let slots = &report.course;
    charts.extend(latencies(slots));
    charts.push(percentiles(report));
    charts.extend(answers(slots));
    if report.asked.kind.is_about_one_activity() {
        charts.extend(seats(slots));
    }
    charts
}

/// How long those who were carried out waited, over time.
pub(super) fn latencies(slots: &[Slot]) -> Option<Chart> {
    let of = |figure: fn(&Slot) -> f64| {
        let points = slots.iter().map(move |slot| {
            let is_empty = slot.acknowledged == 0;
            (slot, if is_empty { f64::NAN } else { figure(slot) })
        });
        parted(slots, points, f64::NAN)
    };
    Some(Chart::Line(LineChart {
        title: "How long did a command take, as time went by?".to_owned(),
        x: Axis::linear("seconds since the first answer"),
        y: Axis::log("latency in ms until it was durable"),
        series: vec![
            Series::new("p99", of(|slot| slot.p99_ms)),
            Series::new("p50", of(|slot| slot.p50_ms)),
        ],
    }))
    .filter(|_| !slots.is_empty())
}

fn percentiles(report: &Report) -> Chart {
    Chart::Line(LineChart {
        title: "How many had their answer within which time?".to_owned(),
        x: Axis::nines("share of those who were answered"),
        y: Axis::log("latency in ms"),
        series: report
            .curves
            .iter()
            .filter(|(_, points)| !points.is_empty())
            .map(|(name, points)| Series::new(name, points.iter().copied()))
            .collect(),
    })
}

/// How many answers of each kind there were, over time.
fn answers(slots: &[Slot]) -> Option<Chart> {
    let slots = &even(slots)[..];
    // The last one is cut off by the end of the run, and would look like a collapse.
    let whole = match slots {
        [whole @ .., _] if slots.len() > 3 => whole,
        all => all,
    };
    let of = |count: Count| {
        let points = whole.iter().map(move |slot| {
            let per_s = count(slot) as f64 * 1_000.0 / slot.length_ms.max(1) as f64;
            (slot, per_s)
        });
        parted(whole, points, 0.0)
    };
    let kinds: [(&str, Count); 3] = [
        ("carried out", |slot| slot.acknowledged),
        ("refused for good", |slot| slot.rejected),
        ("told to come again", |slot| slot.refused),
    ];
    let there = kinds
        .into_iter()
        .filter(|(_, count)| slots.iter().any(|slot| count(slot) > 0));
    let series: Vec<Series> = there.map(|(name, count)| Series::new(name, of(count))).collect();
    Some(Chart::Line(LineChart {
        title: "How many answers were there each second?".to_owned(),
        x: Axis::linear("seconds since the first answer"),
        y: Axis::linear("answers per second"),
        series,
    }))
    .filter(|_| !whole.is_empty())
}

/// Counts by the second where a run has slots of that length: short ones beside them would look like unrest.
fn even(slots: &[Slot]) -> Vec<Slot> {
    let longest_ms = slots.iter().map(|slot| slot.length_ms).max().unwrap_or_default();
    let mut even: Vec<Slot> = Vec::new();
    for slot in slots {
        match even.last_mut() {
            Some(last) if slot.unix_ms < last.unix_ms + longest_ms => {
                last.acknowledged += slot.acknowledged;
                last.rejected += slot.rejected;
                last.refused += slot.refused;
            }
            _ => even.push(Slot {
                length_ms: longest_ms,
                ..*slot
            }),
        }
    }
    even
}

/// How full the activity was, over time.
fn seats(slots: &[Slot]) -> Option<Chart> {
    let of = |spots: fn(&Slot) -> Option<u64>| {
        let told = slots.iter().filter_map(move |slot| Some((slot, spots(slot)?)));
        let first = slots.first().map_or(0, |slot| slot.unix_ms);
        told.map(move |(slot, spots)| (middle_s(first, slot), spots as f64))
            .collect::<Vec<_>>()
    };
    let held = of(|slot| slot.seats.map(|seats| seats.held));
    let mut series = vec![Series::new("held", held)];
    if slots
        .iter()
        .any(|slot| slot.seats.is_some_and(|seats| seats.waiting > 0))
    {
        let waiting = of(|slot| slot.seats.map(|seats| seats.waiting));
        series.push(Series::new("waited for", waiting));
    }
    Some(Chart::Line(LineChart {
        title: "How full was the activity?".to_owned(),
        x: Axis::linear("seconds since the first answer"),
        y: Axis::linear("spots"),
        series,
    }))
    .filter(|_| slots.iter().any(|slot| slot.seats.is_some()))
}

/// The middle of a slot in seconds since the first one began.
fn middle_s(first_ms: u64, slot: &Slot) -> f64 {
    (slot.unix_ms.saturating_sub(first_ms) as f64 + slot.length_ms as f64 / 2.0) / 1_000.0
}

/// Points over time; where there were no slots for a while, `nothing` on both sides of that.
fn parted<'a>(
    slots: &'a [Slot],
    points: impl Iterator<Item = (&'a Slot, f64)>,
    nothing: f64,
) -> Vec<(f64, f64)> {
    let first_ms = slots.first().map_or(0, |slot| slot.unix_ms);
    let mut parted = Vec::new();
    let mut before: Option<&Slot> = None;
    for (slot, figure) in points {
        if let Some(before) = before {
            let end_ms = before.unix_ms + before.length_ms;
            if slot.unix_ms > end_ms + GAP * slot.length_ms {
                let at = |unix_ms: u64| unix_ms.saturating_sub(first_ms) as f64 / 1_000.0;
                parted.extend([(at(end_ms), nothing), (at(slot.unix_ms), nothing)]);
            }
        }
        parted.push((middle_s(first_ms, slot), figure));
        before = Some(slot);
    }
    parted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(unix_ms: u64, acknowledged: u64) -> Slot {
        Slot {
            unix_ms,
            length_ms: 1_000,
            acknowledged,
            p50_ms: 2.0,
            p99_ms: 9.0,
            ..Slot::default()
        }
    }

    fn series(chart: Option<Chart>) -> Vec<Series> {
        match chart {
            Some(Chart::Line(line)) => line.series,
            other => panic!("a chart of lines: {other:?}"),
        }
    }

    #[test]
    fn a_time_without_answers_is_one_with_no_answers_per_second() {
        let slots = [slot(0, 5), slot(1_000, 7), slot(9_000, 3), slot(10_000, 1)];
        let series = series(answers(&slots));
        assert_eq!(series.len(), 1, "nobody was refused");
        let expected = [(0.5, 5.0), (1.5, 7.0), (2.0, 0.0), (9.0, 0.0), (9.5, 3.0)];
        assert_eq!(series[0].points, expected);
    }

    #[test]
    fn short_slots_beside_long_ones_count_by_the_second() {
        let short = |unix_ms| Slot {
            length_ms: 100,
            ..slot(unix_ms, 3)
        };
        let counted = |slots: &[Slot]| -> Vec<(u64, u64, u64)> {
            let slots = even(slots);
            slots
                .iter()
                .map(|slot| (slot.unix_ms, slot.length_ms, slot.acknowledged))
                .collect()
        };
        let mixed = [short(0), short(900), short(1_000), slot(2_000, 5)];
        assert_eq!(
            counted(&mixed),
            [(0, 1_000, 6), (1_000, 1_000, 3), (2_000, 1_000, 5)]
        );
        assert_eq!(counted(&mixed[..2]), [(0, 100, 3), (900, 100, 3)]);
    }

    #[test]
    fn a_time_without_answers_has_no_latency() {
        let series = series(latencies(&[slot(0, 5), slot(1_000, 0), slot(2_000, 5)]));
        let told: Vec<bool> = series[0].points.iter().map(|(_, ms)| ms.is_finite()).collect();
        assert_eq!(told, [true, false, true]);
    }

    #[test]
    fn what_nobody_told_is_not_drawn() {
        assert!(seats(&[slot(0, 1)]).is_none());
        assert!(latencies(&[]).is_none() && answers(&[]).is_none());
    }
}
