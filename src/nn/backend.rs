//! The same computations by different means, behind one face: our own engine over `gemm`, and candle's tensors with its
//! automatic gradients. Candle's is slow and short, and shares no line with ours: what both agree on is right.

use candle_core::{D, DType, Device, Tensor, Var};

use super::evaluate;
use super::examples::Examples;
use super::importance::{self, Importance, ImportanceKind, checked_batches, finite};
use super::network::{NORM_EPSILON, NORM_MOMENTUM, Network};
use super::real::Real;
use super::recipe::{EpochLog, Recipe, TrainingLog};
use super::step::Run;
use super::train;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// What can be computed with a network.
pub trait Backend<T: Real>: Send + Sync {
    /// Name.
    fn name(&self) -> &'static str;
    /// Trains in place, see [`train`](super::train()).
    ///
    /// # Errors
    /// As there; the network is then as it was.
    fn train(&self, network: &mut Network<T>, examples: &Examples<T>, recipe: &Recipe, progress: &dyn Progress) -> Result<TrainingLog>;
    /// Logits in evaluation mode, rows x classes.
    ///
    /// # Errors
    /// Where `inputs` is no whole number of rows.
    fn logits(&self, network: &Network<T>, inputs: &[T]) -> Result<Vec<T>>;
    /// Importance of every parameter, see [`importance`](super::importance()).
    ///
    /// # Errors
    /// As there.
    fn importance(&self, network: &Network<T>, examples: &Examples<T>, kind: ImportanceKind, batch: usize) -> Result<Importance>;
}

/// Our own engine, on so many threads.
#[derive(Debug, Clone, Copy)]
pub struct Native {
    /// Threads.
    pub threads: usize,
}

impl<T: Real> Backend<T> for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn train(&self, network: &mut Network<T>, examples: &Examples<T>, recipe: &Recipe, progress: &dyn Progress) -> Result<TrainingLog> {
        train::train(network, examples, recipe, self.threads, progress)
    }

    fn logits(&self, network: &Network<T>, inputs: &[T]) -> Result<Vec<T>> {
        evaluate::logits(network, inputs, self.threads)
    }

    fn importance(&self, network: &Network<T>, examples: &Examples<T>, kind: ImportanceKind, batch: usize) -> Result<Importance> {
        importance::importance(network, examples, kind, batch, self.threads)
    }
}

/// candle on a device; per-sample importances row by row.
#[derive(Debug, Clone)]
pub struct Candle {
    device: Device,
}

impl Candle {
    /// candle on the processor.
    pub fn cpu() -> Self {
        Self { device: Device::Cpu }
    }
}

/// Batch norm's way of normalising.
enum Mode<'a> {
    /// By the batch; the statistics (mean, biased variance) of each hidden layer are left here.
    Training(&'a mut Vec<(Tensor, Tensor)>),
    /// By the running statistics.
    Evaluation,
}

/// A network as candle variables, in network order.
struct Graph {
    device: Device,
    dtype: DType,
    hidden: usize,
    classes: usize,
    parameters: Vec<Var>,
    running: Vec<Tensor>,
}

fn failed(error: candle_core::Error) -> Error {
    Error::internal(format!("candle: {error}"))
}

fn tensor<T: Real>(values: &[T], shape: &[usize], graph_type: DType, device: &Device) -> candle_core::Result<Tensor> {
    let wide: Vec<f64> = values.iter().map(|value| value.to_f64()).collect();
    Tensor::from_vec(wide, shape, device)?.to_dtype(graph_type)
}

fn values(tensor: &Tensor) -> candle_core::Result<Vec<f64>> {
    tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()
}

impl Graph {
    fn new<T: Real>(network: &Network<T>, device: &Device) -> candle_core::Result<Self> {
        let dtype = if size_of::<T>() == 4 { DType::F32 } else { DType::F64 };
        let spec = network.spec();
        let load = |tensors: Vec<super::TensorSpec>, from: &[T]| {
            let each = tensors
                .into_iter()
                .map(|spec| tensor(&from[spec.range()], &spec.shape, dtype, device));
            each.collect::<candle_core::Result<Vec<_>>>()
        };
        let parameters = load(spec.tensors(), network.parameters())?;
        Ok(Self {
            device: device.clone(),
            dtype,
            hidden: spec.hidden.len(),
            classes: spec.classes,
            parameters: parameters.iter().map(Var::from_tensor).collect::<candle_core::Result<_>>()?,
            running: load(spec.buffer_tensors(), network.buffers())?,
        })
    }

