//! Estimates with their intervals, one under the other, beside zero and the smallest difference worth acting on.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below, extent};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, TEXT, WIDTH, fit, text_width};

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

const LEFT: f64 = 24.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 50.0;
const ROW: f64 = 92.0;

impl IntervalPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let bottom = TOP + ROW * self.rows.len().max(1) as f64 + 8.0;
        let height = bottom + 80.0;
        Plot::draw(self.name, self.title, &self.description(), height, |canvas| {
            self.paint(canvas, bottom)
        })
    }

    fn description(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let interval = format::points_between(row.low, row.high, 2);
            format!("{}: {}, 95% interval {interval}", row.label, format::points(row.estimate, 2))
        });
        let mut words = rows.collect::<Vec<_>>().join("; ");
        if let Some(effect) = self.minimum_effect {
            words.push_str(&format!(". Smallest difference worth acting on: {}", format::points(effect, 2)));
        }
        words
    }

    fn paint(&self, canvas: &Canvas<'_>, bottom: f64) -> Result<()> {
        let effect = self.minimum_effect.filter(|effect| effect.is_finite()).unwrap_or(0.0);
        let limits = self.rows.iter().flat_map(|row| [row.low, row.high, row.estimate]);
        let (low, high) = extent(limits.chain([0.0, -effect, effect]).map(|value| value * 100.0));
        let scale = Scale::around([low, high, high.max(low + 0.1)], LEFT, RIGHT);
        let at = |fraction: f64| scale.at(fraction * 100.0);
        if effect > 0.0 {
            canvas.block((at(-effect), TOP), (at(effect), bottom), Ink::Band)?;
        }
        axis_below(canvas, &scale, (TOP, bottom), self.axis, |tick, decimals| {
            format::signed(tick, decimals)
        })?;
        canvas.line((at(0.0), TOP), (at(0.0), bottom), Ink::Ink, 3)?;
        let (worse, better) = self.sides;
        let zero = at(0.0).clamp(LEFT, RIGHT);
        let (worse, better) = (format!("← {worse}"), format!("{better} →"));
        if zero - LEFT > text_width(&worse, SMALL) + 16.0 {
            canvas.text((zero - 14.0, TOP - 22.0), &worse, Align::End, SMALL, Ink::Muted)?;
        }
        if RIGHT - zero > text_width(&better, SMALL) + 16.0 {
            canvas.text((zero + 14.0, TOP - 22.0), &better, Align::Start, SMALL, Ink::Muted)?;
        }
        for (place, row) in self.rows.iter().enumerate() {
            self.paint_row(canvas, row, TOP + ROW * place as f64, at)?;
        }
        Ok(())
    }

    fn paint_row(&self, canvas: &Canvas<'_>, row: &IntervalRow, top: f64, at: impl Fn(f64) -> f64) -> Result<()> {
        let value = format::points(row.estimate, 2);
        let room = RIGHT - LEFT - text_width(&value, TEXT) - 30.0;
        let label = fit(&row.label, TEXT, room);
        let y = top + 28.0;
        // Text must not be crossed by the lines of the scale.
        canvas.block(
            (LEFT - 6.0, y - 16.0),
            (LEFT + text_width(&label, TEXT) + 4.0, y + 17.0),
            Ink::Paper,
        )?;
        canvas.block(
            (RIGHT - text_width(&value, TEXT) - 8.0, y - 16.0),
            (RIGHT + 6.0, y + 17.0),
            Ink::Paper,
        )?;
        canvas.text((LEFT, y), &label, Align::Start, TEXT, Ink::Ink)?;
        canvas.text((RIGHT, y), &value, Align::End, TEXT, Ink::Ink)?;
        let y = top + 66.0;
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
}
