//! Single gradient steps whose loss differs from row to row: what repair methods need that push some rows away from their
//! labels and hold others at a teacher's answers.
//!
//! The pieces are those of training ([`super::chunk`]), in the same order, on the calling thread: a step with equal label
//! weights and no targets gives the same parameters as one of [`super::train()`] on as many rows.

use std::ops::Range;

use super::chunk::Chunk;
use super::examples::Examples;
use super::kernels;
use super::network::{LayerPlan, MlpSpec, NORM_EPSILON, NORM_MOMENTUM, Network};
use super::real::Real;
use super::step::norm_parameters;
use super::train::{chunk_count, chunk_range};
use crate::error::{Error, Result};

/// The loss of some rows: the sum over them of
/// `label_weight * -ln p(label) + target_weight * t^2 * KL(target || p at temperature t) + entropy_weight * H(p)`, natural logarithms;
/// p at temperature t is the softmax of the logits divided by t, and H(p) = -sum of p ln p.
#[derive(Debug, Clone, Copy)]
pub struct RowLosses<'a, T> {
    /// Label of each row.
    pub labels: &'a [u8],
    /// Weight of each row's cross entropy; below 0 a step climbs.
    pub label_weights: &'a [f64],
    /// Soft targets, rows x classes, each row adding up to 1; empty where no row has one.
    pub targets: &'a [T],
    /// Weight of each row's divergence from its target; empty where no row has one.
    pub target_weights: &'a [f64],
    /// Temperature of the divergence, above 0.
    pub temperature: f64,
    /// Weight of the entropy of each row's prediction; empty where no row has one.
    pub entropy_weights: &'a [f64],
}

impl<T: Real> RowLosses<'_, T> {
    /// The losses of some of the rows: those of all add up to that of the whole.
    pub(crate) fn part(&self, rows: Range<usize>, classes: usize) -> RowLosses<'_, T> {
        fn some<'v, V>(values: &'v [V], rows: &Range<usize>, each: usize) -> &'v [V] {
            values.get(rows.start * each..rows.end * each).unwrap_or_default()
        }
        RowLosses {
            labels: some(self.labels, &rows, 1),
            label_weights: some(self.label_weights, &rows, 1),
            targets: some(self.targets, &rows, classes),
            target_weights: some(self.target_weights, &rows, 1),
            temperature: self.temperature,
            entropy_weights: some(self.entropy_weights, &rows, 1),
        }
    }

    /// That there is one of everything per row and class.
    ///
    /// # Errors
    /// Where there is not, or the temperature is not above 0.
    pub fn check(&self, rows: usize, classes: usize) -> Result<()> {
        let fault = |what: &str| Err(Error::internal(format!("gradient step: {what}")));
        if self.labels.len() != rows || self.label_weights.len() != rows {
            return fault("labels or weights not one per row");
        }
        let targets = self.target_weights.len();
        if !(targets == 0 || targets == rows) || self.targets.len() != targets * classes {
            return fault("targets not one per row and class");
        }
        if !(self.entropy_weights.is_empty() || self.entropy_weights.len() == rows) {
            return fault("entropy weights not one per row");
        }
        if self.labels.iter().any(|label| usize::from(*label) >= classes) {
            return fault("a label beyond the classes");
        }
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return fault("a temperature that is not above 0");
        }
        Ok(())
    }
}

