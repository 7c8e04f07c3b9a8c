//! How far off the number of wrong rows of a rule may be: as far as models are off about rows like them that are right.
//!
//! A model that never saw a region can be wrong about it, however well it knows the rest. How wrong shows elsewhere: the other values of a
//! rule's columns (its siblings) are left out one after the other, and judged by trees grown on the rest. The log-odds by which what is
//! recorded there departs from what is expected vary between siblings beyond chance with a variance (DerSimonian and Laird 1986, about 0), and the
//! rule's own region is taken to be one more of them.

use rayon::prelude::*;

use super::super::doubt::softmax;
use super::super::out_of_fold::said_by_trees;
use super::columns::{Bins, Column};
use super::rules::{Region, meets};
use super::search::{Condition, Test};
use super::{NORMAL_95, Work};
use crate::stats::design_effect;
use crate::trees::{Binned, Grown, MOST_CLASSES, Sheet};

/// Siblings of a rule that are looked at, over all its conditions, and fewest that tell something.
const MOST_SIBLINGS: usize = 8;
const FEWEST_SIBLINGS: usize = 3;
/// Fewest rows of a sibling.
const FEWEST_ROWS: usize = 40;
/// Rows that trees are grown on at most, and rows of a sibling that are judged at most.
const MOST_GROWN_ON: usize = 8_000;
const MOST_JUDGED: usize = 2_000;

/// What siblings are judged with.
pub(super) struct Elsewhere<'a> {
    columns: &'a [Column],
    sheet: Sheet,
    /// Rows that rules gather, and flagged ones: no yardstick.
    kept_out: &'a [bool],
    /// Rows that say as much as one, since those of a group say the same.
    design: f64,
}

