//! A batch forward and backward through a network, on several threads.
//!
//! A batch is cut into at most [`MOST_PARTS`] parts of equally many images, whatever the number of threads; a part is worked on by
//! one thread. What joins the parts (batch-norm statistics, losses, gradients) is combined in the order of the parts, so results
//! are the same bits for any number of threads.

use std::ops::Range;
use std::sync::{RwLock, RwLockWriteGuard};

use super::convolution::Scratch;
use super::network::ImageNetwork;
use super::part::{NormValues, Part};
use super::plan::{Operation, Plan};
use super::shape::ImageShape;
use super::train::row_losses;
use super::winograd::Kernels;
use crate::error::Result;
use crate::nn::real::Real;
use crate::nn::steps::RowLosses;
use crate::nn::team::{self, Member, read, write};

/// Parts of a batch. Results depend on it (sums are combined part by part), so it is a constant and no tuning knob. Every part has
/// a gradient of its own, so memory grows with it.
const MOST_PARTS: usize = 8;

/// Parts of a batch of a network with this many parameters: fewer for those of which eight gradients would fill a machine's memory.
pub(super) fn most_parts(parameters: usize) -> usize {
    if parameters > 1 << 26 { MOST_PARTS / 2 } else { MOST_PARTS }
}

/// How batch norm normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By the mean and variance of the batch.
    Training,
    /// By the running statistics.
    Evaluation,
}

/// Mean and biased variance per channel of one batch norm's batch.
pub(super) type Moments = Vec<(f64, f64)>;

/// Turns the logits of some images of a batch (those in the range) into d loss / d logit; returns the sum of their losses.
pub(super) type LogitDeltas<'a, T> = &'a (dyn Fn(Range<usize>, &[T], &mut [T]) -> f64 + Sync);

/// Sums per channel, or means: of dy and of dy * xhat.
type Pairs<T> = Vec<(T, T)>;

/// Buffers of a pass, used again by the next one.
#[derive(Debug)]
pub(super) struct Workspace<T> {
    parts: Vec<RwLock<Part<T>>>,
    /// Gradient of the sum over each part's images.
    gradients: Vec<RwLock<Vec<T>>>,
    kernels: Kernels<T>,
    /// By member.
    scratches: Vec<RwLock<Scratch<T>>>,
    /// [`MOST_VALUES`], or less to see that it changes nothing.
    pub most_values: usize,
}

/// What a pass found beside the gradients, which stay in the workspace.
#[derive(Debug)]
pub(super) struct Passed {
    /// Sum over the images of weight * cross entropy, natural logarithm.
    pub loss: f64,
    /// By batch norm: what the batch was normalised with; empty in evaluation.
    pub moments: Vec<Moments>,
    /// Values per channel that stand behind each batch norm's moments.
    pub counts: Vec<usize>,
}

/// Images of each part of a batch.
fn part_size(images: usize, parameters: usize) -> usize {
    images.div_ceil(most_parts(parameters)).max(1)
}

/// Values on the way through a network that a thread holds where images know nothing of each other: half a gigabyte. Results depend on it
/// in the last places, so it is a constant and no tuning knob.
pub(super) const MOST_VALUES: usize = 1 << 27;

/// So many images as make at most that many values, and at least one.
pub(super) fn at_a_time(plan: &Plan, most_values: usize) -> usize {
    let values: usize = plan.shapes.iter().map(ImageShape::len).sum();
    (most_values / values.max(1)).max(1)
}

/// What batch norms normalise with in evaluation.
pub(super) fn frozen_norms<T: Real>(network: &ImageNetwork<T>) -> Vec<NormValues<T>> {
    let norm = |operation: &Operation| match operation {
        Operation::Norm { means, .. } => {
            let channels = means.len();
            let values = |range: Range<usize>| network.buffers()[range].iter().map(|value| value.to_f64());
            Some(NormValues::new(values(means.clone()), values(means.end..means.end + channels)))
        }
        _ => None,
    };
    network.plan().steps.iter().filter_map(|step| norm(&step.operation)).collect()
}

impl<T: Real> Workspace<T> {
    /// Buffers for the first pass to fill.
    pub fn new() -> Self {
        Self {
            parts: Vec::new(),
            gradients: Vec::new(),
            kernels: Kernels::default(),
            scratches: Vec::new(),
            most_values: MOST_VALUES,
        }
    }

