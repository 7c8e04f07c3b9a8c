//! One interface to every network: [`Classifier`]. What stands above (repair methods, model folders) never knows which network it has.
//!
//! | implementation | what computes |
//! |---|---|
//! | [`crate::nn::Network`] | multilayer perceptrons: hand-written kernels over `gemm` |
//! | [`crate::nn::images::ImageNetwork`] | image networks: hand-written kernels, on the processor or on a GPU |
//! | [`CandleNetwork`] | any graph of candle's tensors, with automatic gradients |
//!
//! Calls are coarse: a whole measurement, training or step at a time. Rows are borrowed, never copied where a network can read them as they lie.

mod candle;
mod images;
mod mlp;
mod plan;
mod rows;

use std::fmt::Debug;

pub use crate::nn::images::Compute;
pub use candle::{BatchStatistics, CandleNetwork, Graph, Mode, Node, Operation, TensorGraph};
pub use plan::{Plan, TrainingSchedule};
pub use rows::Rows;

use crate::error::{Error, Result};
use crate::nn::{Forget, ImportanceKind, OutputSize, Real, RowLosses, Sgd, StoredImportances, TensorSpec, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

/// What is measured of every parameter over some rows, in evaluation mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// How much it matters for the loss.
    Importance(ImportanceKind),
    /// How much the output reacts to it: mean over mini-batches of |d mean size of the logits / d parameter|. Labels are not read.
    Sensitivity(OutputSize),
}

impl Statistic {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Importance(ImportanceKind::SquaredBatchGradient) => "squared-batch-gradient",
            Self::Importance(ImportanceKind::PerSampleFisher) => "per-sample-fisher",
            Self::Sensitivity(OutputSize::SquaredLength) => "sensitivity",
            Self::Sensitivity(OutputSize::Length) => "sensitivity-of-length",
        }
    }
}

/// A trained or untrained network that gives every row one of several classes.
///
/// Parameters are one flat vector; [`Classifier::tensors`] names its parts. Running statistics (buffers) are kept apart: they are no
/// parameters, matter to no importance and are never dampened.
pub trait Classifier: Clone + PartialEq + Debug + Send + Sync {
    /// Numbers that it computes with.
    type Value: Real;
    /// Where a training keeps checkpoints, for those that can go on from one; `()` for the others.
    type Checkpoints<'k>: Copy + Default;

    /// Trainable tensors, in network order; offsets count in the flat parameter vector.
    fn tensors(&self) -> Vec<TensorSpec>;
    /// All trainable parameters.
    fn parameters(&self) -> &[Self::Value];
    /// The same, to change.
    fn parameters_mut(&mut self) -> &mut [Self::Value];
    /// Classes.
    fn classes(&self) -> usize;
    /// Whether every parameter and buffer is a finite number.
    fn is_finite(&self) -> bool;
    /// Whether the other has the same architecture.
    fn same_architecture(&self, other: &Self) -> bool;
    /// A network of the same architecture with weights drawn from a seed.
    ///
    /// # Errors
    /// Only by a fault of ours.
    fn reinitialised(&self, seed: Seed) -> Result<Self>;

