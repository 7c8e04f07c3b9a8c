//! A trained classifier and its flagged rows, as repair methods see them: the one session for every kind of network.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{GradientStep, Reference, Repairable};
use crate::error::{Error, Result};
use crate::learner::{Classifier, Compute, Plan, Rows, Statistic, TrainingSchedule, agreement};
use crate::nn::{Forget, ImportanceKind, OutputSize, Real, StoredImportances, TensorSpec, TrainingLog};
use crate::progress::Progress;

/// A trained classifier and what training left beside it.
#[derive(Debug, Clone)]
pub struct Trained<'a, C: Classifier> {
    /// The classifier to repair.
    pub classifier: &'a C,
    /// The weights its training started from; retraining needs them.
    pub initial: Option<&'a C>,
    /// How it was trained.
    pub plan: Plan,
    /// Rows it was trained on.
    pub training_rows: usize,
    /// Rows of a mini-batch when importances are measured.
    pub importance_batch: usize,
    /// The gradients of its mini-batches, where training stored them.
    pub stored: Option<&'a StoredImportances<C::Value>>,
    /// What was measured over all training rows already, in mini-batches of `importance_batch`: it serves every forget set.
    pub full_set: &'a [(Statistic, Vec<f64>)],
}

/// What a repair is given. There are observed labels and what the person typed in, and no place for clean labels.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a, T> {
    /// Where each flagged row stood in the order of the training rows, counted from 0; no two alike.
    pub positions: &'a [u32],
    /// The flagged rows themselves in the order of `positions`; absent where the training rows are at hand.
    pub flagged: Option<Rows<'a, T>>,
    /// Per flagged row the label the person says is right; empty if none was given.
    pub corrections: &'a [Option<u8>],
    /// The training rows in training order, where they are at hand.
    pub training: Option<Rows<'a, T>>,
    /// The same as training saw them, where it changed them (augmentation).
    pub augmented: Option<Rows<'a, T>>,
}

/// A flagged row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    /// Its position among the training rows.
    pub position: u32,
    /// Its place in the request.
    place: u32,
    pub correction: Option<u8>,
}

/// A classifier under repair. The original is not touched; [`Session::into_network`] gives the repaired one.
pub struct Session<'a, C: Classifier> {
    pub(super) trained: Trained<'a, C>,
    pub(super) request: Request<'a, C::Value>,
    pub(super) network: C,
    pub(super) compute: Compute<'a>,
    /// The flagged rows in training order, whatever the order they were given in.
    pub(super) flags: Vec<Flag>,
    /// Rows to choose settings by, with observed labels.
    validation: Option<Rows<'a, C::Value>>,
    /// The incompetent teacher, where it is not to be drawn from a seed.
    pub(super) random_teacher: Option<C>,
    checkpoints: C::Checkpoints<'a>,
    progress: &'a dyn Progress,
    /// Measurements of the classifier as it was trained, so that a search over alpha and lambda makes them once.
    measured: RefCell<BTreeMap<String, Vec<f64>>>,
}

impl<'a, C: Classifier> Session<'a, C> {
    /// Brings a classifier and a request together. `progress` is told of measurements, which methods ask for without one.
    ///
    /// # Errors
    /// Where the pieces do not fit each other.
    pub fn new(
        trained: Trained<'a, C>,
        request: Request<'a, C::Value>,
        compute: impl Into<Compute<'a>>,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let rows = request.positions.len();
        if request.flagged.is_some_and(|flagged| flagged.len() != rows)
            || !(request.corrections.is_empty() || request.corrections.len() == rows)
        {
            return Err(Error::internal(
                "flagged rows, their positions and their corrections differ in number",
            ));
        }
        let corrections = request.corrections.iter().copied().chain(std::iter::repeat(None));
        let numbered = request.positions.iter().zip(0..).zip(corrections);
        let mut flags: Vec<Flag> = numbered
            .map(|((position, place), correction)| Flag {
                position: *position,
                place,
                correction,
            })
            .collect();
        flags.sort_by_key(|flag| flag.position);
        if flags.windows(2).any(|pair| pair[0].position == pair[1].position) {
            return Err(Error::internal("a row is flagged twice"));
        }
        let session = Self {
            network: trained.classifier.clone(),
            trained,
            request,
            compute: compute.into(),
            flags,
            validation: None,
            random_teacher: None,
            checkpoints: C::Checkpoints::default(),
            progress,
            measured: RefCell::new(BTreeMap::new()),
        };
        session.check()?;
        Ok(session)
    }

