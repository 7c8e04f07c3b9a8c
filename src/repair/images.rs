//! A trained image network and the images it is to forget, behind the face that repair methods see.
//!
//! Two things differ from multilayer perceptrons. A network of millions of parameters cannot keep the gradient of every mini-batch, so the
//! training stores what was measured over **all** its images ([`OverAll`]), which serves every forget set; the other references are
//! measured when they are asked for. And training draws a new order of the images in every epoch, so what follows it does too: the rows
//! that gradient steps count lie in an order drawn once from the seed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rand::seq::SliceRandom;

use super::{GradientStep, Pace, Reference, Repairable, from_double, in_double};
use crate::error::{Error, Result};
use crate::nn::images::{
    Checkpoints, Compute, ImageNetwork, ImageRecipe, ImageSource, ImageTraining, Length, NoCheckpoints, Schedule, SelectedImages,
    image_importance, image_importance_in_batches, image_output_sensitivity, source_logits,
};
use crate::nn::{self, ImportanceKind, Real, TensorSpec, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

/// What is measured of a network over all its training images, whatever is to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverAll {
    /// Importance of every parameter.
    Importance(ImportanceKind),
    /// How much the output reacts to every parameter.
    Sensitivity,
}

impl OverAll {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Importance(ImportanceKind::SquaredBatchGradient) => "squared-batch-gradient",
            Self::Importance(ImportanceKind::PerSampleFisher) => "per-sample-fisher",
            Self::Sensitivity => "sensitivity",
        }
    }

    /// Measures it, in mini-batches of so many images in training order.
    ///
    /// # Errors
    /// Where images and network do not fit each other, a gradient is not finite, or the person asks to stop.
    pub fn measure<T: Real>(
        self,
        network: &ImageNetwork<T>,
        plain: &dyn ImageSource<T>,
        rows: &[u32],
        batch: usize,
        compute: Compute,
        progress: &dyn Progress,
    ) -> Result<Vec<f64>> {
        match self {
            Self::Importance(kind) => Ok(image_importance(network, plain, rows, (kind, batch), compute, progress)?.values),
            Self::Sensitivity => image_output_sensitivity(network, plain, rows, batch, compute, progress),
        }
    }
}

/// A trained network and what training left beside it.
#[derive(Debug, Clone, Copy)]
pub struct TrainedImages<'a, T> {
    /// The network to repair.
    pub network: &'a ImageNetwork<T>,
    /// How it was trained.
    pub recipe: &'a ImageRecipe,
    /// The weights its training started from; retraining needs them.
    pub initial: Option<&'a ImageNetwork<T>>,
    /// Seed of its training's orders.
    pub seed: Seed,
    /// Images of a mini-batch when importances are measured.
    pub importance_batch: usize,
    /// What was measured over all training images already, in mini-batches of that size.
    pub over_all: &'a [(OverAll, Vec<f64>)],
}

/// What a repair is given. There are observed labels and what the person typed in, and no place for clean labels.
#[derive(Clone, Copy)]
pub struct ImageRequest<'a, T> {
    /// The training images as training saw them, augmented.
    pub training: &'a dyn ImageSource<T>,
    /// The same, as they are.
    pub plain: &'a dyn ImageSource<T>,
    /// The forget set, as rows of them.
    pub forget: &'a [u32],
    /// Per image of the forget set the label the person says is right; empty if none was given.
    pub corrections: &'a [Option<u8>],
}

/// An image network under repair. The original is not touched.
pub struct ImageRepair<'a, T: Real> {
    pub(super) trained: TrainedImages<'a, T>,
    pub(super) request: ImageRequest<'a, T>,
    pub(super) network: ImageNetwork<T>,
    pub(super) compute: Compute<'a>,
    /// The forget set in training order, with corrections.
    pub(super) forget: Vec<(u32, Option<u8>)>,
    validation: Option<&'a dyn ImageSource<T>>,
    checkpoints: &'a dyn Checkpoints<T>,
    progress: &'a dyn Progress,
    /// Measurements of the network as it was trained, so that a search over alpha and lambda makes them once.
    measured: RefCell<BTreeMap<String, Vec<f64>>>,
}

