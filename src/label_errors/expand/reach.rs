//! Whether a rule's bounds in time are those of the errors or those of whoever looked.
//!
//! Somebody who goes through a sheet from the top flags what lies in its first months, and a rule that gathers the flags is bound by them. If the
//! errors stopped there, the rows of other times that meet the rule's other conditions are recorded as the rule says less often than those inside,
//! by the flagged share at least. If they run on, they are so no less often. Both are compared with what models expect that saw none of either,
//! so that what the models have wrong about such rows cancels out. Where the errors run on, the rule does without its bounds in time.

use super::columns::{Bins, Column, Taken};
use super::judge::{JUDGES, LARGEST_REGION};
use super::rules::{Region, meets};
use super::search::Condition;
use super::{Work, words};
use crate::error::Result;
use crate::progress::Progress;
use crate::stats::design_effect;

/// Standard errors of a one-sided test at 5 %.
const ONE_SIDED_95: f64 = 1.645;
/// Correlation with the time, or with the order of the rows, from which a column runs with it.
const RUNS_WITH: f64 = 0.95;
/// Fewest rows on either side of the bounds.
const FEWEST_ROWS: usize = 20;

/// Rows of one side of the bounds: how many, how many of them are recorded as the rule says beyond what is expected, and the variance of that.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Side {
    rows: f64,
    excess: f64,
    variance: f64,
}

impl Work<'_> {
    /// The regions, without bounds in time where the errors run on beyond them.
    pub(super) fn over_all_times(&self, columns: &[Column], found: Vec<Region>, progress: &dyn Progress) -> Result<Vec<Region>> {
        if found.is_empty() || self.request.options.checked.is_some() {
            return Ok(found);
        }
        let timed: Vec<bool> = columns.iter().map(|column| self.runs_with_time(column, columns)).collect();
        let mut reaching = Vec::with_capacity(found.len());
        for region in found {
            let wider = self.wider(&region, columns, &timed, progress)?;
            reaching.push(wider.unwrap_or(region));
        }
        Ok(reaching)
    }

    /// The region without its bounds in time; `None` where it has none, has nothing else, or the errors do not run on.
    fn wider(&self, region: &Region, columns: &[Column], timed: &[bool], progress: &dyn Progress) -> Result<Option<Region>> {
        let (bounds, others): (Vec<Condition>, Vec<Condition>) = region
            .found
            .conditions
            .iter()
            .cloned()
            .partition(|condition| timed[condition.column]);
        let (Some(class), false, false) = (region.recorded_as, bounds.is_empty(), others.is_empty()) else {
            return Ok(None);
        };
        let rows: Vec<usize> = (0..self.flagged.len()).filter(|row| meets(&others, columns, *row)).collect();
        let enough_left = (rows.len() as f64) < LARGEST_REGION * self.flagged.len() as f64;
        let beyond = rows.len() - region.rows.len();
        if !enough_left || beyond < FEWEST_ROWS || region.rows.len() < FEWEST_ROWS {
            return Ok(None);
        }
        let mut kept_out = self.flagged.clone();
        rows.iter().for_each(|row| kept_out[*row] = true);
        let said = self.subject().left_out(&kept_out, &rows, JUDGES, progress)?;
        let (mut inside, mut outside, mut flags) = (Side::default(), Side::default(), 0.0);
        for (row, said) in rows.iter().zip(said.chunks_exact(self.classes)) {
            let chance = f64::from(said[usize::from(class)]);
            let recorded = self.request.labels[*row] == class;
            let within = region.rows.binary_search(row).is_ok();
            let side = if within { &mut inside } else { &mut outside };
            side.rows += 1.0;
            side.excess += f64::from(u8::from(recorded)) - chance;
            side.variance += chance * (1.0 - chance);
            flags += f64::from(u8::from(within && recorded && self.flagged[*row]));
        }
        let design = design_effect(self.request.prepared.train.groups.as_deref());
        if !runs_on(inside, outside, flags, design) {
            return Ok(None);
        }
        let reached = rows.iter().map(|row| region.rows.binary_search(row).is_ok()).collect();
        let mut found = region.found.clone();
        found.conditions = others;
        Ok(Some(Region {
            found,
            recorded_as: region.recorded_as,
            rows,
            unchecked: Vec::new(),
            reached: Some(reached),
            flags_within: Some(words::conditions(&bounds, columns)),
        }))
    }

    /// Whether a column tells the time: periods of a date, and what rises with them or with the place of the rows, as running numbers do.
    fn runs_with_time(&self, column: &Column, columns: &[Column]) -> bool {
        let in_order = matches!(column.taken, Taken::Period | Taken::Month) || matches!(column.bins, Bins::Ranges(_));
        if matches!(column.taken, Taken::Period) || !in_order {
            return in_order;
        }
        let places = self.request.prepared.train.table_rows.iter().map(|row| *row as f64).collect();
        let mut clocks: Vec<Vec<f64>> = columns
            .iter()
            .filter(|column| matches!(column.taken, Taken::Period))
            .map(|column| column.codes.iter().map(|code| f64::from(*code)).collect())
            .collect();
        clocks.push(places);
        let codes: Vec<f64> = column.codes.iter().map(|code| f64::from(*code)).collect();
        clocks.iter().any(|clock| correlation(&codes, clock) >= RUNS_WITH)
    }
}

/// Whether errors run on outside: more rows are recorded so there than if they had stopped (a one-sided test at 5 %), and fewer than half of the flagged
/// share is missing. `flags`: how many of the rows inside are flagged, `design`: rows that say as much as one.
fn runs_on(inside: Side, outside: Side, flags: f64, design: f64) -> bool {
    let rate = |side: Side| side.excess / side.rows.max(1.0);
    let variance = |side: Side| design * side.variance / side.rows.max(1.0).powi(2);
    let more = rate(outside) - rate(inside);
    let flagged = flags / inside.rows.max(1.0);
    let error = (variance(inside) + variance(outside)).sqrt();
    more > -flagged / 2.0 && more + flagged > ONE_SIDED_95 * error
}

/// Pearson's correlation; 0 where one of the two does not vary.
fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut of_one, mut of_other) = (0.0, 0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        let (one, other) = (one - mean_one, other - mean_other);
        both += one * other;
        of_one += one * one;
        of_other += other * other;
    }
    let spread = (of_one * of_other).sqrt();
    if spread > 0.0 { both / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(rows: f64, excess: f64) -> Side {
        Side {
            rows,
            excess,
            variance: 0.2 * rows,
        }
    }

    #[test]
    fn errors_run_on_where_as_many_rows_are_recorded_so_outside() {
        // 60 of 150 rows inside are flagged; the models have both sides wrong by a tenth.
        let inside = side(150.0, 75.0);
        assert!(runs_on(inside, side(150.0, 75.0), 60.0, 1.0));
        assert!(!runs_on(inside, side(150.0, 15.0), 60.0, 1.0), "they stopped");
        assert!(!runs_on(inside, side(150.0, 40.0), 60.0, 1.0), "most of them stopped");
        // A few flags of many errors say as much, unless chance could.
        assert!(runs_on(side(300.0, 120.0), side(300.0, 120.0), 40.0, 1.0));
        assert!(!runs_on(side(30.0, 12.0), side(30.0, 12.0), 4.0, 1.0));
    }

    #[test]
    fn correlation_is_of_pearson() {
        assert!((correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]) - 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert!((correlation(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]) - 0.8).abs() < 1e-12);
    }
}
