//! How hard a label is to learn: what networks say of their own training rows while they learn them.
//!
//! A network learns first what holds for most rows, and only later what makes a wrong label come out right. The margin of a row's label, averaged over
//! the epochs, is low where it was learned late or never (area under the margin: Pleiss, Zhang, Elenberg, Weinberger, "Identifying Mislabeled Data using
//! the Area Under the Margin Ranking", NeurIPS 2020). Where an error ran all the time, models that did not see the row have learned it from the
//! others, and doubt the few right rows instead; a network in training has not yet.

use rand::seq::SliceRandom;
use rand_chacha::rand_core::RngCore;

use super::out_of_fold::{FEWEST_ROWS, Subject};
use crate::error::Result;
use crate::nn::{Examples, MlpSpec, Network, Recipe, TrainingJob, probabilities, train_many};
use crate::progress::{Background, Progress};
use crate::seed::Seed;

/// Networks that margins are averaged over, where there are few rows, and passes of each. Chosen on six sheets with errors of our own making.
const NETWORKS: u64 = 5;
const EPOCHS: usize = 40;
const HIDDEN: [usize; 2] = [100, 100];
const BATCH: usize = 128;
/// Above this many rows there is one network ...
const MANY_ROWS: usize = 20_000;
/// ... and above this many it takes fewer passes, but no fewer than this.
const VERY_MANY_ROWS: usize = 100_000;
const FEWEST_EPOCHS: usize = 8;
/// Least probability.
const FLOOR: f64 = 1e-30;

/// The margin of every row's label while it was learned: the logarithm of its probability less that of the likeliest other class, averaged over the epochs
/// of several networks. `None` where there are too few rows to train on.
///
/// # Errors
/// Where training fails or the person stops it.
pub(super) fn margins(subject: &Subject<'_>, progress: &dyn Progress) -> Result<Option<Vec<f64>>> {
    let rows = subject.labels.len();
    if rows < FEWEST_ROWS {
        return Ok(None);
    }
    let networks = if rows > MANY_ROWS { 1 } else { NETWORKS };
    let epochs = (EPOCHS * VERY_MANY_ROWS / rows.max(VERY_MANY_ROWS)).max(FEWEST_EPOCHS);
    let spec = MlpSpec::new(subject.width, HIDDEN.to_vec(), subject.classes)?;
    let mut trained = (0..networks)
        .map(|network| Network::initial(&spec, drawn(subject.seed, "in-training-weights", network)))
        .collect::<Result<Vec<Network<f32>>>>()?;
    let recipe = Recipe {
        epochs: 1,
        first_epoch: 0,
        learning_rate: 0.3,
        decay: 1.0,
        weight_decay: 1e-4,
        momentum: 0.9,
        batch: BATCH,
        class_weights: None,
        standard: None,
    };
    let mut sums = vec![0.0; rows];
    progress.start("training for margins", epochs as u64);
    for epoch in 0..epochs {
        let orders: Vec<Vec<u32>> = (0..networks)
            .map(|network| {
                order(
                    rows,
                    drawn(subject.seed, "in-training-order", network * EPOCHS as u64 + epoch as u64),
                )
            })
            .collect();
        let mut jobs: Vec<TrainingJob<f32>> = trained
            .iter_mut()
            .zip(&orders)
            .map(|(network, order)| TrainingJob {
                network,
                examples: Examples::subset(subject.inputs, subject.width, subject.labels, order),
                recipe: &recipe,
            })
            .collect();
        for outcome in train_many(&mut jobs, subject.threads, &Background(progress)) {
            outcome?;
        }
        for network in &trained {
            let said = probabilities(network, subject.inputs, subject.threads)?;
            for ((sum, said), label) in sums.iter_mut().zip(said.chunks_exact(subject.classes)).zip(subject.labels) {
                *sum += margin(said, usize::from(*label));
            }
        }
        progress.advance(1);
    }
    progress.finish();
    let count = (networks as usize * epochs) as f64;
    Ok(Some(sums.into_iter().map(|sum| sum / count).collect()))
}

fn margin(said: &[f32], label: usize) -> f64 {
    let log = |probability: f32| f64::from(probability).max(FLOOR).ln();
    let others = said.iter().enumerate().filter(|(class, _)| *class != label);
    let other = others.map(|(_, said)| *said).fold(0.0_f32, f32::max);
    log(said[label]) - log(other)
}

fn drawn(seed: Seed, stream: &str, index: u64) -> Seed {
    Seed(seed.stream(stream, index).next_u64())
}

/// The rows in a random order.
fn order(rows: usize, seed: Seed) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.shuffle(&mut seed.stream("order", 0));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_margin_is_the_lead_over_the_likeliest_other_class() {
        assert!((margin(&[0.6, 0.3, 0.1], 0) - 2.0_f64.ln()).abs() < 1e-6);
        assert!((margin(&[0.6, 0.3, 0.1], 2) + 6.0_f64.ln()).abs() < 1e-6);
        assert!(margin(&[1.0, 0.0], 1).is_finite());
    }

    /// Class 1 where the first input is above 0; where the second is above 1, four in five of class 1 are recorded as class 0: a model that saw none of
    /// a row has learned that, and margins still are lowest for these rows.
    #[test]
    fn labels_that_are_wrong_all_the_time_in_one_place_are_hard_to_learn() {
        let mut random = Seed(3).stream("in-training-tests", 0);
        let mut uniform = || (random.next_u64() >> 11) as f32 / (1_u64 << 53) as f32 * 4.0 - 2.0;
        let (mut inputs, mut labels, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..1_200 {
            let (first, second) = (uniform(), uniform());
            let is_wrong = first > 0.0 && second > 1.0 && row % 5 > 0;
            inputs.extend([first, second]);
            labels.push(u8::from(first > 0.0 && !is_wrong));
            wrong.push(is_wrong);
        }
        let recipe = Recipe::default();
        let found = |threads| {
            let subject = Subject {
                inputs: &inputs,
                width: 2,
                labels: &labels,
                groups: None,
                classes: 2,
                hidden: &[8],
                recipe: &recipe,
                seed: Seed(1),
                threads,
            };
            margins(&subject, &Silent::default()).unwrap().unwrap()
        };
        let margins = found(2);
        assert_eq!(margins, found(1));
        // The chance that a wrong row has a lower margin than a right one.
        let (mut lower, mut pairs) = (0, 0);
        for (row, _) in wrong.iter().enumerate().filter(|(_, wrong)| **wrong) {
            for (other, _) in wrong.iter().enumerate().filter(|(_, wrong)| !**wrong) {
                lower += usize::from(margins[row] < margins[other]);
                pairs += 1;
            }
        }
        assert!(lower as f64 > 0.6 * pairs as f64, "{lower} of {pairs}");
    }
}