    /// Forward and backward over a batch.
    pub fn pass(&mut self, network: &ImageNetwork<T>, images: &[T], mode: Mode, threads: usize, deltas: LogitDeltas<T>) -> Passed {
        let plan = network.plan();
        let count = images.len() / plan.shapes[0].len();
        let size = part_size(count, plan.parameters());
        let parts = count.div_ceil(size);
        while self.parts.len() < parts {
            self.parts.push(RwLock::new(Part::new(plan)));
            self.gradients.push(RwLock::new(Vec::new()));
        }
        self.parts.truncate(parts);
        self.gradients.truncate(parts);
        self.kernels.forget(plan.steps.len());
        let threads = threads.clamp(1, parts.max(1));
        self.scratches.resize_with(threads.max(self.scratches.len()), RwLock::default);
        let frozen = if mode == Mode::Evaluation {
            frozen_norms(network)
        } else {
            Vec::new()
        };
        let shared = Shared {
            network,
            images,
            size,
            workspace: self,
            frozen,
            statistics: (0..plan.norms).map(|_| (0..parts).map(|_| RwLock::default()).collect()).collect(),
            sums: (0..plan.norms).map(|_| (0..parts).map(|_| RwLock::default()).collect()).collect(),
        };
        let results = team::run(threads, |member| shared.member(&member, deltas));
        let mut passed = Passed {
            loss: 0.0,
            moments: Vec::new(),
            counts: Vec::new(),
        };
        let mut losses = vec![0.0; parts];
        for (index, (own_losses, moments, counts)) in results.into_iter().enumerate() {
            own_losses.into_iter().for_each(|(part, loss)| losses[part] += loss);
            if index == 0 {
                (passed.moments, passed.counts) = (moments, counts);
            }
        }
        passed.loss = losses.iter().sum();
        passed
    }

    /// The parts' gradients, in order, for as long as `then` runs.
    pub fn with_gradients<R>(&self, then: impl FnOnce(&[&[T]]) -> R) -> R {
        let guards: Vec<_> = self.gradients.iter().map(read).collect();
        let views: Vec<&[T]> = guards.iter().map(|guard| guard.as_slice()).collect();
        then(&views)
    }
}

/// What all members of a pass see.
struct Shared<'a, T> {
    network: &'a ImageNetwork<T>,
    images: &'a [T],
    size: usize,
    workspace: &'a Workspace<T>,
    frozen: Vec<NormValues<T>>,
    /// By batch norm, by part: count, and mean and squared deviations per channel.
    statistics: Vec<Vec<RwLock<(usize, Moments)>>>,
    /// By batch norm, by part: sums of dy and dy * xhat per channel.
    sums: Vec<Vec<RwLock<Pairs<T>>>>,
}

/// What one member leaves: losses of its parts, and the batch's statistics, which all members find alike.
type Left = (Vec<(usize, f64)>, Vec<Moments>, Vec<usize>);

/// What a member has at hand: parts of the batch with their numbers, and what the batch norms normalise with.
struct Own<'a, T> {
    numbers: Vec<usize>,
    parts: Vec<RwLockWriteGuard<'a, Part<T>>>,
    norms: Vec<NormValues<T>>,
    moments: Vec<Moments>,
    counts: Vec<usize>,
    scratch: RwLockWriteGuard<'a, Scratch<T>>,
}

