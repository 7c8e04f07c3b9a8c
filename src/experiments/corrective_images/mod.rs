//! The corrective benchmark on images (arXiv 2402.14015, figures 2 to 7 and table 3): a part of an image set is spoiled, a network is trained
//! on it, a part of what is wrong becomes known, and every method repairs.
//!
//! [`settings`]: what is computed, and its units; [`engine`]: computing; [`record`]: what is counted; [`summary`]: means; [`claims`]: the
//! paper's claims, held against them; [`figures`]: what the paper's figures are of. The image sets and the trained networks are those of
//! [`super::images`], ways to spoil images those of [`crate::datasets::images::corruptions`].

pub mod claims;
pub mod engine;
pub mod figures;
mod measure;
pub mod record;
pub mod settings;
pub mod summary;
mod tables;

#[cfg(test)]
mod tests;

pub use engine::{ImageStudy, ImageStudyOptions};
pub use record::Record;
pub use settings::{ImageStudySettings, Model, Piece};
pub use summary::ImageStudyReport;

/// Models that are no repair: the one trained on clean labels and images, and the spoiled one.
pub const CLEAN: &str = "clean";
/// See [`CLEAN`].
pub const NONE: &str = "none";
