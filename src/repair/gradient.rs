//! The gradient steps of repair methods, taken by any classifier: with the weight decay of its training, and on rows augmented as there.
//! A teacher answers to the very rows that the network under repair sees.

use std::cell::OnceCell;

use rand::Rng;

use super::session::{Flag, Session};
use super::steps::{Distillation, GradientStep, LossTerm, Teacher};
use crate::error::{Error, Result};
use crate::learner::{Answers, Batch, Classifier, Compute, Rows};
use crate::nn::{EpochLog, Real, RowLosses, Sgd, TrainingLog, softened};
use crate::progress::Progress;
use crate::seed::Seed;

/// A row that a step may name: its number among the training rows, the label it is learned with, and whether that was corrected.
type Row = (u32, u8, bool);

/// The two sets that steps count their rows in.
struct Sets {
    retain: Vec<Row>,
    forget: Vec<Row>,
}

/// Those whose answers rows are held at or driven away from; each is made when a step first names it.
struct Teachers<'a, C: Classifier> {
    original: &'a C,
    random: &'a OnceCell<C>,
    seed: u64,
    rows: Rows<'a, C::Value>,
    compute: Compute<'a>,
    /// By [`Teacher`].
    asked: [Option<Box<dyn Answers<C::Value> + 'a>>; 2],
}

impl<'a, C: Classifier> Teachers<'a, C> {
    fn logits(&mut self, teacher: Teacher, epoch: u32, which: &[u32]) -> Result<Vec<C::Value>> {
        let answers = match self.asked[teacher as usize].take() {
            Some(answers) => answers,
            None => self.network(teacher)?.answers(self.rows, self.compute)?,
        };
        self.asked[teacher as usize].insert(answers).logits(epoch, which)
    }

    fn network(&self, teacher: Teacher) -> Result<&'a C> {
        match (teacher, self.random.get()) {
            (Teacher::Original, _) => Ok(self.original),
            (Teacher::Random, Some(network)) => Ok(network),
            (Teacher::Random, None) => {
                let drawn = self
                    .original
                    .reinitialised(Seed(Seed(self.seed).stream("bad-teacher", 0).random()))?;
                Ok(self.random.get_or_init(|| drawn))
            }
        }
    }
}

impl<C: Classifier> Session<'_, C> {
    fn sets(&self) -> Result<Sets> {
        let (rows, labels) = self.retain_set()?;
        let observed = self.training()?.labels();
        let corrected = self.flags.iter().filter(|flag| flag.correction.is_some());
        let corrected: Vec<u32> = corrected.map(|flag| flag.position).collect();
        let retained = |row: &u32| (*row, labels[*row as usize], corrected.binary_search(row).is_ok());
        let flagged = |flag: &Flag| (flag.position, observed[flag.position as usize], false);
        let ordered = |name: &str, set: Vec<Row>| -> Vec<Row> {
            let order = self.trained.plan.order(name, set.len());
            order.into_iter().map(|place| set[place as usize]).collect()
        };
        Ok(Sets {
            retain: ordered("repair-retain-order", rows.iter().map(retained).collect()),
            forget: ordered("repair-forget-order", self.flags.iter().map(flagged).collect()),
        })
    }

    /// Takes the steps; the network stays as it is if one fails.
    pub(super) fn take_steps(
        &mut self,
        steps: &mut dyn Iterator<Item = GradientStep>,
        (seed, from): (u64, usize),
        progress: &dyn Progress,
    ) -> Result<TrainingLog> {
        let (sets, rows, plan) = (self.sets()?, self.augmented()?, &self.trained.plan);
        let epochs = plan.epochs(self.trained.training_rows);
        let before = self.network.clone();
        let random = self.random_teacher.clone().map_or_else(OnceCell::new, OnceCell::from);
        let mut teachers = Teachers {
            original: &before,
            random: &random,
            seed,
            rows,
            compute: self.compute,
            asked: [None, None],
        };
        let sgd = Sgd {
            from,
            ..plan.repair_steps()
        };
        let mut stepper = before.stepper(rows, sgd, self.compute)?;
        let mut passes = Passes::new(epochs);
        progress.start("unlearning (steps)", 0);
        let mut one = |step: GradientStep| -> Result<()> {
            progress.check()?;
            let epoch = (epochs + step.pass) as u32;
            let mut gathered = Gathered::new(before.classes());
            for (term, set) in [(&step.retain, &sets.retain), (&step.forget, &sets.forget)] {
                if let Some(term) = term {
                    gathered.add(term, set, epoch, plan.class_weights(), &mut teachers)?;
                }
            }
            gathered.smooth(plan.label_smoothing());
            let loss = stepper.step(&gathered.batch(epoch), step.learning_rate)?;
            passes.add(&step, loss);
            progress.advance(1);
            Ok(())
        };
        let outcome = steps.map(&mut one).collect::<Result<Vec<()>>>();
        progress.finish();
        outcome?;
        let network = stepper.finish()?;
        if !network.is_finite() {
            return Err(Error::input("the repair's steps diverged").hint("choose a lower learning rate"));
        }
        drop(teachers);
        self.network = network;
        Ok(passes.log())
    }
}

