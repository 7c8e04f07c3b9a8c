//! Student's t distribution, as the tests use it.

use statrs::function::beta::checked_beta_reg;

use crate::error::{Error, Result};

/// P(T > t). Keeps its digits in the far tail.
pub(crate) fn upper_tail(t: f64, degrees_of_freedom: f64) -> Result<f64> {
    let half = 0.5 * two_sided(t, degrees_of_freedom)?;
    Ok(if t > 0.0 { half } else { 1.0 - half })
}

/// P(|T| > |t|): the incomplete beta function I_x(df / 2, 1 / 2) at x = df / (df + t^2).
pub(crate) fn two_sided(t: f64, degrees_of_freedom: f64) -> Result<f64> {
    let squared = t * t;
    // Beyond the largest number: t is infinite for any purpose.
    if squared.is_infinite() {
        return Ok(0.0);
    }
    let defect = |error| {
        Error::internal(format!(
            "t distribution at t = {t}, {degrees_of_freedom} degrees of freedom: {error}"
        ))
    };
    // Near t = 0, x is so near 1 that its distance from 1 would lose its digits; the mirrored form keeps them, and p is not small.
    if squared < 1.0 {
        let x = squared / (degrees_of_freedom + squared);
        return Ok(1.0 - checked_beta_reg(0.5, degrees_of_freedom / 2.0, x).map_err(defect)?);
    }
    checked_beta_reg(degrees_of_freedom / 2.0, 0.5, degrees_of_freedom / (degrees_of_freedom + squared)).map_err(defect)
}

/// t with P(T <= t) = `share`, by bisection on the tail: slow (some hundred evaluations) and right to the last digits.
///
/// # Errors
/// If `share` is not strictly between 0 and 1.
pub(crate) fn quantile(share: f64, degrees_of_freedom: f64) -> Result<f64> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::input(format!("a quantile at `{share}` is not between 0 and 1")));
    }
    let tail = share.min(1.0 - share);
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while upper_tail(high, degrees_of_freedom)? > tail {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if upper_tail(middle, degrees_of_freedom)? > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(if share < 0.5 { -low } else { low })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden::{close, fixture, numbers};

    #[test]
    fn tails_and_quantiles_agree_with_scipy() {
        for case in fixture()["t_tails"].as_array().unwrap() {
            let values = numbers(case);
            let found = two_sided(values[0], values[1]).unwrap();
            close(found, &case[2], 1e-10, &format!("{case}"));
        }
        for case in fixture()["t_quantiles"].as_array().unwrap() {
            let values = numbers(case);
            let found = quantile(values[0], values[1]).unwrap();
            close(found, &case[2], 1e-10, &format!("{case}"));
            close(
                quantile(1.0 - values[0], values[1]).unwrap(),
                &(-values[2]).into(),
                1e-9,
                &format!("{case}"),
            );
        }
    }

    #[test]
    fn the_ends_are_finite() {
        assert_eq!(two_sided(0.0, 5.0).unwrap(), 1.0);
        assert_eq!(two_sided(f64::MAX, 5.0).unwrap(), 0.0);
        assert!(quantile(0.0, 5.0).is_err() && quantile(1.0, 5.0).is_err() && quantile(f64::NAN, 5.0).is_err());
    }
}
