//! Learning rate and weight decay of a network size: searched once, on clean data, on rows held out of the training period.

use rand::Rng;

use crate::error::{Error, Result};
use crate::experiments::RunFolder;
use crate::experiments::random_errors::compute::{count_right, predict};
use crate::experiments::random_errors::data::Data;
use crate::experiments::random_errors::plan::initial_stream;
use crate::experiments::random_errors::published;
use crate::experiments::random_errors::record::{CleanModel, Tuned};
use crate::experiments::random_errors::settings::Settings;
use crate::nn::search::{SearchPlan, search};
use crate::nn::{self, Examples, Fold, Freedom, MlpSpec, Network, Recipe};
use crate::progress::{Background, Progress};
use crate::seed::Seed;

/// Share of the training rows, the last by time, that trials are judged on.
const HELD_OUT: f64 = 0.2;

/// The file in the run folder of what was found for a size.
pub(super) fn file(size: &str) -> String {
    format!("tuning/{}.json", size.replace(',', "-"))
}

/// What was found for a size; `None` where the search has not run.
///
/// # Errors
/// Where the file cannot be read, is damaged, or holds what no search finds.
pub(super) fn read(folder: &RunFolder<Settings>, size: &str) -> Result<Option<Tuned>> {
    let Some(tuned) = folder.read_json::<Tuned>(&file(size))? else {
        return Ok(None);
    };
    let clean = &tuned.clean;
    let whole = tuned.size == size
        && tuned.learning_rate > 0.0
        && tuned.weight_decay >= 0.0
        && clean.test_rows > 0
        && clean.test_right.max(clean.test_majority) <= clean.test_rows
        && clean.train_rows > 0
        && clean.train_right <= clean.train_rows;
    if !whole {
        return Err(Error::input(format!("`{}` holds values that no search finds", file(size)))
            .in_file(folder.path().join(file(size)))
            .hint("delete this file: the search then runs again and finds the same"));
    }
    Ok(Some(tuned))
}

/// The initial weights of a scenario.
///
/// # Errors
/// Where the network cannot be.
pub fn initial_network(spec: &MlpSpec, settings: &Settings, run: u32, init: u32) -> Result<Network<f32>> {
    let (name, index) = initial_stream(settings.init_seeds, run, init);
    Network::initial(spec, Seed(Seed(settings.seed).stream(&name, index).random()))
}

/// The recipe of a batch with these values.
pub fn recipe(settings: &Settings, learning_rate: f64, weight_decay: f64) -> Recipe {
    Recipe {
        epochs: settings.epochs,
        batch: settings.batch,
        decay: settings.decay,
        learning_rate,
        weight_decay,
        ..Recipe::default()
    }
}

/// Finds learning rate and weight decay by the engine's search, then trains once on clean data.
///
/// Values that the settings give are taken as they are. Test rows play no part in the choice.
///
/// # Errors
/// Where every trial goes astray, or the person asks to stop.
pub fn tune(data: &Data, settings: &Settings, size: &str, threads: usize, progress: &dyn Progress) -> Result<Tuned> {
    let spec = MlpSpec::new(data.width, MlpSpec::parse_hidden(size)?, data.classes.len())?;
    let cut = data.train.len() - ((data.train.len() as f64 * HELD_OUT) as usize).max(1);
    let (inputs, held_out) = data.train.inputs.split_at(cut * data.width);
    let (labels, held_labels) = data.train.labels.split_at(cut);
    let given = match settings.published {
        true => Some(published::rates(size)?),
        false => settings.learning_rate.zip(settings.weight_decay),
    };
    let (learning_rate, weight_decay, trials) = match given {
        Some((learning_rate, weight_decay)) => (learning_rate, weight_decay, Vec::new()),
        None => {
            let recipe = Recipe {
                class_weights: data.class_weights(labels),
                ..recipe(settings, 0.01, 0.0)
            };
            let fold = Fold {
                fit: Examples::all(inputs, data.width, labels),
                judge: Examples::all(held_out, data.width, held_labels),
            };
            let plan = SearchPlan {
                spec: &spec,
                folds: &[fold],
                recipe: &recipe,
                freedom: Freedom::default(),
                trials: settings.trials as usize,
                budget: None,
                seed: search_seed(settings, size),
            };
            let found = search(&plan, threads, &Background(progress)).map_err(|error| advise(&error, size))?;
            let best = found.best();
            (best.learning_rate, best.weight_decay, found.trials.clone())
        }
    };
    let mut network = initial_network(&spec, settings, 0, 0)?;
    let examples = Examples::all(&data.train.inputs, data.width, &data.train.labels);
    let recipe = Recipe {
        class_weights: data.class_weights(&data.train.labels),
        ..recipe(settings, learning_rate, weight_decay)
    };
    nn::train(&mut network, &examples, &recipe, threads, &Background(progress))?;
    let searched = !trials.is_empty();
    Ok(Tuned {
        size: size.to_owned(),
        learning_rate,
        weight_decay,
        trials,
        trial_training_rows: if searched { cut as u32 } else { 0 },
        trial_validation_rows: if searched { held_labels.len() as u32 } else { 0 },
        clean: clean_model(data, &network, threads)?,
    })
}

