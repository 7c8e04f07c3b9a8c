//! Some images of a batch on their way forward and backward through the steps of a network, on one thread.

use super::convolution::{self, Scratch};
use super::kernels;
use super::plan::{Operation, Plan, Step, Weights};
use super::pool::{self, Pool};
use super::tokens::{self, Triple};
use super::winograd::{self, Grid, Kernels};
use crate::nn::kernels::{Matrix, multiply};
use crate::nn::network::NORM_EPSILON;
use crate::nn::real::Real;

/// What a batch norm normalises with.
#[derive(Debug, Clone, Default)]
pub(super) struct NormValues<T> {
    pub means: Vec<T>,
    /// 1 / sqrt(variance + epsilon).
    pub inverses: Vec<T>,
}

impl<T: Real> NormValues<T> {
    /// From means and (biased) variances.
    pub fn new(means: impl Iterator<Item = f64>, variances: impl Iterator<Item = f64>) -> Self {
        Self {
            means: means.map(T::from_f64).collect(),
            inverses: variances
                .map(|variance| T::from_f64(1.0 / (variance + NORM_EPSILON).sqrt()))
                .collect(),
        }
    }
}

/// The images, the values of every slot, and the deltas (d loss / d value) of those in the backward pass.
#[derive(Debug)]
pub(super) struct Part<T> {
    pub images: usize,
    pub values: Vec<Vec<T>>,
    deltas: Vec<Option<Vec<T>>>,
    /// Buffers to use again.
    spare: Vec<Vec<T>>,
}

/// A buffer that holds `len` values of no meaning.
fn take<T: Real>(spare: &mut Vec<Vec<T>>, len: usize) -> Vec<T> {
    let fitting = spare.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
    let best = fitting.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
    let mut buffer = best.map_or_else(Vec::new, |index| spare.swap_remove(index));
    buffer.resize(len, T::ZERO);
    buffer
}

impl<T: Real> Part<T> {
    /// Room for images of a network.
    pub fn new(plan: &Plan) -> Self {
        Self {
            images: 0,
            values: vec![Vec::new(); plan.shapes.len()],
            deltas: vec![None; plan.shapes.len()],
            spare: Vec::new(),
        }
    }

    /// Takes in images, normalised values, image after image.
    pub fn load(&mut self, plan: &Plan, images: &[T]) {
        self.images = images.len() / plan.shapes[0].len();
        self.values[0].clear();
        self.values[0].extend_from_slice(images);
    }

    /// A buffer that holds `len` values of no meaning.
    pub fn buffer(&mut self, len: usize) -> Vec<T> {
        take(&mut self.spare, len)
    }

    /// Takes back a buffer to use again.
    pub fn keep(&mut self, buffer: Vec<T>) {
        self.spare.push(buffer);
    }

    /// What the last step made: images x classes.
    pub fn logits(&self) -> &[T] {
        self.values.last().map_or(&[], Vec::as_slice)
    }

    /// Mean and sum of squared deviations per channel of what a step reads.
    pub fn moments(&self, plan: &Plan, step: &Step, moments: &mut [(f64, f64)]) {
        kernels::plane_moments(&self.values[step.input], plan.shapes[step.input].plane(), moments);
    }

    /// Values per channel of what a step reads.
    pub fn count(&self, plan: &Plan, step: &Step) -> usize {
        self.images * plan.shapes[step.input].plane()
    }

    /// One step. `norm` is needed by batch norms.
    pub fn forward(
        &mut self,
        plan: &Plan,
        index: usize,
        parameters: &[T],
        norm: &NormValues<T>,
        transformed: &Kernels<T>,
        scratch: &mut Scratch<T>,
    ) {
        let step = &plan.steps[index];
        let (shape, out_shape) = (plan.shapes[step.input], plan.shapes[index + 1]);
        let (before, after) = self.values.split_at_mut(index + 1);
        let (input, out) = (&before[step.input], &mut after[0]);
        out.resize(self.images * out_shape.len(), T::ZERO);
        let values = |weights: &Weights| (&parameters[weights.weight.clone()], &parameters[weights.bias.clone()]);
        match &step.operation {
            Operation::Conv(geometry, weights) => {
                let (weights, biases) = values(weights);
                let Some(grid) = Grid::of(geometry, self.images) else {
                    return convolution::forward(geometry, input, weights, biases, out, scratch);
                };
                transformed.with(index, &grid, weights, |kernel| {
                    winograd::forward(&grid, input, kernel, out, &mut scratch.tiles);
                });
                if !biases.is_empty() {
                    kernels::add_to_planes(out, out_shape.plane(), biases);
                }
            }
            Operation::Norm { weights, activation, .. } => {
                let (weights, biases) = values(weights);
                kernels::normalise_planes(
                    out,
                    input,
                    shape.plane(),
                    &norm.means,
                    &norm.inverses,
                    weights,
                    biases,
                    activation.to(),
                );
            }
            Operation::Activation(activation) => {
                out.copy_from_slice(input);
                kernels::activate(out, activation.to());
            }
            Operation::MaxPool { size, stride } => Pool::windows(shape, out_shape, *size, *stride).max(input, out),
            Operation::GlobalAverage => pool::average(input, shape.plane(), out),
            Operation::GlobalMax => Pool::whole(shape).max(input, out),
            Operation::Linear { weights, inputs } => {
                let (weights, biases) = values(weights);
                let (rows, outputs) = (input.len() / inputs, weights.len() / inputs);
                let left = Matrix::row_major(input, rows, *inputs);
                let right = Matrix::row_major(weights, outputs, *inputs).transposed();
                multiply(out, (outputs, 1), T::ZERO, left, right);
                if !biases.is_empty() {
                    kernels::add_to_planes(out, 1, biases);
                }
            }
            Operation::Tokens { class, positions } => {
                let (class, positions) = (&parameters[class.clone()], &parameters[positions.clone()]);
                tokens::embed(input, (shape.channels, shape.plane()), class, positions, out);
            }
            Operation::LayerNorm { weights, epsilon } => {
                let (weights, biases) = values(weights);
                tokens::layer_norm(out, input, weights, biases, *epsilon);
            }
            Operation::Attention { sizes, key, value } => {
                tokens::attend(input, &before[*key], &before[*value], *sizes, out, &mut scratch.tokens);
            }
            Operation::Gelu => tokens::gelu(out, input),
            Operation::ClassToken => tokens::first(input, (shape.channels, shape.width), out),
            Operation::Add { other, activation } => {
                out.copy_from_slice(input);
                kernels::add_into(out, &before[*other]);
                kernels::activate(out, activation.to());
            }
        }
    }

