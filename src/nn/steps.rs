//! Single gradient steps whose loss differs from row to row: what repair methods need that push some rows away from their
//! labels and hold others at a teacher's answers.
//!
//! The pieces are those of training ([`super::chunk`]), in the same order, on the calling thread: a step with equal label
//! weights and no targets gives the same parameters as one of [`super::train()`] on as many rows.

use super::chunk::Chunk;
use super::examples::Examples;
use super::kernels;
use super::network::{LayerPlan, MlpSpec, NORM_EPSILON, NORM_MOMENTUM, Network};
use super::real::Real;
use super::step::norm_parameters;
use super::train::{chunk_count, chunk_range};
use crate::error::{Error, Result};

/// The rows of one step. Its loss is the sum over these rows of
/// `label_weight * -ln p(label) + target_weight * t^2 * KL(target || p at temperature t)`, natural logarithms; p at
/// temperature t is the softmax of the logits divided by t.
#[derive(Debug, Clone, Copy)]
pub struct StepRows<'a, T> {
    /// Which rows of the input matrix, all of which go through batch norm together.
    pub rows: &'a [u32],
    /// Label of each of them.
    pub labels: &'a [u8],
    /// Weight of each row's cross entropy; below 0 the step climbs.
    pub label_weights: &'a [f64],
    /// Soft targets, rows x classes, each row adding up to 1; empty where no row has one.
    pub targets: &'a [T],
    /// Weight of each row's divergence from its target; empty where no row has one.
    pub target_weights: &'a [f64],
    /// Temperature of the divergence.
    pub temperature: f64,
}

/// Takes gradient steps on a network of its own.
#[derive(Debug)]
pub struct Stepper<T> {
    spec: MlpSpec,
    layers: Vec<LayerPlan>,
    network: Network<T>,
    chunks: Vec<Chunk<T>>,
    /// By hidden layer, then chunk: mean and squared deviations, or sums of dy and dy * xhat.
    pairs: Vec<Vec<(Vec<T>, Vec<T>)>>,
    means: Vec<Vec<T>>,
    inverses: Vec<Vec<T>>,
    gradient: Vec<T>,
}

impl<T: Real> Stepper<T> {
    /// Steps will start from this network.
    pub fn new(network: &Network<T>) -> Self {
        let spec = network.spec().clone();
        let per_layer = || spec.hidden.iter().map(|width| vec![T::ZERO; *width]).collect::<Vec<_>>();
        Self {
            layers: spec.layers(),
            network: network.clone(),
            chunks: Vec::new(),
            pairs: spec.hidden.iter().map(|_| Vec::new()).collect(),
            means: per_layer(),
            inverses: per_layer(),
            gradient: vec![T::ZERO; spec.parameters()],
            spec,
        }
    }

    /// The network after the steps so far.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// The same, taken out.
    pub fn into_network(self) -> Network<T> {
        self.network
    }

    /// One step of SGD: parameter = (1 - rate * decay) * parameter - rate * gradient. Batch norm uses these rows' statistics and
    /// updates the running ones, as training does. Returns the loss before the step.
    ///
    /// # Errors
    /// Where the pieces do not fit each other, there are fewer rows than batch norm needs (two), or the loss is not finite.
    pub fn step(&mut self, inputs: &[T], rows: &StepRows<T>, learning_rate: f64, weight_decay: f64) -> Result<f64> {
        let loss = self.backward(inputs, rows)?;
        if !loss.is_finite() {
            return Err(Error::input(format!("the steps diverged at learning rate {learning_rate}")).hint("choose a lower learning rate"));
        }
        let keep = T::from_f64(1.0 - learning_rate * weight_decay);
        let rate = T::from_f64(learning_rate);
        kernels::descend(self.network.parameters_mut(), &[&self.gradient], keep, rate);
        Ok(loss)
    }

    /// Loss and gradient in network order, without a step; the running statistics move all the same.
    ///
    /// # Errors
    /// As [`Stepper::step`].
    pub fn gradient(&mut self, inputs: &[T], rows: &StepRows<T>) -> Result<(f64, &[T])> {
        let loss = self.backward(inputs, rows)?;
        Ok((loss, &self.gradient))
    }

