//! A figure before and after, for several classes one under the other.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, TEXT, WIDTH, fit, text_width};

/// One class; fractions, absent where unknown.
#[derive(Debug, Clone)]
pub struct DumbbellRow {
    /// Name.
    pub label: String,
    /// Before.
    pub before: Option<f64>,
    /// After.
    pub after: Option<f64>,
}

/// Shares before (hollow) and after (filled).
#[derive(Debug, Clone)]
pub struct DumbbellPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is measured, below the scale.
    pub axis: &'a str,
    /// The classes.
    pub rows: Vec<DumbbellRow>,
}

const LEFT: f64 = 40.0;
const RIGHT: f64 = WIDTH - 40.0;
const TOP: f64 = 56.0;
const ROW: f64 = 82.0;

impl DumbbellPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let bottom = TOP + ROW * self.rows.len().max(1) as f64 + 4.0;
        let described: Vec<String> = self.rows.iter().map(|row| format!("{}: {}", row.label, change(row))).collect();
        Plot::draw(self.name, self.title, &described.join("; "), bottom + 80.0, |canvas| {
            self.paint(canvas, bottom)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, bottom: f64) -> Result<()> {
        before_and_after(canvas, LEFT, 24.0)?;
        let values = self.rows.iter().flat_map(|row| [row.before, row.after]).flatten();
        let (low, high) = crate::report::plots::axes::extent(values);
        // At least ten points of the scale, so that a trifle does not look like a leap.
        let middle = (low + high) / 2.0;
        let low = low.min(middle - 0.05).max(0.0);
        let high = high.max(low + 0.1).min(1.0);
        let scale = Scale::new(low.min(high - 0.1) * 100.0, high * 100.0, LEFT, RIGHT);
        axis_below(canvas, &scale, (TOP, bottom), self.axis, |tick, decimals| {
            format!("{tick:.decimals$}%")
        })?;
        for (place, row) in self.rows.iter().enumerate() {
            let top = TOP + ROW * place as f64;
            let value = change(row);
            let room = RIGHT - LEFT - text_width(&value, TEXT) - 30.0;
            let label = fit(&row.label, TEXT, room);
            let y = top + 24.0;
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
            let y = top + 60.0;
            let at = |fraction: f64| scale.at(fraction * 100.0);
            if let (Some(before), Some(after)) = (row.before, row.after) {
                canvas.line((at(before), y), (at(after), y), Ink::Muted, 4)?;
            }
            if let Some(after) = row.after {
                canvas.dot((at(after), y), 11, Ink::After)?;
            }
            if let Some(before) = row.before {
                // Not filled, so that an equal figure after shows through.
                canvas.circle((at(before), y), 13, Ink::Before)?;
            }
        }
        Ok(())
    }
}

fn change(row: &DumbbellRow) -> String {
    format!(
        "{} → {}",
        format::percent_or_unknown(row.before, 1),
        format::percent_or_unknown(row.after, 1)
    )
}

/// The key: a hollow mark is before, a filled one after.
pub fn before_and_after(canvas: &Canvas<'_>, x: f64, y: f64) -> Result<()> {
    canvas.circle((x + 12.0, y), 12, Ink::Before)?;
    canvas.text((x + 34.0, y), "before", Align::Start, SMALL, Ink::Ink)?;
    canvas.dot((x + 152.0, y), 11, Ink::After)?;
    canvas.text((x + 174.0, y), "after", Align::Start, SMALL, Ink::Ink)
}
