//! How a network is trained, for every kind of network.

use std::ops::Range;

use rand::seq::SliceRandom;

use super::{Batch, Classifier, Compute, Rows};
use crate::error::{Error, Result};
use crate::nn::images::{ImageRecipe, Length, Schedule};
use crate::nn::{EpochLog, Real, Recipe, RowLosses, Sgd, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

/// A plan of training: in which order rows are seen, and how large the steps are.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Rows in the order given, in every epoch: tables in time order.
    InOrder(Recipe),
    /// Rows in a new order in every epoch, drawn from the seed: images.
    Shuffled {
        /// Lengths, rates and schedule.
        recipe: ImageRecipe,
        /// Of the orders.
        seed: Seed,
        /// Number of the first epoch, for orders and augmentation: 0, or the epochs done before by a training that this one continues.
        first_epoch: usize,
    },
}

impl From<&Recipe> for Plan {
    fn from(recipe: &Recipe) -> Self {
        Self::InOrder(recipe.clone())
    }
}

/// How a model was trained, as far as methods need to know it to choose their own steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingSchedule {
    /// Rows of a mini-batch.
    pub batch: usize,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Learning rate of the first pass.
    pub first_rate: f64,
    /// Factor on the learning rate per pass.
    pub decay: f64,
    /// Learning rate of the pass after the last.
    pub next_rate: f64,
}

impl Plan {
    /// A training of images from the start.
    pub fn shuffled(recipe: &ImageRecipe, seed: Seed) -> Self {
        Self::Shuffled {
            recipe: recipe.clone(),
            seed,
            first_epoch: 0,
        }
    }

    /// Rows of a mini-batch.
    pub fn batch(&self) -> usize {
        match self {
            Self::InOrder(recipe) => recipe.batch,
            Self::Shuffled { recipe, .. } => recipe.batch,
        }
    }

    /// Passes over a set of `rows` rows.
    pub fn epochs(&self, rows: usize) -> usize {
        match self {
            Self::InOrder(recipe) => recipe.epochs,
            Self::Shuffled { recipe, .. } => match recipe.length {
                Length::Epochs(epochs) => epochs,
                Length::Steps(steps) => steps.div_ceil(recipe.steps_per_epoch(rows)),
            },
        }
    }

    /// What methods need to know. The decay of a plan that has none is the one that leads from its highest rate to the next one in as
    /// many even steps as it has epochs.
    pub fn schedule(&self, rows: usize) -> TrainingSchedule {
        let (batch, epochs, next_rate) = (self.batch(), self.epochs(rows), self.next_rate(rows));
        let (first_rate, decay) = match self {
            Self::InOrder(recipe) => (recipe.rate(0), recipe.decay),
            Self::Shuffled { recipe, .. } => (
                recipe.learning_rate,
                (next_rate / recipe.learning_rate).powf(1.0 / epochs.max(1) as f64),
            ),
        };
        TrainingSchedule {
            batch,
            epochs,
            first_rate,
            decay,
            next_rate,
        }
    }

    /// Learning rate of the step after the last; a schedule that ends at 0 goes on at a thousandth of its highest.
    fn next_rate(&self, rows: usize) -> f64 {
        match self {
            Self::InOrder(recipe) => recipe.rate(recipe.epochs),
            Self::Shuffled { recipe, .. } => recipe.rate(recipe.steps(rows), rows).max(1e-3 * recipe.learning_rate),
        }
    }