    fn check(&self, inputs: &[T], rows: &StepRows<T>) -> Result<()> {
        let (count, classes) = (rows.rows.len(), self.spec.classes);
        let fault = |what: &str| Err(Error::internal(format!("gradient step: {what}")));
        if count == 0 || (count == 1 && !self.spec.hidden.is_empty()) {
            return fault("too few rows for batch norm");
        }
        if rows.labels.len() != count || rows.label_weights.len() != count {
            return fault("labels or weights not one per row");
        }
        let targets = rows.target_weights.len();
        if !(targets == 0 || targets == count) || rows.targets.len() != targets * classes {
            return fault("targets not one per row and class");
        }
        if rows.labels.iter().any(|label| usize::from(*label) >= classes) {
            return fault("a label beyond the classes");
        }
        let held = inputs.len() / self.spec.inputs;
        if !inputs.len().is_multiple_of(self.spec.inputs) || rows.rows.iter().any(|row| *row as usize >= held) {
            return fault("a row beyond the inputs");
        }
        if !(rows.temperature > 0.0 && rows.temperature.is_finite()) {
            return fault("a temperature that is not above 0");
        }
        Ok(())
    }

    fn backward(&mut self, inputs: &[T], rows: &StepRows<T>) -> Result<f64> {
        self.check(inputs, rows)?;
        let batch = 0..rows.rows.len();
        let count = chunk_count(&batch);
        while self.chunks.len() < count {
            self.chunks.push(Chunk::new(&self.spec));
            for (pairs, width) in self.pairs.iter_mut().zip(&self.spec.hidden) {
                pairs.push((vec![T::ZERO; *width], vec![T::ZERO; *width]));
            }
        }
        let examples = Examples {
            inputs,
            width: self.spec.inputs,
            labels: &[],
            rows: Some(rows.rows),
        };
        for (number, chunk) in self.chunks[..count].iter_mut().enumerate() {
            chunk.load(&examples, chunk_range(&batch, number));
        }
        let hidden = self.spec.hidden.len();
        for layer in 0..hidden {
            self.forward(layer, rows.rows.len(), count);
        }
        let loss = self.turn(rows, count);
        for layer in (0..hidden).rev() {
            self.back_through(layer, rows.rows.len(), count);
        }
        Ok(loss)
    }

    /// z of a hidden layer, the statistics of its rows, and its output.
    fn forward(&mut self, layer: usize, rows: usize, count: usize) {
        let plan = self.layers[layer];
        for (chunk, (first, second)) in self.chunks[..count].iter_mut().zip(&mut self.pairs[layer]) {
            chunk.linear(layer, &plan, &self.network.parameters()[plan.range()][..plan.bias()]);
            chunk.moments(layer, first, second);
        }
        self.join_moments(layer, rows, count);
        let (weights, biases) = norm_parameters(&plan, &self.network.parameters()[plan.range()]);
        for chunk in &mut self.chunks[..count] {
            chunk.normalise(layer, &self.means[layer], &self.inverses[layer], weights, biases);
        }
    }

    /// As in training: chunks joined in their order, running statistics moved, the linear bias a part of the running mean.
    fn join_moments(&mut self, layer: usize, rows: usize, count: usize) {
        let (plan, width) = (self.layers[layer], self.spec.hidden[layer]);
        let start = 2 * self.spec.hidden[..layer].iter().sum::<usize>();
        let bias = self.network.parameters()[plan.range()][plan.bias()..plan.norm_weight()].to_vec();
        let parts = &self.pairs[layer][..count];
        let sizes: Vec<f64> = (0..count).map(|number| chunk_range(&(0..rows), number).len() as f64).collect();
        let rows = rows as f64;
        let (running_mean, running_var) = self.network.buffers_mut()[start..start + 2 * width].split_at_mut(width);
        for feature in 0..width {
            let each = || parts.iter().zip(&sizes);
            let mean = each().map(|(part, size)| part.0[feature].to_f64() * size).sum::<f64>() / rows;
            let off = |value: T| value.to_f64() - mean;
            let squares: f64 = each()
                .map(|(part, size)| part.1[feature].to_f64() + size * off(part.0[feature]) * off(part.0[feature]))
                .sum();
            self.means[layer][feature] = T::from_f64(mean);
            self.inverses[layer][feature] = T::from_f64(1.0 / (squares / rows + NORM_EPSILON).sqrt());
            let blend = |old: T, new: f64| T::from_f64((1.0 - NORM_MOMENTUM) * old.to_f64() + NORM_MOMENTUM * new);
            running_mean[feature] = blend(running_mean[feature], mean + bias[feature].to_f64());
            running_var[feature] = blend(running_var[feature], squares / (rows - 1.0));
        }
    }

