//! Where training ends: the epoch after which rows that are not trained on are predicted best.

use std::sync::Mutex;

use super::evaluate::probabilities;
use super::examples::Examples;
use super::network::Network;
use super::real::Real;
use super::recipe::Recipe;
use super::step::Run;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Epochs without any gain after which a training is not followed further.
const PATIENCE: usize = 8;
/// Probabilities below this count as this.
const SMALLEST: f64 = 1e-7;

/// Rows to train on and later rows to judge by.
#[derive(Debug, Clone, Copy)]
pub struct Fold<'a, T> {
    /// Trained on.
    pub fit: Examples<'a, T>,
    /// Judged by: never test rows, never rows whose labels are in doubt.
    pub judge: Examples<'a, T>,
}

/// Where a training ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopping {
    /// Epochs to train.
    pub epochs: usize,
    /// Mean cross entropy on the judged rows after each epoch, over all folds.
    pub losses: Vec<f64>,
    /// Share of them predicted right after each epoch.
    pub accuracies: Vec<f64>,
}

impl Stopping {
    /// Mean cross entropy after the chosen epoch.
    pub fn loss(&self) -> f64 {
        self.losses[self.epochs - 1]
    }

    /// Share predicted right after the chosen epoch.
    pub fn accuracy(&self) -> f64 {
        self.accuracies[self.epochs - 1]
    }
}

/// Follows a training from `initial` on every fold and takes the epoch with the lowest cross entropy over all judged rows (early stopping,
/// Prechelt 1998).
///
/// # Errors
/// Where there are no folds or no rows to judge by, the rows do not fit the network, training diverges, or the person asks to stop.
pub fn choose_epochs<T: Real>(
    initial: &Network<T>,
    folds: &[Fold<T>],
    recipe: &Recipe,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Stopping> {
    let mut losses: Vec<f64> = Vec::new();
    let mut right: Vec<f64> = Vec::new();
    let mut rows = 0;
    for fold in folds.iter().filter(|fold| !fold.judge.is_empty()) {
        rows += fold.judge.len();
        let (of_fold, right_of_fold) = follow(initial, fold, recipe, threads, progress)?;
        // A fold whose training was not followed to the end no longer gained.
        let length = losses.len().max(of_fold.len());
        let padded = |values: &[f64], epoch: usize| values.get(epoch).or(values.last()).copied().unwrap_or(0.0);
        losses = (0..length).map(|epoch| padded(&losses, epoch) + padded(&of_fold, epoch)).collect();
        right = (0..length)
            .map(|epoch| padded(&right, epoch) + padded(&right_of_fold, epoch))
            .collect();
    }
    if rows == 0 {
        return Err(Error::internal("no rows to choose the number of epochs by"));
    }
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    let best = best.ok_or_else(|| Error::internal("a training without epochs"))?;
    let mean = |totals: Vec<f64>| totals.into_iter().map(|total| total / rows as f64).collect();
    Ok(Stopping {
        epochs: best + 1,
        losses: mean(losses),
        accuracies: mean(right),
    })
}

/// Summed cross entropy and rows predicted right after each epoch.
fn follow<T: Real>(
    initial: &Network<T>,
    fold: &Fold<T>,
    recipe: &Recipe,
    threads: usize,
    progress: &dyn Progress,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut network = initial.clone();
    let (inputs, labels) = rows_of(&fold.judge);
    let seen: Mutex<(Vec<f64>, Vec<f64>)> = Mutex::default();
    let watch = |epoch: usize, network: &Network<T>| {
        let Ok(shares) = probabilities(network, &inputs, 1) else {
            return false;
        };
        let (loss, right) = judged(&shares, &labels);
        let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.0.push(loss);
        seen.1.push(right);
        let best = (0..seen.0.len()).min_by(|a, b| seen.0[*a].total_cmp(&seen.0[*b])).unwrap_or(0);
        epoch < best + PATIENCE
    };
    Run::prepare(&network, &fold.fit, recipe)?.execute_watched(&mut network, threads, progress, Some(&watch))?;
    Ok(seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn rows_of<T: Real>(examples: &Examples<T>) -> (Vec<T>, Vec<u8>) {
    let mut rows = Vec::new();
    examples.rows_at(0..examples.len(), &mut rows);
    let row = |row: &u32| examples.inputs[*row as usize * examples.width..][..examples.width].to_vec();
    (
        rows.iter().flat_map(row).collect(),
        rows.iter().map(|row| examples.labels[*row as usize]).collect(),
    )
}

fn judged<T: Real>(shares: &[T], labels: &[u8]) -> (f64, f64) {
    let classes = shares.len() / labels.len().max(1);
    let predicted = super::evaluate::predictions(shares, classes);
    let right = predicted.iter().zip(labels).filter(|(one, other)| one == other).count();
    let loss = shares.chunks_exact(classes.max(1)).zip(labels);
    let loss = loss.map(|(row, label)| -row[usize::from(*label)].to_f64().max(SMALLEST).ln()).sum();
    (loss, right as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{MlpSpec, train};
    use crate::progress::Silent;
    use crate::seed::Seed;
    use rand::Rng;

    const WIDTH: usize = 6;

    /// One input decides, with noise; the others are noise.
    fn rows(count: usize, stream: u64) -> (Vec<f32>, Vec<u8>) {
        let mut rng = Seed(3).stream("stopping-test", stream);
        let inputs: Vec<f32> = (0..count * WIDTH).map(|_| rng.random_range(-1.0..1.0)).collect();
        let labels = inputs
            .chunks_exact(WIDTH)
            .map(|row| u8::from(row[0] > rng.random_range(-1.0..1.0)))
            .collect();
        (inputs, labels)
    }

    #[test]
    fn the_chosen_epoch_is_the_best_on_the_judged_rows_whatever_the_number_of_threads() {
        let ((inputs, labels), (later, later_labels)) = (rows(600, 0), rows(300, 1));
        let initial = Network::<f32>::initial(&MlpSpec::new(WIDTH, vec![40, 40], 2).unwrap(), Seed(1)).unwrap();
        let fold = Fold {
            fit: Examples::all(&inputs, WIDTH, &labels),
            judge: Examples::all(&later, WIDTH, &later_labels),
        };
        let recipe = Recipe::standard(20, 0.03, 0.01, 64, 5);
        let found = choose_epochs(&initial, &[fold], &recipe, 1, &Silent::default()).unwrap();
        assert_eq!(choose_epochs(&initial, &[fold], &recipe, 3, &Silent::default()).unwrap(), found);
        assert!(found.losses.iter().all(|loss| *loss >= found.loss()));
        assert!(found.epochs < 20 && found.accuracy() > 0.6, "{found:?}");
        // Training that many epochs gives the network that was judged.
        let mut network = initial.clone();
        let stopped = Recipe {
            epochs: found.epochs,
            ..recipe
        };
        train(&mut network, &fold.fit, &stopped, 2, &Silent::default()).unwrap();
        let (loss, right) = judged(&probabilities(&network, &later, 1).unwrap(), &later_labels);
        assert_eq!((loss / 300.0, right / 300.0), (found.loss(), found.accuracy()));
    }
}
