//! Where training ends and how sure its network may be: the epoch after which rows that are not trained on are predicted best, and the
//! temperature that makes its probabilities as right as they say. Epochs are compared by their cross entropy at each one's best
//! temperature, so that training does not end early because the network grows too sure of itself (Berta et al. 2025, "Rethinking Early
//! Stopping: Refine, Then Calibrate").

use std::sync::RwLock;

use super::evaluate::{logits, probabilities};
use super::examples::Examples;
use super::network::Network;
use super::real::Real;
use super::recipe::{Recipe, Standard};
use super::step::{Run, Watch};
use super::steps::softened;
use super::team::write;
use super::train::for_each_on_threads;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Epochs without any gain after which a training is not followed further ...
const PATIENCE: usize = 8;
/// ... or this part of the schedule, where that is more.
const PATIENT_PART: usize = 5;
/// Probabilities below this count as this.
const SMALLEST: f64 = 1e-7;
/// Temperatures looked at: e to the power of these twentieths, 0.67 to 3.
const TWENTIETHS: std::ops::RangeInclusive<i32> = -8..=22;
/// What a temperature costs for each unit of its squared logarithm, as cross entropy summed over rows: few rows hardly move it from 1.
const PRIOR: f64 = 10.0;
/// A training that is best in this last part of its schedule may gain by a longer one ...
const STILL_LEARNING: f64 = 0.6;
/// ... which is kept where it lowers the cross entropy by this share.
const WORTH_IT: f64 = 0.002;
/// Most later rows of a fold that are looked at after every epoch; of more, every second, third ... one.
const MOST_JUDGED: usize = 20_000;
/// Weight decay of a training that bears a longer schedule, as a share of what it was.
const LIGHTER: f64 = 0.1;

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
    /// What the logits are divided by afterwards, to three decimals.
    pub temperature: f64,
    /// Mean cross entropy on the judged rows after each epoch, over all folds, each at the epoch's best temperature.
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

/// How far a schedule may be changed where later rows are then predicted better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freedom {
    /// Most epochs of a longer schedule; 0: the schedule stays.
    pub most_epochs: usize,
    /// Whether the weight decay may be lower.
    pub lighter: bool,
}

/// Chooses the epoch that a training ends at, with its temperature; and a schedule of twice, four times ... as many epochs where training
/// was still learning at the end of the shorter one, within `freedom`. The recipe that comes with it trains the network that was judged.
///
/// # Errors
/// As [`choose_epochs`].
pub fn choose_schedule<T: Real>(
    initial: &Network<T>,
    folds: &[Fold<T>],
    recipe: &Recipe,
    freedom: Freedom,
    threads: usize,
    progress: &dyn Progress,
) -> Result<(Recipe, Stopping)> {
    let judged = |recipe: &Recipe| choose_epochs(initial, folds, recipe, threads, progress);
    let better = |found: &Stopping, than: &Stopping| found.loss() < (1.0 - WORTH_IT) * than.loss();
    let mut chosen = recipe.clone();
    let mut stopping = judged(recipe)?;
    while let Some(longer) = chosen.lengthened() {
        let learning = stopping.epochs as f64 > STILL_LEARNING * chosen.epochs as f64;
        if !learning || longer.epochs > freedom.most_epochs {
            break;
        }
        let found = judged(&longer)?;
        if !better(&found, &stopping) {
            break;
        }
        (chosen, stopping) = (longer, found);
    }
    if freedom.lighter && chosen.epochs > recipe.epochs {
        let lighter = Recipe {
            weight_decay: LIGHTER * chosen.weight_decay,
            ..chosen.clone()
        };
        let found = judged(&lighter)?;
        if better(&found, &stopping) {
            (chosen, stopping) = (lighter, found);
        }
    }
    chosen.epochs = stopping.epochs;
    chosen.standard = chosen.standard.map(|standard| Standard {
        temperature: stopping.temperature,
        ..standard
    });
    Ok((chosen, stopping))
}