/// Stochastic gradient descent as `torch.optim.SGD` does it, without dampening; velocities start at 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// From 0 to below 1.
    pub momentum: f64,
    /// A step goes where the velocity will lead: gradient + momentum * velocity (Nesterov's momentum as PyTorch does it).
    pub nesterov: bool,
    /// This times the parameter is added to its gradient, for every trainable parameter.
    pub weight_decay: f64,
    /// Parameters before this one, in network order, stand still.
    pub from: usize,
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
    /// Empty until a step has momentum.
    velocities: Vec<T>,
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
            velocities: Vec::new(),
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

    /// One step of SGD on these rows of the input matrix, all of which go through batch norm together: without momentum parameter =
    /// (1 - rate * decay) * parameter - rate * gradient. Batch norm uses these rows' statistics and updates the running ones, as
    /// training does. Returns the loss before the step.
    ///
    /// # Errors
    /// Where the pieces do not fit each other, there are fewer rows than batch norm needs (two), or the loss is not finite.
    pub fn step(&mut self, inputs: &[T], rows: &[u32], losses: &RowLosses<T>, sgd: Sgd, learning_rate: f64) -> Result<f64> {
        let loss = self.backward(inputs, rows, losses)?;
        if !loss.is_finite() {
            return Err(Error::input(format!("the steps diverged at learning rate {learning_rate}")).hint("choose a lower learning rate"));
        }
        let rate = T::from_f64(learning_rate);
        let values = self.network.parameters_mut();
        let from = sgd.from.min(values.len());
        if sgd.momentum > 0.0 {
            self.velocities.resize(values.len(), T::ZERO);
        }
        let (values, gradient) = (&mut values[from..], &[&self.gradient[from..]]);
        if sgd.momentum > 0.0 {
            let (momentum, decay) = (T::from_f64(sgd.momentum), T::from_f64(sgd.weight_decay));
            kernels::descend_with_momentum(
                values,
                &mut self.velocities[from..],
                gradient,
                (momentum, sgd.nesterov),
                decay,
                rate,
            );
        } else {
            kernels::descend(values, gradient, T::from_f64(1.0 - learning_rate * sgd.weight_decay), rate);
        }
        Ok(loss)
    }

    /// Loss and gradient in network order, without a step; the running statistics move all the same.
    ///
    /// # Errors
    /// As [`Stepper::step`].
    pub fn gradient(&mut self, inputs: &[T], rows: &[u32], losses: &RowLosses<T>) -> Result<(f64, &[T])> {
        let loss = self.backward(inputs, rows, losses)?;
        Ok((loss, &self.gradient))
    }

    fn check(&self, inputs: &[T], rows: &[u32], losses: &RowLosses<T>) -> Result<()> {
        let fault = |what: &str| Err(Error::internal(format!("gradient step: {what}")));
        if rows.is_empty() || (rows.len() == 1 && !self.spec.hidden.is_empty()) {
            return fault("too few rows for batch norm");
        }
        let held = inputs.len() / self.spec.inputs;
        if !inputs.len().is_multiple_of(self.spec.inputs) || rows.iter().any(|row| *row as usize >= held) {
            return fault("a row beyond the inputs");
        }
        losses.check(rows.len(), self.spec.classes)
    }

    fn backward(&mut self, inputs: &[T], rows: &[u32], losses: &RowLosses<T>) -> Result<f64> {
        self.check(inputs, rows, losses)?;
        let batch = 0..rows.len();
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
            rows: Some(rows),
        };
        for (number, chunk) in self.chunks[..count].iter_mut().enumerate() {
            chunk.load(&examples, chunk_range(&batch, number));
        }
        let hidden = self.spec.hidden.len();
        for layer in 0..hidden {
            self.forward(layer, rows.len(), count);
        }
        let loss = self.turn(losses, count);
        for layer in (0..hidden).rev() {
            self.back_through(layer, rows.len(), count);
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
    fn turn(&mut self, losses: &RowLosses<T>, count: usize) -> f64 {
        let layer = self.spec.hidden.len();
        let plan = self.layers[layer];
        let mut loss = 0.0;
        for number in 0..count {
            let chunk = &mut self.chunks[number];
            let (weight, biases) = self.network.parameters()[plan.range()].split_at(plan.bias());
            chunk.head(&plan, weight);
            loss += chunk.row_losses(biases, chunk_range(&(0..losses.labels.len()), number).start, losses);
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

/// Adds the loss of row `row` to `loss` and writes d loss / d logit into `deltas`.
pub(super) fn row_loss<T: Real>(logits: &[f64], row: usize, losses: &RowLosses<T>, deltas: &mut [f64], loss: &mut f64) {
    deltas.fill(0.0);
    let label_weight = losses.label_weights[row];
    if label_weight != 0.0 {
        let label = usize::from(losses.labels[row]);
        let (shares, logarithm) = softmax(logits);
        *loss += label_weight * (logarithm - logits[label]);
        for (class, (delta, share)) in deltas.iter_mut().zip(&shares).enumerate() {
            *delta += label_weight * (share - f64::from(u8::from(class == label)));
        }
    }
    let target_weight = losses.target_weights.get(row).copied().unwrap_or(0.0);
    if target_weight != 0.0 {
        let temperature = losses.temperature;
        let scaled: Vec<f64> = logits.iter().map(|logit| logit / temperature).collect();
        let (shares, logarithm) = softmax(&scaled);
        for (class, target) in losses.targets[row * logits.len()..][..logits.len()].iter().enumerate() {
            let target = target.to_f64();
            if target > 0.0 {
                *loss += target_weight * temperature * temperature * target * (target.ln() - (scaled[class] - logarithm));
            }
            deltas[class] += target_weight * temperature * (shares[class] - target);
        }
    }
    let entropy_weight = losses.entropy_weights.get(row).copied().unwrap_or(0.0);
    if entropy_weight != 0.0 {
        let (shares, logarithm) = softmax(logits);
        let entropy: f64 = shares.iter().zip(logits).map(|(share, logit)| share * (logarithm - logit)).sum();
        *loss += entropy_weight * entropy;
        for ((delta, share), logit) in deltas.iter_mut().zip(&shares).zip(logits) {
            *delta -= entropy_weight * share * (logit - logarithm + entropy);
        }
    }
}

impl<T: Real> Chunk<T> {
    /// Loss of these rows, the first of which is row `start` of the step; the logits become d loss / d logit.
    fn row_losses(&mut self, biases: &[T], start: usize, losses: &RowLosses<T>) -> f64 {
        let classes = biases.len();
        let mut loss = 0.0;
        let mut logits = vec![0.0; classes];
        let mut deltas = vec![0.0; classes];
        for place in 0..self.rows {
            for (class, logit) in logits.iter_mut().enumerate() {
                *logit = (self.value(place, class) + biases[class]).to_f64();
            }
            row_loss(&logits, start + place, losses, &mut deltas, &mut loss);
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
                let batch = RowLosses {
                    labels: &rows.iter().map(|row| labels[*row as usize]).collect::<Vec<_>>(),
                    label_weights: &vec![1.0 / rows.len() as f64; rows.len()],
                    targets: &[],
                    target_weights: &[],
                    temperature: 1.0,
                    entropy_weights: &[],
                };
                let sgd = Sgd {
                    momentum: 0.0,
                    nesterov: false,
                    weight_decay: 0.01,
                    from: 0,
                };
                stepper.step(&inputs, &rows, &batch, sgd, 0.3).unwrap();
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
            let batch = RowLosses {
                labels: &rows.iter().map(|row| labels[*row as usize]).collect::<Vec<_>>(),
                label_weights: &(0..40).map(|row| [0.03, -0.02, 0.0][row % 3]).collect::<Vec<_>>(),
                targets: &targets,
                target_weights: &(0..40).map(|row| [0.01, 0.0, -0.04, 0.02][row % 4]).collect::<Vec<_>>(),
                temperature,
                entropy_weights: &(0..40).map(|row| [0.0, 0.02, -0.01][row % 3]).collect::<Vec<_>>(),
            };
            let (_, gradient) = {
                let mut stepper = Stepper::new(&start);
                let (loss, gradient) = stepper.gradient(&inputs, &rows, &batch).unwrap();
                (loss, gradient.to_vec())
            };
            let loss_at = |index: usize, change: f64| {
                let mut moved = start.clone();
                moved.parameters_mut()[index] += change;
                Stepper::new(&moved).gradient(&inputs, &rows, &batch).unwrap().0
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
        let whole = RowLosses {
            labels: &[0, 1],
            label_weights: &[0.5, 0.5],
            targets: &[],
            target_weights: &[],
            temperature: 1.0,
            entropy_weights: &[],
        };
        let sgd = Sgd {
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            from: 0,
        };
        let mut stepper = Stepper::new(&network(4, &[3]));
        stepper.step(&inputs, &[0, 1], &whole, sgd, 0.1).unwrap();
        let single = RowLosses {
            labels: &[0],
            label_weights: &[1.0],
            ..whole
        };
        for (rows, wrong) in [
            (&[0][..], single),
            (&[0, 9], whole),
            (&[0, 1], RowLosses { labels: &[0, 3], ..whole }),
            (
                &[0, 1],
                RowLosses {
                    target_weights: &[1.0, 1.0],
                    ..whole
                },
            ),
            (
                &[0, 1],
                RowLosses {
                    entropy_weights: &[1.0],
                    ..whole
                },
            ),
            (&[0, 1], RowLosses { temperature: 0.0, ..whole }),
        ] {
            assert!(stepper.step(&inputs, rows, &wrong, sgd, 0.1).is_err());
        }
    }
}