    /// Starts the backward pass: d loss / d logit, images x classes.
    pub fn set_logit_deltas(&mut self, fill: impl FnOnce(&[T], &mut [T])) {
        for delta in &mut self.deltas {
            self.spare.extend(delta.take());
        }
        if let (Some(logits), Some(place)) = (self.values.last(), self.deltas.last_mut()) {
            let mut deltas = take(&mut self.spare, logits.len());
            fill(logits, &mut deltas);
            *place = Some(deltas);
        }
    }

    /// The first half of a batch norm's backward pass: through what follows it; adds the sums of dy and dy * xhat per channel.
    pub fn norm_sums(&mut self, plan: &Plan, index: usize, norm: &NormValues<T>, sums: &mut [(T, T)]) {
        let step = &plan.steps[index];
        if let (Operation::Norm { activation, .. }, Some(deltas)) = (&step.operation, &mut self.deltas[index + 1]) {
            kernels::through_activation(deltas, &self.values[index + 1], activation.to());
            let plane = plan.shapes[step.input].plane();
            kernels::norm_sums(deltas, &self.values[step.input], plane, &norm.means, &norm.inverses, sums);
        }
    }

    /// The second half; with `shares` (means of dy and dy * xhat over the whole batch) that of training, else of evaluation.
    pub fn norm_backward(&mut self, plan: &Plan, index: usize, norm: &NormValues<T>, weights: &[T], shares: Option<&[(T, T)]>) {
        let step = &plan.steps[index];
        let Some(mut deltas) = self.deltas[index + 1].take() else { return };
        let plane = plan.shapes[step.input].plane();
        let factors: Vec<T> = weights
            .iter()
            .zip(&norm.inverses)
            .map(|(weight, inverse)| *weight * *inverse)
            .collect();
        match shares {
            Some(shares) => {
                let values = &self.values[step.input];
                kernels::through_batch_norm(&mut deltas, values, plane, &norm.means, &norm.inverses, &factors, shares);
            }
            None => kernels::scale_planes(&mut deltas, plane, &factors),
        }
        self.give(step.input, deltas);
    }