/// Follows a training from `initial` on every fold and takes the epoch with the lowest cross entropy over all judged rows (early stopping,
/// Prechelt 1998), each epoch at its best temperature.
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
    let mut sums: Vec<Judged> = Vec::new();
    for fold in folds.iter().filter(|fold| !fold.judge.is_empty()) {
        let of_fold = follow(initial, fold, recipe, threads, progress)?;
        // A fold whose training was not followed to the end no longer gained.
        let length = sums.len().max(of_fold.len());
        let none = Judged::default();
        let padded = |values: &[Judged], epoch: usize| values.get(epoch).or(values.last()).unwrap_or(&none).clone();
        sums = (0..length)
            .map(|epoch| padded(&sums, epoch).plus(&padded(&of_fold, epoch)))
            .collect();
    }
    let best = first_lowest(&sums).ok_or_else(|| Error::internal("no epochs, or no rows to choose their number by"))?;
    Ok(Stopping {
        epochs: best + 1,
        temperature: (sums[best].best().0 * 1e3).round() / 1e3,
        losses: sums.iter().map(|judged| judged.best().1 / judged.rows).collect(),
        accuracies: sums.iter().map(|judged| judged.right / judged.rows).collect(),
    })
}

/// What a network says of rows: cross entropy at every temperature of [`TWENTIETHS`], and rows predicted right, both summed over the rows.
#[derive(Debug, Clone, Default)]
struct Judged {
    rows: f64,
    losses: Vec<f64>,
    right: f64,
}

impl Judged {
    /// `shares` are probabilities, rows x classes; a softmax of their logarithms divided by t is the one of the logits divided by t.
    fn new<T: Real>(shares: &[T], labels: &[u8]) -> Self {
        let classes = (shares.len() / labels.len().max(1)).max(1);
        let predicted = super::evaluate::predictions(shares, classes);
        let right = predicted.iter().zip(labels).filter(|(one, other)| one == other).count() as f64;
        let mut losses = vec![0.0; TWENTIETHS.count()];
        let inverses: Vec<f64> = TWENTIETHS.map(|place| 1.0 / temperature(place)).collect();
        let mut logs = vec![0.0; classes];
        for (row, label) in shares.chunks_exact(classes).zip(labels) {
            let largest = row.iter().map(|share| share.to_f64()).fold(SMALLEST, f64::max).ln();
            let each = logs.iter_mut().zip(row);
            each.for_each(|(log, share)| *log = share.to_f64().max(SMALLEST).ln() - largest);
            for (loss, inverse) in losses.iter_mut().zip(&inverses) {
                let total: f64 = logs.iter().map(|log| (log * inverse).exp()).sum();
                *loss += total.ln() - logs[usize::from(*label)] * inverse;
            }
        }
        Self {
            rows: labels.len() as f64,
            losses,
            right,
        }
    }

    fn plus(&self, other: &Self) -> Self {
        let losses = if self.losses.is_empty() {
            other.losses.clone()
        } else {
            self.losses.iter().zip(&other.losses).map(|(one, other)| one + other).collect()
        };
        Self {
            rows: self.rows + other.rows,
            losses,
            right: self.right + other.right,
        }
    }

    /// The best temperature, drawn towards 1 where there are few rows, and the summed cross entropy at it.
    fn best(&self) -> (f64, f64) {
        let cost = |place: i32, loss: f64| loss + PRIOR * temperature(place).ln().powi(2);
        TWENTIETHS
            .zip(&self.losses)
            .map(|(place, loss)| (cost(place, *loss), temperature(place), *loss))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map_or((1.0, 0.0), |(_, temperature, loss)| (temperature, loss))
    }
}

fn temperature(twentieth: i32) -> f64 {
    (f64::from(twentieth) / 20.0).exp()
}

/// The first epoch with the lowest cross entropy.
fn first_lowest(epochs: &[Judged]) -> Option<usize> {
    let losses: Vec<f64> = epochs.iter().map(|judged| judged.best().1).collect();
    (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]))
}

