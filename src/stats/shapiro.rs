//! The Shapiro-Wilk test of normality.

use statrs::distribution::{ContinuousCDF, Normal};

use super::sample::Sample;
use crate::error::{Error, Result};

/// W (1 is perfectly normal) and its p-value: small means not normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapiroWilk {
    /// Statistic.
    pub w: f64,
    /// p-value.
    pub p: f64,
}

// Polynomial coefficients of Royston (1995), lowest power first.
const LAST_WEIGHT: [f64; 6] = [0.0, 0.221_157, -0.147_981, -2.071_19, 4.434_685, -2.706_056];
const SECOND_WEIGHT: [f64; 6] = [0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633];
const SMALL_MEAN: [f64; 4] = [0.544, -0.399_78, 0.025_054, -6.714e-4];
const SMALL_SPREAD: [f64; 4] = [1.382_2, -0.778_57, 0.062_767, -0.002_032_2];
const LARGE_MEAN: [f64; 4] = [-1.586_1, -0.310_82, -0.083_751, 0.003_891_5];
const LARGE_SPREAD: [f64; 3] = [-0.480_3, -0.082_676, 0.003_030_2];
const SMALL_GAMMA: [f64; 2] = [-2.273, 0.459];

/// Shapiro-Wilk test by Royston's approximation (Applied Statistics 44, 1995, algorithm AS R94), for 3 to 5,000 values.
///
/// # Errors
/// With fewer than 3 or more than 5,000 values (beyond which the approximation was not made), or if they do not vary.
pub fn shapiro_wilk(sample: Sample) -> Result<ShapiroWilk> {
    sample.at_least(3, "the Shapiro-Wilk test")?;
    if sample.len() > 5_000 {
        return Err(Error::input(format!(
            "the Shapiro-Wilk test works for up to 5,000 values, got {}",
            sample.len()
        )));
    }
    if !sample.varies() {
        return Err(Error::input("the Shapiro-Wilk test is not defined: all values are the same"));
    }
    let values = sample.sorted();
    let n = values.len();
    let weights = weights(n);
    // Scaled by the range, as the algorithm does, so that the sums stay near 1.
    let range = values[n - 1] - values[0];
    let mean = sample.mean();
    let along: f64 = (0..n / 2).map(|i| weights[i] * (values[n - 1 - i] - values[i]) / range).sum();
    let squares: f64 = values.iter().map(|value| ((value - mean) / range).powi(2)).sum();
    let of_weights: f64 = 2.0 * weights.iter().map(|weight| weight * weight).sum::<f64>();
    // 1 - W from the difference of roots: W itself is too near 1 to subtract from.
    let product = (of_weights * squares).sqrt();
    let one_minus_w = ((product - along) * (product + along) / (of_weights * squares)).max(0.0);
    Ok(ShapiroWilk {
        w: 1.0 - one_minus_w,
        p: p_value(one_minus_w, n),
    })
}

/// Weights of the upper half of the order statistics, outermost first; the lower half has the same with the opposite sign.
fn weights(n: usize) -> Vec<f64> {
    let half = n / 2;
    if n == 3 {
        return vec![0.5_f64.sqrt()];
    }
    let normal = Normal::standard();
    let scores: Vec<f64> = (1..=half)
        .map(|i| -normal.inverse_cdf((i as f64 - 0.375) / (n as f64 + 0.25)))
        .collect();
    let squares = 2.0 * scores.iter().map(|score| score * score).sum::<f64>();
    let small = 1.0 / (n as f64).sqrt();
    let first = polynomial(&LAST_WEIGHT, small) + scores[0] / squares.sqrt();
    let mut weights = vec![first];
    let mut remaining = (squares - 2.0 * scores[0].powi(2), 1.0 - 2.0 * first * first);
    if n > 5 {
        let second = polynomial(&SECOND_WEIGHT, small) + scores[1] / squares.sqrt();
        weights.push(second);
        remaining.0 -= 2.0 * scores[1].powi(2);
        remaining.1 -= 2.0 * second * second;
    }
    let factor = (remaining.0 / remaining.1).sqrt();
    let done = weights.len();
    weights.extend(scores[done..].iter().map(|score| score / factor));
    weights
}

fn p_value(one_minus_w: f64, n: usize) -> f64 {
    if n == 3 {
        let root = (1.0 - one_minus_w).max(0.0).sqrt();
        let p = 6.0 / std::f64::consts::PI * (root.asin() - 0.75_f64.sqrt().asin());
        return p.clamp(0.0, 1.0);
    }
    let log = one_minus_w.ln();
    let count = n as f64;
    let (transformed, mean, spread) = if n <= 11 {
        let gamma = polynomial(&SMALL_GAMMA, count);
        if log >= gamma {
            return 1e-99;
        }
        (
            -(gamma - log).ln(),
            polynomial(&SMALL_MEAN, count),
            polynomial(&SMALL_SPREAD, count).exp(),
        )
    } else {
        (
            log,
            polynomial(&LARGE_MEAN, count.ln()),
            polynomial(&LARGE_SPREAD, count.ln()).exp(),
        )
    };
    if !transformed.is_finite() {
        // W is 1 to the last digit.
        return 1.0;
    }
    Normal::standard().sf((transformed - mean) / spread)
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |value, coefficient| value * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden::{close, fixture, numbers};

    #[test]
    fn scipy_agrees() {
        let fixture = fixture();
        let mut checked = 0;
        for (name, case) in fixture["samples"].as_object().unwrap() {
            if let Some(expected) = case.get("shapiro") {
                let found = shapiro_wilk(Sample::new(&numbers(&case["values"])).unwrap()).unwrap();
                close(found.w, &expected["w"], 1e-9, name);
                close(found.p, &expected["p"], 1e-7, name);
                checked += 1;
            }
        }
        for case in fixture["shapiro_small"].as_array().unwrap() {
            let values = numbers(&case[0]);
            let found = shapiro_wilk(Sample::new(&values).unwrap()).unwrap();
            close(found.w, &case[1], 1e-9, &format!("{values:?}"));
            close(found.p, &case[2], 1e-7, &format!("{values:?}"));
            checked += 1;
        }
        assert!(checked > 15);
    }

    #[test]
    fn what_has_no_shape_is_refused() {
        assert!(shapiro_wilk(Sample::new(&[1.0, 2.0]).unwrap()).is_err());
        assert!(shapiro_wilk(Sample::new(&[2.0; 9]).unwrap()).is_err());
        assert!(shapiro_wilk(Sample::new(&vec![1.0; 5_001]).unwrap()).is_err());
    }
}
