//! Judging a model: metrics, before-against-after comparisons, verdicts, and the records the report shows.

mod auto;
mod cell;
pub mod cell_record;
mod changed;
mod compare;
mod metrics;
pub mod record;
mod tail;
pub mod train_record;
mod usefulness;
mod verdict;
pub mod words;

pub use auto::{Candidate, Seen, recommend_auto};
pub use cell::{UnjudgedCell, cell_summary, friedman_over_methods, judge_grid, variance_split};
pub use changed::{RowNames, accuracy, affected_domain, changed_rows, flagged_agreement, flagged_rows};
pub use compare::{MethodComparisons, RowSet, Rows, Unjudged, compare, compare_methods, compare_with_baseline};
pub use metrics::{INTERVAL_LEVEL, SMALLEST_PROBABILITY, metrics, predictions};
pub use tail::compare_on_flagged_tail;
pub use usefulness::{Baseline, FEWEST_OF_A_CLASS, judge_usefulness, majority_baseline};
pub use verdict::{judge, recommend};

#[cfg(test)]
mod tests;
