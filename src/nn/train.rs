//! Training: one model on all threads, or many models at once, through the same step.
//!
//! A mini-batch is cut into chunks of [`CHUNK`] rows. Every chunk goes forward and backward on one thread; what joins the
//! chunks (batch-norm statistics, gradients) is combined in the order of the chunks. The results are therefore the same bits
//! for any number of threads, and the same whether a model is trained alone or beside others.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::chunk::Chunk;
use super::examples::Examples;
use super::kernels::{self, CHUNK};
use super::network::{LayerPlan, MlpSpec, NORM_EPSILON, NORM_MOMENTUM, Network};
use super::real::Real;
use super::team::{self, Member, read, write};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;

/// How a network is trained: SGD on mean cross entropy over mini-batches of rows in the order given (no shuffling), the last
/// partial batch kept, learning rate times `decay` after every epoch, as `torch.optim.SGD` does it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Passes over the rows.
    pub epochs: usize,
    /// Learning rate of epoch 0.
    pub learning_rate: f64,
    /// Factor on the learning rate per epoch: epoch e uses `learning_rate * decay^(first_epoch + e)`.
    pub decay: f64,
    /// Weight decay: this times the parameter is added to its gradient, for every trainable parameter.
    pub weight_decay: f64,
    /// Momentum, 0 for none; velocities start at 0 (PyTorch's `SGD` without dampening or Nesterov).
    pub momentum: f64,
    /// Rows of a mini-batch. A single row left over at the end joins the batch before it: batch norm has no variance for
    /// one row (PyTorch refuses it).
    pub batch: usize,
    /// Weight of each class in the loss; the mean is then over the sum of the rows' weights, as in PyTorch.
    pub class_weights: Option<Vec<f64>>,
    /// Number of the first epoch in the learning-rate schedule: 0 to train, the number of epochs done to continue.
    pub first_epoch: usize,
}

impl Default for Recipe {
    /// The paper's: 25 epochs, batches of 1024, decay 0.95; the rate and weight decay are middling values of its search range.
    fn default() -> Self {
        Self {
            epochs: 25,
            learning_rate: 0.03,
            decay: 0.95,
            weight_decay: 1e-5,
            momentum: 0.0,
            batch: 1024,
            class_weights: None,
            first_epoch: 0,
        }
    }
}

impl Recipe {
    /// Learning rate of the `epoch`-th epoch of this recipe.
    pub fn rate(&self, epoch: usize) -> f64 {
        let exponent = i32::try_from(self.first_epoch.saturating_add(epoch)).unwrap_or(i32::MAX);
        self.learning_rate * self.decay.powi(exponent)
    }

    /// The recipe that goes on for `epochs` epochs where this one ends, at the next learning rate of the schedule.
    #[must_use]
    pub fn continued(&self, epochs: usize) -> Self {
        Self {
            epochs,
            first_epoch: self.first_epoch.saturating_add(self.epochs),
            ..self.clone()
        }
    }

    /// That the settings can be used with a network.
    ///
    /// # Errors
    /// Where a setting is out of range or not a number, or the class weights are not one per class.
    pub fn check(&self, spec: &MlpSpec) -> Result<()> {
        let wrong = |name: &str, value: f64, range: &str| Err(Error::input(format!("{name} is {value}, and must be {range}")));
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate", self.learning_rate, "a number above 0");
        }
        if !(self.decay > 0.0 && self.decay <= 1.0) {
            return wrong("the learning-rate decay", self.decay, "above 0 and at most 1");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return wrong("the weight decay", self.weight_decay, "a number from 0 up");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return wrong("the momentum", self.momentum, "from 0 to below 1");
        }
        if self.batch == 0 || (self.batch == 1 && !spec.hidden.is_empty()) {
            return wrong(
                "the batch size",
                self.batch as f64,
                "at least 2 (batch norm needs more than one row)",
            );
        }
        if let Some(weights) = &self.class_weights {
            if weights.len() != spec.classes {
                return Err(Error::input(format!(
                    "{} class weights for {} classes",
                    weights.len(),
                    spec.classes
                )));
            }
            if let Some(weight) = weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
                return wrong("a class weight", *weight, "a number from 0 up");
            }
        }
        Ok(())
    }
}

/// What training saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingLog {
    /// One entry per epoch.
    pub epochs: Vec<EpochLog>,
}

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochLog {
    /// Number in the learning-rate schedule, from 0.
    pub epoch: usize,
    /// Learning rate.
    pub learning_rate: f64,
    /// Mean loss over the epoch's rows, each measured when its batch was trained on (batch norm in training mode).
    pub loss: f64,
}

