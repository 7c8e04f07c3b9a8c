//! Losses and steps over a graph.

use std::ops::Range;

use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;

use super::graph::{BatchStatistics, Graph, Loaded, Mode, TensorGraph};
use super::{CandleNetwork, FEW, add, failed, in_units, tensor, values};
use crate::error::{Error, Result};
use crate::learner::{Batch, Rows, Stepper};
use crate::nn::{Real, RowLosses, Sgd};

/// The loss of [`RowLosses`] from logits, rows x classes.
pub(super) fn loss<T: Real>(logits: &Tensor, losses: &RowLosses<T>) -> candle_core::Result<Tensor> {
    let (rows, classes) = logits.dims2()?;
    let weighted = |weights: &dyn Fn(usize, usize) -> f64| {
        let all: Vec<T> = (0..rows * classes)
            .map(|place| T::from_f64(weights(place / classes, place % classes)))
            .collect();
        tensor(&all, &[rows, classes], logits.device())
    };
    let logarithms = log_softmax(logits, D::Minus1)?;
    let chosen = weighted(&|row, class| {
        if class == usize::from(losses.labels[row]) {
            -losses.label_weights[row]
        } else {
            0.0
        }
    })?;
    let mut loss = (&logarithms * chosen)?.sum_all()?;
    if !losses.target_weights.is_empty() {
        let squared = losses.temperature * losses.temperature;
        let target = |row: usize, class: usize| losses.targets[row * classes + class].to_f64();
        let cross = weighted(&|row, class| -losses.target_weights[row] * squared * target(row, class))?;
        let softer = log_softmax(&(logits / losses.temperature)?, D::Minus1)?;
        let own: f64 = (0..rows * classes)
            .map(|place| {
                (
                    losses.target_weights[place / classes] * squared,
                    target(place / classes, place % classes),
                )
            })
            .filter(|(_, target)| *target > 0.0)
            .map(|(weight, target)| weight * target * target.ln())
            .sum();
        loss = (loss + ((softer * cross)?.sum_all()? + own)?)?;
    }
    if !losses.entropy_weights.is_empty() {
        let weights = weighted(&|row, _| -losses.entropy_weights[row])?;
        loss = (loss + ((logarithms.exp()? * &logarithms)? * weights)?.sum_all()?)?;
    }
    Ok(loss)
}

pub(super) struct CandleStepper<'c, T, G = Graph> {
    network: CandleNetwork<T, G>,
    loaded: Loaded,
    velocities: Vec<Tensor>,
    rows: Rows<'c, T>,
    optimiser: Sgd,
    threads: usize,
}

/// Loss, gradients in network order, and the statistics of every batch norm.
type Passed = (Tensor, Vec<Tensor>, Vec<BatchStatistics>);

/// Losses and gradients of some rows after those of others, added up.
fn summed(parts: impl Iterator<Item = Result<Passed>>) -> Result<Passed> {
    let mut parts = parts;
    let first = parts.next().unwrap_or_else(|| Err(Error::internal("gradient step: no rows")));
    let (mut loss, mut gradients, statistics) = first?;
    for part in parts {
        let (other, more, _) = part?;
        loss = (&loss + other).map_err(failed)?;
        add(&mut gradients, &more).map_err(failed)?;
    }
    Ok((loss, gradients, statistics))
}

impl<'c, T: Real, G: TensorGraph> CandleStepper<'c, T, G> {
    pub fn new(network: &CandleNetwork<T, G>, rows: Rows<'c, T>, optimiser: Sgd, threads: usize) -> Result<Self> {
        let loaded = network.load().map_err(failed)?;
        let velocities = loaded.parameters.iter().map(|variable| variable.zeros_like());
        Ok(Self {
            velocities: velocities.collect::<candle_core::Result<_>>().map_err(failed)?,
            loaded,
            network: network.clone(),
            rows,
            optimiser,
            threads,
        })
    }