impl<'a, T: Real> ImageRepair<'a, T> {
    /// Brings a network and a request together. `progress` is told of measurements, which methods ask for without one.
    ///
    /// # Errors
    /// Where the pieces do not fit each other.
    pub fn new(
        trained: TrainedImages<'a, T>,
        request: ImageRequest<'a, T>,
        compute: impl Into<Compute<'a>>,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let spec = trained.network.spec();
        let rows = request.plain.labels().len();
        if request.training.labels() != request.plain.labels() || request.training.shape() != request.plain.shape() {
            return Err(Error::internal("augmented and plain images differ in number, size or labels"));
        }
        if request.plain.shape() != spec.input {
            return Err(Error::input(format!(
                "the images are {} and the network takes {}",
                request.plain.shape(),
                spec.input
            )));
        }
        if !(request.corrections.is_empty() || request.corrections.len() == request.forget.len()) {
            return Err(Error::internal("images to forget and their corrections differ in number"));
        }
        let corrections = request.corrections.iter().copied().chain(std::iter::repeat(None));
        let mut forget: Vec<(u32, Option<u8>)> = request.forget.iter().copied().zip(corrections).collect();
        forget.sort_by_key(|(row, _)| *row);
        if forget.windows(2).any(|pair| pair[0].0 == pair[1].0) || forget.last().is_some_and(|(row, _)| *row as usize >= rows) {
            return Err(Error::internal("an image to forget is named twice or is no training image"));
        }
        let labels = request
            .plain
            .labels()
            .iter()
            .copied()
            .chain(forget.iter().filter_map(|(_, label)| *label));
        if labels.max().is_some_and(|label| usize::from(label) >= spec.classes) {
            return Err(Error::internal(format!("a label beyond {} classes", spec.classes)));
        }
        if trained.initial.is_some_and(|initial| initial.spec() != spec) {
            return Err(Error::internal("the initial weights belong to another network"));
        }
        if trained
            .over_all
            .iter()
            .any(|(_, values)| values.len() != trained.network.parameters().len())
        {
            return Err(Error::internal("stored importances belong to a network of another size"));
        }
        Ok(Self {
            network: trained.network.clone(),
            trained,
            request,
            compute: compute.into(),
            forget,
            validation: None,
            checkpoints: &NoCheckpoints,
            progress,
            measured: RefCell::new(BTreeMap::new()),
        })
    }

    /// With images that were not trained on, to choose settings by.
    #[must_use]
    pub fn with_validation(mut self, images: &'a dyn ImageSource<T>) -> Self {
        self.validation = (!images.labels().is_empty()).then_some(images);
        self
    }

    /// Retraining keeps its checkpoints here and goes on from the last.
    #[must_use]
    pub fn with_checkpoints(mut self, checkpoints: &'a dyn Checkpoints<T>) -> Self {
        self.checkpoints = checkpoints;
        self
    }

    /// The network as it is now.
    pub fn network(&self) -> &ImageNetwork<T> {
        &self.network
    }

    /// The repaired network (the original one, if nothing was done).
    pub fn into_network(self) -> ImageNetwork<T> {
        self.network
    }

    /// The retain set in training order, with the labels it is learned with: images that are not to be forgotten, and corrected ones.
    pub(super) fn retain(&self) -> (Vec<u32>, Vec<u8>) {
        let mut flagged = self.forget.iter().peekable();
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for (row, label) in self.request.plain.labels().iter().enumerate() {
            let found = flagged.next_if(|(next, _)| *next as usize == row);
            let learned = match found {
                None => Some(*label),
                Some((_, correction)) => *correction,
            };
            if let Some(label) = learned {
                rows.push(row as u32);
                labels.push(label);
            }
        }
        (rows, labels)
    }

    pub(super) fn forget_set(&self) -> Vec<u32> {
        self.forget.iter().map(|(row, _)| *row).collect()
    }

    fn unflagged(&self) -> Vec<u32> {
        let flagged = self.forget_set();
        let all = 0..self.request.plain.labels().len() as u32;
        all.filter(|row| flagged.binary_search(row).is_err()).collect()
    }

    /// An order of so many rows that does not change during a repair.
    pub(super) fn order(&self, name: &str, rows: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.shuffle(&mut self.trained.seed.stream(name, 0));
        order
    }

    /// Epochs that training went through.
    pub(super) fn epochs(&self) -> usize {
        let images = self.request.plain.labels().len();
        match self.trained.recipe.length {
            Length::Epochs(epochs) => epochs,
            Length::Steps(steps) => steps.div_ceil(self.trained.recipe.steps_per_epoch(images)),
        }
    }

