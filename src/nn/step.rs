//! The training step, shared by all threads of a run.
//!
//! Between two barriers a thread takes each of its chunks through as many layers as it can, so that a matrix is still in the
//! nearest cache when the next operation reads it. Batch norm needs sums over the whole batch, hence one barrier per hidden
//! layer and direction; two more surround the update of the parameters.

use std::ops::Range;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::seq::SliceRandom;

use super::chunk::Chunk;
use super::examples::Examples;
use super::kernels;
use super::network::{LayerPlan, MlpSpec, NORM_EPSILON, NORM_MOMENTUM, Network};
use super::real::Real;
use super::recipe::{EpochLog, Recipe, TrainingLog};
use super::regularise;
use super::team::{self, Member, read, write};
use super::train::{Batches, chunk_count, chunk_range};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::seed::Seed;

/// Looks at the network after an epoch (its number within the run, from 0); `false` ends the run.
pub(super) type Watch<'w, T> = dyn Fn(usize, &Network<T>) -> bool + Sync + 'w;

/// Chunks whose gradients are added up in one place, so that large batches need no more than this many places.
const MOST_GROUPS: usize = 16;

/// A checked training run.
pub(super) struct Run<'a, T> {
    spec: MlpSpec,
    layers: Vec<LayerPlan>,
    examples: Examples<'a, T>,
    recipe: &'a Recipe,
    batches: Batches,
    /// Chunks of the largest batch.
    chunks: usize,
    /// Chunks of a group; a group is worked on by one thread.
    group: usize,
}

/// Per feature, of one chunk: mean and squared deviations in the forward pass, or sums of dy and dy * xhat in the backward pass.
struct Pair<T> {
    first: Vec<T>,
    second: Vec<T>,
}

/// One layer's parameters while training, in the order of the flat vector.
struct LayerState<T> {
    values: Vec<T>,
    velocities: Vec<T>,
    /// Moving averages of the values; empty where the recipe has none.
    averages: Vec<T>,
}

/// What the threads of one run share. Phases between barriers make sure that nobody writes what others read; the locks,
/// which are therefore always free, prove it to the compiler.
struct Shared<T> {
    layers: Vec<RwLock<LayerState<T>>>,
    /// By hidden layer, then chunk.
    moments: Vec<Vec<RwLock<Pair<T>>>>,
    sums: Vec<Vec<RwLock<Pair<T>>>>,
    /// Partial gradients by layer, then group.
    gradients: Vec<Vec<RwLock<Vec<T>>>>,
    losses: Vec<RwLock<f64>>,
    stop: AtomicBool,
}

/// What one thread ends with; the first thread's is used.
struct Finished<T> {
    buffers: Vec<T>,
    log: TrainingLog,
    trouble: Option<Error>,
}

impl<'a, T: Real> Run<'a, T> {
    /// Checks that everything fits.
    pub fn prepare(network: &Network<T>, examples: &Examples<'a, T>, recipe: &'a Recipe) -> Result<Self> {
        let spec = network.spec().clone();
        recipe.check(&spec)?;
        examples.check(&spec)?;
        let hidden = !spec.hidden.is_empty();
        match examples.len() {
            0 => return Err(Error::input("there are no rows to train on")),
            1 if hidden => {
                return Err(Error::input(
                    "a single row is not enough to train on: batch norm needs at least two",
                ));
            }
            _ => {}
        }
        let batches = Batches::for_training(examples.len(), recipe.batch, hidden);
        let chunks = batches.most_chunks();
        Ok(Self {
            layers: spec.layers(),
            group: chunks.div_ceil(MOST_GROUPS),
            chunks,
            batches,
            spec,
            examples: *examples,
            recipe,
        })
    }

    /// Mini-batches of the whole run.
    pub fn steps(&self) -> usize {
        self.recipe.epochs * self.batches.count()
    }

    /// Trains, and puts the result into `network` if all went well.
    pub fn execute(&self, network: &mut Network<T>, threads: usize, progress: &dyn Progress) -> Result<TrainingLog> {
        self.execute_watched(network, threads, progress, None)
    }

