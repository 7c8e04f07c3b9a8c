//! A trained multilayer perceptron and its flagged rows, behind the face that repair methods see.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{GradientStep, Pace, Reference, Repairable, from_double, in_double};
use crate::error::{Error, Result};
use crate::nn::{
    self, Examples, Forget, ImportanceKind, Network, Real, Recipe, StoredImportances, TensorSpec, TrainingLog, store_importances,
};
use crate::progress::Progress;

/// A trained network and what training left beside it.
#[derive(Debug, Clone, Copy)]
pub struct TrainedMlp<'a, T> {
    /// The network to repair.
    pub network: &'a Network<T>,
    /// How it was trained.
    pub recipe: &'a Recipe,
    /// The weights its training started from; retraining needs them.
    pub initial: Option<&'a Network<T>>,
    /// What training stored.
    pub stored: Option<&'a StoredImportances<T>>,
    /// Rows it was trained on.
    pub training_rows: usize,
}

/// The rows a model was trained on, in that order.
#[derive(Debug, Clone, Copy)]
pub struct TrainingRows<'a, T> {
    /// Inputs, row-major.
    pub inputs: &'a [T],
    /// Observed labels.
    pub labels: &'a [u8],
}

/// What a repair is given. There are observed labels and what the person typed in, and no place for clean labels.
#[derive(Debug, Clone, Copy)]
pub struct RepairRequest<'a, T> {
    /// The flagged rows.
    pub forget: Forget<'a, T>,
    /// Per flagged row the label the person says is right; empty if none was given.
    pub corrections: &'a [Option<u8>],
    /// The training rows, where they are at hand.
    pub training: Option<TrainingRows<'a, T>>,
}

/// A network under repair. The original is not touched; [`MlpRepair::into_network`] gives the repaired one.
#[derive(Debug)]
pub struct MlpRepair<'a, T: Real> {
    pub(super) trained: TrainedMlp<'a, T>,
    pub(super) request: RepairRequest<'a, T>,
    pub(super) network: Network<T>,
    pub(super) threads: usize,
    /// Rows to choose settings by, with observed labels.
    pub(super) validation: Option<TrainingRows<'a, T>>,
    /// The incompetent teacher, where it is not to be drawn from a seed.
    pub(super) random_teacher: Option<Network<T>>,
    /// Importances of the network as it was trained, so that a search over alpha and lambda measures them once.
    pub(super) measured: RefCell<BTreeMap<&'static str, Vec<f64>>>,
}

