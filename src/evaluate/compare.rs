//! The model before against the model after, on the same rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::classwise::losing_classes;
use super::metric::Worth;
use super::metrics::{INTERVAL_LEVEL, metrics, predictions};
use super::record::{BeforeAfter, Comparison, EvaluationSettings, Interval, McNemarRecord, Measured, Metrics, Verdict};
use super::words;
use crate::error::{Error, Result};
use crate::seed::Seed;
use crate::stats::{Cluster, cluster_bootstrap, mcnemar_exact, sign_flip_counts};

/// A group code that stands for "no group given": each such row is a group of its own.
const NO_GROUP: u32 = u32::MAX;

/// Which rows a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSet {
    /// The test rows.
    Test,
    /// Those of them whose labels can be trusted.
    TrustedTest,
    /// The validation tail of the training period.
    Validation,
    /// Those of them whose labels can be trusted.
    TrustedValidation,
}

impl RowSet {
    /// `test rows`, as in "the same 11,898 test rows".
    pub fn words(self) -> &'static str {
        match self {
            RowSet::Test => "test rows",
            RowSet::TrustedTest => "test rows that can be trusted",
            RowSet::Validation => "validation rows",
            RowSet::TrustedValidation => "validation rows that can be trusted",
        }
    }
}

/// Labelled rows to judge on.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Which rows they are.
    pub set: RowSet,
    /// Class index of each row.
    pub labels: &'a [u8],
    /// Group code of each row, where the profile names a group column; `u32::MAX` is "none given".
    pub groups: Option<&'a [u32]>,
    /// Class names, in label order.
    pub classes: &'a [String],
}

/// What a comparison says in its sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wording {
    /// The same model before and after a repair.
    Repair(RowSet),
    /// A model (after) against another one (before), which is named so that it fits "better than ...".
    Against(RowSet, String),
}

impl Wording {
    pub(super) fn rows(&self) -> &'static str {
        match self {
            Wording::Repair(set) | Wording::Against(set, _) => set.words(),
        }
    }
}

/// A comparison whose p-value has not been corrected for the number of methods yet: only [`judge`](super::judge) makes a verdict of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unjudged {
    pub(super) wording: Wording,
    pub(super) raw_p: f64,
    pub(super) comparison: Comparison,
}

/// Compares predicted probabilities (rows x classes, row-major) before and after on the same rows.
///
/// The difference in accuracy gets a 95 % percentile interval by paired bootstrap over rows and, where there are groups, over whole
/// groups. Each bootstrap draws from the rows (groups) plus one that is fixed and one that is broken (for groups: whole ones of average size):
/// without these, as Bonett and Price (2012) showed for the interval by formula, it would shrink to nothing where few rows changed.
/// The p-value is the exact McNemar test or, with groups, the exact sign-flip test on fixed minus broken rows of each group.
///
/// # Errors
/// Settings out of range, no rows, sizes that do not fit, or probabilities that are none.
pub fn compare(rows: &Rows, before: &[f32], after: &[f32], settings: &EvaluationSettings) -> Result<Unjudged> {
    let (old, new) = (predictions(before, rows.classes.len())?, predictions(after, rows.classes.len())?);
    let measured = (
        metrics(rows.labels, before, rows.classes)?,
        metrics(rows.labels, after, rows.classes)?,
    );
    let measure = match settings.metric.is_accuracy() {
        true => None,
        false => Some(change_in(rows, (&measured.0, &measured.1), &old, &new, settings)?),
    };
    let mut unjudged = compare_changes(rows, measured, &changes(rows.labels, &old, &new), settings)?;
    unjudged.raw_p = measure.as_ref().map_or(unjudged.raw_p, |measure| measure.p);
    unjudged.comparison.p_holm = unjudged.raw_p;
    unjudged.comparison.measured = measure;
    Ok(unjudged)
}

/// The measure that counts, before and after.
fn change_in(
    rows: &Rows,
    (before, after): (&Metrics, &Metrics),
    old: &[u8],
    new: &[u8],
    settings: &EvaluationSettings,
) -> Result<Measured> {
    check_settings(settings)?;
    let metric = &settings.metric;
    let worth = metric.worth(rows.labels, old, new, rows.classes)?;
    let (p, gain) = groupwise(rows.groups, &worth.changes(rows.labels, old, new), &worth, settings)?;
    let values = metric.value(before).zip(metric.value(after));
    Ok(Measured {
        words: metric.words(),
        values: values.map(|(before, after)| BeforeAfter { before, after }),
        gain,
        p,
        dearest: metric.dearest(),
    })
}