/// One model of several to be trained side by side.
#[derive(Debug)]
pub struct TrainingJob<'a, T> {
    /// Start values; the trained values afterwards.
    pub network: &'a mut Network<T>,
    /// Its rows; jobs may share one input matrix.
    pub examples: Examples<'a, T>,
    /// Its settings.
    pub recipe: &'a Recipe,
}

/// Where mini-batches begin and end, by position in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batches {
    rows: usize,
    batch: usize,
    count: usize,
}

impl Batches {
    /// Batches of `batch` rows, the last one smaller.
    pub fn plain(rows: usize, batch: usize) -> Self {
        Self {
            rows,
            batch,
            count: rows.div_ceil(batch),
        }
    }

    /// The same, but a last batch of one row joins the one before.
    fn for_training(rows: usize, batch: usize, hidden: bool) -> Self {
        let mut batches = Self::plain(rows, batch);
        if hidden && batches.count > 1 && rows % batch == 1 {
            batches.count -= 1;
        }
        batches
    }

    /// Number of batches.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Positions in batch `index`.
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        let end = if index + 1 == self.count {
            self.rows
        } else {
            (index + 1) * self.batch
        };
        index * self.batch..end
    }

    /// Most chunks that a batch has.
    pub fn most_chunks(&self) -> usize {
        (0..self.count).map(|index| chunk_count(&self.range(index))).max().unwrap_or(0)
    }
}

/// Number of chunks of a batch.
pub(super) fn chunk_count(batch: &std::ops::Range<usize>) -> usize {
    batch.len().div_ceil(CHUNK)
}

/// Positions of a batch's chunk.
pub(super) fn chunk_range(batch: &std::ops::Range<usize>, chunk: usize) -> std::ops::Range<usize> {
    let start = batch.start + chunk * CHUNK;
    start..batch.end.min(start + CHUNK)
}

/// Trains a network in place on `threads` threads; the result does not depend on how many.
///
/// Batch norm uses the batch's biased variance and keeps running statistics with momentum 0.1 and the unbiased variance. A
/// linear layer's bias has no effect before batch norm and no gradient, so the step leaves it out; weight decay still moves it.
///
/// # Errors
/// Where the recipe or the rows do not fit the network, there are no rows (or a single one, with batch norm), the loss
/// stops being a finite number, or the person asks to stop. The network is then as it was.
pub fn train<T: Real>(
    network: &mut Network<T>,
    examples: &Examples<T>,
    recipe: &Recipe,
    threads: usize,
    progress: &dyn Progress,
) -> Result<TrainingLog> {
    let run = Run::prepare(network, examples, recipe)?;
    progress.start("training", run.steps() as u64);
    let outcome = run.execute(network, threads, progress);
    progress.finish();
    outcome
}

/// Trains many networks side by side, one per thread (several threads on one where there are fewer jobs than threads), with
/// the same bits as [`train`] would give each alone. A job that fails leaves the others alone.
pub fn train_many<T: Real>(jobs: &mut [TrainingJob<T>], threads: usize, progress: &dyn Progress) -> Vec<Result<TrainingLog>> {
    let total: usize = jobs
        .iter()
        .filter_map(|job| Run::prepare(job.network, &job.examples, job.recipe).ok())
        .map(|run| run.steps())
        .sum();
    progress.start("training", total as u64);
    let outcomes = for_each_on_threads(jobs, threads, |job, threads| {
        Run::prepare(job.network, &job.examples, job.recipe).and_then(|run| run.execute(job.network, threads, progress))
    });
    progress.finish();
    outcomes
}

/// Runs `work` once per item, items spread over the threads as they become free; results in the order of the items. Each
/// call may use as many threads of its own as it is told.
pub(crate) fn for_each_on_threads<I: Send, R: Send>(items: &mut [I], threads: usize, work: impl Fn(&mut I, usize) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let crew = threads.clamp(1, count.max(1));
    let threads_each = (threads / crew).max(1);
    let slots: Vec<_> = items.iter_mut().map(|item| std::sync::Mutex::new(Some(item))).collect();
    let next = AtomicUsize::new(0);
    let parts = team::run(crew, |_member| {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = slots.get(index) else { return done };
            let item = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            if let Some(item) = item {
                done.push((index, work(item, threads_each)));
            }
        }
    });
    let mut all: Vec<_> = parts.into_iter().flatten().collect();
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, result)| result).collect()
}

