//! Small multiples: the same few lines in a panel each for every method, on shared axes.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, extent};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH, fit};
use crate::report::plots::curves::paint_line;

/// One panel.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What it is of.
    pub title: String,
    /// Points of each line of the key from left to right; none where it has no line.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Panels in a grid. Values from bottom to top are fractions, shown as percent.
#[derive(Debug, Clone)]
pub struct GridPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// What is measured from left to right.
    pub across: &'a str,
    /// Names of the lines, which are drawn apart by colour, by dashes and by mark.
    pub keys: Vec<String>,
    /// Levels that stand in every panel for comparison, at most two: an unbroken and a broken grey line.
    pub levels: Vec<(String, f64)>,
    /// The panels, row after row.
    pub panels: Vec<Panel>,
}

const COLUMNS: usize = 3;
const LEFT: f64 = 86.0;
const RIGHT: f64 = WIDTH - 18.0;
const GAP: f64 = 20.0;
/// Of a panel without its title.
const HEIGHT: f64 = 170.0;
/// Of a panel with its title and the space below.
const ROW: f64 = HEIGHT + 62.0;
const KEY: f64 = 34.0;

impl GridPlot<'_> {
    /// Draws it.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let described: Vec<String> = self.panels.iter().map(|panel| self.described(panel)).collect();
        let rows = self.panels.len().div_ceil(COLUMNS).max(1);
        let top = KEY * (self.keys.len() + self.levels.len()) as f64 + 60.0;
        Plot::draw(
            self.name,
            self.title,
            &described.join("; "),
            top + ROW * rows as f64 + 62.0,
            |canvas| self.paint(canvas, top),
        )
    }

    fn described(&self, panel: &Panel) -> String {
        let lines = self.keys.iter().zip(&panel.lines).filter(|(_, points)| !points.is_empty());
        let lines = lines.map(|(key, points)| {
            let (low, high) = extent(points.iter().map(|point| point.1));
            format!("{key} {} to {}", format::percent(low, 1), format::percent(high, 1))
        });
        format!("{}: {}", panel.title, lines.collect::<Vec<_>>().join(", "))
    }

    fn paint(&self, canvas: &Canvas<'_>, top: f64) -> Result<()> {
        self.paint_keys(canvas)?;
        let points = || self.panels.iter().flat_map(|panel| panel.lines.iter().flatten());
        let levels = || self.levels.iter().map(|(_, level)| level * 100.0);
        let width = (RIGHT - LEFT - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
        for (place, panel) in self.panels.iter().enumerate() {
            let left = LEFT + (width + GAP) * (place % COLUMNS) as f64;
            let from = top + ROW * (place / COLUMNS) as f64;
            let (right, bottom) = (left + width, from + HEIGHT);
            let across = Scale::around(points().map(|point| point.0), left, right);
            let up = Scale::around(points().map(|point| point.1 * 100.0).chain(levels()), bottom, from);
            canvas.text((left, from - 20.0), &fit(&panel.title, SMALL, width), Align::Start, SMALL, Ink::Ink)?;
            let (ticks, decimals) = up.ticks(3);
            for tick in ticks {
                canvas.line((left, up.at(tick)), (right, up.at(tick)), Ink::Grid, 2)?;
                if place % COLUMNS == 0 {
                    let label = format!("{}\u{a0}%", format::decimal(tick, decimals));
                    canvas.text((left - 10.0, up.at(tick)), &label, Align::End, SMALL, Ink::Muted)?;
                }
            }
            let (ticks, decimals) = match points()
                .map(|point| point.0)
                .reduce(|one, other| if one == other { one } else { f64::NAN })
            {
                // A single value: round numbers around it would lie a thousandth apart.
                Some(only) if only.is_finite() => (vec![only], usize::from(only.fract() != 0.0)),
                _ => across.ticks(2),
            };
            for tick in ticks {
                canvas.line((across.at(tick), from), (across.at(tick), bottom), Ink::Grid, 2)?;
                // Only the lowest panel of a column is labelled.
                if place + COLUMNS >= self.panels.len() {
                    canvas.text(
                        (across.at(tick), bottom + 20.0),
                        &format::decimal(tick, decimals),
                        Align::Middle,
                        SMALL,
                        Ink::Muted,
                    )?;
                }
            }
            for (number, (_, level)) in self.levels.iter().enumerate() {
                let y = up.at(level * 100.0);
                paint_level(canvas, number, [(left, y), (right, y)])?;
            }
            for (number, line) in panel.lines.iter().enumerate() {
                let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
                for run in line.split(|point| !finite(point)) {
                    let run: Vec<(f64, f64)> = run.iter().map(|(x, y)| (across.at(*x), up.at(y * 100.0))).collect();
                    paint_line(canvas, number, &run)?;
                }
            }
        }
        let rows = self.panels.len().div_ceil(COLUMNS);
        let below = top + ROW * rows.max(1) as f64 + 8.0;
        canvas.text(((LEFT + RIGHT) / 2.0, below), self.across, Align::Middle, SMALL, Ink::Muted)
    }

    fn paint_keys(&self, canvas: &Canvas<'_>) -> Result<()> {
        let label = |canvas: &Canvas<'_>, y: f64, text: &str| {
            canvas.text((100.0, y), &fit(text, SMALL, RIGHT - 100.0), Align::Start, SMALL, Ink::Ink)
        };
        for (place, key) in self.keys.iter().enumerate() {
            let y = 26.0 + KEY * place as f64;
            paint_line(canvas, place, &[(24.0, y), (84.0, y)])?;
            label(canvas, y, key)?;
        }
        for (place, (key, _)) in self.levels.iter().enumerate() {
            let y = 26.0 + KEY * (self.keys.len() + place) as f64;
            paint_level(canvas, place, [(24.0, y), (84.0, y)])?;
            label(canvas, y, key)?;
        }
        Ok(())
    }
}

fn paint_level(canvas: &Canvas<'_>, place: usize, ends: [(f64, f64); 2]) -> Result<()> {
    if place == 0 {
        canvas.line(ends[0], ends[1], Ink::Muted, 3)
    } else {
        canvas.dashes(&ends, Ink::Muted, 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_is_titled_and_described_and_gaps_break_lines() {
        let plot = GridPlot {
            name: "grid",
            title: "poison:n=500",
            across: "known, %",
            keys: vec!["affected".to_owned(), "outside".to_owned()],
            levels: vec![("clean".to_owned(), 0.9), ("spoiled".to_owned(), 0.1)],
            panels: ["retrain", "ssd", "cf", "scrub"]
                .map(|title| Panel {
                    title: title.to_owned(),
                    lines: vec![vec![(10.0, 0.25), (50.0, f64::NAN), (100.0, 0.75)], Vec::new()],
                })
                .to_vec(),
        }
        .draw()
        .unwrap();
        let file = plot.file();
        for title in ["retrain", "ssd", "cf", "scrub"] {
            assert!(
                file.matches(title).count() >= 2,
                "{title} stands over its panel and in the description"
            );
        }
        assert!(file.contains("affected 25.0\u{a0}% to 75.0\u{a0}%"), "{file}");
        assert!(file.contains("known, %") && !file.contains("NaN"));
    }
}
