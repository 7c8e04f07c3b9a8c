//! Dots over two axes, with zero marked where it lies between them.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below, axis_left};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH, fit};
use crate::report::plots::curves::paint_mark;

/// One kind of dot.
#[derive(Debug, Clone)]
pub struct Dots {
    /// Name in the key.
    pub label: String,
    /// From left to right and from bottom to top.
    pub points: Vec<(f64, f64)>,
}

/// Dots of one or several kinds, told apart by colour and by mark.
#[derive(Debug, Clone)]
pub struct DotPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is measured from left to right: fractions, shown as percent.
    pub across: &'a str,
    /// What is measured from bottom to top.
    pub up: &'a str,
    /// The dots.
    pub dots: Vec<Dots>,
}

const LEFT: f64 = 104.0;
const RIGHT: f64 = WIDTH - 36.0;

impl DotPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let keys = if self.dots.len() > 1 { self.dots.len() } else { 0 };
        let top = 36.0 * keys as f64 + 56.0;
        let bottom = top + 400.0;
        let described: Vec<String> = self
            .dots
            .iter()
            .map(|dots| {
                let (low, high) = crate::report::plots::axes::extent(dots.points.iter().map(|point| point.1));
                format!(
                    "{}: {}, {} to {}",
                    dots.label,
                    format::counted(dots.points.len(), "dot"),
                    format::number(low),
                    format::number(high)
                )
            })
            .collect();
        Plot::draw(self.name, self.title, &described.join("; "), bottom + 84.0, |canvas| {
            self.paint(canvas, top, bottom)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, top: f64, bottom: f64) -> Result<()> {
        let points = || self.dots.iter().flat_map(|dots| &dots.points);
        let across = Scale::around(points().map(|point| point.0 * 100.0), LEFT, RIGHT);
        let up = Scale::around(points().map(|point| point.1).chain([0.0]), bottom, top);
        canvas.text((24.0, top - 28.0), self.up, Align::Start, SMALL, Ink::Muted)?;
        axis_below(
            canvas,
            &across,
            std::iter::once((top, bottom)),
            bottom,
            self.across,
            |tick, decimals| format!("{}\u{a0}%", format::decimal(tick, decimals)),
        )?;
        axis_left(canvas, &up, (LEFT, RIGHT), format::decimal)?;
        canvas.dashes(&[(LEFT, up.at(0.0)), (RIGHT, up.at(0.0))], Ink::Ink, 3)?;
        for (place, dots) in self.dots.iter().enumerate() {
            let y = 26.0 + 36.0 * place as f64;
            if self.dots.len() > 1 {
                paint_mark(canvas, place, (54.0, y))?;
                canvas.text((100.0, y), &fit(&dots.label, SMALL, RIGHT - 100.0), Align::Start, SMALL, Ink::Ink)?;
            }
            for (x, y) in dots.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
                paint_mark(canvas, place, (across.at(x * 100.0), up.at(*y)))?;
            }
        }
        Ok(())
    }
}