impl<T: Real> Shared<'_, T> {
    fn training(&self) -> bool {
        self.frozen.is_empty()
    }

    fn member(&self, member: &Member, deltas: LogitDeltas<T>) -> Left {
        let plan = self.network.plan();
        let numbers: Vec<usize> = member.share(self.workspace.gradients.len()).collect();
        for number in &numbers {
            let mut gradient = write(&self.workspace.gradients[*number]);
            gradient.clear();
            gradient.resize(plan.parameters(), T::ZERO);
        }
        let images = self.images.len() / plan.shapes[0].len();
        let range = |number: usize| number * self.size..images.min((number + 1) * self.size);
        let mut own = Own {
            numbers: Vec::new(),
            parts: Vec::new(),
            norms: self.frozen.clone(),
            moments: Vec::new(),
            counts: Vec::new(),
            scratch: write(&self.workspace.scratches[member.index]),
        };
        let mut losses = Vec::new();
        if plan.norms > 0 && self.training() {
            // Batch norm needs all images of the batch at once.
            own.parts = numbers.iter().map(|number| write(&self.workspace.parts[*number])).collect();
            own.numbers = numbers;
            let ranges: Vec<_> = own.numbers.iter().map(|number| range(*number)).collect();
            self.both_ways(member, &mut own, &ranges, deltas, &mut losses);
        } else {
            // Images know nothing of each other: a few at a time, so that memory does not grow with the batch.
            own.parts = vec![write(&self.workspace.parts[member.index])];
            let few = at_a_time(plan, self.workspace.most_values);
            for number in numbers {
                own.numbers = vec![number];
                for start in range(number).step_by(few) {
                    let taken = start..range(number).end.min(start + few);
                    self.both_ways(member, &mut own, std::slice::from_ref(&taken), deltas, &mut losses);
                }
            }
        }
        (losses, own.moments, own.counts)
    }

    /// Takes images (a range for each of the member's parts) forward and backward.
    fn both_ways(
        &self,
        member: &Member,
        own: &mut Own<T>,
        ranges: &[Range<usize>],
        deltas: LogitDeltas<T>,
        losses: &mut Vec<(usize, f64)>,
    ) {
        let plan = self.network.plan();
        let values = plan.shapes[0].len();
        for (part, range) in own.parts.iter_mut().zip(ranges) {
            part.load(plan, &self.images[range.start * values..range.end * values]);
        }
        self.forward(member, own);
        for ((part, number), range) in own.parts.iter_mut().zip(&own.numbers).zip(ranges) {
            let mut loss = 0.0;
            part.set_logit_deltas(|logits, into| loss = deltas(range.clone(), logits, into));
            losses.push((*number, loss));
        }
        self.backward(member, own);
    }

    fn forward(&self, member: &Member, own: &mut Own<T>) {
        let plan = self.network.plan();
        let nothing = NormValues::default();
        for (index, step) in plan.steps.iter().enumerate() {
            if let Operation::Norm { number, .. } = &step.operation
                && self.training()
            {
                for (part, place) in own.parts.iter().zip(&own.numbers) {
                    let mut moments = vec![(0.0, 0.0); plan.shapes[step.input].channels];
                    part.moments(plan, step, &mut moments);
                    *write(&self.statistics[*number][*place]) = (part.count(plan, step), moments);
                }
                member.wait();
                let (count, found) = combine(&self.statistics[*number]);
                let means = found.iter().map(|(mean, _)| *mean);
                own.norms.push(NormValues::new(means, found.iter().map(|(_, variance)| *variance)));
                own.moments.push(found);
                own.counts.push(count);
            }
            let norm = match &step.operation {
                Operation::Norm { number, .. } => &own.norms[*number],
                _ => &nothing,
            };
            for part in &mut own.parts {
                part.forward(
                    plan,
                    index,
                    self.network.parameters(),
                    norm,
                    &self.workspace.kernels,
                    &mut own.scratch,
                );
            }
        }
    }

    fn backward(&self, member: &Member, own: &mut Own<T>) {
        let (plan, parameters) = (self.network.plan(), self.network.parameters());
        let gradients = own.numbers.iter().map(|number| write(&self.workspace.gradients[*number]));
        let mut gradients: Vec<_> = gradients.collect();
        for (index, step) in plan.steps.iter().enumerate().rev() {
            let Operation::Norm { number, weights, .. } = &step.operation else {
                for (part, gradient) in own.parts.iter_mut().zip(&mut gradients) {
                    part.backward(plan, index, parameters, gradient, &self.workspace.kernels, &mut own.scratch);
                }
                continue;
            };
            let norm = &own.norms[*number];
            for ((part, place), gradient) in own.parts.iter_mut().zip(&own.numbers).zip(&mut gradients) {
                let mut sums = vec![(T::ZERO, T::ZERO); weights.weight.len()];
                part.norm_sums(plan, index, norm, &mut sums);
                let (weight, bias) = super::part::both(gradient, weights);
                for ((weight, bias), (sum, product)) in weight.iter_mut().zip(bias).zip(&sums) {
                    *weight += *product;
                    *bias += *sum;
                }
                *write(&self.sums[*number][*place]) = sums;
            }
            let shares = self.training().then(|| {
                member.wait();
                shares(&self.sums[*number], own.counts[*number])
            });
            for part in &mut own.parts {
                part.norm_backward(plan, index, norm, &parameters[weights.weight.clone()], shares.as_deref());
            }
        }
    }
}

/// Count, and mean and biased variance per channel, of all parts (Chan, Golub, LeVeque 1983).
fn combine(parts: &[RwLock<(usize, Moments)>]) -> (usize, Moments) {
    let (mut total, mut moments) = (0, Moments::new());
    for part in parts {
        let part = read(part);
        let (count, own) = &*part;
        if moments.is_empty() {
            moments = vec![(0.0, 0.0); own.len()];
        }
        let (before, added) = (total as f64, *count as f64);
        for ((mean, squares), (own_mean, own_squares)) in moments.iter_mut().zip(own) {
            let difference = own_mean - *mean;
            *squares += own_squares + difference * difference * before * added / (before + added);
            *mean += difference * added / (before + added);
        }
        total += count;
    }
    for (_, squares) in &mut moments {
        *squares /= total as f64;
    }
    (total, moments)
}

