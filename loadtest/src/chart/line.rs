//! Lines over an axis.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;

use super::scale::{Axis, Scale};
use super::sheet::{Area, GRID, INK, colour, drawn};

const HEIGHT: u32 = 340;

/// A chart of lines.
#[derive(Clone, PartialEq, Debug)]
pub struct LineChart {
    /// The question that it answers, or what it shows, in a sentence.
    pub title: String,
    /// What is below.
    pub x: Axis,
    /// What is at the side.
    pub y: Axis,
    /// Every line.
    pub series: Vec<Series>,
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// From left to right. A point whose figure is not a number is a gap.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A line with this name.
    pub fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self {
            name: name.to_owned(),
            points: points.into_iter().collect(),
        }
    }

    /// The stretches between the gaps.
    fn stretches(&self) -> impl Iterator<Item = &[(f64, f64)]> {
        let stretches = self.points.split(|(_, y)| !y.is_finite());
        stretches.filter(|stretch| !stretch.is_empty())
    }
}

impl LineChart {
    pub(super) fn svg(&self) -> String {
        let legend: Vec<&str> = self.series.iter().map(|series| &*series.name).collect();
        drawn(HEIGHT, &self.title, &legend, |body| self.draw(body))
    }

    fn draw(&self, body: &Area<'_>) -> Option<()> {
        let (x, y) = (self.x.scale, self.y.scale);
        let mut chart = ChartBuilder::on(body)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(46)
            .y_label_area_size(74)
            .build_cartesian_2d(self.reach(x, |point| point.0), self.reach(y, |point| point.1))
            .ok()?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style(("sans-serif", 13).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 14).into_font().color(&INK))
            .x_desc(&*self.x.label)
            .y_desc(&*self.y.label)
            .draw()
            .ok()?;
        for (number, series) in self.series.iter().enumerate() {
            let pen = colour(number).stroke_width(2);
            for stretch in series.stretches() {
                let places = stretch.iter().map(|point| (x.place(point.0), y.place(point.1)));
                match stretch {
                    [_] => chart
                        .draw_series(places.map(|place| Circle::new(place, 2, pen)))
                        .ok()?,
                    _ => chart.draw_series(LineSeries::new(places, pen)).ok()?,
                };
            }
        }
        Some(())
    }

    /// An axis that has room for every point.
    fn reach(&self, scale: Scale, of: fn(&(f64, f64)) -> f64) -> Reach {
        let points = self.series.iter().flat_map(|series| &series.points);
        let figures = || points.clone().map(of).filter(|figure| figure.is_finite());
        let least = figures().reduce(f64::min).unwrap_or(0.0);
        let most = figures().reduce(f64::max).unwrap_or(1.0);
        let (from, to, ticks) = scale.ticks(least, most);
        Reach {
            scale,
            range: from..to,
            ticks,
        }
    }
}

/// An axis, by the places on it.
#[derive(Clone)]
struct Reach {
    scale: Scale,
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Reach {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, limit: (i32, i32)) -> i32 {
        let share = (place - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Reach {
    fn format_ext(&self, place: &f64) -> String {
        self.scale.written(*place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> LineChart {
        LineChart {
            title: "How long <did> it take?".to_owned(),
            x: Axis::linear("seconds"),
            y: Axis::log("ms & more"),
            series: vec![Series::new("p50", points)],
        }
    }

    #[test]
    fn titles_axes_and_names_are_there_and_nothing_in_them_is_markup() {
        let svg = chart(vec![(0.0, 1.0), (1.0, 20.0)]).svg();
        for text in ["How long &lt;did&gt; it take?", "seconds", "ms &amp; more", "p50"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(svg.ends_with("</svg>\n"), "{svg}");
    }

    #[test]
    fn a_gap_parts_a_line() {
        let lines = |svg: &str| svg.matches("stroke-width=\"2\"").count();
        let whole = chart(vec![(0.0, 1.0), (1.0, 2.0), (2.0, 2.0), (3.0, 4.0)]);
        let parted = chart(vec![
            (0.0, 1.0),
            (1.0, 2.0),
            (1.5, f64::NAN),
            (2.0, 2.0),
            (3.0, 4.0),
        ]);
        assert_eq!((lines(&whole.svg()), lines(&parted.svg())), (1, 2));
    }

    #[test]
    fn nothing_to_show_is_an_empty_chart() {
        assert!(chart(Vec::new()).svg().contains("How long"));
    }
}
