//! Hyper-parameter search: learning rate and weight decay by a tree-structured Parzen estimator (Bergstra et al. 2011), as the ASSD
//! paper does it (arXiv 2402.10098, section 4: 10 trials), judged on held-out rows that are never test rows.

use std::time::{Duration, Instant};

use rand::RngCore;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::{Examples, Fold, MlpSpec, Network, Real, Recipe, choose_epochs, probabilities, train};
use crate::error::{Error, Result};
use crate::progress::{Progress, Silent};
use crate::seed::Seed;

/// Learning rates looked at (the paper's range).
pub const LEARNING_RATES: (f64, f64) = (1e-5, 1e-1);
/// Weight decays looked at (the paper's range).
pub const WEIGHT_DECAYS: (f64, f64) = (1e-6, 1e-1);

/// One setting that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Share of the held-out rows predicted right; absent where training diverged.
    pub accuracy: Option<f64>,
    /// Mean cross entropy on the held-out rows; absent where training diverged.
    pub loss: Option<f64>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// All trials, in the order they were made.
    pub trials: Vec<Trial>,
    /// Index of the best: highest accuracy, then lowest loss, then the earliest.
    pub best: usize,
}

impl Search {
    /// The best trial.
    pub fn best(&self) -> &Trial {
        &self.trials[self.best]
    }

    /// The recipe with the best trial's values.
    pub fn apply(&self, recipe: &Recipe) -> Recipe {
        let best = self.best();
        Recipe {
            learning_rate: best.learning_rate,
            weight_decay: best.weight_decay,
            ..recipe.clone()
        }
    }
}

/// What a search needs.
#[derive(Debug, Clone, Copy)]
pub struct SearchPlan<'a, T> {
    /// Network to train.
    pub spec: &'a MlpSpec,
    /// Rows to train on.
    pub fit: Examples<'a, T>,
    /// Rows to judge on; never test rows.
    pub held_out: Examples<'a, T>,
    /// Everything but learning rate and weight decay.
    pub recipe: &'a Recipe,
    /// Settings to try.
    pub trials: usize,
    /// Time after which no further setting is tried; the first one always is.
    pub budget: Option<Duration>,
    /// Run seed: initial weights and draws.
    pub seed: Seed,
}

/// Tries settings one after another, each trained from the same initial weights and judged on the held-out rows. With the standard recipe
/// the first trial is the recipe as it is, so that the search never ends worse on these rows than no search, and each is judged after its
/// best epoch. With a budget the number of trials, and so the result, depends on how fast the machine is; the same number of trials without one gives the
/// same.
///
/// # Errors
/// Where there are no trials, the rows do not fit the network, every trial diverges, or the person asks to stop.
pub fn search<T: Real>(plan: &SearchPlan<T>, threads: usize, progress: &dyn Progress) -> Result<Search> {
    let SearchPlan {
        spec,
        fit,
        held_out,
        recipe,
        trials,
        budget,
        seed,
    } = plan;
    let trials = *trials;
    let start = Instant::now();
    let initial = Network::initial(spec, *seed)?;
    let mut generator = generator(*seed);
    let standard = recipe.standard.is_some();
    let (rate_range, decay_range) = if standard {
        (
            around(LEARNING_RATES, recipe.learning_rate),
            around(WEIGHT_DECAYS, recipe.weight_decay),
        )
    } else {
        (LEARNING_RATES, WEIGHT_DECAYS)
    };
    let mut rates = optimiser(rate_range)?;
    let mut decays = optimiser(decay_range)?;
    let mut made: Vec<Trial> = Vec::with_capacity(trials);
    progress.start("searching", trials as u64);
    for trial in 0..trials {
        progress.check()?;
        // A trial that would probably end after the time is not begun.
        let next = start.elapsed().mul_f64((trial + 1) as f64 / trial.max(1) as f64);
        if trial > 0 && budget.is_some_and(|budget| next > budget) {
            break;
        }
        let mut rate = ask(&mut rates, &mut generator)?;
        let mut decay = ask(&mut decays, &mut generator)?;
        if trial == 0 && standard {
            (rate, decay) = (recipe.learning_rate.ln(), recipe.weight_decay.max(decay_range.0).ln());
        }
        let tried = Recipe {
            learning_rate: rate.exp(),
            weight_decay: decay.exp(),
            ..(*recipe).clone()
        };
        let judged = if standard {
            let fold = Fold {
                fit: *fit,
                judge: *held_out,
            };
            let found = choose_epochs(&initial, &[fold], &tried, threads, &Silent::default()).ok();
            found.map(|stopping| (stopping.accuracy(), stopping.loss()))
        } else {
            let mut network = initial.clone();
            let trained = train(&mut network, fit, &tried, threads, &Silent::default());
            trained.ok().and_then(|_| accuracy_and_loss(&network, held_out, threads).ok())
        }
        .filter(|(_, loss)| loss.is_finite());
        made.push(Trial {
            learning_rate: tried.learning_rate,
            weight_decay: tried.weight_decay,
            accuracy: judged.map(|(accuracy, _)| accuracy),
            loss: judged.map(|(_, loss)| loss),
        });
        // The optimiser minimises; a run that diverged is as bad as guessing nothing right.
        let cost = judged.map_or(1.0, |(accuracy, _)| 1.0 - accuracy);
        tell(&mut rates, rate, cost)?;
        tell(&mut decays, decay, cost)?;
        progress.advance(1);
    }
    progress.finish();
    let best = best_of(&made)?;
    Ok(Search { trials: made, best })
}

