//! Intervals for a share.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::error::{Error, Result};

/// Wilson's score interval `(low, high)` for a share of `successes` among `trials` (Wilson 1927; Brown, Cai and DasGupta 2001).
/// Within 0..=1 and never of zero width, also where no or every trial succeeds.
///
/// # Errors
/// If there are no trials, more successes than trials, or `level` (such as 0.95) is not within 0..1.
pub fn wilson(successes: u64, trials: u64, level: f64) -> Result<(f64, f64)> {
    if trials == 0 || successes > trials {
        return Err(Error::input(format!("a share of {successes} in {trials} is not defined")));
    }
    let z = two_sided_normal_quantile(level)?;
    let (n, share) = (trials as f64, successes as f64 / trials as f64);
    let squared = z * z;
    let centre = (share + squared / (2.0 * n)) / (1.0 + squared / n);
    let half = z / (1.0 + squared / n) * (share * (1.0 - share) / n + squared / (4.0 * n * n)).sqrt();
    // The end that the share itself touches is exact, not rounded.
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (centre + half).min(1.0) };
    Ok((low, high))
}

/// Standard error of a share of independent trials: sqrt(share (1 - share) / trials).
///
/// # Errors
/// If there are no trials or the share is not within 0..=1.
pub fn proportion_standard_error(share: f64, trials: u64) -> Result<f64> {
    if trials == 0 || !(0.0..=1.0).contains(&share) {
        return Err(Error::input(format!("a share of `{share}` of {trials} has no standard error")));
    }
    Ok((share * (1.0 - share) / trials as f64).sqrt())
}

/// z with P(|Z| <= z) = `level`.
pub(crate) fn two_sided_normal_quantile(level: f64) -> Result<f64> {
    check_level(level)?;
    Ok(Normal::standard().inverse_cdf(0.5 + level / 2.0))
}

/// An error unless `level` is strictly between 0 and 1.
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::input(format!("a confidence level of `{level}` is not between 0 and 1")).hint("use 0.95"))
}

/// One-sided p-value that an estimate lies above another, both normal with these variances.
///
/// # Errors
/// Where a figure is not finite, or both variances are zero.
pub fn exceeds((estimate, variance): (f64, f64), (other, other_variance): (f64, f64)) -> Result<f64> {
    let spread = variance + other_variance;
    if !estimate.is_finite() || !other.is_finite() || !spread.is_finite() || spread <= 0.0 {
        return Err(Error::input("two estimates can be compared only where both are finite and vary"));
    }
    Ok(Normal::standard().sf((estimate - other) / spread.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scipy_agrees() {
        for case in crate::stats::golden::fixture()["wilson"].as_array().unwrap() {
            let name = case.to_string();
            let (low, high) = wilson(case[0].as_u64().unwrap(), case[1].as_u64().unwrap(), case[2].as_f64().unwrap()).unwrap();
            // Where the limit is 0 or 1 SciPy's has a rounding error.
            assert!((low - case[3].as_f64().unwrap()).abs() < 1e-12, "{name}");
            assert!((high - case[4].as_f64().unwrap()).abs() < 1e-12, "{name}");
        }
    }

    #[test]
    fn a_share_has_its_textbook_standard_error() {
        assert!((proportion_standard_error(0.878, 11_898).unwrap() - 0.003_000_4).abs() < 1e-7);
        assert!(proportion_standard_error(0.5, 0).is_err() && proportion_standard_error(1.5, 3).is_err());
    }

    #[test]
    fn wilson_refuses_what_is_no_share() {
        assert!(wilson(0, 0, 0.95).is_err());
        assert!(wilson(3, 2, 0.95).is_err());
        assert!(wilson(1, 2, 1.0).is_err());
        assert!(wilson(1, 2, f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn wilson_holds_the_share_and_mirrors(trials in 1_u64..5_000, part in 0.0_f64..=1.0) {
            let successes = (trials as f64 * part) as u64;
            let (low, high) = wilson(successes, trials, 0.95).unwrap();
            let share = successes as f64 / trials as f64;
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0 && low < high);
            let (mirror_low, mirror_high) = wilson(trials - successes, trials, 0.95).unwrap();
            prop_assert!((low - (1.0 - mirror_high)).abs() < 1e-12 && (high - (1.0 - mirror_low)).abs() < 1e-12);
            prop_assert!(wilson(successes, trials, 0.99).unwrap().1 >= high);
        }
    }
}
