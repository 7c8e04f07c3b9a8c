//! How well a model does on some rows: accuracy, per class, probabilities.

use super::record::{CalibrationBin, ClassMetrics, Interval, Metrics};
use crate::error::{Error, Result};
use crate::stats::{sum, wilson};

/// Level of every interval in the records.
pub const INTERVAL_LEVEL: f64 = 0.95;

/// Equal-width bins of the calibration curve (Guo et al. 2017).
const CALIBRATION_BINS: usize = 15;

/// The log loss counts a smaller probability as this one (as scikit-learn does for `f32`), so that one row costs at most 15.9.
pub const SMALLEST_PROBABILITY: f64 = f32::EPSILON as f64;

/// A probability row may miss 1 by this much.
const SUM_TOLERANCE: f64 = 1e-3;

/// Metrics of predicted probabilities against observed labels.
///
/// `labels` has one class index a row, `probabilities` is rows x classes, row-major. The predicted class is the likeliest, the
/// first one on ties. Balanced accuracy and macro F1 average over the classes that occur among the labels; a class that occurs but
/// is never predicted has F1 0. The log loss counts probabilities below [`SMALLEST_PROBABILITY`] as that.
///
/// # Errors
/// If there is no row, a label is out of range, the sizes do not fit, or a row is no probability distribution.
pub fn metrics(labels: &[u8], probabilities: &[f32], classes: &[String]) -> Result<Metrics> {
    let predicted = predictions(probabilities, classes.len())?;
    check_labels(labels, predicted.len(), classes.len())?;
    let width = classes.len();
    let mut confusion = vec![vec![0_usize; width]; width];
    for (&label, &guess) in labels.iter().zip(&predicted) {
        confusion[usize::from(label)][usize::from(guess)] += 1;
    }
    let rows = labels.len();
    let right: usize = (0..width).map(|class| confusion[class][class]).sum();
    let (low, high) = wilson(right as u64, rows as u64, INTERVAL_LEVEL)?;
    let per_class = class_metrics(&confusion, classes);
    let (calibration_error, calibration) = calibration(labels, &predicted, probabilities, width);
    let losses = labels.iter().enumerate().map(|(row, &label)| {
        let probability = f64::from(probabilities[row * width + usize::from(label)]);
        -probability.clamp(SMALLEST_PROBABILITY, 1.0).ln()
    });
    Ok(Metrics {
        accuracy: Interval {
            estimate: right as f64 / rows as f64,
            low,
            high,
        },
        balanced_accuracy: mean_of(per_class.iter().filter_map(|class| class.recall)),
        macro_f1: mean_of(per_class.iter().filter_map(|class| class.f1)),
        log_loss: sum(losses) / rows as f64,
        calibration_error,
        calibration,
        classes: per_class,
        confusion,
    })
}

/// The likeliest class of every row, the first one on ties. `probabilities` is rows x `classes`, row-major.
///
/// # Errors
/// If there is no class or more than 256, the size does not fit, or a row is no probability distribution.
pub fn predictions(probabilities: &[f32], classes: usize) -> Result<Vec<u8>> {
    if classes == 0 || classes > 256 || !probabilities.len().is_multiple_of(classes) {
        return Err(Error::internal(format!(
            "{} probabilities do not fill rows of {classes} classes",
            probabilities.len()
        )));
    }
    probabilities
        .chunks_exact(classes)
        .enumerate()
        .map(|(row, shares)| {
            let total: f64 = shares.iter().map(|&share| f64::from(share)).sum();
            if !shares.iter().all(|share| (0.0..=1.0 + 1e-5).contains(share)) || (total - 1.0).abs() > SUM_TOLERANCE {
                return Err(not_a_distribution(row, shares));
            }
            let best = (1..classes).fold(0, |best, class| if shares[class] > shares[best] { class } else { best });
            u8::try_from(best).map_err(|_| Error::internal("more than 256 classes"))
        })
        .collect()
}

fn not_a_distribution(row: usize, shares: &[f32]) -> Error {
    if shares.iter().all(|share| share.is_finite()) {
        return Error::internal(format!("the class probabilities of evaluated row {} do not add up to 1", row + 1));
    }
    Error::input(format!(
        "the model gives no number as a probability for evaluated row {}: its training went astray",
        row + 1
    ))
    .hint("train again with a lower `--learning-rate`")
}

pub(super) fn check_labels(labels: &[u8], rows: usize, classes: usize) -> Result<()> {
    if labels.is_empty() {
        return Err(Error::input("there are no rows to evaluate on").hint("give a sheet with labelled rows to `--test`"));
    }
    if labels.len() != rows {
        return Err(Error::internal(format!("{} labels for {rows} rows of probabilities", labels.len())));
    }
    match labels.iter().find(|label| usize::from(**label) >= classes) {
        Some(label) => Err(Error::internal(format!("label {label} with only {classes} classes"))),
        None => Ok(()),
    }
}

fn class_metrics(confusion: &[Vec<usize>], classes: &[String]) -> Vec<ClassMetrics> {
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let right = confusion[class][class];
            let rows: usize = confusion[class].iter().sum();
            let predicted: usize = confusion.iter().map(|row| row[class]).sum();
            ClassMetrics {
                name: name.clone(),
                rows,
                precision: share(right, predicted),
                recall: share(right, rows),
                f1: share(2 * right, rows + predicted).filter(|_| rows > 0),
            }
        })
        .collect()
}

/// Expected calibration error and its bins `(low, high]` over the top probability.
fn calibration(labels: &[u8], predicted: &[u8], probabilities: &[f32], width: usize) -> (f64, Vec<CalibrationBin>) {
    let mut bins = [(0_usize, 0.0_f64, 0_usize); CALIBRATION_BINS];
    for (row, (&label, &guess)) in labels.iter().zip(predicted).enumerate() {
        let top = f64::from(probabilities[row * width + usize::from(guess)]).min(1.0);
        let place = ((top * CALIBRATION_BINS as f64).ceil() as usize).clamp(1, CALIBRATION_BINS) - 1;
        let bin = &mut bins[place];
        bin.0 += 1;
        bin.1 += top;
        bin.2 += usize::from(label == guess);
    }
    let filled: Vec<CalibrationBin> = bins
        .iter()
        .filter(|bin| bin.0 > 0)
        .map(|&(rows, confidence, right)| CalibrationBin {
            rows,
            confidence: confidence / rows as f64,
            accuracy: right as f64 / rows as f64,
        })
        .collect();
    let gaps = filled.iter().map(|bin| bin.rows as f64 * (bin.confidence - bin.accuracy).abs());
    (sum(gaps) / labels.len() as f64, filled)
}

fn mean_of(values: impl Iterator<Item = f64>) -> f64 {
    let (total, count) = values.fold((0.0, 0_usize), |(total, count), value| (total + value, count + 1));
    total / count.max(1) as f64
}
