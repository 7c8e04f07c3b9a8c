//! One cell of a scenario grid: many paired runs, summarised and judged.

use super::cell_record::{CellSummary, FriedmanRecord, Spread, TestResult, VarianceRecord};
use super::compare::check_settings;
use super::metrics::INTERVAL_LEVEL;
use super::record::{EvaluationSettings, Interval, Verdict};
use super::words::{count, count_of, decimals_for_shares, p_value, percent, points, signed_points};
use crate::error::{Error, Result};
use crate::seed::Seed;
use crate::stats::{self, Sample, TTest};

/// Differences of scores are rounded to this many parts, so that 0.1 + 0.2 ties with 0.3 in ranks and counts.
const PARTS: f64 = 1e12;

/// A cell whose p-values have not been corrected over the grid yet: only [`judge_grid`] makes a summary of it.
#[derive(Debug, Clone, PartialEq)]
pub struct UnjudgedCell(CellSummary);

/// Summarises one cell: `baseline[i]` and `repaired[i]` are the scores (accuracies as fractions) of scenario i before and after.
///
/// `test_rows` is the number of rows behind each score, for the standard error that more scenarios cannot lower.
/// Where several initialisations are nested in a scenario, give their mean; see [`variance_split`].
///
/// # Errors
/// Settings out of range, no scenario, lists of unequal length, or scores that are no fractions.
pub fn cell_summary(
    name: &str,
    baseline: &[f64],
    repaired: &[f64],
    test_rows: Option<usize>,
    settings: &EvaluationSettings,
) -> Result<UnjudgedCell> {
    check_settings(settings)?;
    let rounded: Vec<f64> = stats::differences(repaired, baseline)?
        .iter()
        .map(|value| (value * PARTS).round() / PARTS)
        .collect();
    if let Some(wrong) = baseline.iter().chain(repaired).find(|score| !(0.0..=1.0).contains(*score)) {
        return Err(Error::internal(format!("a score of `{wrong}` is no fraction")));
    }
    let (before, after, differences) = (Sample::new(baseline)?, Sample::new(repaired)?, Sample::new(&rounded)?);
    let mut undefined = Undefined(Vec::new());
    let seed = Seed(settings.seed);
    let wilcoxon = undefined.note(stats::wilcoxon(differences));
    let interval = undefined.note(stats::bca_mean(
        differences,
        settings.resamples,
        INTERVAL_LEVEL,
        seed,
        "bootstrap-scenarios",
    ));
    let share = |holds: fn(&f64) -> bool| rounded.iter().filter(|value| holds(value)).count() as f64 / rounded.len() as f64;
    let test_set = |rows: usize| stats::proportion_standard_error(before.mean().clamp(0.0, 1.0), rows as u64);
    Ok(UnjudgedCell(CellSummary {
        name: name.to_owned(),
        scenarios: rounded.len(),
        baseline: spread(before)?,
        repaired: spread(after)?,
        difference: spread(differences)?,
        interval: interval.map(|found| Interval {
            estimate: found.estimate,
            low: found.low,
            high: found.high,
        }),
        paired_t: undefined.note(stats::paired_t(differences)).map(t_result),
        wilcoxon: wilcoxon.map(|found| TestResult {
            statistic: found.w(),
            degrees_of_freedom: None,
            p: found.p,
            p_holm: None,
        }),
        wilcoxon_exact: wilcoxon.map(|found| found.exact),
        sign_flip_p: stats::sign_flip(differences, settings.resamples, seed, "sign-flips")?.p,
        dz: undefined.note(stats::cohen_dz(differences)),
        rank_biserial: wilcoxon.map(|found| found.rank_biserial),
        share_improved: share(|value| *value > 0.0),
        share_worsened: share(|value| *value < 0.0),
        normality_p: undefined.note(stats::shapiro_wilk(differences)).map(|found| found.p),
        equivalence_p: undefined.note(stats::equivalence(differences, settings.minimum_effect)),
        unpaired_student: undefined.note(stats::student_t(after, before)).map(t_result),
        unpaired_welch: undefined.note(stats::welch_t(after, before)).map(t_result),
        test_set_standard_error: test_rows.map(test_set).transpose()?,
        p_holm: 1.0,
        verdict: Verdict::NoChangeDetected,
        equivalent: false,
        sentence: String::new(),
        undefined: undefined.0,
    }))
}

