//! Judging a model: metrics, before-against-after comparisons, verdicts, and the records the report shows.

mod compare;
mod metrics;
pub mod record;
mod verdict;
pub mod words;

pub use compare::{MethodComparisons, RowSet, Rows, Unjudged, compare, compare_methods};
pub use metrics::{INTERVAL_LEVEL, SMALLEST_PROBABILITY, metrics, predictions};
pub use verdict::{judge, recommend};

#[cfg(test)]
mod tests;
