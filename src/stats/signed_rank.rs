//! Wilcoxon's signed-rank test and the matched rank-biserial correlation.

use statrs::distribution::{ContinuousCDF, Normal};

use super::ranks::{average_ranks, tie_term};
use super::sample::Sample;
use crate::error::{Error, Result};

/// Up to this many non-zero differences the p-value is exact.
const EXACT_UP_TO: usize = 50;

/// Result of the signed-rank test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Sum of the ranks of positive differences.
    pub plus: f64,
    /// Sum of the ranks of negative differences.
    pub minus: f64,
    /// Differences that are not 0.
    pub pairs: usize,
    /// Differences that are 0 and were dropped.
    pub zeros: usize,
    /// Two-sided p-value.
    pub p: f64,
    /// Whether it is exact (else the normal approximation).
    pub exact: bool,
    /// Matched rank-biserial correlation (Kerby 2014): (plus - minus) / (plus + minus), from -1 to 1.
    pub rank_biserial: f64,
}

impl SignedRank {
    /// The smaller rank sum, which tables and SciPy call W.
    pub fn w(&self) -> f64 {
        self.plus.min(self.minus)
    }
}

/// Wilcoxon's signed-rank test on differences: are they symmetric about 0?
///
/// Zeros are dropped (Wilcoxon's way, SciPy's default) and equal magnitudes share their average rank. Up to 50 non-zero differences
/// the p-value is exact, given the ties: the distribution of the rank sum over all sign choices. Above, it is the normal approximation
/// with tie correction and without continuity correction, as SciPy's. (With ties or zeros, SciPy's `method="auto"` gives the same exact
/// value up to 13 differences and already turns to the normal approximation from 14.)
///
/// Equal means equal to the last bit: differences of shares should be rounded first (see `evaluate::cell_summary`).
///
/// # Errors
/// If all differences are 0.
pub fn wilcoxon(differences: Sample) -> Result<SignedRank> {
    signed_rank(differences, EXACT_UP_TO, false)
}

fn signed_rank(differences: Sample, exact_up_to: usize, continuity_correction: bool) -> Result<SignedRank> {
    let kept: Vec<f64> = differences.values().iter().copied().filter(|value| *value != 0.0).collect();
    if kept.is_empty() {
        return Err(Error::input(format!(
            "a signed-rank test is not defined: all {} differences are 0",
            differences.len()
        )));
    }
    let magnitudes: Vec<f64> = kept.iter().map(|value| value.abs()).collect();
    let (ranks, ties) = average_ranks(&magnitudes);
    let rank_sum = |positive: bool| -> f64 {
        kept.iter()
            .zip(&ranks)
            .filter(|(value, _)| (**value > 0.0) == positive)
            .map(|(_, rank)| rank)
            .sum()
    };
    let (plus, minus) = (rank_sum(true), rank_sum(false));
    let exact = kept.len() <= exact_up_to;
    let p = if exact {
        exact_p(&ranks, plus.max(minus))
    } else {
        normal_p(kept.len() as f64, &ties, plus, continuity_correction)
    };
    Ok(SignedRank {
        plus,
        minus,
        pairs: kept.len(),
        zeros: differences.len() - kept.len(),
        p,
        exact,
        rank_biserial: (plus - minus) / (plus + minus),
    })
}

/// Twice P(rank sum >= `larger`) when every rank counts with probability 1/2. Ranks are multiples of 1/2, so doubled ones are whole.
fn exact_p(ranks: &[f64], larger: f64) -> f64 {
    let mut table = vec![1.0_f64];
    for rank in ranks {
        let doubled = (rank * 2.0).round() as usize;
        let mut next = vec![0.0; table.len() + doubled];
        for (sum, probability) in table.iter().enumerate() {
            next[sum] += probability / 2.0;
            next[sum + doubled] += probability / 2.0;
        }
        table = next;
    }
    let from = (larger * 2.0).round() as usize;
    let tail: f64 = table[from.min(table.len())..].iter().rev().sum();
    (2.0 * tail).min(1.0)
}