/// Corrects the paired tests over the whole grid by Holm and says what may be said of each cell.
///
/// Better or worse needs both paired tests (t and Wilcoxon) below the level after correction, and a mean difference of at least the minimum
/// effect. A test that is not defined counts as p = 1 in the correction; where the differences do not vary at all, Wilcoxon's alone decides.
///
/// # Errors
/// None that a cell from [`cell_summary`] can cause.
pub fn judge_grid(cells: Vec<UnjudgedCell>, settings: &EvaluationSettings) -> Result<Vec<CellSummary>> {
    let p_of = |pick: fn(&CellSummary) -> Option<TestResult>| -> Vec<f64> {
        cells.iter().map(|cell| pick(&cell.0).map_or(1.0, |test| test.p)).collect()
    };
    let t_holm = stats::holm(&p_of(|cell| cell.paired_t))?;
    let wilcoxon_holm = stats::holm(&p_of(|cell| cell.wilcoxon))?;
    let equivalence_holm = stats::holm(&cells.iter().map(|cell| cell.0.equivalence_p.unwrap_or(1.0)).collect::<Vec<_>>())?;
    let family = cells.len();
    let corrected = t_holm.into_iter().zip(wilcoxon_holm).zip(equivalence_holm);
    Ok(cells
        .into_iter()
        .zip(corrected)
        .map(|(UnjudgedCell(mut cell), ((t_holm, wilcoxon_holm), equivalence_holm))| {
            if let Some(test) = &mut cell.paired_t {
                test.p_holm = Some(t_holm);
            }
            if let Some(test) = &mut cell.wilcoxon {
                test.p_holm = Some(wilcoxon_holm);
            }
            cell.p_holm = match (&cell.paired_t, &cell.wilcoxon) {
                (None, Some(_)) => wilcoxon_holm,
                _ => t_holm.max(wilcoxon_holm),
            };
            let (difference, least) = (cell.difference.mean, settings.minimum_effect);
            let significant = cell.p_holm < settings.significance;
            cell.equivalent = equivalence_holm < settings.significance;
            let needed = scenarios_needed(&cell, family, settings);
            cell.verdict = match () {
                () if significant && difference >= least && difference > 0.0 => Verdict::Better,
                () if significant && -difference >= least && difference < 0.0 => Verdict::Worse,
                () if needed.is_some() && !cell.equivalent => Verdict::CannotBeJudged,
                () => Verdict::NoChangeDetected,
            };
            cell.sentence = sentence(&cell, needed, family, settings);
            cell
        })
        .collect())
}

fn sentence(cell: &CellSummary, needed: Option<usize>, family: usize, settings: &EvaluationSettings) -> String {
    let difference = cell.difference.mean;
    let scenarios = count_of(cell.scenarios, "scenario");
    let decimals = decimals_for_shares(cell.baseline.mean, cell.repaired.mean, difference, settings.minimum_effect);
    let (start, end) = (percent(cell.baseline.mean, decimals), percent(cell.repaired.mean, decimals));
    if cell.share_improved + cell.share_worsened == 0.0 {
        return format!("No change detected: the score is the same before and after in all {scenarios} ({end}).");
    }
    let title = match cell.verdict {
        Verdict::Better => "Better",
        Verdict::Worse => "Worse",
        Verdict::NoChangeDetected => "No change detected",
        Verdict::CannotBeJudged => "Too few scenarios",
    };
    let moved = match difference {
        gain if gain > 0.0 => format!("rose from {start} to {end}"),
        loss if loss < 0.0 => format!("fell from {start} to {end}"),
        _ => format!("stayed at {end}"),
    };
    let interval = cell.interval.map_or_else(String::new, |interval| {
        format!(
            ", 95 % interval {} to {}",
            signed_points(interval.low, decimals),
            signed_points(interval.high, decimals)
        )
    });
    let improved = (cell.share_improved * cell.scenarios as f64).round() as usize;
    let p = p_value(cell.p_holm, settings.significance);
    let corrected = if family > 1 {
        format!(" after correction for {family} cells")
    } else {
        String::new()
    };
    let size = points(settings.minimum_effect);
    let ending = match cell.verdict {
        Verdict::Better | Verdict::Worse => String::new(),
        Verdict::NoChangeDetected if cell.p_holm < settings.significance && cell.equivalent => {
            format!("; the difference is real but smaller than the {size} points that count")
        }
        Verdict::NoChangeDetected if cell.p_holm < settings.significance => {
            format!("; the difference is real, but as measured it is smaller than the {size} points that count")
        }
        Verdict::NoChangeDetected if cell.equivalent => format!("; any difference is smaller than the {size} points that count"),
        Verdict::CannotBeJudged | Verdict::NoChangeDetected => match needed {
            Some(needed) if family > 1 => format!("; {scenarios} cannot pass a correction for {} cells, {needed} could", count(family)),
            Some(needed) => format!("; {scenarios} cannot pass the test, {needed} could"),
            None => format!("; a difference of {size} points or more is neither shown nor ruled out"),
        },
    };
    format!(
        "{title}: over {scenarios} mean accuracy {moved} ({} points{interval}; higher in {} of {}; {p}{corrected}){ending}.",
        signed_points(difference, decimals),
        count(improved),
        count(cell.scenarios)
    )
}

