//! Computing a batch: chunk by chunk, skipping what is there already.

use crate::error::{Error, ErrorKind, Result};
use crate::notes::Notes;
use crate::progress::Progress;
use crate::scenarios::assemble::assemble;
use crate::scenarios::folder::RunFolder;
use crate::scenarios::plan::{Chunk, Plan};
use crate::scenarios::record::{ChunkRecords, ChunkTimings};
use crate::scenarios::shard::Shard;

/// What computes the scenarios of a chunk. The same chunk must always give the same records.
pub trait Compute {
    /// Gets ready for the scenarios of a size (index into the settings), such as searching its learning rate. Called once per size that
    /// has anything left to compute.
    ///
    /// # Errors
    /// Whatever stops the batch.
    fn prepare(&mut self, size: usize, folder: &RunFolder, progress: &dyn Progress) -> Result<()>;

    /// Computes a chunk, advancing `progress` by one for every scenario.
    ///
    /// # Errors
    /// Whatever stops the batch.
    fn compute(&mut self, chunk: &Chunk, progress: &dyn Progress) -> Result<(ChunkRecords, ChunkTimings)>;
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Scenarios computed now.
    pub computed: u64,
    /// Scenarios that were there already.
    pub found: u64,
    /// Whether the records of the whole batch were put together.
    pub assembled: bool,
}

/// Computes what is missing of the batch (or of one shard), then puts the records together if the whole batch is there.
///
/// # Errors
/// As [`Compute`] and the folder say. Finished chunks stay whatever happens; the same call goes on where it stopped.
pub fn run(folder: &RunFolder, shard: Option<Shard>, work: &mut dyn Compute, progress: &dyn Progress, notes: &mut Notes) -> Result<Done> {
    let plan = Plan::new(folder.settings())?;
    let ours: Vec<&Chunk> = match shard {
        Some(shard) => plan.of_shard(shard).collect(),
        None => plan.chunks.iter().collect(),
    };
    let mut missing = Vec::new();
    let mut found = 0;
    for chunk in &ours {
        if folder.has(chunk, notes)? {
            found += chunk.runs.len() as u64;
        } else {
            missing.push(*chunk);
        }
    }
    let left: u64 = missing.iter().map(|chunk| chunk.runs.len() as u64).sum();
    if left > 0 {
        progress.start("scenarios", left);
    }
    let mut computed = 0;
    let mut size = None;
    for chunk in missing {
        let step = || -> Result<(ChunkRecords, ChunkTimings)> {
            progress.check()?;
            if size != Some(chunk.cell.size) {
                work.prepare(chunk.cell.size, folder, progress)?;
                size = Some(chunk.cell.size);
            }
            work.compute(chunk, progress)
        };
        let (records, timings) = { step }().map_err(|error| stopped(error, found + computed, found + left, folder))?;
        folder.write_chunk(chunk, &records, &timings)?;
        computed += chunk.runs.len() as u64;
    }
    if left > 0 {
        progress.finish();
    }
    let assembled = shard.is_none() && assemble(folder)?;
    Ok(Done {
        computed,
        found,
        assembled,
    })
}

/// An interruption loses nothing that was finished, and says so.
fn stopped(error: Error, done: u64, of: u64, folder: &RunFolder) -> Error {
    if error.kind() != ErrorKind::Interrupted {
        return error;
    }
    Error::new(
        ErrorKind::Interrupted,
        format!(
            "stopped; {done} of {of} scenarios are finished and kept in `{}`",
            folder.path().display()
        ),
    )
    .hint("start the same command again: it goes on where it stopped")
}