    /// Learning rate of the step after the last; a schedule that ends at 0 goes on at a thousandth of its highest.
    fn next_rate(&self) -> f64 {
        let (recipe, images) = (self.trained.recipe, self.request.plain.labels().len());
        recipe.rate(recipe.steps(images), images).max(1e-3 * recipe.learning_rate)
    }

    /// Trains without the forget set (its corrected images with their corrected labels).
    fn train(
        &self,
        initial: &ImageNetwork<T>,
        recipe: &ImageRecipe,
        first_epoch: usize,
        checkpoints: &dyn Checkpoints<T>,
        progress: &dyn Progress,
    ) -> Result<(ImageNetwork<T>, TrainingLog)> {
        let (rows, labels) = self.retain();
        let source = SelectedImages::new(self.request.training, rows)?.with_labels(labels)?;
        let training = ImageTraining {
            source: &source,
            recipe,
            seed: self.trained.seed,
            first_epoch,
            compute: self.compute,
        };
        training.run(initial, checkpoints, progress)
    }

    /// Measures something about the network as it was trained, once.
    fn once(&self, name: String, measure: impl FnOnce() -> Result<Vec<f64>>) -> Result<Vec<f64>> {
        if self.network != *self.trained.network {
            return measure();
        }
        if let Some(found) = self.measured.borrow().get(&name) {
            return Ok(found.clone());
        }
        let found = measure()?;
        self.measured.borrow_mut().insert(name, found.clone());
        Ok(found)
    }

    fn measure(&self, what: OverAll, rows: &[u32]) -> Result<Vec<f64>> {
        let batch = self.trained.importance_batch;
        what.measure(&self.network, self.request.plain, rows, batch, self.compute, self.progress)
    }

    fn over_all(&self, what: OverAll) -> Result<Vec<f64>> {
        // What training stored belongs to the network as it was trained.
        if let Some((_, values)) = self.trained.over_all.iter().find(|(kind, _)| *kind == what)
            && self.network == *self.trained.network
        {
            return Ok(values.clone());
        }
        let rows: Vec<u32> = (0..self.request.plain.labels().len() as u32).collect();
        self.once(format!("all {}", what.name()), || self.measure(what, &rows))
    }

    fn measure_reference(&self, kind: ImportanceKind, reference: Reference) -> Result<Vec<f64>> {
        let what = OverAll::Importance(kind);
        match (reference, kind) {
            (Reference::Full, _) => self.over_all(what),
            // A mean over images does not know batches.
            (Reference::Retain, _) | (Reference::RetainOnOriginalBatches, ImportanceKind::PerSampleFisher) => {
                self.once(format!("retain {}", what.name()), || self.measure(what, &self.unflagged()))
            }
            (Reference::RetainOnOriginalBatches, ImportanceKind::SquaredBatchGradient) => {
                let flagged = self.forget_set();
                let rows: Vec<u32> = (0..self.request.plain.labels().len() as u32).collect();
                let without = |batch: &[u32]| -> Vec<u32> {
                    let left = batch.iter().filter(|row| flagged.binary_search(row).is_err());
                    left.copied().collect()
                };
                let batches: Vec<Vec<u32>> = rows.chunks(self.trained.importance_batch.max(1)).map(without).collect();
                self.once("retain on the original batches".to_owned(), || {
                    let measured = image_importance_in_batches(&self.network, self.request.plain, &batches, self.compute, self.progress)?;
                    Ok(measured.values)
                })
            }
        }
    }

    /// How many of these images the network as it is now gives their labels.
    fn agreement(&self, source: &dyn ImageSource<T>, rows: &[u32]) -> Result<usize> {
        let logits = source_logits(&self.network, source, rows, 0, self.compute, self.progress)?;
        let predicted = nn::predictions(&logits, self.network.spec().classes);
        let labels = rows.iter().map(|row| source.labels()[*row as usize]);
        Ok(predicted.into_iter().zip(labels).filter(|(one, other)| one == other).count())
    }
}

