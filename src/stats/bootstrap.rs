//! Bootstrap intervals.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;

use super::proportion::check_level;
use super::sample::quantile_of_sorted;
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
/// A resample draws as many clusters as there are, with replacement, and divides its sum by its number of rows. Clusters that
/// are alike (same sum, same rows) are interchangeable, so a resample is a multinomial draw over the distinct kinds: for rows that
/// add -1, 0 or 1 that is two binomial draws instead of one draw a row.
///
/// Bit-identical for any number of threads. `stream` names the random stream.
///
/// # Errors
/// If there is no cluster, one without rows, no resample, or `level` is not within 0..1.
pub fn cluster_bootstrap(clusters: &[Cluster], resamples: usize, level: f64, seed: Seed, stream: &str) -> Result<BootstrapInterval> {
    check_level(level)?;
    if resamples == 0 {
        return Err(Error::input("a bootstrap needs at least one resample, got 0").hint("use 10000"));
    }
    if clusters.is_empty() || clusters.iter().any(|cluster| cluster.rows == 0) {
        return Err(Error::input(
            "a bootstrap over groups needs at least one group, each with at least one row",
        ));
    }
    let mut kinds: BTreeMap<Cluster, u64> = BTreeMap::new();
    for cluster in clusters {
        *kinds.entry(*cluster).or_default() += 1;
    }
    let kinds: Vec<(Cluster, u64)> = kinds.into_iter().collect();
    let count = clusters.len() as u64;
    // A binomial draw costs several plain ones.
    let by_kind = kinds.len() * 4 <= clusters.len();
    let blocks = resamples.div_ceil(BLOCK);
    let mut means: Vec<f64> = (0..blocks)
        .into_par_iter()
        .flat_map_iter(|block| {
            let mut random = seed.stream(stream, block as u64);
            let size = BLOCK.min(resamples - block * BLOCK);
            let (kinds, clusters) = (&kinds, clusters);
            (0..size).map(move |_| {
                if by_kind {
                    resample_kinds(kinds, count, &mut random)
                } else {
                    resample_singly(clusters, &mut random)
                }
            })
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let (sum, rows) = totals(clusters.iter().map(|cluster| (*cluster, 1)));
    Ok(BootstrapInterval {
        estimate: sum / rows,
        low: quantile_of_sorted(&means, (1.0 - level) / 2.0),
        high: quantile_of_sorted(&means, (1.0 + level) / 2.0),
    })
}

/// One resample by a multinomial draw: each kind in turn takes its binomial part of what is left.
fn resample_kinds(kinds: &[(Cluster, u64)], count: u64, random: &mut ChaCha8Rng) -> f64 {
    let (mut left, mut weight) = (count, count);
    let (mut sum, mut rows) = (0.0, 0.0);
    for &(cluster, frequency) in kinds {
        let drawn = if frequency >= weight {
            left
        } else {
            // The share is within 0..1 by construction, so the distribution exists; a refusal could only drop this kind.
            Binomial::new(left, frequency as f64 / weight as f64).map_or(0, |draw| draw.sample(random))
        };
        sum += drawn as f64 * cluster.sum as f64;
        rows += drawn as f64 * cluster.rows as f64;
        left -= drawn;
        weight -= frequency.min(weight);
        if left == 0 {
            break;
        }
    }
    sum / rows
}

fn resample_singly(clusters: &[Cluster], random: &mut ChaCha8Rng) -> f64 {
    let (sum, rows) = totals((0..clusters.len()).map(|_| (clusters[random.random_range(0..clusters.len())], 1)));
    sum / rows
}

/// Whole numbers below 2^53 add up exactly in `f64`.
fn totals(clusters: impl Iterator<Item = (Cluster, u64)>) -> (f64, f64) {
    clusters.fold((0.0, 0.0), |(sum, rows), (cluster, times)| {
        (sum + cluster.sum as f64 * times as f64, rows + cluster.rows as f64 * times as f64)
    })
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
        let n = 11_898.0;
        let (mean, square) = (225.0 / n, 375.0 / n);
        let error = ((square - mean * mean) / n as f64).sqrt();
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
        // One odd group per three makes the kinds too many, but hardly moves the interval.
        let spread = (fast.high - fast.low).abs();
        let mut means: Vec<f64> = Vec::new();
        let mut random = Seed(4).stream("slow", 0);
        for _ in 0..20_000 {
            means.push(resample_singly(&clusters, &mut random));
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
}
