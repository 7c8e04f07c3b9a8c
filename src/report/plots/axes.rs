//! Scales with round ticks.

use crate::error::Result;
use crate::report::plots::canvas::{Align, Canvas, Ink, SMALL};

/// Maps values onto units of the sheet.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// `low` stands at `from`, `high` at `to`. A range that is empty or not finite is widened so that nothing divides by 0.
    pub fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = if low.is_finite() { low } else { 0.0 };
        let high = if high.is_finite() { high } else { low + 1.0 };
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        let least = (low.abs().max(high.abs()) * 1e-9).max(1e-12);
        let (low, high) = if high - low < least {
            (low - least.max(0.5e-3), high + least.max(0.5e-3))
        } else {
            (low, high)
        };
        Self { low, high, from, to }
    }

    /// Covers all values with a margin of 6 % at both ends.
    pub fn around(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = extent(values);
        let margin = (high - low) * 0.06;
        Self::new(low - margin, high + margin, from, to)
    }

    /// Where a value stands; values outside the scale stand at its ends.
    pub fn at(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + (self.to - self.from) * if share.is_finite() { share } else { 0.0 }
    }

    /// About `wanted` round values within the scale, and how many decimals they need.
    pub fn ticks(&self, wanted: usize) -> (Vec<f64>, usize) {
        let span = self.high - self.low;
        let raw = span / wanted.max(1) as f64;
        let power = raw.log10().floor();
        let unit = 10f64.powf(power);
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * unit)
            .find(|step| *step >= raw * 0.999)
            .unwrap_or(10.0 * unit);
        let first = (self.low / step - 1e-9).ceil();
        let ticks: Vec<f64> = (0..=4 * wanted.max(1))
            .map(|place| (first + place as f64) * step)
            .take_while(|tick| *tick <= self.high + step * 1e-9)
            // 0 computed as a multiple of a step may come out as -0 or as a speck.
            .map(|tick| if tick.abs() < step * 1e-6 { 0.0 } else { tick })
            .collect();
        let two_and_a_half = usize::from((step / unit - 2.5).abs() < 1e-6);
        let decimals = (-(step * 1.0001).log10().floor()).max(0.0) as usize + two_and_a_half;
        (ticks, decimals.min(8))
    }
}

/// Least and greatest finite value; 0 and 1 where there is none.
pub fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })
        .unwrap_or((0.0, 1.0))
}

/// A scale from left to right below a plot, at `bottom`: grid lines through the lanes (top and bottom of each), labels, and what is measured.
pub fn axis_below(
    canvas: &Canvas<'_>,
    scale: &Scale,
    lanes: impl Iterator<Item = (f64, f64)> + Clone,
    bottom: f64,
    title: &str,
    label: impl Fn(f64, usize) -> String,
) -> Result<()> {
    let (ticks, decimals) = scale.ticks(5);
    for tick in ticks {
        let x = scale.at(tick);
        for (top, bottom) in lanes.clone() {
            canvas.line((x, top), (x, bottom), Ink::Grid, 2)?;
        }
        canvas.text((x, bottom + 22.0), &label(tick, decimals), Align::Middle, SMALL, Ink::Muted)?;
    }
    canvas.text(
        ((scale.from + scale.to) / 2.0, bottom + 56.0),
        title,
        Align::Middle,
        SMALL,
        Ink::Muted,
    )
}

/// A scale from bottom to top at the left of a plot: grid lines from `left` to `right`, labels left of them.
pub fn axis_left(canvas: &Canvas<'_>, scale: &Scale, (left, right): (f64, f64), label: impl Fn(f64, usize) -> String) -> Result<()> {
    let (ticks, decimals) = scale.ticks(5);
    for tick in ticks {
        let y = scale.at(tick);
        canvas.line((left, y), (right, y), Ink::Grid, 2)?;
        canvas.text((left - 12.0, y), &label(tick, decimals), Align::End, SMALL, Ink::Muted)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_lie_within_the_scale_and_name_their_decimals() {
        let (ticks, decimals) = Scale::new(-0.23, 1.61, 0.0, 1.0).ticks(5);
        assert_eq!(ticks, [0.0, 0.5, 1.0, 1.5]);
        assert_eq!(decimals, 1);
        let (ticks, decimals) = Scale::new(0.0, 1.0, 0.0, 1.0).ticks(4);
        assert_eq!(ticks, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(decimals, 2);
        let (ticks, decimals) = Scale::new(0.0, 40_000.0, 0.0, 1.0).ticks(4);
        assert_eq!(ticks, [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0]);
        assert_eq!(decimals, 0);
    }

    #[test]
    fn a_scale_without_a_range_still_has_one() {
        for (low, high) in [
            (0.0, 0.0),
            (5.0, 5.0),
            (f64::NAN, 1.0),
            (1.0, f64::INFINITY),
            (1e300, 1e300),
            (3.0, 1.0),
        ] {
            let scale = Scale::new(low, high, 0.0, 100.0);
            assert!(scale.at(low).is_finite() && scale.at(high).is_finite(), "{low} {high}");
            assert!(scale.ticks(5).0.len() <= 21);
        }
        assert_eq!(extent([f64::NAN, 2.0, -1.0]), (-1.0, 2.0));
        assert_eq!(extent([]), (0.0, 1.0));
    }
}
