//! Training of image networks, epoch by epoch: it can be stopped after any of them and goes on later with the same bytes as if it
//! never had been.

use rand::seq::SliceRandom;

use super::device::Compute;
use super::network::ImageNetwork;
use super::source::ImageSource;
use super::train::{ImageRecipe, ImageStepper, StepImages};
use crate::error::{Error, Result};
use crate::nn::{EpochLog, Real, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

/// Where a training stands after some epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<T> {
    /// Weights and running statistics.
    pub network: ImageNetwork<T>,
    /// Velocities of SGD, one per parameter.
    pub velocities: Vec<T>,
    /// What training saw, one entry per epoch done.
    pub epochs: Vec<EpochLog>,
}

/// Keeps checkpoints.
pub trait Checkpoints<T> {
    /// The last one kept; `None` where there is none that can be used.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn last(&self) -> Result<Option<Checkpoint<T>>>;
    /// Keeps one in place of the one before.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn keep(&self, checkpoint: &Checkpoint<T>) -> Result<()>;
}

/// Keeps none.
#[derive(Debug, Clone, Copy)]
pub struct NoCheckpoints;

impl<T> Checkpoints<T> for NoCheckpoints {
    fn last(&self) -> Result<Option<Checkpoint<T>>> {
        Ok(None)
    }

    fn keep(&self, _checkpoint: &Checkpoint<T>) -> Result<()> {
        Ok(())
    }
}

/// What a training goes by.
#[derive(Clone, Copy)]
pub struct ImageTraining<'a, T> {
    /// The images.
    pub source: &'a dyn ImageSource<T>,
    /// How.
    pub recipe: &'a ImageRecipe,
    /// Of the order of the images.
    pub seed: Seed,
    /// Number of the first epoch, for orders and augmentation: 0, or the epochs done before by a training that this one continues.
    pub first_epoch: usize,
    /// What computes; threads change no result.
    pub compute: Compute<'a>,
}

impl<T: Real> ImageTraining<'_, T> {
    fn check(&self, network: &ImageNetwork<T>) -> Result<()> {
        self.recipe.check()?;
        let (shape, images) = (self.source.shape(), self.source.labels().len());
        if shape != network.spec().input {
            return Err(Error::input(format!(
                "the images are {shape} and the network takes {}",
                network.spec().input
            )));
        }
        if images < 2 || images > u32::MAX as usize {
            return Err(Error::input(format!("a network cannot be trained on {images} images")));
        }
        Ok(())
    }

    /// Trains from `initial`, or from the last checkpoint. Progress is counted in images.
    ///
    /// # Errors
    /// Where recipe, images and network do not fit each other, the loss stops being a finite number, a checkpoint cannot be read or
    /// written, or the person asks to stop.
    pub fn run(
        &self,
        initial: &ImageNetwork<T>,
        checkpoints: &dyn Checkpoints<T>,
        progress: &dyn Progress,
    ) -> Result<(ImageNetwork<T>, TrainingLog)> {
        self.check(initial)?;
        let images = self.source.labels().len();
        let (steps, per_epoch) = (self.recipe.steps(images), self.recipe.steps_per_epoch(images));
        let mut at = match checkpoints.last()? {
            Some(found) if found.network.spec() == initial.spec() && found.epochs.len() * per_epoch < steps + per_epoch => found,
            _ => Checkpoint {
                network: initial.clone(),
                velocities: vec![T::ZERO; initial.parameters().len()],
                epochs: Vec::new(),
            },
        };
        let mut stepper = ImageStepper::new(at.network.clone(), self.compute)?;
        stepper.set_velocities(std::mem::take(&mut at.velocities))?;
        stepper.upload(self.source)?;
        let left = steps.saturating_sub(at.epochs.len() * per_epoch);
        progress.start("training (images)", left.saturating_mul(self.recipe.batch) as u64);
        let outcome = self.epochs(&mut at, &mut stepper, checkpoints, progress);
        progress.finish();
        outcome?;
        Ok((at.network, TrainingLog { epochs: at.epochs }))
    }

    fn epochs(
        &self,
        at: &mut Checkpoint<T>,
        stepper: &mut ImageStepper<'_, T>,
        checkpoints: &dyn Checkpoints<T>,
        progress: &dyn Progress,
    ) -> Result<()> {
        let images = self.source.labels().len();
        let (steps, per_epoch) = (self.recipe.steps(images), self.recipe.steps_per_epoch(images));
        while at.epochs.len() * per_epoch < steps {
            let loss = self.epoch(at.epochs.len(), stepper, progress)?;
            at.network = stepper.network()?.clone();
            at.epochs.push(EpochLog {
                epoch: self.first_epoch + at.epochs.len(),
                learning_rate: self.recipe.rate(at.epochs.len() * per_epoch, images),
                loss,
            });
            if !at.network.is_finite() {
                return Err(Error::input("training diverged: a weight is no longer a finite number").hint("choose a lower learning rate"));
            }
            if at.epochs.len() * per_epoch < steps {
                at.velocities = stepper.velocities()?;
                checkpoints.keep(at)?;
            }
        }
        Ok(())
    }

    /// One pass over the images (or what is left of the steps); returns the mean loss.
    fn epoch(&self, number: usize, stepper: &mut ImageStepper<'_, T>, progress: &dyn Progress) -> Result<f64> {
        let (recipe, labels) = (self.recipe, self.source.labels());
        let (steps, per_epoch) = (recipe.steps(labels.len()), recipe.steps_per_epoch(labels.len()));
        let (first, epoch) = (number * per_epoch, self.first_epoch + number);
        let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
        rows.shuffle(&mut self.seed.stream("batches", epoch as u64));
        let (mut loss, mut seen) = (0.0, 0);
        for step in first..steps.min(first + per_epoch) {
            progress.check()?;
            let start = (step - first) * recipe.batch;
            let end = if step + 1 == first + per_epoch {
                rows.len()
            } else {
                start + recipe.batch
            };
            let rows = &rows[start..end];
            let own: Vec<u8> = rows.iter().map(|row| labels[*row as usize]).collect();
            let images = StepImages::Rows {
                source: self.source,
                epoch: epoch as u32,
                rows,
            };
            loss += rows.len() as f64 * stepper.step(images, &own, recipe, recipe.rate(step, labels.len()))?;
            seen += rows.len();
            progress.advance(rows.len() as u64);
        }
        Ok(loss / seen as f64)
    }
}

/// Trains an image network in place; the result does not depend on the number of threads.
///
/// # Errors
/// As [`ImageTraining::run`]; the network is then as it was.
pub fn train_images<T: Real>(
    network: &mut ImageNetwork<T>,
    source: &dyn ImageSource<T>,
    recipe: &ImageRecipe,
    seed: Seed,
    compute: impl Into<Compute<'static>>,
    progress: &dyn Progress,
) -> Result<TrainingLog> {
    let training = ImageTraining {
        source,
        recipe,
        seed,
        first_epoch: 0,
        compute: compute.into(),
    };
    let (trained, log) = training.run(network, &NoCheckpoints, progress)?;
    *network = trained;
    Ok(log)
}
