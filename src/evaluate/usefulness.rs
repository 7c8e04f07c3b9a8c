//! Is a freshly trained model of any use? Against the simplest models on the same rows.

use std::collections::BTreeMap;

use super::compare::{Rows, compare_with_baseline};
use super::metrics::{INTERVAL_LEVEL, check_labels, predictions};
use super::record::{EvaluationSettings, Interval, Verdict};
use super::train_record::{BaselineRecord, Usefulness, UsefulnessRecord};
use super::verdict::judge;
use super::words::percent;
use crate::error::{Error, Result};
use crate::seed::Seed;
use crate::stats::bootstrap_of_totals;

/// Below this many rows of an occurring class, balanced accuracy proves nothing.
pub const FEWEST_OF_A_CLASS: usize = 10;

/// What a model that is compared with says about usefulness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselineKind {
    /// Anybody has it: a network that does no better is of no use.
    Simple,
    /// As much work as the network, or of its own kind: told where it is better.
    Strong,
}

/// Another model's probabilities on the rows to judge on.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Short name, such as `logistic-regression`.
    pub name: String,
    /// Title for people, fit for "better than ...": "a logistic regression".
    pub title: String,
    /// Whether usefulness hangs on it.
    pub kind: BaselineKind,
    /// Rows x classes, row-major.
    pub probabilities: Vec<f32>,
}

/// The baseline that always answers the commonest class of the training rows (the first one on ties), with the class shares there as
/// probabilities.
///
/// # Errors
/// If there are no training labels or one is out of range.
pub fn majority_baseline(training_labels: &[u8], classes: &[String], rows: usize) -> Result<Baseline> {
    check_labels(training_labels, training_labels.len(), classes.len())?;
    let mut counts = vec![0_usize; classes.len()];
    training_labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    let shares: Vec<f32> = counts.iter().map(|&count| count as f32 / training_labels.len() as f32).collect();
    let commonest = (1..counts.len()).fold(0, |best, class| if counts[class] > counts[best] { class } else { best });
    Ok(Baseline {
        name: "majority".to_owned(),
        title: format!("always answering \"{}\"", classes[commonest]),
        kind: BaselineKind::Simple,
        probabilities: shares.repeat(rows),
    })
}

/// Judges a model against baselines on the same rows; the first one is the majority class.
///
/// Useful means better than every simple baseline by the verdict's rule (Holm over the baselines, and the minimum effect). Worse than a simple model is
/// one that a simple model beats by that rule and by balanced accuracy. A model that is not more often right than the majority class is useless, unless its balanced accuracy is above chance by its bootstrap interval:
/// with rare classes a model can find them without being right more often in all. That needs [`FEWEST_OF_A_CLASS`] rows of every class.
/// A strong baseline changes nothing of that; where it is shown to be better (corrected apart), the sentence says so and by how much.
///
/// # Errors
/// If there is no baseline, no row, or sizes do not fit.
pub fn judge_usefulness(
    rows: &Rows,
    model: &[f32],
    baselines: &[Baseline],
    settings: &EvaluationSettings,
) -> Result<(Vec<BaselineRecord>, UsefulnessRecord)> {
    let records = judged(rows, model, baselines, BaselineKind::Simple, settings)?;
    let strong = judged(rows, model, baselines, BaselineKind::Strong, settings)?;
    let Some((majority, simple)) = records.split_first() else {
        return Err(Error::internal("a model is judged against at least one baseline"));
    };
    let (balanced, chance) = balanced_accuracy(rows, model, settings)?;
    let per_class = majority.comparison.after.classes.iter().map(|class| class.rows);
    let enough = per_class.filter(|rows| *rows > 0).all(|rows| rows >= FEWEST_OF_A_CLASS);
    let over_simple = simple.iter().find(|record| record.comparison.verdict != Verdict::Better);
    // Rare classes can be found at the price of accuracy: then a simple model that never says them is no better.
    let beaten_by = simple.iter().find(|record| {
        let (verdict, simple) = (record.comparison.verdict, &record.comparison.before);
        verdict == Verdict::Worse && simple.balanced_accuracy > balanced.estimate
    });
    let usefulness = match (majority.comparison.verdict, over_simple) {
        _ if beaten_by.is_some() => Usefulness::WorseThanSimple,
        (Verdict::Better, None) => Usefulness::Useful,
        (Verdict::Better, Some(_)) => Usefulness::NoBetterThanSimple,
        _ if enough && chance < 1.0 && balanced.low > chance => Usefulness::TellsClassesApart,
        _ => Usefulness::Useless,
    };
    let figures = format!(
        "balanced accuracy {}, 95 % interval {} to {}, where always giving one answer has {}",
        percent(balanced.estimate, 1),
        percent(balanced.low, 1),
        percent(balanced.high, 1),
        percent(chance, 1)
    );
    let sentence = match (usefulness, beaten_by.or(over_simple)) {
        (Usefulness::WorseThanSimple, Some(simple)) => {
            format!("Use {} rather than this model. {}", simple.title, simple.comparison.sentence)
        }
        (Usefulness::Useful, _) => format!("This model is useful. {}", majority.comparison.sentence),
        (Usefulness::NoBetterThanSimple, Some(simple)) => {
            let (beaten, other) = (&majority.title, &simple.title);
            let but = match simple.comparison.verdict {
                Verdict::Worse => format!("{other} is better"),
                _ => format!("cannot be told apart from {other}"),
            };
            format!("This model beats {beaten}, but {but}. {}", simple.comparison.sentence)
        }
        (Usefulness::TellsClassesApart, _) => format!(
            "This model {} {}, but it tells the classes apart better than chance ({figures}): \
             use it to rank rows, not for its answers. {}",
            match settings.metric.is_accuracy() {
                true => "is not shown to be more often right than",
                false => "is not shown to do better than",
            },
            majority.title,
            majority.comparison.sentence
        ),
        _ => format!(
            "This model is useless: it is not shown to do better than {} and does not tell the classes apart ({figures}). {}",
            majority.title, majority.comparison.sentence
        ),
    };
    let better = strong.iter().filter(|record| record.comparison.verdict == Verdict::Worse);
    // "Worse than boosted trees: ..." becomes a sentence of its own.
    let told = better.filter_map(|record| record.comparison.sentence.strip_prefix("Worse"));
    let told: String = told.map(|rest| format!(" It is worse{rest}")).collect();
    let record = UsefulnessRecord {
        usefulness,
        sentence: sentence + &told,
        balanced_accuracy: Some(balanced),
        balanced_accuracy_by_chance: Some(chance),
    };
    Ok((records.into_iter().chain(strong).collect(), record))
}

