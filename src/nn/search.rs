//! Hyper-parameter search: learning rate and weight decay by a tree-structured Parzen estimator (Bergstra et al. 2011), as the ASSD
//! paper does it (arXiv 2402.10098, section 4: 10 trials), judged on held-out rows that are never test rows.

use std::time::{Duration, Instant};

use rand::RngCore;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::{Examples, Fold, Freedom, MlpSpec, Network, Real, Recipe, choose_schedule, probabilities, train};
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
    /// Epochs of the schedule, with the standard recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<usize>,
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
        let mut applied = Recipe {
            learning_rate: best.learning_rate,
            weight_decay: best.weight_decay,
            ..recipe.clone()
        };
        while let (Some(epochs), Some(longer)) = (best.schedule, applied.lengthened())
            && longer.epochs <= epochs
        {
            applied = longer;
        }
        applied
    }
}

/// What a search needs.
#[derive(Debug, Clone, Copy)]
pub struct SearchPlan<'a, T> {
    /// Network to train.
    pub spec: &'a MlpSpec,
    /// Rows to train on, and later rows to judge on, never test rows. The paper's recipe takes the last of them.
    pub folds: &'a [Fold<'a, T>],
    /// Everything but learning rate and weight decay.
    pub recipe: &'a Recipe,
    /// How far each trial of the standard recipe may change its schedule.
    pub freedom: Freedom,
    /// Settings to try.
    pub trials: usize,
    /// Time after which no further setting is tried; the first one always is.
    pub budget: Option<Duration>,
    /// Run seed: initial weights and draws.
    pub seed: Seed,
}

/// Tries settings one after another, each trained from the same initial weights and judged on the held-out rows. With the standard recipe
/// the first trial is the recipe as it is, so that the search never ends worse on these rows than no search; each is judged after its
/// best epoch, over all folds, with the schedule that suits it. With a budget the number of trials, and so the result, depends on how fast
/// the machine is; the same number of trials without one gives the same.
///
/// # Errors
/// Where there are no trials, the rows do not fit the network, every trial diverges, or the person asks to stop.
pub fn search<T: Real>(plan: &SearchPlan<T>, threads: usize, progress: &dyn Progress) -> Result<Search> {
    let SearchPlan {
        spec,
        recipe,
        budget,
        seed,
        trials,
        ..
    } = *plan;
    let start = Instant::now();
    let initial = Network::initial(spec, seed)?;
    let mut generator = generator(seed);
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
        let mut tried = Recipe {
            learning_rate: rate.exp(),
            weight_decay: decay.exp(),
            ..recipe.clone()
        };
        if trial == 0 && standard {
            tried = recipe.clone();
            (rate, decay) = (recipe.learning_rate.ln(), recipe.weight_decay.max(decay_range.0).ln());
        }
        let tried = attempt(plan, &initial, &tried, threads);
        // The optimiser minimises; a run that diverged is as bad as guessing nothing right.
        let cost = tried.accuracy.map_or(1.0, |accuracy| 1.0 - accuracy);
        tell(&mut rates, rate, cost)?;
        tell(&mut decays, decay, cost)?;
        made.push(tried);
        progress.advance(1);
    }
    progress.finish();
    let best = best_of(&made)?;
    Ok(Search { trials: made, best })
}

/// Trains with one setting and judges the network.
fn attempt<T: Real>(plan: &SearchPlan<T>, initial: &Network<T>, tried: &Recipe, threads: usize) -> Trial {
    let mut trial = Trial {
        learning_rate: tried.learning_rate,
        weight_decay: tried.weight_decay,
        schedule: None,
        accuracy: None,
        loss: None,
    };
    let quiet = Silent::default();
    let judged = if tried.standard.is_some() {
        let found = choose_schedule(initial, plan.folds, tried, plan.freedom, threads, &quiet).ok();
        found.map(|(recipe, stopping)| {
            trial.weight_decay = recipe.weight_decay;
            trial.schedule = recipe.standard.map(|standard| standard.horizon);
            (stopping.accuracy(), stopping.loss())
        })
    } else {
        plan.folds.last().and_then(|fold| {
            let mut network = initial.clone();
            train(&mut network, &fold.fit, tried, threads, &quiet).ok()?;
            accuracy_and_loss(&network, &fold.judge, threads).ok()
        })
    };
    if let Some((accuracy, loss)) = judged.filter(|(_, loss)| loss.is_finite()) {
        (trial.accuracy, trial.loss) = (Some(accuracy), Some(loss));
    }
    trial
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
