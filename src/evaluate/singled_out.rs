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
    /// Counts. `after` are probabilities by the repaired model on the rows of `forget` and of `others`; of the others those that `trusted`
    /// marks count.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn of(classes: usize, forget: Seen<'_>, others: Seen<'_>, trusted: &[bool], after: (&[f32], &[f32])) -> Result<Self> {
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
        let other = counted(others, after.1, Some(trusted))?;
        let total = |counts: &[(f64, f64)]| counts.iter().fold((0.0, 0.0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        let (held, freed) = total(&to_forget);
        let all_others = total(&other);
        // Add-one shares keep variances above zero where everything or nothing is freed.
        let variance = |(held, freed): (f64, f64)| {
            let share = (freed + 1.0) / (held + 2.0);
            share * (1.0 - share) / (held + 2.0)
        };
        let (mut share, mut spread) = (0.0, variance((held, freed)));
        for (own, others) in to_forget.iter().zip(&other).filter(|(own, _)| own.0 > 0.0) {
            // A label that hardly any other row carries is compared with all others.
            let others = if others.0 < FEWEST_OTHERS { all_others } else { *others };
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