/// The comparison behind [`compare`], from metrics before and after and the change of each row: 1 fixed, -1 broken, 0 neither.
pub(super) fn compare_changes(
    rows: &Rows,
    (metrics_before, metrics_after): (Metrics, Metrics),
    changes: &[i64],
    settings: &EvaluationSettings,
) -> Result<Unjudged> {
    check_settings(settings)?;
    let fixed = changes.iter().filter(|change| **change > 0).count();
    let broken = changes.iter().filter(|change| **change < 0).count();
    let mcnemar = McNemarRecord {
        fixed,
        broken,
        p: mcnemar_exact(fixed as u64, broken as u64),
    };
    let singles: Vec<Cluster> = changes.iter().map(|&sum| Cluster { sum, rows: 1 }).collect();
    let difference = interval(singles, 1, settings, "bootstrap-rows")?;
    let clusters = rows.groups.map(|groups| clusters(groups, changes)).transpose()?;
    let group_p = clusters.as_ref().map(|clusters| sign_flip_counts(&sums(clusters)));
    let groups = clusters.as_ref().map(Vec::len);
    let cautions = cautions(rows, groups, clusters.as_deref());
    let difference_by_group = clusters
        .map(|clusters| interval(clusters, 1, settings, "bootstrap-groups"))
        .transpose()?;
    let raw_p = group_p.unwrap_or(mcnemar.p);
    let difference = agreeing(difference, mcnemar.p);
    let difference_by_group = difference_by_group.map(|interval| agreeing(interval, raw_p));
    let losing_classes = losing_classes(rows, (&metrics_before, &metrics_after), changes, settings)?;
    Ok(Unjudged {
        wording: Wording::Repair(rows.set),
        raw_p,
        comparison: Comparison {
            rows: rows.labels.len(),
            groups,
            before: metrics_before,
            after: metrics_after,
            difference,
            difference_by_group,
            mcnemar,
            group_p,
            measured: None,
            p_holm: raw_p,
            verdict: Verdict::NoChangeDetected,
            sentence: String::new(),
            cautions,
            losing_classes,
        },
    })
}

/// Compares a model with a simpler one on the same rows; `other` names the simpler one as in "better than a logistic regression".
///
/// # Errors
/// As [`compare`].
pub fn compare_with_baseline(rows: &Rows, other: &str, baseline: &[f32], model: &[f32], settings: &EvaluationSettings) -> Result<Unjudged> {
    let mut unjudged = compare(rows, baseline, model, settings)?;
    unjudged.wording = Wording::Against(rows.set, other.to_owned());
    Ok(unjudged)
}

/// p-value and interval of a measure's change, from that of each row in units of `worth`: by group where there are groups, else row by row.
pub(super) fn groupwise(groups: Option<&[u32]>, changes: &[i64], worth: &Worth, settings: &EvaluationSettings) -> Result<(f64, Interval)> {
    let singles = || changes.iter().map(|&sum| Cluster { sum, rows: 1 }).collect();
    let clusters = groups.map_or_else(|| Ok(singles()), |groups| clusters(groups, changes))?;
    let p = sign_flip_counts(&sums(&clusters));
    let mean = agreeing(interval(clusters, worth.largest(), settings, "bootstrap-groups")?, p);
    let unit = worth.unit();
    let scaled = Interval {
        estimate: unit * mean.estimate,
        low: unit * mean.low,
        high: unit * mean.high,
    };
    Ok((p, scaled))
}

/// p-value of a mean of changes over rows being zero, two-sided and exact: by group where there are groups, else row by row.
///
/// # Errors
/// Where sizes do not fit.
pub(super) fn p_of_no_change(groups: Option<&[u32]>, changes: &[i64]) -> Result<f64> {
    Ok(match groups {
        Some(groups) => sign_flip_counts(&sums(&clusters(groups, changes)?)),
        None => sign_flip_counts(changes),
    })
}

/// The interval, drawn to zero where the exact test does not rule zero out: test and interval say the same.
fn agreeing(interval: Interval, p: f64) -> Interval {
    if p < 1.0 - INTERVAL_LEVEL {
        return interval;
    }
    Interval {
        low: interval.low.min(0.0),
        high: interval.high.max(0.0),
        ..interval
    }
}

/// Per row 1 (fixed), -1 (broken) or 0.
pub(super) fn changes(labels: &[u8], before: &[u8], after: &[u8]) -> Vec<i64> {
    let right = |guess: &u8, label: &u8| i64::from(guess == label);
    labels
        .iter()
        .zip(before.iter().zip(after))
        .map(|(label, (before, after))| right(after, label) - right(before, label))
        .collect()
}

fn clusters(groups: &[u32], changes: &[i64]) -> Result<Vec<Cluster>> {
    if groups.len() != changes.len() {
        return Err(Error::internal(format!("{} group codes for {} rows", groups.len(), changes.len())));
    }
    let mut by_group: BTreeMap<u32, Cluster> = BTreeMap::new();
    let mut alone = Vec::new();
    for (&group, &sum) in groups.iter().zip(changes) {
        if group == NO_GROUP {
            alone.push(Cluster { sum, rows: 1 });
        } else {
            let cluster = by_group.entry(group).or_insert(Cluster { sum: 0, rows: 0 });
            cluster.sum += sum;
            cluster.rows += 1;
        }
    }
    Ok(by_group.into_values().chain(alone).collect())
}