/// A checked training run.
struct Run<'a, T> {
    spec: MlpSpec,
    layers: Vec<LayerPlan>,
    examples: Examples<'a, T>,
    recipe: &'a Recipe,
    batches: Batches,
}

/// Mean and squared deviations of one chunk forward, or sums of dy and dy * xhat backward.
struct Pair<T> {
    first: Vec<T>,
    second: Vec<T>,
}

/// One layer's parameters while training, in the order of the flat vector.
struct LayerState<T> {
    values: Vec<T>,
    velocities: Vec<T>,
}

/// What the threads of one run share. Phases between barriers make sure that nobody writes what others read; the locks,
/// which are therefore always free, prove it to the compiler.
struct Shared<T> {
    layers: Vec<RwLock<LayerState<T>>>,
    /// By hidden layer, then chunk.
    moments: Vec<Vec<RwLock<Pair<T>>>>,
    sums: Vec<Vec<RwLock<Pair<T>>>>,
    /// Partial gradients by layer, then chunk.
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
    fn prepare(network: &Network<T>, examples: &Examples<'a, T>, recipe: &'a Recipe) -> Result<Self> {
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
        Ok(Self {
            layers: spec.layers(),
            batches: Batches::for_training(examples.len(), recipe.batch, hidden),
            spec,
            examples: *examples,
            recipe,
        })
    }

    fn steps(&self) -> usize {
        self.recipe.epochs * self.batches.count()
    }

    fn execute(&self, network: &mut Network<T>, threads: usize, progress: &dyn Progress) -> Result<TrainingLog> {
        let chunks = self.batches.most_chunks();
        let shared = self.shared(network, chunks);
        let finished = team::run(threads.clamp(1, chunks), |member| {
            Worker::new(self, &shared, network.buffers(), member, chunks).run(progress)
        });
        let first = finished
            .into_iter()
            .next()
            .ok_or_else(|| Error::internal("no thread did any training"))?;
        if let Some(trouble) = first.trouble {
            return Err(trouble);
        }
        for (plan, layer) in self.layers.iter().zip(shared.layers) {
            network.parameters_mut()[plan.range()].copy_from_slice(&team::into_inner(layer).values);
        }
        network.buffers_mut().copy_from_slice(&first.buffers);
        Ok(first.log)
    }

    fn shared(&self, network: &Network<T>, chunks: usize) -> Shared<T> {
        let pairs = || {
            let of_width = |width: &usize| -> Vec<_> {
                (0..chunks)
                    .map(|_| {
                        RwLock::new(Pair {
                            first: vec![T::ZERO; *width],
                            second: vec![T::ZERO; *width],
                        })
                    })
                    .collect()
            };
            self.spec.hidden.iter().map(of_width).collect()
        };
        let state = |plan: &LayerPlan| LayerState {
            values: network.parameters()[plan.range()].to_vec(),
            velocities: if self.recipe.momentum > 0.0 {
                vec![T::ZERO; plan.len()]
            } else {
                Vec::new()
            },
        };
        Shared {
            layers: self.layers.iter().map(|plan| RwLock::new(state(plan))).collect(),
            moments: pairs(),
            sums: pairs(),
            gradients: self
                .layers
                .iter()
                .map(|plan| (0..chunks).map(|_| RwLock::new(vec![T::ZERO; plan.len()])).collect())
                .collect(),
            losses: (0..chunks).map(|_| RwLock::new(0.0)).collect(),
            stop: AtomicBool::new(false),
        }
    }
}

/// One thread of a training run, with the chunks it owns: those whose number leaves its index when divided by the team's size.
struct Worker<'a, T> {
    run: &'a Run<'a, T>,
    shared: &'a Shared<T>,
    member: Member<'a>,
    chunks: Vec<Chunk<T>>,
    /// Per hidden layer, of the current batch: mean and 1 / standard deviation.
    means: Vec<Vec<T>>,
    inverses: Vec<Vec<T>>,
    factors: Vec<T>,
    mean_sums: Vec<T>,
    mean_products: Vec<T>,
    /// Running statistics; every member keeps the same.
    buffers: Vec<T>,
    scales: Vec<T>,
}