    fn check(&self) -> Result<()> {
        let (trained, request) = (&self.trained, &self.request);
        for rows in [&request.flagged, &request.training, &request.augmented].into_iter().flatten() {
            self.network.check_rows(rows)?;
        }
        if self
            .flags
            .last()
            .is_some_and(|last| last.position as usize >= trained.training_rows)
        {
            return Err(Error::internal("a flagged row is no training row"));
        }
        let classes = self.network.classes();
        if let Some(label) = request.corrections.iter().flatten().find(|label| usize::from(**label) >= classes) {
            return Err(Error::internal(format!("corrected label {label} of {classes} classes")));
        }
        match (&request.training, &request.flagged) {
            (None, None) if !self.flags.is_empty() => return Err(Error::internal("flagged rows without values")),
            (Some(training), _) if training.len() != trained.training_rows => {
                return Err(Error::input(format!(
                    "the sheet gives {} training rows, and the model was trained on {}",
                    training.len(),
                    trained.training_rows
                ))
                .hint("give the sheet the model was trained on"));
            }
            (Some(training), Some(flagged)) => {
                let differs = |flag: &Flag| training.labels()[flag.position as usize] != flagged.labels()[flag.place as usize];
                if self.flags.iter().any(differs) {
                    return Err(Error::internal(
                        "a flagged row's observed label differs from that of the training row",
                    ));
                }
            }
            _ => {}
        }
        if let Some(augmented) = &request.augmented
            && request.training.is_none_or(|plain| plain.labels() != augmented.labels())
        {
            return Err(Error::internal("augmented and plain rows differ in number or labels"));
        }
        if trained.stored.is_some_and(|stored| stored.rows() != trained.training_rows) {
            return Err(Error::internal("stored importances cover another number of rows"));
        }
        if trained
            .initial
            .is_some_and(|initial| !initial.same_architecture(trained.classifier))
        {
            return Err(Error::internal("the initial weights belong to another network"));
        }
        let parameters = trained.classifier.parameters().len();
        if trained.full_set.iter().any(|(_, values)| values.len() != parameters) {
            return Err(Error::internal("stored importances belong to a network of another size"));
        }
        Ok(())
    }

    /// With rows that were not trained on, to choose settings by. Rows that are flagged or suspect do not belong among them.
    ///
    /// # Errors
    /// Where they do not fit the network.
    pub fn with_validation(mut self, rows: Rows<'a, C::Value>) -> Result<Self> {
        self.network.check_rows(&rows)?;
        self.validation = (!rows.is_empty()).then_some(rows);
        Ok(self)
    }

    /// With an incompetent teacher of one's own instead of one drawn from a seed.
    ///
    /// # Errors
    /// Where its shape is another.
    pub fn with_random_teacher(mut self, teacher: C) -> Result<Self> {
        if !teacher.same_architecture(&self.network) {
            return Err(Error::internal("a teacher of another shape"));
        }
        self.random_teacher = Some(teacher);
        Ok(self)
    }

    /// Retraining keeps its checkpoints here and goes on from the last.
    #[must_use]
    pub fn with_checkpoints(mut self, checkpoints: C::Checkpoints<'a>) -> Self {
        self.checkpoints = checkpoints;
        self
    }

    /// The network as it is now.
    pub fn network(&self) -> &C {
        &self.network
    }

    /// The repaired network (the original one, if nothing was done).
    pub fn into_network(self) -> C {
        self.network
    }

