//! Training of image networks: SGD with momentum and weight decay, as `torch.optim.SGD` does it, and its learning rates.

use std::ops::Range;
use std::sync::RwLock;

use serde::{Deserialize, Serialize};

use super::device::{Back, Batch, Compute, OnDevice};
use super::network::ImageNetwork;
use super::pass::{LogitDeltas, Mode, Passed, Workspace, smoothed_cross_entropy};
use super::plan::Operation;
use super::source::ImageSource;
use crate::error::{Error, Result};
use crate::nn::Real;
use crate::nn::kernels;
use crate::nn::network::NORM_MOMENTUM;
use crate::nn::steps::{RowLosses, Sgd, row_loss};
use crate::nn::team::{self, write};

/// Parameters that a thread updates at a time.
const BLOCK: usize = 1 << 16;

/// How long to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// Passes over all images.
    Epochs(usize),
    /// Mini-batches.
    Steps(usize),
}

/// How the learning rate changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Times `factor` from each of the epochs `milestones` on (counted from 1); in the first `warm_up` epochs it grows from 0, step
    /// by step, to the learning rate. SSD's published training.
    Milestones {
        /// Epochs, counted from 1, rising.
        milestones: Vec<usize>,
        /// Above 0.
        factor: f64,
        /// Epochs.
        warm_up: usize,
    },
    /// Grows from 0 in the first share `warm_up` of the steps, then falls in a straight line that would reach 0 at `reach` times the
    /// steps. The corrective benchmark's training.
    Linear {
        /// Share, 0 to below 1.
        warm_up: f64,
        /// 1 or above.
        reach: f64,
    },
}