    /// Rows of the examples at these positions, with their labels.
    fn rows<T: Real>(&self, examples: &Examples<T>, positions: std::ops::Range<usize>) -> candle_core::Result<(Tensor, Vec<u8>)> {
        let mut rows = Vec::new();
        examples.rows_at(positions, &mut rows);
        let row = |row: &u32| examples.inputs[*row as usize * examples.width..][..examples.width].to_vec();
        let inputs: Vec<T> = rows.iter().flat_map(row).collect();
        let labels = rows.iter().map(|row| examples.labels[*row as usize]).collect();
        Ok((tensor(&inputs, &[rows.len(), examples.width], self.dtype, &self.device)?, labels))
    }

    fn forward(&self, inputs: &Tensor, mut mode: Mode) -> candle_core::Result<Tensor> {
        let linear = |x: &Tensor, first: usize| x.matmul(&self.parameters[first].t()?)?.broadcast_add(&self.parameters[first + 1]);
        let mut x = inputs.clone();
        for layer in 0..self.hidden {
            let z = linear(&x, 4 * layer)?;
            let (mean, variance) = match &mut mode {
                Mode::Training(statistics) => {
                    let mean = z.mean(0)?;
                    let variance = z.broadcast_sub(&mean)?.sqr()?.mean(0)?;
                    statistics.push((mean.detach(), variance.detach()));
                    (mean, variance)
                }
                Mode::Evaluation => (self.running[2 * layer].clone(), self.running[2 * layer + 1].clone()),
            };
            let deviation = (variance + NORM_EPSILON)?.sqrt()?;
            let normal = z.broadcast_sub(&mean)?.broadcast_div(&deviation)?;
            let scaled = normal.broadcast_mul(&self.parameters[4 * layer + 2])?;
            x = scaled.broadcast_add(&self.parameters[4 * layer + 3])?.relu()?;
        }
        linear(&x, 4 * self.hidden)
    }

    /// Sum over rows of weight(label) * cross entropy, over the sum of the weights.
    fn loss(&self, logits: &Tensor, labels: &[u8], weights: Option<&[f64]>) -> candle_core::Result<Tensor> {
        let weight: Vec<f64> = labels
            .iter()
            .map(|label| weights.map_or(1.0, |weights| weights[usize::from(*label)]))
            .collect();
        let total: f64 = weight.iter().sum();
        let mut chosen = vec![0.0; labels.len() * self.classes];
        for (row, label) in labels.iter().enumerate() {
            chosen[row * self.classes + usize::from(*label)] = if total > 0.0 { -weight[row] / total } else { 0.0 };
        }
        let chosen = tensor(&chosen, &[labels.len(), self.classes], self.dtype, &self.device)?;
        (candle_nn::ops::log_softmax(logits, D::Minus1)? * chosen)?.sum_all()
    }

    /// Gradients of a loss, in network order.
    fn gradients(&self, loss: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        let store = loss.backward()?;
        let gradient = |variable: &Var| match store.get(variable) {
            Some(gradient) => Ok(gradient.clone()),
            None => variable.zeros_like(),
        };
        self.parameters.iter().map(gradient).collect()
    }

    /// One mini-batch of SGD; returns the loss.
    fn step(&mut self, inputs: &Tensor, labels: &[u8], recipe: &Recipe, rate: f64, velocities: &mut [Tensor]) -> candle_core::Result<f64> {
        let mut statistics = Vec::new();
        let logits = self.forward(inputs, Mode::Training(&mut statistics))?;
        let loss = self.loss(&logits, labels, recipe.class_weights.as_deref())?;
        for ((variable, gradient), velocity) in self.parameters.iter().zip(self.gradients(&loss)?).zip(velocities) {
            let gradient = (gradient + (variable.as_tensor() * recipe.weight_decay)?)?;
            *velocity = ((&*velocity * recipe.momentum)? + gradient)?.detach();
            variable.set(&(variable.as_tensor() - (&*velocity * rate)?)?.detach())?;
        }
        let unbiased = labels.len() as f64 / (labels.len() as f64 - 1.0);
        for (layer, (mean, variance)) in statistics.into_iter().enumerate() {
            for (old, new) in [(2 * layer, mean), (2 * layer + 1, (variance * unbiased)?)] {
                self.running[old] = ((&self.running[old] * (1.0 - NORM_MOMENTUM))? + (new * NORM_MOMENTUM)?)?;
            }
        }
        Ok(values(&loss)?[0])
    }