    /// The head: loss, its gradient, and the deltas of the layer below.
    fn turn(&mut self, rows: &StepRows<T>, count: usize) -> f64 {
        let layer = self.spec.hidden.len();
        let plan = self.layers[layer];
        let mut loss = 0.0;
        for number in 0..count {
            let chunk = &mut self.chunks[number];
            let (weight, biases) = self.network.parameters()[plan.range()].split_at(plan.bias());
            chunk.head(&plan, weight);
            loss += chunk.row_losses(biases, chunk_range(&(0..rows.rows.len()), number).start, rows);
            let (weight_part, bias_part) = self.gradient[plan.range()].split_at_mut(plan.bias());
            if number == 0 {
                bias_part.fill(T::ZERO);
            }
            chunk.weight_gradient(layer, &plan, keep(number), weight_part);
            chunk.add_head_bias_gradient(bias_part);
            self.deltas_below(layer, number);
        }
        loss
    }

    fn deltas_below(&mut self, layer: usize, number: usize) {
        let Some(below) = layer.checked_sub(1) else { return };
        let (plan, plan_below) = (self.layers[layer], self.layers[below]);
        let parameters = self.network.parameters();
        let chunk = &mut self.chunks[number];
        chunk.input_deltas(layer, &plan, &parameters[plan.range()][..plan.bias()]);
        let (weights, biases) = norm_parameters(&plan_below, &parameters[plan_below.range()]);
        let (first, second) = &mut self.pairs[below][number];
        chunk.mask_and_sum(below, weights, biases, first, second);
        let gradient = &mut self.gradient[plan_below.range()];
        if number == 0 {
            gradient[plan_below.bias()..plan_below.norm_weight()].fill(T::ZERO);
        }
        let (weight_part, bias_part) = gradient[plan_below.norm_weight()..].split_at_mut(plan_below.outputs);
        for (to, from) in [(weight_part, &*second), (bias_part, &*first)] {
            if number == 0 {
                to.copy_from_slice(from);
            } else {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
            }
        }
    }

    /// Back through batch norm and the linear part of a hidden layer.
    fn back_through(&mut self, layer: usize, rows: usize, count: usize) {
        let plan = self.layers[layer];
        let rows = rows as f64;
        let pairs = &self.pairs[layer][..count];
        let mean = |sum: f64| T::from_f64(sum / rows);
        let sums: Vec<T> = (0..plan.outputs)
            .map(|feature| mean(pairs.iter().map(|pair| pair.0[feature].to_f64()).sum()))
            .collect();
        let products: Vec<T> = (0..plan.outputs)
            .map(|feature| mean(pairs.iter().map(|pair| pair.1[feature].to_f64()).sum()))
            .collect();
        let (weights, _) = norm_parameters(&plan, &self.network.parameters()[plan.range()]);
        let factors: Vec<T> = weights
            .iter()
            .zip(&self.inverses[layer])
            .map(|(weight, inverse)| *weight * *inverse)
            .collect();
        for number in 0..count {
            let chunk = &mut self.chunks[number];
            chunk.through_norm(layer, &factors, &sums, &products);
            chunk.weight_gradient(layer, &plan, keep(number), &mut self.gradient[plan.range()][..plan.bias()]);
            self.deltas_below(layer, number);
        }
    }
}