/// How an image network is trained. Every epoch draws a new order of the images; the last batch may be smaller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecipe {
    /// How long.
    pub length: Length,
    /// Images of a mini-batch. A single image left over at the end of an epoch joins the batch before it.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// From 0 to below 1; velocities start at 0 (PyTorch's `SGD` without dampening).
    pub momentum: f64,
    /// Steps go by Nesterov's momentum, as PyTorch's `SGD` does them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nesterov: bool,
    /// This times the parameter is added to its gradient, for every trainable parameter.
    pub weight_decay: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Share of every training label that is spread evenly over all classes, from 0 to below 1 (Szegedy et al. 2016, section 7).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl ImageRecipe {
    /// SSD's published training of CIFAR networks (arXiv 2308.07707): learning rate 0.1, momentum 0.9, weight decay 5e-4, factor 0.2,
    /// one warm-up epoch, batches of 64; 20 epochs with milestones 8, 12, 16 for 10 classes, 40 with 15, 30, 35 for 20, else 200 with
    /// 60, 120, 160.
    pub fn published_forgetting(classes: usize) -> Self {
        let (epochs, milestones) = match classes {
            10 => (20, vec![8, 12, 16]),
            20 => (40, vec![15, 30, 35]),
            _ => (200, vec![60, 120, 160]),
        };
        Self {
            length: Length::Epochs(epochs),
            batch: 64,
            learning_rate: 0.1,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-4,
            schedule: Schedule::Milestones {
                milestones,
                factor: 0.2,
                warm_up: 1,
            },
            label_smoothing: 0.0,
        }
    }

    /// [`ImageRecipe::published_forgetting`] of the network of this name: a vision transformer, which starts from published weights, has
    /// 8 epochs with milestone 7, and 9 with milestone 8 for 20 classes.
    pub fn published_forgetting_of(network: &str, classes: usize) -> Self {
        if network == super::zoo::FAST {
            return Self::fast();
        }
        let mut recipe = Self::published_forgetting(classes);
        if network.starts_with("vit-") {
            let epochs = if classes == 20 { 9 } else { 8 };
            recipe.length = Length::Epochs(epochs);
            recipe.schedule = Schedule::Milestones {
                milestones: vec![epochs - 1],
                factor: 0.2,
                warm_up: 1,
            };
        }
        recipe
    }

    /// The corrective benchmark's (arXiv 2402.14015): this many steps of 512 images, learning rate 0.025, 1 % warm-up, then in a straight
    /// line towards 0 at 1.25 times the steps; momentum 0.9 and weight decay 5e-4.
    pub fn published_corrective(steps: usize) -> Self {
        Self {
            length: Length::Steps(steps),
            batch: 512,
            learning_rate: 0.025,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-4,
            schedule: Schedule::Linear {
                warm_up: 0.01,
                reach: 1.25,
            },
            label_smoothing: 0.0,
        }
    }

    /// Of the network `fast`, after airbench94 (arXiv 2404.00498): 10 passes in batches of 1,024, labels smoothed by 0.2, learning rate 1.5, which
    /// rises over the first fifth of the steps and falls to 0.
    pub fn fast() -> Self {
        Self {
            length: Length::Epochs(10),
            batch: 1_024,
            learning_rate: 1.5,
            momentum: 0.85,
            nesterov: true,
            weight_decay: 0.00133,
            schedule: Schedule::Linear { warm_up: 0.2, reach: 1.0 },
            label_smoothing: 0.2,
        }
    }

    /// [`ImageRecipe::published_corrective`] of the network of this name: `fast` has a training of its own.
    pub fn published_corrective_of(network: &str, steps: usize) -> Self {
        if network == super::zoo::FAST {
            Self::fast()
        } else {
            Self::published_corrective(steps)
        }
    }

    /// How a step is taken.
    pub fn sgd(&self) -> Sgd {
        Sgd {
            momentum: self.momentum,
            nesterov: self.nesterov,
            weight_decay: self.weight_decay,
            from: 0,
        }
    }

    /// Mini-batches of one epoch over this many images.
    pub fn steps_per_epoch(&self, images: usize) -> usize {
        let whole = images.div_ceil(self.batch.max(1)).max(1);
        if whole > 1 && images % self.batch == 1 { whole - 1 } else { whole }
    }

    /// Mini-batches in all.
    pub fn steps(&self, images: usize) -> usize {
        match self.length {
            Length::Epochs(epochs) => epochs.saturating_mul(self.steps_per_epoch(images)),
            Length::Steps(steps) => steps,
        }
    }

    /// Learning rate of step `step`, counted from 0, where there are this many images.
    pub fn rate(&self, step: usize, images: usize) -> f64 {
        let per_epoch = self.steps_per_epoch(images);
        match &self.schedule {
            Schedule::Milestones {
                milestones,
                factor,
                warm_up,
            } => {
                let warming = warm_up * per_epoch;
                if step < warming {
                    return self.learning_rate * step as f64 / warming as f64;
                }
                let epoch = step / per_epoch + 1;
                let passed = milestones.iter().filter(|milestone| **milestone <= epoch).count();
                self.learning_rate * factor.powi(passed as i32)
            }
            Schedule::Linear { warm_up, reach } => {
                let steps = self.steps(images) as f64;
                let (at, warming) = (step as f64, warm_up * steps);
                if at < warming {
                    return self.learning_rate * at / warming;
                }
                self.learning_rate * (reach * steps - at) / (reach * steps - warming)
            }
        }
    }

    /// That every setting is in its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<()> {
        let wrong = |name: &str, value: f64, range: &str| Err(Error::input(format!("{name} is {value}, and must be {range}")));
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate", self.learning_rate, "a number above 0");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return wrong("the momentum", self.momentum, "from 0 to below 1");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return wrong("the weight decay", self.weight_decay, "a number from 0 up");
        }
        if self.batch < 2 {
            return wrong("the batch size", self.batch as f64, "at least 2");
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return wrong("the label smoothing", self.label_smoothing, "from 0 to below 1");
        }
        match &self.schedule {
            Schedule::Milestones { factor, .. } if !(*factor > 0.0 && factor.is_finite()) => {
                wrong("the factor on the learning rate", *factor, "a number above 0")
            }
            Schedule::Linear { warm_up, .. } if !(0.0..1.0).contains(warm_up) => wrong("the warm-up", *warm_up, "from 0 to below 1"),
            Schedule::Linear { reach, .. } if !(*reach >= 1.0 && reach.is_finite()) => {
                wrong("the point where the learning rate would reach 0", *reach, "1 or above")
            }
            _ => Ok(()),
        }
    }
}

/// Takes steps of SGD on an image network that it owns, with memory of its velocities.
pub struct ImageStepper<'c, T: Real> {
    network: ImageNetwork<T>,
    backend: Backend<'c, T>,
    threads: usize,
}

/// Where steps are taken.
enum Backend<'c, T> {
    Processor { workspace: Box<Workspace<T>>, velocities: Vec<T> },
    Device(OnDevice<'c>),
}

