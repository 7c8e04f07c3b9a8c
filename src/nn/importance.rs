//! How much each parameter matters for some rows, measured in evaluation mode (batch-norm running statistics).
//!
//! Two kinds, see [`ImportanceKind`]. The loss is plain cross entropy, whatever class weights the training used.
//!
//! The exact per-sample Fisher needs no loop over rows: for a linear layer the sum over rows of the squared gradient is
//! (delta^2)^T (a^2), for its bias the sum of delta^2, for batch norm in evaluation mode those of (dy * xhat)^2 and dy^2.

use std::ops::Range;
use std::sync::RwLock;

use serde::{Deserialize, Serialize};

use super::chunk::Chunk;
use super::evaluate::FrozenNorm;
use super::examples::Examples;
use super::kernels;
use super::network::{LayerPlan, Network};
use super::real::Real;
use super::step::norm_parameters;
use super::team::{self, read, write};
use super::train::{Batches, chunk_count, chunk_range};
use crate::error::{Error, Result};

/// Which importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportanceKind {
    /// Mean over mini-batches of (d mean-loss(batch) / d parameter)^2: what the published code of SSD and ASSD computes. It
    /// depends on how rows fall into batches.
    SquaredBatchGradient,
    /// Mean over rows of (d loss(row) / d parameter)^2: the diagonal of the empirical Fisher information.
    PerSampleFisher,
}

impl ImportanceKind {
    /// All kinds, the default first.
    pub const ALL: [ImportanceKind; 2] = [ImportanceKind::SquaredBatchGradient, ImportanceKind::PerSampleFisher];

    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::SquaredBatchGradient => "squared-batch-gradient",
            Self::PerSampleFisher => "per-sample-fisher",
        }
    }

    /// Name as in reports.
    pub fn title(self) -> &'static str {
        match self {
            Self::SquaredBatchGradient => "squared batch gradient",
            Self::PerSampleFisher => "per-sample Fisher",
        }
    }
}

/// How large the output of a row is taken to be, where it is measured how much it reacts to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputSize {
    /// ||logits||^2, as LFSSD (arXiv 2402.19308).
    SquaredLength,
    /// ||logits||, which rows of large outputs sway less, as Potion (arXiv 2406.09173).
    Length,
}

impl OutputSize {
    /// Factor g with d size / d logits = g * logits; 0 of logits that are all 0, whose length has no slope.
    pub(crate) fn slope<T: Real>(self, logits: impl Iterator<Item = T>) -> f64 {
        match self {
            Self::SquaredLength => 2.0,
            Self::Length => {
                let square: f64 = logits.map(|logit| logit.to_f64() * logit.to_f64()).sum();
                if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
            }
        }
    }
}

/// An importance per parameter, in the order of the network's flat vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Which one.
    pub kind: ImportanceKind,
    /// One value from 0 up per parameter.
    pub values: Vec<f64>,
}

/// Importance of every parameter for `examples`, in mini-batches of `batch` rows in the order given (the last one smaller).
/// The batch size does not matter for [`ImportanceKind::PerSampleFisher`], beyond rounding.
///
/// # Errors
/// Where the rows do not fit the network, there are none, or a gradient is not a finite number.
pub fn importance<T: Real>(
    network: &Network<T>,
    examples: &Examples<T>,
    kind: ImportanceKind,
    batch: usize,
    threads: usize,
) -> Result<Importance> {
    let batches = checked_batches(network, examples, batch)?;
    let mut totals = vec![0.0; network.spec().parameters()];
    let fold = |totals: &mut [f64], start: usize, pass: &BatchPass<T>, batch: usize| {
        let part = start..start + totals.len();
        match kind {
            ImportanceKind::SquaredBatchGradient => kernels::add_squares(totals, &pass.gradient[part], 1.0 / batches[batch].len() as f64),
            ImportanceKind::PerSampleFisher => kernels::add_wide(totals, &pass.fisher[part]),
        }
    };
    batch_passes(network, examples, &batches, Wanted::of(kind), threads, &mut totals, fold);
    let count = match kind {
        ImportanceKind::SquaredBatchGradient => batches.len(),
        ImportanceKind::PerSampleFisher => examples.len(),
    };
    for total in &mut totals {
        *total /= count as f64;
    }
    finite(&totals)?;
    Ok(Importance { kind, values: totals })
}

