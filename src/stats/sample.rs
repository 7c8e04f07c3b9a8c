//! A sample that can be summarised: at least one value, all of them finite.

use crate::error::{Error, Result};

/// Values that summaries and tests may work on: at least one, all finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    values: &'a [f64],
}

impl<'a> Sample<'a> {
    /// Checks the values.
    ///
    /// # Errors
    /// If there are none, or one is NaN or infinite (its position is named, counted from 1).
    pub fn new(values: &'a [f64]) -> Result<Self> {
        if values.is_empty() {
            return Err(Error::input("a statistic needs at least one value, and there are none"));
        }
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::input(format!(
                "value {} of {} is `{}`, not a finite number",
                position + 1,
                values.len(),
                values[position]
            )));
        }
        Ok(Self { values })
    }

    /// The values, in the order given.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// How many there are; at least 1.
    #[allow(clippy::len_without_is_empty)] // a sample is never empty
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The same sample, or an error if it has fewer than `least` values; `what` names the statistic.
    pub fn at_least(self, least: usize, what: &str) -> Result<Self> {
        if self.len() < least {
            return Err(Error::input(format!("{what} needs at least {least} values, got {}", self.len())));
        }
        Ok(self)
    }

    /// Arithmetic mean.
    pub fn mean(&self) -> f64 {
        sum(self.values.iter().copied()) / self.len() as f64
    }

    /// Variance with divisor n - 1.
    ///
    /// # Errors
    /// If there is only one value.
    pub fn variance(&self) -> Result<f64> {
        self.at_least(2, "a variance")?;
        Ok(self.sum_of_squares() / (self.len() - 1) as f64)
    }

    /// Standard deviation with divisor n - 1.
    ///
    /// # Errors
    /// If there is only one value.
    pub fn standard_deviation(&self) -> Result<f64> {
        Ok(self.variance()?.sqrt())
    }

    /// Sum of squared deviations from the mean, corrected for the rounding of the mean.
    pub(crate) fn sum_of_squares(&self) -> f64 {
        let mean = self.mean();
        let squares = sum(self.values.iter().map(|value| (value - mean) * (value - mean)));
        let drift = sum(self.values.iter().map(|value| value - mean));
        (squares - drift * drift / self.len() as f64).max(0.0)
    }

    /// Whether the values vary by more than rounding: a standard deviation above 1e-13 of the largest magnitude.
    ///
    /// Tests divide by a standard deviation; where it is only rounding noise (0.1 + 0.2 against 0.3) their answer would be noise too.
    pub fn varies(&self) -> bool {
        let largest = self.values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        self.len() > 1 && (self.sum_of_squares() / (self.len() - 1) as f64).sqrt() > 1e-13 * largest
    }

    /// The values in ascending order.
    pub fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// Quantile with linear interpolation between order statistics (numpy's default; type 7 of Hyndman and Fan 1996).
    ///
    /// # Errors
    /// If `share` is not within 0..=1.
    pub fn quantile(&self, share: f64) -> Result<f64> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::input(format!(
                "a quantile is asked for at `{share}`, which is not between 0 and 1"
            )));
        }
        Ok(quantile_of_sorted(&self.sorted(), share))
    }

    /// Median: the middle value, or the mean of the two middle ones.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            sorted[middle - 1] + (sorted[middle] - sorted[middle - 1]) / 2.0
        }
    }
}

/// How many rows say as much as one, where those of a group say the same: the mean size of a row's group.
pub(crate) fn design_effect(groups: Option<&[u32]>) -> f64 {
    let Some(groups) = groups else { return 1.0 };
    let mut sizes: std::collections::BTreeMap<u32, f64> = std::collections::BTreeMap::new();
    groups.iter().for_each(|group| *sizes.entry(*group).or_default() += 1.0);
    sizes.values().map(|size| size * size).sum::<f64>() / (groups.len() as f64).max(1.0)
}

/// Type-7 quantile of ascending, non-empty values; `share` within 0..=1.
pub(crate) fn quantile_of_sorted(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let below = (position.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    let fraction = position - below as f64;
    let span = sorted[above] - sorted[below];
    // As numpy does it: from the nearer end, so that the result never leaves [below, above].
    if fraction < 0.5 {
        sorted[below] + span * fraction
    } else {
        sorted[above] - span * (1.0 - fraction)
    }
}

/// Sum with Neumaier's compensation: right to about one rounding whatever the order.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    total + lost
}