/// The images of a step.
#[derive(Clone, Copy)]
pub enum StepImages<'a, T> {
    /// Normalised values, image after image.
    Values(&'a [T]),
    /// Rows of a source as they are in an epoch.
    Rows {
        /// The source; always the same one.
        source: &'a dyn ImageSource<T>,
        /// Epoch.
        epoch: u32,
        /// Rows.
        rows: &'a [u32],
    },
}

impl<'c, T: Real> ImageStepper<'c, T> {
    /// Velocities are 0.
    ///
    /// # Errors
    /// Where the device that computes has no room.
    pub fn new(network: ImageNetwork<T>, compute: impl Into<Compute<'c>>) -> Result<Self> {
        let compute = compute.into();
        let backend = match compute.start(&network)? {
            Some(device) => Backend::Device(device),
            None => Backend::Processor {
                workspace: Box::new(Workspace::new()),
                velocities: vec![T::ZERO; network.parameters().len()],
            },
        };
        Ok(Self {
            network,
            backend,
            threads: compute.threads.max(1),
        })
    }

    /// Steps will be taken on rows of this source: a device may keep its images at hand.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn upload(&mut self, source: &dyn ImageSource<T>) -> Result<()> {
        match &mut self.backend {
            Backend::Device(device) => device.upload(source),
            Backend::Processor { .. } => Ok(()),
        }
    }

    /// One step on the mean cross entropy of a batch, its labels smoothed as the recipe says: velocity = momentum * velocity + gradient + decay * parameter, parameter = parameter
    /// - rate * velocity (or Nesterov's step). Batch norm uses the batch's statistics and updates the running ones. Returns the mean loss before.
    ///
    /// # Errors
    /// Where the pieces do not fit each other, batch norm has a single value, or the loss is not a finite number; the network is
    /// then as it was, but for running statistics on a device.
    pub fn step(&mut self, images: StepImages<T>, labels: &[u8], recipe: &ImageRecipe, rate: f64) -> Result<f64> {
        let (scale, smoothing) = (1.0 / labels.len() as f64, recipe.label_smoothing);
        self.take(images, labels, recipe.sgd(), rate, &|range, logits, deltas| {
            smoothed_cross_entropy(&labels[range], logits, (scale, smoothing), deltas)
        })
    }

    /// One step, as [`ImageStepper::step`], on a loss that differs from image to image. Returns the loss before.
    ///
    /// # Errors
    /// As [`ImageStepper::step`].
    pub fn step_on(&mut self, images: StepImages<T>, losses: &RowLosses<T>, sgd: Sgd, rate: f64) -> Result<f64> {
        let classes = self.network.spec().classes;
        losses.check(losses.labels.len(), classes)?;
        self.take(images, losses.labels, sgd, rate, &|range, logits, deltas| {
            row_losses(losses, range, logits, deltas)
        })
    }

    /// A step on the loss that `deltas` makes of the logits.
    fn take(&mut self, images: StepImages<T>, labels: &[u8], sgd: Sgd, rate: f64, deltas: LogitDeltas<'_, T>) -> Result<f64> {
        let sgd = Sgd {
            from: sgd.from.max(self.network.kept_weights()),
            ..sgd
        };
        let finite = |loss: f64| match loss.is_finite() {
            true => Ok(()),
            false => Err(Error::input(format!("training diverged at learning rate {rate}")).hint("choose a lower learning rate")),
        };
        match &mut self.backend {
            Backend::Device(device) => {
                let batch = match images {
                    StepImages::Values(values) => {
                        self.network.check(values, labels)?;
                        Batch::Values(values)
                    }
                    StepImages::Rows { source, epoch, rows } => {
                        self.network.check_labels(labels, rows.len())?;
                        Batch::Rows(source, epoch, rows)
                    }
                };
                let classes = self.network.spec().classes;
                let loss = device.pass(&batch, Mode::Training, Back::Gradient, classes, deltas, &finite)?;
                device.descend(sgd, rate)?;
                Ok(loss)
            }
            Backend::Processor { workspace, velocities } => {
                let mut filled = Vec::new();
                let values = match images {
                    StepImages::Values(values) => values,
                    StepImages::Rows { source, epoch, rows } => {
                        filled.resize(rows.len() * source.shape().len(), T::ZERO);
                        source.fill(epoch, rows, self.threads, &mut filled)?;
                        &filled
                    }
                };
                self.network.check(values, labels)?;
                let passed = workspace.pass(&self.network, values, Mode::Training, self.threads, deltas);
                if passed.counts.contains(&1) {
                    return Err(Error::input(
                        "batch norm needs more than one value: use a batch of at least 2 images",
                    ));
                }
                finite(passed.loss)?;
                descend(workspace, velocities, &mut self.network, sgd, rate, self.threads);
                update_running(&mut self.network, &passed);
                Ok(passed.loss)
            }
        }
    }

    /// The network as it is now.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn network(&mut self) -> Result<&ImageNetwork<T>> {
        if let Backend::Device(device) = &self.backend {
            device.read_into(&mut self.network)?;
        }
        Ok(&self.network)
    }

    /// The same, at the end.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn into_network(mut self) -> Result<ImageNetwork<T>> {
        self.network()?;
        Ok(self.network)
    }

    /// The velocities, one per parameter.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn velocities(&self) -> Result<Vec<T>> {
        match &self.backend {
            Backend::Device(device) => device.velocities(),
            Backend::Processor { velocities, .. } => Ok(velocities.clone()),
        }
    }

    /// Goes on with the velocities of another stepper on a network of the same shape.
    ///
    /// # Errors
    /// Where their number is another.
    pub fn set_velocities(&mut self, new: Vec<T>) -> Result<()> {
        if new.len() != self.network.parameters().len() {
            return Err(Error::internal("the velocities belong to another network"));
        }
        match &mut self.backend {
            Backend::Device(device) => device.set_velocities(&new)?,
            Backend::Processor { velocities, .. } => *velocities = new,
        }
        Ok(())
    }
}