impl<'a, T: Real> MlpRepair<'a, T> {
    /// Brings a network and a request together.
    ///
    /// # Errors
    /// Where the pieces do not fit each other.
    pub fn new(trained: TrainedMlp<'a, T>, request: RepairRequest<'a, T>, threads: usize) -> Result<Self> {
        let spec = trained.network.spec();
        let forget = &request.forget;
        Examples::all(forget.inputs, spec.inputs, forget.labels).check(spec)?;
        let rows = forget.labels.len();
        if forget.positions.len() != rows || !(request.corrections.is_empty() || request.corrections.len() == rows) {
            return Err(Error::internal(
                "flagged rows, their positions and their corrections differ in number",
            ));
        }
        let mut positions = forget.positions.to_vec();
        positions.sort_unstable();
        if positions.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::internal("a row is flagged twice"));
        }
        if positions.last().is_some_and(|last| *last as usize >= trained.training_rows) {
            return Err(Error::internal("a flagged row is no training row"));
        }
        if let Some(label) = request
            .corrections
            .iter()
            .flatten()
            .find(|label| usize::from(**label) >= spec.classes)
        {
            return Err(Error::internal(format!("corrected label {label} of {} classes", spec.classes)));
        }
        if let Some(training) = &request.training {
            Examples::all(training.inputs, spec.inputs, training.labels).check(spec)?;
            if training.labels.len() != trained.training_rows {
                return Err(Error::input(format!(
                    "the sheet gives {} training rows, and the model was trained on {}",
                    training.labels.len(),
                    trained.training_rows
                ))
                .hint("give the sheet the model was trained on"));
            }
            let differs = |(position, label): (&u32, &u8)| training.labels[*position as usize] != *label;
            if forget.positions.iter().zip(forget.labels).any(differs) {
                return Err(Error::internal(
                    "a flagged row's observed label differs from that of the training row",
                ));
            }
        }
        if trained.stored.is_some_and(|stored| stored.rows() != trained.training_rows) {
            return Err(Error::internal("stored importances cover another number of rows"));
        }
        if trained.initial.is_some_and(|initial| initial.spec() != spec) {
            return Err(Error::internal("the initial weights belong to another network"));
        }
        Ok(Self {
            network: trained.network.clone(),
            trained,
            request,
            threads,
            validation: None,
            random_teacher: None,
            measured: RefCell::new(BTreeMap::new()),
        })
    }

    /// With rows that were not trained on, to choose settings by. Rows that are flagged or suspect do not belong among them.
    ///
    /// # Errors
    /// Where they do not fit the network.
    pub fn with_validation(mut self, rows: TrainingRows<'a, T>) -> Result<Self> {
        let spec = self.network.spec();
        Examples::all(rows.inputs, spec.inputs, rows.labels).check(spec)?;
        self.validation = (!rows.labels.is_empty()).then_some(rows);
        Ok(self)
    }

    /// With an incompetent teacher of one's own instead of one drawn from a seed.
    ///
    /// # Errors
    /// Where its shape is another.
    pub fn with_random_teacher(mut self, teacher: Network<T>) -> Result<Self> {
        if teacher.spec() != self.network.spec() {
            return Err(Error::internal("a teacher of another shape"));
        }
        self.random_teacher = Some(teacher);
        Ok(self)
    }

    /// Measures something about the network as it was trained, once.
    pub(super) fn once(&self, name: &'static str, measure: impl FnOnce() -> Result<Vec<f64>>) -> Result<Vec<f64>> {
        let untouched =
            self.network.parameters() == self.trained.network.parameters() && self.network.buffers() == self.trained.network.buffers();
        if !untouched {
            return measure();
        }
        if let Some(found) = self.measured.borrow().get(name) {
            return Ok(found.clone());
        }
        let found = measure()?;
        self.measured.borrow_mut().insert(name, found.clone());
        Ok(found)
    }

    /// The repaired network (the original one, if nothing was done).
    pub fn into_network(self) -> Network<T> {
        self.network
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network<T> {
        &self.network
    }

    /// Undoes any repair, so that another method can be tried.
    pub fn reset(&mut self) {
        self.network = self.trained.network.clone();
    }

    pub(super) fn training(&self) -> Result<Examples<'a, T>> {
        let training = self.request.training.ok_or_else(|| {
            Error::input("this needs the rows the model was trained on").hint("give the training sheet with `--data SHEET`")
        })?;
        Ok(Examples::all(training.inputs, self.network.spec().inputs, training.labels))
    }

    pub(super) fn flagged(&self) -> Vec<bool> {
        let mut flagged = vec![false; self.trained.training_rows];
        for position in self.request.forget.positions {
            flagged[*position as usize] = true;
        }
        flagged
    }

    /// Positions of the rows that are not flagged.
    pub(super) fn unflagged_rows(&self) -> Vec<u32> {
        let flagged = self.flagged();
        let rows = 0..self.trained.training_rows as u32;
        rows.filter(|row| !flagged[*row as usize]).collect()
    }

    /// What training stored, or the same measured now on the training rows.
    fn stored(&self) -> Result<Cow<'a, StoredImportances<T>>> {
        if let Some(stored) = self.trained.stored {
            return Ok(Cow::Borrowed(stored));
        }
        let training = self
            .training()
            .map_err(|_| Error::input("this model was stored without importances").hint("give the training sheet with `--data SHEET`"))?;
        store_importances(self.trained.network, &training, self.trained.recipe.batch, self.threads).map(Cow::Owned)
    }

    /// Training rows that are not flagged and flagged ones with a corrected label, in training order, and the labels of all training rows
    /// with the corrections in their places.
    pub(super) fn retain_set(&self) -> Result<(Vec<u32>, Cow<'a, [u8]>)> {
        let training = self.training()?;
        let mut labels = Cow::Borrowed(training.labels);
        let mut left_out = self.flagged();
        for (position, correction) in self.request.forget.positions.iter().zip(self.request.corrections) {
            if let Some(label) = correction {
                labels.to_mut()[*position as usize] = *label;
                left_out[*position as usize] = false;
            }
        }
        let rows: Vec<u32> = (0..labels.len() as u32).filter(|row| !left_out[*row as usize]).collect();
        Ok((rows, labels))
    }

    /// Trains `network` on the retain set, and on corrected rows with their corrected labels, all in the original order.
    fn train_without_flagged(&self, network: &mut Network<T>, recipe: &Recipe, progress: &dyn Progress) -> Result<TrainingLog> {
        let training = self.training()?;
        let (rows, labels) = self.retain_set()?;
        let examples = Examples::subset(training.inputs, training.width, &labels, &rows);
        nn::train(network, &examples, recipe, self.threads, progress)
    }

    /// The flagged rows in training order, whatever the order they were given in.
    pub(super) fn forget_order(&self) -> Vec<u32> {
        let positions = self.request.forget.positions;
        let mut order: Vec<u32> = (0..positions.len() as u32).collect();
        order.sort_by_key(|row| positions[*row as usize]);
        order
    }

    fn measure_reference(&self, kind: ImportanceKind, reference: Reference) -> Result<Vec<f64>> {
        let measured = match reference {
            Reference::RetainOnOriginalBatches => self.stored()?.retain(&self.network, &self.request.forget, kind, self.threads)?,
            Reference::Full => self.stored()?.full(kind),
            Reference::Retain => {
                let rows = self.unflagged_rows();
                let training = self.training()?;
                let examples = Examples::subset(training.inputs, training.width, training.labels, &rows);
                nn::importance(&self.network, &examples, kind, self.trained.recipe.batch, self.threads)?
            }
        };
        Ok(measured.values)
    }
}

