//! Bars beside each other, with what they say written at their ends.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::scale::figure;
use super::sheet::{Area, GRID, HEAD, INK, WIDTH, colour, drawn, style};

/// How thick a bar is, and what is left below it.
const BAR: i32 = 18;
const BELOW_BAR: i32 = 4;
/// What is left below the bars of a group.
const BELOW_GROUP: i32 = 14;
/// Where bars begin, and what is left for the figure behind the longest one.
const LEFT: i32 = 230;
const RIGHT: i32 = 120;
/// What the last line takes, which says what the figures are.
const FOOT: i32 = 30;

/// A chart of bars.
#[derive(Clone, PartialEq, Debug)]
pub struct BarChart {
    /// The question that it answers, or what it shows, in a sentence.
    pub title: String,
    /// What the figures are, with their unit.
    pub unit: String,
    /// From above to below.
    pub groups: Vec<BarGroup>,
}

/// Bars that belong together.
#[derive(Clone, PartialEq, Debug)]
pub struct BarGroup {
    /// What they are about.
    pub label: String,
    /// Each with a colour of its own, the same in all groups. The names are in the legend if there are several.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// What it is, among those of its group.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// The least and the most that was measured.
    pub spread: Option<(f64, f64)>,
}

impl Bar {
    /// A bar without a spread.
    pub fn new(name: &str, value: f64) -> Self {
        Self {
            name: name.to_owned(),
            value,
            spread: None,
        }
    }
}

impl BarChart {
    /// One bar for each label.
    pub fn plain(title: &str, unit: &str, bars: impl IntoIterator<Item = (String, f64)>) -> Self {
        let groups = bars.into_iter().map(|(label, value)| BarGroup {
            label,
            bars: vec![Bar::new(unit, value)],
        });
        Self {
            title: title.to_owned(),
            unit: unit.to_owned(),
            groups: groups.collect(),
        }
    }

    pub(super) fn svg(&self) -> String {
        let names = self.names();
        let legend: &[&str] = if names.len() > 1 { &names } else { &[] };
        let groups = self.groups.iter();
        let body: i32 = groups.map(|group| height(group) + BELOW_GROUP).sum();
        let height = HEAD + (body + FOOT).unsigned_abs();
        drawn(height, &self.title, legend, |body| self.draw(body, &names))
    }

    /// Every name, in the order in which they come.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for bar in self.groups.iter().flat_map(|group| &group.bars) {
            if !names.contains(&&*bar.name) {
                names.push(&bar.name);
            }
        }
        names
    }

    fn draw(&self, body: &Area<'_>, names: &[&str]) -> Option<()> {
        let bars = self.groups.iter().flat_map(|group| &group.bars);
        let ends = bars.map(|bar| bar.spread.map_or(bar.value, |(_, most)| most.max(bar.value)));
        let longest = ends
            .filter(|end| end.is_finite())
            .fold(f64::MIN_POSITIVE, f64::max);
        let room = f64::from(WIDTH.cast_signed() - LEFT - RIGHT);
        let place = |value: f64| LEFT + (value.max(0.0) / longest * room).round() as i32;
        let mut top = 0;
        for group in &self.groups {
            let middle = top + height(group) / 2;
            let label = Text::new(group.label.clone(), (LEFT - 10, middle), style(14, HPos::Right));
            body.draw(&label).ok()?;
            for bar in &group.bars {
                let number = names.iter().position(|name| *name == bar.name)?;
                let corners = [(LEFT, top), (place(bar.value), top + BAR)];
                body.draw(&Rectangle::new(corners, colour(number).filled()))
                    .ok()?;
                let middle = top + BAR / 2;
                let mut end = place(bar.value);
                if let Some((least, most)) = bar.spread {
                    let line = vec![(place(least), middle), (place(most), middle)];
                    body.draw(&PathElement::new(line, INK.stroke_width(2))).ok()?;
                    end = end.max(place(most));
                }
                let text = Text::new(figure(bar.value), (end + 8, middle), style(14, HPos::Left));
                body.draw(&text).ok()?;
                top += BAR + BELOW_BAR;
            }
            top += BELOW_GROUP;
        }
        let edge = vec![(LEFT, -4), (LEFT, top - BELOW_GROUP / 2)];
        body.draw(&PathElement::new(edge, GRID)).ok()?;
        let unit = Text::new(self.unit.clone(), (LEFT, top + 8), style(14, HPos::Left));
        body.draw(&unit).ok()
    }
}

fn height(group: &BarGroup) -> i32 {
    let bars = i32::try_from(group.bars.len()).unwrap_or(i32::MAX / 1_000);
    bars * (BAR + BELOW_BAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_has_its_figure_and_every_group_its_label() {
        let chart = BarChart::plain(
            "How much does each carry?",
            "RSVPs per s",
            [("one < two".to_owned(), 12_500.0), ("row lock".to_owned(), 0.25)],
        );
        let svg = chart.svg();
        for text in ["one &lt; two", "row lock", "12,500", "0.25", "RSVPs per s"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }

    #[test]
    fn bars_of_one_name_have_one_colour_and_a_spread_is_drawn() {
        let group = |label: &str, value: f64| BarGroup {
            label: label.to_owned(),
            bars: vec![
                Bar::new("REST", value),
                Bar {
                    spread: Some((1.0, 3.0)),
                    ..Bar::new("sockets", 2.0)
                },
            ],
        };
        let chart = BarChart {
            title: "Which?".to_owned(),
            unit: "per s".to_owned(),
            groups: vec![group("a", 1.0), group("b", 4.0)],
        };
        assert_eq!(chart.names(), ["REST", "sockets"]);
        let svg = chart.svg();
        // Two bars and the mark in the legend.
        assert_eq!(svg.matches("fill=\"#2F7FD6\"").count(), 3, "{svg}");
    }
}
