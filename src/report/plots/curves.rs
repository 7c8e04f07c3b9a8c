//! Lines over one axis with a marked point: sorted scenarios, a figure over alpha or lambda (Figures 2, 3 and 5 of arXiv 2402.10098).

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below, axis_left};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH, fit, text_width};

/// One line.
#[derive(Debug, Clone)]
pub struct Series {
    /// Name in the key.
    pub label: String,
    /// Points from left to right; points that are not finite break the line.
    pub points: Vec<(f64, f64)>,
}

/// A vertical line that marks a value, such as the alpha that ASSD picks.
#[derive(Debug, Clone)]
pub struct Marker {
    /// What it marks.
    pub label: String,
    /// Where.
    pub x: f64,
}

/// Several lines over one axis.
#[derive(Debug, Clone)]
pub struct CurvePlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is measured from left to right.
    pub across: &'a str,
    /// What is measured from bottom to top.
    pub up: &'a str,
    /// Whether the axis from left to right is logarithmic; points at or below 0 are then left out.
    pub logarithmic: bool,
    /// Whether values from bottom to top are fractions to be shown as percent.
    pub percent: bool,
    /// The lines, drawn apart by colour, by dashes and by mark.
    pub series: Vec<Series>,
    /// A marked value.
    pub marker: Option<Marker>,
}

const LEFT: f64 = 104.0;
const RIGHT: f64 = WIDTH - 36.0;

impl CurvePlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        // A single line needs no key.
        let keys = if self.series.len() > 1 { self.series.len() } else { 0 };
        let top = 36.0 * keys as f64 + 56.0;
        let bottom = top + 400.0;
        let described: Vec<String> = self
            .series
            .iter()
            .map(|series| {
                let (low, high) = crate::report::plots::axes::extent(series.points.iter().map(|point| point.1));
                let show = |value: f64| {
                    if self.percent {
                        format::percent(value, 2)
                    } else {
                        format::number(value)
                    }
                };
                format!("{}: {} to {}", series.label, show(low), show(high))
            })
            .collect();
        Plot::draw(self.name, self.title, &described.join("; "), bottom + 84.0, |canvas| {
            self.paint(canvas, top, bottom)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, top: f64, bottom: f64) -> Result<()> {
        let x_of = |x: f64| if self.logarithmic { x.log10() } else { x };
        let factor = if self.percent { 100.0 } else { 1.0 };
        let points = || self.series.iter().flat_map(|series| &series.points);
        let across = Scale::around(points().map(|point| x_of(point.0)), LEFT, RIGHT);
        let up = Scale::around(points().map(|point| point.1 * factor), bottom, top);
        canvas.text((24.0, top - 28.0), self.up, Align::Start, SMALL, Ink::Muted)?;
        axis_below(
            canvas,
            &across,
            std::iter::once((top, bottom)),
            bottom,
            self.across,
            |tick, decimals| {
                if self.logarithmic {
                    // Between powers of ten two digits do: 3.2 rather than 3.162.
                    let unit = 10f64.powf(tick.floor() - 1.0);
                    format::number((10f64.powf(tick) / unit).round() * unit)
                } else {
                    format::decimal(tick, decimals)
                }
            },
        )?;
        let unit = if self.percent { "\u{a0}%" } else { "" };
        axis_left(canvas, &up, (LEFT, RIGHT), |tick, decimals| {
            format!("{}{unit}", format::decimal(tick, decimals))
        })?;
        if let Some(marker) = &self.marker {
            let x = across.at(x_of(marker.x));
            canvas.dashes(&[(x, top), (x, bottom)], Ink::Ink, 4)?;
            let label = fit(&marker.label, SMALL, RIGHT - LEFT);
            let right_side = RIGHT - x > text_width(&label, SMALL) + 14.0;
            let (align, step) = if right_side { (Align::Start, 12.0) } else { (Align::End, -12.0) };
            canvas.text((x + step, bottom - 24.0), &label, align, SMALL, Ink::Ink)?;
        }
        for (place, series) in self.series.iter().enumerate() {
            let y = 26.0 + 36.0 * place as f64;
            if self.series.len() > 1 {
                paint_line(canvas, place, &[(24.0, y), (84.0, y)])?;
                canvas.text((100.0, y), &fit(&series.label, SMALL, RIGHT - 100.0), Align::Start, SMALL, Ink::Ink)?;
            }
            let finite = |(x, y): &(f64, f64)| x_of(*x).is_finite() && y.is_finite();
            for run in series.points.split(|point| !finite(point)) {
                let run: Vec<(f64, f64)> = run.iter().map(|(x, y)| (across.at(x_of(*x)), up.at(y * factor))).collect();
                paint_line(canvas, place, &run)?;
            }
        }
        Ok(())
    }
}

/// The line of the series at `place` through points of the sheet: told apart from others by colour, by dashes and by mark.
pub(super) fn paint_line(canvas: &Canvas<'_>, place: usize, points: &[(f64, f64)]) -> Result<()> {
    let ink = Ink::Series(place);
    if place % 2 == 1 {
        canvas.dashes(points, ink, 5)?;
    } else if points.len() > 1 {
        canvas.path(points, ink, 5)?;
    }
    // About eight marks a line tell lines apart without colour and do not hide them.
    for point in points.iter().step_by((points.len() / 8).max(1)) {
        paint_mark(canvas, place, *point)?;
    }
    Ok(())
}

/// The mark of the series at `place`.
pub(super) fn paint_mark(canvas: &Canvas<'_>, place: usize, at: (f64, f64)) -> Result<()> {
    let ink = Ink::Series(place);
    match place % 3 {
        0 => canvas.dot(at, 7, ink),
        1 => canvas.ring(at, 7, ink),
        _ => canvas.block((at.0 - 6.0, at.1 - 6.0), (at.0 + 6.0, at.1 + 6.0), ink),
    }
}
