//! The corrective study on tables (arXiv 2402.14015, figures 2 and 3): only a part of the wrong rows is known; which method wins back
//! what they cost?
//!
//! A study is a grid of error patterns and rates with several repetitions. A repetition mislabels rows of the training period of the
//! sheet, trains on them, flags 10 to 100 % of what it mislabelled, repairs in every way, and counts right predictions against the
//! clean labels on the affected domain (test rows the pattern could hit), on the manipulated rows, and elsewhere.
//!
//! - [`settings`]: what is computed, and its units; [`folder`]: the run folder, which survives being killed at any moment;
//! - [`engine`]: one unit; [`run()`]: computing what is missing; [`tables`]: the records as CSV and Parquet; [`summary`]: means and figures.
//!
//! Every unit is seeded by its name, so any part of a study can be computed alone, and gives the same bytes.

pub mod engine;
pub mod folder;
mod measure;
pub mod settings;
pub mod summary;
pub mod tables;

#[cfg(test)]
mod tests;

pub use engine::Study;
pub use folder::StudyFolder;
pub use settings::{StudyOptions, StudySettings, Unit};
pub use summary::{StudyReport, summarise};

use crate::error::Result;
use crate::progress::Progress;
use crate::scenarios::shard::Shard;

/// Models that are no repair: the one trained on clean labels, and the corrupted one.
pub const CLEAN: &str = "clean";
/// See [`CLEAN`].
pub const NONE: &str = "none";
/// In timings: finding the rest, once for all ways that do.
pub const EXPANDING: &str = "expand";

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Units computed now.
    pub computed: usize,
    /// Units that were there already.
    pub found: usize,
    /// Whether the whole study is there and its tables were written.
    pub assembled: bool,
}

/// Computes what is missing of the study (or of one shard of it), one unit on each thread, then writes the tables if all is there.
///
/// # Errors
/// As a unit and the folder say. Finished units stay whatever happens; the same call goes on where it stopped.
pub fn run(study: &Study, folder: &StudyFolder, shard: Option<Shard>, threads: usize, progress: &dyn Progress) -> Result<Done> {
    let units = study.settings().units();
    let ours: Vec<&Unit> = match shard {
        Some(shard) => units.iter().skip(shard.index() as usize).step_by(shard.count() as usize).collect(),
        None => units.iter().collect(),
    };
    let mut missing = Vec::new();
    for unit in &ours {
        if folder.unit(unit)?.is_none() {
            missing.push(*unit);
        }
    }
    if !missing.is_empty() {
        progress.start("units", missing.len() as u64);
    }
    let outcomes = super::compute::side_by_side(&missing, threads, |unit| {
        progress.check()?;
        let (records, timings) = study.unit(unit, progress)?;
        folder.write_unit(unit, &records, &timings)?;
        progress.advance(1);
        Ok(())
    });
    if !missing.is_empty() {
        progress.finish();
    }
    outcomes.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(Done {
        computed: missing.len(),
        found: ours.len() - missing.len(),
        assembled: tables::assemble(folder)?,
    })
}
