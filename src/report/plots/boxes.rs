//! Box plots of differences over scenarios, one group under the other (the form of Figure 4 of arXiv 2402.10098).

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, extent};
use crate::report::plots::canvas::{Canvas, Ink, Plot, WIDTH};
use crate::report::plots::lanes::Lanes;

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

impl BoxPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let lanes = Lanes {
            left: 24.0,
            right: WIDTH - 24.0,
            top: 8.0,
            row: 106.0,
            count: self.groups.len(),
        };
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
        Plot::draw(self.name, self.title, &described.join("; "), lanes.height(), |canvas| {
            self.paint(canvas, &lanes)
        })
    }

    fn paint(&self, canvas: &Canvas<'_>, lanes: &Lanes) -> Result<()> {
        let values = self
            .groups
            .iter()
            .flat_map(|group| group.five.iter().chain(&group.outliers).copied());
        let effect = self.minimum_effect.unwrap_or(0.0);
        let (low, high) = extent(values.chain([0.0, -effect, effect]).map(|value| value * 100.0));
        let scale = Scale::around([low, high], lanes.left, lanes.right);
        let at = |fraction: f64| scale.at(fraction * 100.0);
        lanes.differences(canvas, &scale, self.minimum_effect, self.axis)?;
        for (place, group) in self.groups.iter().enumerate() {
            let [low, quarter, median, three_quarters, high] = group.five;
            lanes.head(canvas, place, &group.label, &format!("median {}", format::points(median, 2)))?;
            let y = lanes.middle(place);
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
