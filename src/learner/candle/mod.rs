//! Networks of candle's tensors, with its automatic gradients, on its device: any network without a hand-written kernel of ours, such as
//! an imported one.
//!
//! It is slow beside our own engines, and shares no line with them: what both agree on is right. Per-sample importances go row by row.

mod graph;
mod steps;

use std::ops::Range;

use candle_core::{DType, Device, Tensor, Var};
use rayon::prelude::*;

pub use graph::{BatchStatistics, Graph, Mode, Node, Operation, TensorGraph};

use super::plan::train_by_steps;
use super::{Answers, Batch, Classifier, Compute, Plan, Rows, Statistic, Stepper};
use crate::error::{Error, Result};
use crate::nn::{ImportanceKind, Network, OutputSize, Real, RowLosses, Sgd, TensorSpec, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;
use graph::Loaded;
use steps::CandleStepper;

/// Rows between two looks at whether to go on, where only logits are wanted.
const BLOCK: usize = 1024;

/// Rows that one thread takes at a time where a graph treats each row by itself.
const UNIT: usize = 256;

/// Networks of more parameters are not cut into units: a gradient for each would take too much memory, and their products are large enough for
/// candle to share among threads.
const LARGE: usize = 1 << 20;

/// Rows that go through the graph at a time: few, so that one thread keeps them in its cache, and candle shares no operation of theirs among
/// threads of its own. These wait for each other without giving their cores away, so that another busy program makes them many times slower.
const FEW: usize = 128;

/// What `work` gives of every `unit` of a number of rows, in order, on up to `threads` threads. Units are the same for any number of threads.
fn in_units<R: Send>(rows: usize, unit: usize, threads: usize, work: impl Fn(Range<usize>) -> Result<R> + Sync) -> Result<Vec<R>> {
    let unit = unit.clamp(1, rows.max(1));
    let units = rows.div_ceil(unit);
    let workers = threads.clamp(1, units.max(1));
    let share = |worker: usize| {
        let of = |number: usize| (number, work(number * unit..rows.min((number + 1) * unit)));
        (worker..units).step_by(workers).map(of).collect::<Vec<_>>()
    };
    let mut found: Vec<(usize, Result<R>)> = match workers {
        1 => share(0),
        _ => (0..workers).into_par_iter().flat_map_iter(share).collect(),
    };
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, result)| result).collect()
}

/// Adds gradients, tensor by tensor.
fn add(sums: &mut [Tensor], more: &[Tensor]) -> candle_core::Result<()> {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = (&*sum + more)?;
    }
    Ok(())
}

/// A network that candle computes.
#[derive(Debug, Clone)]
pub struct CandleNetwork<T, G = Graph> {
    graph: G,
    parameters: Vec<T>,
    buffers: Vec<T>,
    device: Device,
}

impl<T: PartialEq, G: PartialEq> PartialEq for CandleNetwork<T, G> {
    fn eq(&self, other: &Self) -> bool {
        self.graph == other.graph && self.parameters == other.parameters && self.buffers == other.buffers
    }
}

fn failed(error: candle_core::Error) -> Error {
    Error::internal(format!("candle: {error}"))
}

fn tensor<T: Real>(values: &[T], shape: &[usize], device: &Device) -> candle_core::Result<Tensor> {
    let wide = values.iter().map(|value| value.to_f64());
    match size_of::<T>() {
        4 => Tensor::from_vec(wide.map(|value| value as f32).collect::<Vec<_>>(), shape, device),
        _ => Tensor::from_vec(wide.collect::<Vec<_>>(), shape, device),
    }
}

fn values<T: Real>(tensor: &Tensor) -> candle_core::Result<Vec<T>> {
    let wide = tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    Ok(wide.into_iter().map(T::from_f64).collect())
}

impl<T: Real> CandleNetwork<T> {
    /// The same network as this multilayer perceptron; an ensemble as one wide network ([`Network::dense`]).
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub fn of_mlp(network: &Network<T>) -> Result<Self> {
        let network = network.dense()?;
        Self::new(
            Graph::of_mlp(network.spec()),
            network.parameters().to_vec(),
            network.buffers().to_vec(),
        )
    }
}

impl<T: Real, G: TensorGraph> CandleNetwork<T, G> {
    /// A network of these operations with these parameters and running statistics, in the order of the graph's tensors.
    ///
    /// # Errors
    /// Where the graph cannot be computed or their number is another.
    pub fn new(graph: G, parameters: Vec<T>, buffers: Vec<T>) -> Result<Self> {
        graph.check()?;
        let size = |tensors: &[TensorSpec]| tensors.iter().map(TensorSpec::len).sum::<usize>();
        if parameters.len() != size(graph.tensors()) || buffers.len() != size(graph.buffers()) {
            return Err(Error::input("the graph has another number of parameters than it is given"));
        }
        Ok(Self {
            graph,
            parameters,
            buffers,
            device: Device::Cpu,
        })
    }

