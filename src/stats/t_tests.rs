//! Tests and effect sizes built on Student's t: paired, unpaired, corrected for overlapping training sets, equivalence, Bayesian.

use super::sample::Sample;
use super::student;
use crate::error::{Error, Result};

/// A t statistic with its degrees of freedom and two-sided p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TTest {
    /// Statistic.
    pub t: f64,
    /// Degrees of freedom; not whole for Welch's test.
    pub degrees_of_freedom: f64,
    /// Two-sided p-value.
    pub p: f64,
}

impl TTest {
    fn new(t: f64, degrees_of_freedom: f64) -> Result<Self> {
        Ok(Self {
            t,
            degrees_of_freedom,
            p: student::two_sided(t, degrees_of_freedom)?,
        })
    }
}

/// Paired t-test on the differences: is their mean 0?
///
/// # Errors
/// With fewer than 2 differences, or if they do not vary.
pub fn paired_t(differences: Sample) -> Result<TTest> {
    let error = standard_error(differences, "a paired t-test")?;
    TTest::new(differences.mean() / error, (differences.len() - 1) as f64)
}

/// Confidence interval `(low, high)` of the mean by Student's t.
///
/// # Errors
/// With fewer than 2 values, or if `level` is not within 0..1.
pub fn t_interval(sample: Sample, level: f64) -> Result<(f64, f64)> {
    super::proportion::check_level(level)?;
    let error = sample.at_least(2, "an interval of a mean")?.standard_deviation()? / (sample.len() as f64).sqrt();
    let reach = student::quantile(0.5 + level / 2.0, (sample.len() - 1) as f64)? * error;
    Ok((sample.mean() - reach, sample.mean() + reach))
}

/// Unpaired t-test with pooled variance (Student).
///
/// # Errors
/// With fewer than 3 values in all, or if neither sample varies.
pub fn student_t(a: Sample, b: Sample) -> Result<TTest> {
    let freedom = (a.len() + b.len()) as f64 - 2.0;
    if freedom < 1.0 {
        return Err(Error::input("an unpaired t-test needs at least 3 values in all"));
    }
    some_variation(a, b)?;
    let pooled = (a.sum_of_squares() + b.sum_of_squares()) / freedom;
    let error = (pooled * (1.0 / a.len() as f64 + 1.0 / b.len() as f64)).sqrt();
    TTest::new((a.mean() - b.mean()) / error, freedom)
}

/// Unpaired t-test without equal variances (Welch 1947), with Satterthwaite's degrees of freedom.
///
/// # Errors
/// With fewer than 2 values in a sample, or if neither sample varies.
pub fn welch_t(a: Sample, b: Sample) -> Result<TTest> {
    some_variation(a, b)?;
    let (of_a, of_b) = (
        a.at_least(2, "Welch's t-test")?.variance()? / a.len() as f64,
        b.at_least(2, "Welch's t-test")?.variance()? / b.len() as f64,
    );
    let both = of_a + of_b;
    let freedom = both * both / (of_a * of_a / (a.len() - 1) as f64 + of_b * of_b / (b.len() - 1) as f64);
    TTest::new((a.mean() - b.mean()) / both.sqrt(), freedom)
}

/// Corrected resampled t-test (Nadeau and Bengio 2003): for differences over random splits whose training sets overlap.
/// `test_to_training` is test rows / training rows, such as 0.25 for 80/20 splits.
///
/// # Errors
/// With fewer than 2 differences, without variation, or if the ratio is not a positive number.
pub fn nadeau_bengio_t(differences: Sample, test_to_training: f64) -> Result<TTest> {
    if !(test_to_training > 0.0 && test_to_training.is_finite()) {
        return Err(Error::input(format!(
            "a ratio of test to training rows of `{test_to_training}` is not a positive number"
        )));
    }
    standard_error(differences, "a corrected resampled t-test")?;
    let inflated = (1.0 / differences.len() as f64 + test_to_training) * differences.variance()?;
    TTest::new(differences.mean() / inflated.sqrt(), (differences.len() - 1) as f64)
}

/// Cohen's dz: mean difference in units of the differences' standard deviation.
///
/// # Errors
/// With fewer than 2 differences, or if they do not vary.
pub fn cohen_dz(differences: Sample) -> Result<f64> {
    standard_error(differences, "Cohen's dz")?;
    Ok(differences.mean() / differences.standard_deviation()?)
}

