//! Judging on a validation tail some of whose rows are flagged.
//!
//! Leaving flagged rows out would turn the choice upside down: where late orders of one lane were booked as on time and flagged, the rows
//! of that lane that remain are just those that really were on time, and the model that was misled agrees with them. What is known of a
//! flagged row is that its label is wrong. So it counts as right where the model does *not* give that label (a complementary label, as in
//! Ishida et al. 2017).

use super::compare::{Rows, Unjudged, compare_changes};
use super::metrics::{INTERVAL_LEVEL, metrics, predictions};
use super::record::{Comparison, EvaluationSettings, Interval, Metrics};
use super::verdict::judge;
use super::words::count_of;
use crate::error::{Error, Result};
use crate::stats::wilson;

/// Compares and judges all methods of a job on validation rows, Holm over the methods.
///
/// `flagged` marks the rows whose observed label is known to be wrong. Accuracy, difference, fixed and broken rows follow the rule above;
/// the other metrics are of the rows that are not flagged (of all rows where every one is flagged).
///
/// # Errors
/// As [`compare`](super::compare()).
pub fn compare_on_flagged_tail(
    rows: &Rows,
    flagged: &[bool],
    before: &[f32],
    after: &[&[f32]],
    settings: &EvaluationSettings,
) -> Result<Vec<Comparison>> {
    if flagged.len() != rows.labels.len() {
        return Err(Error::internal(format!("{} flags for {} rows", flagged.len(), rows.labels.len())));
    }
    let compared = after.iter().map(|after| compare_one(rows, flagged, before, after, settings));
    let mut judged = judge(compared.collect::<Result<Vec<_>>>()?, settings)?;
    let wrong = flagged.iter().filter(|flagged| **flagged).count();
    if wrong > 0 {
        let verb = if wrong == 1 {
            "is flagged and counts"
        } else {
            "are flagged and count"
        };
        let caution = format!(
            "{} {verb} as right where the model does not give the label that was flagged.",
            count_of(wrong, "validation row")
        );
        judged.iter_mut().for_each(|comparison| comparison.cautions.push(caution.clone()));
    }
    Ok(judged)
}

fn compare_one(rows: &Rows, flagged: &[bool], before: &[f32], after: &[f32], settings: &EvaluationSettings) -> Result<Unjudged> {
    let right_before = rightness(rows, flagged, before)?;
    let right_after = rightness(rows, flagged, after)?;
    let changes: Vec<i64> = right_before
        .iter()
        .zip(&right_after)
        .map(|(before, after)| i64::from(*after) - i64::from(*before))
        .collect();
    let measured = (
        measure(rows, flagged, before, &right_before)?,
        measure(rows, flagged, after, &right_after)?,
    );
    compare_changes(rows, measured, &changes, settings)
}

fn rightness(rows: &Rows, flagged: &[bool], probabilities: &[f32]) -> Result<Vec<bool>> {
    let predicted = predictions(probabilities, rows.classes.len())?;
    if predicted.len() != rows.labels.len() {
        return Err(Error::internal(format!(
            "{} predictions for {} rows",
            predicted.len(),
            rows.labels.len()
        )));
    }
    Ok(predicted
        .iter()
        .zip(rows.labels)
        .zip(flagged)
        .map(|((guess, label), flagged)| (guess == label) != *flagged)
        .collect())
}

fn measure(rows: &Rows, flagged: &[bool], probabilities: &[f32], right: &[bool]) -> Result<Metrics> {
    let width = rows.classes.len();
    let all_flagged = flagged.iter().all(|flagged| *flagged);
    let kept: Vec<usize> = (0..flagged.len()).filter(|row| all_flagged || !flagged[*row]).collect();
    let labels: Vec<u8> = kept.iter().map(|&row| rows.labels[row]).collect();
    let shares: Vec<f32> = kept
        .iter()
        .flat_map(|&row| probabilities[row * width..(row + 1) * width].iter().copied())
        .collect();
    let hits = right.iter().filter(|right| **right).count();
    let (low, high) = wilson(hits as u64, right.len() as u64, INTERVAL_LEVEL)?;
    let accuracy = Interval {
        estimate: hits as f64 / right.len() as f64,
        low,
        high,
    };
    Ok(Metrics {
        accuracy,
        ..metrics(&labels, &shares, rows.classes)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::RowSet;
    use crate::evaluate::record::Verdict;

    fn settings() -> EvaluationSettings {
        EvaluationSettings {
            minimum_effect: 0.001,
            significance: 0.05,
            resamples: 500,
            group_column: None,
            seed: 1,
        }
    }

    fn sure(classes: &[u8]) -> Vec<f32> {
        classes
            .iter()
            .flat_map(|class| (0..3).map(|other| if other == *class { 0.8 } else { 0.1 }))
            .collect()
    }

    #[test]
    fn unlearning_a_flagged_label_counts_as_fixing_it() {
        // 40 rows of a lane whose late orders (2) were booked as on time (1) and flagged, 20 that really were on time.
        let labels = vec![1_u8; 60];
        let flagged: Vec<bool> = (0..60).map(|row| row < 40).collect();
        let classes: Vec<String> = ["early", "on time", "late"].map(str::to_owned).to_vec();
        let rows = Rows {
            set: RowSet::Validation,
            labels: &labels,
            groups: None,
            classes: &classes,
        };
        let misled = sure(&[1; 60]);
        let repaired = sure(&[2; 60]);
        let compared = compare_on_flagged_tail(&rows, &flagged, &misled, &[&repaired], &settings()).unwrap();
        assert_eq!((compared[0].mcnemar.fixed, compared[0].mcnemar.broken), (40, 20));
        assert_eq!(compared[0].before.accuracy.estimate, 20.0 / 60.0);
        assert_eq!(compared[0].after.accuracy.estimate, 40.0 / 60.0);
        assert_eq!(compared[0].verdict, Verdict::Better);
        assert!(
            compared[0]
                .cautions
                .iter()
                .any(|caution| caution.starts_with("40 validation rows are flagged"))
        );
        // Without the flags the same predictions look like a loss.
        let naive = compare_on_flagged_tail(&rows, &[false; 60], &misled, &[&repaired], &settings()).unwrap();
        assert_eq!(naive[0].verdict, Verdict::Worse);
    }
}
