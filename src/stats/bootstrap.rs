//! Bootstrap intervals.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use super::proportion::check_level;
use super::sample::{Sample, quantile_of_sorted};
use crate::error::{Error, Result};
use crate::seed::Seed;

/// Resamples drawn from one random stream; the streams, not the threads, decide the numbers.
const BLOCK: usize = 256;

/// An estimate with its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapInterval {
    /// The statistic on the data as they are.
    pub estimate: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// What one group of rows adds to a mean over rows: the sum of its values and the number of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cluster {
    /// Sum of the values, such as rows fixed minus rows broken.
    pub sum: i64,
    /// Rows; at least 1.
    pub rows: u64,
}

/// Percentile interval of a mean over rows, whole clusters resampled together (Field and Welsh 2007); single rows are clusters of one.
///
/// [`bootstrap_of_totals`] with the statistic "sum of values / number of rows".
///
/// # Errors
/// If there is no cluster, one without rows, no resample, or `level` is not within 0..1.
pub fn cluster_bootstrap(clusters: &[Cluster], resamples: usize, level: f64, seed: Seed, stream: &str) -> Result<BootstrapInterval> {
    if clusters.iter().any(|cluster| cluster.rows == 0) {
        return Err(Error::input("a bootstrap over groups needs at least one row in every group"));
    }
    let table: Vec<[i64; 2]> = clusters.iter().map(|cluster| [cluster.sum, cluster.rows as i64]).collect();
    bootstrap_of_totals(table.as_flattened(), 2, resamples, level, seed, stream, |totals| {
        totals[0] / totals[1]
    })
}

/// Percentile interval of any statistic of column totals; the rows of the table are resampled.
///
/// `table` is row-major with `width` whole numbers a row. A resample draws as many rows as there are, with replacement, adds
/// them up by column and hands the totals to `statistic`. Rows that are alike are interchangeable, so a resample is a multinomial
/// draw over the distinct kinds of row: for rows that add -1, 0 or 1 that is two binomial draws instead of one draw a row.
///
/// Bit-identical for any number of threads. `stream` names the random stream. Totals below 2^53 are exact.
///
/// # Errors
/// If the table is empty or ragged, there is no resample, `level` is not within 0..1, or the statistic is not finite for some resample.
pub fn bootstrap_of_totals(
    table: &[i64],
    width: usize,
    resamples: usize,
    level: f64,
    seed: Seed,
    stream: &str,
    statistic: impl Fn(&[f64]) -> f64 + Sync,
) -> Result<BootstrapInterval> {
    check_level(level)?;
    if resamples == 0 {
        return Err(Error::input("a bootstrap needs at least one resample, got 0").hint("use 10000"));
    }
    if width == 0 || table.is_empty() || !table.len().is_multiple_of(width) {
        return Err(Error::input("a bootstrap needs at least one row"));
    }
    let kinds = kinds(table, width);
    let rows = table.len() / width;
    // A binomial draw costs several plain ones.
    let by_kind = kinds.len() * 4 <= rows;
    let blocks = resamples.div_ceil(BLOCK);
    let mut values: Vec<f64> = (0..blocks)
        .into_par_iter()
        .flat_map_iter(|block| {
            let mut random = seed.stream(stream, block as u64);
            let mut totals = vec![0.0; width];
            (0..BLOCK.min(resamples - block * BLOCK))
                .map(|_| {
                    totals.fill(0.0);
                    if by_kind {
                        resample_kinds(&kinds, rows as u64, &mut random, &mut totals);
                    } else {
                        resample_singly(table, width, &mut random, &mut totals);
                    }
                    statistic(&totals)
                })
                .collect::<Vec<f64>>()
        })
        .collect();
    let mut totals = vec![0.0; width];
    table.chunks_exact(width).for_each(|row| add(&mut totals, row, 1.0));
    let estimate = statistic(&totals);
    if !estimate.is_finite() || values.iter().any(|value| !value.is_finite()) {
        return Err(Error::input("the bootstrapped statistic is not a finite number for every resample"));
    }
    values.sort_by(f64::total_cmp);
    Ok(BootstrapInterval {
        estimate,
        low: quantile_of_sorted(&values, (1.0 - level) / 2.0),
        high: quantile_of_sorted(&values, (1.0 + level) / 2.0),
    })
}

