//! The forgetting benchmark on images (arXiv 2402.10098, tables 1 to 3, figures 2 and 3): a network is trained on an image set, is to
//! forget a class, a sub-class or some images, and every method tries.
//!
//! [`settings`]: what is computed; [`task`]: what is to be forgotten; [`engine`]: computing; [`record`]: what is counted; [`summary`]: means,
//! and the published figures beside them. The image sets and the trained networks are those of [`super::images`].

pub mod engine;
mod measure;
pub mod record;
pub mod settings;
mod starting;
pub mod summary;
mod tables;
pub mod task;

#[cfg(all(test, feature = "cuda"))]
mod gpu_tests;
#[cfg(test)]
mod tests;

pub use engine::{Bench, ForgetOptions};
pub use record::Record;
pub use settings::{ForgetSettings, Piece};
pub use summary::ForgetReport;

/// The model as it was trained.
pub const BASELINE: &str = "baseline";
/// SSD over alphas and lambdas.
pub const SWEEP: &str = "sweep";
