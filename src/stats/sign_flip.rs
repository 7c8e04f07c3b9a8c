//! Sign-flip tests: under no effect, each difference could as well have had the other sign.

use std::collections::BTreeMap;

use rand::RngCore;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::sample::{Sample, sum};
use crate::error::{Error, Result};
use crate::seed::Seed;

/// Up to this many non-zero differences all 2^n sign choices are counted.
const EXACT_UP_TO: usize = 32;

/// Random sign choices drawn from one random stream; the streams, not the threads, decide the numbers.
const BLOCK: usize = 512;

/// Above this many additions the exact distribution gives way to the normal approximation (with a million changed rows or more).
const EXACT_WORK: u64 = 200_000_000;

/// Two-sided p-value of a sign-flip test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// Two-sided p-value.
    pub p: f64,
    /// Whether all sign choices were counted (else drawn at random).
    pub exact: bool,
}

/// Sign-flip permutation test on the mean of differences: the share of sign choices whose |sum| is at least the observed one.
///
/// Exact up to 32 non-zero differences (two halves of at most 2^16 sums each, sorted and matched); above, `draws` random sign choices with
/// p = (1 + extreme ones) / (1 + draws) (Phipson and Smyth 2010), bit-identical for any number of threads. Zeros count for nothing
/// in either; all zeros give p = 1. Sums that differ by rounding alone count as equal.
///
/// # Errors
/// If `draws` is 0 and needed.
pub fn sign_flip(differences: Sample, draws: usize, seed: Seed, stream: &str) -> Result<SignFlip> {
    let kept: Vec<f64> = differences.values().iter().copied().filter(|value| *value != 0.0).collect();
    let size: f64 = kept.iter().map(|value| value.abs()).sum();
    let observed = sum(kept.iter().copied()).abs() - 1e-12 * size;
    if kept.len() <= EXACT_UP_TO {
        return Ok(SignFlip {
            p: share_at_least(&kept, observed),
            exact: true,
        });
    }
    if draws == 0 {
        return Err(Error::input("a sign-flip test on more than 32 differences needs at least one random draw").hint("use 10000"));
    }
    let extreme: usize = (0..draws.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let mut random = seed.stream(stream, block as u64);
            let size = BLOCK.min(draws - block * BLOCK);
            (0..size).filter(|_| random_sum(&kept, &mut random).abs() >= observed).count()
        })
        .sum();
    Ok(SignFlip {
        p: (1 + extreme) as f64 / (1 + draws) as f64,
        exact: false,
    })
}

/// Sum under one random sign choice, 64 signs from one number.
fn random_sum(values: &[f64], random: &mut impl RngCore) -> f64 {
    let mut total = 0.0;
    for part in values.chunks(64) {
        let signs = random.next_u64();
        for (bit, value) in part.iter().enumerate() {
            total += if signs >> bit & 1 == 1 { -value } else { *value };
        }
    }
    total
}

/// Share of all sign choices with |sum| >= `bound`: sums of the first half meet sorted sums of the second.
fn share_at_least(values: &[f64], bound: f64) -> f64 {
    if bound <= 0.0 {
        return 1.0;
    }
    let (left, right) = values.split_at(values.len() / 2);
    let mut ascending = all_sums(right);
    ascending.sort_by(f64::total_cmp);
    // The sums are symmetric about 0: one tail, twice.
    let matches: u64 = all_sums(left)
        .into_iter()
        .map(|sum| (ascending.len() - ascending.partition_point(|other| sum + other < bound)) as u64)
        .sum();
    (2.0 * matches as f64 / 2.0_f64.powi(values.len() as i32)).min(1.0)
}

fn all_sums(values: &[f64]) -> Vec<f64> {
    values.iter().fold(vec![0.0], |sums, value| {
        sums.iter().flat_map(|sum| [sum - value, sum + value]).collect()
    })
}