/// BCa interval of a mean (bias-corrected and accelerated, Efron 1987): acceleration by the jackknife, bias by the share of resampled
/// means below the mean, ties counted half (as SciPy does).
///
/// Bit-identical for any number of threads. `stream` names the random stream.
///
/// # Errors
/// With fewer than 2 values, without variation, with fewer than 100 resamples, or if `level` is not within 0..1.
pub fn bca_mean(sample: Sample, resamples: usize, level: f64, seed: Seed, stream: &str) -> Result<BootstrapInterval> {
    check_level(level)?;
    sample.at_least(2, "a BCa interval")?;
    if resamples < 100 {
        return Err(Error::input(format!("{resamples} bootstrap resamples are too few for an interval")).hint("use 10000"));
    }
    if !sample.varies() {
        return Err(Error::input("a BCa interval is not defined: all values are the same"));
    }
    let values = sample.values();
    let count = values.len();
    let estimate = sample.mean();
    // Resampled around the mean, so that nothing is lost to a large common part.
    let centred: Vec<f64> = values.iter().map(|value| value - estimate).collect();
    let blocks = resamples.div_ceil(BLOCK);
    let mut means: Vec<f64> = (0..blocks)
        .into_par_iter()
        .flat_map_iter(|block| {
            let mut random = seed.stream(stream, block as u64);
            let centred = &centred;
            (0..BLOCK.min(resamples - block * BLOCK))
                .map(move |_| (0..count).map(|_| centred[random.random_range(0..count)]).sum::<f64>() / count as f64)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let normal = Normal::standard();
    // Means that differ from the observed one by rounding alone are ties.
    let rounding = 1e-12 * centred.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let below = means.partition_point(|mean| *mean < -rounding);
    let up_to = means.partition_point(|mean| *mean <= rounding);
    let share = (below + up_to) as f64 / (2 * resamples) as f64;
    // All resamples on one side only happens with absurdly few of them.
    let bias = normal.inverse_cdf(share.clamp(0.5 / resamples as f64, 1.0 - 0.5 / resamples as f64));
    let cubes: f64 = centred.iter().map(|value| value.powi(3)).sum();
    let squares: f64 = centred.iter().map(|value| value * value).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    let reach = normal.inverse_cdf(0.5 + level / 2.0);
    let limit = |z: f64| {
        let shifted = bias + z;
        let place = normal.cdf(bias + shifted / (1.0 - acceleration * shifted));
        estimate + quantile_of_sorted(&means, place.clamp(0.0, 1.0))
    };
    Ok(BootstrapInterval {
        estimate,
        low: limit(-reach),
        high: limit(reach),
    })
}

/// The distinct rows of the table, in ascending order, and how often each occurs.
fn kinds(table: &[i64], width: usize) -> Vec<(&[i64], u64)> {
    let mut kinds: BTreeMap<&[i64], u64> = BTreeMap::new();
    for row in table.chunks_exact(width) {
        *kinds.entry(row).or_default() += 1;
    }
    kinds.into_iter().collect()
}

/// One resample by a multinomial draw: each kind in turn takes its binomial part of what is left.
fn resample_kinds(kinds: &[(&[i64], u64)], rows: u64, random: &mut ChaCha8Rng, totals: &mut [f64]) {
    let (mut left, mut weight) = (rows, rows);
    for &(row, frequency) in kinds {
        let drawn = if frequency >= weight {
            left
        } else {
            // The share is within 0..1 by construction, so the distribution exists; a refusal could only drop this kind.
            Binomial::new(left, frequency as f64 / weight as f64).map_or(0, |draw| draw.sample(random))
        };
        add(totals, row, drawn as f64);
        left -= drawn;
        weight -= frequency.min(weight);
        if left == 0 {
            break;
        }
    }
}

fn resample_singly(table: &[i64], width: usize, random: &mut ChaCha8Rng, totals: &mut [f64]) {
    let rows = table.len() / width;
    for _ in 0..rows {
        let row = random.random_range(0..rows);
        add(totals, &table[row * width..(row + 1) * width], 1.0);
    }
}

fn add(totals: &mut [f64], row: &[i64], times: f64) {
    for (total, value) in totals.iter_mut().zip(row) {
        *total += *value as f64 * times;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(fixed: usize, broken: usize, same: usize) -> Vec<Cluster> {
        let row = |sum| Cluster { sum, rows: 1 };
        let mut clusters = vec![row(1); fixed];
        clusters.extend(vec![row(-1); broken]);
        clusters.extend(vec![row(0); same]);
        clusters
    }

    #[test]
    fn degenerate_input_is_refused() {
        let one = [Cluster { sum: 1, rows: 1 }];
        assert!(cluster_bootstrap(&[], 100, 0.95, Seed(1), "t").is_err());
        assert!(cluster_bootstrap(&[Cluster { sum: 0, rows: 0 }], 100, 0.95, Seed(1), "t").is_err());
        assert!(cluster_bootstrap(&one, 0, 0.95, Seed(1), "t").is_err());
        assert!(cluster_bootstrap(&one, 100, 1.0, Seed(1), "t").is_err());
        let same = cluster_bootstrap(&one, 100, 0.95, Seed(1), "t").unwrap();
        assert_eq!((same.estimate, same.low, same.high), (1.0, 1.0, 1.0));
    }

    #[test]
    fn the_interval_is_the_textbook_one_where_rows_are_many() {
        let interval = cluster_bootstrap(&rows(300, 75, 11_523), 20_000, 0.95, Seed(7), "t").unwrap();
        let n = 11_898.0_f64;
        let (mean, square) = (225.0 / n, 375.0 / n);
        let error = ((square - mean * mean) / n).sqrt();
        assert_eq!(interval.estimate, mean);
        assert!((interval.low - (mean - 1.96 * error)).abs() < 0.05 * error, "{interval:?}");
        assert!((interval.high - (mean + 1.96 * error)).abs() < 0.05 * error, "{interval:?}");
    }

    #[test]
    fn drawing_kinds_and_drawing_one_by_one_agree() {
        let mut clusters: Vec<Cluster> = (0..600_u64)
            .map(|i| Cluster {
                sum: (i % 5) as i64 - 1,
                rows: 1 + i % 3,
            })
            .collect();
        let fast = cluster_bootstrap(&clusters, 20_000, 0.95, Seed(3), "t").unwrap();
        let spread = (fast.high - fast.low).abs();
        let mut means: Vec<f64> = Vec::new();
        let mut random = Seed(4).stream("slow", 0);
        let table: Vec<i64> = clusters.iter().flat_map(|cluster| [cluster.sum, cluster.rows as i64]).collect();
        for _ in 0..20_000 {
            let mut totals = [0.0; 2];
            resample_singly(&table, 2, &mut random, &mut totals);
            means.push(totals[0] / totals[1]);
        }
        means.sort_by(f64::total_cmp);
        assert!((quantile_of_sorted(&means, 0.025) - fast.low).abs() < 0.03 * spread);
        assert!((quantile_of_sorted(&means, 0.975) - fast.high).abs() < 0.03 * spread);
        clusters.truncate(5);
        assert!(cluster_bootstrap(&clusters, 100, 0.95, Seed(3), "t").is_ok());
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
        let few: Vec<Cluster> = (0..40_u64)
            .map(|i| Cluster {
                sum: i as i64 - 20,
                rows: i + 1,
            })
            .collect();
        for clusters in [rows(30, 20, 900), few] {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| cluster_bootstrap(&clusters, 3_000, 0.95, Seed(11), "t").unwrap())
            };
            let one = on(1);
            assert_eq!(one, on(2));
            assert_eq!(one, on(3));
            assert_ne!(one, cluster_bootstrap(&clusters, 3_000, 0.95, Seed(12), "t").unwrap());
        }
    }

    #[test]
    fn rows_that_move_together_widen_the_interval() {
        // 400 orders of 5 rows, each order as one: like 400 rows, not 2,000.
        let orders: Vec<Cluster> = (0..400)
            .map(|i| Cluster {
                sum: [5, -5, 0, 0][i % 4],
                rows: 5,
            })
            .collect();
        let by_order = cluster_bootstrap(&orders, 5_000, 0.95, Seed(5), "t").unwrap();
        let by_row = cluster_bootstrap(&rows(500, 500, 1_000), 5_000, 0.95, Seed(5), "t").unwrap();
        let ratio = (by_order.high - by_order.low) / (by_row.high - by_row.low);
        assert!((ratio - 5.0_f64.sqrt()).abs() < 0.15, "{ratio}");
    }

    #[test]
    fn bca_intervals_agree_with_scipy() {
        use crate::stats::golden::{fixture, numbers};
        let mut checked = 0;
        for (name, case) in fixture()["samples"].as_object().unwrap() {
            let Some(expected) = case.get("bca") else { continue };
            let (values, expected) = (numbers(&case["values"]), numbers(expected));
            let sample = Sample::new(&values).unwrap();
            let found = bca_mean(sample, 50_000, 0.95, Seed(9), "t").unwrap();
            // Both are simulations; their noise is about one hundredth of the interval, or one step of a mean of 10 whole numbers.
            let room = if name.starts_with("ties") {
                0.100_001
            } else {
                0.02 * (expected[1] - expected[0])
            };
            assert!((found.low - expected[0]).abs() < room, "{name}: {found:?} {expected:?}");
            assert!((found.high - expected[1]).abs() < room, "{name}: {found:?} {expected:?}");
            checked += 1;
        }
        assert!(checked >= 9);
    }

    #[test]
    fn bca_refuses_what_has_no_interval_and_repeats_on_any_threads() {
        let values = [0.1, 0.4, 0.2, 0.9];
        let sample = Sample::new(&values).unwrap();
        assert!(bca_mean(Sample::new(&[1.0]).unwrap(), 1_000, 0.95, Seed(1), "t").is_err());
        assert!(bca_mean(Sample::new(&[0.3; 4]).unwrap(), 1_000, 0.95, Seed(1), "t").is_err());
        assert!(bca_mean(sample, 10, 0.95, Seed(1), "t").is_err());
        assert!(bca_mean(sample, 1_000, 0.0, Seed(1), "t").is_err());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bca_mean(sample, 3_000, 0.95, Seed(1), "t").unwrap())
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn bca_intervals_of_skewed_samples_hold_the_mean_nearly_as_often_as_they_say() {
        // Exponential values, mean 1: 50 of them, 400 times. Theory puts BCa at about 93 % here.
        let mut holds = 0;
        for run in 0..400 {
            let mut random = Seed(21).stream("exponential", run);
            let values: Vec<f64> = (0..50).map(|_| -(1.0 - random.random::<f64>()).ln()).collect();
            let interval = bca_mean(Sample::new(&values).unwrap(), 300, 0.95, Seed(run), "t").unwrap();
            holds += usize::from(interval.low <= 1.0 && 1.0 <= interval.high);
        }
        assert!((360..=392).contains(&holds), "{holds} of 400");
    }
}
