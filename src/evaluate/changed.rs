//! Row by row: which rows a repair fixed or broke, what became of the flagged rows, and how the affected part of the test rows did.

use std::collections::BTreeMap;

use super::compare::{Rows, changes};
use super::metrics::{check_labels, predictions};
use super::record::{AffectedDomain, BeforeAfter, ChangedRow, FlaggedRow};
use crate::error::{Error, Result};

/// How rows are named in lists: no other cell of the sheet is copied.
#[derive(Debug, Clone, Copy)]
pub struct RowNames<'a> {
    /// Key of each row, or its row number as text where the sheet has no key column.
    pub keys: &'a [String],
    /// Row number as the person sees it in the sheet, where known.
    pub numbers: Option<&'a [usize]>,
}

impl RowNames<'_> {
    fn check(&self, rows: usize) -> Result<()> {
        if self.keys.len() != rows || self.numbers.is_some_and(|numbers| numbers.len() != rows) {
            return Err(Error::internal(format!("{} row names for {rows} rows", self.keys.len())));
        }
        Ok(())
    }

    fn of(&self, row: usize) -> (String, Option<usize>) {
        (self.keys[row].clone(), self.numbers.map(|numbers| numbers[row]))
    }
}

/// The rows whose prediction went from wrong to right (fixed) or from right to wrong (broken), in row order.
///
/// `before` and `after` are probabilities, rows x classes; `flagged` tells for each row whether it is flagged itself.
///
/// # Errors
/// If sizes do not fit or the probabilities are none.
pub fn changed_rows(rows: &Rows, names: RowNames, before: &[f32], after: &[f32], flagged: Option<&[bool]>) -> Result<Vec<ChangedRow>> {
    let width = rows.classes.len();
    let (before, after) = (predictions(before, width)?, predictions(after, width)?);
    check_labels(rows.labels, before.len(), width)?;
    check_labels(rows.labels, after.len(), width)?;
    names.check(rows.labels.len())?;
    if flagged.is_some_and(|flagged| flagged.len() != rows.labels.len()) {
        return Err(Error::internal("flags and rows differ in number"));
    }
    let class = |index: u8| rows.classes[usize::from(index)].clone();
    Ok(changes(rows.labels, &before, &after)
        .into_iter()
        .enumerate()
        .filter(|(_, change)| *change != 0)
        .map(|(row, change)| {
            let (key, number) = names.of(row);
            ChangedRow {
                key,
                row: number,
                observed: class(rows.labels[row]),
                before: class(before[row]),
                after: class(after[row]),
                fixed: change > 0,
                flagged: flagged.is_some_and(|flagged| flagged[row]),
            }
        })
        .collect())
}

/// The flagged training rows: observed label, correction where given, predicted class and its probability before and after.
///
/// `observed` has one class index a flagged row, `before` and `after` are probabilities of the flagged rows, rows x classes.
///
/// # Errors
/// If sizes do not fit or the probabilities are none. No flagged row gives an empty list.
pub fn flagged_rows(
    observed: &[u8],
    corrections: Option<&[Option<u8>]>,
    names: RowNames,
    before: &[f32],
    after: &[f32],
    classes: &[String],
) -> Result<Vec<FlaggedRow>> {
    if observed.is_empty() {
        return Ok(Vec::new());
    }
    let width = classes.len();
    let (guess_before, guess_after) = (predictions(before, width)?, predictions(after, width)?);
    check_labels(observed, guess_before.len(), width)?;
    check_labels(observed, guess_after.len(), width)?;
    names.check(observed.len())?;
    let corrections = corrections.unwrap_or_default();
    let class = |index: u8| {
        classes
            .get(usize::from(index))
            .cloned()
            .ok_or_else(|| Error::internal(format!("no class {index}")))
    };
    (0..observed.len())
        .map(|row| {
            let (key, number) = names.of(row);
            let top = |shares: &[f32], guess: u8| f64::from(shares[row * width + usize::from(guess)]);
            Ok(FlaggedRow {
                key,
                row: number,
                observed: class(observed[row])?,
                correction: corrections.get(row).copied().flatten().map(class).transpose()?,
                before: class(guess_before[row])?,
                before_probability: top(before, guess_before[row]),
                after: class(guess_after[row])?,
                after_probability: top(after, guess_after[row]),
            })
        })
        .collect()
}

/// Share of the flagged rows whose (wrong) observed label the model still predicts; `None` where nothing is flagged.
///
/// # Errors
/// If sizes do not fit or the probabilities are none.
pub fn flagged_agreement(observed: &[u8], before: &[f32], after: &[f32], classes: usize) -> Result<Option<BeforeAfter>> {
    if observed.is_empty() {
        return Ok(None);
    }
    let share = |probabilities| accuracy(observed, probabilities, classes);
    Ok(Some(BeforeAfter {
        before: share(before)?,
        after: share(after)?,
    }))
}

/// Accuracy on the part of the rows that an injected error touched, before and by method; `None` where it touched none.
///
/// `rule` says the part in words, `affected` marks its rows; labels are the clean ones.
///
/// # Errors
/// If sizes do not fit or the probabilities are none.
pub fn affected_domain(
    rule: &str,
    affected: &[bool],
    rows: &Rows,
    before: &[f32],
    after: &[(&str, &[f32])],
) -> Result<Option<AffectedDomain>> {
    if affected.len() != rows.labels.len() {
        return Err(Error::internal("marks of the affected part and rows differ in number"));
    }
    let picked: Vec<usize> = (0..affected.len()).filter(|&row| affected[row]).collect();
    if picked.is_empty() {
        return Ok(None);
    }
    let width = rows.classes.len();
    let labels: Vec<u8> = picked.iter().map(|&row| rows.labels[row]).collect();
    let share = |probabilities: &[f32]| -> Result<f64> {
        if probabilities.len() != width * rows.labels.len() {
            return Err(Error::internal("probabilities do not fit the rows"));
        }
        let part: Vec<f32> = picked
            .iter()
            .flat_map(|&row| probabilities[row * width..(row + 1) * width].iter().copied())
            .collect();
        accuracy(&labels, &part, width)
    };
    let after = after
        .iter()
        .map(|(name, probabilities)| Ok(((*name).to_owned(), share(probabilities)?)));
    Ok(Some(AffectedDomain {
        rule: rule.to_owned(),
        rows: picked.len(),
        before: share(before)?,
        after: after.collect::<Result<BTreeMap<_, _>>>()?,
    }))
}

/// Share of rows predicted right.
///
/// # Errors
/// If there is no row, sizes do not fit or the probabilities are none.
pub fn accuracy(labels: &[u8], probabilities: &[f32], classes: usize) -> Result<f64> {
    let predicted = predictions(probabilities, classes)?;
    check_labels(labels, predicted.len(), classes)?;
    let right = labels.iter().zip(&predicted).filter(|(label, guess)| label == guess).count();
    Ok(right as f64 / labels.len() as f64)
}
