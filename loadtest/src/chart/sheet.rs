//! What all charts look like: size, colours, title and legend.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// How wide a chart is, in pixels.
pub(super) const WIDTH: u32 = 860;
/// What the title and the legend take.
pub(super) const HEAD: u32 = 62;
/// Text that can be read on white and on black.
pub(super) const INK: RGBColor = RGBColor(118, 124, 134);
/// Lines that say where figures are.
pub(super) const GRID: RGBAColor = RGBAColor(128, 128, 128, 0.25);
/// So that one can be told from the other on white and on black, also without red and green.
const COLOURS: [RGBColor; 6] = [
    RGBColor(47, 127, 214),
    RGBColor(222, 125, 22),
    RGBColor(38, 153, 110),
    RGBColor(150, 105, 214),
    RGBColor(214, 74, 88),
    RGBColor(128, 134, 144),
];
/// About how wide a letter of the legend is.
const LETTER: usize = 7;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The colour of the series with this number.
pub(super) fn colour(number: usize) -> RGBColor {
    COLOURS[number % COLOURS.len()]
}

/// A text of this size, which hangs on its anchor as told.
pub(super) fn style(size: u32, hangs: HPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font())
        .color(&INK)
        .pos(Pos::new(hangs, VPos::Center))
}

/// Draws something of this height; the area that is handed out is what is below title and legend. Writing into memory
/// does not fail, and a chart in which nothing has a place stays empty.
pub(super) fn drawn(
    height: u32,
    title: &str,
    legend: &[&str],
    draw: impl FnOnce(&Area<'_>) -> Option<()>,
) -> String {
    let mut svg = String::new();
    {
        let sheet = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let (head, body) = sheet.split_vertically(HEAD);
        let done = write_head(&head, title, legend).and_then(|()| draw(&body));
        if done.is_some() {
            let _ = sheet.present();
        }
    }
    svg
}

fn write_head(head: &Area<'_>, title: &str, legend: &[&str]) -> Option<()> {
    let text = Text::new(title.to_owned(), (12, 20), style(19, HPos::Left));
    head.draw(&text).ok()?;
    let mut left = 14;
    for (number, name) in legend.iter().enumerate() {
        let mark = Rectangle::new([(left, 40), (left + 14, 50)], colour(number).filled());
        head.draw(&mark).ok()?;
        let text = Text::new((*name).to_owned(), (left + 20, 45), style(13, HPos::Left));
        head.draw(&text).ok()?;
        left += i32::try_from(44 + name.chars().count() * LETTER).ok()?;
    }
    Some(())
}