impl<'a, T: Real> Worker<'a, T> {
    fn new(run: &'a Run<'a, T>, shared: &'a Shared<T>, buffers: &[T], member: Member<'a>, chunks: usize) -> Self {
        let widest = run.spec.hidden.iter().copied().max().unwrap_or(0);
        let per_layer = || run.spec.hidden.iter().map(|width| vec![T::ZERO; *width]).collect::<Vec<_>>();
        Self {
            run,
            shared,
            chunks: member.share(chunks).map(|_| Chunk::new(&run.spec)).collect(),
            member,
            means: per_layer(),
            inverses: per_layer(),
            factors: vec![T::ZERO; widest],
            mean_sums: vec![T::ZERO; widest],
            mean_products: vec![T::ZERO; widest],
            buffers: buffers.to_vec(),
            scales: vec![T::ZERO; run.spec.classes],
        }
    }

    fn run(mut self, progress: &dyn Progress) -> Finished<T> {
        let run = self.run;
        let leads = self.member.index == 0;
        let mut log = Vec::with_capacity(run.recipe.epochs);
        let mut trouble = None;
        'training: for epoch in 0..run.recipe.epochs {
            let learning_rate = run.recipe.rate(epoch);
            let mut epoch_loss = 0.0;
            for index in 0..run.batches.count() {
                let batch = run.batches.range(index);
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
        }
        Finished {
            buffers: self.buffers,
            log: TrainingLog { epochs: log },
            trouble,
        }
    }

    /// One mini-batch: forward, backward, update.
    fn step(&mut self, batch: &std::ops::Range<usize>, learning_rate: f64) {
        let count = chunk_count(batch);
        let mine: Vec<usize> = self.member.share(count).collect();
        for (chunk, &number) in self.chunks.iter_mut().zip(&mine) {
            chunk.load(&self.run.examples, chunk_range(batch, number));
        }
        self.set_loss_scales(batch);
        for layer in 0..self.run.spec.hidden.len() {
            self.forward(layer, batch, &mine);
        }
        self.head(&mine);
        for layer in (0..self.run.spec.hidden.len()).rev() {
            self.backward(layer, batch, &mine);
        }
        self.member.wait();
        self.update(count, learning_rate);
    }

    /// Weight of a row of each class in the batch's loss: its class weight over the sum of the rows' class weights.
    fn set_loss_scales(&mut self, batch: &std::ops::Range<usize>) {
        let examples = &self.run.examples;
        match &self.run.recipe.class_weights {
            None => self.scales.fill(T::from_f64(1.0 / batch.len() as f64)),
            Some(weights) => {
                let row = |position: usize| examples.rows.map_or(position, |rows| rows[position] as usize);
                let total: f64 = batch
                    .clone()
                    .map(|position| weights[usize::from(examples.labels[row(position)])])
                    .sum();
                // A batch whose rows all have weight 0 teaches nothing (PyTorch would give NaN).
                let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
                for (to, weight) in self.scales.iter_mut().zip(weights) {
                    *to = T::from_f64(weight * scale);
                }
            }
        }
    }

    fn forward(&mut self, layer: usize, batch: &std::ops::Range<usize>, mine: &[usize]) {
        let plan = &self.run.layers[layer];
        {
            let state = read(&self.shared.layers[layer]);
            for (chunk, &number) in self.chunks.iter_mut().zip(mine) {
                chunk.linear(layer, plan, &state.values[..plan.bias()]);
                let mut pair = write(&self.shared.moments[layer][number]);
                let Pair { first, second } = &mut *pair;
                chunk.moments(layer, first, second);
            }
        }
        self.member.wait();
        let state = read(&self.shared.layers[layer]);
        self.join_moments(layer, batch, &state.values[plan.bias()..plan.norm_weight()]);
        let (weights, biases) = norm_parameters(plan, &state.values);
        for chunk in self.chunks.iter_mut().take(mine.len()) {
            chunk.normalise(layer, &self.means[layer], &self.inverses[layer], weights, biases);
        }
    }

