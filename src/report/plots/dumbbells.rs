//! A figure before and after, for several classes one under the other.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below, extent};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH};
use crate::report::plots::lanes::Lanes;

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

impl DumbbellPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let lanes = Lanes {
            left: 40.0,
            right: WIDTH - 40.0,
            top: 50.0,
            row: 88.0,
            count: self.rows.len(),
        };
        let described: Vec<String> = self.rows.iter().map(|row| format!("{}: {}", row.label, change(row))).collect();
        Plot::draw(self.name, self.title, &described.join("; "), lanes.height(), |canvas| {
            self.paint(canvas, &lanes)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, lanes: &Lanes) -> Result<()> {
        before_and_after(canvas, lanes.left, 24.0)?;
        let (low, high) = extent(self.rows.iter().flat_map(|row| [row.before, row.after]).flatten());
        // At least ten points of the scale, so that a trifle does not look like a leap.
        let low = low.min((low + high) / 2.0 - 0.05).max(0.0);
        let high = high.max(low + 0.1).min(1.0);
        let scale = Scale::new(low.min(high - 0.1) * 100.0, high * 100.0, lanes.left, lanes.right);
        axis_below(canvas, &scale, lanes.each(), lanes.bottom(), self.axis, |tick, decimals| {
            format!("{tick:.decimals$}\u{a0}%")
        })?;
        for (place, row) in self.rows.iter().enumerate() {
            lanes.head(canvas, place, &row.label, &change(row))?;
            let y = lanes.middle(place);
            let at = |fraction: f64| (scale.at(fraction * 100.0), y);
            if let (Some(before), Some(after)) = (row.before, row.after) {
                canvas.line(at(before), at(after), Ink::Muted, 4)?;
            }
            if let Some(after) = row.after {
                canvas.dot(at(after), 11, Ink::After)?;
            }
            if let Some(before) = row.before {
                // Not filled, so that an equal figure after shows through.
                canvas.circle(at(before), 13, Ink::Before)?;
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