    /// Learning rates of `steps` steps, `per_pass` of them a pass, that begin again at `first_rate` and fall as the training's did: by its
    /// decay per pass; or along its whole schedule, warm-up and milestones included, gone through in `steps` steps.
    pub fn rates(&self, rows: usize, steps: usize, per_pass: usize, first_rate: f64) -> Vec<f64> {
        match self {
            Self::InOrder(recipe) => {
                let pass = |step: usize| i32::try_from(step / per_pass.max(1)).unwrap_or(i32::MAX);
                (0..steps).map(|step| first_rate * recipe.decay.powi(pass(step))).collect()
            }
            Self::Shuffled { recipe, .. } => {
                let all = recipe.steps(rows);
                let share = first_rate / recipe.learning_rate;
                let at = |step: usize| (step as f64 + 0.5) / steps.max(1) as f64 * all as f64;
                (0..steps).map(|step| share * recipe.rate(at(step) as usize, rows)).collect()
            }
        }
    }

    /// The plan that goes on for `epochs` epochs where this one, over `rows` rows, ends.
    #[must_use]
    pub fn continued(&self, epochs: usize, rows: usize) -> Self {
        match self {
            Self::InOrder(recipe) => Self::InOrder(recipe.continued(epochs)),
            Self::Shuffled { recipe, seed, .. } => Self::Shuffled {
                recipe: ImageRecipe {
                    length: Length::Epochs(epochs),
                    learning_rate: self.next_rate(rows),
                    schedule: Schedule::Milestones {
                        milestones: Vec::new(),
                        factor: 1.0,
                        warm_up: 0,
                    },
                    ..recipe.clone()
                },
                seed: *seed,
                first_epoch: self.epochs(rows),
            },
        }
    }

    /// Number of the first epoch.
    fn first_epoch(&self) -> usize {
        match self {
            Self::InOrder(recipe) => recipe.first_epoch,
            Self::Shuffled { first_epoch, .. } => *first_epoch,
        }
    }

    /// Mini-batches of an epoch, as positions in its order; a single row left over joins the batch before it.
    fn batches(&self, rows: usize) -> Vec<Range<usize>> {
        let batch = self.batch().max(1);
        let mut runs: Vec<Range<usize>> = (0..rows).step_by(batch).map(|start| start..rows.min(start + batch)).collect();
        if runs.len() > 1 && runs.last().is_some_and(|last| last.len() == 1) {
            runs.pop();
            if let Some(last) = runs.last_mut() {
                last.end = rows;
            }
        }
        runs
    }

    /// Mini-batches in all.
    fn steps(&self, rows: usize) -> usize {
        match self {
            Self::InOrder(recipe) => recipe.epochs * self.batches(rows).len(),
            Self::Shuffled { recipe, .. } => recipe.steps(rows),
        }
    }

    /// Learning rate of a step, counted from 0, which lies in this epoch of the plan.
    fn rate(&self, step: usize, epoch: usize, rows: usize) -> f64 {
        match self {
            Self::InOrder(recipe) => recipe.rate(epoch),
            Self::Shuffled { recipe, .. } => recipe.rate(step, rows),
        }
    }

    /// Positions of the rows in the order of an epoch.
    fn epoch_order(&self, epoch: usize, rows: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        if let Self::Shuffled { seed, .. } = self {
            order.shuffle(&mut seed.stream("batches", epoch as u64));
        }
        order
    }

    /// How training takes its steps.
    fn optimiser(&self) -> Sgd {
        match self {
            Self::InOrder(recipe) => Sgd {
                momentum: recipe.momentum,
                nesterov: false,
                weight_decay: recipe.weight_decay,
                from: 0,
            },
            Self::Shuffled { recipe, .. } => recipe.sgd(),
        }
    }

    /// How a repair takes its steps: with the weight decay of the training; with its momentum where the rows are shuffled.
    pub fn repair_steps(&self) -> Sgd {
        match self {
            Self::InOrder(recipe) => Sgd {
                momentum: 0.0,
                nesterov: false,
                weight_decay: recipe.weight_decay,
                from: 0,
            },
            Self::Shuffled { recipe, .. } => recipe.sgd(),
        }
    }

    /// Weight of each class in the loss; `None` where all count the same.
    pub fn class_weights(&self) -> Option<&[f64]> {
        match self {
            Self::InOrder(recipe) => recipe.class_weights.as_deref(),
            Self::Shuffled { .. } => None,
        }
    }

