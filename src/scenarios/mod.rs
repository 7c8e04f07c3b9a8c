//! Batches of random error scenarios: does a repair help, for which error rate and network size?
//!
//! A batch is a grid of network sizes and error rates with many scenarios in each cell. A scenario mislabels random training rows,
//! trains a model on them, repairs it in several ways, and counts right predictions before and after (section 5 of arXiv 2402.10098).
//!
//! - [`settings`]: what is computed; [`plan`]: the scenarios, their names and chunks; [`shard`]: which part this process takes;
//! - [`folder`]: the run folder, which survives being killed at any moment; [`run()`]: computing what is missing;
//! - [`merge()`]: shards put together; [`status()`]: how far a batch is; [`assemble`]: the records as tables.
//!
//! Every scenario is seeded by its name, so any part of a batch can be computed alone, on any machine of the same processor kind, with
//! any number of threads, and gives the same bytes. On a GPU a chunk is computed in lockstep, which agrees with this to rounding.

pub mod assemble;
mod check;
pub mod compute;
pub mod corrective;
pub mod data;
pub mod folder;
pub mod forget;
pub mod job;
mod lock;
#[cfg(feature = "cuda")]
pub mod lockstep;
pub mod merge;
mod pieces;
pub mod plan;
pub mod published;
pub mod record;
pub mod run;
pub mod settings;
pub mod shard;
pub mod status;
pub mod summary;
mod sweep;
pub mod tuning;

#[cfg(test)]
mod tests;

pub use compute::{ALL_METHODS, Engine};
pub use data::{Data, Rows};
pub use folder::RunFolder;
pub use job::{BatchOptions, batch};
pub use merge::{Merged, merge};
pub use plan::{Cell, Chunk, Plan};
pub use record::{BASELINE, Split};
pub use run::{Compute, Done, run};
pub use settings::{Settings, SizeRuns};
pub use shard::Shard;
pub use status::{Status, status};
pub use summary::{BatchReport, CellReport, MethodReport, RatePoint, SweepReport, summarise};
