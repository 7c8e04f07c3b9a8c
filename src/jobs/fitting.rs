//! How a sheet's network is trained: its recipe, rows to end the training by, and the search for settings.

use rand_chacha::rand_core::RngCore;

use crate::error::Result;
use crate::features::{ClassWeights, Prepared, RecipeKind, TrainingDefaults};
use crate::jobs::train::{TrainRequest, examples};
use crate::nn::search::{Search, SearchPlan, search};
use crate::nn::{Examples, Fold, MlpSpec, Network, Recipe, Stopping, choose_epochs};
use crate::progress::Progress;

/// Share of the training rows that the search holds out where the profile keeps no validation tail.
const SEARCH_SHARE: f64 = 0.2;
/// Batches are not made smaller than this on small sheets: batch norm needs some rows.
const SMALLEST_BATCH: usize = 32;
/// With fewer validation rows than this, the end of training is chosen on blocks of the training rows as well.
const ENOUGH_TO_JUDGE: usize = 500;
/// Where those blocks begin and end, as shares of the training rows; each is judged after training on the rows before it.
const BLOCKS: [(f64, f64); 2] = [(0.6, 0.8), (0.8, 1.0)];
/// Fewest rows that a block is trained on.
const FEWEST_TO_FIT: usize = 32;

/// The recipe that profile and person ask for.
pub(super) fn recipe(request: &TrainRequest, prepared: &Prepared) -> Recipe {
    let defaults = &prepared.profile.training;
    let options = request.options;
    let balanced = options.balance_classes || defaults.class_weights == ClassWeights::Balanced;
    let class_weights = balanced.then(|| {
        let shares = &prepared.class_shares;
        let present = shares.iter().filter(|share| **share > 0.0).count().max(1) as f64;
        shares
            .iter()
            .map(|share| if *share > 0.0 { 1.0 / (share * present) } else { 0.0 })
            .collect()
    });
    let epochs = options.epochs.unwrap_or(defaults.epochs);
    let learning_rate = options.learning_rate.unwrap_or(defaults.learning_rate);
    let weight_decay = options.weight_decay.unwrap_or(defaults.weight_decay);
    let batch = options.batch.unwrap_or_else(|| batch(defaults, prepared.train.len()));
    let recipe = match defaults.recipe {
        RecipeKind::Paper => Recipe {
            epochs,
            learning_rate,
            decay: defaults.decay,
            weight_decay,
            batch,
            ..Recipe::default()
        },
        RecipeKind::Standard => {
            // Whole numbers up to 2^53 are the same in every reader of JSON.
            let order = request.seed.stream("row-order", 0).next_u64() >> 11;
            Recipe::standard(epochs, learning_rate, weight_decay, batch, order)
        }
    };
    Recipe { class_weights, ..recipe }
}

/// The profile's batch size, halved on small sheets as the profile says.
fn batch(defaults: &TrainingDefaults, rows: usize) -> usize {
    let mut batch = defaults.batch;
    while batch >= 2 * SMALLEST_BATCH && rows < batch * defaults.least_steps {
        batch /= 2;
    }
    batch
}

/// Chooses the epoch that the standard recipe ends at; `None` for a recipe that runs to its end. Later rows judge earlier ones: the
/// validation rows, and on small sheets two blocks of the training rows before them. Never test rows.
pub(super) fn stopping(
    request: &TrainRequest,
    prepared: &Prepared,
    initial: &Network<f32>,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Option<Stopping>> {
    if recipe.standard.is_none() {
        return Ok(None);
    }
    let all = examples(&prepared.train, prepared);
    let validation = prepared.validation.as_ref().filter(|part| !part.is_empty());
    let judges = validation.map_or(0, crate::features::Part::len);
    let order = in_time_order(request, prepared);
    let mut folds = Vec::new();
    if judges < ENOUGH_TO_JUDGE {
        let place = |share: f64| (share * order.len() as f64).round() as usize;
        let blocks = if validation.is_some() { &BLOCKS[..] } else { &BLOCKS[1..] };
        for (start, end) in blocks {
            if place(*start) >= FEWEST_TO_FIT && place(*end) > place(*start) {
                folds.push(Fold {
                    fit: Examples::subset(all.inputs, all.width, all.labels, &order[..place(*start)]),
                    judge: Examples::subset(all.inputs, all.width, all.labels, &order[place(*start)..place(*end)]),
                });
            }
        }
    }
    if let Some(validation) = validation {
        folds.push(Fold {
            fit: all,
            judge: examples(validation, prepared),
        });
    }
    if folds.is_empty() {
        return Ok(None);
    }
    choose_epochs(initial, &folds, recipe, request.threads, progress).map(Some)
}

/// The training rows, earlier ones first; where no column says when a row was, in an order drawn at random, groups together.
fn in_time_order(request: &TrainRequest, prepared: &Prepared) -> Vec<u32> {
    let train = &prepared.train;
    let mut order: Vec<u32> = (0..train.len() as u32).collect();
    match (&train.times, &train.groups) {
        (Some(times), _) => order.sort_by_key(|row| times[*row as usize]),
        (None, groups) => {
            let count = groups
                .as_ref()
                .and_then(|groups| groups.iter().max())
                .map_or(train.len(), |last| *last as usize + 1);
            let mut random = request.seed.stream("blocks", 0);
            let places: Vec<u64> = (0..count).map(|_| random.next_u64()).collect();
            let group = |row: u32| groups.as_ref().map_or(row, |groups| groups[row as usize]);
            order.sort_by_key(|row| (places[group(*row) as usize], *row));
        }
    }
    order
}

/// Searches on the validation tail, or on the last part of the training rows where there is none; never on test rows.
pub(super) fn run_search(
    request: &TrainRequest,
    prepared: &Prepared,
    spec: &MlpSpec,
    recipe: &Recipe,
    trials: usize,
    progress: &dyn Progress,
) -> Result<(Search, String)> {
    let all = examples(&prepared.train, prepared);
    let rows: Vec<u32> = match recipe.standard {
        Some(_) => in_time_order(request, prepared),
        None => (0..all.len() as u32).collect(),
    };
    let (fit, held_out, words) = match prepared.validation.as_ref().filter(|part| !part.is_empty()) {
        Some(validation) => (
            all,
            examples(validation, prepared),
            format!("accuracy on {} validation rows", validation.len()),
        ),
        None => {
            let cut = all.len() - (all.len() as f64 * SEARCH_SHARE) as usize;
            let (first, last) = rows.split_at(cut);
            let words = format!("accuracy on the last {} training rows, held out for the search only", last.len());
            let Examples { inputs, width, labels, .. } = all;
            (
                Examples::subset(inputs, width, labels, first),
                Examples::subset(inputs, width, labels, last),
                words,
            )
        }
    };
    let plan = SearchPlan {
        spec,
        fit,
        held_out,
        recipe,
        trials,
        budget: request.options.budget,
        seed: request.seed,
    };
    Ok((search(&plan, request.threads, progress)?, words))
}