/// Exact two-sided p-value of the sign-flip test on whole-number differences, such as fixed minus broken rows of each group:
/// the share of all 2^n sign choices whose |sum| is at least the observed one; 1 where all differences are 0.
///
/// With every difference 1 or -1 this is the exact McNemar test. The distribution is built by convolving one binomial per
/// distinct magnitude, not by drawing: it has no seed and no error of simulation. Beyond 200 million additions (about a
/// million changed rows) it is the normal approximation with continuity correction, which by then is as good.
pub fn sign_flip_counts(differences: &[i64]) -> f64 {
    let mut magnitudes: BTreeMap<u64, u64> = BTreeMap::new();
    for difference in differences.iter().filter(|difference| **difference != 0) {
        *magnitudes.entry(difference.unsigned_abs()).or_default() += 1;
    }
    let observed = differences.iter().sum::<i64>().unsigned_abs();
    if observed == 0 {
        return 1.0;
    }
    // Sums of n magnitudes m step by 2 m from -n m; dividing by the common divisor keeps the table small.
    let divisor = magnitudes.keys().fold(0, |divisor, &magnitude| common_divisor(divisor, magnitude));
    match exact_tail(&magnitudes, divisor, observed / divisor) {
        Some(tail) => (2.0 * tail).min(1.0),
        None => normal_p(&magnitudes, divisor, observed),
    }
}

/// P(sum >= observed) under random signs, all magnitudes in units of `divisor`; `None` if that would take too long.
fn exact_tail(magnitudes: &BTreeMap<u64, u64>, divisor: u64, observed: u64) -> Option<f64> {
    // `table[i]` is P(sum = low + 2 i): sums of fixed parity.
    let (mut table, mut low, mut work) = (vec![1.0_f64], 0_i64, 0_u64);
    for (&magnitude, &count) in magnitudes {
        let step = (magnitude / divisor) as usize;
        let (first, weights) = half_binomial(count)?;
        let width = table.len().checked_add(step.checked_mul(weights.len() - 1)?)?;
        work = work.saturating_add((table.len() as u64).saturating_mul(weights.len() as u64) + width as u64);
        if work > EXACT_WORK {
            return None;
        }
        let mut next = vec![0.0; width];
        for (index, &weight) in weights.iter().enumerate() {
            for (cell, &old) in next[index * step..].iter_mut().zip(&table) {
                *cell += weight * old;
            }
        }
        low += step as i64 * (2 * first as i64 - count as i64);
        table = next;
    }
    // From the far end inward, smallest first.
    let tail = table
        .iter()
        .enumerate()
        .rev()
        .take_while(|(index, _)| low + 2 * *index as i64 >= observed as i64);
    Some(tail.map(|(_, p)| p).sum())
}

/// Binomial(count, 1/2) where it does not underflow: the first k and the probabilities from there.
fn half_binomial(count: u64) -> Option<(u64, Vec<f64>)> {
    let middle = count / 2;
    let mut rising = vec![1.0_f64];
    // Relative to the middle, upward; the lower half mirrors it.
    for k in middle..count {
        let next = rising.last()? * (count - k) as f64 / (k + 1) as f64;
        if next < 1e-290 {
            break;
        }
        rising.push(next);
    }
    let (first, mut weights) = if count.is_multiple_of(2) {
        let mut weights: Vec<f64> = rising.iter().skip(1).rev().copied().collect();
        weights.extend(&rising);
        (middle + 1 - rising.len() as u64, weights)
    } else {
        // Odd: k = middle and middle + 1 are equally likely.
        let upper = &rising[1..];
        let mut weights: Vec<f64> = upper.iter().rev().copied().collect();
        weights.extend(upper);
        (middle + 1 - upper.len() as u64, weights)
    };
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    Some((first, weights))
}

