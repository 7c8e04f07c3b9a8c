//! Logistic regression of two groups on one figure.

use crate::error::{Error, Result};
use crate::stats::Sample;

/// The line whose logistic function is the probability of the first group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticLine {
    /// Change of the log odds per unit of the figure.
    pub slope: f64,
    /// Log odds at 0.
    pub intercept: f64,
}

impl LogisticLine {
    /// Fits a line that tells `first` from `second`, both groups counting alike whatever their sizes: the smallest
    /// 1/2 slope^2 + sum over the values of n / (2 n_group) ln(1 + exp(-log odds of its own group)), n values in all.
    /// This is scikit-learn's `LogisticRegression(class_weight="balanced")` with its default C = 1.
    ///
    /// # Errors
    /// Where a group is empty or a value is not finite.
    pub fn balanced(first: &[f64], second: &[f64]) -> Result<Self> {
        let (first, second) = (Sample::new(first)?.values(), Sample::new(second)?.values());
        let all = (first.len() + second.len()) as f64;
        let weight = |group: &[f64]| all / (2.0 * group.len() as f64);
        let groups = [(first, weight(first), 1.0), (second, weight(second), -1.0)];
        let loss = |line: Self| {
            let of = |(values, weight, sign): &(&[f64], f64, f64)| -> f64 {
                let each = values.iter().map(|value| softplus(-sign * line.log_odds(*value)));
                weight * each.sum::<f64>()
            };
            0.5 * line.slope * line.slope + groups.iter().map(of).sum::<f64>()
        };
        let mut line = Self {
            slope: 0.0,
            intercept: 0.0,
        };
        let mut least = loss(line);
        for _ in 0..200 {
            let (gradient, [xx, xb, bb]) = derivatives(line, &groups);
            // Newton's step; the curvature is positive wherever the probabilities are not all 0 or 1.
            let determinant = xx * bb - xb * xb;
            if determinant.is_nan() || determinant <= 0.0 || gradient.0.hypot(gradient.1) < 1e-12 * all {
                break;
            }
            let step = (
                (bb * gradient.0 - xb * gradient.1) / determinant,
                (xx * gradient.1 - xb * gradient.0) / determinant,
            );
            let mut share = 1.0;
            let better = loop {
                let next = Self {
                    slope: line.slope - share * step.0,
                    intercept: line.intercept - share * step.1,
                };
                let found = loss(next);
                if found < least {
                    break Some((next, found));
                }
                share /= 2.0;
                if share < 1e-12 {
                    break None;
                }
            };
            match better {
                Some((next, found)) => (line, least) = (next, found),
                None => break,
            }
        }
        if line.slope.is_finite() && line.intercept.is_finite() {
            return Ok(line);
        }
        Err(Error::internal("a logistic regression that does not end"))
    }

    /// Log odds of belonging to the first group.
    pub fn log_odds(self, value: f64) -> f64 {
        self.slope * value + self.intercept
    }

    /// Whether a value rather belongs to the first group.
    pub fn is_first(self, value: f64) -> bool {
        self.log_odds(value) > 0.0
    }
}

/// ln(1 + exp(x)).
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// Gradient (by slope, by intercept) and curvature (slope twice, mixed, intercept twice).
fn derivatives(line: LogisticLine, groups: &[(&[f64], f64, f64)]) -> ((f64, f64), [f64; 3]) {
    let mut gradient = (line.slope, 0.0);
    let mut curvature = [1.0, 0.0, 0.0];
    for (values, weight, sign) in groups {
        for value in *values {
            let wrong = 1.0 / (1.0 + (sign * line.log_odds(*value)).exp());
            let (slope, bend) = (-sign * weight * wrong, weight * wrong * (1.0 - wrong));
            gradient.0 += slope * value;
            gradient.1 += slope;
            curvature[0] += bend * value * value;
            curvature[1] += bend * value;
            curvature[2] += bend;
        }
    }
    (gradient, curvature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_scikit_learn() {
        let text = include_str!("../../tests/fixtures/membership.json");
        let cases: serde_json::Value = serde_json::from_str(text).unwrap();
        let numbers =
            |value: &serde_json::Value| -> Vec<f64> { value.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect() };
        for case in cases.as_array().unwrap() {
            let line = LogisticLine::balanced(&numbers(&case["members"]), &numbers(&case["others"])).unwrap();
            for (found, name) in [(line.slope, "slope"), (line.intercept, "intercept")] {
                let expected = case[name].as_f64().unwrap();
                assert!(
                    (found - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                    "{name}: {found} and not {expected}"
                );
            }
        }
    }

    #[test]
    fn separated_equal_and_broken_groups_end_well() {
        let line = LogisticLine::balanced(&[0.0; 50], &[1.0; 50]).unwrap();
        assert!(line.is_first(0.0) && !line.is_first(1.0), "{line:?}");
        let line = LogisticLine::balanced(&[0.5; 3], &[0.5; 400]).unwrap();
        assert!(line.slope.abs() < 1e-9 && line.intercept.abs() < 1e-9, "{line:?}");
        assert!(LogisticLine::balanced(&[], &[1.0]).is_err());
        assert!(LogisticLine::balanced(&[0.0], &[f64::NAN]).is_err());
    }
}