    /// The same, looked at after every epoch.
    pub fn execute_watched(
        &self,
        network: &mut Network<T>,
        threads: usize,
        progress: &dyn Progress,
        watch: Option<&Watch<T>>,
    ) -> Result<TrainingLog> {
        let shared = self.shared(network);
        let threads = threads.clamp(1, self.chunks.div_ceil(self.group));
        let finished = team::run(threads, |member| {
            Worker::new(self, &shared, network.buffers(), member).run(progress, watch)
        });
        let first = finished.into_iter().next();
        let first = first.ok_or_else(|| Error::internal("no thread did any training"))?;
        if let Some(trouble) = first.trouble {
            return Err(trouble);
        }
        self.take_out(&shared, &first.buffers, network);
        if let Some(standard) = &self.recipe.standard {
            network.divide_logits(standard.temperature);
        }
        Ok(first.log)
    }

    /// The trained network as it is now: where the recipe averages, the averages.
    fn take_out(&self, shared: &Shared<T>, buffers: &[T], network: &mut Network<T>) {
        for (plan, layer) in self.layers.iter().zip(&shared.layers) {
            let state = read(layer);
            let values = if state.averages.is_empty() {
                &state.values
            } else {
                &state.averages
            };
            network.parameters_mut()[plan.range()].copy_from_slice(values);
        }
        network.buffers_mut().copy_from_slice(buffers);
    }

    fn shared(&self, network: &Network<T>) -> Shared<T> {
        let pair = |width: usize| Pair {
            first: vec![T::ZERO; width],
            second: vec![T::ZERO; width],
        };
        let pairs = || {
            let of_layer = |width: &usize| (0..self.chunks).map(|_| RwLock::new(pair(*width))).collect();
            self.spec.hidden.iter().map(of_layer).collect()
        };
        let groups = self.chunks.div_ceil(self.group);
        let gradients = |plan: &LayerPlan| (0..groups).map(|_| RwLock::new(vec![T::ZERO; plan.len()])).collect();
        let moving = self.recipe.momentum > 0.0;
        let averaging = self.recipe.standard.is_some();
        let state = |plan: &LayerPlan| LayerState {
            values: network.parameters()[plan.range()].to_vec(),
            averages: if averaging {
                network.parameters()[plan.range()].to_vec()
            } else {
                Vec::new()
            },
            velocities: vec![T::ZERO; if moving { plan.len() } else { 0 }],
        };
        Shared {
            layers: self.layers.iter().map(|plan| RwLock::new(state(plan))).collect(),
            moments: pairs(),
            sums: pairs(),
            gradients: self.layers.iter().map(gradients).collect(),
            losses: (0..self.chunks).map(|_| RwLock::new(0.0)).collect(),
            stop: AtomicBool::new(false),
        }
    }
}

/// One thread of a training run, with the chunks of its groups: the groups whose number leaves its index when divided by the
/// size of the team.
struct Worker<'a, T> {
    run: &'a Run<'a, T>,
    shared: &'a Shared<T>,
    member: Member<'a>,
    /// The chunks it owns, each with its number in the batch.
    chunks: Vec<(usize, Chunk<T>)>,
    /// Which of them the current batch has, in the order of the current phase. The order is reversed from phase to phase, group
    /// by group: what was touched last is still in the cache.
    order: Vec<usize>,
    /// Per hidden layer, of the current batch: mean and 1 / standard deviation.
    means: Vec<Vec<T>>,
    inverses: Vec<Vec<T>>,
    factors: Vec<T>,
    mean_sums: Vec<T>,
    mean_products: Vec<T>,
    /// Running statistics; every member keeps the same.
    buffers: Vec<T>,
    /// Their moving averages, where the recipe averages.
    averaged_buffers: Vec<T>,
    /// The rows in the order of the current epoch; absent: the order of the examples. Every member draws the same.
    rows: Option<Vec<u32>>,
    /// Steps of the schedule done before this run, and in this run.
    steps_before: usize,
    steps: usize,
    /// Weight in the loss of a row of each class.
    scales: Vec<T>,
}