/// Two one-sided paired t-tests (Schuirmann 1987): the p-value of "the mean difference lies within +-`margin`".
/// Small means shown to be equivalent.
///
/// # Errors
/// With fewer than 2 differences, without variation, or if the margin is not a positive number.
pub fn equivalence(differences: Sample, margin: f64) -> Result<f64> {
    if !(margin > 0.0 && margin.is_finite()) {
        return Err(Error::input(format!(
            "an equivalence margin of `{margin}` is not a positive number"
        )));
    }
    let error = standard_error(differences, "an equivalence test")?;
    let freedom = (differences.len() - 1) as f64;
    let above_lower = student::upper_tail((differences.mean() + margin) / error, freedom)?;
    let below_upper = student::upper_tail((margin - differences.mean()) / error, freedom)?;
    Ok(above_lower.max(below_upper))
}

/// Posterior probabilities of the mean difference: below, within and above a region of practical equivalence. They add up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// P(mean difference < -rope).
    pub below: f64,
    /// P(-rope <= mean difference <= rope).
    pub within: f64,
    /// P(mean difference > rope).
    pub above: f64,
}

/// Bayesian correlated t-test (Corani and Benavoli 2015): posterior of the mean difference over runs whose results correlate by `correlation`
/// (the test share for cross-validation; 0 for independent runs), against a region of practical equivalence of +-`rope`.
///
/// # Errors
/// With fewer than 2 differences, without variation, if the correlation is not within 0..1, or the region is negative.
pub fn bayes_correlated_t(differences: Sample, correlation: f64, rope: f64) -> Result<Posterior> {
    if !((0.0..1.0).contains(&correlation) && rope >= 0.0 && rope.is_finite()) {
        return Err(Error::input(format!(
            "a Bayesian t-test needs a correlation within 0..1 and a region of at least 0, got `{correlation}` and `{rope}`"
        )));
    }
    standard_error(differences, "a Bayesian t-test")?;
    let freedom = (differences.len() - 1) as f64;
    let scale = ((1.0 / differences.len() as f64 + correlation / (1.0 - correlation)) * differences.variance()?).sqrt();
    let mean = differences.mean();
    let below = student::upper_tail((mean + rope) / scale, freedom)?;
    let above = student::upper_tail((rope - mean) / scale, freedom)?;
    Ok(Posterior {
        below,
        within: (1.0 - below - above).max(0.0),
        above,
    })
}

/// Standard error of the mean; refuses what has none.
fn standard_error(sample: Sample, what: &str) -> Result<f64> {
    sample.at_least(2, what)?;
    if !sample.varies() {
        return Err(Error::input(format!(
            "{what} is not defined: all {} values are the same ({})",
            sample.len(),
            sample.values()[0]
        )));
    }
    Ok((sample.variance()? / sample.len() as f64).sqrt())
}