impl<T: Real> Repairable for ImageRepair<'_, T> {
    fn tensors(&self) -> Vec<TensorSpec> {
        self.network.tensors().to_vec()
    }

    fn parameters(&self) -> Vec<f64> {
        in_double(self.network.parameters())
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        from_double(self.network.parameters_mut(), parameters)
    }

    fn training_rows(&self) -> usize {
        self.request.plain.labels().len()
    }

    fn forget_rows(&self) -> usize {
        self.forget.len()
    }

    fn corrected_rows(&self) -> usize {
        self.forget.iter().filter(|(_, correction)| correction.is_some()).count()
    }

    /// The forget set is batched anew, in training order, whatever the order it was given in.
    fn forget_importance(&self, kind: ImportanceKind) -> Result<Vec<f64>> {
        let what = OverAll::Importance(kind);
        self.once(format!("forget {}", what.name()), || self.measure(what, &self.forget_set()))
    }

    fn reference_importance(&self, kind: ImportanceKind, reference: Reference) -> Result<Vec<f64>> {
        self.measure_reference(kind, reference)
    }

    fn finetune(&mut self, epochs: usize, progress: &dyn Progress) -> Result<TrainingLog> {
        let recipe = ImageRecipe {
            length: Length::Epochs(epochs),
            learning_rate: self.next_rate(),
            schedule: Schedule::Milestones {
                milestones: Vec::new(),
                factor: 1.0,
                warm_up: 0,
            },
            ..self.trained.recipe.clone()
        };
        let (network, log) = self.train(&self.network, &recipe, self.epochs(), &NoCheckpoints, progress)?;
        self.network = network;
        Ok(log)
    }

    fn retrain(&mut self, progress: &dyn Progress) -> Result<TrainingLog> {
        let initial = self
            .trained
            .initial
            .ok_or_else(|| Error::input("this model was stored without the weights its training started from"))?;
        let (network, log) = self.train(initial, self.trained.recipe, 0, self.checkpoints, progress)?;
        self.network = network;
        Ok(log)
    }

    /// The decay is the one that leads from the highest rate of the training to the next one in as many even steps as it had epochs.
    fn pace(&self) -> Pace {
        let (recipe, epochs, next_rate) = (self.trained.recipe, self.epochs(), self.next_rate());
        Pace {
            batch: recipe.batch,
            epochs,
            first_rate: recipe.learning_rate,
            decay: (next_rate / recipe.learning_rate).powf(1.0 / epochs.max(1) as f64),
            next_rate,
        }
    }

    /// The training's schedule, warm-up and milestones included, gone through in so many steps; times the share of the highest rate that
    /// was asked for.
    fn schedule(&self, steps: usize, _per_pass: usize, first_rate: f64) -> Vec<f64> {
        let (recipe, images) = (self.trained.recipe, self.request.plain.labels().len());
        let all = recipe.steps(images);
        let share = first_rate / recipe.learning_rate;
        let at = |step: usize| (step as f64 + 0.5) / steps.max(1) as f64 * all as f64;
        (0..steps).map(|step| share * recipe.rate(at(step) as usize, images)).collect()
    }

    fn retain_rows(&self) -> Result<usize> {
        Ok(self.retain().0.len())
    }

    fn gradient_steps(&mut self, steps: &mut dyn Iterator<Item = GradientStep>, seed: u64, progress: &dyn Progress) -> Result<TrainingLog> {
        self.take_steps(steps, seed, progress)
    }

    fn forget_sensitivity(&self) -> Result<Vec<f64>> {
        self.once("forget sensitivity".to_owned(), || {
            self.measure(OverAll::Sensitivity, &self.forget_set())
        })
    }

    fn reference_sensitivity(&self, reference: Reference) -> Result<Vec<f64>> {
        match reference {
            Reference::Full => self.over_all(OverAll::Sensitivity),
            // Labels are not read, so corrected images belong to what is kept.
            Reference::Retain | Reference::RetainOnOriginalBatches => self.once("retain sensitivity".to_owned(), || {
                self.measure(OverAll::Sensitivity, &self.retain().0)
            }),
        }
    }

    fn deletion_change(&self) -> Result<f64> {
        if self.forget.is_empty() {
            return Ok(1.0);
        }
        let same = self.agreement(self.request.plain, &self.forget_set())?;
        Ok(1.0 - same as f64 / self.forget.len() as f64)
    }

    fn validation_accuracy(&self) -> Result<Option<f64>> {
        let Some(source) = self.validation else { return Ok(None) };
        let rows: Vec<u32> = (0..source.labels().len() as u32).collect();
        Ok(Some(self.agreement(source, &rows)? as f64 / rows.len() as f64))
    }

    fn start_over(&mut self) {
        self.network = self.trained.network.clone();
    }
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