fn sums(clusters: &[Cluster]) -> Vec<i64> {
    clusters.iter().map(|cluster| cluster.sum).collect()
}

/// Estimate from the clusters as they are, limits with one fixed and one broken cluster of average size added; a row changes by at most
/// `largest`.
///
/// Models swapped give the same interval mirrored: of the two directions one is drawn, and the other is its mirror image.
fn interval(mut clusters: Vec<Cluster>, largest: i64, settings: &EvaluationSettings, stream: &str) -> Result<Interval> {
    let rows: u64 = clusters.iter().map(|cluster| cluster.rows).sum();
    let sum: i64 = clusters.iter().map(|cluster| cluster.sum).sum();
    let estimate = sum as f64 / rows as f64;
    let average = (rows as f64 / clusters.len() as f64).round().max(1.0) as u64;
    let most = largest.saturating_mul(average as i64);
    let direction = direction(&clusters);
    match direction {
        Ordering::Greater => {}
        Ordering::Less => clusters.iter_mut().for_each(|cluster| cluster.sum = -cluster.sum),
        // Both directions have the same clusters in another order, and a few clusters are drawn by their place.
        Ordering::Equal => clusters.sort_unstable_by_key(|cluster| (cluster.sum, cluster.rows)),
    }
    clusters.extend([most, -most].map(|sum| Cluster { sum, rows: average }));
    let drawn = cluster_bootstrap(&clusters, settings.resamples, INTERVAL_LEVEL, Seed(settings.seed), stream)?;
    // Taken from zero, so that zero has no sign.
    let (low, high) = match direction {
        Ordering::Greater => (drawn.low, drawn.high),
        Ordering::Less => (0.0 - drawn.high, 0.0 - drawn.low),
        Ordering::Equal => {
            let reach = (drawn.high - drawn.low) / 2.0;
            (0.0 - reach, reach)
        }
    };
    Ok(Interval {
        estimate,
        low: low.min(estimate),
        high: high.max(estimate),
    })
}

/// Which of two mirrored directions the clusters have: that of their sum or, where it is zero, of the whole list of them. Equal: the list is
/// its own mirror image.
fn direction(clusters: &[Cluster]) -> Ordering {
    let sum: i64 = clusters.iter().map(|cluster| cluster.sum).sum();
    let sorted = |sign: i64| {
        let mut all: Vec<(i64, u64)> = clusters.iter().map(|cluster| (sign * cluster.sum, cluster.rows)).collect();
        all.sort_unstable();
        all
    };
    sum.cmp(&0).then_with(|| sorted(1).cmp(&sorted(-1)))
}

pub(super) fn check_settings(settings: &EvaluationSettings) -> Result<()> {
    if !(0.0..1.0).contains(&settings.minimum_effect) {
        return Err(Error::input(format!(
            "a minimum effect of `{}` is not a fraction between 0 and 1",
            settings.minimum_effect
        ))
        .hint("use 0.001 for 0.1 percentage points"));
    }
    if !(settings.significance > 0.0 && settings.significance < 1.0) {
        return Err(Error::input(format!(
            "a significance level of `{}` is not between 0 and 1",
            settings.significance
        ))
        .hint("use 0.05"));
    }
    if settings.resamples < 100 {
        return Err(Error::input(format!("{} bootstrap resamples are too few for an interval", settings.resamples)).hint("use 10000"));
    }
    Ok(())
}

/// What limits any verdict on these rows.
fn cautions(rows: &Rows, groups: Option<usize>, clusters: Option<&[Cluster]>) -> Vec<String> {
    let mut cautions = Vec::new();
    let name = rows.set.words();
    let few = rows.labels.len();
    if few < 100 {
        cautions.push(format!(
            "Only {} {name}: differences of several points would go unnoticed.",
            words::count(few)
        ));
    }
    let first = rows.labels.first().copied().unwrap_or_default();
    if rows.labels.iter().all(|label| *label == first) {
        let class = rows.classes.get(usize::from(first)).map_or("one", String::as_str);
        cautions.push(format!(
            "All {name} are of class \"{class}\": a model that always says so would be right every time, so accuracy says little here."
        ));
    }
    if let (Some(groups), Some(clusters)) = (groups, clusters) {
        let moved = clusters.iter().filter(|cluster| cluster.sum != 0).count();
        if groups == 1 {
            cautions.push(format!(
                "All {name} belong to one group, so nothing can be said about other groups."
            ));
        } else if groups < 20 {
            cautions.push(format!(
                "The {name} belong to only {groups} groups: the interval by group is rough."
            ));
        } else if (1..6).contains(&moved) {
            cautions.push(format!(
                "All changes lie in {}: too few for a test by group to find anything.",
                words::count_of(moved, "group")
            ));
        }
    }
    cautions
}
