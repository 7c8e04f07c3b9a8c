//! Training: one model on all threads, or many models at once, through the same step.
//!
//! A mini-batch is cut into chunks of [`CHUNK`] rows. Every chunk goes forward and backward on one thread; what joins the
//! chunks (batch-norm statistics, gradients) is combined in the order of the chunks. The results are therefore the same bits
//! for any number of threads, and the same whether a model is trained alone or beside others.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::ensemble::train_members;
use super::examples::Examples;
use super::kernels::CHUNK;
use super::network::Network;
use super::real::Real;
use super::recipe::{Recipe, TrainingLog};
use super::step::Run;
use super::team;
use crate::error::Result;
use crate::progress::Progress;

/// One model of several to be trained side by side.
#[derive(Debug)]
pub struct TrainingJob<'a, T> {
    /// Start values; the trained values afterwards.
    pub network: &'a mut Network<T>,
    /// Its rows; jobs may share one input matrix.
    pub examples: Examples<'a, T>,
    /// Its settings.
    pub recipe: &'a Recipe,
}

/// Where mini-batches begin and end, by position in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batches {
    rows: usize,
    batch: usize,
    count: usize,
}

impl Batches {
    /// Batches of `batch` rows, the last one smaller.
    pub fn plain(rows: usize, batch: usize) -> Self {
        Self {
            rows,
            batch,
            count: rows.div_ceil(batch),
        }
    }

    /// The same, but a last batch of one row joins the one before.
    pub fn for_training(rows: usize, batch: usize, hidden: bool) -> Self {
        let mut batches = Self::plain(rows, batch);
        if hidden && batches.count > 1 && rows % batch == 1 {
            batches.count -= 1;
        }
        batches
    }

    /// Number of batches.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Positions in batch `index`.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        let end = if index + 1 == self.count {
            self.rows
        } else {
            (index + 1) * self.batch
        };
        index * self.batch..end
    }

    /// Most chunks that a batch has.
    pub fn most_chunks(&self) -> usize {
        (0..self.count).map(|index| chunk_count(&self.range(index))).max().unwrap_or(0)
    }
}

/// Number of chunks of a batch.
pub(super) fn chunk_count(batch: &std::ops::Range<usize>) -> usize {
    batch.len().div_ceil(CHUNK)
}

/// Positions of a batch's chunk.
pub(super) fn chunk_range(batch: &std::ops::Range<usize>, chunk: usize) -> std::ops::Range<usize> {
    let start = batch.start + chunk * CHUNK;
    start..batch.end.min(start + CHUNK)
}

/// Trains a network in place on `threads` threads; the result does not depend on how many.
///
/// Batch norm uses the batch's biased variance and keeps running statistics with momentum 0.1 and the unbiased variance. A
/// linear layer's bias has no effect before batch norm and no gradient, so the step leaves it out; weight decay still moves it.
///
/// # Errors
/// Where the recipe or the rows do not fit the network, there are no rows (or a single one, with batch norm), the loss
/// stops being a finite number, or the person asks to stop. The network is then as it was.
pub fn train<T: Real>(
    network: &mut Network<T>,
    examples: &Examples<T>,
    recipe: &Recipe,
    threads: usize,
    progress: &dyn Progress,
) -> Result<TrainingLog> {
    progress.start("training", steps(network, examples, recipe)? as u64);
    let outcome = run(network, examples, recipe, threads, progress);
    progress.finish();
    outcome
}

/// Mini-batches that a training takes, those of all members together.
fn steps<T: Real>(network: &Network<T>, examples: &Examples<T>, recipe: &Recipe) -> Result<usize> {
    Ok(network.spec().members * Run::prepare(network, examples, recipe)?.steps())
}

fn run<T: Real>(
    network: &mut Network<T>,
    examples: &Examples<T>,
    recipe: &Recipe,
    threads: usize,
    progress: &dyn Progress,
) -> Result<TrainingLog> {
    if network.spec().members > 1 {
        return train_members(network, examples, recipe, threads, progress);
    }
    Run::prepare(network, examples, recipe)?.execute(network, threads, progress)
}

/// Trains many networks side by side, one per thread (several threads on one where there are fewer jobs than threads), with
/// the same bits as [`train`] would give each alone. A job that fails leaves the others alone.
pub fn train_many<T: Real>(jobs: &mut [TrainingJob<T>], threads: usize, progress: &dyn Progress) -> Vec<Result<TrainingLog>> {
    let total: usize = jobs
        .iter()
        .filter_map(|job| steps(job.network, &job.examples, job.recipe).ok())
        .sum();
    progress.start("training", total as u64);
    let outcomes = for_each_on_threads(jobs, threads, |job, threads| {
        run(job.network, &job.examples, job.recipe, threads, progress)
    });
    progress.finish();
    outcomes
}

/// Runs `work` once per item, items spread over the threads as they become free; results in the order of the items. Each
/// call may use as many threads of its own as it is told.
pub(crate) fn for_each_on_threads<I: Send, R: Send>(items: &mut [I], threads: usize, work: impl Fn(&mut I, usize) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let crew = threads.clamp(1, count.max(1));
    let threads_each = (threads / crew).max(1);
    let slots: Vec<_> = items.iter_mut().map(|item| std::sync::Mutex::new(Some(item))).collect();
    let next = AtomicUsize::new(0);
    let parts = team::run(crew, |_member| {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = slots.get(index) else { return done };
            let item = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            if let Some(item) = item {
                done.push((index, work(item, threads_each)));
            }
        }
    });
    let mut all: Vec<_> = parts.into_iter().flatten().collect();
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, result)| result).collect()
}