impl<'a, T: Real> Worker<'a, T> {
    fn new(run: &'a Run<'a, T>, shared: &'a Shared<T>, buffers: &[T], member: Member<'a>) -> Self {
        let widest = run.spec.hidden.iter().copied().max().unwrap_or(0);
        let per_layer = || run.spec.hidden.iter().map(|width| vec![T::ZERO; *width]).collect::<Vec<_>>();
        let groups = member.share(run.chunks.div_ceil(run.group));
        let numbers = groups.flat_map(|group| group * run.group..run.chunks.min((group + 1) * run.group));
        let chunks: Vec<_> = numbers.map(|number| (number, Chunk::new(&run.spec))).collect();
        Self {
            run,
            shared,
            order: Vec::with_capacity(chunks.len()),
            chunks,
            member,
            means: per_layer(),
            inverses: per_layer(),
            factors: vec![T::ZERO; widest],
            mean_sums: vec![T::ZERO; widest],
            mean_products: vec![T::ZERO; widest],
            buffers: buffers.to_vec(),
            averaged_buffers: if run.recipe.standard.is_some() {
                buffers.to_vec()
            } else {
                Vec::new()
            },
            rows: None,
            steps_before: run.recipe.first_epoch.saturating_mul(run.batches.count()),
            steps: 0,
            scales: vec![T::ZERO; run.spec.classes],
        }
    }