/// The rows of one step and what each adds to its loss, while they are put together.
struct Gathered<T> {
    classes: usize,
    which: Vec<u32>,
    labels: Vec<u8>,
    label_weights: Vec<f64>,
    targets: Vec<T>,
    target_weights: Vec<f64>,
    temperature: Option<f64>,
}

impl<T: Real> Gathered<T> {
    fn new(classes: usize) -> Self {
        Self {
            classes,
            which: Vec::new(),
            labels: Vec::new(),
            label_weights: Vec::new(),
            targets: Vec::new(),
            target_weights: Vec::new(),
            temperature: None,
        }
    }

    fn add<C: Classifier<Value = T>>(
        &mut self,
        term: &LossTerm,
        set: &[Row],
        epoch: u32,
        class_weights: Option<&[f64]>,
        teachers: &mut Teachers<C>,
    ) -> Result<()> {
        let rows = term.rows.iter().map(|index| set.get(*index as usize).copied());
        let rows: Vec<Row> = rows
            .collect::<Option<_>>()
            .ok_or_else(|| Error::internal("a step names a row that is not there"))?;
        let start = self.which.len();
        self.which.extend(rows.iter().map(|(row, _, _)| *row));
        self.labels.extend(rows.iter().map(|(_, label, _)| *label));
        let weight_of = |label: &u8| class_weights.map_or(1.0, |weights| weights[usize::from(*label)]);
        let labels = &self.labels[start..];
        let total: f64 = labels.iter().map(weight_of).sum();
        let scale = if total > 0.0 { term.label / total } else { 0.0 };
        self.label_weights.extend(labels.iter().map(|label| scale * weight_of(label)));
        match term.distillation {
            Some(distillation) => {
                let logits = teachers.logits(distillation.teacher, epoch, &self.which[start..])?;
                self.distil(distillation, &rows, &logits)
            }
            None => {
                self.targets.resize(self.which.len() * self.classes, T::ZERO);
                self.target_weights.resize(self.which.len(), 0.0);
                Ok(())
            }
        }
    }

    /// The rows added last learn from a teacher. Where a row's label was corrected the teacher was wrong about it, and the label stands.
    fn distil(&mut self, distillation: Distillation, rows: &[Row], logits: &[T]) -> Result<()> {
        if self.temperature.is_some_and(|temperature| temperature != distillation.temperature) {
            return Err(Error::internal("two temperatures in one step"));
        }
        self.temperature = Some(distillation.temperature);
        let weight = distillation.weight / rows.len().max(1) as f64;
        self.target_weights.resize(self.which.len(), weight);
        for ((_, label, corrected), logits) in rows.iter().zip(logits.chunks_exact(self.classes)) {
            if *corrected {
                let one = |class| if class == usize::from(*label) { T::ONE } else { T::ZERO };
                self.targets.extend((0..self.classes).map(one));
            } else {
                self.targets.extend(softened(logits, self.classes, distillation.temperature));
            }
        }
        Ok(())
    }

    /// Labels as training saw them: this share of each is spread evenly over all classes. A step with a teacher keeps its labels as they are, since a row
    /// has one soft target.
    fn smooth(&mut self, smoothing: f64) {
        if smoothing == 0.0 || self.temperature.is_some() {
            return;
        }
        self.temperature = Some(1.0);
        self.targets = vec![T::from_f64(1.0 / self.classes as f64); self.which.len() * self.classes];
        self.target_weights = self.label_weights.iter().map(|weight| smoothing * weight).collect();
        self.label_weights.iter_mut().for_each(|weight| *weight *= 1.0 - smoothing);
    }

    fn batch(&self, epoch: u32) -> Batch<'_, T> {
        let taught = self.temperature.is_some();
        Batch {
            epoch,
            which: &self.which,
            losses: RowLosses {
                labels: &self.labels,
                label_weights: &self.label_weights,
                targets: if taught { &self.targets } else { &[] },
                target_weights: if taught { &self.target_weights } else { &[] },
                temperature: self.temperature.unwrap_or(1.0),
                entropy_weights: &[],
            },
        }
    }
}

/// Mean loss of the steps of each pass.
struct Passes {
    first: usize,
    /// Sum of losses, learning rate, steps.
    sums: Vec<(f64, f64, usize)>,
}

impl Passes {
    fn new(first: usize) -> Self {
        Self { first, sums: Vec::new() }
    }

    fn add(&mut self, step: &GradientStep, loss: f64) {
        while self.sums.len() <= step.pass {
            self.sums.push((0.0, step.learning_rate, 0));
        }
        let (sum, _, count) = &mut self.sums[step.pass];
        *sum += loss;
        *count += 1;
    }

    fn log(&self) -> TrainingLog {
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
