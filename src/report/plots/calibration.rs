//! How far stated probabilities can be believed: share right against stated probability, before and after.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below, axis_left};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH};
use crate::report::plots::dumbbells::before_and_after;

/// One curve per model; points are (mean stated probability, share right, rows), all fractions.
#[derive(Debug, Clone)]
pub struct CalibrationPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// Before the repair; empty for a single model.
    pub before: Vec<(f64, f64, usize)>,
    /// After the repair, or the single model.
    pub after: Vec<(f64, f64, usize)>,
}

const LEFT: f64 = 96.0;
const RIGHT: f64 = WIDTH - 48.0;
const SIDE: f64 = 518.0;

impl CalibrationPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let curve = |points: &[(f64, f64, usize)]| {
            let points: Vec<String> = points
                .iter()
                .map(|(stated, right, _)| format!("{} said, {} right", format::percent(*stated, 0), format::percent(*right, 0)))
                .collect();
            points.join(", ")
        };
        let description = if self.before.is_empty() {
            curve(&self.after)
        } else {
            format!("Before: {}. After: {}", curve(&self.before), curve(&self.after))
        };
        // The key needs a line of its own.
        let top = if self.before.is_empty() { 48.0 } else { 92.0 };
        Plot::draw(self.name, self.title, &description, top + SIDE + 80.0, |canvas| {
            self.paint(canvas, top, top + SIDE)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, top: f64, bottom: f64) -> Result<()> {
        let all = || self.before.iter().chain(&self.after);
        let least = all()
            .flat_map(|(stated, right, _)| [*stated, *right])
            .filter(|value| value.is_finite())
            .fold(1.0, f64::min);
        let low = ((least * 10.0).floor() / 10.0).clamp(0.0, 0.9);
        let across = Scale::new(low * 100.0, 100.0, LEFT, RIGHT);
        let up = Scale::new(low * 100.0, 100.0, bottom, top);
        if !self.before.is_empty() {
            before_and_after(canvas, LEFT, 24.0)?;
        }
        canvas.text((24.0, top - 28.0), "share that was right", Align::Start, SMALL, Ink::Muted)?;
        axis_below(
            canvas,
            &across,
            std::iter::once((top, bottom)),
            bottom,
            "probability the model states for its prediction",
            |tick, decimals| format!("{tick:.decimals$}\u{a0}%"),
        )?;
        axis_left(canvas, &up, (LEFT, RIGHT), |tick, decimals| format!("{tick:.decimals$}\u{a0}%"))?;
        canvas.dashes(&[(LEFT, bottom), (RIGHT, top)], Ink::Muted, 3)?;
        canvas.text(
            (RIGHT - 12.0, bottom - 24.0),
            "below the dashes: too sure",
            Align::End,
            SMALL,
            Ink::Muted,
        )?;
        let most = all().map(|point| point.2).max().unwrap_or(1).max(1) as f64;
        let at = |(stated, right, _): &(f64, f64, usize)| (across.at(stated * 100.0), up.at(right * 100.0));
        let radius = |rows: usize| (5.0 + 9.0 * (rows as f64 / most).sqrt()).round() as u32;
        let before: Vec<_> = self.before.iter().map(at).collect();
        let after: Vec<_> = self.after.iter().map(at).collect();
        canvas.dashes(&before, Ink::Before, 4)?;
        canvas.path(&after, Ink::After, 4)?;
        for (point, place) in self.after.iter().zip(&after) {
            canvas.dot(*place, radius(point.2), Ink::After)?;
        }
        for (point, place) in self.before.iter().zip(&before) {
            canvas.circle(*place, radius(point.2), Ink::Before)?;
        }
        Ok(())
    }
}