    fn run(mut self, progress: &dyn Progress, watch: Option<&Watch<T>>) -> Finished<T> {
        let run = self.run;
        let leads = self.member.index == 0;
        let mut log = Vec::with_capacity(run.recipe.epochs);
        let mut trouble = None;
        'training: for epoch in 0..run.recipe.epochs {
            let mut learning_rate = run.recipe.rate(epoch);
            let mut epoch_loss = 0.0;
            self.draw_order(run.recipe.first_epoch + epoch);
            for index in 0..run.batches.count() {
                let batch = run.batches.range(index);
                if let Some(standard) = &run.recipe.standard {
                    learning_rate =
                        run.recipe.learning_rate * standard.share_at(self.steps_before.saturating_add(self.steps), run.batches.count());
                }
                self.steps += 1;
                self.step(&batch, learning_rate);
                // Between the two barriers around this, no other member looks at `stop`: all see the same answer after it.
                if leads {
                    progress.advance(1);
                    let losses = &self.shared.losses[..chunk_count(&batch)];
                    epoch_loss += losses.iter().map(|loss| *read(loss)).sum::<f64>() * batch.len() as f64;
                    if let Err(error) = progress.check() {
                        trouble = Some(error);
                    } else if !epoch_loss.is_finite() {
                        trouble = Some(diverged(run.recipe.first_epoch + epoch, learning_rate));
                    }
                    self.shared.stop.store(trouble.is_some(), Ordering::Release);
                }
                self.member.wait();
                if self.shared.stop.load(Ordering::Acquire) {
                    break 'training;
                }
            }
            log.push(EpochLog {
                epoch: run.recipe.first_epoch + epoch,
                learning_rate,
                loss: epoch_loss / run.examples.len() as f64,
            });
            if let Some(watch) = watch
                && !self.goes_on(watch, epoch)
            {
                break 'training;
            }
        }
        Finished {
            buffers: if run.recipe.standard.is_some() {
                self.averaged_buffers
            } else {
                self.buffers
            },
            log: TrainingLog { epochs: log },
            trouble,
        }
    }

    /// What the watcher says about the network after this epoch; the same for all members.
    fn goes_on(&self, watch: &Watch<T>, epoch: usize) -> bool {
        if self.member.index == 0 {
            let seen = Network::zeros(&self.run.spec).is_ok_and(|mut network| {
                let averaging = self.run.recipe.standard.is_some();
                let buffers = if averaging { &self.averaged_buffers } else { &self.buffers };
                self.run.take_out(self.shared, buffers, &mut network);
                watch(epoch, &network)
            });
            self.shared.stop.store(!seen, Ordering::Release);
        }
        self.member.wait();
        !self.shared.stop.load(Ordering::Acquire)
    }

    /// Draws the order of the rows for an epoch, where the recipe asks for one.
    fn draw_order(&mut self, epoch: usize) {
        let Some(standard) = &self.run.recipe.standard else { return };
        let examples = &self.run.examples;
        let mut rows = Vec::with_capacity(examples.len());
        examples.rows_at(0..examples.len(), &mut rows);
        rows.shuffle(&mut Seed(standard.order).stream("batches", epoch as u64));
        self.rows = Some(rows);
    }

    /// The examples in the order of the current epoch.
    fn examples<'s>(run: &'s Run<'_, T>, rows: &'s Option<Vec<u32>>) -> Examples<'s, T> {
        Examples {
            rows: rows.as_deref().or(run.examples.rows),
            ..run.examples
        }
    }

    /// One mini-batch: forward, backward, update.
    fn step(&mut self, batch: &Range<usize>, learning_rate: f64) {
        let hidden = self.run.spec.hidden.len();
        let count = chunk_count(batch);
        self.order.clear();
        self.order
            .extend((0..self.chunks.len()).filter(|owned| self.chunks[*owned].0 < count));
        let examples = Self::examples(self.run, &self.rows);
        for &owned in &self.order {
            let (number, chunk) = &mut self.chunks[owned];
            chunk.load(&examples, chunk_range(batch, *number));
        }
        self.set_loss_scales(batch);
        for layer in 0..hidden {
            self.forward(layer, batch);
        }
        self.turn(hidden, batch);
        for layer in (0..hidden).rev() {
            self.backward(layer, batch);
        }
        self.member.wait();
        self.update(count, learning_rate);
    }

    /// Weight of a row of each class in the batch's loss: its class weight over the sum of the rows' class weights.
    fn set_loss_scales(&mut self, batch: &Range<usize>) {
        let examples = Self::examples(self.run, &self.rows);
        match &self.run.recipe.class_weights {
            None => self.scales.fill(T::from_f64(1.0 / batch.len() as f64)),
            Some(weights) => {
                let row = |position: usize| examples.rows.map_or(position, |rows| rows[position] as usize);
                let weight = |position: usize| weights[usize::from(examples.labels[row(position)])];
                let total: f64 = batch.clone().map(weight).sum();
                // A batch whose rows all have weight 0 teaches nothing (PyTorch would give NaN).
                let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
                for (to, weight) in self.scales.iter_mut().zip(weights) {
                    *to = T::from_f64(weight * scale);
                }
            }
        }
    }

    /// Reverses the order of the groups, not that of the chunks within a group.
    fn reverse(&mut self) {
        self.order.reverse();
        for group in self
            .order
            .chunk_by_mut(|a, b| self.chunks[*a].0 / self.run.group == self.chunks[*b].0 / self.run.group)
        {
            group.reverse();
        }
    }

    /// The layer before is normalised, and z of this one computed with its statistics per chunk.
    fn forward(&mut self, layer: usize, batch: &Range<usize>) {
        let plan = &self.run.layers[layer];
        self.join_moments(layer, batch);
        let state = read(&self.shared.layers[layer]);
        for index in 0..self.order.len() {
            let owned = self.order[index];
            self.normalise_inputs_of(layer, owned);
            let (number, chunk) = &mut self.chunks[owned];
            chunk.linear(layer, plan, &state.values[..plan.bias()]);
            let mut pair = write(&self.shared.moments[layer][*number]);
            let Pair { first, second } = &mut *pair;
            chunk.moments(layer, first, second);
        }
        drop(state);
        self.reverse();
    }

    /// Batch norm and ReLU of the layer before `layer`, if there is one.
    fn normalise_inputs_of(&mut self, layer: usize, owned: usize) {
        if let Some(below) = layer.checked_sub(1) {
            let state = read(&self.shared.layers[below]);
            let (weights, biases) = norm_parameters(&self.run.layers[below], &state.values);
            let key = self.dropout_key(below, owned);
            let chunk = &mut self.chunks[owned].1;
            chunk.normalise(below, &self.means[below], &self.inverses[below], weights, biases);
            if let Some(key) = key {
                chunk.drop_out(below, key);
            }
        }
    }

    /// What the units of a layer that stay out of this step are drawn from, for one chunk; absent where none stay out. It depends on
    /// epoch, step, layer and chunk alone, so that the backward pass leaves out the same ones, on any number of threads.
    fn dropout_key(&self, layer: usize, owned: usize) -> Option<u64> {
        let standard = self.run.recipe.standard.as_ref()?;
        let step = self.steps_before.saturating_add(self.steps) as u64;
        let parts = [step, layer as u64, self.chunks[owned].0 as u64];
        Some(
            parts
                .iter()
                .fold(standard.order, |key, part| regularise::scramble(key ^ regularise::scramble(*part))),
        )
    }

    /// After a barrier, joins the chunks' statistics of the layer before `layer` in the order of the chunks, and updates the
    /// running ones. The linear bias, left out of z, is a part of the running mean.
    fn join_moments(&mut self, layer: usize, batch: &Range<usize>) {
        let Some(layer) = layer.checked_sub(1) else { return };
        self.member.wait();
        let rows = batch.len() as f64;
        let (plan, width) = (&self.run.layers[layer], self.run.spec.hidden[layer]);
        let state = read(&self.shared.layers[layer]);
        let linear_bias = &state.values[plan.bias()..plan.norm_weight()];
        let start = 2 * self.run.spec.hidden[..layer].iter().sum::<usize>();
        let (running_mean, running_var) = self.buffers[start..start + 2 * width].split_at_mut(width);
        let parts: Vec<_> = self.shared.moments[layer][..chunk_count(batch)].iter().map(read).collect();
        let sizes: Vec<f64> = (0..parts.len()).map(|number| chunk_range(batch, number).len() as f64).collect();
        for feature in 0..width {
            let each = || parts.iter().zip(&sizes);
            let mean = each().map(|(part, size)| part.first[feature].to_f64() * size).sum::<f64>() / rows;
            let off = |value: T| value.to_f64() - mean;
            let squares: f64 = each()
                .map(|(part, size)| part.second[feature].to_f64() + size * off(part.first[feature]) * off(part.first[feature]))
                .sum();
            self.means[layer][feature] = T::from_f64(mean);
            self.inverses[layer][feature] = T::from_f64(1.0 / (squares / rows + NORM_EPSILON).sqrt());
            let blend = |old: T, new: f64| T::from_f64((1.0 - NORM_MOMENTUM) * old.to_f64() + NORM_MOMENTUM * new);
            running_mean[feature] = blend(running_mean[feature], mean + linear_bias[feature].to_f64());
            running_var[feature] = blend(running_var[feature], squares / (rows - 1.0));
        }
        if let Some(standard) = &self.run.recipe.standard {
            let keep = standard.keep(self.steps, self.run.batches.count());
            let fresh = &self.buffers[start..start + 2 * width];
            regularise::join_average(&mut self.averaged_buffers[start..start + 2 * width], fresh, keep);
        }
    }

    /// The head: logits, loss, and the first piece of the backward pass.
    fn turn(&mut self, layer: usize, batch: &Range<usize>) {
        let plan = &self.run.layers[layer];
        self.join_moments(layer, batch);
        let state = read(&self.shared.layers[layer]);
        let (weight, bias) = state.values.split_at(plan.bias());
        for index in 0..self.order.len() {
            let owned = self.order[index];
            self.normalise_inputs_of(layer, owned);
            let (number, chunk) = &mut self.chunks[owned];
            chunk.head(plan, weight);
            *write(&self.shared.losses[*number]) = chunk.cross_entropy(bias, self.run.examples.labels, &self.scales);
            let mut gradient = write(&self.shared.gradients[layer][*number / self.run.group]);
            let (weight_part, bias_part) = gradient.split_at_mut(plan.bias());
            if *number % self.run.group == 0 {
                bias_part.fill(T::ZERO);
            }
            chunk.weight_gradient(layer, plan, keep::<T>(self.run.group, *number), weight_part);
            chunk.add_head_bias_gradient(bias_part);
            self.deltas_below(layer, owned, weight);
        }
        self.reverse();
    }

    /// Deltas of the layer before `layer`, back through its ReLU, with the sums that its batch norm needs.
    fn deltas_below(&mut self, layer: usize, owned: usize, weight: &[T]) {
        let Some(below) = layer.checked_sub(1) else { return };
        let key = self.dropout_key(below, owned);
        let (number, chunk) = &mut self.chunks[owned];
        let plan = &self.run.layers[below];
        chunk.input_deltas(layer, &self.run.layers[layer], weight);
        if let Some(key) = key {
            chunk.drop_out(below, key);
        }
        let state = read(&self.shared.layers[below]);
        let (weights, biases) = norm_parameters(plan, &state.values);
        let mut pair = write(&self.shared.sums[below][*number]);
        let Pair { first, second } = &mut *pair;
        chunk.mask_and_sum(below, weights, biases, first, second);
        // Batch norm's gradients; the linear bias keeps its gradient of 0 from the start.
        let mut gradient = write(&self.shared.gradients[below][*number / self.run.group]);
        let (weight_part, bias_part) = gradient[plan.norm_weight()..].split_at_mut(plan.outputs);
        if *number % self.run.group == 0 {
            weight_part.copy_from_slice(second);
            bias_part.copy_from_slice(first);
        } else {
            weight_part.iter_mut().zip(second).for_each(|(to, from)| *to += *from);
            bias_part.iter_mut().zip(first).for_each(|(to, from)| *to += *from);
        }
    }

    /// Back through batch norm and the linear part of a hidden layer.
    fn backward(&mut self, layer: usize, batch: &Range<usize>) {
        let plan = &self.run.layers[layer];
        self.member.wait();
        let state = read(&self.shared.layers[layer]);
        self.join_sums(layer, batch, norm_parameters(plan, &state.values).0);
        for index in 0..self.order.len() {
            let owned = self.order[index];
            let (number, chunk) = &mut self.chunks[owned];
            let (factors, sums) = (&self.factors[..plan.outputs], &self.mean_sums[..plan.outputs]);
            chunk.through_norm(layer, factors, sums, &self.mean_products[..plan.outputs]);
            {
                let mut gradient = write(&self.shared.gradients[layer][*number / self.run.group]);
                let keep = keep::<T>(self.run.group, *number);
                chunk.weight_gradient(layer, plan, keep, &mut gradient[..plan.bias()]);
            }
            self.deltas_below(layer, owned, &state.values[..plan.bias()]);
        }
        self.reverse();
    }

    fn join_sums(&mut self, layer: usize, batch: &Range<usize>, weights: &[T]) {
        let rows = batch.len() as f64;
        let parts: Vec<_> = self.shared.sums[layer][..chunk_count(batch)].iter().map(read).collect();
        for (feature, weight) in weights.iter().enumerate() {
            let sum: f64 = parts.iter().map(|part| part.first[feature].to_f64()).sum();
            let product: f64 = parts.iter().map(|part| part.second[feature].to_f64()).sum();
            self.mean_sums[feature] = T::from_f64(sum / rows);
            self.mean_products[feature] = T::from_f64(product / rows);
            self.factors[feature] = *weight * self.inverses[layer][feature];
        }
    }

    /// Adds up the groups' gradients in their order and moves the parameters of this member's layers.
    fn update(&mut self, chunks: usize, learning_rate: f64) {
        let recipe = self.run.recipe;
        let rate = T::from_f64(learning_rate);
        for layer in self.member.share(self.run.layers.len()) {
            let groups = &self.shared.gradients[layer][..chunks.div_ceil(self.run.group)];
            let guards: Vec<_> = groups.iter().map(read).collect();
            let parts: Vec<&[T]> = guards.iter().map(|guard| guard.as_slice()).collect();
            let mut state = write(&self.shared.layers[layer]);
            let LayerState {
                values,
                velocities,
                averages,
            } = &mut *state;
            if recipe.momentum > 0.0 {
                let (momentum, decay) = (T::from_f64(recipe.momentum), T::from_f64(recipe.weight_decay));
                kernels::descend_with_momentum(values, velocities, &parts, (momentum, false), decay, rate);
            } else {
                let keep = T::from_f64(1.0 - learning_rate * recipe.weight_decay);
                kernels::descend(values, &parts, keep, rate);
            }
            if let Some(standard) = &recipe.standard {
                regularise::join_average(averages, values, standard.keep(self.steps, self.run.batches.count()));
            }
        }
    }
}

/// What becomes of the gradient so far when a chunk's is added: a group's first chunk overwrites.
fn keep<T: Real>(group: usize, number: usize) -> T {
    if number.is_multiple_of(group) { T::ZERO } else { T::ONE }
}

/// Batch norm's weights and biases within a layer's parameters.
pub(super) fn norm_parameters<'a, T>(plan: &LayerPlan, values: &'a [T]) -> (&'a [T], &'a [T]) {
    (&values[plan.norm_weight()..plan.norm_bias()], &values[plan.norm_bias()..])
}

fn diverged(epoch: usize, learning_rate: f64) -> Error {
    Error::new(
        ErrorKind::Input,
        format!("training diverged in epoch {} at learning rate {learning_rate}", epoch + 1),
    )
    .hint("lower `--learning-rate`, for example to a tenth")
}