    fn store<T: Real>(&self, network: &mut Network<T>) -> candle_core::Result<()> {
        let spec = network.spec().clone();
        for (spec, variable) in spec.tensors().iter().zip(&self.parameters) {
            let from = values(variable)?;
            network.parameters_mut()[spec.range()]
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = T::from_f64(from));
        }
        for (spec, buffer) in spec.buffer_tensors().iter().zip(&self.running) {
            let from = values(buffer)?;
            network.buffers_mut()[spec.range()]
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = T::from_f64(from));
        }
        Ok(())
    }
}

impl<T: Real> Backend<T> for Candle {
    fn name(&self) -> &'static str {
        "candle"
    }

    fn train(&self, network: &mut Network<T>, examples: &Examples<T>, recipe: &Recipe, progress: &dyn Progress) -> Result<TrainingLog> {
        let batches = Run::prepare(network, examples, recipe)?.batches();
        let mut graph = Graph::new(network, &self.device).map_err(failed)?;
        let mut velocities = Vec::new();
        for variable in &graph.parameters {
            velocities.push(variable.zeros_like().map_err(failed)?);
        }
        let mut epochs = Vec::new();
        for epoch in 0..recipe.epochs {
            let rate = recipe.rate(epoch);
            let mut loss = 0.0;
            for range in (0..batches.count()).map(|index| batches.range(index)) {
                progress.check()?;
                let rows = range.len() as f64;
                let (inputs, labels) = graph.rows(examples, range).map_err(failed)?;
                loss += rows * graph.step(&inputs, &labels, recipe, rate, &mut velocities).map_err(failed)?;
            }
            epochs.push(EpochLog {
                epoch: recipe.first_epoch + epoch,
                learning_rate: rate,
                loss: loss / examples.len() as f64,
            });
        }
        graph.store(network).map_err(failed)?;
        Ok(TrainingLog { epochs })
    }

    fn logits(&self, network: &Network<T>, inputs: &[T]) -> Result<Vec<T>> {
        let width = network.spec().inputs;
        if !inputs.len().is_multiple_of(width) {
            return Err(Error::internal("inputs are no whole number of rows"));
        }
        let run = || {
            let graph = Graph::new(network, &self.device)?;
            let inputs = tensor(inputs, &[inputs.len() / width, width], graph.dtype, &self.device)?;
            values(&graph.forward(&inputs, Mode::Evaluation)?)
        };
        Ok(run().map_err(failed)?.into_iter().map(T::from_f64).collect())
    }

    fn importance(&self, network: &Network<T>, examples: &Examples<T>, kind: ImportanceKind, batch: usize) -> Result<Importance> {
        let batch = if kind == ImportanceKind::PerSampleFisher { 1 } else { batch };
        let batches = checked_batches(network, examples, batch)?;
        let run = || {
            let graph = Graph::new(network, &self.device)?;
            let mut totals = vec![0.0; network.spec().parameters()];
            for range in &batches {
                let (inputs, labels) = graph.rows(examples, range.clone())?;
                let loss = graph.loss(&graph.forward(&inputs, Mode::Evaluation)?, &labels, None)?;
                let mut place = totals.iter_mut();
                for gradient in graph.gradients(&loss)? {
                    for (value, total) in values(&gradient)?.into_iter().zip(&mut place) {
                        *total += value * value / batches.len() as f64;
                    }
                }
            }
            Ok(totals)
        };
        let values = run().map_err(failed)?;
        finite(&values)?;
        Ok(Importance { kind, values })
    }
}