fn normal_p(magnitudes: &BTreeMap<u64, u64>, divisor: u64, observed: u64) -> f64 {
    let variance: f64 = magnitudes
        .iter()
        .map(|(&magnitude, &count)| (magnitude as f64).powi(2) * count as f64)
        .sum();
    // Possible sums are 2 divisors apart.
    let z = (observed as f64 - divisor as f64) / variance.sqrt();
    (2.0 * Normal::standard().sf(z)).min(1.0)
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::mcnemar_exact;
    use proptest::prelude::*;

    fn enumerated(differences: &[i64]) -> f64 {
        let observed = differences.iter().sum::<i64>().abs();
        let extreme = (0..1_u32 << differences.len())
            .filter(|signs| {
                let sum: i64 = differences
                    .iter()
                    .enumerate()
                    .map(|(bit, value)| if signs >> bit & 1 == 1 { -value } else { *value })
                    .sum();
                sum.abs() >= observed
            })
            .count();
        extreme as f64 / 2.0_f64.powi(differences.len() as i32)
    }

    #[test]
    fn nothing_changed_gives_p_one() {
        assert_eq!(sign_flip_counts(&[]), 1.0);
        assert_eq!(sign_flip_counts(&[0, 0]), 1.0);
        assert_eq!(sign_flip_counts(&[3, -3]), 1.0);
    }

    #[test]
    fn one_group_can_never_be_significant() {
        assert_eq!(sign_flip_counts(&[500]), 1.0);
        assert_eq!(sign_flip_counts(&[500, 400]), 0.5);
    }

    #[test]
    fn single_rows_give_the_exact_mcnemar_test() {
        for (fixed, broken) in [(1, 0), (7, 2), (121, 59), (1_500, 1_389), (40, 0)] {
            let mut differences = vec![1_i64; fixed];
            differences.extend(vec![-1_i64; broken]);
            let (one, two) = (sign_flip_counts(&differences), mcnemar_exact(fixed as u64, broken as u64));
            assert!((one - two).abs() <= 1e-10 * two, "{fixed} {broken}: {one} {two}");
        }
    }

    #[test]
    fn the_normal_approximation_meets_the_exact_test() {
        let mut differences = vec![1_i64; 5_200];
        differences.extend(vec![-1; 5_000]);
        differences.extend(vec![3; 120]);
        differences.extend(vec![-2; 150]);
        let mut magnitudes = BTreeMap::new();
        for value in &differences {
            *magnitudes.entry(value.unsigned_abs()).or_insert(0) += 1;
        }
        let exact = sign_flip_counts(&differences);
        let normal = normal_p(&magnitudes, 1, differences.iter().sum::<i64>().unsigned_abs());
        assert!((exact - normal).abs() < 1e-4, "{exact} {normal}");
    }

    #[test]
    fn scipy_agrees() {
        use crate::stats::golden::{close, fixture, numbers};
        let mut checked = 0;
        for (name, case) in fixture()["samples"].as_object().unwrap() {
            let values = numbers(&case["values"]);
            let found = sign_flip(Sample::new(&values).unwrap(), 5_000, Seed(1), "t").unwrap();
            assert_eq!(found.exact, values.iter().filter(|value| **value != 0.0).count() <= 32);
            if let Some(expected) = case.get("sign_flip_p") {
                close(found.p, expected, 1e-12, name);
                checked += 1;
            }
        }
        assert!(checked >= 4);
    }

    #[test]
    fn drawing_signs_meets_counting_them() {
        let whole: Vec<i64> = (0..60).map(|i| [3, -2, 1, 4, -3][i % 5]).collect();
        let values: Vec<f64> = whole.iter().map(|value| *value as f64).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sign_flip(Sample::new(&values).unwrap(), 40_000, Seed(2), "t").unwrap())
        };
        let drawn = on(1);
        assert_eq!(drawn, on(3));
        assert!(
            !drawn.exact && (drawn.p - sign_flip_counts(&whole)).abs() < 0.006,
            "{drawn:?} {}",
            sign_flip_counts(&whole)
        );
        assert!(sign_flip(Sample::new(&values).unwrap(), 0, Seed(2), "t").is_err());
    }

    #[test]
    fn sums_that_differ_by_rounding_count_as_equal() {
        // 0.1 + 0.2 against 0.3: every sign choice that ties in exact arithmetic must tie here.
        let tenths = [1_i64, 2, 3, -3, 7, -1, 4, 4];
        let values: Vec<f64> = tenths.iter().map(|value| *value as f64 * 0.1).collect();
        let found = sign_flip(Sample::new(&values).unwrap(), 0, Seed(1), "t").unwrap();
        assert_eq!(found.p, sign_flip_counts(&tenths));
        assert_eq!(sign_flip(Sample::new(&[0.0, 0.0]).unwrap(), 0, Seed(1), "t").unwrap().p, 1.0);
    }

    proptest! {
        #[test]
        fn the_convolution_equals_enumerating_all_signs(differences in prop::collection::vec(-6_i64..=6, 0..13)) {
            let (fast, slow) = (sign_flip_counts(&differences), enumerated(&differences));
            prop_assert!((fast - slow).abs() <= 1e-12, "{} {}", fast, slow);
        }

        #[test]
        fn the_unit_does_not_matter(differences in prop::collection::vec(-6_i64..=6, 0..30), unit in 1_i64..1_000_000) {
            let scaled: Vec<i64> = differences.iter().map(|value| value * unit).collect();
            prop_assert!((sign_flip_counts(&differences) - sign_flip_counts(&scaled)).abs() <= 1e-12);
        }
    }
}