/// d loss / d logit of the images in `range` into `deltas`; returns the sum of their losses.
pub(super) fn row_losses<T: Real>(losses: &RowLosses<T>, range: Range<usize>, logits: &[T], deltas: &mut [T]) -> f64 {
    let classes = logits.len() / range.len().max(1);
    let (mut loss, mut own) = (0.0, vec![0.0; classes]);
    for (row, (logits, deltas)) in range.zip(logits.chunks_exact(classes).zip(deltas.chunks_exact_mut(classes))) {
        let logits: Vec<f64> = logits.iter().map(|logit| logit.to_f64()).collect();
        row_loss(&logits, row, losses, &mut own, &mut loss);
        for (delta, own) in deltas.iter_mut().zip(&own) {
            *delta = T::from_f64(*own);
        }
    }
    loss
}

fn descend<T: Real>(workspace: &Workspace<T>, velocities: &mut [T], network: &mut ImageNetwork<T>, sgd: Sgd, rate: f64, threads: usize) {
    let (momentum, decay, rate) = (T::from_f64(sgd.momentum), T::from_f64(sgd.weight_decay), T::from_f64(rate));
    let values = network.parameters_mut();
    let from = sgd.from.min(values.len());
    let blocks: Vec<_> = values[from..]
        .chunks_mut(BLOCK)
        .zip(velocities[from..].chunks_mut(BLOCK))
        .map(RwLock::new)
        .collect();
    workspace.with_gradients(|parts| {
        team::run(threads.min(blocks.len().max(1)), |member| {
            for index in member.share(blocks.len()) {
                let mut block = write(&blocks[index]);
                let (values, velocities) = &mut *block;
                let start = from + index * BLOCK;
                let parts: Vec<&[T]> = parts.iter().map(|part| &part[start..start + values.len()]).collect();
                kernels::descend_with_momentum(values, velocities, &parts, (momentum, sgd.nesterov), decay, rate);
            }
        });
    });
}

/// Moves running statistics by a tenth towards the batch's: its mean and unbiased variance.
fn update_running<T: Real>(network: &mut ImageNetwork<T>, passed: &Passed) {
    let norms = network.plan().steps.iter().filter_map(|step| match &step.operation {
        Operation::Norm { means, .. } => Some(means.clone()),
        _ => None,
    });
    let places: Vec<_> = norms.collect();
    for ((place, moments), count) in places.into_iter().zip(&passed.moments).zip(&passed.counts) {
        let unbiased = *count as f64 / (*count as f64 - 1.0);
        let (means, variances) = network.buffers_mut()[place.start..].split_at_mut(place.len());
        for ((mean, variance), (new_mean, new_variance)) in means.iter_mut().zip(variances).zip(moments) {
            let moved = |old: T, new: f64| T::from_f64((1.0 - NORM_MOMENTUM) * old.to_f64() + NORM_MOMENTUM * new);
            *mean = moved(*mean, *new_mean);
            *variance = moved(*variance, new_variance * unbiased);
        }
    }
}
