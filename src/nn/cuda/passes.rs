//! The passes of a lockstep: what is launched for a training, in which order.

use std::ops::Range;

use super::super::recipe::Recipe;
use super::super::train::Batches;
use super::accelerator::{Accelerator, Argument, Matrices, Memory, Shape, blas_call};
use super::lockstep::{Lockstep, Rows};
use crate::error::{Error, Result};
use crate::progress::Progress;

impl<D: Accelerator> Lockstep<'_, D> {
    /// Trains all models, as [`super::super::train()`] trains each: on the same rows, or each on its list. `class_weights` holds each
    /// model's (models x classes). Returns each model's mean loss over the last epoch.
    ///
    /// # Errors
    /// Where the recipe cannot be used, a model diverges (the error says which), the person asks to stop, or the device fails.
    pub fn train(&mut self, rows: Rows, recipe: &Recipe, class_weights: Option<&[f64]>, progress: &dyn Progress) -> Result<Vec<f64>> {
        recipe.check(&self.spec)?;
        let hidden = !self.spec.hidden.is_empty();
        let count = self.rows(rows);
        if recipe.standard.is_some()
            || recipe.momentum > 0.0
            || recipe.batch >= self.capacity
            || count < if hidden { 2 } else { 1 }
            || rows == Rows::Test
        {
            return Err(Error::internal("a recipe or rows that lockstep cannot train with"));
        }
        let weights = match class_weights {
            Some(weights) if weights.len() != self.models * self.spec.classes => return Err(Error::internal("class weights of lockstep")),
            Some(weights) => {
                self.write_doubles(self.class_weights, weights)?;
                self.class_weights
            }
            None => Memory::NONE,
        };
        let batches = Batches::for_training(count, recipe.batch, hidden);
        let mut means = vec![0.0; self.models];
        for epoch in 0..recipe.epochs {
            self.device.clear(self.losses)?;
            let rate = recipe.rate(epoch);
            for index in 0..batches.count() {
                progress.check()?;
                self.step(rows, &batches.range(index), rate, recipe.weight_decay, weights)?;
            }
            means = self.read_doubles(self.losses, self.models)?;
            means.iter_mut().for_each(|loss| *loss /= count as f64);
            if let Some(model) = means.iter().position(|loss| !loss.is_finite()) {
                return Err(Error::input(format!(
                    "training diverged in epoch {} at learning rate {rate} (model {} of {} in lockstep)",
                    recipe.first_epoch + epoch + 1,
                    model + 1,
                    self.models
                ))
                .hint("lower `--learning-rate`, for example to a tenth"));
            }
        }
        Ok(means)
    }

    /// One mini-batch of all models: forward, backward, update.
    fn step(&mut self, rows: Rows, batch: &Range<usize>, rate: f64, decay: f64, weights: Memory) -> Result<()> {
        let count = batch.len();
        let inputs = self.first_inputs(rows, batch.start, count)?;
        for layer in 0..self.normals.len() {
            self.linear(layer, inputs, count)?;
            self.norm_forward(layer, count)?;
        }
        self.linear(self.normals.len(), inputs, count)?;
        self.cross_entropy(rows, batch, weights, false, true)?;
        let (keep, rate) = ((1.0 - rate * decay) as f32, rate as f32);
        self.bias_step(count, keep, rate)?;
        for layer in (0..self.layers.len()).rev() {
            let below = if layer > 0 { Some(self.deltas[layer % 2]) } else { None };
            if let Some(below) = below {
                self.input_deltas(layer, below, count)?;
            }
            self.weight_step(layer, inputs, count, keep, rate)?;
            if layer > 0 {
                self.norm_backward(layer - 1, count, keep, rate)?;
            }
        }
        Ok(())
    }

    /// The rows of a batch as inputs of the first layer: shared by all models, or gathered for each.
    pub(super) fn first_inputs(&mut self, rows: Rows, start: usize, count: usize) -> Result<Matrices> {
        let width = self.spec.inputs;
        let shared = match rows {
            Rows::Training => self.training,
            Rows::Test => self.test,
            Rows::Listed => {
                let arguments = [
                    self.gathered.into(),
                    self.training.into(),
                    self.order.into(),
                    self.listed.into(),
                    start.into(),
                    count.into(),
                    self.capacity.into(),
                    width.into(),
                ];
                self.device.launch("gather", Shape::line(count * width, self.models), &arguments)?;
                return Ok(Matrices::new(self.gathered, count, width, self.capacity * width));
            }
        };
        Ok(Matrices::new(shared.from(start * width), count, width, 0))
    }

    pub(super) fn inputs_of(&self, layer: usize, first: Matrices, count: usize) -> Matrices {
        match layer.checked_sub(1) {
            None => first,
            Some(below) => self.activations(self.outputs[below], count, self.layers[layer].inputs),
        }
    }

    /// Rows of a batch in a buffer of activations.
    pub(super) fn activations(&self, memory: Memory, count: usize, width: usize) -> Matrices {
        Matrices::new(memory, count, width, self.capacity * width)
    }

    fn weights(&self, layer: usize) -> Matrices {
        let plan = &self.layers[layer];
        Matrices::new(self.values.from(plan.offset), plan.outputs, plan.inputs, self.parameters)
    }

    /// Deltas of a layer's outputs.
    pub(super) fn deltas_of(&self, layer: usize, count: usize) -> Matrices {
        let plan = &self.layers[layer];
        let memory = if plan.hidden { self.deltas[(layer + 1) % 2] } else { self.logits };
        self.activations(memory, count, plan.outputs)
    }

    /// z = a W^T of a hidden layer, or logits without bias.
    pub(super) fn linear(&mut self, layer: usize, first: Matrices, count: usize) -> Result<()> {
        let plan = &self.layers[layer];
        let memory = if plan.hidden { self.normals[layer] } else { self.logits };
        let out = self.activations(memory, count, plan.outputs);
        let call = blas_call(
            out,
            self.inputs_of(layer, first, count),
            self.weights(layer).transposed(),
            1.0,
            0.0,
            self.models,
        )?;
        self.device.multiply(&call)
    }

    /// d loss / d a for the inputs of a layer above the first.
    pub(super) fn input_deltas(&mut self, layer: usize, below: Memory, count: usize) -> Result<()> {
        let out = self.activations(below, count, self.layers[layer].inputs);
        let call = blas_call(out, self.deltas_of(layer, count), self.weights(layer), 1.0, 0.0, self.models)?;
        self.device.multiply(&call)
    }

    /// W = keep W - rate deltas^T inputs.
    fn weight_step(&mut self, layer: usize, first: Matrices, count: usize, keep: f32, rate: f32) -> Result<()> {
        let deltas = self.deltas_of(layer, count).transposed();
        let inputs = self.inputs_of(layer, first, count);
        let call = blas_call(self.weights(layer), deltas, inputs, -rate, keep, self.models)?;
        self.device.multiply(&call)
    }

    /// The arguments that name a layer's parameters from its linear bias on.
    pub(super) fn layer_arguments(&self, layer: usize) -> [Argument; 3] {
        let plan = &self.layers[layer];
        [self.values.into(), self.parameters.into(), (plan.offset + plan.bias()).into()]
    }

    /// The arguments that name a hidden layer's running statistics.
    pub(super) fn running_arguments(&self, layer: usize) -> [Argument; 3] {
        let start = 2 * self.spec.hidden[..layer].iter().sum::<usize>();
        [self.running.into(), self.buffers.into(), start.into()]
    }

    /// The arguments that name the rows of a batch.
    pub(super) fn size_arguments(&self, layer: usize, count: usize) -> [Argument; 3] {
        [count.into(), self.capacity.into(), self.layers[layer].outputs.into()]
    }

    fn norm_forward(&mut self, layer: usize, count: usize) -> Result<()> {
        let mut arguments = vec![self.normals[layer].into(), self.outputs[layer].into()];
        arguments.extend(self.layer_arguments(layer));
        arguments.extend(self.running_arguments(layer));
        arguments.push(self.inverses[layer].into());
        arguments.extend(self.size_arguments(layer, count));
        self.device
            .launch("norm_forward", Shape::tile(self.layers[layer].outputs, self.models), &arguments)
    }

    fn norm_backward(&mut self, layer: usize, count: usize, keep: f32, rate: f32) -> Result<()> {
        let mut arguments = vec![self.deltas_of(layer, count).memory.into(), self.normals[layer].into()];
        arguments.extend(self.layer_arguments(layer));
        arguments.push(self.inverses[layer].into());
        arguments.extend(self.size_arguments(layer, count));
        arguments.extend([Argument::from(keep), Argument::from(rate)]);
        self.device
            .launch("norm_backward", Shape::tile(self.layers[layer].outputs, self.models), &arguments)
    }

    fn bias_step(&mut self, count: usize, keep: f32, rate: f32) -> Result<()> {
        let head = self.layers.len() - 1;
        let mut arguments = vec![self.logits.into()];
        arguments.extend(self.layer_arguments(head));
        arguments.extend(self.size_arguments(head, count));
        arguments.extend([Argument::from(keep), Argument::from(rate)]);
        self.device
            .launch("bias_step", Shape::tile(self.spec.classes, self.models), &arguments)
    }

    /// Logits become d loss / d logit; see the kernel.
    pub(super) fn cross_entropy(
        &mut self,
        rows: Rows,
        batch: &Range<usize>,
        class_weights: Memory,
        leave_out: bool,
        average: bool,
    ) -> Result<()> {
        let head = self.layers.len() - 1;
        let order = if rows == Rows::Listed { self.order } else { Memory::NONE };
        let left_out = if leave_out { self.left_out } else { Memory::NONE };
        let mut arguments = vec![self.logits.into()];
        arguments.extend(self.layer_arguments(head));
        arguments.extend([
            Argument::from(self.labels),
            Argument::from(self.training_rows),
            Argument::from(order),
            Argument::from(self.listed),
        ]);
        arguments.extend([Argument::from(left_out), Argument::from(class_weights), Argument::from(batch.start)]);
        arguments.extend(self.size_arguments(head, batch.len()));
        arguments.extend([Argument::from(average), Argument::from(self.losses), Argument::from(self.counts)]);
        self.device.launch("cross_entropy", Shape::block(self.models), &arguments)
    }
}
