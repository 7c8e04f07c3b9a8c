//! Variance components of a nested design: initialisations within error scenarios, say.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::sample::{Sample, sum};
use crate::error::{Error, Result};

/// How the variance of a figure splits between groups and within them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceComponents {
    /// Mean of the group means.
    pub mean: f64,
    /// Standard error of that mean: groups are the independent units, so it comes from the spread of the group means.
    pub standard_error: f64,
    /// Mean square between groups, groups - 1 degrees of freedom.
    pub mean_square_between: f64,
    /// Mean square within groups, values - groups degrees of freedom.
    pub mean_square_within: f64,
    /// Variance component between groups (scenarios), at least 0.
    pub between: f64,
    /// Variance component within groups (initialisations).
    pub within: f64,
    /// Whether the component between came out negative and was set to 0: the groups differ by no more than chance.
    pub between_is_cut: bool,
    /// p-value of the F test that groups do not differ; absent where nothing varies within groups.
    pub p: Option<f64>,
}

impl VarianceComponents {
    /// Share of the variance that lies between groups (the intraclass correlation); `None` where nothing varies.
    pub fn share_between(&self) -> Option<f64> {
        let total = self.between + self.within;
        (total > 0.0).then(|| self.between / total)
    }
}

/// Splits the variance of a one-way random-effects design by analysis of variance (Searle, Casella and McCulloch 1992, method of moments);
/// groups may differ in size.
///
/// # Errors
/// With fewer than 2 groups, an empty group, no group of at least 2 values, or values that are not finite.
pub fn variance_components(groups: &[&[f64]]) -> Result<VarianceComponents> {
    let total: usize = groups.iter().map(|group| group.len()).sum();
    if groups.len() < 2 || total == groups.len() {
        return Err(Error::input(
            "variance components need at least 2 groups and at least one group with 2 values or more",
        ));
    }
    let samples = groups.iter().map(|group| Sample::new(group)).collect::<Result<Vec<_>>>()?;
    let count = samples.len() as f64;
    let (n, freedom_within) = (total as f64, (total - samples.len()) as f64);
    let grand = sum(groups.iter().flat_map(|group| group.iter().copied())) / n;
    let sizes: Vec<f64> = samples.iter().map(|sample| sample.len() as f64).collect();
    let means: Vec<f64> = samples.iter().map(Sample::mean).collect();
    let mean_square_between = sum(means.iter().zip(&sizes).map(|(mean, size)| size * (mean - grand).powi(2))) / (count - 1.0);
    let mean_square_within = sum(samples.iter().map(Sample::sum_of_squares)) / freedom_within;
    let effective_size = (n - sizes.iter().map(|size| size * size).sum::<f64>() / n) / (count - 1.0);
    let between = (mean_square_between - mean_square_within) / effective_size;
    let p = if mean_square_within > 0.0 {
        let distribution = FisherSnedecor::new(count - 1.0, freedom_within).map_err(|error| Error::internal(format!("F: {error}")))?;
        Some(distribution.sf(mean_square_between / mean_square_within))
    } else {
        None
    };
    let group_means = Sample::new(&means)?;
    Ok(VarianceComponents {
        mean: group_means.mean(),
        standard_error: (group_means.variance()? / count).sqrt(),
        mean_square_between,
        mean_square_within,
        between: between.max(0.0),
        within: mean_square_within,
        between_is_cut: between < 0.0,
        p,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::stats::golden::{close, fixture, numbers};
    use rand::Rng;

    #[test]
    fn numpy_and_scipy_agree() {
        for (index, case) in fixture()["nested"].as_array().unwrap().iter().enumerate() {
            let groups: Vec<Vec<f64>> = case["groups"].as_array().unwrap().iter().map(numbers).collect();
            let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
            let found = variance_components(&groups).unwrap();
            let name = format!("case {index}");
            close(found.mean_square_between, &case["mean_square_between"], 1e-11, &name);
            close(found.mean_square_within, &case["mean_square_within"], 1e-12, &name);
            close(found.between, &case["component_between"], 1e-11, &name);
            close(found.within, &case["component_within"], 1e-12, &name);
            close(found.p.unwrap(), &case["p"], 1e-10, &name);
            close(found.standard_error, &case["standard_error"], 1e-12, &name);
        }
    }

    #[test]
    fn known_components_are_recovered() {
        let mut random = Seed(5).stream("nested", 0);
        // Uniform noise of variance 1/12, scaled to 4 between and 1 within.
        let mut draw = |variance: f64| (random.random::<f64>() - 0.5) * (12.0 * variance).sqrt();
        let groups: Vec<Vec<f64>> = (0..2_000)
            .map(|_| {
                let level = draw(4.0);
                (0..3).map(|_| level + draw(1.0)).collect()
            })
            .collect();
        let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
        let found = variance_components(&groups).unwrap();
        assert!((found.between - 4.0).abs() < 0.2 && (found.within - 1.0).abs() < 0.05, "{found:?}");
        assert!((found.share_between().unwrap() - 0.8).abs() < 0.02);
    }

    #[test]
    fn designs_without_nesting_are_refused() {
        assert!(variance_components(&[&[1.0, 2.0]]).is_err());
        assert!(variance_components(&[&[1.0], &[2.0]]).is_err());
        assert!(variance_components(&[&[1.0, 2.0], &[]]).is_err());
        let constant = variance_components(&[&[1.0, 1.0], &[1.0, 1.0]]).unwrap();
        assert_eq!((constant.p, constant.share_between()), (None, None));
    }
}