    pub(super) fn training(&self) -> Result<Rows<'a, C::Value>> {
        self.request
            .training
            .ok_or_else(|| Error::input("this needs the rows the model was trained on").hint("give the training sheet with `--data SHEET`"))
    }

    /// The training rows as training saw them.
    pub(super) fn augmented(&self) -> Result<Rows<'a, C::Value>> {
        self.request.augmented.map_or_else(|| self.training(), Ok)
    }

    /// The flagged rows in training order, as rows of what holds them.
    fn forget_set(&self) -> Result<(Rows<'a, C::Value>, Vec<u32>)> {
        match self.request.flagged {
            Some(flagged) => Ok((flagged, self.flags.iter().map(|flag| flag.place).collect())),
            None => Ok((self.training()?, self.flags.iter().map(|flag| flag.position).collect())),
        }
    }

    /// Positions of the rows that are not flagged.
    fn unflagged(&self) -> Vec<u32> {
        self.left_of(|_| false)
    }

    /// All positions but those of flags that are not `kept`.
    fn left_of(&self, kept: impl Fn(&Flag) -> bool) -> Vec<u32> {
        let mut flags = self.flags.iter().peekable();
        let all = 0..self.trained.training_rows as u32;
        all.filter(|row| flags.next_if(|flag| flag.position == *row).is_none_or(&kept))
            .collect()
    }

    /// Training rows that are not flagged and flagged ones with a corrected label, in training order, and the labels of all training rows
    /// with the corrections in their places.
    pub(super) fn retain_set(&self) -> Result<(Vec<u32>, Cow<'a, [u8]>)> {
        let mut labels = Cow::Borrowed(self.training()?.labels());
        for flag in &self.flags {
            if let Some(label) = flag.correction {
                labels.to_mut()[flag.position as usize] = label;
            }
        }
        Ok((self.left_of(|flag| flag.correction.is_some()), labels))
    }

    /// Trains on the retain set, and on corrected rows with their corrected labels, from these weights.
    fn train_without_flagged(
        &self,
        start: &C,
        plan: &Plan,
        checkpoints: C::Checkpoints<'_>,
        progress: &dyn Progress,
    ) -> Result<(C, TrainingLog)> {
        let (which, labels) = self.retain_set()?;
        let rows = self.augmented()?.with_labels(&labels)?;
        start.train((&rows, &which), plan, checkpoints, self.compute, progress)
    }

    fn untouched(&self) -> bool {
        self.network == *self.trained.classifier
    }

    /// Measures something about the classifier as it was trained, once.
    fn once(&self, name: String, measure: impl FnOnce() -> Result<Vec<f64>>) -> Result<Vec<f64>> {
        if !self.untouched() {
            return measure();
        }
        if let Some(found) = self.measured.borrow().get(&name) {
            return Ok(found.clone());
        }
        let found = measure()?;
        self.measured.borrow_mut().insert(name, found.clone());
        Ok(found)
    }

    fn measure(&self, what: Statistic, rows: &Rows<C::Value>, which: &[u32]) -> Result<Vec<f64>> {
        let batch = self.trained.importance_batch;
        self.network.measure(what, (rows, which), batch, self.compute, self.progress)
    }

    fn of_forget_set(&self, what: Statistic) -> Result<Vec<f64>> {
        let (rows, which) = self.forget_set()?;
        self.once(format!("forget {}", what.name()), || self.measure(what, &rows, &which))
    }

    fn of_all(&self, what: Statistic) -> Result<Vec<f64>> {
        // What was measured before belongs to the classifier as it was trained.
        if let Some((_, values)) = self.trained.full_set.iter().find(|(kind, _)| *kind == what)
            && self.untouched()
        {
            return Ok(values.clone());
        }
        let training = self.training()?;
        self.once(format!("all {}", what.name()), || {
            let all: Vec<u32> = (0..training.len() as u32).collect();
            self.measure(what, &training, &all)
        })
    }

    /// What training stored, or the same measured now on the training rows; `None` for networks that are too large to store it.
    fn stored(&self) -> Result<Option<Cow<'a, StoredImportances<C::Value>>>> {
        if let Some(stored) = self.trained.stored {
            return Ok(Some(Cow::Borrowed(stored)));
        }
        let training = self
            .training()
            .map_err(|_| Error::input("this model was stored without importances").hint("give the training sheet with `--data SHEET`"))?;
        let (classifier, batch) = (self.trained.classifier, self.trained.importance_batch);
        Ok(classifier.store_importances(&training, batch, self.compute)?.map(Cow::Owned))
    }

    fn on_original_batches(&self, kind: ImportanceKind) -> Result<Vec<f64>> {
        if let Some(stored) = self.stored()? {
            let threads = self.compute.threads;
            let (rows, which) = self.forget_set()?;
            let positions: Vec<u32> = self.flags.iter().map(|flag| flag.position).collect();
            let inputs = rows.gathered(0, &which, threads)?;
            let labels: Vec<u8> = which.iter().map(|row| rows.labels()[*row as usize]).collect();
            let flagged = Forget {
                inputs: &inputs,
                labels: &labels,
                positions: &positions,
            };
            return self.network.retain_importance(&stored, &flagged, kind, self.compute);
        }
        if kind == ImportanceKind::PerSampleFisher {
            // A mean over rows does not know batches.
            return self.measure(Statistic::Importance(kind), &self.training()?, &self.unflagged());
        }
        let flagged: Vec<u32> = self.flags.iter().map(|flag| flag.position).collect();
        let rows: Vec<u32> = (0..self.trained.training_rows as u32).collect();
        let without = |batch: &[u32]| batch.iter().filter(|row| flagged.binary_search(row).is_err()).copied().collect();
        let batches: Vec<Vec<u32>> = rows.chunks(self.trained.importance_batch.max(1)).map(without).collect();
        self.network
            .measure_in_batches(&self.training()?, &batches, self.compute, self.progress)
    }
}

