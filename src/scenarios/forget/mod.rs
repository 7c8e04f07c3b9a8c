//! The forgetting benchmark on images (arXiv 2402.10098, tables 1 to 3, figures 2 and 3): a network is trained on an image set, is to
//! forget a class, a sub-class or some images, and every method tries.
//!
//! - [`settings`]: what is computed; [`data`]: the image sets; [`task`]: what is to be forgotten;
//! - [`folder`]: the run folder, which survives being killed at any moment; [`engine`]: computing; [`run()`]: what is missing of it;
//! - [`tables`]: the records as CSV and JSON; [`summary`]: means, and the published figures beside them.
//!
//! Everything is seeded by its name, so any part of a run can be computed alone, and gives the same bytes on any number of threads.

pub mod data;
pub mod engine;
pub mod folder;
mod measure;
pub mod settings;
mod starting;
mod store;
pub mod summary;
pub mod tables;
pub mod task;

#[cfg(all(test, feature = "cuda"))]
mod gpu_tests;
#[cfg(test)]
mod tests;

pub use data::{Reading, RecipeChanges};
pub use engine::{Bench, ForgetOptions};
pub use folder::{ForgetFolder, Record};
pub use settings::{CPU, ForgetSettings, Unit};
pub use summary::{ForgetReport, summarise};

use crate::error::Result;
use crate::progress::Progress;
use crate::scenarios::shard::Shard;

/// The model as it was trained.
pub const BASELINE: &str = "baseline";
/// SSD over alphas and lambdas.
pub const SWEEP: &str = "sweep";

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Pieces computed now: one method on one forget set of one model.
    pub computed: usize,
    /// Pieces that were there already.
    pub found: usize,
    /// Whether all pieces of the run are there.
    pub complete: bool,
}

/// Computes what is missing of the run (or of one shard of it), then writes the tables of all that is there.
///
/// # Errors
/// As [`Bench::compute`]. The same call goes on where it stopped.
pub fn run(bench: &Bench, folder: &ForgetFolder, shard: Option<Shard>, progress: &dyn Progress) -> Result<Done> {
    let units = folder.settings().units();
    // Neighbours share a model, so a shard is a run of neighbours.
    let ours = match shard {
        Some(shard) => {
            let cut = |index: u32| units.len() * index as usize / shard.count() as usize;
            &units[cut(shard.index())..cut(shard.index() + 1)]
        }
        None => &units[..],
    };
    let (mut missing, mut found) = (Vec::new(), 0);
    for unit in ours {
        let mut pieces = Vec::new();
        for piece in folder.settings().pieces() {
            match folder.piece(unit, piece)? {
                Some(_) => found += 1,
                None => pieces.push(piece),
            }
        }
        if !pieces.is_empty() {
            missing.push((*unit, pieces));
        }
    }
    bench.compute(folder, &missing, progress)?;
    // Of several shards that end together, the last one to come here sees everything.
    let _tables = folder.alone("tables", progress)?;
    Ok(Done {
        computed: missing.iter().map(|(_, pieces)| pieces.len()).sum(),
        found,
        complete: tables::write(folder)?,
    })
}
