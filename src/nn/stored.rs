//! What training stores so that a repair later needs the flagged rows alone.
//!
//! For every mini-batch b of the training set the summed gradient G_b and the number of rows n_b, and over all rows the sum
//! of squared gradients, all taken on the trained network in evaluation mode. The importance over the retain set follows by
//! subtraction: on the original batches it is the mean over b of ((G_b - flagged gradients in b) / (n_b - flagged in b))^2.

use std::ops::Range;
use std::sync::RwLock;

use super::examples::Examples;
use super::importance::{BatchPass, Importance, ImportanceKind, Wanted, batch_passes, checked_batches, finite};
use super::kernels;
use super::network::{MlpSpec, NamedTensor, Network, TensorSpec, fill};
use super::real::Real;
use super::team::write;
use crate::error::{Error, Result};
use crate::memory;

/// Rows in the batches above this would not fit the file's single-precision counts exactly.
const MOST_ROWS_IN_BATCH: usize = 1 << 24;

/// Sums of gradients and of squared gradients of a trained network over its training rows.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredImportances<T> {
    /// Rows of each mini-batch, in order.
    batch_rows: Vec<usize>,
    /// Batches x parameters: sum of the gradients of the rows' losses.
    gradients: Vec<T>,
    /// Per parameter: sum over all rows of the squared gradient.
    fisher: Vec<T>,
}

/// Flagged rows, as a repair knows them: their inputs, the labels the model was trained with, and where they stood in the
/// order of the training rows.
#[derive(Debug, Clone, Copy)]
pub struct Forget<'a, T> {
    /// Inputs, row-major.
    pub inputs: &'a [T],
    /// Observed labels.
    pub labels: &'a [u8],
    /// Position of each row in the order of training, counted from 0; no two alike.
    pub positions: &'a [u32],
}

/// Measures what [`StoredImportances`] keeps. `examples` are the rows the network was trained on, in the same order, and
/// `batch` the size of the mini-batches.
///
/// # Errors
/// As [`importance`](super::importance()).
pub fn store_importances<T: Real>(
    network: &Network<T>,
    examples: &Examples<T>,
    batch: usize,
    threads: usize,
) -> Result<StoredImportances<T>> {
    let batches = checked_batches(network, examples, batch)?;
    if batch > MOST_ROWS_IN_BATCH {
        return Err(Error::input(format!(
            "batches of {batch} rows are too large to store importances for"
        )));
    }
    let parameters = network.spec().parameters();
    let (values, instead) = (
        batches.len().saturating_mul(parameters),
        "train with larger batches (`--batch`) or a smaller network",
    );
    memory::check_values(values, size_of::<T>(), "the gradients of all batches", instead)?;
    let mut gradients = vec![T::ZERO; batches.len() * parameters];
    let mut totals = vec![0.0; parameters];
    {
        let slots: Vec<_> = gradients.chunks_mut(parameters).map(RwLock::new).collect();
        let wanted = Wanted {
            gradient: true,
            fisher: true,
            output: None,
        };
        let fold = |totals: &mut [f64], start: usize, pass: &BatchPass<T>, batch: usize| {
            let part = start..start + totals.len();
            kernels::add_wide(totals, &pass.fisher[part.clone()]);
            write(&slots[batch])[part.clone()].copy_from_slice(&pass.gradient[part]);
        };
        batch_passes(network, examples, &batches, wanted, threads, &mut totals, fold);
    }
    finite(&totals)?;
    Ok(StoredImportances {
        batch_rows: batches.iter().map(Range::len).collect(),
        gradients,
        fisher: totals.into_iter().map(T::from_f64).collect(),
    })
}

impl<T: Real> StoredImportances<T> {
    /// Rows of the training set.
    pub fn rows(&self) -> usize {
        self.batch_rows.iter().sum()
    }

    /// Mini-batches of the training set.
    pub fn batches(&self) -> usize {
        self.batch_rows.len()
    }

    /// The same with no batch of fewer than `smallest` rows, where there are as many rows: neighbours are put together, and what is left over
    /// joins the last. The gradient of few rows gives their inputs away (docs/privacy.md). Batches that are large enough stay as they are.
    #[must_use]
    pub fn at_least(self, smallest: usize) -> Self {
        if self.batch_rows.iter().all(|rows| *rows >= smallest) {
            return self;
        }
        let parameters = self.fisher.len();
        let mut batch_rows: Vec<usize> = Vec::new();
        let mut gradients: Vec<T> = Vec::new();
        let mut left = self.rows();
        for (batch, rows) in self.batch_rows.iter().enumerate() {
            // Also where what follows would be too few for a batch of its own.
            let full = |last: usize| last >= smallest && left >= smallest;
            match batch_rows.last_mut() {
                Some(last) if !full(*last) => {
                    *last += rows;
                    let open = gradients.len() - parameters;
                    for (sum, value) in gradients[open..].iter_mut().zip(self.gradient(batch)) {
                        *sum = T::from_f64(sum.to_f64() + value.to_f64());
                    }
                }
                _ => {
                    batch_rows.push(*rows);
                    gradients.extend_from_slice(self.gradient(batch));
                }
            }
            left -= rows;
        }
        Self {
            batch_rows,
            gradients,
            fisher: self.fisher,
        }
    }