impl Work<'_> {
    /// What siblings are judged with; `None` where trees have nothing to look at.
    pub(super) fn elsewhere_with<'a>(&self, columns: &'a [Column], kept_out: &'a [bool]) -> Option<Elsewhere<'a>> {
        let inputs = self.request.prepared.features.source_columns();
        let looked_at = columns.iter().filter(|column| inputs.contains(&column.name.as_str()));
        let looked_at: Vec<Binned<'_>> = looked_at.map(Column::binned).collect();
        let sheet = Sheet::new(&looked_at, kept_out.len());
        (!sheet.is_empty() && self.classes <= MOST_CLASSES).then(|| Elsewhere {
            columns,
            sheet,
            kept_out,
            design: design_effect(self.request.prepared.train.groups.as_deref()),
        })
    }

    /// The ends of an interval (95 %) of the wrong rows among those `open` that follow a rule unflagged, of which `estimated` are taken to be wrong.
    /// `expected`: by row of the region the chance of the rule's class.
    pub(super) fn range_of_wrong(
        &self,
        elsewhere: &Elsewhere,
        region: &Region,
        expected: &[f64],
        (open, estimated): (usize, f64),
    ) -> Option<(f64, f64)> {
        let class = usize::from(region.recorded_as?);
        // Of a column that says nearly what the label says the other values depart from what models without it expect, however right they are.
        let conditions = &region.found.conditions;
        if conditions
            .iter()
            .any(|condition| self.nearly_the_label(&elsewhere.columns[condition.column]))
        {
            return None;
        }
        let siblings = self.siblings(elsewhere, region);
        if siblings.len() < FEWEST_SIBLINGS {
            return None;
        }
        let departures: Vec<(f64, f64)> = siblings.par_iter().map(|rows| self.departure(elsewhere, rows, class)).collect();
        let between = between(&departures);
        let information = expected.iter().map(|chance| chance * (1.0 - chance)).sum::<f64>() / elsewhere.design;
        let error = NORMAL_95 * (between + 1.0 / information.max(1e-9)).sqrt();
        let all: f64 = expected.iter().sum();
        let shifted = |by: f64| expected.iter().map(|chance| moved(*chance, by)).sum::<f64>();
        let within = |wrong: f64| wrong.clamp(0.0, open as f64);
        Some((
            within(estimated - (shifted(error) - all)),
            within(estimated + (all - shifted(-error))),
        ))
    }

    /// Rows of other values of the rule's columns that meet its other conditions, or all of them where these leave too few values.
    fn siblings(&self, elsewhere: &Elsewhere, region: &Region) -> Vec<Vec<u32>> {
        let conditions = &region.found.conditions;
        let rows: Vec<usize> = (0..self.flagged.len())
            .filter(|row| self.checked[*row] && !elsewhere.kept_out[*row])
            .collect();
        let each = MOST_SIBLINGS.div_ceil(conditions.len().max(1));
        let mut found = Vec::new();
        for (place, condition) in conditions.iter().enumerate() {
            let mut others = conditions.clone();
            others.remove(place);
            let beside: Vec<usize> = rows.iter().copied().filter(|row| meets(&others, elsewhere.columns, *row)).collect();
            let mut of_value = self.of_values(&elsewhere.columns[condition.column], condition, &beside, region.rows.len());
            if of_value.len() < each {
                of_value = self.of_values(&elsewhere.columns[condition.column], condition, &rows, region.rows.len());
            }
            of_value.truncate(each);
            found.extend(of_value);
        }
        found.truncate(MOST_SIBLINGS);
        found
    }

    /// Of some rows those of each other value, the most frequent first, or of ranges of about half as many rows as `size` at least.
    fn of_values(&self, column: &Column, condition: &Condition, rows: &[usize], size: usize) -> Vec<Vec<u32>> {
        let mut by_bin: Vec<Vec<u32>> = vec![Vec::new(); column.bin_count()];
        for row in rows {
            let code = column.codes[*row];
            let other = !condition.test.holds(code);
            if let Some(bin) = by_bin.get_mut(usize::from(code)).filter(|_| other) {
                bin.push(*row as u32);
            }
        }
        let mut found: Vec<Vec<u32>> = match (&column.bins, &condition.test) {
            (Bins::Ranges(_), Test::Between(..)) => {
                let least = (size / 2).max(FEWEST_ROWS);
                let mut ranges: Vec<Vec<u32>> = vec![Vec::new()];
                for bin in by_bin {
                    if ranges.last().is_some_and(|range| range.len() >= least) {
                        ranges.push(Vec::new());
                    }
                    if let Some(range) = ranges.last_mut() {
                        range.extend(bin);
                    }
                }
                ranges
            }
            _ => by_bin,
        };
        found.retain(|rows| rows.len() >= FEWEST_ROWS);
        found.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
        found
    }

    /// Log-odds by which a class is recorded more often on these rows than trees expect that were grown on the others, and how much that is known
    /// (sum of p (1 - p)).
    fn departure(&self, elsewhere: &Elsewhere, rows: &[u32], class: usize) -> (f64, f64) {
        let mut left_out = elsewhere.kept_out.to_vec();
        rows.iter().for_each(|row| left_out[*row as usize] = true);
        let others: Vec<u32> = (0..left_out.len() as u32).filter(|row| !left_out[*row as usize]).collect();
        let (wanted, train) = (spread(rows, MOST_JUDGED), spread(&others, MOST_GROWN_ON));
        let labels = self.request.labels;
        let train = Grown {
            rows: &train,
            labels,
            classes: self.classes,
        };
        let said = said_by_trees(&elsewhere.sheet, &wanted, &train);
        let (mut excess, mut information) = (0.0, 0.0);
        for (row, said) in wanted.iter().zip(said.chunks_exact(self.classes)) {
            let chance = softmax(said)[class];
            excess += f64::from(u8::from(usize::from(labels[*row as usize]) == class)) - chance;
            information += chance * (1.0 - chance);
        }
        (excess / information.max(1e-9), information / elsewhere.design)
    }
}

/// Variance of the log-odds between siblings, beyond what their rows give them by chance.
fn between(departures: &[(f64, f64)]) -> f64 {
    let all: f64 = departures.iter().map(|(_, information)| information).sum();
    let squares: f64 = departures.iter().map(|(by, information)| information * by * by).sum();
    ((squares - departures.len() as f64) / all.max(1e-9)).max(0.0)
}

/// A chance with its log-odds moved.
fn moved(chance: f64, by: f64) -> f64 {
    let chance = chance.clamp(1e-9, 1.0 - 1e-9);
    let odds = chance / (1.0 - chance) * by.exp();
    odds / (1.0 + odds)
}

/// At most `most` of the rows, evenly spread.
fn spread(rows: &[u32], most: usize) -> Vec<u32> {
    rows.iter().copied().step_by(rows.len().div_ceil(most).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_vary_by_what_chance_leaves_over() {
        // Four of 100 units of information each, off by 0.3: 0.09, of which 0.01 is chance.
        assert!((between(&[(0.3, 100.0), (-0.3, 100.0), (0.3, 100.0), (-0.3, 100.0)]) - 0.08).abs() < 1e-12);
        assert_eq!(between(&[(0.05, 100.0), (-0.05, 100.0)]), 0.0);
    }

    #[test]
    fn chances_move_by_log_odds() {
        assert!((moved(0.5, 3.0_f64.ln()) - 0.75).abs() < 1e-12 && (moved(0.2, 0.0) - 0.2).abs() < 1e-12);
        assert_eq!(spread(&[1, 2, 3, 4, 5], 3), [1, 3, 5]);
    }
}