    /// Backward pass of any other step; adds to `gradient`, which is that of the whole flat vector.
    pub fn backward(
        &mut self,
        plan: &Plan,
        index: usize,
        parameters: &[T],
        gradient: &mut [T],
        transformed: &Kernels<T>,
        scratch: &mut Scratch<T>,
    ) {
        let step = &plan.steps[index];
        let (shape, out_shape) = (plan.shapes[step.input], plan.shapes[index + 1]);
        let Some(mut deltas) = self.deltas[index + 1].take() else { return };
        let input = &self.values[step.input];
        // Nobody asks for the gradient of the images.
        let wanted = if step.input == 0 { 0 } else { self.images * shape.len() };
        match &step.operation {
            Operation::Conv(geometry, weights) => {
                let mut into = take(&mut self.spare, wanted);
                let gradients = both(gradient, weights);
                let weights = &parameters[weights.weight.clone()];
                match Grid::of(geometry, self.images) {
                    Some(grid) => {
                        transformed.with(index, &grid, weights, |kernel| {
                            winograd::backward(&grid, input, &deltas, kernel, gradients.0, &mut into, &mut scratch.tiles);
                        });
                        if !gradients.1.is_empty() {
                            kernels::add_plane_sums(&deltas, out_shape.plane(), gradients.1);
                        }
                    }
                    None => convolution::backward(geometry, input, &deltas, weights, gradients, &mut into, scratch),
                }
                self.spare.push(deltas);
                self.give(step.input, into);
            }
            Operation::Norm { .. } => {}
            Operation::Activation(activation) => {
                kernels::through_activation(&mut deltas, &self.values[index + 1], activation.to());
                self.give(step.input, deltas);
            }
            Operation::MaxPool { .. } | Operation::GlobalMax | Operation::GlobalAverage => {
                let mut into = take(&mut self.spare, self.images * shape.len());
                match &step.operation {
                    Operation::MaxPool { size, stride } => {
                        Pool::windows(shape, out_shape, *size, *stride).max_backward(input, &deltas, &mut into);
                    }
                    Operation::GlobalMax => Pool::whole(shape).max_backward(input, &deltas, &mut into),
                    _ => pool::average_backward(&deltas, shape.plane(), &mut into),
                }
                self.spare.push(deltas);
                self.give(step.input, into);
            }
            Operation::Linear { weights, inputs } => {
                let (weight_gradient, bias_gradient) = both(gradient, weights);
                let (rows, outputs) = (input.len() / inputs, weights.weight.len() / inputs);
                let (left, right) = (Matrix::row_major(&deltas, rows, outputs), Matrix::row_major(input, rows, *inputs));
                multiply(weight_gradient, (*inputs, 1), T::ONE, left.transposed(), right);
                if !bias_gradient.is_empty() {
                    kernels::add_plane_sums(&deltas, 1, bias_gradient);
                }
                let mut into = take(&mut self.spare, wanted);
                if wanted > 0 {
                    let weights = Matrix::row_major(&parameters[weights.weight.clone()], outputs, *inputs);
                    multiply(&mut into, (*inputs, 1), T::ZERO, left, weights);
                }
                self.spare.push(deltas);
                self.give(step.input, into);
            }
            Operation::Gelu => {
                tokens::through_gelu(&mut deltas, input);
                self.give(step.input, deltas);
            }
            Operation::Tokens { .. } | Operation::LayerNorm { .. } | Operation::Attention { .. } | Operation::ClassToken => {
                self.tokens_backward(plan, index, parameters, gradient, &deltas, scratch);
                self.spare.push(deltas);
            }
            Operation::Add { other, activation } => {
                kernels::through_activation(&mut deltas, &self.values[index + 1], activation.to());
                let mut copy = take(&mut self.spare, deltas.len());
                copy.copy_from_slice(&deltas);
                self.give(*other, copy);
                self.give(step.input, deltas);
            }
        }
    }

    /// Backward pass of what only a sequence of tokens has.
    fn tokens_backward(&mut self, plan: &Plan, index: usize, parameters: &[T], gradient: &mut [T], deltas: &[T], scratch: &mut Scratch<T>) {
        let step = &plan.steps[index];
        let shape = plan.shapes[step.input];
        let len = self.images * shape.len();
        let mut into = take(&mut self.spare, len);
        let input = &self.values[step.input];
        match &step.operation {
            Operation::Tokens { class, positions } => {
                let own = &mut gradient[class.start..positions.end];
                let (class, positions) = own.split_at_mut(class.len());
                tokens::embed_backward(deltas, (shape.channels, shape.plane()), class, positions, &mut into);
            }
            Operation::LayerNorm { weights, epsilon } => {
                let (weight_gradient, bias_gradient) = both(gradient, weights);
                let weights = &parameters[weights.weight.clone()];
                tokens::layer_norm_backward(&mut into, input, deltas, weights, *epsilon, weight_gradient, bias_gradient);
            }
            Operation::Attention { sizes, key, value } => {
                let mut triple = Triple {
                    query: into,
                    key: take(&mut self.spare, len),
                    value: take(&mut self.spare, len),
                };
                let read = Triple {
                    query: input.as_slice(),
                    key: self.values[*key].as_slice(),
                    value: self.values[*value].as_slice(),
                };
                tokens::attend_backward(&read, deltas, *sizes, &mut triple, &mut scratch.tokens);
                self.give(*key, triple.key);
                self.give(*value, triple.value);
                into = triple.query;
            }
            _ => tokens::first_backward(deltas, (shape.channels, shape.width), &mut into),
        }
        self.give(step.input, into);
    }

    /// Hands deltas to the step that made slot `slot`; where several steps read it, theirs add up.
    fn give(&mut self, slot: usize, deltas: Vec<T>) {
        match &mut self.deltas[slot] {
            _ if slot == 0 => self.spare.push(deltas),
            Some(sum) => {
                kernels::add_into(sum, &deltas);
                self.spare.push(deltas);
            }
            place => *place = Some(deltas),
        }
    }
}

/// The parts of a gradient that belong to a layer's weight and bias.
pub(super) fn both<'a, T>(gradient: &'a mut [T], weights: &Weights) -> (&'a mut [T], &'a mut [T]) {
    let own = &mut gradient[weights.weight.start..weights.bias.end];
    own.split_at_mut(weights.weight.len())
}
