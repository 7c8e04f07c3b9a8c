//! Image networks as classifiers, on the processor or on a GPU.

use super::rows::AsImages;
use super::{Answers, Batch, Classifier, Compute, Plan, Rows, Statistic, Stepper};
use crate::error::{Error, Result};
use crate::nn::images::{
    Checkpoints, ImageAnswers, ImageNetwork, ImageStepper, ImageTraining, Mode, NoCheckpoints, SelectedImages, StepImages,
    image_importance, image_importance_in_batches, image_loss_gradient, image_output_sensitivity, source_logits,
};
use crate::nn::{Real, Sgd, TensorSpec, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

fn as_images<'a, T: Real>(network: &ImageNetwork<T>, rows: &Rows<'a, T>) -> AsImages<'a, T> {
    AsImages {
        rows: *rows,
        shape: network.spec().input,
    }
}

impl<T: Real> Classifier for ImageNetwork<T> {
    type Value = T;
    type Checkpoints<'k> = Option<&'k dyn Checkpoints<T>>;

    fn tensors(&self) -> Vec<TensorSpec> {
        ImageNetwork::tensors(self).to_vec()
    }

    fn parameters(&self) -> &[T] {
        ImageNetwork::parameters(self)
    }

    fn parameters_mut(&mut self) -> &mut [T] {
        ImageNetwork::parameters_mut(self)
    }

    fn classes(&self) -> usize {
        self.spec().classes
    }

    fn is_finite(&self) -> bool {
        ImageNetwork::is_finite(self)
    }

    fn same_architecture(&self, other: &Self) -> bool {
        self.spec() == other.spec()
    }

    fn reinitialised(&self, seed: Seed) -> Result<Self> {
        ImageNetwork::initial(self.spec(), seed)
    }

    fn check_rows(&self, rows: &Rows<T>) -> Result<()> {
        let takes = self.spec().input;
        match rows.image_shape() {
            Some(shape) if shape != takes => return Err(Error::input(format!("the images are {shape} and the network takes {takes}"))),
            None if rows.width() != takes.len() => {
                return Err(Error::input(format!(
                    "the rows have {} values and the network takes images of {takes}",
                    rows.width()
                )));
            }
            _ => {}
        }
        if rows.labels().iter().any(|label| usize::from(*label) >= self.spec().classes) {
            return Err(Error::internal(format!("a label beyond {} classes", self.spec().classes)));
        }
        Ok(())
    }

    fn logits(&self, rows: &Rows<T>, which: Option<&[u32]>, compute: Compute, progress: &dyn Progress) -> Result<Vec<T>> {
        let source = as_images(self, rows);
        match which {
            Some(which) => source_logits(self, &source, which, 0, compute, progress),
            None => {
                let all: Vec<u32> = (0..rows.len() as u32).collect();
                source_logits(self, &source, &all, 0, compute, progress)
            }
        }
    }

    fn answers<'c>(&'c self, rows: Rows<'c, T>, compute: Compute<'c>) -> Result<Box<dyn Answers<T> + 'c>> {
        let source = as_images(self, &rows);
        Ok(Box::new(OfImages {
            answers: ImageAnswers::new(self, &source, compute)?,
            source,
        }))
    }

    fn gradient(&self, rows: &Rows<T>, batch: &Batch<T>, compute: Compute) -> Result<(f64, Vec<T>)> {
        let values = rows.gathered(batch.epoch, batch.which, compute.threads)?;
        image_loss_gradient(self, &values, &batch.losses, Mode::Training, compute.threads)
    }

    fn measure(
        &self,
        what: Statistic,
        (rows, which): (&Rows<T>, &[u32]),
        batch: usize,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<Vec<f64>> {
        let source = as_images(self, rows);
        match what {
            Statistic::Importance(kind) => Ok(image_importance(self, &source, which, (kind, batch), compute, progress)?.values),
            Statistic::Sensitivity(size) => image_output_sensitivity(self, &source, which, (size, batch), compute, progress),
        }
    }

    fn measure_in_batches(&self, rows: &Rows<T>, batches: &[Vec<u32>], compute: Compute, progress: &dyn Progress) -> Result<Vec<f64>> {
        Ok(image_importance_in_batches(self, &as_images(self, rows), batches, compute, progress)?.values)
    }

    fn train(
        &self,
        (rows, which): (&Rows<T>, &[u32]),
        plan: &Plan,
        checkpoints: Self::Checkpoints<'_>,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<(Self, TrainingLog)> {
        let Plan::Shuffled { recipe, seed, first_epoch } = plan else {
            return super::plan::train_by_steps(self, (rows, which), plan, compute, progress);
        };
        let source = as_images(self, rows);
        let training = ImageTraining {
            source: &SelectedImages::new(&source, which.to_vec())?,
            recipe,
            seed: *seed,
            first_epoch: *first_epoch,
            compute,
        };
        training.run(self, checkpoints.unwrap_or(&NoCheckpoints), progress)
    }

    fn stepper<'c>(&'c self, rows: Rows<'c, T>, optimiser: Sgd, compute: Compute<'c>) -> Result<Box<dyn Stepper<Self> + 'c>> {
        let mut stepper = ImageStepper::new(self.clone(), compute)?;
        let source = as_images(self, &rows);
        stepper.upload(&source)?;
        Ok(Box::new(OnImages {
            stepper,
            source,
            optimiser,
        }))
    }
}

struct OnImages<'c, T: Real> {
    stepper: ImageStepper<'c, T>,
    source: AsImages<'c, T>,
    optimiser: Sgd,
}

impl<T: Real> Stepper<ImageNetwork<T>> for OnImages<'_, T> {
    fn step(&mut self, batch: &Batch<T>, rate: f64) -> Result<f64> {
        let images = StepImages::Rows {
            source: &self.source,
            epoch: batch.epoch,
            rows: batch.which,
        };
        self.stepper.step_on(images, &batch.losses, self.optimiser, rate)
    }

    fn finish(self: Box<Self>) -> Result<ImageNetwork<T>> {
        self.stepper.into_network()
    }
}

struct OfImages<'c, T: Real> {
    answers: ImageAnswers<'c, T>,
    source: AsImages<'c, T>,
}

impl<T: Real> Answers<T> for OfImages<'_, T> {
    fn logits(&mut self, epoch: u32, which: &[u32]) -> Result<Vec<T>> {
        self.answers.logits(&self.source, epoch, which)
    }
}
