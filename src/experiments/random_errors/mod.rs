//! Random errors (section 5 of arXiv 2402.10098): does a repair help, for which error rate and network size?
//!
//! A run is a grid of network sizes and error rates with many scenarios in each cell. A scenario mislabels random training rows, trains a
//! model on them, repairs it in several ways, and counts right predictions before and after.
//!
//! [`settings`]: what is computed; [`plan`]: the scenarios, their names and chunks, which are the units; [`compute`]: through the engine,
//! one on each thread; `lockstep`: on a GPU, where a chunk agrees with this to rounding; `tables`: the records; [`summary`]: judged.

pub mod compute;
pub mod data;
pub mod job;
#[cfg(feature = "cuda")]
pub mod lockstep;
pub mod plan;
pub mod published;
pub mod record;
pub mod settings;
pub mod summary;
mod sweep;
mod tables;
pub mod tuning;

#[cfg(test)]
mod tests;

pub use compute::{ALL_METHODS, RandomErrors};
pub use data::{Data, Rows};
pub use job::{BatchOptions, batch};
pub use plan::{Cell, Chunk};
pub use published::PROFILE as PUBLISHED_PROFILE;
pub use record::{BASELINE, Split};
pub use settings::{Settings, SizeRuns};
pub use summary::{BatchReport, CellReport, GainOverBaseline, Judging, MethodReport, RatePoint, SweepReport};