/// How much the output reacts to every parameter: the mean over mini-batches of |d mean size of the logits / d parameter|, in evaluation
/// mode. Labels are not read. In network order; from 0 up.
///
/// # Errors
/// As [`importance`].
pub fn output_sensitivity<T: Real>(
    network: &Network<T>,
    examples: &Examples<T>,
    size: OutputSize,
    batch: usize,
    threads: usize,
) -> Result<Vec<f64>> {
    let batches = checked_batches(network, examples, batch)?;
    let mut totals = vec![0.0; network.spec().parameters()];
    let fold = |totals: &mut [f64], start: usize, pass: &BatchPass<T>, batch: usize| {
        let rows = batches[batch].len() as f64;
        let part = start..start + totals.len();
        for (total, value) in totals.iter_mut().zip(&pass.gradient[part]) {
            *total += (value.to_f64() / rows).abs();
        }
    };
    let wanted = Wanted {
        gradient: true,
        fisher: false,
        output: Some(size),
    };
    batch_passes(network, examples, &batches, wanted, threads, &mut totals, fold);
    for total in &mut totals {
        *total /= batches.len() as f64;
    }
    finite(&totals)?;
    Ok(totals)
}

/// An error unless all values are finite numbers.
pub(super) fn finite(values: &[f64]) -> Result<()> {
    if values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(
        Error::input("the model's gradients are not finite numbers, so its importances cannot be measured")
            .hint("train the model again with a lower learning rate"),
    )
}

pub(super) fn checked_batches<T: Real>(network: &Network<T>, examples: &Examples<T>, batch: usize) -> Result<Vec<Range<usize>>> {
    examples.check(network.spec())?;
    if examples.is_empty() {
        return Err(Error::input("there are no rows to measure importances on"));
    }
    if batch == 0 {
        return Err(Error::input("the batch size for importances is 0, and must be at least 1"));
    }
    let batches = Batches::plain(examples.len(), batch);
    Ok((0..batches.count()).map(|index| batches.range(index)).collect())
}

/// What a pass over a batch computes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub gradient: bool,
    pub fisher: bool,
    /// Of the size of the logits instead of cross entropy.
    pub output: Option<OutputSize>,
}

impl Wanted {
    /// What one kind of importance takes.
    pub fn of(kind: ImportanceKind) -> Self {
        Self {
            gradient: kind == ImportanceKind::SquaredBatchGradient,
            fisher: kind == ImportanceKind::PerSampleFisher,
            output: None,
        }
    }
}

/// Sums over the rows of one batch; empty where not wanted.
pub(super) struct BatchPass<T> {
    /// Of the gradients of the rows' losses.
    pub gradient: Vec<T>,
    /// Of their squares.
    pub fisher: Vec<T>,
}

/// Computes [`BatchPass`]es of all batches (ranges of positions, possibly empty), several at a time, and folds them into
/// `totals` in the order of the batches: `fold(part of totals, where that part starts, pass, number of the batch)`. The
/// folding of one batch is shared among threads by parameter ranges.
pub(super) fn batch_passes<T: Real>(
    network: &Network<T>,
    examples: &Examples<T>,
    batches: &[Range<usize>],
    wanted: Wanted,
    threads: usize,
    totals: &mut [f64],
    fold: impl Fn(&mut [f64], usize, &BatchPass<T>, usize) + Sync,
) {
    let frozen = FrozenNetwork::new(network);
    let parameters = totals.len();
    let at_a_time = threads.clamp(1, batches.len().max(1));
    let part = parameters.div_ceil(at_a_time).max(1);
    let parts: Vec<_> = totals.chunks_mut(part).map(RwLock::new).collect();
    let empty = |wanted: bool| if wanted { vec![T::ZERO; parameters] } else { Vec::new() };
    let passes: Vec<_> = (0..at_a_time)
        .map(|_| {
            RwLock::new(BatchPass {
                gradient: empty(wanted.gradient),
                fisher: empty(wanted.fisher),
            })
        })
        .collect();
    team::run(at_a_time, |member| {
        let mut chunk = Chunk::new(network.spec());
        let mut scratch = Scratch::new(network);
        for first in (0..batches.len()).step_by(at_a_time) {
            let wave = at_a_time.min(batches.len() - first);
            for slot in member.share(wave) {
                frozen.pass(
                    examples,
                    batches[first + slot].clone(),
                    wanted,
                    &mut chunk,
                    &mut scratch,
                    &mut write(&passes[slot]),
                );
            }
            member.wait();
            for number in member.share(parts.len()) {
                let mut totals = write(&parts[number]);
                for (slot, pass) in passes[..wave].iter().enumerate() {
                    fold(&mut totals, number * part, &read(pass), first + slot);
                }
            }
            member.wait();
        }
    });
}

/// A network in evaluation mode with what its batch norms reduce to.
pub(super) struct FrozenNetwork<'a, T> {
    network: &'a Network<T>,
    layers: Vec<LayerPlan>,
    norms: Vec<FrozenNorm<T>>,
    ones: Vec<T>,
}

