//! What models say about rows that they were not trained on.
//!
//! Two ways to keep a row out: cross-fitting (folds that keep groups together), and leaving a whole region out, where the model must
//! carry over what it learned elsewhere. Inputs that a region alone would vary are held at what training saw: a weight that no row
//! trained says nothing.

use std::collections::BTreeMap;

use rand_chacha::rand_core::RngCore;

use crate::error::Result;
use crate::nn::{Examples, MlpSpec, Network, Recipe, TrainingJob, probabilities, train_many};
use crate::progress::Progress;
use crate::seed::Seed;
use crate::trees::{Grown, Growth, Sheet};

/// Above this many parameters the models for a second opinion are 3x100: they must take seconds.
const MOST_PARAMETERS: usize = 120_000;
/// Fewer training rows than this say less than the class shares do.
pub(super) const FEWEST_ROWS: usize = 60;

/// How trees for an opinion are grown, and the rounds from one that is heard to the next.
const GROWTH: Growth = Growth {
    rounds: 60,
    rate: 0.1,
    leaves: 15,
};
const HEARD_EVERY: usize = 6;

/// What trees that were grown on `train` say of the rows `wanted`: logarithms, wanted x classes.
pub(super) fn said_by_trees(sheet: &Sheet, wanted: &[u32], train: &Grown<'_>) -> Vec<f64> {
    sheet.mean_over_rounds(wanted, train, &GROWTH, HEARD_EVERY)
}

/// Rows with their labels, and how a model is trained on them.
pub(super) struct Subject<'a> {
    /// Row-major, rows x width.
    pub inputs: &'a [f32],
    pub width: usize,
    pub labels: &'a [u8],
    pub groups: Option<&'a [u32]>,
    pub classes: usize,
    pub hidden: &'a [usize],
    pub recipe: &'a Recipe,
    pub seed: Seed,
    pub threads: usize,
}