/// The comparisons with the baselines of one kind, corrected together.
fn judged(
    rows: &Rows,
    model: &[f32],
    baselines: &[Baseline],
    kind: BaselineKind,
    settings: &EvaluationSettings,
) -> Result<Vec<BaselineRecord>> {
    let compared: Vec<&Baseline> = baselines.iter().filter(|baseline| baseline.kind == kind).collect();
    let unjudged = compared
        .iter()
        .map(|baseline| compare_with_baseline(rows, &baseline.title, &baseline.probabilities, model, settings))
        .collect::<Result<Vec<_>>>()?;
    let records = compared.iter().zip(judge(unjudged, settings)?);
    Ok(records
        .map(|(baseline, comparison)| BaselineRecord {
            name: baseline.name.clone(),
            title: baseline.title.clone(),
            comparison,
        })
        .collect())
}

impl UsefulnessRecord {
    /// For a training without test rows.
    pub fn not_evaluated() -> Self {
        Self {
            usefulness: Usefulness::NotEvaluated,
            sentence: "Not evaluated: there were no test rows, so nothing is known about how good this model is.".to_owned(),
            balanced_accuracy: None,
            balanced_accuracy_by_chance: None,
        }
    }
}

/// Balanced accuracy with its bootstrap interval (over whole groups where there are groups), and what one fixed answer would reach.
fn balanced_accuracy(rows: &Rows, model: &[f32], settings: &EvaluationSettings) -> Result<(Interval, f64)> {
    let width = rows.classes.len();
    let predicted = predictions(model, width)?;
    check_labels(rows.labels, predicted.len(), width)?;
    // Per class: rows right, rows. One table row a sheet row or a group.
    let mut by_group: BTreeMap<(bool, u32), Vec<i64>> = BTreeMap::new();
    for (row, (&label, &guess)) in rows.labels.iter().zip(&predicted).enumerate() {
        let unit = match rows.groups.map(|groups| groups[row]) {
            Some(group) if group != u32::MAX => (true, group),
            _ => (
                false,
                u32::try_from(row).map_err(|_| Error::internal("more than four thousand million rows"))?,
            ),
        };
        let totals = by_group.entry(unit).or_insert_with(|| vec![0; 2 * width]);
        totals[2 * usize::from(label)] += i64::from(label == guess);
        totals[2 * usize::from(label) + 1] += 1;
    }
    let table: Vec<i64> = by_group.into_values().flatten().collect();
    let mean_recall = |totals: &[f64]| {
        let recalls = totals.chunks_exact(2).filter(|pair| pair[1] > 0.0).map(|pair| pair[0] / pair[1]);
        let (total, occurring) = recalls.fold((0.0, 0.0), |(total, occurring), recall| (total + recall, occurring + 1.0));
        total / occurring
    };
    let interval = bootstrap_of_totals(
        &table,
        2 * width,
        settings.resamples,
        INTERVAL_LEVEL,
        Seed(settings.seed),
        "bootstrap-balanced-accuracy",
        mean_recall,
    )?;
    let occurring = (0..width)
        .filter(|&class| rows.labels.iter().any(|label| usize::from(*label) == class))
        .count();
    let limits = Interval {
        estimate: interval.estimate,
        low: interval.low,
        high: interval.high,
    };
    Ok((limits, 1.0 / occurring as f64))
}
