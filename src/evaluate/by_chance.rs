//! The change in accuracy with each doubtful row weighed by its chance of being wrong.
//!
//! The bounds of [`trust`](super::trust) hold whatever the doubtful labels are, and so are far apart where many rows are doubtful. Where the
//! chance that a doubtful label is wrong could be estimated, with its own error, the change is known much better: each such row counts as right
//! with the rest of its chance, and as the class that the pattern tells with its chance. What is uncertain then: which rows were met (by group),
//! which of the doubtful ones are wrong, and the chances themselves, whose errors are taken to agree in all rows, which is the worst that they
//! can do. Rows without a known chance are taken against the repair, or for it, as in the bounds.

use std::collections::BTreeMap;

use super::metric::Worth;
use super::record::Interval;
use super::trust::{Standing, bounds};
use crate::error::Result;
use crate::stats::exceeds;

/// How far limits lie from the estimate, in standard errors.
const REACH: f64 = 1.96;

/// Rows, and what both models say of them.
pub(super) struct Weighed<'a> {
    pub labels: &'a [u8],
    pub standing: &'a [Standing],
    pub before: &'a [u8],
    pub after: &'a [u8],
    pub groups: Option<&'a [u32]>,
    pub classes: usize,
    pub worth: &'a Worth,
}

/// p-value of no change, and the change with its 95 % interval.
pub(super) type Found = (f64, Interval);

impl Weighed<'_> {
    /// The change with rows of unknown chance taken against the repair, and for it; `None` where no chance is known.
    pub(super) fn changes(&self) -> Result<Option<[Found; 2]>> {
        let known = |standing: &Standing| matches!(standing, Standing::Doubtful { chance: Some(_), .. });
        if !self.standing.iter().any(known) {
            return Ok(None);
        }
        Ok(Some([self.change(|(low, _)| low)?, self.change(|(_, high)| high)?]))
    }

    fn change(&self, side: fn((i64, i64)) -> i64) -> Result<Found> {
        let rows = self.labels.len();
        let mut by_group: BTreeMap<(bool, u32), (f64, f64)> = BTreeMap::new();
        let (mut sum, mut of_truths, mut of_chances) = (0.0, 0.0, 0.0);
        for row in 0..rows {
            let (expected, variance, slope) = self.row(row, side);
            sum += expected;
            of_truths += variance;
            of_chances += slope;
            let unit = match self.groups.map(|groups| groups[row]) {
                Some(group) if group != u32::MAX => (true, group),
                _ => (false, row as u32),
            };
            let entry = by_group.entry(unit).or_default();
            entry.0 += expected;
            entry.1 += 1.0;
        }
        let mean = sum / rows as f64;
        let groups = by_group.len() as f64;
        let squares: f64 = by_group.values().map(|(total, rows)| (total - mean * rows).powi(2)).sum();
        let of_rows = squares * groups / (groups - 1.0).max(1.0);
        // One row more that is fixed and one that is broken, as in the bootstrap: few changed rows must not look like certainty.
        let largest = self.worth.largest() as f64;
        let variance = of_rows + of_truths + of_chances * of_chances + 2.0 * largest * largest;
        let p = 2.0 * exceeds((sum.abs(), variance), (0.0, 0.0))?;
        let (unit, reach) = (self.worth.unit(), REACH * variance.sqrt() / rows as f64);
        Ok((
            p.min(1.0),
            Interval {
                estimate: unit * mean,
                low: unit * (mean - reach),
                high: unit * (mean + reach),
            },
        ))
    }

    /// Expected change of a row, its variance, and the error that the chance's error makes.
    fn row(&self, row: usize, side: fn((i64, i64)) -> i64) -> (f64, f64, f64) {
        let (label, before, after) = (self.labels[row], self.before[row], self.after[row]);
        let standing = self.standing[row];
        let Standing::Doubtful {
            chance: Some(chance),
            truly,
        } = standing
        else {
            return (
                side(bounds(standing, label, before, after, self.classes, self.worth)) as f64,
                0.0,
                0.0,
            );
        };
        let right = self.worth.change(label, before, after) as f64;
        let wrong = match truly {
            Some(truly) => self.worth.change(truly, before, after),
            // Any other class.
            None => side(bounds(Standing::KnownWrong, label, before, after, self.classes, self.worth)),
        };
        let slope = wrong as f64 - right;
        let of = chance.of;
        (right + of * slope, of * (1.0 - of) * slope * slope, slope * chance.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Metric;
    use crate::evaluate::trust::Chance;

    /// 1,000 rows, of which the last 100 are doubtful and recorded as 0; the repaired model says 1 of those, and of nothing else.
    fn change(of: f64, error: f64, groups: Option<&[u32]>) -> [Found; 2] {
        let labels = [0_u8; 1_000];
        let after: Vec<u8> = (0..1_000).map(|row| u8::from(row >= 900)).collect();
        let doubtful = Standing::Doubtful {
            chance: Some(Chance { of, error }),
            truly: Some(1),
        };
        let standing: Vec<Standing> = (0..1_000).map(|row| if row < 900 { Standing::Trusted } else { doubtful }).collect();
        let names = ["on time".to_owned(), "late".to_owned()];
        let worth = Metric::Accuracy.worth(&labels, &labels, &after, &names).unwrap();
        let weighed = Weighed {
            labels: &labels,
            standing: &standing,
            before: &labels,
            after: &after,
            groups,
            classes: 2,
            worth: &worth,
        };
        weighed.changes().unwrap().unwrap()
    }

    #[test]
    fn a_row_counts_for_its_chance_and_the_errors_of_chances_do_not_average_out() {
        let [(p, sure), other] = change(0.8, 0.0, None);
        assert_eq!((p, sure), other);
        // Four in five wrong: .8 - .2 of a tenth of the rows.
        assert!((sure.estimate - 0.06).abs() < 1e-12 && sure.low > 0.04 && p < 0.001, "{sure:?}");
        let [(p, unsure), _] = change(0.8, 0.2, None);
        assert!((unsure.estimate - 0.06).abs() < 1e-12);
        // Twice the chance's error on each of 100 rows: 40 rows.
        assert!(
            unsure.low < 0.0 && p > 0.05 && (unsure.high - unsure.low) > 4.0 * 0.039,
            "{unsure:?}"
        );
        let [(p, even), _] = change(0.5, 0.0, None);
        assert!(even.estimate.abs() < 1e-12 && p > 0.9);
    }

    #[test]
    fn rows_of_one_group_are_one_piece_of_evidence() {
        let tens: Vec<u32> = (0..1_000).map(|row| row / 50).collect();
        let [(_, alone), _] = change(0.8, 0.0, None);
        let [(_, together), _] = change(0.8, 0.0, Some(&tens));
        assert!(together.high - together.low > 1.3 * (alone.high - alone.low));
    }
}
