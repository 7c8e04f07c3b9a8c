//! What a change of models does to single classes: accuracy can rise while a class is lost.

use super::compare::{Rows, p_of_no_change};
use super::record::{BeforeAfter, Comparison, EvaluationSettings, LosingClass, Metrics};
use super::words::percent;
use crate::error::Result;
use crate::stats::holm;

/// Classes whose recall falls by more than chance (exact test on the rows of the class, whole groups where there are groups, Holm over the
/// classes), or that are never predicted although they were before.
///
/// # Errors
/// Only if a p-value is none.
pub(super) fn losing_classes(
    rows: &Rows,
    (before, after): (&Metrics, &Metrics),
    changes: &[i64],
    settings: &EvaluationSettings,
) -> Result<Vec<LosingClass>> {
    let mut raw = Vec::with_capacity(rows.classes.len());
    let mut falls = Vec::with_capacity(rows.classes.len());
    for class in 0..rows.classes.len() {
        let of_class = |row: &usize| usize::from(rows.labels[*row]) == class;
        let picked: Vec<usize> = (0..changes.len().min(rows.labels.len())).filter(of_class).collect();
        let changed: Vec<i64> = picked.iter().map(|row| changes[*row]).collect();
        let total: i64 = changed.iter().sum();
        let groups: Option<Vec<u32>> = rows.groups.map(|groups| picked.iter().map(|row| groups[*row]).collect());
        raw.push(if total < 0 {
            p_of_no_change(groups.as_deref(), &changed)?
        } else {
            1.0
        });
        falls.push(total < 0);
    }
    let predicted = |metrics: &Metrics, class: usize| metrics.confusion.iter().map(|row| row[class]).sum::<usize>();
    let corrected = holm(&raw)?;
    Ok((0..rows.classes.len())
        .filter_map(|class| {
            let (old, new) = (&before.classes[class], &after.classes[class]);
            let recall = BeforeAfter {
                before: old.recall?,
                after: new.recall?,
            };
            let never_predicted = predicted(after, class) == 0 && predicted(before, class) > 0;
            let falls = falls[class] && corrected[class] < settings.significance;
            (falls || never_predicted).then(|| LosingClass {
                protected: settings.protects(&rows.classes[class], new.f1 < old.f1),
                precision: old
                    .precision
                    .zip(new.precision)
                    .map(|(before, after)| BeforeAfter { before, after }),
                name: rows.classes[class].clone(),
                recall,
                never_predicted,
                p: corrected[class],
            })
        })
        .collect())
}

/// `"late" is now found 4.9 % of the time, 18.4 % before`; absent where no class loses.
pub fn losses_in_words(comparison: &Comparison) -> Option<String> {
    losses_of(comparison.losing_classes.iter())
}

/// The same of some classes.
pub(super) fn losses_of<'a>(losing: impl Iterator<Item = &'a LosingClass>) -> Option<String> {
    let told: Vec<String> = losing
        .map(|class| {
            let end = if class.never_predicted { " and is never predicted" } else { "" };
            format!(
                "\"{}\" is now found {} of the time, {} before{end}",
                class.name,
                percent(class.recall.after, 1),
                percent(class.recall.before, 1)
            )
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// `Where "late" is predicted it is right 56.1 % of the time, 29.9 % before.`: the fewer false alarms that make up for a class found less often;
/// absent where there are none.
pub fn made_up_for_in_words(comparison: &Comparison) -> Option<String> {
    let told: Vec<String> = comparison
        .losing_classes
        .iter()
        .filter(|class| !class.protected)
        .filter_map(|class| {
            let right = class.precision.filter(|right| right.after > right.before)?;
            Some(format!(
                "Where \"{}\" is predicted it is right {} of the time, {} before.",
                class.name,
                percent(right.after, 1),
                percent(right.before, 1)
            ))
        })
        .collect();
    (!told.is_empty()).then(|| told.join(" "))
}