/// Name of a measurement, for those made once.
fn reference_name(kind: ImportanceKind, reference: Reference) -> &'static str {
    match (kind, reference) {
        (ImportanceKind::SquaredBatchGradient, Reference::RetainOnOriginalBatches) => {
            "retain on the original batches, squared batch gradient"
        }
        (ImportanceKind::SquaredBatchGradient, Reference::Retain) => "retain, squared batch gradient",
        (ImportanceKind::SquaredBatchGradient, Reference::Full) => "full, squared batch gradient",
        (ImportanceKind::PerSampleFisher, Reference::RetainOnOriginalBatches) => "retain on the original batches, per-sample Fisher",
        (ImportanceKind::PerSampleFisher, Reference::Retain) => "retain, per-sample Fisher",
        (ImportanceKind::PerSampleFisher, Reference::Full) => "full, per-sample Fisher",
    }
}

impl<T: Real> Repairable for MlpRepair<'_, T> {
    fn tensors(&self) -> Vec<TensorSpec> {
        self.network.spec().tensors()
    }

    fn parameters(&self) -> Vec<f64> {
        in_double(self.network.parameters())
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        from_double(self.network.parameters_mut(), parameters)
    }

    fn training_rows(&self) -> usize {
        self.trained.training_rows
    }

    fn forget_rows(&self) -> usize {
        self.request.forget.labels.len()
    }

    fn corrected_rows(&self) -> usize {
        self.request.corrections.iter().flatten().count()
    }

    /// The forget set is batched anew, in training order, whatever the order it was given in.
    fn forget_importance(&self, kind: ImportanceKind) -> Result<Vec<f64>> {
        let order = self.forget_order();
        let forget = &self.request.forget;
        let examples = Examples::subset(forget.inputs, self.network.spec().inputs, forget.labels, &order);
        let name = match kind {
            ImportanceKind::SquaredBatchGradient => "forget, squared batch gradient",
            ImportanceKind::PerSampleFisher => "forget, per-sample Fisher",
        };
        self.once(name, || {
            Ok(nn::importance(&self.network, &examples, kind, self.trained.recipe.batch, self.threads)?.values)
        })
    }

    fn reference_importance(&self, kind: ImportanceKind, reference: Reference) -> Result<Vec<f64>> {
        self.once(reference_name(kind, reference), || self.measure_reference(kind, reference))
    }

    fn finetune(&mut self, epochs: usize, progress: &dyn Progress) -> Result<TrainingLog> {
        let mut network = self.network.clone();
        let log = self.train_without_flagged(&mut network, &self.trained.recipe.continued(epochs), progress)?;
        self.network = network;
        Ok(log)
    }

    fn retrain(&mut self, progress: &dyn Progress) -> Result<TrainingLog> {
        let mut network = self
            .trained
            .initial
            .ok_or_else(|| Error::input("this model was stored without the weights its training started from"))?
            .clone();
        let log = self.train_without_flagged(&mut network, self.trained.recipe, progress)?;
        self.network = network;
        Ok(log)
    }

    fn pace(&self) -> Pace {
        let recipe = self.trained.recipe;
        Pace {
            batch: recipe.batch,
            epochs: recipe.epochs,
            first_rate: recipe.rate(0),
            decay: recipe.decay,
            next_rate: recipe.rate(recipe.epochs),
        }
    }

    fn retain_rows(&self) -> Result<usize> {
        Ok(self.retain_set()?.0.len())
    }

    fn gradient_steps(&mut self, steps: &mut dyn Iterator<Item = GradientStep>, seed: u64, progress: &dyn Progress) -> Result<TrainingLog> {
        self.take_steps(steps, seed, progress)
    }

    fn forget_sensitivity(&self) -> Result<Vec<f64>> {
        let order = self.forget_order();
        let forget = &self.request.forget;
        let examples = Examples::subset(forget.inputs, self.network.spec().inputs, forget.labels, &order);
        self.once("forget, sensitivity", || {
            nn::output_sensitivity(&self.network, &examples, self.trained.recipe.batch, self.threads)
        })
    }

    fn reference_sensitivity(&self, reference: Reference) -> Result<Vec<f64>> {
        let training = self.training()?;
        let (name, rows) = match reference {
            Reference::Full => ("full, sensitivity", (0..training.labels.len() as u32).collect()),
            Reference::Retain | Reference::RetainOnOriginalBatches => ("retain, sensitivity", self.retain_set()?.0),
        };
        let examples = Examples::subset(training.inputs, training.width, training.labels, &rows);
        self.once(name, || {
            nn::output_sensitivity(&self.network, &examples, self.trained.recipe.batch, self.threads)
        })
    }

    fn deletion_change(&self) -> Result<f64> {
        let forget = &self.request.forget;
        if forget.labels.is_empty() {
            return Ok(1.0);
        }
        let same = self.agreement(forget.inputs, forget.labels)?;
        Ok(1.0 - same as f64 / forget.labels.len() as f64)
    }

    fn validation_accuracy(&self) -> Result<Option<f64>> {
        let Some(rows) = &self.validation else { return Ok(None) };
        Ok(Some(self.agreement(rows.inputs, rows.labels)? as f64 / rows.labels.len() as f64))
    }

    fn start_over(&mut self) {
        self.reset();
    }
}