/// `after - before`, pair by pair.
///
/// # Errors
/// If the lengths differ.
pub fn differences(after: &[f64], before: &[f64]) -> Result<Vec<f64>> {
    if after.len() != before.len() {
        return Err(Error::input(format!(
            "paired values are needed, but there are {} before and {} after",
            before.len(),
            after.len()
        )));
    }
    Ok(after.iter().zip(before).map(|(after, before)| after - before).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sample_refuses_what_has_no_summary() {
        assert!(Sample::new(&[]).unwrap_err().message().contains("at least one value"));
        let error = Sample::new(&[1.0, f64::NAN]).unwrap_err();
        assert!(error.message().contains("value 2 of 2"), "{error}");
        assert!(Sample::new(&[f64::INFINITY]).is_err());
        assert!(Sample::new(&[1.0]).unwrap().variance().is_err());
        assert!(Sample::new(&[1.0]).unwrap().quantile(1.5).is_err());
        assert!(Sample::new(&[1.0]).unwrap().quantile(f64::NAN).is_err());
        assert!(differences(&[1.0], &[1.0, 2.0]).is_err());
    }

    #[test]
    fn numpy_agrees() {
        use crate::stats::golden::{close, fixture, numbers};
        for (name, case) in fixture()["samples"].as_object().unwrap() {
            let values = numbers(&case["values"]);
            let sample = Sample::new(&values).unwrap();
            close(sample.mean(), &case["mean"], 1e-13, name);
            close(sample.variance().unwrap(), &case["variance"], 1e-13, name);
            close(sample.median(), &case["median"], 1e-15, name);
            for pair in case["quantiles"].as_array().unwrap() {
                close(sample.quantile(pair[0].as_f64().unwrap()).unwrap(), &pair[1], 1e-13, name);
            }
        }
    }

    #[test]
    fn compensated_sums_keep_what_plain_sums_lose() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
        let shifted: Vec<f64> = [4.0, 7.0, 13.0, 16.0].iter().map(|value| value + 1e9).collect();
        assert_eq!(Sample::new(&shifted).unwrap().variance().unwrap(), 30.0);
    }

    #[test]
    fn rounding_noise_is_not_variation() {
        let noise = [0.1 + 0.2, 0.3, 0.3];
        assert!(noise[0] != noise[1]);
        assert!(!Sample::new(&noise).unwrap().varies());
        assert!(!Sample::new(&[0.0, 0.0]).unwrap().varies());
        assert!(!Sample::new(&[5.0]).unwrap().varies());
        assert!(Sample::new(&[0.3, 0.300_001]).unwrap().varies());
    }

    proptest! {
        #[test]
        fn quantiles_rise_and_end_at_the_extremes(values in prop::collection::vec(-1e6_f64..1e6, 1..40), a in 0.0_f64..=1.0, b in 0.0_f64..=1.0) {
            let sample = Sample::new(&values).unwrap();
            let sorted = sample.sorted();
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(sample.quantile(low).unwrap() <= sample.quantile(high).unwrap());
            prop_assert_eq!(sample.quantile(0.0).unwrap(), sorted[0]);
            prop_assert_eq!(sample.quantile(1.0).unwrap(), sorted[sorted.len() - 1]);
            prop_assert!((sample.quantile(0.5).unwrap() - sample.median()).abs() <= 1e-9);
        }

        #[test]
        fn the_order_of_the_values_does_not_matter(values in prop::collection::vec(-1e6_f64..1e6, 2..40)) {
            let mut turned = values.clone();
            turned.reverse();
            let (one, two) = (Sample::new(&values).unwrap(), Sample::new(&turned).unwrap());
            prop_assert!((one.mean() - two.mean()).abs() <= 1e-15 * one.mean().abs().max(1.0));
            let (a, b) = (one.variance().unwrap(), two.variance().unwrap());
            prop_assert!((a - b).abs() <= 1e-12 * a.max(1e-300));
        }
    }
}