impl Subject<'_> {
    fn spec(&self) -> Result<MlpSpec> {
        let spec = MlpSpec::new(self.width, self.hidden.to_vec(), self.classes)?;
        if spec.parameters() > MOST_PARAMETERS {
            return MlpSpec::new(self.width, vec![100; 3], self.classes);
        }
        Ok(spec)
    }

    /// The recipe for this many rows: every class counts as often as it occurs, and small sheets still take enough steps.
    fn recipe(&self, rows: usize) -> Recipe {
        let mut recipe = Recipe {
            class_weights: None,
            first_epoch: 0,
            ..self.recipe.clone()
        };
        while recipe.batch >= 64 && rows < recipe.batch * 15 {
            recipe.batch /= 2;
        }
        recipe
    }

    fn initial(&self, stream: &str, index: u64) -> Result<Network<f32>> {
        Network::initial(&self.spec()?, Seed(self.seed.stream(stream, index).next_u64()))
    }

    /// Shares of the classes among rows, each counted half a row more, as probabilities for `count` rows.
    pub fn shares(&self, rows: &[u32], count: usize) -> Vec<f32> {
        let mut counts = vec![0.5_f64; self.classes];
        rows.iter().for_each(|row| counts[usize::from(self.labels[*row as usize])] += 1.0);
        let all: f64 = counts.iter().sum();
        let shares: Vec<f32> = counts.iter().map(|count| (count / all) as f32).collect();
        (0..count).flat_map(|_| shares.iter().copied()).collect()
    }

    /// The fold of every row at random: rows of a group share one. `draw`: which of several draws.
    pub fn random_folds(&self, folds: usize, draw: u64) -> Vec<u8> {
        let mut random = self.seed.stream("folds", draw);
        let mut fold = || (random.next_u64() % folds as u64) as u8;
        match self.groups {
            Some(of_row) => {
                let groups = of_row.iter().max().map_or(0, |last| *last as usize + 1);
                let of_group: Vec<u8> = (0..groups).map(|_| fold()).collect();
                of_row.iter().map(|group| of_group[*group as usize]).collect()
            }
            None => (0..self.labels.len()).map(|_| fold()).collect(),
        }
    }

    /// The fold of every row by its time: folds are periods of about equally many rows, and a group is where its first row is. What went wrong
    /// for a while is then judged by models that saw nothing of that while.
    pub fn periods(&self, times: &[i64], folds: usize) -> Vec<u8> {
        let rows = self.labels.len();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|row| (times[*row], *row));
        let mut fold_of = vec![0_u8; rows];
        let mut of_group: BTreeMap<u32, u8> = BTreeMap::new();
        for (place, row) in order.into_iter().enumerate() {
            let fold = (place * folds / rows.max(1)) as u8;
            fold_of[row] = match self.groups {
                Some(groups) => *of_group.entry(groups[row]).or_insert(fold),
                None => fold,
            };
        }
        fold_of
    }

    /// The rows that the models of each fold learn from.
    pub fn training_rows(&self, fold_of: &[u8], folds: usize, kept_out: &[bool]) -> Vec<Vec<u32>> {
        let learns = |fold: usize, row: &u32| usize::from(fold_of[*row as usize]) != fold && !kept_out[*row as usize];
        (0..folds)
            .map(|fold| (0..fold_of.len() as u32).filter(|row| learns(fold, row)).collect())
            .collect()
    }

    /// Probabilities of all rows, rows x classes, each by a model that saw neither the row's fold nor any row that is `kept_out`.
    pub fn cross_fitted(&self, kept_out: &[bool], folds: usize, progress: &dyn Progress) -> Result<Vec<f32>> {
        let rows = self.labels.len();
        let fold_of = self.random_folds(folds, 0);
        let train = self.training_rows(&fold_of, folds, kept_out);
        let mut out = vec![0.0_f32; rows * self.classes];
        let mut networks = (0..folds)
            .map(|fold| self.initial("fold-weights", fold as u64))
            .collect::<Result<Vec<_>>>()?;
        let recipes: Vec<Recipe> = train.iter().map(|rows| self.recipe(rows.len())).collect();
        let enough: Vec<bool> = train.iter().map(|rows| rows.len() >= FEWEST_ROWS).collect();
        let mut jobs: Vec<TrainingJob<f32>> = networks
            .iter_mut()
            .zip(&train)
            .zip(&recipes)
            .zip(&enough)
            .filter(|(_, enough)| **enough)
            .map(|(((network, rows), recipe), _)| TrainingJob {
                network,
                examples: Examples::subset(self.inputs, self.width, self.labels, rows),
                recipe,
            })
            .collect();
        for outcome in train_many(&mut jobs, self.threads, progress) {
            outcome?;
        }
        for fold in 0..folds {
            let held: Vec<usize> = (0..rows).filter(|row| usize::from(fold_of[*row]) == fold).collect();
            let said = if enough[fold] {
                let inputs = gathered(self.inputs, self.width, &held);
                probabilities(&networks[fold], &inputs, self.threads)?
            } else {
                self.shares(&train[fold], held.len())
            };
            for (row, said) in held.iter().zip(said.chunks_exact(self.classes)) {
                out[row * self.classes..(row + 1) * self.classes].copy_from_slice(said);
            }
        }
        Ok(out)
    }

    /// Probabilities of the rows `wanted`, wanted x classes, by models that saw none of the rows `kept_out`: the mean of `models` models.
    pub fn left_out(&self, kept_out: &[bool], wanted: &[usize], models: usize, progress: &dyn Progress) -> Result<Vec<f32>> {
        let train: Vec<u32> = (0..self.labels.len() as u32).filter(|row| !kept_out[*row as usize]).collect();
        if train.len() < FEWEST_ROWS {
            return Ok(self.shares(&train, wanted.len()));
        }
        let mut inputs = gathered(self.inputs, self.width, wanted);
        self.hold_at_training(&train, &mut inputs);
        let recipe = self.recipe(train.len());
        let mut networks = (0..models)
            .map(|model| self.initial("outside-weights", model as u64))
            .collect::<Result<Vec<_>>>()?;
        let mut jobs: Vec<TrainingJob<f32>> = networks
            .iter_mut()
            .map(|network| TrainingJob {
                network,
                examples: Examples::subset(self.inputs, self.width, self.labels, &train),
                recipe: &recipe,
            })
            .collect();
        for outcome in train_many(&mut jobs, self.threads, progress) {
            outcome?;
        }
        let mut mean = vec![0.0_f32; wanted.len() * self.classes];
        for network in &networks {
            for (mean, said) in mean.iter_mut().zip(probabilities(network, &inputs, self.threads)?) {
                *mean += said / models as f32;
            }
        }
        Ok(mean)
    }

    /// Sets inputs beyond what training saw to the nearest that it saw.
    fn hold_at_training(&self, train: &[u32], inputs: &mut [f32]) {
        let mut low = vec![f32::INFINITY; self.width];
        let mut high = vec![f32::NEG_INFINITY; self.width];
        for row in train {
            let start = *row as usize * self.width;
            for (column, value) in self.inputs[start..start + self.width].iter().enumerate() {
                low[column] = low[column].min(*value);
                high[column] = high[column].max(*value);
            }
        }
        for row in inputs.chunks_exact_mut(self.width) {
            for ((value, low), high) in row.iter_mut().zip(&low).zip(&high) {
                *value = value.clamp(*low, *high);
            }
        }
    }
}

fn gathered(inputs: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    let mut taken = Vec::with_capacity(rows.len() * width);
    for row in rows {
        taken.extend_from_slice(&inputs[row * width..(row + 1) * width]);
    }
    taken
}
