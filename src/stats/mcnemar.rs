//! McNemar's test on two classifiers judged on the same rows: only the rows on which exactly one is right count.

use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::function::gamma::ln_gamma;

use crate::error::{Error, Result};

/// A test statistic and its two-sided p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Chi-squared statistic with one degree of freedom.
    pub statistic: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// Exact two-sided p-value: twice the smaller binomial(n = fixed + broken, 1/2) tail, at most 1; 1 where no row changed.
///
/// `fixed` and `broken` are the two discordant counts; the order does not matter (McNemar 1947, in its exact form).
pub fn mcnemar_exact(fixed: u64, broken: u64) -> f64 {
    let rows = fixed + broken;
    let smaller = fixed.min(broken);
    if fixed == broken {
        return 1.0;
    }
    (2.0 * half_binomial_at_most(rows, smaller)).min(1.0)
}

/// Mid-p form of the exact test: the observed table counts half (Fagerland, Lydersen and Laake 2013). Less conservative; 1 where no row changed.
pub fn mcnemar_mid_p(fixed: u64, broken: u64) -> f64 {
    let rows = fixed + broken;
    let smaller = fixed.min(broken);
    if fixed == broken {
        // 2 * (tail up to and with the middle) - point = 1 by symmetry.
        return 1.0;
    }
    (2.0 * half_binomial_at_most(rows, smaller) - half_binomial_exactly(rows, smaller)).clamp(0.0, 1.0)
}

/// Chi-squared form, with or without Edwards' continuity correction `(|fixed - broken| - 1)^2 / (fixed + broken)`.
///
/// # Errors
/// If no row changed: the statistic is 0 / 0.
pub fn mcnemar_chi_squared(fixed: u64, broken: u64, continuity_correction: bool) -> Result<McNemar> {
    if fixed + broken == 0 {
        return Err(Error::input(
            "McNemar's chi-squared is not defined where no row changed; the exact test gives p = 1",
        ));
    }
    let gap = fixed.abs_diff(broken) as f64;
    let gap = if continuity_correction { (gap - 1.0).max(0.0) } else { gap };
    let statistic = gap * gap / (fixed + broken) as f64;
    let distribution = ChiSquared::new(1.0).map_err(|error| Error::internal(format!("chi-squared(1): {error}")))?;
    Ok(McNemar {
        statistic,
        p: distribution.sf(statistic),
    })
}

/// P(X = k) for X ~ binomial(n, 1/2).
fn half_binomial_exactly(n: u64, k: u64) -> f64 {
    let (n, k) = (n as f64, k as f64);
    (ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0) - n * std::f64::consts::LN_2).exp()
}

/// P(X <= k) for X ~ binomial(n, 1/2), k < n / 2: the terms fall at least geometrically from k downward, so they are summed from there.
fn half_binomial_at_most(n: u64, k: u64) -> f64 {
    // Relative to the largest term, so that a tiny tail keeps its digits.
    let (mut term, mut total) = (1.0_f64, 1.0_f64);
    let mut index = k;
    while index > 0 && term > 1e-18 * total {
        term *= index as f64 / (n - index + 1) as f64;
        total += term;
        index -= 1;
    }
    half_binomial_exactly(n, k) * total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden::close;
    use proptest::prelude::*;

    /// Sum over all outcomes that are no likelier than the observed one, with exact integers.
    fn enumerated(fixed: u64, broken: u64) -> f64 {
        let n = fixed + broken;
        let ways = |k: u64| (0..k).fold(1_u128, |ways, i| ways * u128::from(n - i) / u128::from(i + 1));
        let gap = fixed.abs_diff(broken);
        let extreme: u128 = (0..=n).filter(|k| (n - k).abs_diff(*k) >= gap).map(ways).sum();
        extreme as f64 / 2.0_f64.powi(n as i32)
    }

    #[test]
    fn the_exact_test_equals_the_enumerated_binomial() {
        for fixed in 0..=40 {
            for broken in 0..=40 {
                let (fast, slow) = (mcnemar_exact(fixed, broken), enumerated(fixed, broken));
                assert!((fast - slow).abs() <= 1e-12 * slow, "{fixed} {broken}: {fast} {slow}");
            }
        }
    }

    #[test]
    fn scipy_agrees() {
        for case in crate::stats::golden::fixture()["mcnemar"].as_array().unwrap() {
            let name = case.to_string();
            let (fixed, broken) = (case["fixed"].as_u64().unwrap(), case["broken"].as_u64().unwrap());
            close(mcnemar_exact(fixed, broken), &case["p_exact"], 1e-9, &name);
            close(mcnemar_mid_p(fixed, broken), &case["p_mid"], 1e-9, &name);
            let plain = mcnemar_chi_squared(fixed, broken, false).unwrap();
            close(plain.statistic, &case["chi2"], 1e-14, &name);
            close(plain.p, &case["chi2_p"], 1e-11, &name);
            let corrected = mcnemar_chi_squared(fixed, broken, true).unwrap();
            close(corrected.statistic, &case["chi2_corrected"], 1e-14, &name);
            close(corrected.p, &case["chi2_corrected_p"], 1e-11, &name);
        }
    }

    #[test]
    fn the_published_table_gives_the_published_values() {
        // statsmodels' documentation: [[101, 121], [59, 33]].
        assert!((mcnemar_exact(121, 59) - 4.434_449e-6).abs() < 1e-12);
        assert!((mcnemar_chi_squared(121, 59, true).unwrap().statistic - 20.672_22).abs() < 1e-5);
        assert!((mcnemar_chi_squared(121, 59, false).unwrap().statistic - 21.355_56).abs() < 1e-5);
    }

    #[test]
    fn no_changed_row_gives_p_one_and_no_chi_squared() {
        assert_eq!(mcnemar_exact(0, 0), 1.0);
        assert_eq!(mcnemar_mid_p(0, 0), 1.0);
        assert!(mcnemar_chi_squared(0, 0, true).is_err());
    }

    #[test]
    fn a_million_changed_rows_are_quick_and_finite() {
        let p = mcnemar_exact(500_000, 502_000);
        // Normal approximation with continuity correction: z = 1999 / sqrt(1002000).
        assert!((p - 0.04582).abs() < 2e-5, "{p}");
        assert!(mcnemar_exact(0, 3_000) == 0.0 || mcnemar_exact(0, 3_000) < 1e-300);
    }

    proptest! {
        #[test]
        fn the_p_value_is_symmetric_and_falls_with_the_gap(a in 0_u64..3_000, b in 0_u64..3_000) {
            let p = mcnemar_exact(a, b);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert_eq!(p, mcnemar_exact(b, a));
            prop_assert!(mcnemar_mid_p(a, b) <= p);
            if a > b && b > 0 {
                prop_assert!(mcnemar_exact(a + 1, b - 1) < p || p == 0.0);
            }
        }
    }
}