/// A range within a tenth to ten times of a value, and within the paper's.
fn around((low, high): (f64, f64), value: f64) -> (f64, f64) {
    let (near, far) = ((value / 10.0).max(low), (value * 10.0).min(high));
    if near < far { (near, far) } else { (low, high) }
}

fn generator(seed: Seed) -> Pcg64 {
    let mut bytes = [0; 32];
    seed.stream("hyper-parameter-search", 0).fill_bytes(&mut bytes);
    Pcg64::from_seed(bytes)
}

type Optimiser = tpe::TpeOptimizer;

/// Over the logarithm of a range: both settings matter by factors.
fn optimiser((low, high): (f64, f64)) -> Result<Optimiser> {
    let range = tpe::range(low.ln(), high.ln()).map_err(|error| Error::internal(format!("search range: {error}")))?;
    Ok(Optimiser::new(tpe::parzen_estimator(), range))
}

fn ask(optimiser: &mut Optimiser, generator: &mut Pcg64) -> Result<f64> {
    optimiser
        .ask(generator)
        .map_err(|error| Error::internal(format!("hyper-parameter search: {error}")))
}

fn tell(optimiser: &mut Optimiser, value: f64, cost: f64) -> Result<()> {
    optimiser
        .tell(value, cost)
        .map_err(|error| Error::internal(format!("hyper-parameter search: {error}")))
}

fn best_of(trials: &[Trial]) -> Result<usize> {
    let judged = trials
        .iter()
        .enumerate()
        .filter_map(|(index, trial)| Some((index, trial.accuracy?, trial.loss?)));
    judged
        .min_by(|a, b| b.1.total_cmp(&a.1).then(a.2.total_cmp(&b.2)).then(a.0.cmp(&b.0)))
        .map(|(index, _, _)| index)
        .ok_or_else(|| {
            Error::input(format!("none of the {} trials of the search gave a usable model", trials.len()))
                .hint("give more trials with `--trials 20`, or leave the search out")
        })
}

/// Share predicted right and mean cross entropy.
fn accuracy_and_loss<T: Real>(network: &Network<T>, examples: &Examples<T>, threads: usize) -> Result<(f64, f64)> {
    let classes = network.spec().classes;
    let shares = probabilities(network, examples.inputs, threads)?;
    let predicted = super::predictions(&shares, classes);
    let positions = 0..examples.len();
    let row_of = |position: usize| examples.rows.map_or(position, |rows| rows[position] as usize);
    let (mut right, mut loss) = (0_usize, 0.0);
    for row in positions.map(row_of) {
        let label = usize::from(examples.labels[row]);
        right += usize::from(usize::from(predicted[row]) == label);
        loss -= shares[row * classes + label].to_f64().max(1e-12).ln();
    }
    let rows = examples.len().max(1) as f64;
    Ok((right as f64 / rows, loss / rows))
}