/// The first chunk's gradient overwrites, the others add.
fn keep<T: Real>(number: usize) -> T {
    if number == 0 { T::ZERO } else { T::ONE }
}

/// Softmax of rows of logits (rows x classes, row-major) at a temperature.
///
/// With one-hot rows in mind: computed in double precision, so that a teacher's answer is the same wherever it is asked for.
pub fn softened<T: Real>(logits: &[T], classes: usize, temperature: f64) -> Vec<T> {
    let mut out = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(classes.max(1)) {
        let scaled: Vec<f64> = row.iter().map(|logit| logit.to_f64() / temperature).collect();
        out.extend(softmax(&scaled).0.into_iter().map(T::from_f64));
    }
    out
}

/// Probabilities and the logarithm of the sum of exponentials.
fn softmax(logits: &[f64]) -> (Vec<f64>, f64) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let values: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let total: f64 = values.iter().sum();
    (values.iter().map(|value| value / total).collect(), largest + total.ln())
}

/// Adds a row's `label_weight * -ln p(label) + target_weight * t^2 * KL(target || p at temperature t)` to `loss` and writes
/// d loss / d logit into `deltas`.
pub(super) fn row_loss<T: Real>(
    logits: &[f64],
    (label, label_weight): (u8, f64),
    (targets, target_weight, temperature): (&[T], f64, f64),
    deltas: &mut [f64],
    loss: &mut f64,
) {
    deltas.fill(0.0);
    if label_weight != 0.0 {
        let label = usize::from(label);
        let (shares, logarithm) = softmax(logits);
        *loss += label_weight * (logarithm - logits[label]);
        for (class, (delta, share)) in deltas.iter_mut().zip(&shares).enumerate() {
            *delta += label_weight * (share - f64::from(u8::from(class == label)));
        }
    }
    if target_weight != 0.0 {
        let scaled: Vec<f64> = logits.iter().map(|logit| logit / temperature).collect();
        let (shares, logarithm) = softmax(&scaled);
        for (class, target) in targets.iter().enumerate() {
            let target = target.to_f64();
            if target > 0.0 {
                *loss += target_weight * temperature * temperature * target * (target.ln() - (scaled[class] - logarithm));
            }
            deltas[class] += target_weight * temperature * (shares[class] - target);
        }
    }
}

