//! The gradient steps of repair methods, taken by an image network: with the momentum and weight decay of its training, on images
//! augmented as there. A teacher answers to the very images that the network under repair sees.

use rand::Rng;

use super::images::ImageRepair;
use super::steps::{Ask, Distillation, GradientStep, Teacher};
use super::terms::{Passes, Terms};
use crate::error::{Error, Result};
use crate::nn::images::{ImageNetwork, ImageStepper, RowLosses, logits_with};
use crate::nn::{Real, TrainingLog};
use crate::progress::Progress;
use crate::seed::Seed;

/// The two sets that steps count their rows in: training row, label, and whether that label was corrected.
struct Sets {
    retain: Vec<(u32, u8, bool)>,
    forget: Vec<(u32, u8, bool)>,
}

/// Those who are asked for answers.
struct Teachers<'a, T> {
    original: &'a ImageNetwork<T>,
    random: Option<ImageNetwork<T>>,
    seed: u64,
}

impl<T: Real> Teachers<'_, T> {
    fn network(&mut self, teacher: Teacher) -> Result<&ImageNetwork<T>> {
        match teacher {
            Teacher::Original => Ok(self.original),
            Teacher::Random => match self.random {
                Some(ref network) => Ok(network),
                None => {
                    let seed = Seed(Seed(self.seed).stream("bad-teacher", 0).random());
                    let network = ImageNetwork::initial(self.original.spec(), seed)?;
                    Ok(self.random.insert(network))
                }
            },
        }
    }
}

/// The images of one step while they are put together.
struct Gathered<T> {
    values: Vec<T>,
    terms: Terms<T>,
}

impl<T: Real> ImageRepair<'_, T> {
    fn sets(&self) -> Sets {
        let (rows, labels) = self.retain();
        let corrected: Vec<u32> = self.forget.iter().filter_map(|(row, label)| label.map(|_| *row)).collect();
        let retain: Vec<(u32, u8, bool)> = rows
            .iter()
            .zip(&labels)
            .map(|(row, label)| (*row, *label, corrected.binary_search(row).is_ok()))
            .collect();
        let observed = self.request.plain.labels();
        let forget = self.forget_set().into_iter();
        let forget: Vec<(u32, u8, bool)> = forget.map(|row| (row, observed[row as usize], false)).collect();
        let mixed = |name: &str, set: &[(u32, u8, bool)]| -> Vec<(u32, u8, bool)> {
            let order = self.order(name, set.len());
            order.into_iter().map(|place| set[place as usize]).collect()
        };
        Sets {
            retain: mixed("repair-retain-order", &retain),
            forget: mixed("repair-forget-order", &forget),
        }
    }

    /// Takes the steps; the network stays as it is if one fails.
    pub(super) fn take_steps(
        &mut self,
        steps: &mut dyn Iterator<Item = GradientStep>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<TrainingLog> {
        let sets = self.sets();
        let before = self.network.clone();
        let mut teachers = Teachers {
            original: &before,
            random: None,
            seed,
        };
        let mut stepper = ImageStepper::new(before.clone(), self.compute)?;
        let mut passes = Passes::new(self.epochs());
        progress.start("unlearning (steps)", 0);
        let mut one = |step: GradientStep| -> Result<()> {
            progress.check()?;
            let mut gathered = Gathered::new();
            for (ask, of_forget) in [(&step.retain, false), (&step.forget, true)] {
                if let Some(ask) = ask {
                    let from = if of_forget { &sets.forget } else { &sets.retain };
                    gathered.add(ask, from, (self.epochs() + step.pass) as u32, self, &mut teachers)?;
                }
            }
            let loss = stepper.step_on(&gathered.values, &gathered.losses(), self.trained.recipe, step.learning_rate)?;
            passes.add(&step, loss);
            progress.advance(1);
            Ok(())
        };
        let outcome = steps.map(&mut one).collect::<Result<Vec<()>>>();
        progress.finish();
        outcome?;
        let network = stepper.into_network()?;
        if !network.is_finite() {
            return Err(Error::input("the repair's steps diverged").hint("choose a lower learning rate"));
        }
        self.network = network;
        Ok(passes.log())
    }
}

impl<T: Real> Gathered<T> {
    fn new() -> Self {
        Self {
            values: Vec::new(),
            terms: Terms::new(),
        }
    }

    fn add(&mut self, ask: &Ask, from: &[(u32, u8, bool)], epoch: u32, model: &ImageRepair<T>, teachers: &mut Teachers<T>) -> Result<()> {
        let picked = ask.rows.iter().map(|index| from.get(*index as usize).copied());
        let picked: Vec<(u32, u8, bool)> = picked
            .collect::<Option<_>>()
            .ok_or_else(|| Error::internal("a step asks for an image that is not there"))?;
        let rows: Vec<u32> = picked.iter().map(|(row, _, _)| *row).collect();
        let (start, size) = (self.values.len(), model.request.training.shape().len());
        self.values.resize(start + rows.len() * size, T::ZERO);
        model
            .request
            .training
            .fill(epoch, &rows, model.compute.threads, &mut self.values[start..])?;
        self.terms.labels.extend(picked.iter().map(|(_, label, _)| *label));
        let weight = if rows.is_empty() { 0.0 } else { ask.label / rows.len() as f64 };
        self.terms.label_weights.resize(self.terms.labels.len(), weight);
        match ask.distillation {
            None => {
                self.terms.without_teacher(model.network.spec().classes);
                Ok(())
            }
            Some(distillation) => self.distil(distillation, &picked, start, model, teachers),
        }
    }

    fn distil(
        &mut self,
        distillation: Distillation,
        picked: &[(u32, u8, bool)],
        start: usize,
        model: &ImageRepair<T>,
        teachers: &mut Teachers<T>,
    ) -> Result<()> {
        self.terms.with_teacher(distillation, picked.len())?;
        let teacher = teachers.network(distillation.teacher)?;
        let classes = teacher.spec().classes;
        let answers = logits_with(teacher, &self.values[start..], model.compute)?;
        for ((_, label, corrected), logits) in picked.iter().zip(answers.chunks_exact(classes)) {
            self.terms.target(*label, *corrected, logits);
        }
        Ok(())
    }

    fn losses(&self) -> RowLosses<'_, T> {
        let (targets, target_weights) = self.terms.targets();
        RowLosses {
            labels: &self.terms.labels,
            label_weights: &self.terms.label_weights,
            targets,
            target_weights,
            temperature: self.terms.temperature(),
        }
    }
}
