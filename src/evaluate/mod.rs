//! Judging a model: metrics, before-against-after comparisons, verdicts, and the records the report shows.

mod advice;
mod auto;
mod by_chance;
mod cell;
pub mod cell_record;
mod changed;
mod classwise;
mod compare;
mod metric;
mod metrics;
mod part;
pub mod record;
mod singled_out;
pub mod train_record;
mod trust;
mod usefulness;
mod verdict;
pub mod words;

pub use advice::advise;
pub use auto::{Candidate, FEWEST_ROWS, Picked, TURNS, accept, pick};
pub use cell::{UnjudgedCell, cell_summary, friedman_over_methods, judge_grid, variance_split};
pub use changed::{RowNames, accuracy, affected_domain, changed_rows, flagged_agreement, flagged_rows};
pub use classwise::{losses_in_words, made_up_for_in_words};
pub use compare::{RowSet, Rows, Unjudged, compare, compare_with_baseline};
pub use metric::{CostTable, Metric, known_class};
pub use metrics::{INTERVAL_LEVEL, SMALLEST_PROBABILITY, metrics, predictions};
pub use singled_out::{Seen, SingledOut};
pub use trust::{Chance, SortedComparison, Standing, compare_sorted, compare_trusted};
pub use usefulness::{Baseline, BaselineKind, FEWEST_OF_A_CLASS, judge_usefulness, majority_baseline};
pub use verdict::judge;

#[cfg(test)]
mod tests;