    fn gradient(&self, batch: usize) -> &[T] {
        &self.gradients[batch * self.fisher.len()..][..self.fisher.len()]
    }

    /// Importance over all training rows, as [`importance`](super::importance()) measures it.
    pub fn full(&self, kind: ImportanceKind) -> Importance {
        let mut values = vec![0.0; self.fisher.len()];
        match kind {
            ImportanceKind::SquaredBatchGradient => {
                for (batch, rows) in self.batch_rows.iter().enumerate() {
                    kernels::add_squares(&mut values, self.gradient(batch), 1.0 / *rows as f64);
                }
                values.iter_mut().for_each(|value| *value /= self.batches() as f64);
            }
            ImportanceKind::PerSampleFisher => {
                kernels::add_wide(&mut values, &self.fisher);
                values.iter_mut().for_each(|value| *value /= self.rows() as f64);
            }
        }
        Importance { kind, values }
    }

    /// Importance over the training rows without the flagged ones, on the original batches, from the flagged rows alone.
    /// A batch whose rows are all flagged counts no more. Equal to measuring on the retain rows up to rounding: a value far
    /// below the flagged rows' own share of it is known only to about 1e-7 of that share (f32), and is 0 where rounding would
    /// make it negative.
    ///
    /// # Errors
    /// Where the flagged rows do not fit the network or the stored sums, or no row remains.
    pub fn retain(&self, network: &Network<T>, forget: &Forget<T>, kind: ImportanceKind, threads: usize) -> Result<Importance> {
        let order = self.sorted(forget)?;
        if self.fisher.len() != network.spec().parameters() {
            return Err(Error::internal("stored importances belong to a network of another size"));
        }
        let examples = Examples::subset(forget.inputs, network.spec().inputs, forget.labels, &order);
        examples.check(network.spec())?;
        if order.len() >= self.rows() {
            return Err(
                Error::input("every training row is flagged, so there is nothing left to compare them with")
                    .hint("flag the wrong rows only"),
            );
        }
        let flagged = self.flagged_by_batch(forget, &order);
        let mut values = vec![0.0; self.fisher.len()];
        match kind {
            ImportanceKind::SquaredBatchGradient => {
                let fold = |values: &mut [f64], start: usize, pass: &BatchPass<T>, batch: usize| {
                    let left = self.batch_rows[batch] - flagged[batch].len();
                    if left > 0 {
                        let part = start..start + values.len();
                        add_squared_difference(values, &self.gradient(batch)[part.clone()], &pass.gradient[part], left);
                    }
                };
                batch_passes(network, &examples, &flagged, Wanted::of(kind), threads, &mut values, fold);
                let left = |(rows, flagged): &(&usize, &Range<usize>)| **rows > flagged.len();
                let batches = self.batch_rows.iter().zip(&flagged).filter(left).count();
                values.iter_mut().for_each(|value| *value /= batches as f64);
            }
            ImportanceKind::PerSampleFisher => {
                let fold = |values: &mut [f64], start: usize, pass: &BatchPass<T>, _batch: usize| {
                    kernels::add_wide(values, &pass.fisher[start..start + values.len()]);
                };
                batch_passes(network, &examples, &flagged, Wanted::of(kind), threads, &mut values, fold);
                let left = (self.rows() - order.len()) as f64;
                for (value, all) in values.iter_mut().zip(&self.fisher) {
                    *value = (all.to_f64() - *value).max(0.0) / left;
                }
            }
        }
        finite(&values)?;
        Ok(Importance { kind, values })
    }

    /// The flagged rows by position.
    fn sorted(&self, forget: &Forget<T>) -> Result<Vec<u32>> {
        if forget.positions.len() != forget.labels.len() {
            return Err(Error::internal("flagged rows without a position each"));
        }
        let mut order: Vec<u32> = (0..forget.labels.len() as u32).collect();
        let position = |row: &u32| forget.positions[*row as usize];
        order.sort_by_key(position);
        if order.windows(2).any(|pair| position(&pair[0]) == position(&pair[1])) {
            return Err(Error::internal("a row is flagged twice"));
        }
        match order.last().map(position) {
            Some(last) if last as usize >= self.rows() => Err(Error::internal(format!(
                "flagged row at position {last} of {} training rows",
                self.rows()
            ))),
            _ => Ok(order),
        }
    }