    /// That the network takes rows of this size, and that every label is one of its classes.
    ///
    /// # Errors
    /// Says what does not fit.
    fn check_rows(&self, rows: &Rows<Self::Value>) -> Result<()>;
    /// Logits of rows `which` (absent: all) in evaluation mode: rows x classes, row-major.
    ///
    /// # Errors
    /// Where the rows do not fit the network or do not exist, or the person asks to stop.
    fn logits(
        &self,
        rows: &Rows<Self::Value>,
        which: Option<&[u32]>,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<Vec<Self::Value>>;
    /// For many questions about the same rows, which a device then keeps at hand.
    ///
    /// # Errors
    /// Where the device that computes has no room.
    fn answers<'c>(&'c self, rows: Rows<'c, Self::Value>, compute: Compute<'c>) -> Result<Box<dyn Answers<Self::Value> + 'c>>;
    /// Loss of a batch and its gradient, as a training step would take it: batch norm uses the batch's statistics. Nothing changes.
    ///
    /// # Errors
    /// Where the pieces do not fit each other or the network.
    fn gradient(&self, rows: &Rows<Self::Value>, batch: &Batch<Self::Value>, compute: Compute) -> Result<(f64, Vec<Self::Value>)>;
    /// A statistic of every parameter over some of these rows, in mini-batches of `batch` rows in the order given, the last one smaller.
    ///
    /// # Errors
    /// Where the rows do not fit the network, there are none, a gradient is not a finite number, or the person asks to stop.
    fn measure(
        &self,
        what: Statistic,
        of: (&Rows<Self::Value>, &[u32]),
        batch: usize,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<Vec<f64>>;
    /// The squared batch gradient over mini-batches given one by one: the training's own without the flagged rows, say. Empty ones do
    /// not count.
    ///
    /// # Errors
    /// As [`Classifier::measure`].
    fn measure_in_batches(
        &self,
        rows: &Rows<Self::Value>,
        batches: &[Vec<u32>],
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<Vec<f64>> {
        let what = Statistic::Importance(ImportanceKind::SquaredBatchGradient);
        let filled = || batches.iter().filter(|batch| !batch.is_empty());
        let mut totals = vec![0.0; self.parameters().len()];
        for batch in filled() {
            let own = self.measure(what, (rows, batch), batch.len(), compute, progress)?;
            totals.iter_mut().zip(own).for_each(|(total, own)| *total += own);
        }
        let count = filled().count() as f64;
        totals.iter_mut().for_each(|total| *total /= count);
        Ok(totals)
    }
    /// What a repair without the training rows needs: the gradient of every mini-batch. `None` for networks that are too large for that.
    ///
    /// # Errors
    /// As [`Classifier::measure`].
    fn store_importances(
        &self,
        rows: &Rows<Self::Value>,
        batch: usize,
        compute: Compute,
    ) -> Result<Option<StoredImportances<Self::Value>>> {
        let _ = (rows, batch, compute);
        Ok(None)
    }
    /// Importance over the training rows without the flagged ones, on the original batches, from what training stored.
    ///
    /// # Errors
    /// Where the flagged rows do not fit the network or what was stored, or no row remains.
    fn retain_importance(
        &self,
        stored: &StoredImportances<Self::Value>,
        flagged: &Forget<Self::Value>,
        kind: ImportanceKind,
        compute: Compute,
    ) -> Result<Vec<f64>> {
        let _ = (stored, flagged, kind, compute);
        Err(Error::internal("this network stores no importances"))
    }
    /// Trains on some of these rows, from these weights. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// Where plan, rows and network do not fit each other, training diverges, or the person asks to stop.
    fn train(
        &self,
        of: (&Rows<Self::Value>, &[u32]),
        plan: &Plan,
        checkpoints: Self::Checkpoints<'_>,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<(Self, TrainingLog)>;
    /// For single steps on batches of these rows, from these weights.
    ///
    /// # Errors
    /// Where the device that computes has no room.
    fn stepper<'c>(&'c self, rows: Rows<'c, Self::Value>, optimiser: Sgd, compute: Compute<'c>) -> Result<Box<dyn Stepper<Self> + 'c>>;
}

/// Rows of a step, all of which go through batch norm together, and what each adds to its loss.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, T> {
    /// Epoch as which rows are augmented, where they are.
    pub epoch: u32,
    /// Numbers of the rows.
    pub which: &'a [u32],
    /// Their losses, one per entry of `which`.
    pub losses: RowLosses<'a, T>,
}

/// Takes steps of an optimiser on a classifier of its own.
pub trait Stepper<C: Classifier> {
    /// One step along the gradient of the batch's loss at this learning rate; returns the loss before.
    ///
    /// # Errors
    /// Where the pieces do not fit each other, batch norm has a single row, or the loss is not a finite number.
    fn step(&mut self, batch: &Batch<C::Value>, rate: f64) -> Result<f64>;
    /// The classifier after the steps so far.
    ///
    /// # Errors
    /// Where the device that computes fails.
    fn finish(self: Box<Self>) -> Result<C>;
}

/// A classifier that is asked about the same rows again and again.
pub trait Answers<T> {
    /// Logits of rows `which` as they are in epoch `epoch`, in evaluation mode: rows x classes.
    ///
    /// # Errors
    /// Where a row does not exist or the device that computes fails.
    fn logits(&mut self, epoch: u32, which: &[u32]) -> Result<Vec<T>>;
}

/// How many of these rows (absent: all) a classifier gives their label; of equally likely classes the first counts.
///
/// # Errors
/// As [`Classifier::logits`].
pub fn agreement<C: Classifier>(
    classifier: &C,
    rows: &Rows<C::Value>,
    which: Option<&[u32]>,
    compute: Compute,
    progress: &dyn Progress,
) -> Result<usize> {
    let logits = classifier.logits(rows, which, compute, progress)?;
    let predicted = crate::nn::predictions(&logits, classifier.classes());
    let labels = rows.labels();
    let observed: Vec<u8> = match which {
        None => labels.to_vec(),
        Some(which) => which.iter().filter_map(|row| labels.get(*row as usize).copied()).collect(),
    };
    if predicted.len() != observed.len() {
        return Err(Error::internal("labels not one per row"));
    }
    Ok(predicted.iter().zip(&observed).filter(|(one, other)| one == other).count())
}
