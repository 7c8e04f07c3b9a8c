//! Rows of a plot: each has its label and figure on a line of their own, and below it a lane for its marks, so that no mark crosses text.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below};
use crate::report::plots::canvas::{Align, Canvas, Ink, TEXT, fit, text_width};

/// Height of a row's label line.
const HEAD: f64 = 42.0;

/// Equal rows from top to bottom.
#[derive(Debug, Clone, Copy)]
pub struct Lanes {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Where the first row starts.
    pub top: f64,
    /// Height of a row with its label.
    pub row: f64,
    /// How many.
    pub count: usize,
}

impl Lanes {
    /// Where the last row ends; one row is kept free where there is none.
    pub fn bottom(&self) -> f64 {
        self.top + self.row * self.count.max(1) as f64 + 4.0
    }

    /// The height of a plot with a scale below the rows.
    pub fn height(&self) -> f64 {
        self.bottom() + 80.0
    }

    /// Top and bottom of every lane.
    pub fn each(&self) -> impl Iterator<Item = (f64, f64)> + Clone + use<> {
        let Self { top, row, count, .. } = *self;
        (0..count).map(move |place| (top + row * place as f64 + HEAD, top + row * (place + 1) as f64 - 4.0))
    }

    /// The middle of a lane.
    pub fn middle(&self, place: usize) -> f64 {
        self.top + self.row * place as f64 + (HEAD + self.row - 4.0) / 2.0
    }

    /// Writes the label of a row, cut where it must be, and its figure.
    pub fn head(&self, canvas: &Canvas<'_>, place: usize, label: &str, value: &str) -> Result<()> {
        let room = self.right - self.left - text_width(value, TEXT) - 30.0;
        let y = self.top + self.row * place as f64 + HEAD / 2.0;
        canvas.text((self.left, y), &fit(label, TEXT, room), Align::Start, TEXT, Ink::Ink)?;
        canvas.text((self.right, y), value, Align::End, TEXT, Ink::Ink)
    }

    /// The scale of differences in percentage points: zero as a line, what is smaller than the minimum effect shaded.
    pub fn differences(&self, canvas: &Canvas<'_>, scale: &Scale, minimum_effect: Option<f64>, axis: &str) -> Result<()> {
        if let Some(effect) = minimum_effect.filter(|effect| effect.is_finite() && *effect > 0.0) {
            for (top, bottom) in self.each() {
                canvas.block((scale.at(-effect * 100.0), top), (scale.at(effect * 100.0), bottom), Ink::Band)?;
            }
        }
        axis_below(canvas, scale, self.each(), self.bottom(), axis, format::signed)?;
        for (top, bottom) in self.each() {
            canvas.line((scale.at(0.0), top), (scale.at(0.0), bottom), Ink::Ink, 3)?;
        }
        Ok(())
    }
}
