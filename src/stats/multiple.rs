//! Corrections for many tests.

use crate::error::{Error, Result};

/// Holm's step-down correction (Holm 1979): adjusted p-values in the order given, for control of the family-wise error rate under any dependence.
///
/// # Errors
/// If a p-value is not within 0..=1. An empty family gives an empty answer.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max((p_values.len() - rank) as f64 * p_values[index]);
        adjusted[index] = largest.min(1.0);
    }
    Ok(adjusted)
}

/// Benjamini and Hochberg's step-up correction (1995): adjusted p-values in the order given, for control of the false discovery rate.
///
/// # Errors
/// If a p-value is not within 0..=1. An empty family gives an empty answer.
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values.len() as f64 * p_values[index] / (rank + 1) as f64);
        adjusted[index] = smallest;
    }
    Ok(adjusted)
}

fn ascending(p_values: &[f64]) -> Result<Vec<usize>> {
    if let Some(wrong) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::input(format!("`{wrong}` is not a p-value")));
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_p_value_is_refused() {
        assert!(holm(&[0.1, f64::NAN]).is_err());
        assert!(benjamini_hochberg(&[1.1]).is_err());
        assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
        assert_eq!(holm(&[0.03]).unwrap(), [0.03]);
    }

    #[test]
    fn scipy_agrees() {
        use crate::stats::golden::{close, fixture, numbers};
        for case in fixture()["multiple"].as_array().unwrap() {
            let p = numbers(&case["p"]);
            let (holm, stepped_up) = (holm(&p).unwrap(), benjamini_hochberg(&p).unwrap());
            for index in 0..p.len() {
                close(holm[index], &case["holm"][index], 1e-14, &format!("{p:?}"));
                close(stepped_up[index], &case["benjamini_hochberg"][index], 1e-14, &format!("{p:?}"));
            }
        }
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]).unwrap(), [0.03, 0.06, 0.06, 0.02]);
        assert_eq!(benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]).unwrap(), [0.02, 0.04, 0.04, 0.02]);
    }

    proptest! {
        /// Holm rejects at a level exactly where stepping down through the sorted p-values does.
        #[test]
        fn holm_rejects_what_the_step_down_rejects(p in prop::collection::vec(0.0_f64..0.2, 1..12), level in 0.01_f64..0.2) {
            let adjusted = holm(&p).unwrap();
            let mut order: Vec<usize> = (0..p.len()).collect();
            order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
            let mut rejected = vec![false; p.len()];
            for (rank, &index) in order.iter().enumerate() {
                if p[index] * (p.len() - rank) as f64 > level {
                    break;
                }
                rejected[index] = true;
            }
            for index in 0..p.len() {
                prop_assert_eq!(adjusted[index] <= level, rejected[index]);
                prop_assert!(adjusted[index] >= p[index] && adjusted[index] <= (p.len() as f64 * p[index]).min(1.0));
            }
        }

        /// Benjamini-Hochberg rejects the k smallest for the largest k with p(k) <= k / m * level.
        #[test]
        fn benjamini_hochberg_rejects_what_the_step_up_rejects(p in prop::collection::vec(0.0_f64..0.2, 1..12), level in 0.01_f64..0.2) {
            let adjusted = benjamini_hochberg(&p).unwrap();
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let count = (1..=p.len()).rev().find(|&k| p.len() as f64 * sorted[k - 1] / k as f64 <= level).unwrap_or(0);
            prop_assert_eq!(adjusted.iter().filter(|&&value| value <= level).count(), count);
        }
    }
}
