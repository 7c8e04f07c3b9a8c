//! How much more important each parameter is for the flagged rows than for the rest, and where the cut lies.

use crate::error::Result;
use crate::report::format;
use crate::report::plots::axes::{Scale, extent};
use crate::report::plots::canvas::{Align, Canvas, Ink, Plot, SMALL, WIDTH, text_width};

/// Counts of parameters over log10 of their importance ratio, with the cut alpha.
#[derive(Debug, Clone)]
pub struct RatioPlot<'a> {
    /// File stem.
    pub name: &'a str,
    /// What it shows.
    pub title: &'a str,
    /// Bins: lower and upper edge in log10 of the ratio, and how many parameters.
    pub bins: Vec<(f64, f64, usize)>,
    /// The cut, as a ratio.
    pub alpha: f64,
}

const LEFT: f64 = 124.0;
const RIGHT: f64 = WIDTH - 36.0;
const TOP: f64 = 100.0;
const BOTTOM: f64 = 470.0;

impl RatioPlot<'_> {
    /// Draws it; counts on a logarithmic scale, since the dampened parameters are few.
    ///
    /// # Errors
    /// As [`Plot::draw`].
    pub fn draw(&self) -> Result<Plot> {
        let cut = self.alpha.log10();
        let counted = format::total(self.bins.iter().map(|bin| bin.2));
        let description = format!(
            "{} between {} and {} times as important for the flagged rows; the cut lies at {} times",
            format::counted(counted, "parameter"),
            format::number(10f64.powf(self.bins.first().map_or(0.0, |bin| bin.0))),
            format::number(10f64.powf(self.bins.last().map_or(0.0, |bin| bin.1))),
            format::number(self.alpha),
        );
        Plot::draw(self.name, self.title, &description, BOTTOM + 84.0, |canvas| self.paint(canvas, cut))
    }

    fn paint(&self, canvas: &Canvas<'_>, cut: f64) -> Result<()> {
        let edges = self.bins.iter().flat_map(|bin| [bin.0, bin.1]);
        let (low, high) = extent(edges.chain(cut.is_finite().then_some(cut)));
        let across = Scale::new(low - 0.02 * (high - low), high + 0.02 * (high - low), LEFT, RIGHT);
        let most = self.bins.iter().map(|bin| bin.2).max().unwrap_or(1).max(10) as f64;
        // A count of 1 must be seen, so the scale starts at one half.
        let up = Scale::new(0.5f64.log10(), most.log10() + 0.05, BOTTOM, TOP);
        self.paint_scales(canvas, &across, &up, most)?;
        for (from, to, count) in &self.bins {
            // An altered record may hold edges the wrong way round.
            if *count == 0 || !from.is_finite() || !to.is_finite() || from >= to {
                continue;
            }
            let top = up.at((*count as f64).log10());
            let middle = if cut.is_finite() { cut.clamp(*from, *to) } else { *to };
            let bar = |from: f64, to: f64, ink: Ink| {
                let (left, right) = (across.at(from), across.at(to));
                let gap = if right - left > 6.0 { 1.0 } else { 0.0 };
                if right > left {
                    canvas.block((left + gap, top), (right - gap, BOTTOM), ink)
                } else {
                    Ok(())
                }
            };
            bar(*from, middle, Ink::Series(6))?;
            bar(middle, *to, Ink::Before)?;
        }
        if cut.is_finite() {
            self.paint_cut(canvas, across.at(cut))?;
        }
        Ok(())
    }

    fn paint_cut(&self, canvas: &Canvas<'_>, x: f64) -> Result<()> {
        canvas.dashes(&[(x, TOP - 44.0), (x, BOTTOM)], Ink::Ink, 4)?;
        let label = format!("cut: alpha = {}", format::number(self.alpha));
        let right_side = RIGHT - x > x - LEFT;
        let (align, step) = if right_side { (Align::Start, 14.0) } else { (Align::End, -14.0) };
        canvas.text((x + step, TOP - 56.0), &label, align, SMALL, Ink::Ink)?;
        let dampened = "dampened →";
        if RIGHT - x > text_width(dampened, SMALL) + 14.0 {
            canvas.text((x + 14.0, TOP - 24.0), dampened, Align::Start, SMALL, Ink::Ink)?;
        } else {
            canvas.text((x - 14.0, TOP - 24.0), "right of the line: dampened", Align::End, SMALL, Ink::Ink)?;
        }
        Ok(())
    }

    fn paint_scales(&self, canvas: &Canvas<'_>, across: &Scale, up: &Scale, most: f64) -> Result<()> {
        canvas.text((24.0, 26.0), "parameters", Align::Start, SMALL, Ink::Muted)?;
        for power in 0..=most.log10().floor() as i32 {
            let y = up.at(f64::from(power));
            canvas.line((LEFT, y), (RIGHT, y), Ink::Grid, 2)?;
            let label = if power < 6 {
                format::count(10usize.pow(power as u32))
            } else {
                format!("1e{power}")
            };
            canvas.text((LEFT - 12.0, y), &label, Align::End, SMALL, Ink::Muted)?;
        }
        let (ticks, _) = across.ticks(6);
        let whole: Vec<f64> = ticks.into_iter().filter(|tick| (tick - tick.round()).abs() < 1e-6).collect();
        for tick in whole {
            let x = across.at(tick);
            canvas.line((x, BOTTOM), (x, BOTTOM + 8.0), Ink::Muted, 2)?;
            canvas.text((x, BOTTOM + 24.0), &ratio(tick), Align::Middle, SMALL, Ink::Muted)?;
        }
        canvas.line((LEFT, BOTTOM), (RIGHT, BOTTOM), Ink::Muted, 2)?;
        let title = "importance for the flagged rows ÷ for the rest";
        canvas.text(((LEFT + RIGHT) / 2.0, BOTTOM + 60.0), title, Align::Middle, SMALL, Ink::Muted)
    }
}

/// A power of ten as people write it.
fn ratio(power: f64) -> String {
    match power.round() as i32 {
        power @ -3..=4 => format::number(10f64.powi(power)),
        power => format!("1e{power}"),
    }
}