    fn pass(&self, batch: &Batch<T>) -> Result<Passed> {
        let (count, graph) = (batch.which.len(), &self.network.graph);
        batch.losses.check(count, graph.classes())?;
        if count == 0 || (count == 1 && graph.needs_two_rows()) {
            return Err(Error::internal("gradient step: too few rows for batch norm"));
        }
        if graph.needs_two_rows() {
            return self.part(batch, 0..count, self.threads);
        }
        let units = in_units(count, self.network.unit(), self.threads, |unit| {
            let parts = unit.clone().step_by(FEW);
            summed(parts.map(|start| self.part(batch, start..unit.end.min(start + FEW), 1)))
        })?;
        summed(units.into_iter().map(Ok))
    }

    /// What some rows of a batch add to its loss and gradients.
    fn part(&self, batch: &Batch<T>, rows: Range<usize>, threads: usize) -> Result<Passed> {
        let graph = &self.network.graph;
        let inputs = self.network.inputs(&self.rows, batch.epoch, &batch.which[rows.clone()], threads)?;
        let losses = batch.losses.part(rows, graph.classes());
        let run = || {
            let mut statistics = Vec::new();
            let logits = graph.forward(
                &self.loaded.parameters,
                &self.loaded.running,
                &inputs,
                Mode::Training(&mut statistics),
            )?;
            let loss = loss(&logits, &losses)?;
            let gradients = self.loaded.gradients(&loss)?;
            Ok((loss, gradients, statistics))
        };
        run().map_err(|error| graph.fault(error))
    }

    pub fn gradient(&mut self, batch: &Batch<T>) -> Result<(f64, Vec<T>)> {
        let (loss, gradients, _) = self.pass(batch)?;
        let run = || {
            let mut flat = Vec::with_capacity(self.network.parameters.len());
            for gradient in &gradients {
                flat.extend(values::<T>(gradient)?);
            }
            Ok((values::<f64>(&loss)?[0], flat))
        };
        run().map_err(failed)
    }

    fn descend(&mut self, (_, gradients, statistics): &Passed, rate: f64, rows: usize) -> candle_core::Result<()> {
        let from = self.optimiser.from;
        let moving = self.network.graph.tensors().iter().map(|tensor| tensor.offset >= from);
        let all = self.loaded.parameters.iter().zip(gradients).zip(&mut self.velocities).zip(moving);
        for ((variable, gradient), velocity) in all.filter(|(_, moves)| *moves).map(|(each, _)| each) {
            let gradient = (gradient + (variable.as_tensor() * self.optimiser.weight_decay)?)?;
            *velocity = ((&*velocity * self.optimiser.momentum)? + &gradient)?.detach();
            let way = match self.optimiser.nesterov {
                true => (gradient + (&*velocity * self.optimiser.momentum)?)?,
                false => velocity.clone(),
            };
            variable.set(&(variable.as_tensor() - (way * rate)?)?.detach())?;
        }
        let unbiased = rows as f64 / (rows as f64 - 1.0);
        for found in statistics {
            let momentum = found.momentum;
            for (place, new) in [(found.mean, found.centre.clone()), (found.mean + 1, (&found.variance * unbiased)?)] {
                let old = &self.loaded.running[place];
                self.loaded.running[place] = ((old * (1.0 - momentum))? + (new * momentum)?)?;
            }
        }
        Ok(())
    }
}

impl<T: Real, G: TensorGraph> Stepper<CandleNetwork<T, G>> for CandleStepper<'_, T, G> {
    fn step(&mut self, batch: &Batch<T>, rate: f64) -> Result<f64> {
        let passed = self.pass(batch)?;
        let loss = values::<f64>(&passed.0).map_err(failed)?[0];
        if !loss.is_finite() {
            return Err(Error::input(format!("the steps diverged at learning rate {rate}")).hint("choose a lower learning rate"));
        }
        self.descend(&passed, rate, batch.which.len()).map_err(failed)?;
        Ok(loss)
    }

    fn finish(self: Box<Self>) -> Result<CandleNetwork<T, G>> {
        let mut network = self.network;
        let mut store = || {
            for (spec, variable) in network.graph.tensors().to_vec().iter().zip(&self.loaded.parameters) {
                network.parameters[spec.range()].copy_from_slice(&values::<T>(variable)?);
            }
            for (spec, buffer) in network.graph.buffers().to_vec().iter().zip(&self.loaded.running) {
                network.buffers[spec.range()].copy_from_slice(&values::<T>(buffer)?);
            }
            Ok(())
        };
        store().map_err(failed)?;
        Ok(network)
    }
}