/// What a training in progress says of a fold's later rows after each epoch.
fn follow<T: Real>(initial: &Network<T>, fold: &Fold<T>, recipe: &Recipe, threads: usize, progress: &dyn Progress) -> Result<Vec<Judged>> {
    let (inputs, labels) = rows_of(&fold.judge);
    let patience = PATIENCE.max(recipe.epochs / PATIENT_PART);
    let watched = |network: &Network<T>, recipe: &Recipe, threads: usize, watch: &Watch<T>| {
        Run::prepare(network, &fold.fit, recipe)?.execute_watched(&mut network.clone(), threads, progress, Some(watch))
    };
    let members = initial.members()?;
    // The first member, or the single network, says how far the training is followed.
    let seen: RwLock<(Vec<Judged>, Vec<Vec<T>>)> = RwLock::default();
    let watch = |epoch: usize, network: &Network<T>| {
        let Ok(shares) = probabilities(network, &inputs, 1) else {
            return false;
        };
        let mut seen = write(&seen);
        let (judged, said) = &mut *seen;
        judged.push(Judged::new(&shares, &labels));
        if members.len() > 1 {
            let Ok(logits) = logits(network, &inputs, 1) else { return false };
            said.push(logits);
        }
        epoch < first_lowest(judged).unwrap_or(0) + patience
    };
    watched(&members[0], &recipe.of_member(0), threads, &watch)?;
    let (judged, mut sums) = std::mem::take(&mut *write(&seen));
    if members.len() == 1 {
        return Ok(judged);
    }
    let most = sums.len();
    let mut others: Vec<(usize, &Network<T>)> = members.iter().enumerate().skip(1).collect();
    let said = for_each_on_threads(&mut others, threads, |(number, member), threads| {
        let said: RwLock<Vec<Vec<T>>> = RwLock::default();
        let watch = |epoch: usize, network: &Network<T>| {
            let logits = logits(network, &inputs, 1);
            logits.is_ok_and(|logits| {
                write(&said).push(logits);
                epoch + 1 < most
            })
        };
        watched(member, &recipe.of_member(*number), threads, &watch)?;
        Ok::<_, Error>(std::mem::take(&mut *write(&said)))
    });
    for member in said {
        for (sum, logits) in sums.iter_mut().zip(member?) {
            sum.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += logit);
        }
    }
    // A softmax at the number of members is one of the mean.
    let judged = |sum: &Vec<T>| Judged::new(&softened(sum, initial.spec().classes, members.len() as f64), &labels);
    Ok(sums.iter().map(judged).collect())
}