    /// Share of every training label that is spread evenly over all classes.
    pub fn label_smoothing(&self) -> f64 {
        match self {
            Self::InOrder(_) => 0.0,
            Self::Shuffled { recipe, .. } => recipe.label_smoothing,
        }
    }

    /// The order in which a repair goes through `rows` rows: as they are, or, where training shuffles, one drawn once from the seed.
    pub fn order(&self, name: &str, rows: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        if let Self::Shuffled { seed, .. } = self {
            order.shuffle(&mut seed.stream(name, 0));
        }
        order
    }
}

/// Trains any classifier step by step: what a network without a trainer of its own does.
///
/// # Errors
/// As [`Classifier::train`].
pub(super) fn train_by_steps<C: Classifier>(
    start: &C,
    (rows, which): (&Rows<C::Value>, &[u32]),
    plan: &Plan,
    compute: Compute,
    progress: &dyn Progress,
) -> Result<(C, TrainingLog)> {
    let mut stepper = start.stepper(*rows, plan.optimiser(), compute)?;
    let mut left = plan.steps(which.len());
    // A smoothed label is a part of the label and a part of a soft target that is the same for all classes.
    let (smoothing, classes) = (plan.label_smoothing(), start.classes());
    let longest = plan.batches(which.len()).iter().map(Range::len).max().unwrap_or_default();
    let even = vec![C::Value::from_f64(1.0 / classes as f64); if smoothing > 0.0 { longest * classes } else { 0 }];
    progress.start("training", left as u64);
    let mut epochs: Vec<EpochLog> = Vec::new();
    while left > 0 {
        let epoch = plan.first_epoch() + epochs.len();
        let order: Vec<u32> = plan
            .epoch_order(epoch, which.len())
            .iter()
            .map(|place| which[*place as usize])
            .collect();
        let (mut loss, mut seen, mut first_rate) = (0.0, 0, None);
        for range in plan.batches(which.len()) {
            if left == 0 {
                break;
            }
            progress.check()?;
            let own = &order[range];
            let labels: Vec<u8> = own.iter().map(|row| rows.labels()[*row as usize]).collect();
            let weight = |label: &u8| plan.class_weights().map_or(1.0, |weights| weights[usize::from(*label)]);
            let total: f64 = labels.iter().map(weight).sum();
            let share = |label: &u8| if total > 0.0 { weight(label) / total } else { 0.0 };
            let (targets, target_weights) = match smoothing > 0.0 {
                true => (
                    &even[..own.len() * classes],
                    labels.iter().map(|label| smoothing * share(label)).collect(),
                ),
                false => (&[][..], Vec::new()),
            };
            let batch = Batch {
                epoch: epoch as u32,
                which: own,
                losses: RowLosses {
                    labels: &labels,
                    label_weights: &labels.iter().map(|label| (1.0 - smoothing) * share(label)).collect::<Vec<_>>(),
                    targets,
                    target_weights: &target_weights,
                    temperature: 1.0,
                    entropy_weights: &[],
                },
            };
            let rate = plan.rate(plan.steps(which.len()) - left, epochs.len(), which.len());
            first_rate = first_rate.or(Some(rate));
            // The steps count the divergence from a soft target, which is less by the target's entropy.
            loss += own.len() as f64 * (stepper.step(&batch, rate)? + smoothing * (classes as f64).ln());
            seen += own.len();
            left -= 1;
            progress.advance(1);
        }
        epochs.push(EpochLog {
            epoch,
            learning_rate: first_rate.unwrap_or_default(),
            loss: loss / seen.max(1) as f64,
        });
    }
    progress.finish();
    let trained = stepper.finish()?;
    if !trained.is_finite() {
        return Err(Error::input("training diverged: a weight is no longer a finite number").hint("choose a lower learning rate"));
    }
    Ok((trained, TrainingLog { epochs }))
}