/// Means of dy and dy * xhat over the batch.
fn shares<T: Real>(parts: &[RwLock<Pairs<T>>], count: usize) -> Pairs<T> {
    let mut totals = Vec::new();
    for part in parts {
        let part = read(part);
        totals.resize(part.len(), (0.0, 0.0));
        for (total, own) in totals.iter_mut().zip(part.iter()) {
            total.0 += own.0.to_f64();
            total.1 += own.1.to_f64();
        }
    }
    let share = |total: f64| T::from_f64(total / count as f64);
    totals.into_iter().map(|(sum, product)| (share(sum), share(product))).collect()
}

/// Cross entropy with softmax, natural logarithm: d loss / d logit = scale * (p - onehot) of every image into `deltas`; returns the
/// sum of scale * -ln p(label).
pub(super) fn cross_entropy<T: Real>(labels: &[u8], logits: &[T], scale: f64, deltas: &mut [T]) -> f64 {
    smoothed_cross_entropy(labels, logits, (scale, 0.0), deltas)
}

/// The same with labels of which the share `smoothing` is spread evenly over all classes: d loss / d logit = scale * (p - target), and the loss is
/// the sum of scale * sum over classes of -target * ln p.
pub(super) fn smoothed_cross_entropy<T: Real>(labels: &[u8], logits: &[T], (scale, smoothing): (f64, f64), deltas: &mut [T]) -> f64 {
    let classes = logits.len() / labels.len().max(1);
    let mut loss = 0.0;
    for ((label, logits), deltas) in labels
        .iter()
        .zip(logits.chunks_exact(classes))
        .zip(deltas.chunks_exact_mut(classes))
    {
        let wide = || logits.iter().map(|logit| logit.to_f64());
        // A NaN stays one: `max` would drop it, and a diverged model must not look healthy.
        let largest = wide().fold(f64::NEG_INFINITY, |top, logit| if logit <= top { top } else { logit });
        let total: f64 = wide().map(|logit| (logit - largest).exp()).sum();
        let (label, even) = (usize::from(*label), smoothing / classes as f64);
        for (class, (delta, logit)) in deltas.iter_mut().zip(wide()).enumerate() {
            let probability = (logit - largest).exp() / total;
            let target = even + (1.0 - smoothing) * f64::from(u8::from(class == label));
            *delta = T::from_f64(scale * (probability - target));
        }
        let mut expected = (1.0 - smoothing) * logits[label].to_f64();
        if smoothing > 0.0 {
            expected += even * wide().sum::<f64>();
        }
        loss += scale * (total.ln() + largest - expected);
    }
    loss
}

/// Mean cross entropy of labelled images and its gradient in network order. Nothing changes, not even running statistics.
///
/// # Errors
/// Where images and labels do not fit each other or the network, or there are too few for batch norm.
pub fn image_gradient<T: Real>(
    network: &ImageNetwork<T>,
    images: &[T],
    labels: &[u8],
    mode: Mode,
    threads: usize,
) -> Result<(f64, Vec<T>)> {
    network.check(images, labels)?;
    let scale = 1.0 / labels.len() as f64;
    Ok(gradient_of(network, images, mode, threads, &|range, logits, deltas| {
        cross_entropy(&labels[range], logits, scale, deltas)
    }))
}

/// Loss and gradient of images whose losses differ, as [`image_gradient`].
///
/// # Errors
/// As [`image_gradient`].
pub fn image_loss_gradient<T: Real>(
    network: &ImageNetwork<T>,
    images: &[T],
    losses: &RowLosses<T>,
    mode: Mode,
    threads: usize,
) -> Result<(f64, Vec<T>)> {
    network.check(images, losses.labels)?;
    losses.check(losses.labels.len(), network.spec().classes)?;
    Ok(gradient_of(network, images, mode, threads, &|range, logits, deltas| {
        row_losses(losses, range, logits, deltas)
    }))
}

fn gradient_of<T: Real>(network: &ImageNetwork<T>, images: &[T], mode: Mode, threads: usize, deltas: LogitDeltas<T>) -> (f64, Vec<T>) {
    let mut workspace = Workspace::new();
    let passed = workspace.pass(network, images, mode, threads, deltas);
    let mut gradient = vec![T::ZERO; network.parameters().len()];
    workspace.with_gradients(|parts| {
        for part in parts {
            super::kernels::add_into(&mut gradient, part);
        }
    });
    (passed.loss, gradient)
}