/// Inputs and labels of the rows that are looked at.
fn rows_of<T: Real>(examples: &Examples<T>) -> (Vec<T>, Vec<u8>) {
    let mut rows = Vec::new();
    examples.rows_at(0..examples.len(), &mut rows);
    let rows: Vec<u32> = rows.iter().step_by(rows.len().div_ceil(MOST_JUDGED).max(1)).copied().collect();
    let row = |row: &u32| examples.inputs[*row as usize * examples.width..][..examples.width].to_vec();
    (
        rows.iter().flat_map(row).collect(),
        rows.iter().map(|row| examples.labels[*row as usize]).collect(),
    )
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
        // Training that many epochs, with the temperature, gives the network that was judged.
        let (chosen, again) = choose_schedule(&initial, &[fold], &recipe, Freedom::default(), 2, &Silent::default()).unwrap();
        assert_eq!((&again, chosen.epochs), (&found, found.epochs));
        let mut network = initial.clone();
        train(&mut network, &fold.fit, &chosen, 2, &Silent::default()).unwrap();
        let (loss, right) = loss_and_right(&network, &later, &later_labels);
        assert!((loss - found.loss()).abs() < 1e-4, "{loss} {found:?}");
        assert_eq!(right, found.accuracy());
    }

    #[test]
    fn the_epoch_of_an_ensemble_is_the_best_of_the_mean_of_its_members() {
        let ((inputs, labels), (later, later_labels)) = (rows(600, 0), rows(300, 1));
        let initial = Network::<f32>::initial(&MlpSpec::ensemble(3, WIDTH, &[30, 20], 2).unwrap(), Seed(1)).unwrap();
        let fold = Fold {
            fit: Examples::all(&inputs, WIDTH, &labels),
            judge: Examples::all(&later, WIDTH, &later_labels),
        };
        let recipe = Recipe::standard(12, 0.03, 0.01, 64, 5);
        let found = choose_schedule(&initial, &[fold], &recipe, Freedom::default(), 1, &Silent::default()).unwrap();
        let again = choose_schedule(&initial, &[fold], &recipe, Freedom::default(), 3, &Silent::default()).unwrap();
        assert_eq!(found, again);
        let (chosen, stopping) = found;
        let mut network = initial.clone();
        train(&mut network, &fold.fit, &chosen, 2, &Silent::default()).unwrap();
        let (loss, right) = loss_and_right(&network, &later, &later_labels);
        assert!((loss - stopping.loss()).abs() < 1e-4, "{loss} {stopping:?}");
        assert_eq!(right, stopping.accuracy());
        // Not what the first member alone says.
        let alone = choose_epochs(&initial.members().unwrap()[0], &[fold], &recipe, 1, &Silent::default()).unwrap();
        assert_eq!(alone.losses.len(), stopping.losses.len());
        assert!(stopping.losses.iter().zip(&alone.losses).all(|(all, one)| all != one));
    }

    /// Mean cross entropy, and share predicted right.
    fn loss_and_right(network: &Network<f32>, inputs: &[f32], labels: &[u8]) -> (f64, f64) {
        let shares = probabilities(network, inputs, 1).unwrap();
        let of_label = |(row, label): (usize, &u8)| -f64::from(shares[2 * row + usize::from(*label)]).ln();
        let loss: f64 = labels.iter().enumerate().map(of_label).sum();
        (loss / labels.len() as f64, Judged::new(&shares, labels).right / labels.len() as f64)
    }

    #[test]
    fn the_temperature_makes_probabilities_as_right_as_they_say_and_changes_no_answer() {
        // Twice as sure as it may be: logits of 2 where 1 is right, for 4,000 rows.
        let mut rng = Seed(4).stream("stopping-test", 2);
        let right = 1.0 / (1.0 + (-1.0_f64).exp());
        let labels: Vec<u8> = (0..4_000).map(|_| u8::from(rng.random::<f64>() < right)).collect();
        let said = (1.0 / (1.0 + 2.0_f64.exp())) as f32;
        let shares: Vec<f32> = labels.iter().flat_map(|_| [said, 1.0 - said]).collect();
        let judged = Judged::new(&shares, &labels);
        assert!((1.8..2.3).contains(&judged.best().0), "{:?}", judged.best());
        // At 1, the loss is that of the probabilities themselves; few rows hardly move the temperature.
        let plain: f64 = labels
            .iter()
            .map(|label| -f64::from(if *label == 1 { 1.0 - said } else { said }).ln())
            .sum();
        assert!((judged.losses[8] - plain).abs() < 1e-3 * plain);
        let few = Judged::new(&shares[..40], &labels[..20]);
        assert!((few.best().0 - 1.0).abs() < 0.35, "{:?}", few.best());
        let mut network = Network::<f32>::initial(&MlpSpec::new(WIDTH, vec![8], 2).unwrap(), Seed(1)).unwrap();
        let (inputs, _) = rows(50, 3);
        let before = crate::nn::logits(&network, &inputs, 1).unwrap();
        network.divide_logits(2.0);
        let after = crate::nn::logits(&network, &inputs, 1).unwrap();
        assert!(before.iter().zip(&after).all(|(before, after)| (before / 2.0 - after).abs() < 1e-6));
    }

    #[test]
    fn a_schedule_grows_only_where_training_is_still_learning_and_only_as_far_as_it_may() {
        // Whether two inputs have the same sign: a few epochs do not learn it.
        let mut rng = Seed(3).stream("stopping-test", 4);
        let inputs: Vec<f32> = (0..900 * WIDTH).map(|_| rng.random_range(-1.0..1.0)).collect();
        let labels: Vec<u8> = inputs.chunks_exact(WIDTH).map(|row| u8::from(row[0] * row[1] > 0.0)).collect();
        let initial = Network::<f32>::initial(&MlpSpec::new(WIDTH, vec![30], 2).unwrap(), Seed(1)).unwrap();
        let fold = Fold {
            fit: Examples::all(&inputs[..600 * WIDTH], WIDTH, &labels[..600]),
            judge: Examples::all(&inputs[600 * WIDTH..], WIDTH, &labels[600..]),
        };
        let recipe = Recipe::standard(4, 0.03, 0.01, 64, 5);
        let horizon = |most_epochs: usize, lighter: bool| {
            let freedom = Freedom { most_epochs, lighter };
            let (chosen, stopping) = choose_schedule(&initial, &[fold], &recipe, freedom, 1, &Silent::default()).unwrap();
            (chosen.standard.unwrap().horizon, chosen.weight_decay, stopping.loss())
        };
        let (short, long) = (horizon(7, true), horizon(16, false));
        assert_eq!((short.0, short.1), (4, 0.01));
        assert_eq!((long.0, long.1), (16, 0.01));
        assert!(long.2 < short.2);
    }
}
