//! What the rows of a step add to its loss, and what the steps of a pass lost: the same for every kind of network.

use super::steps::{Distillation, GradientStep};
use crate::error::{Error, Result};
use crate::nn::{EpochLog, Real, TrainingLog, softened};

/// The terms of one step's rows while they are put together.
pub(super) struct Terms<T> {
    pub labels: Vec<u8>,
    pub label_weights: Vec<f64>,
    targets: Vec<T>,
    target_weights: Vec<f64>,
    temperature: Option<f64>,
}

impl<T: Real> Terms<T> {
    pub fn new() -> Self {
        Self {
            labels: Vec::new(),
            label_weights: Vec::new(),
            targets: Vec::new(),
            target_weights: Vec::new(),
            temperature: None,
        }
    }

    /// The rows whose labels were added last learn from no teacher.
    pub fn without_teacher(&mut self, classes: usize) {
        self.targets.resize(self.labels.len() * classes, T::ZERO);
        self.target_weights.resize(self.labels.len(), 0.0);
    }

    /// The rows whose labels were added last learn from a teacher; [`Terms::target`] follows for each of these `rows`.
    ///
    /// # Errors
    /// Where the step has another temperature already.
    pub fn with_teacher(&mut self, distillation: Distillation, rows: usize) -> Result<()> {
        if self.temperature.is_some_and(|temperature| temperature != distillation.temperature) {
            return Err(Error::internal("two temperatures in one step"));
        }
        self.temperature = Some(distillation.temperature);
        self.target_weights
            .resize(self.labels.len(), distillation.weight / rows.max(1) as f64);
        Ok(())
    }

    /// Adds what a teacher answers to a row; where the row's label was corrected the teacher was wrong about it, and the label stands.
    pub fn target(&mut self, label: u8, corrected: bool, logits: &[T]) {
        let classes = logits.len();
        if corrected {
            self.targets
                .extend((0..classes).map(|class| if class == usize::from(label) { T::ONE } else { T::ZERO }));
        } else {
            self.targets.extend(softened(logits, classes, self.temperature()));
        }
    }

    /// Targets and their weights; empty where no row of the step has a teacher.
    pub fn targets(&self) -> (&[T], &[f64]) {
        match self.temperature {
            Some(_) => (&self.targets, &self.target_weights),
            None => (&[], &[]),
        }
    }

    pub fn temperature(&self) -> f64 {
        self.temperature.unwrap_or(1.0)
    }
}

/// Mean loss of the steps of each pass.
pub(super) struct Passes {
    first: usize,
    sums: Vec<(f64, f64, usize)>,
}

impl Passes {
    pub(super) fn new(first: usize) -> Self {
        Self { first, sums: Vec::new() }
    }

    pub(super) fn add(&mut self, step: &GradientStep, loss: f64) {
        while self.sums.len() <= step.pass {
            self.sums.push((0.0, step.learning_rate, 0));
        }
        let (sum, _, count) = &mut self.sums[step.pass];
        *sum += loss;
        *count += 1;
    }

    pub(super) fn log(&self) -> TrainingLog {
        let entry = |(pass, (sum, learning_rate, count)): (usize, &(f64, f64, usize))| EpochLog {
            epoch: self.first + pass,
            learning_rate: *learning_rate,
            loss: sum / (*count).max(1) as f64,
        };
        TrainingLog {
            epochs: self.sums.iter().enumerate().map(entry).collect(),
        }
    }
}