    /// What is computed.
    pub fn graph(&self) -> &G {
        &self.graph
    }

    /// Running statistics, in the order of the graph's buffers.
    pub fn buffers(&self) -> &[T] {
        &self.buffers
    }

    fn load(&self) -> candle_core::Result<Loaded> {
        let load = |tensors: &[TensorSpec], from: &[T]| {
            let each = tensors.iter().map(|spec| tensor(&from[spec.range()], &spec.shape, &self.device));
            each.collect::<candle_core::Result<Vec<_>>>()
        };
        let parameters = load(self.graph.tensors(), &self.parameters)?;
        Ok(Loaded {
            parameters: parameters.iter().map(Var::from_tensor).collect::<candle_core::Result<_>>()?,
            running: load(self.graph.buffers(), &self.buffers)?,
        })
    }

    fn inputs(&self, rows: &Rows<T>, epoch: u32, which: &[u32], threads: usize) -> Result<Tensor> {
        let shape: Vec<usize> = [&[which.len()], self.graph.input()].concat();
        tensor(&rows.gathered(epoch, which, threads)?, &shape, &self.device).map_err(failed)
    }

    /// Rows that a thread takes at a time.
    fn unit(&self) -> usize {
        if self.parameters.len() > LARGE { usize::MAX } else { UNIT }
    }

    fn logits_of(&self, loaded: &Loaded, rows: &Rows<T>, epoch: u32, which: &[u32], threads: usize) -> Result<Vec<T>> {
        let found = in_units(which.len(), FEW, threads, |unit| {
            let inputs = self.inputs(rows, epoch, &which[unit], 1)?;
            let logits = self.graph.forward(&loaded.parameters, &loaded.running, &inputs, Mode::Evaluation);
            logits
                .and_then(|logits| values::<T>(&logits))
                .map_err(|error| self.graph.fault(error))
        })?;
        Ok(found.concat())
    }

    /// Gradient of the mean cross entropy of these rows, or of the mean of ||logits||^2, in evaluation mode, in which no row depends on others.
    fn evaluation_gradient(&self, loaded: &Loaded, what: Statistic, rows: &Rows<T>, which: &[u32], threads: usize) -> Result<Vec<f64>> {
        let units = in_units(which.len(), self.unit(), threads, |unit| {
            let mut sums: Option<Vec<Tensor>> = None;
            for few in which[unit].chunks(FEW) {
                let more = self.part_of_gradient(loaded, what, rows, (few, which.len()))?;
                match &mut sums {
                    None => sums = Some(more),
                    Some(sums) => add(sums, &more).map_err(failed)?,
                }
            }
            let mut gradient = Vec::with_capacity(self.parameters.len());
            for part in sums.unwrap_or_default() {
                gradient.extend(values::<f64>(&part).map_err(failed)?);
            }
            Ok(gradient)
        })?;
        let mut units = units.into_iter();
        let mut whole = units.next().unwrap_or_default();
        units.for_each(|unit| whole.iter_mut().zip(unit).for_each(|(whole, part)| *whole += part));
        Ok(whole)
    }

    /// What some rows add to the gradient of the mean over `all`.
    fn part_of_gradient(&self, loaded: &Loaded, what: Statistic, rows: &Rows<T>, (which, all): (&[u32], usize)) -> Result<Vec<Tensor>> {
        let inputs = self.inputs(rows, 0, which, 1)?;
        let labels: Vec<u8> = which.iter().map(|row| rows.labels()[*row as usize]).collect();
        let weights = vec![1.0 / all as f64; which.len()];
        let losses = RowLosses::<T> {
            labels: &labels,
            label_weights: &weights,
            targets: &[],
            target_weights: &[],
            temperature: 1.0,
            entropy_weights: &[],
        };
        let run = || {
            let logits = self.graph.forward(&loaded.parameters, &loaded.running, &inputs, Mode::Evaluation)?;
            let loss = match what {
                Statistic::Importance(_) => steps::loss(&logits, &losses)?,
                Statistic::Sensitivity(OutputSize::SquaredLength) => (logits.sqr()?.sum_all()? / all as f64)?,
                // Logits that are all 0 have no slope, and not one that is no number.
                Statistic::Sensitivity(OutputSize::Length) => ((logits.sqr()?.sum(1)? + 1e-30)?.sqrt()?.sum_all()? / all as f64)?,
            };
            loaded.gradients(&loss)
        };
        run().map_err(|error| self.graph.fault(error))
    }
}

impl<T: Real, G: TensorGraph> Classifier for CandleNetwork<T, G> {
    type Value = T;
    type Checkpoints<'k> = ();