impl<C: Classifier> Repairable for Session<'_, C> {
    fn tensors(&self) -> Vec<TensorSpec> {
        self.network.tensors()
    }

    fn parameters(&self) -> Vec<f64> {
        self.network.parameters().iter().map(|value| value.to_f64()).collect()
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Result<()> {
        let into = self.network.parameters_mut();
        if into.len() != parameters.len() {
            return Err(Error::internal("wrong number of parameters"));
        }
        for (to, from) in into.iter_mut().zip(parameters) {
            *to = C::Value::from_f64(*from);
        }
        Ok(())
    }

    fn training_rows(&self) -> usize {
        self.trained.training_rows
    }

    fn forget_rows(&self) -> usize {
        self.flags.len()
    }

    fn corrected_rows(&self) -> usize {
        self.flags.iter().filter(|flag| flag.correction.is_some()).count()
    }

    /// The forget set is batched again, in training order, whatever the order it was given in.
    fn forget_importance(&self, kind: ImportanceKind) -> Result<Vec<f64>> {
        self.of_forget_set(Statistic::Importance(kind))
    }

    fn reference_importance(&self, kind: ImportanceKind, reference: Reference) -> Result<Vec<f64>> {
        let what = Statistic::Importance(kind);
        match reference {
            Reference::RetainOnOriginalBatches => self.once(format!("retain on the original batches {}", what.name()), || {
                self.on_original_batches(kind)
            }),
            Reference::Retain => {
                let training = self.training()?;
                self.once(format!("retain {}", what.name()), || {
                    self.measure(what, &training, &self.unflagged())
                })
            }
            Reference::Full if self.trained.full_set.iter().any(|(kind, _)| *kind == what) => self.of_all(what),
            Reference::Full => self.once(format!("full {}", what.name()), || match self.stored()? {
                Some(stored) => Ok(stored.full(kind).values),
                None => self.of_all(what),
            }),
        }
    }

    fn finetune(&mut self, epochs: usize, progress: &dyn Progress) -> Result<TrainingLog> {
        let plan = self.trained.plan.continued(epochs, self.trained.training_rows);
        let (network, log) = self.train_without_flagged(&self.network, &plan, C::Checkpoints::default(), progress)?;
        self.network = network;
        Ok(log)
    }

    fn retrain(&mut self, progress: &dyn Progress) -> Result<TrainingLog> {
        let initial = self
            .trained
            .initial
            .ok_or_else(|| Error::input("this model was stored without the weights its training started from"))?;
        let (network, log) = self.train_without_flagged(initial, &self.trained.plan, self.checkpoints, progress)?;
        self.network = network;
        Ok(log)
    }

    fn schedule(&self) -> TrainingSchedule {
        self.trained.plan.schedule(self.trained.training_rows)
    }

    fn rates(&self, steps: usize, per_pass: usize, first_rate: f64) -> Vec<f64> {
        self.trained.plan.rates(self.trained.training_rows, steps, per_pass, first_rate)
    }

    fn retain_rows(&self) -> Result<usize> {
        Ok(self.retain_set()?.0.len())
    }

    fn gradient_steps(
        &mut self,
        steps: &mut dyn Iterator<Item = GradientStep>,
        (seed, from): (u64, usize),
        progress: &dyn Progress,
    ) -> Result<TrainingLog> {
        self.take_steps(steps, (seed, from), progress)
    }

    fn forget_sensitivity(&self, size: OutputSize) -> Result<Vec<f64>> {
        self.of_forget_set(Statistic::Sensitivity(size))
    }

    fn reference_sensitivity(&self, size: OutputSize, reference: Reference) -> Result<Vec<f64>> {
        match reference {
            Reference::Full => self.of_all(Statistic::Sensitivity(size)),
            // Labels are not read, so corrected rows belong to what is kept.
            Reference::Retain | Reference::RetainOnOriginalBatches => {
                let (training, which) = (self.training()?, self.retain_set()?.0);
                let what = Statistic::Sensitivity(size);
                self.once(format!("retain {}", what.name()), || self.measure(what, &training, &which))
            }
        }
    }

    fn deletion_change(&self) -> Result<f64> {
        if self.flags.is_empty() {
            return Ok(1.0);
        }
        let (rows, which) = self.forget_set()?;
        let which = self.request.flagged.is_none().then_some(which.as_slice());
        let same = agreement(&self.network, &rows, which, self.compute, self.progress)?;
        Ok(1.0 - same as f64 / self.flags.len() as f64)
    }

    fn validation_accuracy(&self) -> Result<Option<f64>> {
        let Some(rows) = &self.validation else { return Ok(None) };
        let right = agreement(&self.network, rows, None, self.compute, self.progress)?;
        Ok(Some(right as f64 / rows.len() as f64))
    }

    fn start_over(&mut self) {
        self.network = self.trained.classifier.clone();
    }
}
