//! Box plots of differences over scenarios, one group under the other (the form of Figure 4 of arXiv 2402.10098).

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, axis_below, extent};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, TEXT, WIDTH, fit, text_width};

/// One group, already summed up; fractions.
#[derive(Debug, Clone)]
pub struct BoxGroup {
    /// Name.
    pub label: String,
    /// Lower whisker, lower quartile, median, upper quartile, upper whisker.
    pub five: [f64; 5],
    /// Values beyond the whiskers.
    pub outliers: Vec<f64>,
}

/// Differences between fractions by group, drawn in percentage points.
#[derive(Debug, Clone)]
pub struct BoxPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is measured, below the scale.
    pub axis: &'a str,
    /// Smallest difference worth acting on, as a fraction: shaded on both sides of zero.
    pub minimum_effect: Option<f64>,
    /// The groups.
    pub groups: Vec<BoxGroup>,
}

const LEFT: f64 = 24.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 12.0;
const ROW: f64 = 104.0;

impl BoxPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let bottom = TOP + ROW * self.groups.len().max(1) as f64 + 4.0;
        let described: Vec<String> = self
            .groups
            .iter()
            .map(|group| {
                let [_, low, median, high, _] = group.five;
                format!(
                    "{}: median {}, half within {}",
                    group.label,
                    format::points(median, 2),
                    format::points_between(low, high, 2)
                )
            })
            .collect();
        Plot::draw(self.name, self.title, &described.join("; "), bottom + 80.0, |canvas| {
            self.paint(canvas, bottom)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, bottom: f64) -> Result<()> {
        let effect = self.minimum_effect.filter(|effect| effect.is_finite()).unwrap_or(0.0);
        let values = self
            .groups
            .iter()
            .flat_map(|group| group.five.iter().chain(&group.outliers).copied());
        let (low, high) = extent(values.chain([0.0, -effect, effect]).map(|value| value * 100.0));
        let scale = Scale::around([low, high], LEFT, RIGHT);
        let at = |fraction: f64| scale.at(fraction * 100.0);
        if effect > 0.0 {
            canvas.block((at(-effect), TOP), (at(effect), bottom), Ink::Band)?;
        }
        axis_below(canvas, &scale, (TOP, bottom), self.axis, |tick, decimals| {
            format::signed(tick, decimals)
        })?;
        canvas.line((at(0.0), TOP), (at(0.0), bottom), Ink::Ink, 3)?;
        for (place, group) in self.groups.iter().enumerate() {
            let top = TOP + ROW * place as f64;
            let [low, quarter, median, three_quarters, high] = group.five;
            let value = format!("median {}", format::points(median, 2));
            let label = fit(&group.label, TEXT, RIGHT - LEFT - text_width(&value, SMALL) - 30.0);
            let y = top + 26.0;
            canvas.block(
                (LEFT - 6.0, y - 16.0),
                (LEFT + text_width(&label, TEXT) + 4.0, y + 17.0),
                Ink::Paper,
            )?;
            canvas.block(
                (RIGHT - text_width(&value, SMALL) - 8.0, y - 16.0),
                (RIGHT + 6.0, y + 17.0),
                Ink::Paper,
            )?;
            canvas.text((LEFT, y), &label, Align::Start, TEXT, Ink::Ink)?;
            canvas.text((RIGHT, y), &value, Align::End, SMALL, Ink::Muted)?;
            let y = top + 70.0;
            canvas.line((at(low), y), (at(high), y), Ink::After, 3)?;
            for end in [low, high] {
                canvas.line((at(end), y - 9.0), (at(end), y + 9.0), Ink::After, 3)?;
            }
            canvas.block((at(quarter), y - 18.0), (at(three_quarters), y + 18.0), Ink::Paper)?;
            canvas.outline((at(quarter), y - 18.0), (at(three_quarters), y + 18.0), Ink::After, 4)?;
            canvas.line((at(median), y - 18.0), (at(median), y + 18.0), Ink::Ink, 6)?;
            for value in &group.outliers {
                canvas.circle((at(*value), y), 5, Ink::After)?;
            }
        }
        Ok(())
    }
}
