//! The gradient steps of repair methods, taken by a multilayer perceptron.

use rand::Rng;

use super::mlp::MlpRepair;
use super::steps::{Ask, Distillation, GradientStep, Teacher};
use super::terms::{Passes, Terms};
use crate::error::{Error, Result};
use crate::nn::{self, Network, Real, StepRows, Stepper, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

/// The two sets that steps count their rows in, as rows of the training matrix, and the labels that the label term learns or unlearns.
struct Sets<'a> {
    retain: Vec<u32>,
    /// Observed labels with the person's corrections in their places.
    retain_labels: std::borrow::Cow<'a, [u8]>,
    forget: Vec<u32>,
    observed: &'a [u8],
    /// Per training row whether its label was corrected.
    corrected: Vec<bool>,
}

/// Answers of the teachers on all training rows (logits, rows x classes), each computed when first asked for.
struct Teachers<'a, T> {
    original: &'a Network<T>,
    given: Option<&'a Network<T>>,
    seed: u64,
    answers: [Option<Vec<T>>; 2],
}

impl<T: Real> Teachers<'_, T> {
    fn answers(&mut self, teacher: Teacher, inputs: &[T], threads: usize) -> Result<&[T]> {
        let place = match teacher {
            Teacher::Original => 0,
            Teacher::Random => 1,
        };
        if self.answers[place].is_none() {
            let logits = match (teacher, self.given) {
                (Teacher::Original, _) => nn::logits(self.original, inputs, threads)?,
                (Teacher::Random, Some(network)) => nn::logits(network, inputs, threads)?,
                (Teacher::Random, None) => {
                    let seed = Seed(Seed(self.seed).stream("bad-teacher", 0).random());
                    nn::logits(&Network::initial(self.original.spec(), seed)?, inputs, threads)?
                }
            };
            self.answers[place] = Some(logits);
        }
        Ok(self.answers[place].as_deref().unwrap_or_default())
    }
}

/// The rows of one step while they are put together.
struct Gathered<T> {
    rows: Vec<u32>,
    terms: Terms<T>,
}

impl<T: Real> MlpRepair<'_, T> {
    /// Takes the steps; the network stays as it is if one fails.
    pub(super) fn take_steps(
        &mut self,
        steps: &mut dyn Iterator<Item = GradientStep>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<TrainingLog> {
        let training = self.training()?;
        let (retain, retain_labels) = self.retain_set()?;
        let flagged = self.flagged();
        let mut corrected = vec![false; training.labels.len()];
        for row in &retain {
            corrected[*row as usize] = flagged[*row as usize];
        }
        let forget = &self.request.forget;
        let sets = Sets {
            retain,
            retain_labels,
            forget: self.forget_order().iter().map(|index| forget.positions[*index as usize]).collect(),
            observed: training.labels,
            corrected,
        };
        let before = self.network.clone();
        let mut teachers = Teachers {
            original: &before,
            given: self.random_teacher.as_ref(),
            seed,
            answers: [None, None],
        };
        let mut stepper = Stepper::new(&before);
        let mut passes = Passes::new(self.trained.recipe.epochs);
        progress.start("unlearning", 0);
        for step in steps {
            progress.check()?;
            let mut gathered = Gathered::new();
            for (ask, of_forget) in [(&step.retain, false), (&step.forget, true)] {
                if let Some(ask) = ask {
                    gathered.add(ask, of_forget, &sets, self, &mut teachers)?;
                }
            }
            let loss = gathered.step(&mut stepper, training.inputs, step.learning_rate, self.trained.recipe.weight_decay)?;
            passes.add(&step, loss);
            progress.advance(1);
        }
        progress.finish();
        let network = stepper.into_network();
        if !network.is_finite() {
            return Err(Error::input("the repair's steps diverged").hint("choose a lower learning rate"));
        }
        drop(teachers);
        self.network = network;
        Ok(passes.log())
    }

    /// How many rows the network as it is now gives these labels.
    pub(super) fn agreement(&self, inputs: &[T], labels: &[u8]) -> Result<usize> {
        let logits = nn::logits(&self.network, inputs, self.threads)?;
        let predicted = nn::predictions(&logits, self.network.spec().classes);
        if predicted.len() != labels.len() {
            return Err(Error::internal("labels not one per row"));
        }
        Ok(predicted.iter().zip(labels).filter(|(one, other)| one == other).count())
    }
}

impl<T: Real> Gathered<T> {
    fn new() -> Self {
        Self {
            rows: Vec::new(),
            terms: Terms::new(),
        }
    }

    fn add(&mut self, ask: &Ask, of_forget: bool, sets: &Sets, model: &MlpRepair<T>, teachers: &mut Teachers<T>) -> Result<()> {
        let (from, labels): (&[u32], &[u8]) = if of_forget {
            (&sets.forget, sets.observed)
        } else {
            (&sets.retain, &sets.retain_labels)
        };
        let start = self.rows.len();
        for index in &ask.rows {
            let row = from
                .get(*index as usize)
                .ok_or_else(|| Error::internal("a step asks for a row that is not there"))?;
            self.rows.push(*row);
            self.terms.labels.push(labels[*row as usize]);
        }
        let class_weights = model.trained.recipe.class_weights.as_deref();
        let weight_of = |label: &u8| class_weights.map_or(1.0, |weights| weights[usize::from(*label)]);
        let labels = &self.terms.labels[start..];
        let total: f64 = labels.iter().map(weight_of).sum();
        let scale = if total > 0.0 { ask.label / total } else { 0.0 };
        self.terms.label_weights.extend(labels.iter().map(|label| scale * weight_of(label)));
        match ask.distillation {
            None => self.terms.without_teacher(model.network.spec().classes),
            Some(distillation) => {
                let corrected: &[bool] = if of_forget { &[] } else { &sets.corrected };
                self.distil(distillation, start, corrected, model, teachers)?;
            }
        }
        Ok(())
    }

    fn distil(
        &mut self,
        distillation: Distillation,
        start: usize,
        corrected: &[bool],
        model: &MlpRepair<T>,
        teachers: &mut Teachers<T>,
    ) -> Result<()> {
        self.terms.with_teacher(distillation, self.rows.len() - start)?;
        let classes = model.network.spec().classes;
        let answers = teachers.answers(distillation.teacher, model.training()?.inputs, model.threads)?;
        for (place, row) in self.rows.iter().enumerate().skip(start) {
            let logits = &answers[*row as usize * classes..][..classes];
            let corrected = corrected.get(*row as usize) == Some(&true);
            self.terms.target(self.terms.labels[place], corrected, logits);
        }
        Ok(())
    }

    fn step(&self, stepper: &mut Stepper<T>, inputs: &[T], learning_rate: f64, weight_decay: f64) -> Result<f64> {
        let (targets, target_weights) = self.terms.targets();
        let rows = StepRows {
            rows: &self.rows,
            labels: &self.terms.labels,
            label_weights: &self.terms.label_weights,
            targets,
            target_weights,
            temperature: self.terms.temperature(),
        };
        stepper.step(inputs, &rows, learning_rate, weight_decay)
    }
}