/// The least number of scenarios with which Wilcoxon's test can pass Holm's first step over the grid, where the cell has fewer and did not
/// pass: then whatever the repair does, more scenarios are missing. Its smallest two-sided p over n scenarios is 2 / 2^n.
fn scenarios_needed(cell: &CellSummary, family: usize, settings: &EvaluationSettings) -> Option<usize> {
    let passes = |test: Option<TestResult>| test.and_then(|test| test.p_holm).is_some_and(|p| p < settings.significance);
    if passes(cell.wilcoxon) || cell.share_improved + cell.share_worsened == 0.0 {
        return None;
    }
    let needed = (1..64).find(|scenarios| 2.0 * 0.5_f64.powi(*scenarios) * (family as f64) < settings.significance)?;
    (cell.scenarios < needed as usize).then_some(needed as usize)
}

/// Friedman's test over the methods of a cell: `(name, scores by scenario)`, higher is better.
///
/// # Errors
/// As [`crate::stats::friedman`]: fewer than 3 methods or 2 scenarios, lists of unequal length, or all methods tie everywhere.
pub fn friedman_over_methods(methods: &[(&str, &[f64])]) -> Result<FriedmanRecord> {
    // Scores that differ by rounding alone must tie.
    let rounded: Vec<Vec<f64>> = methods
        .iter()
        .map(|(_, scores)| scores.iter().map(|score| (score * PARTS).round() / PARTS).collect())
        .collect();
    let scores: Vec<&[f64]> = rounded.iter().map(Vec::as_slice).collect();
    let found = stats::friedman(&scores)?;
    Ok(FriedmanRecord {
        methods: methods.iter().map(|(name, _)| (*name).to_owned()).collect(),
        average_ranks: found.average_ranks,
        chi_squared: found.chi_squared,
        p: found.p,
        f_p: found.f_p,
    })
}

/// Splits the variance of a figure (a score, or a difference) between scenarios and the initialisations nested in them; one list a scenario.
///
/// # Errors
/// As [`crate::stats::variance_components`]: fewer than 2 scenarios, or none with 2 initialisations.
pub fn variance_split(scenarios: &[&[f64]]) -> Result<VarianceRecord> {
    let found = stats::variance_components(scenarios)?;
    Ok(VarianceRecord {
        mean: found.mean,
        standard_error: found.standard_error,
        between_scenarios: found.between.sqrt(),
        between_initialisations: found.within.sqrt(),
        share_between_scenarios: found.share_between(),
        p: found.p,
    })
}

fn spread(sample: Sample) -> Result<Spread> {
    Ok(Spread {
        mean: sample.mean(),
        standard_deviation: sample.standard_deviation().ok(),
        lowest: sample.quantile(0.0)?,
        lower_quartile: sample.quantile(0.25)?,
        median: sample.median(),
        upper_quartile: sample.quantile(0.75)?,
        highest: sample.quantile(1.0)?,
    })
}

fn t_result(found: TTest) -> TestResult {
    TestResult {
        statistic: found.t,
        degrees_of_freedom: Some(found.degrees_of_freedom),
        p: found.p,
        p_holm: None,
    }
}

/// Collects why figures are absent, each reason once.
struct Undefined(Vec<String>);

impl Undefined {
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        result
            .map_err(|error| {
                let reason = error.message().to_owned();
                if !self.0.contains(&reason) {
                    self.0.push(reason);
                }
            })
            .ok()
    }
}