    /// Which of the sorted flagged rows fall in each batch.
    fn flagged_by_batch(&self, forget: &Forget<T>, order: &[u32]) -> Vec<Range<usize>> {
        let (mut start, mut last) = (0, 0);
        self.batch_rows
            .iter()
            .map(|rows| {
                last += rows;
                let in_batch = |row: &&u32| (forget.positions[**row as usize] as usize) < last;
                let end = start + order[start..].iter().take_while(in_batch).count();
                let range = start..end;
                start = end;
                range
            })
            .collect()
    }

    /// Tensors for a file, in single precision: per parameter tensor `importances.fisher.NAME` and
    /// `importances.gradients.NAME` (batches first), and `importances.batch_rows`.
    pub fn to_tensors(&self, spec: &MlpSpec) -> Vec<NamedTensor> {
        let narrow = |values: &[T]| values.iter().map(|value| value.to_f64() as f32).collect::<Vec<_>>();
        let mut list = vec![NamedTensor {
            name: "importances.batch_rows".to_owned(),
            shape: vec![self.batches()],
            values: self.batch_rows.iter().map(|rows| *rows as f32).collect(),
        }];
        for tensor in spec.tensors() {
            list.push(NamedTensor {
                name: format!("importances.fisher.{}", tensor.name),
                values: narrow(&self.fisher[tensor.range()]),
                shape: tensor.shape.clone(),
            });
            list.push(NamedTensor {
                name: format!("importances.gradients.{}", tensor.name),
                values: (0..self.batches())
                    .flat_map(|batch| narrow(&self.gradient(batch)[tensor.range()]))
                    .collect(),
                shape: [&[self.batches()], tensor.shape.as_slice()].concat(),
            });
        }
        list
    }

    /// Reads what [`StoredImportances::to_tensors`] wrote; other tensors may lie beside. `None` where no importances were stored.
    ///
    /// # Errors
    /// Where a tensor is missing, has the wrong shape or holds values that cannot be.
    pub fn from_tensors(spec: &MlpSpec, tensors: &[NamedTensor]) -> Result<Option<Self>> {
        let Some(counts) = tensors.iter().find(|tensor| tensor.name == "importances.batch_rows") else {
            return Ok(None);
        };
        let whole = |value: &f32| (*value >= 1.0 && value.fract() == 0.0 && *value <= MOST_ROWS_IN_BATCH as f32).then_some(*value as usize);
        let batch_rows: Vec<usize> = counts.values.iter().map_while(whole).collect();
        if batch_rows.len() != counts.values.len() || batch_rows.is_empty() || counts.shape != [batch_rows.len()] {
            return Err(Error::input("tensor `importances.batch_rows` holds no batch sizes"));
        }
        let (batches, parameters) = (batch_rows.len(), spec.parameters());
        // Before memory is taken for what the batch sizes claim.
        let there = tensors.iter().map(|tensor| tensor.values.len()).fold(0, usize::saturating_add);
        if batches.saturating_mul(parameters) > there {
            return Err(Error::input("stored importances are too short for their batches"));
        }
        let mut stored = Self {
            batch_rows,
            gradients: vec![T::ZERO; batches * parameters],
            fisher: vec![T::ZERO; parameters],
        };
        let mut block = Vec::new();
        for tensor in spec.tensors() {
            let named = |part: &str, shape: Vec<usize>| TensorSpec {
                name: format!("importances.{part}.{}", tensor.name),
                shape,
                offset: 0,
            };
            fill(&mut stored.fisher[tensor.range()], &named("fisher", tensor.shape.clone()), tensors)?;
            block.resize(batches * tensor.len(), T::ZERO);
            let shape = [&[batches], tensor.shape.as_slice()].concat();
            fill(&mut block, &named("gradients", shape), tensors)?;
            for (batch, values) in block.chunks(tensor.len()).enumerate() {
                stored.gradients[batch * parameters..][tensor.range()].copy_from_slice(values);
            }
        }
        if stored.fisher.iter().any(|value| *value < T::ZERO) {
            return Err(Error::input("stored importances hold a negative sum of squares"));
        }
        Ok(Some(stored))
    }
}

/// Adds ((all - flagged) / left)^2.
fn add_squared_difference<T: Real>(values: &mut [f64], all: &[T], flagged: &[T], left: usize) {
    for ((value, all), flagged) in values.iter_mut().zip(all).zip(flagged) {
        let mean = (all.to_f64() - flagged.to_f64()) / left as f64;
        *value += mean * mean;
    }
}
