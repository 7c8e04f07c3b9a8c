//! The Friedman test: do several methods, judged on the same blocks, differ at all?

use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor};

use super::ranks::{average_ranks, tie_term};
use super::sample::Sample;
use crate::error::{Error, Result};

/// Friedman's statistic, Iman and Davenport's form of it, and the average rank of every method.
#[derive(Debug, Clone, PartialEq)]
pub struct Friedman {
    /// Average rank of each method over the blocks, 1 is best (highest score), ties share.
    pub average_ranks: Vec<f64>,
    /// Friedman's chi-squared, corrected for ties, with methods - 1 degrees of freedom.
    pub chi_squared: f64,
    /// Its p-value.
    pub p: f64,
    /// Iman and Davenport's F (1980), less conservative; absent where every block ranks the methods alike (it is infinite).
    pub f: Option<f64>,
    /// Its p-value with methods - 1 and (methods - 1)(blocks - 1) degrees of freedom; 0 where F is infinite.
    pub f_p: f64,
}

/// Friedman test on `scores[method][block]`, higher is better.
///
/// # Errors
/// With fewer than 3 methods or 2 blocks, unequal numbers of blocks, values that are not finite, or if every block ties all methods.
pub fn friedman(scores: &[&[f64]]) -> Result<Friedman> {
    let methods = scores.len();
    let blocks = scores.first().map_or(0, |first| first.len());
    if methods < 3 || blocks < 2 {
        return Err(Error::input(format!(
            "the Friedman test needs at least 3 methods and 2 blocks, got {methods} and {blocks}"
        )));
    }
    if scores.iter().any(|method| method.len() != blocks) {
        return Err(Error::input("the Friedman test needs every method on every block"));
    }
    for method in scores {
        Sample::new(method)?;
    }
    let mut rank_sums = vec![0.0; methods];
    let mut tied = 0.0;
    for block in 0..blocks {
        // Negated, so that the highest score has rank 1.
        let row: Vec<f64> = scores.iter().map(|method| -method[block]).collect();
        let (ranks, ties) = average_ranks(&row);
        rank_sums.iter_mut().zip(&ranks).for_each(|(sum, rank)| *sum += rank);
        tied += tie_term(&ties);
    }
    let (n, k) = (blocks as f64, methods as f64);
    let correction = 1.0 - tied / (k * (k * k - 1.0) * n);
    if correction <= 0.0 {
        return Err(Error::input("the Friedman test is not defined: all methods tie in every block"));
    }
    let squares: f64 = rank_sums.iter().map(|sum| (sum - n * (k + 1.0) / 2.0).powi(2)).sum();
    let chi_squared = 12.0 * squares / (n * k * (k + 1.0)) / correction;
    let (f, f_p) = iman_davenport(chi_squared, n, k)?;
    let chi = ChiSquared::new(k - 1.0).map_err(|error| Error::internal(format!("chi-squared: {error}")))?;
    Ok(Friedman {
        average_ranks: rank_sums.iter().map(|sum| sum / n).collect(),
        chi_squared,
        p: chi.sf(chi_squared),
        f,
        f_p,
    })
}

fn iman_davenport(chi_squared: f64, n: f64, k: f64) -> Result<(Option<f64>, f64)> {
    let room = n * (k - 1.0) - chi_squared;
    if room <= 1e-12 * n * k {
        return Ok((None, 0.0));
    }
    let f = (n - 1.0) * chi_squared / room;
    let distribution = FisherSnedecor::new(k - 1.0, (k - 1.0) * (n - 1.0)).map_err(|error| Error::internal(format!("F: {error}")))?;
    Ok((Some(f), distribution.sf(f)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden::{close, fixture, numbers};

    #[test]
    fn scipy_agrees() {
        for (index, case) in fixture()["friedman"].as_array().unwrap().iter().enumerate() {
            let rows: Vec<Vec<f64>> = case["scores"].as_array().unwrap().iter().map(numbers).collect();
            let columns: Vec<Vec<f64>> = (0..rows[0].len())
                .map(|method| rows.iter().map(|row| row[method]).collect())
                .collect();
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let found = friedman(&columns).unwrap();
            let name = format!("case {index}");
            close(found.chi_squared, &case["chi2"], 1e-12, &name);
            close(found.p, &case["p"], 1e-11, &name);
            close(found.f.unwrap(), &case["f"], 1e-11, &name);
            close(found.f_p, &case["f_p"], 1e-10, &name);
            for (rank, expected) in found.average_ranks.iter().zip(case["ranks"].as_array().unwrap()) {
                close(*rank, expected, 1e-14, &name);
            }
        }
    }

    #[test]
    fn degenerate_tables_are_refused_and_perfect_agreement_is_not() {
        let same = [1.0, 1.0];
        assert!(friedman(&[&same, &same]).is_err());
        assert!(
            friedman(&[&same, &same, &same])
                .unwrap_err()
                .message()
                .contains("tie in every block")
        );
        assert!(friedman(&[&[1.0, 2.0], &[1.0], &[2.0, 3.0]]).is_err());
        assert!(friedman(&[&[1.0, 2.0], &[1.0, f64::NAN], &[2.0, 3.0]]).is_err());
        let perfect = friedman(&[&[3.0; 8], &[2.0; 8], &[1.0; 8]]).unwrap();
        assert_eq!(
            (perfect.average_ranks.as_slice(), perfect.f, perfect.f_p),
            ([1.0, 2.0, 3.0].as_slice(), None, 0.0)
        );
        assert!((perfect.chi_squared - 16.0).abs() < 1e-12);
    }
}
