//! Estimates with their intervals, one under the other, beside zero and the smallest difference worth acting on.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, extent};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH, text_width};
use crate::report::plots::lanes::Lanes;

/// One estimate; fractions.
#[derive(Debug, Clone)]
pub struct IntervalRow {
    /// What was compared.
    pub label: String,
    /// Estimate.
    pub estimate: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// Whether the verdict rests on this one: drawn stronger.
    pub main: bool,
}

/// Differences between fractions, drawn in percentage points.
#[derive(Debug, Clone)]
pub struct IntervalPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is measured, below the scale.
    pub axis: &'a str,
    /// Smallest difference worth acting on, as a fraction: shaded on both sides of zero.
    pub minimum_effect: Option<f64>,
    /// What lies left and right of zero.
    pub sides: (&'a str, &'a str),
    /// The estimates.
    pub rows: Vec<IntervalRow>,
}

impl IntervalPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let lanes = Lanes {
            left: 24.0,
            right: WIDTH - 24.0,
            top: 46.0,
            row: 96.0,
            count: self.rows.len(),
        };
        Plot::draw(self.name, self.title, &self.description(), lanes.height(), |canvas| {
            self.paint(canvas, &lanes)
        })
    }

    fn description(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let interval = format::points_between(row.low, row.high, 2);
            format!("{}: {}, 95\u{a0}% interval {interval}", row.label, format::points(row.estimate, 2))
        });
        let mut words = rows.collect::<Vec<_>>().join("; ");
        if let Some(effect) = self.minimum_effect {
            words.push_str(&format!(
                ". Smallest difference worth acting on: {}",
                format::size_in_points(effect)
            ));
        }
        words
    }

    fn paint(&self, canvas: &Canvas<'_>, lanes: &Lanes) -> Result<()> {
        let limits = self.rows.iter().flat_map(|row| [row.low, row.high, row.estimate]);
        let effect = self.minimum_effect.unwrap_or(0.0);
        let (low, high) = extent(limits.chain([0.0, -effect, effect]).map(|value| value * 100.0));
        let scale = Scale::around([low, high, high.max(low + 0.1)], lanes.left, lanes.right);
        lanes.differences(canvas, &scale, self.minimum_effect, self.axis)?;
        self.paint_sides(canvas, lanes, scale.at(0.0))?;
        for (place, row) in self.rows.iter().enumerate() {
            lanes.head(canvas, place, &row.label, &format::points(row.estimate, 2))?;
            paint_row(canvas, row, lanes.middle(place), |fraction| scale.at(fraction * 100.0))?;
        }
        Ok(())
    }

    /// Says what left and right of zero mean, where there is room for it.
    fn paint_sides(&self, canvas: &Canvas<'_>, lanes: &Lanes, zero: f64) -> Result<()> {
        let (left, right) = (format!("← {}", self.sides.0), format!("{} →", self.sides.1));
        let y = lanes.top - 24.0;
        if zero - lanes.left > text_width(&left, SMALL) + 16.0 {
            canvas.text((zero - 14.0, y), &left, Align::End, SMALL, Ink::Muted)?;
        }
        if lanes.right - zero > text_width(&right, SMALL) + 16.0 {
            canvas.text((zero + 14.0, y), &right, Align::Start, SMALL, Ink::Muted)?;
        }
        Ok(())
    }
}

fn paint_row(canvas: &Canvas<'_>, row: &IntervalRow, y: f64, at: impl Fn(f64) -> f64) -> Result<()> {
    let (ink, width) = if row.main { (Ink::After, 7) } else { (Ink::Muted, 4) };
    if row.low.is_finite() && row.high.is_finite() {
        canvas.line((at(row.low), y), (at(row.high), y), ink, width)?;
        for end in [row.low, row.high] {
            canvas.line((at(end), y - 11.0), (at(end), y + 11.0), ink, 4)?;
        }
    }
    if row.main {
        canvas.dot((at(row.estimate), y), 12, ink)
    } else {
        canvas.ring((at(row.estimate), y), 10, ink)
    }
}
