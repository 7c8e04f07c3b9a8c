//! The record of one cell of a scenario grid (one network size, one error rate, one method): what its report shows.

use serde::{Deserialize, Serialize};

use super::record::{Interval, Verdict};

/// Many error scenarios, before against after a repair, pair by pair. Scores are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellSummary {
    /// What the cell is, such as "ASSD, 3x100, 5 % errors".
    pub name: String,
    /// Scenarios.
    pub scenarios: usize,
    /// Scores before.
    pub baseline: Spread,
    /// Scores after.
    pub repaired: Spread,
    /// After minus before, scenario by scenario.
    pub difference: Spread,
    /// 95 % BCa bootstrap interval of the mean difference; absent where the differences do not vary.
    pub interval: Option<Interval>,
    /// Paired t-test; absent where the differences do not vary.
    pub paired_t: Option<TestResult>,
    /// Wilcoxon's signed-rank test (statistic: the smaller rank sum); absent where no scenario changed.
    pub wilcoxon: Option<TestResult>,
    /// Whether Wilcoxon's p-value is exact (up to 50 changed scenarios) or the normal approximation.
    pub wilcoxon_exact: Option<bool>,
    /// p-value of the sign-flip permutation test on the mean difference.
    pub sign_flip_p: f64,
    /// Cohen's dz; absent where the differences do not vary.
    pub dz: Option<f64>,
    /// Matched rank-biserial correlation; absent where no scenario changed.
    pub rank_biserial: Option<f64>,
    /// Share of scenarios with a higher score after.
    pub share_improved: f64,
    /// Share of scenarios with a lower score after.
    pub share_worsened: f64,
    /// Shapiro-Wilk p-value of the differences: small means not normal. Absent below 3 scenarios or without variation.
    pub normality_p: Option<f64>,
    /// Equivalence within the minimum effect, by two one-sided t-tests; absent where the differences do not vary.
    pub equivalence_p: Option<f64>,
    /// The published kind of test, which ignores that scenarios are paired: Student's. Shown beside the paired one, never judged by.
    pub unpaired_student: Option<TestResult>,
    /// The same without equal variances: Welch's.
    pub unpaired_welch: Option<TestResult>,
    /// Standard error of the baseline's mean score that comes from the test rows being a sample, whatever the number of scenarios.
    pub test_set_standard_error: Option<f64>,
    /// The p-value the verdict uses: the larger of the Holm-corrected paired t and Wilcoxon p-values.
    pub p_holm: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the cell is shown to be equivalent: `equivalence_p` below the level after Holm's correction over the grid.
    pub equivalent: bool,
    /// The verdict as one plain sentence with its figures.
    pub sentence: String,
    /// Why figures are absent, one sentence each.
    pub undefined: Vec<String>,
}

/// A list of numbers in short.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation (divisor n - 1); absent for one value.
    pub standard_deviation: Option<f64>,
    /// Lowest.
    pub lowest: f64,
    /// First quartile.
    pub lower_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub upper_quartile: f64,
    /// Highest.
    pub highest: f64,
}

/// A test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Statistic.
    pub statistic: f64,
    /// Degrees of freedom, where the test has them.
    pub degrees_of_freedom: Option<f64>,
    /// Two-sided p-value.
    pub p: f64,
    /// The same after Holm's correction over the grid; absent for tests that are only shown.
    pub p_holm: Option<f64>,
}

/// Do the methods of a cell differ at all, judged on the same scenarios?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FriedmanRecord {
    /// Method names.
    pub methods: Vec<String>,
    /// Average rank of each, 1 is best.
    pub average_ranks: Vec<f64>,
    /// Friedman's chi-squared, corrected for ties.
    pub chi_squared: f64,
    /// Its p-value.
    pub p: f64,
    /// p-value of Iman and Davenport's F.
    pub f_p: f64,
}

/// Where the variance of a figure comes from, for several initialisations within each scenario.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VarianceRecord {
    /// Mean of the scenario means.
    pub mean: f64,
    /// Its standard error over scenarios.
    pub standard_error: f64,
    /// Standard deviation between scenarios.
    pub between_scenarios: f64,
    /// Standard deviation between initialisations of the same scenario.
    pub between_initialisations: f64,
    /// Share of the variance that lies between scenarios; absent where nothing varies.
    pub share_between_scenarios: Option<f64>,
    /// p-value of the F test that scenarios do not differ; absent where initialisations do not vary.
    pub p: Option<f64>,
}
