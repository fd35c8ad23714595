//! What an axis tells: where a figure is on it, and which figures are written beside it.

/// How figures are spread over an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// Evenly, from 0.
    Linear,
    /// Each power of ten takes as much room.
    Log,
    /// Percentiles up to 99.9: each nine takes as much room.
    Nines,
}

/// An axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    /// What it is about, with its unit.
    pub label: String,
    /// How figures are spread.
    pub scale: Scale,
}

impl Axis {
    /// An axis that begins at 0.
    pub fn linear(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            scale: Scale::Linear,
        }
    }

    /// An axis of powers of ten.
    pub fn log(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            scale: Scale::Log,
        }
    }

    /// An axis of percentiles.
    pub fn nines(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            scale: Scale::Nines,
        }
    }
}

/// The most nines that are told apart: 99.9 %.
const NINES_MAX: f64 = 3.0;
/// About how many figures are written beside an even axis.
const TICKS: f64 = 6.0;

impl Scale {
    /// Where a figure is.
    pub(super) fn place(self, figure: f64) -> f64 {
        match self {
            Self::Linear => figure,
            Self::Log => figure.max(1e-3).log10(),
            Self::Nines => -((1.0 - figure / 100.0).max(10_f64.powf(-NINES_MAX))).log10(),
        }
    }

    /// From where to where the axis goes, and where figures are written, for figures from `least` to `most`.
    pub(super) fn ticks(self, least: f64, most: f64) -> (f64, f64, Vec<f64>) {
        match self {
            Self::Linear => {
                let step = nice(most.max(1e-6) / TICKS);
                let steps = (most / step).ceil().max(1.0);
                let ticks = (0..=steps as u32).map(|tick| f64::from(tick) * step);
                (0.0, steps * step, ticks.collect())
            }
            Self::Log => {
                let from = self.place(least).floor();
                let to = self.place(most).ceil().max(from + 1.0);
                let ticks = (0..=(to - from) as u32).map(|tick| from + f64::from(tick));
                (from, to, ticks.collect())
            }
            Self::Nines => {
                let ticks = [0.0, 50.0, 90.0, 99.0, 99.9];
                (0.0, NINES_MAX, ticks.map(|tick| self.place(tick)).to_vec())
            }
        }
    }

    /// The figure at a place, as it is written.
    pub(super) fn written(self, place: f64) -> String {
        match self {
            Self::Linear => figure(place),
            Self::Log => figure(10_f64.powf(place)),
            Self::Nines => {
                let percentile = 100.0 * (1.0 - 10_f64.powf(-place));
                format!("{} %", (percentile * 10.0).round() / 10.0)
            }
        }
    }
}

/// The step of 1, 2 or 5 times a power of ten that is just above this.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| step <= factor * power);
    factor.unwrap_or(10.0) * power
}

/// A figure with as many digits as somebody reads: 12,500 or 0.25.
pub(super) fn figure(figure: f64) -> String {
    let size = figure.abs();
    if size >= 100.0 {
        return with_commas(figure.round() as i64);
    }
    let decimals = if size >= 10.0 { 10.0 } else { 1_000.0 };
    format!("{}", (figure * decimals).round() / decimals)
}

fn with_commas(whole: i64) -> String {
    let digits = whole.unsigned_abs().to_string();
    let mut written = String::from(if whole < 0 { "-" } else { "" });
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_axis_begins_at_nothing_and_has_round_figures() {
        let (from, to, ticks) = Scale::Linear.ticks(13.0, 14_250.0);
        assert_eq!((from, to), (0.0, 15_000.0));
        let written: Vec<String> = ticks.iter().map(|tick| Scale::Linear.written(*tick)).collect();
        assert_eq!(written, ["0", "5,000", "10,000", "15,000"]);
        let (_, to, _) = Scale::Linear.ticks(0.0, 0.0);
        assert!(to > 0.0);
    }

    #[test]
    fn powers_of_ten_enclose_what_there_is() {
        let (from, to, ticks) = Scale::Log.ticks(0.7, 120.0);
        assert_eq!((from, to, ticks.len()), (-1.0, 3.0, 5));
        assert_eq!(Scale::Log.written(ticks[0]), "0.1");
        assert_eq!(Scale::Log.written(ticks[4]), "1,000");
    }

    #[test]
    fn each_nine_takes_as_much_room() {
        let places: Vec<f64> = [90.0, 99.0, 99.9, 100.0]
            .map(|percentile| Scale::Nines.place(percentile))
            .to_vec();
        for (place, expected) in places.iter().zip([1.0, 2.0, 3.0, 3.0]) {
            assert!((place - expected).abs() < 1e-9, "{places:?}");
        }
        assert_eq!(Scale::Nines.written(3.0), "99.9 %");
        assert_eq!(Scale::Nines.written(Scale::Nines.place(50.0)), "50 %");
    }
}