    /// Joins the chunks' statistics in their order, and updates the running ones. The linear bias, left out of z, is a part
    /// of the running mean.
    fn join_moments(&mut self, layer: usize, batch: &std::ops::Range<usize>, linear_bias: &[T]) {
        let rows = batch.len() as f64;
        let width = self.run.spec.hidden[layer];
        let start = 2 * self.run.spec.hidden[..layer].iter().sum::<usize>();
        let (running_mean, running_var) = self.buffers[start..start + 2 * width].split_at_mut(width);
        let parts: Vec<_> = self.shared.moments[layer][..chunk_count(batch)].iter().map(read).collect();
        let sizes: Vec<f64> = (0..parts.len()).map(|number| chunk_range(batch, number).len() as f64).collect();
        for feature in 0..width {
            let each = || parts.iter().zip(&sizes);
            let mean = each().map(|(part, size)| part.first[feature].to_f64() * size).sum::<f64>() / rows;
            let squares: f64 = each()
                .map(|(part, size)| part.second[feature].to_f64() + size * (part.first[feature].to_f64() - mean).powi(2))
                .sum();
            self.means[layer][feature] = T::from_f64(mean);
            self.inverses[layer][feature] = T::from_f64(1.0 / (squares / rows + NORM_EPSILON).sqrt());
            let blend = |old: T, new: f64| T::from_f64((1.0 - NORM_MOMENTUM) * old.to_f64() + NORM_MOMENTUM * new);
            running_mean[feature] = blend(running_mean[feature], mean + linear_bias[feature].to_f64());
            running_var[feature] = blend(running_var[feature], squares / (rows - 1.0));
        }
    }

    /// Loss, and the way back through the head.
    fn head(&mut self, mine: &[usize]) {
        let layer = self.run.layers.len() - 1;
        let plan = &self.run.layers[layer];
        let state = read(&self.shared.layers[layer]);
        let (weight, bias) = state.values.split_at(plan.bias());
        for (chunk, &number) in self.chunks.iter_mut().zip(mine) {
            chunk.head(plan, weight);
            *write(&self.shared.losses[number]) = chunk.cross_entropy(bias, self.run.examples.labels, &self.scales);
            let mut gradient = write(&self.shared.gradients[layer][number]);
            let (weight_part, bias_part) = gradient.split_at_mut(plan.bias());
            chunk.weight_gradient(layer, plan, T::ZERO, weight_part);
            bias_part.fill(T::ZERO);
            chunk.add_head_bias_gradient(bias_part);
            if layer > 0 {
                chunk.input_deltas(layer, plan, weight);
            }
        }
    }

    fn backward(&mut self, layer: usize, batch: &std::ops::Range<usize>, mine: &[usize]) {
        let plan = &self.run.layers[layer];
        let state = read(&self.shared.layers[layer]);
        let (weights, biases) = norm_parameters(plan, &state.values);
        for (chunk, &number) in self.chunks.iter_mut().zip(mine) {
            let mut pair = write(&self.shared.sums[layer][number]);
            let Pair { first, second } = &mut *pair;
            chunk.mask_and_sum(layer, weights, biases, first, second);
            // The linear bias keeps its gradient of 0 from the start.
            let mut gradient = write(&self.shared.gradients[layer][number]);
            gradient[plan.norm_weight()..plan.norm_bias()].copy_from_slice(second);
            gradient[plan.norm_bias()..].copy_from_slice(first);
        }
        self.member.wait();
        self.join_sums(layer, batch, weights);
        for (chunk, &number) in self.chunks.iter_mut().zip(mine) {
            let width = plan.outputs;
            chunk.through_norm(
                layer,
                &self.factors[..width],
                &self.mean_sums[..width],
                &self.mean_products[..width],
            );
            let mut gradient = write(&self.shared.gradients[layer][number]);
            chunk.weight_gradient(layer, plan, T::ZERO, &mut gradient[..plan.bias()]);
            if layer > 0 {
                chunk.input_deltas(layer, plan, &state.values[..plan.bias()]);
            }
        }
    }

    fn join_sums(&mut self, layer: usize, batch: &std::ops::Range<usize>, weights: &[T]) {
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

    /// Adds up the chunks' gradients and moves the parameters of this member's layers.
    fn update(&mut self, chunks: usize, learning_rate: f64) {
        let recipe = self.run.recipe;
        let rate = T::from_f64(learning_rate);
        for layer in self.member.share(self.run.layers.len()) {
            let guards: Vec<_> = self.shared.gradients[layer][..chunks].iter().map(read).collect();
            let parts: Vec<&[T]> = guards.iter().map(|guard| guard.as_slice()).collect();
            let mut state = write(&self.shared.layers[layer]);
            let LayerState { values, velocities } = &mut *state;
            if recipe.momentum > 0.0 {
                let (momentum, decay) = (T::from_f64(recipe.momentum), T::from_f64(recipe.weight_decay));
                kernels::descend_with_momentum(values, velocities, &parts, momentum, decay, rate);
            } else {
                let keep = T::from_f64(1.0 - learning_rate * recipe.weight_decay);
                kernels::descend(values, &parts, keep, rate);
            }
        }
    }
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
