//! How much more of the rows to forget than of others a repair frees of their label.

use super::metrics::predictions;
use super::words::count;
use crate::error::{Error, Result};

/// Fewest other rows of a label that a share is taken of.
const FEWEST_OTHERS: f64 = 5.0;

/// Rows with the old model's probabilities (rows x classes).
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Observed labels.
    pub labels: &'a [u8],
    /// Probabilities before the repair.
    pub before: &'a [f32],
    /// Group of each row, where rows of one group belong together.
    pub groups: Option<&'a [u32]>,
}

/// Marks of the rows that those to forget are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Others<'a> {
    /// Rows that can be trusted.
    pub trusted: &'a [bool],
    /// Rows that are not known to be wrong. They stand in where no trusted row is given a label: a repair that forgets a class which is found only
    /// where the flags lie would seem to free nothing but the flagged rows of it.
    pub unflagged: &'a [bool],
}

/// How much more of the rows to forget than of other rows with their labels a repair frees of their label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SingledOut {
    /// Rows to forget that the old model gave their label.
    pub held: usize,
    /// Of these no longer given it.
    pub freed: usize,
    /// Share of other rows that are freed, in the same mix of labels.
    pub others: f64,
    /// Variance of the difference of the two shares.
    pub(super) variance: f64,
}

impl SingledOut {
    /// Counts. `after` are probabilities by the repaired model on the rows of `forget` and of `others`; of the others those that `marks`
    /// marks count.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn of(classes: usize, forget: Seen<'_>, others: Seen<'_>, marks: Others<'_>, after: (&[f32], &[f32])) -> Result<Self> {
        let counted = |seen: Seen<'_>, after: &[f32], marks: Option<&[bool]>| -> Result<Vec<(f64, f64)>> {
            let before = hits(seen.before, seen.labels, classes)?;
            let after = hits(after, seen.labels, classes)?;
            let mut by_label = vec![(0.0, 0.0); classes];
            for row in (0..before.len()).filter(|row| before[*row] && marks.is_none_or(|marks| marks[*row])) {
                let entry = &mut by_label[usize::from(seen.labels[row])];
                entry.0 += 1.0;
                entry.1 += f64::from(u8::from(!after[row]));
            }
            Ok(by_label)
        };
        let to_forget = counted(forget, after.0, None)?;
        let other = counted(others, after.1, Some(marks.trusted))?;
        let unflagged = counted(others, after.1, Some(marks.unflagged))?;
        let total = |counts: &[(f64, f64)]| counts.iter().fold((0.0, 0.0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        let (held, freed) = total(&to_forget);
        let all_others = total(&other);
        // Add-one shares keep variances above zero where everything or nothing is freed.
        let variance = |(held, freed): (f64, f64)| {
            let share = (freed + 1.0) / (held + 2.0);
            share * (1.0 - share) / (held + 2.0)
        };
        let (mut share, mut spread) = (0.0, variance((held, freed)));
        for (own, (trusted, unflagged)) in to_forget.iter().zip(other.iter().zip(&unflagged)).filter(|(own, _)| own.0 > 0.0) {
            // A label that hardly any other row carries is compared with all others.
            let enough = |others: &&(f64, f64)| others.0 >= FEWEST_OTHERS;
            let others = *[trusted, unflagged].into_iter().find(enough).unwrap_or(&all_others);
            let weight = own.0 / held;
            share += weight * others.1 / others.0.max(1.0);
            spread += weight * weight * variance(others);
        }
        Ok(Self {
            held: held as usize,
            freed: freed as usize,
            others: share,
            variance: spread,
        })
    }

    pub(super) fn difference(&self) -> f64 {
        self.freed as f64 / self.held.max(1) as f64 - self.others
    }

    pub(super) fn words(&self) -> String {
        format!("{} of {}", count(self.freed), count(self.held))
    }
}

/// By row whether it is given its label.
pub(super) fn hits(probabilities: &[f32], labels: &[u8], classes: usize) -> Result<Vec<bool>> {
    let predicted = predictions(probabilities, classes)?;
    if predicted.len() != labels.len() {
        return Err(Error::internal(format!(
            "{} predictions for {} rows",
            predicted.len(),
            labels.len()
        )));
    }
    Ok(predicted.iter().zip(labels).map(|(guess, label)| guess == label).collect())
}