/// Each size has a search of its own.
fn search_seed(settings: &Settings, size: &str) -> Seed {
    Seed(Seed(settings.seed).stream(&format!("scenario-search/{size}"), 0).random())
}

fn advise(error: &Error, size: &str) -> Error {
    Error::new(error.kind(), format!("size `{size}`: {}", error.message()))
        .hint("give the values yourself: `--learning-rate 0.01 --weight-decay 1e-5`")
}

fn clean_model(data: &Data, network: &Network<f32>, threads: usize) -> Result<CleanModel> {
    let predicted = predict(network, &data.test.inputs, threads)?;
    let right: Vec<bool> = predicted.iter().zip(&data.test.labels).map(|(one, other)| one == other).collect();
    let mut counts = vec![0_u32; data.classes.len()];
    for label in &data.test.labels {
        counts[usize::from(*label)] += 1;
    }
    Ok(CleanModel {
        test_rows: data.test.len() as u32,
        test_right: count_right(&predicted, &data.test.labels),
        train_rows: data.train.len() as u32,
        train_right: count_right(&predict(network, &data.train.inputs, threads)?, &data.train.labels),
        test_majority: counts.into_iter().max().unwrap_or(0),
        standard_error: standard_error(&right, None),
        standard_error_by_group: data.test.groups.as_ref().map(|groups| standard_error(&right, Some(groups))),
    })
}

/// Standard error of a share, with rows or whole groups as the independent units (linearised ratio estimator, Cochran 1977, section 3.12).
fn standard_error(right: &[bool], groups: Option<&[u32]>) -> f64 {
    let rows = right.len() as f64;
    let share = right.iter().filter(|right| **right).count() as f64 / rows;
    let mut residuals: std::collections::BTreeMap<u32, f64> = std::collections::BTreeMap::new();
    for (row, right) in right.iter().enumerate() {
        let unit = groups.map_or(row as u32, |groups| groups[row]);
        *residuals.entry(unit).or_default() += f64::from(u8::from(*right)) - share;
    }
    let units = residuals.len() as f64;
    if units < 2.0 {
        return 0.0;
    }
    let squares: f64 = residuals.values().map(|residual| residual * residual).sum();
    (squares * units / (units - 1.0)).sqrt() / rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_group_count_as_one_unit() {
        let right: Vec<bool> = (0..100).map(|row| row % 4 != 0).collect();
        let by_row = standard_error(&right, None);
        assert!((by_row - (0.75_f64 * 0.25 / 99.0).sqrt()).abs() < 1e-12, "{by_row}");
        // Four copies of each row carry no more information than one.
        let copies: Vec<bool> = right.iter().flat_map(|right| [*right; 4]).collect();
        let groups: Vec<u32> = (0..100).flat_map(|group| [group; 4]).collect();
        assert!((standard_error(&copies, Some(&groups)) - by_row).abs() < 1e-12);
        assert!(standard_error(&copies, None) < 0.51 * by_row);
    }
}
