//! Judging a model: metrics, before-against-after comparisons, verdicts, and the records the report shows.

pub mod record;