impl<T: Real> Chunk<T> {
    /// Loss of these rows, the first of which is row `start` of the step; the logits become d loss / d logit.
    fn row_losses(&mut self, biases: &[T], start: usize, rows: &StepRows<T>) -> f64 {
        let classes = biases.len();
        let mut loss = 0.0;
        let mut logits = vec![0.0; classes];
        let mut deltas = vec![0.0; classes];
        for place in 0..self.rows {
            let row = start + place;
            for (class, logit) in logits.iter_mut().enumerate() {
                *logit = (self.value(place, class) + biases[class]).to_f64();
            }
            let target_weight = rows.target_weights.get(row).copied().unwrap_or(0.0);
            let targets = if target_weight == 0.0 {
                &[]
            } else {
                &rows.targets[row * classes..][..classes]
            };
            let label = (rows.labels[row], rows.label_weights[row]);
            row_loss(&logits, label, (targets, target_weight, rows.temperature), &mut deltas, &mut loss);
            for (class, delta) in deltas.iter().enumerate() {
                self.set_value(place, class, T::from_f64(*delta));
            }
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Recipe, train};
    use crate::progress::Silent;
    use crate::seed::Seed;
    use rand::Rng;

    const CLASSES: usize = 3;

    fn data(rows: usize, width: usize) -> (Vec<f64>, Vec<u8>) {
        let mut rng = Seed(5).stream("steps-test", 0);
        let inputs = (0..rows * width).map(|_| rng.random_range(-1.0..1.0)).collect();
        let labels = (0..rows).map(|_| rng.random_range(0..CLASSES as u8)).collect();
        (inputs, labels)
    }

    fn network(width: usize, hidden: &[usize]) -> Network<f64> {
        Network::initial(&MlpSpec::new(width, hidden.to_vec(), CLASSES).unwrap(), Seed(1)).unwrap()
    }

    #[test]
    fn steps_on_labels_alone_are_those_of_training() {
        for hidden in [&[7, 5][..], &[][..]] {
            let (inputs, labels) = data(1_300, 6);
            let start = network(6, hidden);
            let recipe = Recipe {
                epochs: 1,
                batch: 700,
                learning_rate: 0.3,
                weight_decay: 0.01,
                ..Recipe::default()
            };
            let mut trained = start.clone();
            train(&mut trained, &Examples::all(&inputs, 6, &labels), &recipe, 2, &Silent::default()).unwrap();
            let mut stepper = Stepper::new(&start);
            for rows in [(0..700).collect::<Vec<u32>>(), (700..1_300).collect()] {
                let batch = StepRows {
                    labels: &rows.iter().map(|row| labels[*row as usize]).collect::<Vec<_>>(),
                    label_weights: &vec![1.0 / rows.len() as f64; rows.len()],
                    targets: &[],
                    target_weights: &[],
                    temperature: 1.0,
                    rows: &rows,
                };
                stepper.step(&inputs, &batch, 0.3, 0.01).unwrap();
            }
            for (mine, theirs) in stepper.network().parameters().iter().zip(trained.parameters()) {
                assert!((mine - theirs).abs() < 1e-13, "{mine} {theirs}");
            }
            for (mine, theirs) in stepper.network().buffers().iter().zip(trained.buffers()) {
                assert!((mine - theirs).abs() < 1e-13, "{mine} {theirs}");
            }
        }
    }

    #[test]
    fn gradients_of_mixed_losses_agree_with_finite_differences() {
        let (inputs, labels) = data(40, 4);
        let start = network(4, &[6, 5]);
        let rows: Vec<u32> = (0..40).rev().collect();
        let mut rng = Seed(9).stream("steps-targets", 0);
        let logits: Vec<f64> = (0..40 * CLASSES).map(|_| rng.random_range(-2.0..2.0)).collect();
        for temperature in [1.0, 4.0] {
            let targets = softened(&logits, CLASSES, temperature);
            let batch = StepRows {
                rows: &rows,
                labels: &rows.iter().map(|row| labels[*row as usize]).collect::<Vec<_>>(),
                label_weights: &(0..40).map(|row| [0.03, -0.02, 0.0][row % 3]).collect::<Vec<_>>(),
                targets: &targets,
                target_weights: &(0..40).map(|row| [0.01, 0.0, -0.04, 0.02][row % 4]).collect::<Vec<_>>(),
                temperature,
            };
            let (_, gradient) = {
                let mut stepper = Stepper::new(&start);
                let (loss, gradient) = stepper.gradient(&inputs, &batch).unwrap();
                (loss, gradient.to_vec())
            };
            let loss_at = |index: usize, change: f64| {
                let mut moved = start.clone();
                moved.parameters_mut()[index] += change;
                Stepper::new(&moved).gradient(&inputs, &batch).unwrap().0
            };
            for (index, found) in gradient.iter().enumerate() {
                let expected = (loss_at(index, 1e-6) - loss_at(index, -1e-6)) / 2e-6;
                assert!((found - expected).abs() < 1e-7, "parameter {index}: {found} and {expected}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (inputs, _) = data(4, 4);
        let whole = StepRows {
            rows: &[0, 1],
            labels: &[0, 1],
            label_weights: &[0.5, 0.5],
            targets: &[],
            target_weights: &[],
            temperature: 1.0,
        };
        let mut stepper = Stepper::new(&network(4, &[3]));
        stepper.step(&inputs, &whole, 0.1, 0.0).unwrap();
        for wrong in [
            StepRows {
                rows: &[0],
                labels: &[0],
                label_weights: &[1.0],
                ..whole
            },
            StepRows { rows: &[0, 9], ..whole },
            StepRows { labels: &[0, 3], ..whole },
            StepRows {
                target_weights: &[1.0, 1.0],
                ..whole
            },
            StepRows { temperature: 0.0, ..whole },
        ] {
            assert!(stepper.step(&inputs, &wrong, 0.1, 0.0).is_err());
        }
    }
}