    fn tensors(&self) -> Vec<TensorSpec> {
        self.graph.tensors().to_vec()
    }

    fn parameters(&self) -> &[T] {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    fn classes(&self) -> usize {
        self.graph.classes()
    }

    fn is_finite(&self) -> bool {
        self.parameters.iter().chain(&self.buffers).all(|value| value.is_finite())
    }

    fn same_architecture(&self, other: &Self) -> bool {
        self.graph == other.graph
    }

    fn reinitialised(&self, seed: Seed) -> Result<Self> {
        let (parameters, buffers) = self.graph.initial(seed);
        Ok(Self {
            parameters,
            buffers,
            ..self.clone()
        })
    }

    fn check_rows(&self, rows: &Rows<T>) -> Result<()> {
        let takes: usize = self.graph.input().iter().product();
        if rows.width() != takes {
            return Err(Error::input(format!(
                "the rows have {} values and the network takes {takes}",
                rows.width()
            )));
        }
        match rows.labels().iter().max() {
            Some(label) if usize::from(*label) >= self.graph.classes() => {
                Err(Error::internal(format!("label {label} of {} classes", self.graph.classes())))
            }
            _ => Ok(()),
        }
    }

    fn logits(&self, rows: &Rows<T>, which: Option<&[u32]>, compute: Compute, progress: &dyn Progress) -> Result<Vec<T>> {
        let all: Vec<u32> = if which.is_none() {
            (0..rows.len() as u32).collect()
        } else {
            Vec::new()
        };
        let loaded = self.load().map_err(failed)?;
        let mut logits = Vec::new();
        for block in which.unwrap_or(&all).chunks(BLOCK) {
            progress.check()?;
            logits.extend(self.logits_of(&loaded, rows, 0, block, compute.threads)?);
        }
        Ok(logits)
    }

    fn answers<'c>(&'c self, rows: Rows<'c, T>, compute: Compute<'c>) -> Result<Box<dyn Answers<T> + 'c>> {
        Ok(Box::new(CandleAnswers {
            network: self,
            loaded: self.load().map_err(failed)?,
            rows,
            threads: compute.threads,
        }))
    }

    fn gradient(&self, rows: &Rows<T>, batch: &Batch<T>, compute: Compute) -> Result<(f64, Vec<T>)> {
        let mut stepper = CandleStepper::new(
            self,
            *rows,
            Sgd {
                momentum: 0.0,
                nesterov: false,
                weight_decay: 0.0,
                from: 0,
            },
            compute.threads,
        )?;
        stepper.gradient(batch)
    }

    fn measure(
        &self,
        what: Statistic,
        (rows, which): (&Rows<T>, &[u32]),
        batch: usize,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<Vec<f64>> {
        if which.is_empty() || batch == 0 {
            return Err(Error::input("there are no rows to measure importances on"));
        }
        let batch = if what == Statistic::Importance(ImportanceKind::PerSampleFisher) {
            1
        } else {
            batch
        };
        let loaded = self.load().map_err(failed)?;
        let mut totals = vec![0.0; self.parameters.len()];
        for rows_of in which.chunks(batch) {
            progress.check()?;
            let gradient = self.evaluation_gradient(&loaded, what, rows, rows_of, compute.threads)?;
            for (total, value) in totals.iter_mut().zip(gradient) {
                *total += if matches!(what, Statistic::Sensitivity(_)) {
                    value.abs()
                } else {
                    value * value
                };
            }
        }
        let count = which.len().div_ceil(batch) as f64;
        totals.iter_mut().for_each(|total| *total /= count);
        if totals.iter().any(|total| !total.is_finite()) {
            return Err(
                Error::input("the model's gradients are not finite numbers, so its importances cannot be measured")
                    .hint("train the model again with a lower learning rate"),
            );
        }
        Ok(totals)
    }

    fn train(&self, of: (&Rows<T>, &[u32]), plan: &Plan, (): (), compute: Compute, progress: &dyn Progress) -> Result<(Self, TrainingLog)> {
        train_by_steps(self, of, plan, compute, progress)
    }

    fn stepper<'c>(&'c self, rows: Rows<'c, T>, optimiser: Sgd, compute: Compute<'c>) -> Result<Box<dyn Stepper<Self> + 'c>> {
        Ok(Box::new(CandleStepper::new(self, rows, optimiser, compute.threads)?))
    }
}

struct CandleAnswers<'c, T, G> {
    network: &'c CandleNetwork<T, G>,
    loaded: Loaded,
    rows: Rows<'c, T>,
    threads: usize,
}

impl<T: Real, G: TensorGraph> Answers<T> for CandleAnswers<'_, T, G> {
    fn logits(&mut self, epoch: u32, which: &[u32]) -> Result<Vec<T>> {
        self.network.logits_of(&self.loaded, &self.rows, epoch, which, self.threads)
    }
}