fn some_variation(a: Sample, b: Sample) -> Result<()> {
    if a.varies() || b.varies() {
        return Ok(());
    }
    Err(Error::input("an unpaired t-test is not defined: neither sample varies"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::golden::{close, fixture, numbers};
    use proptest::prelude::*;

    #[test]
    fn scipy_agrees_on_one_sample() {
        for (name, case) in fixture()["samples"].as_object().unwrap() {
            let values = numbers(&case["values"]);
            let sample = Sample::new(&values).unwrap();
            let t = paired_t(sample).unwrap();
            close(t.t, &case["t"]["t"], 1e-12, name);
            close(t.p, &case["t"]["p"], 1e-10, name);
            let (low, high) = t_interval(sample, 0.95).unwrap();
            close(low, &case["t"]["interval"][0], 1e-10, name);
            close(high, &case["t"]["interval"][1], 1e-10, name);
            close(cohen_dz(sample).unwrap(), &case["dz"], 1e-12, name);
            let corrected = nadeau_bengio_t(sample, 0.25).unwrap();
            close(corrected.t, &case["nadeau_bengio"]["t"], 1e-12, name);
            close(corrected.p, &case["nadeau_bengio"]["p"], 1e-10, name);
            let tost = equivalence(sample, case["tost"]["margin"].as_f64().unwrap()).unwrap();
            close(tost, &case["tost"]["p"], 1e-9, name);
            let bayes = &case["bayes"];
            let posterior = bayes_correlated_t(sample, bayes["correlation"].as_f64().unwrap(), bayes["rope"].as_f64().unwrap()).unwrap();
            for (found, part) in [(posterior.below, "below"), (posterior.within, "within"), (posterior.above, "above")] {
                assert!((found - bayes[part].as_f64().unwrap()).abs() < 1e-12, "{name} {part}");
            }
        }
    }

    #[test]
    fn scipy_agrees_on_two_samples() {
        for (index, case) in fixture()["two_samples"].as_array().unwrap().iter().enumerate() {
            let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
            let (a, b) = (Sample::new(&a).unwrap(), Sample::new(&b).unwrap());
            for (found, kind) in [(student_t(a, b).unwrap(), "student"), (welch_t(a, b).unwrap(), "welch")] {
                let name = format!("case {index} {kind}");
                close(found.t, &case[kind]["t"], 1e-12, &name);
                close(found.degrees_of_freedom, &case[kind]["df"], 1e-12, &name);
                close(found.p, &case[kind]["p"], 1e-10, &name);
            }
        }
    }

    #[test]
    fn darwins_maize_gives_the_published_values() {
        // SciPy, pingouin 0.7 and baycomp 1.0.3 (differences over 100, rope 0.05, one run).
        let values = [
            6.0, 8.0, 14.0, 16.0, 23.0, 24.0, 28.0, 29.0, 41.0, -48.0, 49.0, 56.0, 60.0, -67.0, 75.0,
        ];
        let sample = Sample::new(&values).unwrap();
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 6e-7, "{found} {expected}");
        let t = paired_t(sample).unwrap();
        near(t.t, 2.147_987);
        near(t.p, 0.049_703);
        near(cohen_dz(sample).unwrap(), 0.554_608);
        let corrected = nadeau_bengio_t(sample, 0.25).unwrap();
        near(corrected.t, 0.985_564);
        near(corrected.p, 0.341_074);
        near(crate::stats::shapiro_wilk(sample).unwrap().p, 0.097_847);
        let scaled = values.map(|value| value / 100.0);
        let posterior = bayes_correlated_t(Sample::new(&scaled).unwrap(), 1.0 / 15.0, 0.05).unwrap();
        near(posterior.above, 0.862_478);
        near(posterior.within, 0.094_673);
        near(posterior.below, 0.042_848);
    }

    #[test]
    fn without_variation_there_is_no_test() {
        let same = [0.3; 5];
        let sample = Sample::new(&same).unwrap();
        assert!(paired_t(sample).unwrap_err().message().contains("all 5 values are the same (0.3)"));
        assert!(cohen_dz(sample).is_err() && nadeau_bengio_t(sample, 0.25).is_err());
        assert!(equivalence(sample, 0.1).is_err() && bayes_correlated_t(sample, 0.1, 0.1).is_err());
        assert!(student_t(sample, sample).is_err() && welch_t(sample, sample).is_err());
        let one = [1.0];
        let one = Sample::new(&one).unwrap();
        assert!(paired_t(one).unwrap_err().message().contains("at least 2"));
        assert!(welch_t(one, sample).is_err() && student_t(one, one).is_err() && t_interval(one, 0.95).is_err());
        let (low, high) = t_interval(sample, 0.95).unwrap();
        assert!((low - 0.3).abs() < 1e-15 && (high - 0.3).abs() < 1e-15);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let values = [1.0, 2.0, 4.0];
        let sample = Sample::new(&values).unwrap();
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(nadeau_bengio_t(sample, wrong).is_err());
            assert!(equivalence(sample, wrong).is_err());
        }
        assert!(bayes_correlated_t(sample, 1.0, 0.1).is_err() && bayes_correlated_t(sample, 0.1, -0.1).is_err());
        assert!(t_interval(sample, 0.0).is_err());
    }

    proptest! {
        #[test]
        fn tests_mirror_when_signs_turn(values in prop::collection::vec(-1e3_f64..1e3, 2..40)) {
            let turned: Vec<f64> = values.iter().map(|value| -value).collect();
            let (sample, turned) = (Sample::new(&values).unwrap(), Sample::new(&turned).unwrap());
            prop_assume!(sample.varies());
            let (one, two) = (paired_t(sample).unwrap(), paired_t(turned).unwrap());
            prop_assert!((one.t + two.t).abs() <= 1e-9 * one.t.abs().max(1.0) && (one.p - two.p).abs() < 1e-9);
            let posterior = bayes_correlated_t(sample, 0.2, 1.0).unwrap();
            prop_assert!((posterior.below + posterior.within + posterior.above - 1.0).abs() < 1e-9);
            prop_assert!(equivalence(sample, 1.0).unwrap() >= equivalence(sample, 2.0).unwrap());
        }
    }
}
