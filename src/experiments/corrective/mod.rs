//! The corrective study on tables (arXiv 2402.14015, figures 2 and 3): only a part of the wrong rows is known; which method
//! recovers what they cost?
//!
//! A run is a grid of error patterns and rates with several repetitions. A repetition mislabels rows of the training period of the
//! sheet, trains on them, flags 10 to 100 % of what it mislabelled, repairs in every way, and counts right predictions against the
//! clean labels on the affected domain (test rows the pattern could hit), on the manipulated rows, and elsewhere.
//!
//! [`settings`]: what is computed, and its units; [`engine`]: one unit; [`record`] and its table; [`summary`]: means and figures.

pub mod engine;
pub(in crate::experiments) mod measure;
pub mod record;
pub mod settings;
pub mod summary;
mod tables;
mod training;

#[cfg(test)]
mod tests;

pub use engine::Corrective;
pub use record::Row;
pub use settings::{Place, StudyOptions, StudySettings};
pub use summary::StudyReport;

/// Models that are no repair: the one trained on clean labels, and the corrupted one.
pub const CLEAN: &str = "clean";
/// See [`CLEAN`].
pub const NONE: &str = "none";
/// In timings: finding the rest, once for all ways that do.
pub const EXPANDING: &str = "expand";