fn normal_p(n: f64, ties: &[usize], plus: f64, continuity_correction: bool) -> f64 {
    let mean = n * (n + 1.0) / 4.0;
    let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - tie_term(ties) / 2.0) / 24.0;
    let correction = if continuity_correction { 0.5 } else { 0.0 };
    let distance = ((plus - mean).abs() - correction).max(0.0);
    (2.0 * Normal::standard().sf(distance / variance.sqrt())).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden::{close, fixture, numbers};
    use proptest::prelude::*;

    #[test]
    fn scipy_agrees() {
        for (name, case) in fixture()["samples"].as_object().unwrap() {
            let values = numbers(&case["values"]);
            let sample = Sample::new(&values).unwrap();
            let found = wilcoxon(sample).unwrap();
            let expected = &case["wilcoxon"];
            close(found.plus, &expected["plus"], 1e-14, name);
            close(found.minus, &expected["minus"], 1e-14, name);
            close(found.rank_biserial, &expected["rank_biserial"], 1e-14, name);
            assert_eq!(found.exact, found.pairs <= 50, "{name}");
            if expected.get("p_exact").is_some() {
                close(signed_rank(sample, 1_000, false).unwrap().p, &expected["p_exact"], 1e-12, name);
            }
            if expected.get("p_normal").is_some() {
                close(signed_rank(sample, 0, false).unwrap().p, &expected["p_normal"], 1e-9, name);
                close(signed_rank(sample, 0, true).unwrap().p, &expected["p_normal_corrected"], 1e-9, name);
            }
        }
    }

    #[test]
    fn darwins_maize_gives_the_published_values() {
        let values = [
            6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0,
        ];
        let found = wilcoxon(Sample::new(&values).unwrap()).unwrap();
        assert_eq!((found.w(), found.p, found.rank_biserial), (24.0, 0.041_259_765_625, 0.6));
    }

    #[test]
    fn only_zeros_are_refused() {
        assert!(
            wilcoxon(Sample::new(&[0.0, 0.0]).unwrap())
                .unwrap_err()
                .message()
                .contains("all 2 differences are 0")
        );
    }

    /// All sign choices, by counting.
    fn enumerated(ranks: &[f64], larger: f64) -> f64 {
        let total: f64 = ranks.iter().sum();
        let extreme = (0..1_u32 << ranks.len())
            .filter(|signs| {
                let plus: f64 = ranks
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| signs >> bit & 1 == 1)
                    .map(|(_, rank)| rank)
                    .sum();
                plus.max(total - plus) >= larger
            })
            .count();
        extreme as f64 / 2.0_f64.powi(ranks.len() as i32)
    }

    proptest! {
        #[test]
        fn the_exact_p_counts_all_sign_choices(values in prop::collection::vec(-4_i32..=4, 1..13)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let kept: Vec<f64> = values.iter().filter(|value| **value != 0.0).map(|value| value.abs()).collect();
            prop_assume!(!kept.is_empty());
            let found = wilcoxon(Sample::new(&values).unwrap()).unwrap();
            let (ranks, _) = average_ranks(&kept);
            prop_assert!((found.p - enumerated(&ranks, found.plus.max(found.minus))).abs() < 1e-12);
            prop_assert_eq!(found.plus + found.minus, (kept.len() * (kept.len() + 1)) as f64 / 2.0);
        }

        #[test]
        fn signs_mirror_and_scale_does_not_matter(values in prop::collection::vec(-1e3_f64..1e3, 1..80)) {
            let scaled: Vec<f64> = values.iter().map(|value| value * -4.0).collect();
            let (one, two) = (wilcoxon(Sample::new(&values).unwrap()), wilcoxon(Sample::new(&scaled).unwrap()));
            if let (Ok(one), Ok(two)) = (one, two) {
                prop_assert!((one.p - two.p).abs() < 1e-12);
                prop_assert_eq!(one.rank_biserial, -two.rank_biserial);
            }
        }
    }
}