/// Per-feature sums in the backward pass.
pub(super) struct Scratch<T> {
    sums: Vec<T>,
    products: Vec<T>,
}

impl<T: Real> Scratch<T> {
    pub fn new(network: &Network<T>) -> Self {
        let widest = network.spec().hidden.iter().copied().max().unwrap_or(0);
        Self {
            sums: vec![T::ZERO; widest],
            products: vec![T::ZERO; widest],
        }
    }
}

impl<'a, T: Real> FrozenNetwork<'a, T> {
    pub fn new(network: &'a Network<T>) -> Self {
        Self {
            network,
            layers: network.spec().layers(),
            norms: FrozenNorm::all(network),
            ones: vec![T::ONE; network.spec().classes],
        }
    }

    /// Sums over the rows of one batch, chunk after chunk on the calling thread.
    pub fn pass(
        &self,
        examples: &Examples<T>,
        batch: Range<usize>,
        wanted: Wanted,
        chunk: &mut Chunk<T>,
        scratch: &mut Scratch<T>,
        into: &mut BatchPass<T>,
    ) {
        into.gradient.fill(T::ZERO);
        into.fisher.fill(T::ZERO);
        for number in 0..chunk_count(&batch) {
            chunk.load(examples, chunk_range(&batch, number));
            let keep = if number == 0 { T::ZERO } else { T::ONE };
            self.chunk_pass(examples.labels, keep, wanted, chunk, scratch, into);
        }
    }

    fn values(&self, layer: usize) -> &[T] {
        &self.network.parameters()[self.layers[layer].range()]
    }

    fn chunk_pass(&self, labels: &[u8], keep: T, wanted: Wanted, chunk: &mut Chunk<T>, scratch: &mut Scratch<T>, into: &mut BatchPass<T>) {
        for (layer, norm) in self.norms.iter().enumerate() {
            let (plan, values) = (&self.layers[layer], self.values(layer));
            chunk.linear(layer, plan, &values[..plan.bias()]);
            let (weights, biases) = norm_parameters(plan, values);
            chunk.normalise(layer, &norm.means, &norm.inverses, weights, biases);
        }
        let head = self.norms.len();
        let (weight, biases) = self.values(head).split_at(self.layers[head].bias());
        chunk.head(&self.layers[head], weight);
        match wanted.output {
            Some(size) => chunk.output_size(biases, size),
            None => {
                chunk.cross_entropy(biases, labels, &self.ones);
            }
        }
        for layer in (0..=head).rev() {
            let plan = &self.layers[layer];
            if plan.hidden {
                self.norm_backward(layer, wanted, chunk, scratch, into);
            }
            if wanted.gradient {
                let gradient = &mut into.gradient[plan.range()];
                chunk.weight_gradient(layer, plan, keep, &mut gradient[..plan.bias()]);
                if !plan.hidden {
                    chunk.add_head_bias_gradient(&mut gradient[plan.bias()..]);
                }
            }
            if wanted.fisher {
                let (weight_part, rest) = into.fisher[plan.range()].split_at_mut(plan.bias());
                chunk.linear_fisher(layer, plan, keep, weight_part, &mut rest[..plan.outputs]);
            }
            if layer > 0 {
                chunk.input_deltas(layer, plan, &self.values(layer)[..plan.bias()]);
            }
        }
    }

    /// Back through ReLU and batch norm; the gradient of the linear bias is that of batch norm's bias times its factor.
    fn norm_backward(&self, layer: usize, wanted: Wanted, chunk: &mut Chunk<T>, scratch: &mut Scratch<T>, into: &mut BatchPass<T>) {
        let (plan, norm) = (&self.layers[layer], &self.norms[layer]);
        let (weights, biases) = norm_parameters(plan, self.values(layer));
        let (sums, products) = (&mut scratch.sums[..plan.outputs], &mut scratch.products[..plan.outputs]);
        chunk.mask_and_sum(layer, weights, biases, sums, products);
        if wanted.gradient {
            let gradient = &mut into.gradient[plan.range()];
            for feature in 0..plan.outputs {
                gradient[plan.bias() + feature] += sums[feature] * norm.factors[feature];
                gradient[plan.norm_weight() + feature] += products[feature];
                gradient[plan.norm_bias() + feature] += sums[feature];
            }
        }
        if wanted.fisher {
            let (weight_part, bias_part) = into.fisher[plan.range()][plan.norm_weight()..].split_at_mut(plan.outputs);
            chunk.add_norm_fisher(layer, bias_part, weight_part);
        }
        chunk.scale_deltas(layer, &norm.factors);
    }
}
